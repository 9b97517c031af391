"""The catalog of findings about a VM: meaning, what the app does, and what to do.

The table in docs/findings.md is made of this one, so that no finding is without its row.
"""

from datetime import datetime
from typing import NamedTuple

from shared.model.findings import Finding, Severity

_RUN = "the VM's own run"
_NOTHING = "nothing"


class Drift(NamedTuple):
    severity: Severity
    means: str
    does: str
    fix: str


DRIFT = {
    "MissingProtection": Drift(
        Severity.WARNING,
        "it is tagged, and nothing protects it",
        f"{_RUN} enables it, or reports why not",
        "Nothing, unless the finding persists: GET .../protection shows the result of its run.",
    ),
    "NotEligible": Drift(
        Severity.WARNING,
        "it is tagged, and cannot be protected as it is",
        f"{_NOTHING}, until the reason is gone",
        "See the other findings of the VM: each says what to do.",
    ),
    "EnableFailed": Drift(
        Severity.WARNING,
        "the last attempt to enable its replication failed",
        f"{_RUN} removes the failed item if the app created it, and retries twice",
        "Fix what the error names; a failed item that the app did not create: disable its replication in the portal.",
    ),
    "InitialReplicationStalled": Drift(
        Severity.WARNING,
        "its initial replication has not ended within 24 hours of the enable job",
        "keeps monitoring",
        "See the item's health in the portal: cache account, outbound connectivity, churn.",
    ),
    "Unhealthy": Drift(
        Severity.WARNING,
        "the service says that its replication is in health Warning or Critical",
        _NOTHING,
        "Do what the service recommends for the errors named.",
    ),
    "RpoBreached": Drift(
        Severity.WARNING,
        "its last recovery point is older than its profile allows (`rpoLimitMinutes`)",
        _NOTHING,
        "See the item's health: churn above the limits, a throttled cache account, no outbound connectivity.",
    ),
    "DiskNotProtected": Drift(
        Severity.WARNING,
        "a disk was attached after replication was enabled",
        "adds it to an item that the app created",
        "To any other item: add it in the portal under Disks.",
    ),
    "DiskRemoved": Drift(
        Severity.WARNING,
        "a replicated disk is no longer attached",
        _NOTHING,
        "Attach it again, or remove it from the item in the portal.",
    ),
    "PolicyMismatch": Drift(
        Severity.WARNING,
        "it is under a replication policy with other values than its profile's",
        _NOTHING,
        "Site Recovery cannot move an item to another policy: PUT .../protection?confirm=true edits a policy that this "
        "app made for the profile; else leave it, or disable and enable at a time of your choice.",
    ),
    "TargetMismatch": Drift(
        Severity.WARNING,
        "a setting of its target differs from the requested one",
        "changes it in place, where Azure can",
        "If Azure does not change it in place: leave it, or disable and enable at a time of your choice.",
    ),
    "NetworkMismatch": Drift(
        Severity.WARNING,
        "its target network, subnet, address or a setting of an interface differs from the requested one",
        "changes it in place",
        "If the finding persists: GET .../protection shows the reason.",
    ),
    "ConsistencyGroupMismatch": Drift(
        Severity.WARNING,
        "it is not in the requested multi-VM consistency group",
        _NOTHING,
        "Site Recovery chooses the group when it enables: leave it, or disable and enable at a time of your choice.",
    ),
    "AgentOutdated": Drift(
        Severity.WARNING,
        "its mobility agent or the agent's certificate has to be renewed",
        "nothing; with `DR_AGENT_AUTOMATION_ACCOUNT` the service updates agents",
        "Set DR_AGENT_AUTOMATION_ACCOUNT, or update the agent in the portal.",
    ),
    "TestFailoverOverdue": Drift(
        Severity.WARNING,
        "no test failover has succeeded in the last 180 days; a note where none ever has (161011)",
        _NOTHING,
        "Do a test failover, and clean it up.",
    ),
    "UntaggedButProtected": Drift(
        Severity.WARNING,
        "it is protected, and its tag does not request it (any more)",
        "`cleanup` disables an item that the app created: at once if the tag says no, else after "
        "`DR_UNTAG_GRACE_HOURS`",
        "Tag it again if it is to stay protected; else DELETE .../protection?confirm=true.",
    ),
    "SourceDeleted": Drift(
        Severity.WARNING,
        "what it protects is gone",
        "`cleanup` disables an item that the app created after `DR_UNTAG_GRACE_HOURS`",
        "If the VM was deleted by mistake, fail over to its last recovery point before the grace ends.",
    ),
    "SourceMoved": Drift(
        Severity.WARNING,
        "its VM was moved to another resource group or subscription",
        "nothing; under its new ID it is a new VM",
        "Disable replication of the old item, once the VM is protected under its new ID.",
    ),
    "SourceReplaced": Drift(
        Severity.BLOCKER,
        "another VM has its name: the recovery points belong to the old VM",
        _NOTHING,
        "Disable replication when the old recovery points are no longer needed; the new VM is enabled afterwards.",
    ),
    "SourceNotRead": Drift(
        Severity.NOTE,
        "its VM is not in the list of VMs, and the list is incomplete",
        _NOTHING,
        "See the gaps of the report.",
    ),
    "ProtectionNotRead": Drift(
        Severity.NOTE,
        "no item that could be read protects it, and the list of items is incomplete",
        f"{_NOTHING}, until the list can be read",
        "See the gaps of the report.",
    ),
    "ItemFrozen": Drift(
        Severity.WARNING,
        "it is failed over, its replication is reversed, it is under test failover, or in an unknown state",
        "nothing, whatever else is found",
        "Complete the failover: clean up the test failover, commit, reprotect, or fail back.",
    ),
    "FailoverVm": Drift(
        Severity.NOTE,
        "a failover or a test failover created it, with the same tags",
        _NOTHING,
        "Nothing: the original stays under protection.",
    ),
    "NotTagged": Drift(
        Severity.NOTE,
        "no tag requests its protection: a candidate",
        _NOTHING,
        "Tag it if it must be protected.",
    ),
    "ProtectedElsewhere": Drift(
        Severity.BLOCKER,
        "a vault that is not in `DR_VAULT_IDS` protects it",
        _NOTHING,
        "Add that vault to DR_VAULT_IDS, or disable that replication first.",
    ),
    "NotManagedByApp": Drift(
        Severity.NOTE,
        "the portal, Terraform, Azure Policy or another deployment enabled it, or no record proves that this one did",
        "changes in place what an override requests; never disables it",
        "Nothing: its owner disables it.",
    ),
    "OnHold": Drift(Severity.WARNING, "it carries the hold tag", _NOTHING, "Remove the tag when the app may continue."),
    "OverrideInvalid": Drift(
        Severity.BLOCKER,
        "a tag requests something that is not available",
        "nothing; a warning where it is protected already",
        "Change the tag that the message names, or remove it.",
    ),
    "OverrideNotAllowed": Drift(
        Severity.BLOCKER,
        "a tag requests something that its profile does not allow, or outside `DR_TARGET_SCOPE`",
        "nothing; a warning where it is protected already",
        "Choose what is allowed, or have the allow-list extended.",
    ),
}
"""By code. Other blockers of a VM that cannot be protected are found by its own run: docs/findings.md has them, too."""


def drift(code: str, message: str, since: datetime | None = None, severity: Severity | None = None) -> Finding:
    """A finding of the catalog, with its fix; `severity` overrides that of the catalog."""
    row = DRIFT[code]
    return Finding(code=code, severity=severity or row.severity, message=message, fix=row.fix, since=since)

"""Everything that a sweep may find about a VM: what it means, what the app does about it by itself, and what to do.

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
        f"{_RUN} enables it, or says why not",
        "Nothing, unless it stays so: GET .../protection says what its run met with.",
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
        f"{_RUN} takes back an attempt of ours and tries again, twice",
        "Mend what the error names; a failed item of others: disable its replication in the portal.",
    ),
    "InitialReplicationStalled": Drift(
        Severity.WARNING,
        "its initial replication has not ended within 24 hours of the enable job",
        "goes on looking",
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
        "adds it to an item of ours",
        "To an item of others: add it in the portal under Disks.",
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
        "a setting of its target is not what is asked for",
        "changes it in place, where Azure can",
        "What Azure does not change in place: leave it, or disable and enable at a time of your choice.",
    ),
    "NetworkMismatch": Drift(
        Severity.WARNING,
        "its target network, subnet, address or an interface's setting is not what is asked for",
        "changes it in place",
        "If it stays so: GET .../protection says what stands in the way.",
    ),
    "ConsistencyGroupMismatch": Drift(
        Severity.WARNING,
        "it is not in the multi-VM consistency group that is asked for",
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
        "no test failover has gone well in the last 180 days; a note where none ever has (161011)",
        _NOTHING,
        "Do a test failover, and clean it up.",
    ),
    "UntaggedButProtected": Drift(
        Severity.WARNING,
        "it is protected, and its tag does not ask for it (any more)",
        "`cleanup` disables an item of ours: at once where the tag says no, else after `DR_UNTAG_GRACE_HOURS`",
        "Tag it again if it is to stay protected; else DELETE .../protection?confirm=true.",
    ),
    "SourceDeleted": Drift(
        Severity.WARNING,
        "what it protects is gone",
        "`cleanup` disables an item of ours after `DR_UNTAG_GRACE_HOURS`",
        "If the VM was deleted by mistake, fail over to its last recovery point before the grace ends.",
    ),
    "SourceMoved": Drift(
        Severity.WARNING,
        "its VM was moved to another resource group or subscription",
        "nothing; under its new ID the VM is one of its own",
        "Disable replication of the old item, once the VM is protected under its new ID.",
    ),
    "SourceReplaced": Drift(
        Severity.BLOCKER,
        "another VM has its name: the recovery points are those of the old one",
        _NOTHING,
        "Disable replication when the old recovery points are not needed any more; the new VM is enabled afterwards.",
    ),
    "SourceNotRead": Drift(
        Severity.NOTE,
        "its VM was not told of, and the list of VMs is incomplete",
        _NOTHING,
        "See the gaps of the survey.",
    ),
    "ProtectionNotRead": Drift(
        Severity.NOTE,
        "nothing that could be read protects it, and the list of what protects VMs is incomplete",
        f"{_NOTHING}, until it can be read",
        "See the gaps of the survey.",
    ),
    "ItemFrozen": Drift(
        Severity.WARNING,
        "it is failed over, leads back after a failover, is under test failover, or in a state that is not listed",
        "nothing, whatever else is found: freeze beats fix",
        "Finish what was begun: clean up the test failover, commit, reprotect, or fail back.",
    ),
    "FailoverVm": Drift(
        Severity.NOTE,
        "it is the copy that a failover or a test failover made, and carries the same tags",
        _NOTHING,
        "Nothing: the original stays under protection.",
    ),
    "NotTagged": Drift(
        Severity.NOTE,
        "nobody asks for its protection: a candidate",
        _NOTHING,
        "Tag it, if it must not be lost.",
    ),
    "ProtectedElsewhere": Drift(
        Severity.BLOCKER,
        "a vault that is none of `DR_VAULT_IDS` protects it",
        _NOTHING,
        "Add that vault to DR_VAULT_IDS, or disable that replication first.",
    ),
    "NotManagedByApp": Drift(
        Severity.NOTE,
        "the portal, Terraform or Azure Policy enabled it",
        "changes in place what is asked for; never disables it",
        "Nothing: whoever made it disables it, too.",
    ),
    "OnHold": Drift(Severity.WARNING, "it carries the hold tag", _NOTHING, "Remove the tag when the app may go on."),
    "OverrideInvalid": Drift(
        Severity.BLOCKER,
        "a tag asks for something that is not to be had",
        "nothing; a warning where it is protected already",
        "Change the tag that the message names, or remove it.",
    ),
    "OverrideNotAllowed": Drift(
        Severity.BLOCKER,
        "a tag asks for something that its profile does not allow, or outside `DR_TARGET_SCOPE`",
        "nothing; a warning where it is protected already",
        "Choose what is allowed, or have the allow-list extended.",
    ),
}
"""By code. Other blockers of a VM that cannot be protected are found by its own run: docs/findings.md has them, too."""


def drift(code: str, message: str, since: datetime | None = None, severity: Severity | None = None) -> Finding:
    """A finding of the table, with its fix; `severity` where this one is of another."""
    row = DRIFT[code]
    return Finding(code=code, severity=severity or row.severity, message=message, fix=row.fix, since=since)

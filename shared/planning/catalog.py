"""The catalog of findings: severity, meaning, what the app does, and what to do, of every code once; and whether a VM
of which it is found would come up after a failover.

A finding is made from its row, with a message of the facts, where it is found; docs/findings.md is made from the rows.
"""

from collections.abc import Container, Iterable
from datetime import datetime
from functools import lru_cache

from shared.model.findings import PROTECTED, WARNED_IF_PROTECTED, Case, Finding, Row, Severity
from shared.model.step_result import Error
from shared.planning.drill_findings import OF_DRILL
from shared.planning.run_errors import action_for
from shared.planning.run_findings import LISTED, OF_SWEEP, PLANNED

_RUN = "the VM's own run"
_NOTHING = "nothing"

IN_PLACE, REFUSED = "in place", "refused"
_CHANGED = {
    IN_PLACE: Case(
        "Azure changes it in place", fix="Nothing, unless the finding persists: GET .../protection shows why."
    ),
    REFUSED: Case(
        "Site Recovery refused to change it in place",
        fix="Leave it, or disable and enable: Microsoft's how-to says that the availability type of a protected VM "
        "cannot be changed. PUT .../protection tries again at once, the app by itself once a day.",
    ),
}
OTHER_SUBSCRIPTION = "other subscription"
WARNED = "warned"
DISK, INTERFACE, ADDRESS, PUBLIC_ADDRESS = "disk", "interface", "address", "public address"
NEVER_TESTED, NEWER_AGENT, NOT_ADDED = "never tested", "newer agent", "not added"
STILL_REPLICATED, RECOMMENDED, RESIZED = "still replicated", "recommended", "resized"
OPTED_OUT = "opted out"
NOT_UPDATED = "not updated"
_LEAVE = "leave it, or disable and enable at a time of your choice: its recovery points are lost then."

DRIFT = {
    "MissingProtection": Row(
        Severity.WARNING,
        "it is tagged, and nothing protects it",
        f"{_RUN} enables it, or reports why not",
        "Nothing, unless the finding persists: the VM's `reason` names the error, blocker or step of its run.",
        recoverable=False,
    ),
    "NotEligible": Row(
        Severity.WARNING,
        "it is tagged, and cannot be protected as it is",
        f"{_NOTHING}, until the reason is gone",
        "See the other findings of the VM: each says what to do.",
        recoverable=False,
    ),
    "EnableFailed": Row(
        Severity.WARNING,
        "the last attempt to enable its replication failed",
        f"{_RUN} removes the failed item if the app created it, and retries twice",
        "Fix what the error names; a failed item that the app did not create: disable its replication in the portal.",
        {RECOMMENDED: Case("the failed job recommends something", fix="{action}")},
        recoverable=False,
    ),
    "InitialReplicationStalled": Row(
        Severity.WARNING,
        "its initial replication has not ended within 24 hours of the enable job",
        "keeps monitoring",
        "See the item's health in the portal: cache account, outbound connectivity, churn.",
        recoverable=False,
    ),
    "Unhealthy": Row(
        Severity.WARNING,
        "the service says that its replication is in health Warning or Critical",
        _NOTHING,
        "Do what the service recommends for the errors named.",
    ),
    "FailoverNotReady": Row(
        Severity.WARNING,
        "the service says that its failover is in health Warning or Critical, for another reason than that none was "
        "ever tested (161011)",
        _NOTHING,
        "{action}",
        {WARNED: Case("that is merely Warning", recoverable=True)},
        recoverable=False,
    ),
    "RpoBreached": Row(
        Severity.WARNING,
        "its last recovery point is older than its profile allows (`rpoLimitMinutes`)",
        _NOTHING,
        "See the item's health: churn above the limits, a throttled cache account, no outbound connectivity.",
    ),
    "DiskNotProtected": Row(
        Severity.WARNING,
        "a disk was attached after replication was enabled",
        "adds it to an item that the app created, each disk by a job of its own; one that fails is tried once a day",
        "Nothing if the app created the item, unless GET .../protection shows why it is not added. Any other item: "
        "add the disk in the portal under Disks, if it was not left out on purpose.",
        {
            NOT_ADDED: Case(
                "the job that adds it failed",
                fix="{action} PUT .../protection tries again at once, the app by itself once a day.",
            )
        },
        recoverable=False,
    ),
    "DiskExcluded": Row(
        Severity.NOTE,
        "a disk is not replicated on purpose: `dr-exclude-disks` names it, or somebody removed its replication, by a "
        "job of the vault",
        "does not add it",
        "Nothing if that is intended. Else remove it from the tag, or add the disk in the portal under Disks. A vault "
        "forgets its jobs: exclude the disk by the tag if it is to stay out.",
        {
            STILL_REPLICATED: Case(
                "it is excluded, and replicated all the same",
                Severity.WARNING,
                "The app removes no replicated disk: its recovery points would be lost. Remove it from the item in the "
                "portal under Disks, or from the tag.",
            )
        },
    ),
    "OsDiskReplaced": Row(
        Severity.WARNING,
        "its OS disk is another one than the one that is replicated: a failover would start the old one",
        _NOTHING,
        "Site Recovery exchanges no OS disk: disable and enable replication at a time of your choice. Its recovery "
        "points are lost then.",
        recoverable=False,
    ),
    "DiskRemoved": Row(
        Severity.WARNING,
        "a replicated disk is no longer attached",
        _NOTHING,
        "Attach it again, or remove it from the item in the portal under Disks: its recovery points go with it.",
    ),
    "PolicyMismatch": Row(
        Severity.WARNING,
        "it is under a replication policy with other values than its profile's",
        _NOTHING,
        "Site Recovery cannot move an item to another policy. Leave it; or, where its plan shows the policy as `change "
        "in place`, PUT with confirm=true edits that for all VMs under it; or disable and enable at a time of your "
        "choice: that would cost its recovery points of the last {retention}, and leave it unprotected until {data} "
        "are replicated again.",
    ),
    "TargetMismatch": Row(
        Severity.WARNING,
        "a setting of its target differs from the requested one",
        "changes it in place, where Azure can",
        f"Site Recovery does not change it on a protected item: {_LEAVE}",
        {
            **_CHANGED,
            RESIZED: Case(
                "the VM was resized, and no tag requests a target size",
                Severity.NOTE,
                "Nothing, if the size is to stay. Else request one by the tag or the profile's value target-size "
                "(source: always the VM's own), or choose it in the portal under Compute: it is changed in place.",
            ),
        },
    ),
    "TargetMissing": Row(
        Severity.WARNING,
        "what a failover of it uses does not exist (any more): target group, network, subnet, availability or scale "
        "set, proximity placement group, capacity reservation, encryption set, account for boot diagnostics, security "
        "group, public IP address, backend pool",
        _NOTHING,
        "Create it again under this name; or name another by the tag or the profile's value ({others}), which is "
        "changed in place where Azure can, or in the portal.",
        recoverable=False,
    ),
    "TargetConflict": Row(
        Severity.BLOCKER,
        "a failover could not create its VM: one of the target name is in the target group already, or the failover of "
        "another VM would create one there",
        "does not enable it for the name of its VM, for anything else it does; does not give an item a name or a group "
        "in which the name is another's",
        "Name it otherwise by {tag}-target-name, or remove the other VM if it is not needed any more.",
        {
            **WARNED_IF_PROTECTED,
            DISK: Case(
                "a disk of it would have the name of another's in the target group",
                Severity.WARNING,
                "Name another target resource group by {tag}-target-resource-group: what Site Recovery makes of two "
                "such disks is not known.",
            ),
            INTERFACE: Case(
                "an interface of the name of one of its own is in the target group",
                Severity.WARNING,
                "Remove that one if nothing uses it, or name another target resource group by "
                "{tag}-target-resource-group.",
            ),
            ADDRESS: Case(
                "its address is another's: a failover takes the next free one",
                Severity.WARNING,
                "Free the address, or choose another by {tag}-target-ip.",
                recoverable=True,
            ),
            PUBLIC_ADDRESS: Case(
                "its public IP address is another's",
                Severity.WARNING,
                "Name one that nothing uses by {tag}-target-public-ip.",
            ),
        },
        recoverable=False,
    ),
    "NetworkMismatch": Row(
        Severity.WARNING,
        "its target network, subnet, address or a setting of an interface differs from the requested one",
        "changes it in place, where Azure can",
        f"Site Recovery does not change it on a protected item: {_LEAVE}",
        _CHANGED,
    ),
    "ConsistencyGroupMismatch": Row(
        Severity.WARNING,
        "it is not in the requested multi-VM consistency group",
        _NOTHING,
        f"Site Recovery puts it into a group when it enables it: {_LEAVE}",
    ),
    "AgentOutdated": Row(
        Severity.WARNING,
        "its mobility agent or the agent's certificate has to be renewed",
        "updates the agent if the VM's profile says so (`updateAgents`), one that fails once a day; with "
        "`DR_AGENT_AUTOMATION_ACCOUNT` the service updates agents",
        "Set updateAgents in the VM's profile or DR_AGENT_AUTOMATION_ACCOUNT, or update the agent in the portal.",
        {
            NEWER_AGENT: Case("there is merely a newer agent", Severity.NOTE),
            NOT_UPDATED: Case(
                "the job that updates it failed", fix="Do what the error names. The app tries once a day."
            ),
        },
    ),
    "TestFailoverOverdue": Row(
        Severity.WARNING,
        "no test failover has succeeded for longer than its profile allows (`testFailoverDays`), counted from the day "
        "of its protection if none ever has",
        _NOTHING,
        "Do a test failover, and clean it up.",
        {NEVER_TESTED: Case("none ever has (161011), and it is not known to be protected for so long", Severity.NOTE)},
    ),
    "UntaggedButProtected": Row(
        Severity.WARNING,
        "it is protected, and its tag does not request it (any more)",
        "`cleanup` disables an item that the app created: after `DR_OPT_OUT_GRACE_HOURS` if the tag says no, else "
        "after `DR_UNTAG_GRACE_HOURS`",
        "Tag it again if it is to stay protected; else DELETE .../protection?confirm=true.",
    ),
    "TagValueUnknown": Row(
        Severity.WARNING,
        "the value of its tag means neither yes nor no: it is neither enabled nor disabled",
        _NOTHING,
        "Set the tag to a value of `DR_TAG_VALUES`, or to false, no, 0 or off.",
    ),
    "TagNameChanged": Row(
        Severity.WARNING,
        "another tag requested its protection than the one that `DR_TAG_NAME` names now: it is not disabled",
        _NOTHING,
        "Tag it by its new name if it is to stay protected; else DELETE .../protection?confirm=true.",
    ),
    "SourceDeleted": Row(
        Severity.WARNING,
        "what it protects is gone",
        "`cleanup` disables an item that the app created after `DR_UNTAG_GRACE_HOURS`",
        "If the VM was deleted by mistake, fail over to its last recovery point before the grace ends.",
    ),
    "SourceMoved": Row(
        Severity.WARNING,
        "its VM was moved to another resource group or subscription: Site Recovery protects it under its old ID",
        "nothing; the VM is enabled under its new ID once the old item is gone",
        "First disable the replication of the old item, by DELETE .../protection?confirm=true of the old ID or in the "
        "portal: its recovery points are lost. The app then enables the VM "
        "under its new ID, if that is in DR_SOURCE_SCOPE.",
    ),
    "SourceReplaced": Row(
        Severity.BLOCKER,
        "another VM has its name: the recovery points belong to the old VM",
        _NOTHING,
        "Disable replication when the old recovery points are no longer needed; the new VM is enabled afterwards.",
        recoverable=False,
    ),
    "TargetQuotaUnknown": Row(
        Severity.NOTE,
        "whether a failover of it finds cores in the target region is not known",
        _NOTHING,
        "See the gaps of the report, if the region could not be read; else choose a size by {tag}-target-size that the "
        "target region offers to the subscription.",
    ),
    "TargetNotRead": Row(
        Severity.NOTE,
        "whether what a failover of it uses exists is not known: it could not be read, or is outside `DR_TARGET_SCOPE`",
        _NOTHING,
        "See the gaps of the report, if it could not be read; else add it to DR_TARGET_SCOPE.",
    ),
    "SourceNotRead": Row(
        Severity.NOTE,
        "its VM is not in the list of VMs, and the list is incomplete",
        _NOTHING,
        "See the gaps of the report.",
    ),
    "ProtectionNotRead": Row(
        Severity.NOTE,
        "an item or a job that could not be read may be about it",
        "neither enables nor disables it, until the row can be read or `DR_ACKNOWLEDGED_ROWS` names it",
        "Correct or remove the row in Azure; or add its ID to DR_ACKNOWLEDGED_ROWS.",
    ),
    "ItemFrozen": Row(
        Severity.WARNING,
        "it is failed over, its replication is reversed, it is under test failover, or in an unknown state",
        "nothing, whatever else is found",
        "Complete the failover: clean up the test failover, commit, reprotect, or fail back.",
        recoverable=False,
    ),
    "DrillNotCleanedUp": Row(
        Severity.WARNING,
        "a drill of it has ended, and its test VM or its test disks are still there",
        "tries again to clean up, and begins no other drill of it",
        "Do what the error says; the audit log has the command that cleans up by hand.",
    ),
    "FailoverVm": Row(
        Severity.NOTE,
        "a failover or a test failover created it, with the same tags",
        _NOTHING,
        "Nothing: the original stays under protection. A committed failover is reprotected by an operator.",
    ),
    "DisabledAfterFailover": Row(
        Severity.BLOCKER,
        "it was failed over, replication was disabled since, and a VM of it exists on each side",
        "enables neither, until a caller confirms which one is to be protected",
        "PUT .../protection?confirm=true of the VM that is live; remove the tag of the other one, or delete it.",
        recoverable=False,
    ),
    "NotTagged": Row(
        Severity.NOTE,
        "no tag requests its protection: a candidate",
        _NOTHING,
        "Tag it if it must be protected.",
        {
            OPTED_OUT: Case(
                "its tag says no", fix="Nothing, if that is intended; else set the tag to a value of DR_TAG_VALUES."
            )
        },
    ),
    "ProtectedElsewhere": Row(
        Severity.BLOCKER,
        "a vault that is not in `DR_VAULT_IDS` protects it",
        _NOTHING,
        "Add that vault to DR_VAULT_IDS, or disable that replication first.",
    ),
    "NotManagedByApp": Row(
        Severity.NOTE,
        "the portal, Terraform, Azure Policy or another deployment enabled it, or no record proves that this one did",
        "changes in place what an override requests; never disables it",
        "Nothing: its owner disables it.",
    ),
    "OnHold": Row(
        Severity.BLOCKER,
        "it carries the hold tag",
        _NOTHING,
        "Remove the tag {tag}-hold when the app may continue.",
    ),
    "HoldDateInvalid": Row(
        Severity.WARNING,
        "its hold tag says `until=` something that is no time",
        "takes it for a hold without an end",
        "Write the tag {tag}-hold as until=2026-12-24; reason.",
    ),
    "HoldExpired": Row(
        Severity.NOTE,
        "the time of its hold tag is over",
        "takes the VM for one without that tag",
        "Nothing, or remove the tag {tag}-hold.",
    ),
    "OverrideInvalid": Row(
        Severity.BLOCKER,
        "a tag requests something that is not available",
        f"{_NOTHING}, until the reason is gone",
        "Change or remove the tag that the message names; a profile is defined in DR_PROFILES.",
        {
            **WARNED_IF_PROTECTED,
            OTHER_SUBSCRIPTION: Case(
                "the target group is in another subscription than the target network",
                fix="Change or remove the tag; or name a network in that subscription by {tag}-target-vnet.",
            ),
        },
    ),
    "OverrideNotAllowed": Row(
        Severity.BLOCKER,
        "a tag requests something that its profile does not allow, or outside `DR_TARGET_SCOPE`",
        f"{_NOTHING}, until the reason is gone",
        "Choose what is allowed, or have it allowed: by `allow` of the profile in DR_PROFILES, or by DR_TARGET_SCOPE.",
        WARNED_IF_PROTECTED,
    ),
}
"""Findings of a sweep about a VM, protected or not; most of them are found by its own run and its plan, too."""

CATALOG = DRIFT | LISTED | PLANNED | OF_SWEEP | OF_DRILL

PLACEHOLDERS = frozenset({"MissingProtection", "NotEligible"})
"""Findings that only say that there is another reason."""

LEFT_OPEN = frozenset({"TargetNotRead", "TargetQuotaUnknown"})
"""The findings that leave open whether a VM would come up."""

OF_QUOTA = "TargetQuotaExceeded"
CODES = frozenset(DRIFT | LISTED) | {OF_QUOTA}
"""The codes that the status of a VM in a compliance report may have; that of the quota, if it is protected."""


def finding_of(code: str, message: str, since: datetime | None = None, case: str = "", **facts: str) -> Finding:
    """A finding with the severity and fix of its row, or of a `case` of the row; `facts` are what the fix names. It
    always has a fix."""
    row, fix = CATALOG[code], fix_of(code, case, **facts).strip() or action_for(code)
    return Finding(
        code=code,
        severity=row.severity_in(case),
        message=message,
        fix=fix,
        since=since,
        recoverable=None if row.recoverable_in(case) else False,
    )


@lru_cache(1000)
def fix_of(code: str, case: str = "", **facts: str) -> str:
    """The fix that the row or its case names. Ten thousand VMs may have one finding, and then one text."""
    return CATALOG[code].fix_in(case).format(**facts)


def of_error(error: Error) -> Finding:
    """The finding about a rule that refused a step. An error code of Azure's own, without a row, is a blocker."""
    row = CATALOG.get(error.code)
    severity = row.severity if row else Severity.BLOCKER
    fix = error.action.strip() or (row.fix if row and "{" not in row.fix else action_for(error.code))
    return Finding(code=error.code, severity=severity, message=error.message, fix=fix)


def on_protected(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with the severity that they have of a VM that is protected already."""
    return tuple(
        each.with_(severity=CATALOG[each.code].severity_in(PROTECTED))
        if PROTECTED in CATALOG[each.code].cases
        else each
        for each in findings
    )


def ignored(findings: Iterable[Finding], codes: Container[str], profile: str) -> tuple[Finding, ...]:
    """The findings; a blocker of those `codes` is a warning, which says that the profile ignores the rule."""
    return tuple(
        each.with_(
            severity=Severity.WARNING,
            message=f"{each.message} The profile {profile} ignores this rule: Azure decides.",
        )
        if each.code in codes and each.severity is Severity.BLOCKER
        else each
        for each in findings
    )

"""The findings of runs and plans, and those about a sweep: what the VM, its context or its target resources hinder."""

from shared.model.findings import Case, Row, Severity
from shared.planning import network_findings, support_findings
from shared.planning.support_findings import BLOCKED, WARNS

LISTED = {
    **support_findings.OF_VM,
    "VmNotRunning": Row(
        Severity.BLOCKER,
        "it is not running, and Site Recovery installs its agent in a running VM only",
        BLOCKED,
        "Start the VM: it is checked again when it starts.",
    ),
    "VmNotReady": Row(
        Severity.BLOCKER,
        "its provisioning failed (150019), or took longer than 60 polls (30 min)",
        BLOCKED,
        "Fix or redeploy the VM: it is checked again after its next update.",
    ),
    "ManagedResourceGroup": Row(
        Severity.BLOCKER,
        "its resource group belongs to a service (AKS, Databricks), which owns its VMs",
        BLOCKED,
        "Protect what runs there by the means of that service.",
    ),
    "VaultInSourceRegion": Row(
        Severity.BLOCKER,
        "the vault is in the region of the VM: it would be lost with it",
        BLOCKED,
        "Use a vault in another region: DR_VAULT_IDS, or DR_REGION_MAP for this region.",
    ),
    "TargetInSourceRegion": Row(
        Severity.BLOCKER,
        "the target region would be the VM's own",
        BLOCKED,
        "Choose another region. Disaster recovery between zones of one region is not what this app does.",
    ),
    "TargetNotVaultRegion": Row(
        Severity.WARNING,
        "the target region is not that of the vault: if the vault's region is down, a failover is not possible",
        WARNS,
        "Prefer a vault in the target region.",
    ),
    "VaultNotFound": Row(
        Severity.BLOCKER,
        "`DR_VAULT_IDS` names a vault for its region that does not exist; the VMs of other vaults are not affected",
        BLOCKED,
        "Correct the ID in DR_VAULT_IDS, DR_REGION_MAP and DR_PROFILES, or create that vault.",
    ),
    "NameNotUnique": Row(
        Severity.BLOCKER,
        "what is to be created for it would have the name of what another source has there: the availability sets or "
        "the networks of two resource groups in one target group, or a target group and a group of cache accounts",
        BLOCKED,
        "Name another by {tag}-target-availability-set, {tag}-target-vnet or {tag}-target-resource-group, or change "
        "DR_NAMES.",
    ),
    "RegionNotMapped": Row(
        Severity.BLOCKER,
        "there are several vaults, and `DR_REGION_MAP` does not say which serves the VM's region",
        BLOCKED,
        "Add the region to DR_REGION_MAP, or a vault to the VM's profile.",
    ),
}
"""Found before a VM is enabled or changed, by a sweep too: they need no more than the lists that a sweep reads."""

PLANNED = {
    **support_findings.OF_CONTEXT,
    **network_findings.OF_NETWORK,
    "OutOfScope": Row(
        Severity.BLOCKER,
        "it lies outside `DR_SOURCE_SCOPE`",
        BLOCKED,
        "Add its subscription or resource group to DR_SOURCE_SCOPE if this app is to protect it.",
    ),
    "NotEligibleForReplication": Row(
        Severity.BLOCKER,
        "Site Recovery's own eligibility check failed: the message has its code and text",
        BLOCKED,
        "{action}",
    ),
    "ReadOnlyLock": Row(
        Severity.BLOCKER,
        "a read-only lock is on the VM, its target group, the cache account or the vault",
        BLOCKED,
        "Remove the lock, or make it CanNotDelete.",
    ),
    "LockedTarget": Row(
        Severity.WARNING,
        "a lock forbids to delete what a disabled replication or a test failover leaves in the target group, the cache "
        "account or the vault",
        WARNS,
        "Remove the lock before you clean up.",
    ),
    "LockedVm": Row(
        Severity.WARNING,
        "a lock forbids to delete the links on the VM when replication is disabled (150225): it cannot be enabled "
        "again until they are removed",
        WARNS,
        "Remove the lock before replication is disabled.",
    ),
    "StaleLink": Row(
        Severity.BLOCKER,
        "an earlier protection left a resource link on the VM (150226)",
        BLOCKED,
        "Remove it: az resource delete --ids {vm}/providers/Microsoft.Resources/links/{link}",
    ),
    "TargetGroupNotPrepared": Row(
        Severity.BLOCKER,
        "a resource group that it needs is not in `DR_TARGET_SCOPE`; or it is gone, and the app may create none: the "
        "deployment prepares the groups that are named to it",
        BLOCKED,
        "azd env set DR_TARGET_RESOURCE_GROUPS {groups} && azd provision",
        {
            "cache": Case(
                "it is that of the cache accounts",
                fix="Add {region} to the list by azd env set DR_SOURCE_LOCATIONS, and run azd provision.",
            )
        },
    ),
    "TargetOutOfScope": Row(
        Severity.BLOCKER,
        "a target resource would lie outside `DR_TARGET_SCOPE`",
        BLOCKED,
        "Add its resource group or its subscription to DR_TARGET_SCOPE, if that is intended.",
    ),
    "TooManyTags": Row(
        Severity.BLOCKER,
        "a request over HTTP would write tags, and the VM has the 50 that Azure allows",
        "writes nothing",
        "Remove a tag from the VM.",
    ),
    "CreationDisabled": Row(
        Severity.BLOCKER,
        "a target resource is missing, and `DR_TARGET_CREATION` does not allow the app to create it",
        BLOCKED,
        "Create it beforehand, or let the app create it with DR_TARGET_CREATION=all.",
    ),
    "IncompatibleTargetResource": Row(
        Severity.BLOCKER,
        "a resource of that name exists in another region, or its creation failed; or the app's own cache account has "
        "soft delete on, a firewall, or no key access for a vault without an identity; or it was moved, or others hold "
        "its name and the next ones",
        BLOCKED,
        "Fix, remove or rename it, or move it back; or name another by the tag of its setting, as {tag}-target-vnet or "
        "{tag}-cache-storage.",
    ),
    "DisallowedByPolicy": Row(
        Severity.BLOCKER,
        "Azure Policy denies a target resource: the message names the assignment",
        BLOCKED,
        "Create the resource as the policy requires and let the app reuse it, set DR_RESOURCE_TAGS if the policy "
        "requires tags, or request an exemption.",
    ),
    "ProviderNotRegistered": Row(
        Severity.BLOCKER,
        "a resource provider is not registered in the subscription: that is an administrator's decision",
        BLOCKED,
        "az provider register --namespace {provider} --subscription {subscription}",
    ),
    "ChangeNotMade": Row(
        Severity.WARNING,
        "the update of the item failed or had no effect",
        "retries it at the VM's next event, not before",
        "See the job in the vault.",
    ),
    "ItemIncomplete": Row(
        Severity.BLOCKER,
        "the item does not show its cache account and its target group, which an added disk needs",
        "does not add the disk",
        "Add the disk in the portal under Disks.",
    ),
    "WritesDisabled": Row(
        Severity.NOTE,
        "`DR_MODE=report` or `DR_PAUSED=true`: the message has what would be done",
        "nothing",
        "Set DR_MODE=protect, DR_PAUSED=false.",
    ),
    "CleanupOff": Row(
        Severity.BLOCKER,
        "`DR_MODE` is not `cleanup`: nothing is disabled unconfirmed, or removed but a network for drills",
        "nothing",
        "Set DR_MODE=cleanup, or DELETE .../protection?confirm=true.",
    ),
    "NoIntent": Row(
        Severity.BLOCKER,
        "a creation that no record of this deployment announces: it is not sent",
        "nothing",
        "This is a fault of the app: report it.",
    ),
    "NeverRemoved": Row(
        Severity.BLOCKER,
        "it is of a kind that is never removed: a disk, a vault, or what is in a vault",
        "nothing",
        "Remove it by hand, if it is not needed.",
    ),
}
"""Found before a VM is enabled or changed, by its own run or a plan, which read more."""

OF_SWEEP = {
    "OrphanedTarget": Row(
        Severity.NOTE,
        "the app created a resource that no tagged or protected VM needs; it stays for the reason in the message",
        "keeps it",
        "Remove it by hand if it is not needed.",
    ),
    "OrphanedPlan": Row(
        Severity.NOTE,
        "a recovery plan is named as the app names those for drills, and no record of a drill names it: it is another "
        "deployment's, or the records are lost",
        "keeps it: nothing proves that it is the app's",
        "If no other deployment drills in the vault: clean up the plan's test failover in the portal, and delete it.",
    ),
    "DailyEnableLimitReached": Row(
        Severity.WARNING,
        "more VMs are to be enabled than `DR_MAX_ENABLES_PER_DAY` allows: see the "
        "[daily limits](operate.md#daily-limits)",
        "enables them in later sweeps",
        "Find out who tagged so many. If that is intended, increase DR_MAX_ENABLES_PER_DAY.",
    ),
    "DailyDisableLimitReached": Row(
        Severity.WARNING,
        "more VMs are to be disabled than `DR_MAX_DISABLE_PERCENT_PER_DAY` allows: see the "
        "[daily limits](operate.md#daily-limits)",
        "leaves them protected, for later sweeps",
        "Find out why so many are to be disabled, and tag them again if that is not intended. If it is: DELETE "
        ".../protection?confirm=true disables one VM at once; a larger DR_MAX_DISABLE_PERCENT_PER_DAY allows more.",
    ),
    "InventoryIncomplete": Row(
        Severity.WARNING,
        "the sweep could not read everything: its `gaps` say what",
        "enables, disables and removes nothing that an unread list or row may concern",
        "See the gaps: a transient error is gone by the next sweep; a missing role assignment is not, and a row that "
        "cannot be read holds up what it concerns until DR_ACKNOWLEDGED_ROWS names it.",
    ),
    "ArchiveNotWritable": Row(
        Severity.WARNING,
        "what the sweep found could not be [archived](archive.md)",
        "goes on without; a report counts the time until the next sweep as a gap",
        "Give the app's identity Storage Blob Data Owner on the account of DR_ARCHIVE, and see that its containers "
        "exist and the account's firewall lets the app in.",
    ),
    "ArchiveNotReadable": Row(
        Severity.WARNING,
        "what [messages](messages.md) were published could not be read in the archive: the message names the file",
        "publishes no message, and tries again in the next sweep",
        "Give the app's identity Storage Blob Data Owner on the account of DR_ARCHIVE. A file that is not as it was "
        "written stays so: restore it, or set DR_ARCHIVE to a new container, where all causes begin again.",
    ),
}
"""In the report of a sweep: they belong to no VM."""

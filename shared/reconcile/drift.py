"""Where what protects a VM is not what the VM asks for. Pure: what is there in, findings out."""

from shared.model.changes import Changes
from shared.model.findings import Finding, blocker, note, warning
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.replication import Policy
from shared.model.step_result import Error
from shared.model.vm import SourceVm


def unprotected_disks(vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    """A disk attached after replication was enabled is not replicated with the others."""
    protected = {disk.id for disk in item.disks}
    return tuple(
        warning(
            "DiskNotProtected",
            f"The disk {disk.id.name} of {vm.id.name} is not replicated: it was attached later.",
            "To an item of its own making the app adds it, unless another finding says why not. To an item of others: "
            "add it in the portal under Disks, if it was not left out on purpose.",
        )
        for disk in vm.disks
        if disk.id not in protected
    )


def other_policy(vm: SourceVm, has: Policy | None, wanted: Policy) -> tuple[Finding, ...]:
    """The profile was changed after replication was enabled; `has` is the policy that the item is under."""
    if has is None or has.values == wanted.values:
        return ()
    sizes = [disk.size_gb for disk in vm.disks]
    data = "its disks" if None in sizes else f"{sum(size or 0 for size in sizes)} GiB"
    return (
        warning(
            "PolicyChangeNeedsReenable",
            f"{vm.id.name} is protected with the policy {has}, and its profile asks for {wanted}. Site Recovery cannot "
            "move a protected item to another policy.",
            "Leave it; or, where its plan shows the policy as `change in place`, PUT with confirm=true edits that for "
            "all VMs under it; or disable and enable replication at a time of your choice. That would cost its "
            f"recovery points of the last {_in_hours(has.retention_minutes)}, and leave it unprotected until {data} "
            "are replicated anew.",
        ),
    )


def _in_hours(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def replaced(vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    """It is another VM of that name: made after the service last reckoned the item's recovery points, or without any
    of its disks."""
    if item.stage not in {Stage.PROTECTED, Stage.REPLICATING}:
        return ()
    attached = {disk.id for disk in vm.disks}
    exchanged = bool(item.disks and attached) and not any(disk.id in attached for disk in item.disks)
    is_younger = bool(vm.created_at and item.rpo_at and vm.created_at > item.rpo_at)
    if not (exchanged or is_younger):
        return ()
    return (
        blocker(
            "SourceReplaced",
            f"{vm.id.name} is another VM than the one of that name which {item.id.name} protects.",
            "Disable replication of that item when its recovery points are not needed any more; the new VM is enabled "
            "afterwards.",
            vm.created_at,
        ),
    )


def frozen(item: ProtectedItem) -> Finding:
    described = item.state_description or item.state
    direction_reversed = f", and leads back to {item.settings.target_location}" if item.direction_reversed else ""
    return warning(
        "ItemFrozen",
        f"The replicated item is {described!r}, test failover {item.test_failover or 'None'!r}, active location "
        f"{item.active_location or 'Primary'!r}{direction_reversed}: it is reported and never written to.",
        "Finish what was begun: clean up the test failover, commit, reprotect, or fail back.",
    )


def not_changed(vm: SourceVm, changes: Changes, error: Error | None) -> Finding:
    """Asked for once in this run, and the item is not so."""
    return warning(
        "ChangeNotMade",
        f"The replicated item of {vm.id.name} could not be changed ({changes}): {error or 'it shows what it was'}.",
        "See the job in the vault. It is tried again when something about the VM changes.",
    )


def adopted(item: ProtectedItem) -> tuple[Finding, ...]:
    """The portal, Terraform or Azure Policy was there first: that is as good, and said."""
    if item.is_ours:
        return ()
    return (
        note(
            "NotManagedByApp",
            f"{item.source.name} is protected by {item.id.name}, which this app did not make: it is looked after, "
            "changed in place where something asks for it, and never removed.",
            "Nothing: whoever made it disables it, too.",
        ),
    )

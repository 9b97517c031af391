"""Findings about a replicated item that is not as its VM requests. Pure: the actual state in, findings out."""

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
            "The app adds it to an item that it created, unless another finding says why not. Any other item: add the "
            "disk in the portal under Disks, if it was not left out on purpose.",
        )
        for disk in vm.disks
        if disk.id not in protected
    )


def other_policy(vm: SourceVm, has: Policy | None, wanted: Policy) -> tuple[Finding, ...]:
    """A finding if the profile was changed after replication was enabled; `has` is the policy of the item."""
    if has is None or has.values == wanted.values:
        return ()
    sizes = [disk.size_gb for disk in vm.disks]
    data = "its disks" if None in sizes else f"{sum(size or 0 for size in sizes)} GiB"
    return (
        warning(
            "PolicyChangeNeedsReenable",
            f"{vm.id.name} is protected with the policy {has}, and its profile requests {wanted}. Site Recovery cannot "
            "move a protected item to another policy.",
            "Leave it; or, where its plan shows the policy as `change in place`, PUT with confirm=true edits that for "
            "all VMs under it; or disable and enable replication at a time of your choice. That would cost its "
            f"recovery points of the last {_in_hours(has.retention_minutes)}, and leave it unprotected until {data} "
            "are replicated again.",
        ),
    )


def _in_hours(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def replaced(vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    """A blocker if the VM is not the protected one but another of the same name: created after the service last
    calculated the recovery points of the item, or without any of its disks."""
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
            "Disable replication of that item when its recovery points are no longer needed; the new VM is enabled "
            "afterwards.",
            vm.created_at,
        ),
    )


def frozen(item: ProtectedItem) -> Finding:
    described = item.state_description or item.state
    reverse = f", replication reversed to {item.settings.target_location}" if item.direction_reversed else ""
    return warning(
        "ItemFrozen",
        f"The replicated item is {described!r}, test failover {item.test_failover or 'None'!r}, active location "
        f"{item.active_location or 'Primary'!r}{reverse}: it is reported and never written to.",
        "Complete the failover: clean up the test failover, commit, reprotect, or fail back.",
    )


def not_changed(vm: SourceVm, changes: Changes, error: Error | None) -> Finding:
    """A finding about changes that this run requested and that the item does not show."""
    return warning(
        "ChangeNotMade",
        f"The replicated item of {vm.id.name} could not be changed ({changes}): "
        f"{error or 'it shows its old settings'}.",
        "See the job in the vault. The change is retried when something about the VM changes.",
    )


def adopted(item: ProtectedItem) -> tuple[Finding, ...]:
    """A note if the portal, Terraform or Azure Policy created the item: it counts as protection."""
    if item.is_ours:
        return ()
    return (
        note(
            "NotManagedByApp",
            f"{item.source.name} is protected by {item.id.name}, which this deployment did not create"
            f"{f' ({item.unproven})' if item.unproven else ''}: the app monitors it, changes it in place where an "
            "override requests it, and never removes it.",
            "Nothing: its owner disables it.",
        ),
    )

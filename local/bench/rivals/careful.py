"""A script that somebody wrote with Azure's limits in mind: it creates what it can at the same time, reads all VMs by
one list, enables a hundred at a time without waiting for each, and follows them all by one list."""

from concurrent.futures import ThreadPoolExecutor

from local.bench.rivals import items, pair
from local.bench.rivals.azure import Azure

_AT_ONCE = 100


def protect(azure: Azure) -> None:
    if not azure.task.ready:
        for wave in pair.waves(azure):
            with ThreadPoolExecutor() as pool:
                list(pool.map(pair.Piece.create, wave))
    wanted = {vm_id.lower() for vm_id in azure.task.vms}
    group = azure.task.vms[0].split("/")[4]
    vms = [vm for vm in azure.compute.virtual_machines.list(group) if vm.id.lower() in wanted]
    with ThreadPoolExecutor(azure.task.limit) as pool:
        for first in range(0, len(vms), _AT_ONCE):
            list(pool.map(lambda vm: items.begin_enable(azure, vm, polling=False), vms[first : first + _AT_ONCE]))
    while not wanted <= _protected(azure):
        azure.wait()


def _protected(azure: Azure) -> set[str]:
    """The IDs of the VMs that are Protected."""
    found = azure.recovery.replication_protected_items.list_by_replication_protection_containers(
        *azure.vault, *items.PLACE
    )
    return {
        str(item.properties.provider_specific_details.fabric_object_id).lower()
        for item in found
        if items.is_protected(item)
    }


def read_all(azure: Azure) -> int:
    """How many of the items could be read, by a list of all of them, beside that of all VMs."""
    list(azure.compute.virtual_machines.list_all())
    return sum(1 for _ in azure.recovery.replication_protected_items.list(*azure.vault))

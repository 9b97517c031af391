"""What Microsoft's "Set up disaster recovery for Azure VMs using Azure PowerShell" does, one step after the other: each
resource is created, waited for with the SDK's poller, and read; then the item of each VM until it is Protected."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from local.bench.rivals import items, pair
from local.bench.rivals.azure import Azure

read_all = items.read_each


def protect(azure: Azure) -> None:
    for piece in chain(*pair.waves(azure)):
        if not azure.task.ready:
            piece.create()
        piece.read()
    with ThreadPoolExecutor(azure.task.limit) as pool:
        list(pool.map(lambda vm_id: _protect(azure, vm_id), azure.task.vms))


def _protect(azure: Azure, vm_id: str) -> None:
    items.begin_enable(azure, items.read_vm(azure, vm_id)).result()
    while not items.is_protected(items.read_item(azure, vm_id)):
        azure.wait()

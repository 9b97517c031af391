"""The calls of Terraform's azurerm provider (azurerm_site_recovery_replicated_vm), by its source: a resource is read
before it is created and after; the item is read every minute until it is Protected, and then its interfaces are
changed. A worker waits to the end of a resource. What exists already is refreshed first, as by a plan."""

from concurrent.futures import ThreadPoolExecutor

from azure.core.exceptions import HttpResponseError

from local.bench.rivals import items, pair
from local.bench.rivals.azure import Azure
from local.bench.rivals.pair import Piece

_MINUTE = 60.0

read_all = items.read_each


def protect(azure: Azure) -> None:
    with ThreadPoolExecutor(azure.task.limit) as pool:
        for wave in pair.waves(azure):
            list(pool.map(_refresh if azure.task.ready else _create, wave))
        list(pool.map(lambda vm_id: _protect(azure, vm_id), azure.task.vms))


def _refresh(piece: Piece) -> None:
    piece.read()


def _create(piece: Piece) -> None:
    try:
        piece.read()
    except HttpResponseError:  # 404, or 400 of a vault that has nothing of Site Recovery yet
        piece.create()
        piece.read()


def _protect(azure: Azure, vm_id: str) -> None:
    vm = items.read_vm(azure, vm_id)  # the data source that names the disks
    try:
        items.read_item(azure, vm_id)
    except HttpResponseError:
        items.begin_enable(azure, vm).result()
        items.read_item(azure, vm_id)
    while not items.is_protected(item := items.read_item(azure, vm_id)):
        azure.wait(_MINUTE)
    details = item.properties.provider_specific_details
    interfaces = [
        {
            "nicId": nic.nic_id,
            "ipConfigs": [{"ipConfigName": each.name, "recoverySubnetName": "app"} for each in nic.ip_configs],
        }
        for nic in details.vm_nics
    ]
    change = {
        "selectedRecoveryAzureNetworkId": pair.target_network(azure),
        "vmNics": interfaces,
        "providerSpecificDetails": {"instanceType": "A2A"},
    }
    operations = azure.recovery.replication_protected_items
    name = items.name_of(vm_id)
    operations.begin_update(*azure.vault, *items.PLACE, name, {"properties": change}).result()
    items.read_item(azure, vm_id)

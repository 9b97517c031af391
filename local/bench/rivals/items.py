"""A replicated item: the request that enables protection of a VM, and what is read of it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.core.exceptions import HttpResponseError

from local.bench.rivals import pair
from local.bench.rivals.azure import Azure

PLACE = (pair.PRIMARY, pair.HERE)


def name_of(vm_id: str) -> str:
    return vm_id.rsplit("/", 1)[-1]


def read_vm(azure: Azure, vm_id: str) -> Any:
    return azure.compute.virtual_machines.get(vm_id.split("/")[4], name_of(vm_id))


def enable_body(azure: Azure, vm: Any) -> dict[str, Any]:
    profile = vm.storage_profile
    disks = [profile.os_disk.managed_disk, *(disk.managed_disk for disk in profile.data_disks or ())]
    return {
        "properties": {
            "policyId": f"{azure.task.vault}/replicationPolicies/{pair.POLICY}",
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "fabricObjectId": vm.id,
                "recoveryContainerId": pair.container(azure, pair.RECOVERY),
                "recoveryResourceGroupId": pair.target_group(azure),
                "vmManagedDisks": [
                    {
                        "diskId": disk.id,
                        "primaryStagingAzureStorageAccountId": pair.cache(azure),
                        "recoveryResourceGroupId": pair.target_group(azure),
                        "recoveryReplicaDiskAccountType": disk.storage_account_type,
                        "recoveryTargetDiskAccountType": disk.storage_account_type,
                    }
                    for disk in disks
                ],
            },
        }
    }


def begin_enable(azure: Azure, vm: Any, **options: Any) -> Any:
    items = azure.recovery.replication_protected_items
    return items.begin_create(*azure.vault, *PLACE, name_of(vm.id), enable_body(azure, vm), **options)


def read_item(azure: Azure, vm_id: str) -> Any:
    return azure.recovery.replication_protected_items.get(*azure.vault, *PLACE, name_of(vm_id))


def is_protected(item: Any) -> bool:
    return bool(item.properties.provider_specific_details.vm_protection_state == "Protected")


def read_each(azure: Azure) -> int:
    """How many of the items could be read, each by its ID: none that was throttled more often than the SDK retries."""
    with ThreadPoolExecutor(azure.task.limit) as pool:
        return sum(pool.map(lambda item_id: _is_read(azure, item_id), azure.task.items))


def _is_read(azure: Azure, item_id: str) -> bool:
    fabric, container, name = item_id.strip("/").split("/")[9::2]
    try:
        azure.recovery.replication_protected_items.get(*azure.vault, fabric, container, name)
    except HttpResponseError:
        return False
    return True

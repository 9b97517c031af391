"""What the tests of the app speak of: one tagged VM, what surrounds it, and the settings of an app that protects it."""

from typing import Any

from shared.domain.protected_item import ProtectedItem
from shared.domain.resource_id import VAULT, ResourceId
from shared.domain.settings import Settings
from shared.domain.vm import Disk, SourceNetwork, SourceVm, Surroundings

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
ELSEWHERE = "22222222-2222-2222-2222-222222222222"
TENANT = "99999999-9999-9999-9999-999999999999"

VM_ID = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/virtualMachines", "web-1")
OS_DISK = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/disks", "web-1-os")
DATA_DISK = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/disks", "web-1-data")
NIC = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Network/networkInterfaces", "web-1-nic")
NETWORK = ResourceId.of(SUBSCRIPTION, "net", "Microsoft.Network/virtualNetworks", "vnet")
AVAILABILITY_SET = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/availabilitySets", "web-set")
VAULT_ID = ResourceId.of(SUBSCRIPTION, "dr", VAULT, "vault")
CONTAINER = VAULT_ID.child("replicationFabrics", "east").child("replicationProtectionContainers", "east-container")
SOURCE, TARGET = "eastus", "westus2"


def settings(**changes: Any) -> Settings:
    """Settings as the environment would give them; a poll interval of 30 s."""
    given = {
        "vault_ids": str(VAULT_ID),
        "source_scope": f"/subscriptions/{SUBSCRIPTION}",
        "target_scope": f"/subscriptions/{SUBSCRIPTION}",
    }
    return Settings(**{**given, **changes})


def source_vm(**changes: Any) -> SourceVm:
    """A VM that can be protected."""
    vm = SourceVm(
        id=VM_ID,
        location=SOURCE,
        tags={"dr": "true"},
        power_state="running",
        provisioning_state="Succeeded",
        disks=(Disk(id=OS_DISK, sku="Premium_LRS"),),
        nic_ids=(NIC,),
    )
    return vm.model_copy(update=changes)


def surroundings(**changes: Any) -> Surroundings:
    network = SourceNetwork(id=NETWORK, address_space=("10.1.0.0/16",), subnets={"web": ("10.1.1.0/24",)})
    return Surroundings(vault_location=TARGET, networks=(network,)).model_copy(update=changes)


def protected_item(**changes: Any) -> ProtectedItem:
    """The item of the VM, made by somebody else, in the state Protected."""
    item = ProtectedItem(
        id=CONTAINER.child("replicationProtectedItems", "made-in-the-portal"),
        source=VM_ID,
        state="Protected",
        disks=(OS_DISK,),
    )
    return item.model_copy(update=changes)

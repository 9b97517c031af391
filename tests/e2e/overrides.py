"""A world in which every choice can be honoured, values to choose, and where an item shows what came of them."""

from collections.abc import Iterable, Iterator
from typing import Any

from shared.config.override_options import CHOICES
from shared.model import naming
from shared.model.resource_id import ResourceId
from tests import estates

Json = dict[str, Any]

FURTHER = "westus3"
"""A region that is neither the VMs' nor the vault's."""

_GROUPS = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups"
CHOSEN, FAR, CACHES = f"{_GROUPS}/chosen", f"{_GROUPS}/far", f"{_GROUPS}/asr-cache-{estates.SOURCE}"
NETWORK = f"{CHOSEN}/providers/Microsoft.Network/virtualNetworks/vnet-chosen"
FAR_NETWORK = f"{FAR}/providers/Microsoft.Network/virtualNetworks/vnet-far"
BALANCER = f"{CHOSEN}/providers/Microsoft.Network/loadBalancers/front"
POOLS = f"{BALANCER}/backendAddressPools"
MAPPED = f"{CHOSEN}/providers/Microsoft.Network/virtualNetworks/vnet-mapped"
DRILL = {
    "failoverDirection": "PrimaryToRecovery",
    "networkType": "VmNetworkAsInput",
    "networkId": MAPPED,
    "providerSpecificDetails": {"instanceType": "A2A"},
}
RULES = f"{CHOSEN}/providers/Microsoft.Network/networkSecurityGroups/rules"
SET = f"{CHOSEN}/providers/Microsoft.Compute/availabilitySets/set-chosen"
SCALE_SET = f"{CHOSEN}/providers/Microsoft.Compute/virtualMachineScaleSets/flexible"
PLACEMENT = f"{CHOSEN}/providers/Microsoft.Compute/proximityPlacementGroups/close"
RESERVATION = f"{CHOSEN}/providers/Microsoft.Compute/capacityReservationGroups/reserved"
KEYS = f"{CHOSEN}/providers/Microsoft.Compute/diskEncryptionSets/keys"
DIAGNOSTICS = f"{CHOSEN}/providers/Microsoft.Storage/storageAccounts/diagchosen"
CACHE = f"{CACHES}/providers/Microsoft.Storage/storageAccounts/cachechosen"

OPEN = {"allow": {choice: ["*"] for choice in CHOICES}}
"""A profile that leaves everything to those who write tags."""

NEVER = {"target-storage"}
"""What no VM can have: the target of unmanaged disks, which Azure has retired."""

APART = {"exclude-disks"}
"""What an item shows by the disks that it lacks alone (`test_disks.py`)."""

_NIC = ("vmNics", 0)
_ADDRESS = (*_NIC, "ipConfigs", 0)
_DISK = ("protectedManagedDisks", 0)
SHOWN: dict[str, tuple[str | int, ...]] = {
    "target-location": ("recoveryFabricLocation",),
    "target-resource-group": ("recoveryAzureResourceGroupId",),
    "target-vnet": (*_NIC, "recoveryVMNetworkId"),
    "target-subnet": (*_ADDRESS, "recoverySubnetName"),
    "target-ip": (*_ADDRESS, "recoveryStaticIPAddress"),
    "target-nsg": (*_NIC, "recoveryNetworkSecurityGroupId"),
    "target-public-ip": (*_ADDRESS, "recoveryPublicIPAddressId"),
    "target-backend-pool": (*_ADDRESS, "recoveryLBBackendAddressPoolIds", 0),
    "target-availability-set": ("recoveryAvailabilitySet",),
    "target-scale-set": ("recoveryVirtualMachineScaleSetId",),
    "target-zone": ("recoveryAvailabilityZone",),
    "target-ppg": ("recoveryProximityPlacementGroupId",),
    "target-capacity-reservation": ("recoveryCapacityReservationGroupId",),
    "target-size": ("recoveryAzureVMSize",),
    "target-name": ("recoveryAzureVMName",),
    "target-boot-diagnostics": ("recoveryBootDiagStorageAccountId",),
    "target-disk-type": (*_DISK, "recoveryTargetDiskAccountType"),
    "replica-disk-type": (*_DISK, "recoveryReplicaDiskAccountType"),
    "target-disk-encryption-set": (*_DISK, "recoveryDiskEncryptionSetId"),
    "cache-storage": (*_DISK, "primaryStagingAzureStorageAccountId"),
    "churn": ("churnOptionSelected",),
    "consistency-group": ("multiVmGroupName",),
}
"""Where the details of a replicated item show each choice."""


def public_ip(number: int) -> str:
    return f"{CHOSEN}/providers/Microsoft.Network/publicIPAddresses/public-{number}"


def values(number: int, vm: str) -> dict[str, str]:
    """A value for every choice. What two VMs cannot share goes by the number."""
    return {
        "target-location": FURTHER,
        "target-resource-group": CHOSEN,
        "target-vnet": NETWORK,
        "target-subnet": "data",
        "target-ip": f"10.9.2.{10 + number}",
        "target-nsg": f"{vm}-nic={RULES}",
        "target-public-ip": public_ip(number),
        "target-backend-pool": f"{POOLS}/web",
        "target-availability-set": SET,
        "target-scale-set": SCALE_SET,
        "target-zone": "2",
        "target-ppg": PLACEMENT,
        "target-capacity-reservation": RESERVATION,
        "target-size": "Standard_D4s_v5",
        "target-name": f"{vm}-dr",
        "target-boot-diagnostics": DIAGNOSTICS,
        "target-disk-type": "StandardSSD_LRS",
        "replica-disk-type": f"{vm}-disk0=Standard_LRS",
        "target-disk-encryption-set": KEYS,
        "target-storage": DIAGNOSTICS,
        "cache-storage": CACHE,
        "churn": "high",
        "consistency-group": f"together-{number}",
        "exclude-disks": "63",
    }


def shown(item: Json, choice: str) -> str:
    """What the item has, in lower case: Azure keeps no case of IDs."""
    found: Any = item["properties"]["providerSpecificDetails"]
    for step in SHOWN[choice]:
        found = found[step] if found else ""
    return str(found or "").lower()


def chosen(value: str) -> str:
    """What `shown` is to be for a value: that of the one interface or disk, if it was given by name."""
    return value.rsplit("=", 1)[-1].lower()


def named(value: str) -> str:
    """The value as people write it who do not copy IDs: the name, where it is enough."""
    return value.rsplit("/", 1)[-1] if value.startswith("/") and "/backendAddressPools/" not in value else value


def tags(wanted: dict[str, str]) -> dict[str, str]:
    return {f"dr-{choice}": value for choice, value in wanted.items()}


def carriers(value: str, requests: list[Json]) -> set[str]:
    """The methods of those requests whose body says the value. A region is said by naming its fabric."""
    wanted = chosen(value)
    return {
        request["method"]
        for request in requests
        for text in map(str.lower, _texts(request["requestBody"]))
        if text == wanted or f"-{wanted}/" in text
    }


def _texts(body: Any) -> Iterator[str]:
    if isinstance(body, dict | list):
        for each in body.values() if isinstance(body, dict) else body:
            yield from _texts(each)
    elif isinstance(body, str):
        yield body


def world(vms: Iterable[Json], *, public_ips: int = 1, **more: Any) -> Json:
    """An estate with all that `values` name; `more` extends its lists."""
    subnets = [{"name": "web", "prefix": "10.9.1.0/24"}, {"name": "data", "prefix": "10.9.2.0/24"}]
    pools = [{"name": "web"}, {"name": "portal"}]
    there = (PLACEMENT, RESERVATION, KEYS, RULES, f"{RULES}-portal", *map(public_ip, range(public_ips)))
    base = estates.estate(vms) | {"demo": {"targets": [CHOSEN, FAR]}}
    own: dict[str, list[Json]] = {
        "resourceGroups": [
            {"id": CHOSEN, "location": estates.TARGET},
            {"id": FAR, "location": FURTHER},
            {"id": CACHES, "location": estates.SOURCE},
        ],
        "resources": [
            *({"id": each, "location": estates.TARGET} for each in there),
            *({"id": each, "location": estates.TARGET, "zones": ["2"]} for each in (SCALE_SET, f"{SCALE_SET}-portal")),
            {"id": BALANCER, "location": estates.TARGET, "properties": {"backendAddressPools": pools}},
        ],
        "networks": [
            *base["networks"],
            {"id": NETWORK, "location": estates.TARGET, "addressSpace": ["10.9.0.0/16"], "subnets": subnets},
            {"id": FAR_NETWORK, "location": FURTHER, "addressSpace": ["10.9.0.0/16"], "subnets": subnets},
        ],
        "availabilitySets": [{"id": SET, "location": estates.TARGET}],
        "storageAccounts": [
            {"id": CACHE, "location": estates.SOURCE},
            {"id": DIAGNOSTICS, "location": estates.TARGET},
        ],
    }
    return base | own | {name: [*own.get(name, []), *given] for name, given in more.items()}


async def items(stack: Any) -> dict[str, Json]:
    """The replicated items of the app's own vault, by the VM's name."""
    state = await stack.sim("GET", "state")
    ours = [vault for vault in state["siteRecovery"] if vault["vault"].lower() == estates.VAULT.lower()]
    return {item["properties"]["friendlyName"]: item for vault in ours for item in vault["protectedItems"]}


def protected(vm: str, **more: Any) -> Json:
    """An item that this app created, and somebody gave its interface more than the app would by itself."""
    return {
        "fabric": "primary",
        "container": "here",
        "name": naming.item_name(ResourceId(estates.vm_id(vm)), "local"),
        "virtualMachine": estates.vm_id(vm),
        "policy": "daily",
        "recoveryFabric": "secondary",
        "recoveryContainer": "there",
        "recoveryResourceGroup": CHOSEN,
        "cacheStorageAccount": f"{CACHE}portal",
        "nics": [{"name": f"{vm}-nic", "networkSecurityGroup": f"{RULES}-portal", "backendPools": [f"{POOLS}/portal"]}],
        **more,
    }


def protected_world(vms: Iterable[Json], items: Iterable[Json], **more: Any) -> Json:
    """The world with a vault that somebody set up under names of their own, and these items in it."""
    subnets = [{"name": "web", "prefix": "10.1.1.0/24"}, {"name": "data", "prefix": "10.1.2.0/24"}]
    mapping = {"fabric": "primary", "container": "here", "targetFabric": "secondary", "targetContainer": "there"}
    estate = world(
        vms,
        networks=[
            {"id": MAPPED, "location": estates.TARGET, "addressSpace": ["10.1.0.0/16"], "subnets": subnets},
        ],
        storageAccounts=[{"id": f"{CACHE}portal", "location": estates.SOURCE}],
        resourceGroups=[{"id": f"{estates.GROUP}-asr", "location": estates.TARGET}],
        **more,
    )
    vault = {
        "vault": estates.VAULT,
        "fabrics": [
            {"name": "primary", "location": estates.SOURCE},
            {"name": "secondary", "location": estates.TARGET},
        ],
        "containers": [{"fabric": "primary", "name": "here"}, {"fabric": "secondary", "name": "there"}],
        "policies": [{"name": "daily", "recoveryPointHistory": 24 * 60, "appConsistentFrequencyInMinutes": 4 * 60}],
        "containerMappings": [{**mapping, "name": "pair", "policy": "daily"}],
        "networkMappings": [
            {
                "fabric": "primary",
                "name": "network",
                "recoveryFabric": "secondary",
                "primaryNetwork": estates.network_id("vnet-app"),
                "recoveryNetwork": MAPPED,
            }
        ],
        "protectedItems": list(items),
    }
    return {**estate, "siteRecovery": [vault]}

"""Checks of target resources: they exist, and are in the right region.

The prerequisites check of an enable job and changes in place use them. All codes are invented.
"""

from typing import NamedTuple

from local.simulator import ids, regions
from local.simulator.arm import sizes
from local.simulator.arm.compute_parts import SET
from local.simulator.arm.network import NETWORK
from local.simulator.arm.storage import TYPE as STORAGE
from local.simulator.limits import Quota
from local.simulator.recovery import vm_checks
from local.simulator.store import Resource
from local.simulator.vault.job import Failure
from local.simulator.wire import Json
from local.simulator.world import World


class Kind(NamedTuple):
    """A kind of target resource, with the codes of one that is missing and of one in another region."""

    type: str
    words: str
    missing: str
    elsewhere: str


TARGET_NETWORK = Kind(NETWORK, "virtual network", "159021", "159022")
ENCRYPTION_SET = Kind("Microsoft.Compute/diskEncryptionSets", "disk encryption set", "159038", "159039")
SECURITY_GROUP = Kind("Microsoft.Network/networkSecurityGroups", "network security group", "159040", "159041")
PUBLIC_ADDRESS = Kind("Microsoft.Network/publicIPAddresses", "public IP address", "159042", "159043")
LOAD_BALANCER = Kind("Microsoft.Network/loadBalancers", "load balancer", "159044", "159045")
_BY_FIELD = {
    "recoveryAvailabilitySetId": Kind(SET, "availability set", "159010", "159011"),
    "recoveryProximityPlacementGroupId": Kind(
        "Microsoft.Compute/proximityPlacementGroups", "proximity placement group", "159032", "159033"
    ),
    "recoveryCapacityReservationGroupId": Kind(
        "Microsoft.Compute/capacityReservationGroups", "capacity reservation group", "159034", "159035"
    ),
    "recoveryVirtualMachineScaleSetId": Kind(
        "Microsoft.Compute/virtualMachineScaleSets", "virtual machine scale set", "159066", "159067"
    ),
    "recoveryBootDiagStorageAccountId": Kind(STORAGE, "boot diagnostics account", "159036", "159037"),
}


def resource(world: World, kind: Kind, resource_id: str, location: str) -> Failure | None:
    found = world.store.get(resource_id)
    if found is None or found.type.lower() != kind.type.lower():
        return Failure(kind.missing, f"The target {kind.words} '{resource_id}' could not be found.")
    if found.location != location:
        return Failure(kind.elsewhere, f"The target {kind.words} '{found.name}' is not in '{location}'.")
    return None


def place(world: World, location: str, chosen: Json) -> Failure | None:
    """Checks the resources that an enable or a change in place names."""
    for field, kind in _BY_FIELD.items():
        if chosen.get(field) and (failure := resource(world, kind, chosen[field], location)):
            return failure
    found = world.store.get(chosen.get("recoveryAvailabilitySetId") or "")
    if found is not None and found.body["sku"]["name"] != "Aligned":
        return Failure("159012", f"The target availability set '{found.name}' is not for managed disks (Aligned).")
    scale_set = world.store.get(chosen.get("recoveryVirtualMachineScaleSetId") or "")
    if scale_set is None:
        return None
    if vm_checks.scales(scale_set):
        return Failure("159081", f"The target scale set '{scale_set.name}' is not a Flexible one without scaling.")
    if (chosen.get("recoveryAvailabilityZone") or None) not in (scale_set.body.get("zones") or [None]):
        return Failure("159082", f"The zone of the target VM is none of the target scale set '{scale_set.name}'.")
    return None


def size(world: World, group_id: str, location: str, name: str, zone: str | None) -> Failure | None:
    """The size that the recovered VM will have: offered, in its zone too, and within the quota (150097)."""
    subscription = group_id.split("/")[2]
    nowhere, zones = sizes.refused_zones(world, subscription, location, name)
    if zone and (zone in zones or zone not in regions.zones(location)):
        return Failure("159031", f"The size '{name}' is not offered in zone '{zone}' of '{location}'.")
    wanted = sizes.size_of(name)
    over = [
        quota.name
        for limited in ("cores", wanted.family)
        if (quota := world.limits.quota(subscription, location, limited))
        and _used(world, quota) + wanted.cores > quota.limit
    ]
    if not nowhere and not over:
        return None
    return Failure(
        "150097",
        f"Replication couldn't be enabled for the virtual machine: its size '{name}' cannot be had in '{location}'.",
        f"The quota of {over[0]} is used up." if over else "The subscription may not use the size there.",
        "Ask for more quota, or choose another size, and try again.",
    )


def _used(world: World, quota: Quota) -> int:
    if quota.used is not None:
        return quota.used
    used = sizes.used_cores(world, quota.subscription, quota.location)
    return next((cores for name, cores in used.items() if name.lower() == quota.name.lower()), 0)


def groups(world: World, source: str, location: str, group_ids: set[str]) -> Failure | None:
    """Target resource groups: not in the source region, which would be lost with the source."""
    for group_id in sorted(group_ids):
        group = world.store.group(group_id)
        if group is None:
            return Failure("159008", f"The target resource group '{group_id}' could not be found.")
        if group.location == source and location != source:
            return Failure("159009", f"The target resource group '{group.name}' is in the source region.")
    return None


def network(world: World, location: str, network_id: str, subnet_name: str | None) -> Failure | None:
    if failure := resource(world, TARGET_NETWORK, network_id, location):
        return failure
    if subnet_name and subnet(world.store.get(network_id), subnet_name) is None:
        name = ids.last_segment(network_id)
        return Failure("159023", f"The target virtual network '{name}' has no subnet '{subnet_name}'.")
    return None


def subnet(network: Resource | None, name: str) -> Json | None:
    """The subnet of this name, which may also be given as an ID."""
    subnets: list[Json] = network.properties["subnets"] if network else []
    wanted = ids.last_segment(name).lower()
    return next((each for each in subnets if each["name"].lower() == wanted), None)

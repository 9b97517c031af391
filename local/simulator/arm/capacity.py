"""The capacity that a subscription has in a region: sizes (resource SKUs), cores (usages), and the errors for more."""

import re

from local.simulator import errors, regions
from local.simulator.arm.sizes import RESERVATION, TYPE, Size, associated, refused_zones, size_of, sizes, used_cores
from local.simulator.errors import ArmError
from local.simulator.paging import page
from local.simulator.routing import Routes
from local.simulator.store import Resource
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("skus")
_COMPUTE = "/subscriptions/{subscription}/providers/Microsoft.Compute"
_GROUPS = "Microsoft.Compute/capacityReservationGroups"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{_GROUPS}/{{name}}"
_FILTER = re.compile(r"^\s*location\s+eq\s+'([^']*)'\s*$", re.IGNORECASE)
_UNLIMITED = 100_000  # invented: a quota that the estate does not set is no limit
_COUNTED = {"Microsoft.Compute/availabilitySets": "Availability Sets", TYPE: "Virtual Machines"}


@routes.route("GET", _COMPUTE + "/skus")
def list_skus(world: World, call: Call) -> Answer:
    asked = call.query.get("$filter")
    locations = list(regions.DISPLAY_NAMES)
    if asked is not None:
        found = _FILTER.match(asked)
        if not found:
            raise ArmError(400, "InvalidParameter", f"The filter '{asked}' is not supported; only location is.")
        locations = [name for name in locations if name == regions.canonical(found[1])]
    subscription = call["subscription"]
    return Answer(
        200,
        page(
            world,
            call,
            [
                sku
                for location in locations
                for sku in (
                    *(_set_sku(name, location) for name in ("Classic", "Aligned")),
                    *(_disk_sku(name, location) for name in regions.disk_types(location)),
                    *(_size_sku(world, subscription, location, size) for size in sizes(world, subscription)),
                )
            ],
        ),
    )


def _set_sku(name: str, location: str) -> Json:
    """The SKU that states the maximum of fault domains of an availability set."""
    return {
        "resourceType": "availabilitySets",
        "name": name,
        "locations": [location],
        "locationInfo": [{"location": location, "zones": [], "zoneDetails": []}],
        "capabilities": [
            {"name": "MaximumPlatformFaultDomainCount", "value": str(regions.fault_domains(location))},
        ],
        "restrictions": [],
    }


def _disk_sku(name: str, location: str) -> Json:
    """Azure has a row for each size of disks of a type; that of one stands for all."""
    zones = list(regions.zones(location))
    return {
        "resourceType": "disks",
        "name": name,
        "locations": [location],
        "locationInfo": [{"location": location, "zones": zones, "zoneDetails": []}],
        "capabilities": [],
        "restrictions": [],
    }


def _size_sku(world: World, subscription: str, location: str, size: Size) -> Json:
    zones = regions.zones(location)
    ultra = {"name": "UltraSSDAvailable", "value": "True"}
    details = [{"name": list(zones), "capabilities": [ultra]}] if zones and size.premium else []
    return {
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": size.name.split("_", 1)[-1],
        "family": size.family,
        "locations": [location],
        "locationInfo": [{"location": location, "zones": list(zones), "zoneDetails": details}],
        "capabilities": [{"name": name, "value": value} for name, value in _capabilities(size).items()],
        "restrictions": _restrictions(world, subscription, location, size.name),
    }


def _capabilities(size: Size) -> dict[str, str]:
    found = {
        "HyperVGenerations": ",".join(size.generations),
        "CpuArchitectureType": "Arm64" if size.arm else "x64",
        "vCPUs": str(size.cores),
        "vCPUsAvailable": str(size.cores),
        "MemoryGB": f"{size.memory:g}",
        "MaxDataDiskCount": str(size.data_disks),
        "PremiumIO": str(size.premium),
        "EncryptionAtHostSupported": str(size.premium),
        "CapacityReservationSupported": str(size.premium),
        "AcceleratedNetworkingEnabled": str(size.cores > 1),
        "MaxNetworkInterfaces": str(size.interfaces),
        "DiskControllerTypes": ", ".join(size.controllers),
        "TrustedLaunchDisabled": str(not size.trusted_launch),
    }
    return found | ({"ConfidentialComputingType": "SNP"} if size.confidential else {})


def _restrictions(world: World, subscription: str, location: str, size: str) -> list[Json]:
    everywhere, zones = refused_zones(world, subscription, location, size)
    kinds = [("Location", {"locations": [location]})] if everywhere else []
    if zones:
        kinds.append(("Zone", {"locations": [location], "zones": list(zones)}))
    return [
        {"type": kind, "values": [location], "restrictionInfo": info, "reasonCode": "NotAvailableForSubscription"}
        for kind, info in kinds
    ]


@routes.route("GET", _COMPUTE + "/locations/{location}/usages", api="virtual-machines")
def list_usages(world: World, call: Call) -> Answer:
    location = regions.check(call["location"], "locations/usages")
    subscription = call["subscription"]
    counted = [
        _usage(kind.rsplit("/", 1)[1], words, _UNLIMITED, _count(world, subscription, location, kind))
        for kind, words in _COUNTED.items()
    ]
    used = used_cores(world, subscription, location)
    families = sorted({size.family for size in sizes(world, subscription)})
    return Answer(
        200,
        page(
            world,
            call,
            [
                *counted,
                *(
                    _usage(name, _words(name), *_quota(world, subscription, location, name, used))
                    for name in ("cores", *families)
                ),
            ],
        ),
    )


@routes.route("GET", _GROUP + "/capacityReservations", api="virtual-machines")
def list_reservations(world: World, call: Call) -> Answer:
    """With the VMs that are associated, as the model of a reservation has them: no list of one was seen."""
    group = call.path.rsplit("/", 1)[0]
    if world.store.get(group) is None:
        raise errors.resource_not_found(_GROUPS, call["name"], call["group"])
    found = world.store.under(group, RESERVATION)
    return Answer(200, page(world, call, found, lambda each: _reservation(world, each)))


def _reservation(world: World, reservation: Resource) -> Json:
    vms = [{"id": vm.id} for vm in associated(world, reservation)]
    return {**reservation.body, "properties": {**reservation.properties, "virtualMachinesAssociated": vms}}


def _count(world: World, subscription: str, location: str, kind: str) -> int:
    return sum(each.location == location for each in world.store.of_type(subscription, kind))


def _quota(world: World, subscription: str, location: str, name: str, used: dict[str, int]) -> tuple[int, int]:
    """The limit of a quota and its current use."""
    counted = used.get(name, 0)
    quota = world.limits.quota(subscription, location, name)
    if quota is None:
        return _UNLIMITED, counted
    return quota.limit, counted if quota.used is None else quota.used


def _words(name: str) -> str:
    if name == "cores":
        return "Total Regional vCPUs"
    return f"{name.removesuffix('Family')[:1].upper()}{name.removesuffix('Family')[1:]} Family vCPUs"


def _usage(name: str, words: str, limit: int, used: int) -> Json:
    return {"unit": "Count", "currentValue": used, "limit": limit, "name": {"value": name, "localizedValue": words}}


def check(world: World, vm_id: str, location: str, size_name: str, zones: list[str]) -> None:
    """Raises ArmError 409 for a size that the subscription may not use, or has no cores left for."""
    subscription = vm_id.split("/")[2]
    everywhere, refused = refused_zones(world, subscription, location, size_name)
    if everywhere or set(refused) & set(zones):
        raise ArmError(
            409,
            "SkuNotAvailable",
            f"The requested size for resource '{vm_id}' is currently not available in location '{location}' zones "
            f"'{','.join(zones)}' for subscription '{subscription}'. Please try another size or deploy to a different "
            "location or zones. See https://aka.ms/azureskunotavailable for details.",
        )
    size = size_of(size_name)
    counted = used_cores(world, subscription, location)
    for name, words in (("cores", "Total Regional Cores"), (size.family, f"{size.family} Cores")):
        limit, used = _quota(world, subscription, location, name, counted)
        if used + size.cores > limit:
            raise ArmError(
                409,
                "OperationNotAllowed",
                f"Operation could not be completed as it results in exceeding approved {words} quota. Additional "
                f"details - Deployment Model: Resource Manager, Location: {location}, Current Limit: {limit}, Current "
                f"Usage: {used}, Additional Required: {size.cores}, (Minimum) New Limit Required: {used + size.cores}.",
            )

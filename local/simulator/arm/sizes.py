"""Sizes of VMs: a table of common ones; numbers for any other are derived from its name."""

import re
from dataclasses import dataclass

from local.simulator import ids, regions
from local.simulator.store import Resource, VirtualMachine
from local.simulator.world import World

TYPE = "Microsoft.Compute/virtualMachines"
RESERVATION = "Microsoft.Compute/capacityReservationGroups/capacityReservations"
_HALVED = {2: 4, 4: 8, 8: 16, 16: 32, 32: 32, 64: 32}  # data disks by cores, in most series
_NAME = re.compile(r"^(Standard|Basic)_(?P<series>[A-Z]+)(?P<cores>\d+)(-\d+)?(?P<more>[a-z]*)(_v(?P<version>\d+))?$")
# Series: pattern of the name, family, GiB per core, data disks by cores (Microsoft's pages of each series).
_SERIES: tuple[tuple[str, str, float, dict[int, int]], ...] = (
    ("Standard_D{}s_v3", "standardDSv3Family", 4, {2: 4, 4: 8, 8: 16, 16: 32}),
    ("Standard_D{}s_v4", "standardDSv4Family", 4, {2: 4, 4: 8, 8: 16, 16: 32}),
    ("Standard_D{}s_v5", "standardDSv5Family", 4, _HALVED),
    ("Standard_D{}ds_v5", "standardDDSv5Family", 4, _HALVED),
    ("Standard_D{}as_v5", "standardDASv5Family", 4, _HALVED),
    ("Standard_E{}s_v3", "standardESv3Family", 8, {2: 4, 4: 8, 8: 16, 16: 32}),
    ("Standard_E{}s_v5", "standardESv5Family", 8, _HALVED),
    ("Standard_E{}ds_v5", "standardEDSv5Family", 8, _HALVED),
    ("Standard_F{}s_v2", "standardFSv2Family", 2, {2: 4, 4: 8, 8: 16, 16: 32}),
    ("Standard_DC{}as_v5", "standardDCASv5Family", 4, {2: 4, 4: 8, 8: 16}),
    ("Standard_D{}ps_v5", "standardDPSv5Family", 4, _HALVED),
    ("Standard_L{}s_v3", "standardLSv3Family", 8, {8: 16, 16: 32, 32: 32}),
    ("Standard_B{}s_v2", "standardBsv2Family", 4, {2: 4, 4: 8, 8: 16}),
)
_SINGLE: tuple[tuple[str, str, int, float, int], ...] = (
    ("Standard_B1ls", "standardBSFamily", 1, 0.5, 2),
    ("Standard_B1s", "standardBSFamily", 1, 1, 2),
    ("Standard_B1ms", "standardBSFamily", 1, 2, 2),
    ("Standard_B2s", "standardBSFamily", 2, 4, 4),
    ("Standard_B2ms", "standardBSFamily", 2, 8, 4),
    ("Standard_B4ms", "standardBSFamily", 4, 16, 8),
    ("Standard_DS1_v2", "standardDSv2Family", 1, 3.5, 4),
    ("Standard_DS2_v2", "standardDSv2Family", 2, 7, 8),
    ("Standard_DS3_v2", "standardDSv2Family", 4, 14, 16),
    ("Standard_DS4_v2", "standardDSv2Family", 8, 28, 32),
    ("Standard_DS5_v2", "standardDSv2Family", 16, 56, 64),
    ("Standard_A1_v2", "standardAv2Family", 1, 2, 2),
    ("Standard_A2_v2", "standardAv2Family", 2, 4, 4),
    ("Standard_D2_v3", "standardDv3Family", 2, 8, 4),
    ("Standard_M64s", "standardMSFamily", 64, 1024, 64),
)


@dataclass(frozen=True, slots=True)
class Size:
    name: str
    family: str
    cores: int
    memory: float
    data_disks: int

    @property
    def premium(self) -> bool:
        """Whether the size supports premium disks: an `s` in the name."""
        found = _NAME.match(self.name)
        return found is None or "s" in found["more"] or found["series"].endswith("S")

    @property
    def arm(self) -> bool:
        """Whether the size has an ARM64 processor: a `p` in the letters behind the cores."""
        found = _NAME.match(self.name)
        return found is not None and "p" in found["more"]

    @property
    def interfaces(self) -> int:
        """How many interfaces the size takes."""
        return min(max(2, self.cores), 8)

    @property
    def generations(self) -> tuple[str, ...]:
        """The generations of VMs that the size takes: newer sizes only the second."""
        newer = self.confidential or self.arm or self.controllers == ("NVMe",)
        return ("V2",) if newer else ("V1",) if self.name.startswith("Basic_") else ("V1", "V2")

    @property
    def controllers(self) -> tuple[str, ...]:
        """The disk controllers: NVMe alone from the sixth version on, both for some of the fifth."""
        found = _NAME.match(self.name)
        version = int(found["version"] or 1) if found else 1
        return ("NVMe",) if version > 5 else ("SCSI", "NVMe") if "b" in (found["more"] if found else "") else ("SCSI",)

    @property
    def trusted_launch(self) -> bool:
        """Sizes of the first series do not support it, nor do those for ARM64."""
        return not self.arm and not self.name.startswith(("Basic_", "Standard_A"))

    @property
    def confidential(self) -> bool:
        return self.name.startswith(("Standard_DC", "Standard_EC"))


_TABLE = {
    size.name.lower(): size
    for size in (
        *(Size(*row) for row in _SINGLE),
        *(
            Size(pattern.format(cores), family, cores, cores * memory, disks[cores])
            for pattern, family, memory, disks in _SERIES
            for cores in disks
        ),
    )
}


def size_of(name: str) -> Size:
    """The numbers of a size. For a name that is not in the table they follow from its series, and are invented."""
    if known := _TABLE.get(name.lower()):
        return known
    found = _NAME.match(name)
    if found is None:
        return Size(name, "standardUnknownFamily", 2, 8, 4)
    version = f"v{found['version']}" if found["version"] else ""
    family = f"standard{found['series']}{found['more'].upper()}{version}Family"
    cores = int(found["cores"])
    memory = cores * (8 if found["series"].startswith("E") else 2 if found["series"].startswith("F") else 4)
    return Size(name, family, cores, memory, min(2 * cores, 64))


def sizes(world: World, subscription: str) -> list[Size]:
    """The sizes of the table, and those that the VMs of the subscription have."""
    used = {vm.properties["hardwareProfile"]["vmSize"] for vm in world.store.of_type(subscription, TYPE)}
    others = sorted(name for name in used if name.lower() not in _TABLE)
    return [*_TABLE.values(), *map(size_of, others)]


def refused_zones(world: World, subscription: str, location: str, size: str) -> tuple[bool, tuple[str, ...]]:
    """Whether a size is restricted in the whole location, and the zones in which it is restricted."""
    zones: set[str] = set()
    for restriction in world.limits.restrictions(subscription, location, size):
        if not restriction.zones:
            return True, regions.zones(location)
        zones.update(restriction.zones)
    return False, tuple(sorted(zones))


def used_cores(world: World, subscription: str, location: str) -> dict[str, int]:
    """Cores of the VMs that are allocated and of what is reserved besides, by family; under `cores` the sum."""
    vms = [vm for each in world.store.of_type(subscription, TYPE) if (vm := world.store.vm(each.id))]
    sizes_ = [size_of(_size_name(vm)) for vm in vms if vm.location == location and vm.power != "deallocated"]
    for reservation in world.store.of_type(subscription, RESERVATION):
        if reservation.location == location:
            sku = reservation.body["sku"]
            allocated = [vm for vm in associated(world, reservation) if vm.power != "deallocated"]
            sizes_ += [size_of(sku["name"])] * (sku["capacity"] - len(allocated))
    found: dict[str, int] = {"cores": 0}
    for size in sizes_:
        found["cores"] += size.cores
        found[size.family] = found.get(size.family, 0) + size.cores
    return found


def associated(world: World, reservation: Resource) -> list[VirtualMachine]:
    """The VMs that name the group of the reservation, are of its size and in its zone."""
    group, zones = ids.key(reservation.id.rsplit("/", 2)[0]), reservation.body.get("zones") or []
    return [
        vm
        for each in world.store.of_type(reservation.id.split("/")[2], TYPE)
        if (vm := world.store.vm(each.id))
        and ids.key(_group(vm)) == group
        and _size_name(vm).lower() == reservation.body["sku"]["name"].lower()
        and (vm.body.get("zones") or []) == zones
    ]


def _group(vm: VirtualMachine) -> str:
    """The ID of the capacity reservation group of a VM, or ""."""
    return str(vm.properties.get("capacityReservation", {}).get("capacityReservationGroup", {}).get("id", ""))


def _size_name(vm: VirtualMachine) -> str:
    return str(vm.properties["hardwareProfile"]["vmSize"])

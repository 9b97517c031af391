"""What differs between a protected item and what is asked for, as far as calls of Azure can change it in place."""

from hashlib import sha256

from shared.model.base import Model
from shared.model.replication import ReplicatedDisk, ReplicatedNic
from shared.model.resource_id import ResourceId


class Difference(Model):
    """A setting of the item that is not what is asked for."""

    setting: str
    current: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.current or 'none'} → {self.wanted}"


class ItemUpdate(Model):
    """What is to be changed about a protected item by one update call; what is not set stays."""

    target_group: ResourceId | None = None
    network: ResourceId | None = None
    availability_set: ResourceId | None = None
    placement_group: ResourceId | None = None
    capacity_reservation: ResourceId | None = None
    boot_diagnostics: ResourceId | None = None
    size: str = ""
    name: str = ""
    disks: tuple[ReplicatedDisk, ...] = ()
    nics: tuple[ReplicatedNic, ...] = ()

    @property
    def named(self) -> tuple[ResourceId, ...]:
        """Every resource that the update names as a target: each has to lie in the target scope."""
        places = (self.availability_set, self.placement_group, self.capacity_reservation, self.boot_diagnostics)
        of_nics = (each for nic in self.nics for each in (nic.security_group, nic.public_ip, nic.backend_pool))
        return tuple(filter(None, (self.target_group, self.network, *places, *of_nics)))


class Changes(Model):
    """What has to be done to a protected item so that it is what is asked for: an update, and disks to add."""

    differences: tuple[Difference, ...] = ()
    update: ItemUpdate | None = None
    added_disks: tuple[ReplicatedDisk, ...] = ()

    @property
    def any(self) -> bool:
        return self.update is not None or bool(self.added_disks)

    @property
    def steps(self) -> tuple["Changes", ...]:
        """One call each: the disks first, for an update that fails must not keep data from being replicated."""
        disks = Changes(added_disks=self.added_disks)
        update = Changes(differences=self.differences, update=self.update)
        return tuple(step for step in (disks, update) if step.any)

    @property
    def key(self) -> str:
        """What is to be, whatever is now: the same key is the same call."""
        wanted = self.model_dump_json(include={"update", "added_disks"}, exclude_none=True)
        return sha256(wanted.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        disks = (f"disk to add: {disk.id.name}" for disk in self.added_disks)
        return "; ".join([*map(str, self.differences), *disks])

"""Differences between a replicated item and its plan that Azure can change in place."""

from datetime import datetime, timedelta
from hashlib import sha256

from shared.model.base import Model
from shared.model.replication import ReplicatedDisk, ReplicatedNic, TargetSettings
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error


class Difference(Model):
    """A setting of the item that differs from the requested value."""

    setting: str
    current: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.current or 'none'} → {self.wanted}"


class ItemUpdate(TargetSettings):
    """The changes of one update call of an item; fields that are not set stay unchanged."""

    disks: tuple[ReplicatedDisk, ...] = ()
    nics: tuple[ReplicatedNic, ...] = ()

    @property
    def named(self) -> tuple[ResourceId, ...]:
        """All target resources in the update: each has to be in the target scope."""
        of_nics = (each for nic in self.nics for each in (nic.security_group, nic.public_ip, nic.backend_pool))
        return (*super().named, *filter(None, of_nics))


DISK_RETRY = timedelta(hours=24)
"""How long a disk that could not be added is not tried again, unless somebody asks for it."""


class DiskFailure(Model):
    """A disk that could not be added to the replication, and the time (UTC) and the error of the attempt."""

    disk: ResourceId
    error: Error
    at: datetime


class Changes(Model):
    """The changes that make an item match its plan: an update, and disks to add."""

    differences: tuple[Difference, ...] = ()
    update: ItemUpdate | None = None
    added_disks: tuple[ReplicatedDisk, ...] = ()

    @property
    def any(self) -> bool:
        return self.update is not None or bool(self.added_disks)

    @property
    def steps(self) -> tuple["Changes", ...]:
        """The calls to make, disks first: a failed update must not prevent data from being replicated. Each disk has a
        call of its own: Site Recovery adds one at a time, and one that fails must not keep out the others."""
        disks = (Changes(added_disks=(disk,)) for disk in self.added_disks)
        update = Changes(differences=self.differences, update=self.update)
        return (*disks, *([update] if update.any else ()))

    @property
    def key(self) -> str:
        """The identity of the call: its requested values, whatever the current ones."""
        wanted = self.model_dump_json(include={"update", "added_disks"}, exclude_none=True)
        return sha256(wanted.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        disks = (f"disk to add: {disk.id.name}" for disk in self.added_disks)
        return "; ".join([*map(str, self.differences), *disks])

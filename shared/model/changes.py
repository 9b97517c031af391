"""Differences between a replicated item and its plan that Azure can change in place."""

from datetime import datetime, timedelta
from hashlib import sha256

from shared.model.base import Model
from shared.model.replication import ReplicatedDisk, ReplicatedNic, TargetSettings
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error

ZONE = "targetZone"
"""The setting whose change Azure may refuse for good."""


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


RETRY = timedelta(hours=24)
"""How long a disk that could not be added, or a change that was refused, is not tried again, unless somebody asks."""


class DiskFailure(Model):
    """A disk that could not be added to the replication, and the time (UTC) and the error of the attempt."""

    disk: ResourceId
    error: Error
    at: datetime


class Refusal(Model):
    """A change that Azure refused, as `Changes.attempt` names it, and the time (UTC) and the error of the attempt."""

    attempt: str
    error: Error
    at: datetime


class Changes(Model):
    """The changes that make an item match its plan: an update, disks to add, and the version of the agent if that is
    to be updated."""

    differences: tuple[Difference, ...] = ()
    update: ItemUpdate | None = None
    added_disks: tuple[ReplicatedDisk, ...] = ()
    old_agent: str = ""

    @property
    def any(self) -> bool:
        return self.update is not None or bool(self.added_disks) or bool(self.old_agent)

    @property
    def steps(self) -> tuple["Changes", ...]:
        """The calls to make, disks first: a failed update must not prevent data from being replicated. What Azure may
        refuse has a call of its own, and must not keep out the others: each disk, of which Site Recovery adds one at a
        time, the zone, and the agent."""
        disks = (Changes(added_disks=(disk,)) for disk in self.added_disks)
        zone = self.update.zone if self.update else ""
        others = self.update.with_(zone="") if self.update else None
        of_zone = tuple(each for each in self.differences if zone and each.setting == ZONE)
        updates = (
            Changes(
                differences=tuple(each for each in self.differences if each not in of_zone),
                update=others if others != ItemUpdate() else None,
            ),
            Changes(differences=of_zone, update=ItemUpdate(zone=zone) if zone else None),
            Changes(old_agent=self.old_agent),
        )
        return (*disks, *(each for each in updates if each.any))

    @property
    def attempt(self) -> str:
        """What to remember this call by if Azure refuses it, or "": it is not tried again for a while."""
        if self.old_agent:
            return agent_attempt(self.old_agent)
        return zone_attempt(self.update.zone) if self.update and self.update.zone else ""

    @property
    def key(self) -> str:
        """The identity of the call: its requested values, whatever the current ones."""
        wanted = self.model_dump_json(include={"update", "added_disks", "old_agent"}, exclude_defaults=True)
        return sha256(wanted.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        disks = (f"disk to add: {disk.id.name}" for disk in self.added_disks)
        agent = [f"mobility agent to update: {self.old_agent}"] if self.old_agent else []
        return "; ".join([*map(str, self.differences), *disks, *agent])


def zone_attempt(zone: str) -> str:
    return f"zone {zone}"


def agent_attempt(version: str) -> str:
    return f"agent {version}"

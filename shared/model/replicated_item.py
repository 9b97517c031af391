"""A replicated item, its stage, and the operations that the stage allows.

Freeze beats fix: an item is written to only in a state listed here. Failed over, committed, reprotecting, under test
failover, or an unknown state: report only, never write.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from shared.model.base import Record
from shared.model.replication import TargetFields
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, cut_to


class Stage(StrEnum):
    ENABLING = "Enabling"
    REPLICATING = "Replicating"
    PROTECTED = "Protected"
    FAILED = "Failed"
    DISABLING = "Disabling"
    FROZEN = "Frozen"


_FIRST_RECOVERY_POINT = "initialreplicationrecoverycompletionpending"
_STAGES = {
    "unprotectedstatesbegin": Stage.ENABLING,
    "enablingprotection": Stage.ENABLING,
    "initialreplicationinprogress": Stage.REPLICATING,
    _FIRST_RECOVERY_POINT: Stage.REPLICATING,
    "protected": Stage.PROTECTED,
    "enablingfailed": Stage.FAILED,
    "initialreplicationfailed": Stage.FAILED,
    "disablingprotection": Stage.DISABLING,
}
_MAY_BE_DISABLED = {Stage.PROTECTED, Stage.REPLICATING, Stage.ENABLING, Stage.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDisk(Record):
    id: ResourceId
    replica_sku: str = ""
    target_sku: str = ""
    encryption_set: ResourceId | None = None
    cache_account: ResourceId | None = None
    holds_os: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemNic(Record):
    """An interface of the item: `id` is Site Recovery's own, `source` the interface it is for.

    `configuration`, `subnet`, `address` and `static` are those of the source's primary configuration; `network` and
    the `target_` fields are where a failover puts it.
    """

    id: str
    source: ResourceId
    source_network: ResourceId | None = None
    network: ResourceId | None = None
    configuration: str = ""
    subnet: str = ""
    address: str = ""
    static: bool = False
    target_subnet: str = ""
    target_address: str = ""
    security_group: ResourceId | None = None
    public_ip: ResourceId | None = None
    backend_pools: tuple[ResourceId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSettings(TargetFields, Record):
    """The settings of the VM after a failover of the item."""

    consistency_group: str = ""
    high_churn: bool = False
    source_location: str = ""
    target_location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(Record):
    """The mobility agent in the VM. `outdated` and `certificate_outdated` come from the service."""

    version: str = ""
    expires: datetime | None = None
    outdated: bool = False
    certificate_outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthError(Record):
    """An error of the item. `action` is what the service recommends, `since` when it first reported it, `of_failover`
    whether it is about what a failover would meet with, rather than about the replication."""

    code: str
    message: str
    action: str = ""
    since: datetime | None = None
    of_failover: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message} {self.action}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedItem(Record):
    """`source` is the protected VM, `failover_vms` the VMs that a failover or a test failover created or would create.

    `is_ours` is whether this deployment enabled the item. Its name says so; where the item might be disabled or
    removed, the record of its origin must prove it as well. `enabled_tag` is the tag that requested the protection,
    from that record; `unproven` says what the record lacks. `incarnation` differs from that of an item that is enabled
    later under the same name.

    `direction_reversed` is whether the replication is reversed: the VM was reprotected after a failover.
    `held_recovery_points` is whether the item was ever protected, `failed_over_before` whether it was ever failed over.
    `job` is the name of the job in progress, or "". `percent` is the progress of the initial replication; it stops
    below 100. `rpo_at` is when `rpo_seconds` was calculated, `tested_at` when a test failover last succeeded.
    """

    id: ResourceId
    source: ResourceId
    is_ours: bool = False
    enabled_tag: str = ""
    unproven: str = ""
    incarnation: str = ""
    failover_vms: tuple[ResourceId, ...] = ()
    state: str
    state_description: str = ""
    test_failover: str = ""
    active_location: str = ""
    direction_reversed: bool = False
    replication_health: str = ""
    failover_health: str = ""
    policy_id: ResourceId | None = None
    disks: tuple[ItemDisk, ...] = ()
    nics: tuple[ItemNic, ...] = ()
    settings: ItemSettings = ItemSettings()
    held_recovery_points: bool = False
    failed_over_before: bool = False
    job: str = ""
    percent: int | None = None
    rpo_seconds: int | None = None
    rpo_at: datetime | None = None
    tested_at: datetime | None = None
    agent: Agent = Agent()
    errors: tuple[HealthError, ...] = ()

    @property
    def vault(self) -> ResourceId:
        return self.id.parent.parent.parent

    @property
    def may_be_disabled(self) -> bool:
        """Whether the app may disable the item: it is not frozen, and this deployment enabled it."""
        return self.is_ours and self.stage in _MAY_BE_DISABLED

    @property
    def failed_over(self) -> bool:
        """Whether a failover has left a VM on each side: the item is failed over, or reversed since."""
        return self.direction_reversed or self.active_location.lower() not in {"", "primary"}

    @property
    def in_test_failover(self) -> bool:
        return _is_tested(self.test_failover)

    @property
    def target_network(self) -> ResourceId | None:
        """The network that a failover uses: that of the first interface, else that of the VM."""
        return (self.nics[0].network if self.nics else None) or self.settings.network

    @property
    def awaits_recovery_point(self) -> bool:
        """Whether its data has been copied, and only the first recovery point is missing."""
        return self.state.lower() == _FIRST_RECOVERY_POINT

    @property
    def stage(self) -> Stage:
        return Stage.FROZEN if self.failed_over else _stage(self.state, self.test_failover, self.held_recovery_points)


def _is_tested(test_failover: str) -> bool:
    return test_failover.lower() not in {"", "none"}


@lru_cache(1000)
def _stage(state: str, test_failover: str, held_recovery_points: bool) -> Stage:
    if _is_tested(test_failover):
        return Stage.FROZEN
    stage = _STAGES.get(state.lower(), Stage.FROZEN)
    # An item that once was protected never counts as a failed attempt.
    return Stage.FROZEN if stage is Stage.FAILED and held_recovery_points else stage


class JobError(Error):
    """Why a job failed; `causes` are what the service takes for possible causes."""

    causes: Annotated[str, cut_to(1000)] = ""


ENABLE, DISABLE, REMOVE_DISKS = "EnableDr", "DisableDr", "RemoveDisks"
TEST_FAILOVER, TEST_CLEANUP = "TestFailover", "TestFailoverCleanup"
"""The scenarios of jobs: that enable and disable protection, remove disks from an item, test it and clean up. No
recording shows `DisableDr` and `RemoveDisks`: they are named as the recorded ones are (`EnableDr`, `AddDisks`)."""


class JobStage(StrEnum):
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


_SUCCEEDED = {"succeeded", "completedwithinformation"}
_FAILED = {"failed", "cancelled", "suspended", "other"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Record):
    """A Site Recovery job in the list of a vault. `name` is also the ID of the operation, `target`
    the name of the VM, or of what else the job is about: then it is not `of_vm`. `target_id` is Site Recovery's own ID
    of that, the same in all jobs of an item (recorded); nothing else shows which VM it stands for."""

    name: str
    scenario: str
    title: str = ""
    state: str
    target: str = ""
    of_vm: bool = True
    target_id: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def stage(self) -> JobStage:
        state = self.state.lower()
        # The test failover of a recovery plan may wait so for its cleanup (official example).
        tested = state == "suspended" and self.scenario == TEST_FAILOVER and not self.of_vm
        if state in _SUCCEEDED or tested:
            return JobStage.SUCCEEDED
        # `Other` is one of the service's own states. A job with an end time has ended, in whatever state.
        return JobStage.FAILED if state in _FAILED or self.ended else JobStage.RUNNING

"""The record of a failover: which VMs it left, and whether a person has decided about one of them."""

from collections.abc import Collection, Iterable
from datetime import datetime

from shared.model.base import Model
from shared.model.replicated_item import ENABLE, Job, JobStage
from shared.model.resource_id import ResourceId

_SCENARIOS = frozenset({"UnplannedFailover", "PlannedFailover", "CommitFailover"})


class Failover(Model):
    """One side of a failover: the VM, and the `others` that it left.

    `seen_at` is when the app saw the item failed over, or the start of the job that failed it over; `confirmed_at` is
    when a caller confirmed that this VM is to be protected. Both in UTC.
    """

    vm: ResourceId
    others: tuple[ResourceId, ...]
    seen_at: datetime
    confirmed_at: datetime | None = None


def is_of_plan(job: Job) -> bool:
    """Whether the job is the failover of a recovery plan, which names none of its VMs."""
    return job.scenario in _SCENARIOS and not job.of_vm


def failovers_of(jobs: Collection[Job]) -> tuple[Job, ...]:
    """The failover jobs, successful or not, that no later job to enable the same target follows.

    `jobs` are those of one VM name: a job shows no more of a VM, and those with different `target_id`s are about
    different VMs of that name.
    """
    enables = [
        (job.target_id, job.started) for job in jobs if job.scenario == ENABLE and job.stage is not JobStage.FAILED
    ]
    return tuple(
        job
        for job in jobs
        if job.scenario in _SCENARIOS
        and (begun := job.started)
        and not any(at and at >= begun and job.target_id in {target, ""} for target, at in enables)
    )


def begun_at(failovers: Iterable[Job]) -> datetime | None:
    """When the last of them began that did not fail."""
    return max((job.started for job in failovers if job.started and job.stage is not JobStage.FAILED), default=None)


def are_of_others(vm: ResourceId, failovers: Iterable[Job], records: Iterable[Failover]) -> bool:
    """Whether the failovers of one name are those of other VMs, by the records of these: each record, which the VM is
    not part of, was written after one of them had begun, and there are as many."""
    begun: dict[str, datetime] = {}
    for job in failovers:
        if job.started:
            begun[job.target_id] = min(job.started, begun.get(job.target_id, job.started))
    seen = {frozenset((each.vm, *each.others)): each.seen_at for each in records if vm not in {each.vm, *each.others}}
    return "" not in begun and 0 < len(begun) <= sum(at >= max(begun.values()) for at in seen.values())

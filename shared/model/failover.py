"""The record of a failover: which VMs it left, and whether a person has decided about one of them."""

from collections.abc import Collection
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


def failed_over_at(jobs: Collection[Job]) -> datetime | None:
    """When the last failover among the jobs of one name began, unless a VM was enabled since. A job tells no more than
    the name of the VM."""
    failovers = [job.started for job in jobs if job.scenario in _SCENARIOS and job.stage is not JobStage.FAILED]
    enables = [job.started for job in jobs if job.scenario == ENABLE and job.stage is not JobStage.FAILED]
    last = max(filter(None, failovers), default=None)
    return last if last and all(enabled < last for enabled in filter(None, enables)) else None

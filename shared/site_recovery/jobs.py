"""An index over the jobs of a vault: the list holds the whole history, and each VM looks up its jobs."""

from collections import defaultdict
from collections.abc import Iterator

from shared.arm.listing import Listing
from shared.model.failover import is_of_plan
from shared.model.replicated_item import ENABLE, Job, JobStage
from shared.model.resource_id import ResourceId


class Jobs:
    """One list of a vault. `failed_over_plan` is whether it has a failover of a recovery plan; `enabling_count` is how
    many jobs enable a VM now."""

    def __init__(self, listing: Listing[Job]) -> None:
        self.listing = listing
        self._by_name = {job.name: job for job in listing}
        self._about: defaultdict[str, list[Job]] = defaultdict(list)
        self._enabling: defaultdict[str, list[Job]] = defaultdict(list)
        self.failed_over_plan = False
        for job in self._by_name.values():
            self._about[job.target.lower()].append(job)
            self.failed_over_plan = self.failed_over_plan or is_of_plan(job)
            if job.scenario == ENABLE and job.stage is JobStage.RUNNING:
                self._enabling[job.target.lower()].append(job)
        self.enabling_count = sum(map(len, self._enabling.values()))

    def __iter__(self) -> Iterator[Job]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Job | None:
        return self._by_name.get(name)

    def about(self, vm: ResourceId) -> tuple[Job, ...]:
        """The jobs whose target has the name of the VM, in the order of the list."""
        return tuple(self._about.get(vm.name.lower(), ()))

    def enabling(self, vm: ResourceId) -> list[Job]:
        """The running jobs that may enable a VM of that name: a job in the list shows only the name of its VM, and
        some not even that."""
        return [*self._enabling.get(vm.name.lower(), ()), *self._enabling.get("", ())]

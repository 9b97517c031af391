"""The jobs of a vault, looked up: the list is the vault's whole history, and each VM asks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from shared.model.replicated_item import ENABLE, Job, JobStage
from shared.model.resource_id import ResourceId


class Jobs:
    """One answer of the vault's list."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._by_name = {job.name: job for job in jobs}
        self._enabling: defaultdict[str, list[Job]] = defaultdict(list)
        for job in self._by_name.values():
            if job.scenario == ENABLE and job.stage is JobStage.RUNNING:
                self._enabling[job.target.lower()].append(job)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Job | None:
        return self._by_name.get(name)

    def enabling(self, vm: ResourceId) -> list[Job]:
        """Those that are enabling a VM of that name now: a list of jobs tells no more of the VM than its name."""
        return self._enabling.get(vm.name.lower(), [])

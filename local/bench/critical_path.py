"""The critical path: the longest chain of waits for Azure, in seconds of Azure, from the durations that were drawn.

All other work can run in parallel to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from local.simulator import latencies
from local.stack import Stack

_AFTER_FABRICS = {
    "CreateCloud": latencies.CONTAINER,
    "AssociateProtectionProfile": latencies.CONTAINER_MAPPING,
}


def enable_seconds(seed: int, vm: str) -> float:
    """The job that enables protection of the VM with this ID."""
    return sum(latencies.ENABLE_TASKS) * latencies.factor(seed, "EnableDr", _name(vm))


def ready_pair(seed: int, vms: Iterable[str]) -> float:
    """The slowest of these VMs: its enable job and its initial replication."""
    return max(
        enable_seconds(seed, vm) + latencies.PROTECTED * latencies.factor(seed, "initial replication", _name(vm))
        for vm in vms
    )


async def empty_vault(stack: Stack, seed: int, vms: Iterable[Mapping[str, Any]]) -> float:
    """The same of VMs, as an estate has them, with what was created in the vault for the region of each before its
    first enable: the slower fabric of its pair, the container, the mapping.

    No job says to which fabric a container or a mapping belongs: the fastest counts.
    """
    state = await stack.sim("GET", "state")
    (vault,) = state["siteRecovery"]
    sources = defaultdict(list)
    for vm in vms:
        sources[vm["location"]].append(vm["id"])
    fabrics = {each["properties"]["customDetails"]["location"]: each["name"].lower() for each in vault["fabrics"]}
    seconds = {place: latencies.FABRIC * latencies.factor(seed, "CreateSite", name) for place, name in fabrics.items()}
    targets = max(time for place, time in seconds.items() if place not in sources)
    later = sum(
        min(recorded * latencies.factor(seed, scenario, name) for name in _targets(vault["jobs"], scenario))
        for scenario, recorded in _AFTER_FABRICS.items()
    )
    return max(max(seconds[place], targets) + later + ready_pair(seed, ids) for place, ids in sources.items())


def _targets(jobs: Iterable[Mapping[str, Any]], scenario: str) -> set[str]:
    """The names of what the jobs of a scenario worked on."""
    found = (job["properties"] for job in jobs)
    return {job["targetObjectName"].lower() for job in found if job["scenarioName"] == scenario}


def _name(vm: str) -> str:
    return vm.rsplit("/", 1)[-1].lower()

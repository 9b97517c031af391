"""The critical path: the longest chain of waits for Azure, in seconds of Azure, from the durations that were drawn.

All other work can run in parallel to it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from local.simulator import latencies
from local.stack import Stack

_INFRASTRUCTURE = {
    "CreateSite": latencies.FABRIC,
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


async def infrastructure(stack: Stack, seed: int) -> float:
    """What was created in the vaults before the first enable: the slowest fabric, its container, the mapping.

    No job says to which fabric a container belongs: the fastest counts, and of mappings as well.
    """
    state = await stack.sim("GET", "state")
    jobs = [job["properties"] for vault in state["siteRecovery"] for job in vault["jobs"]]
    fabrics, containers, mappings = (list(_drawn(seed, name, jobs)) for name in _INFRASTRUCTURE)
    return max(fabrics) + min(containers) + min(mappings)


def _drawn(seed: int, scenario: str, jobs: Iterable[Mapping[str, Any]]) -> Iterable[float]:
    names = (str(job["targetObjectName"]).lower() for job in jobs if job["scenarioName"] == scenario)
    return (_INFRASTRUCTURE[scenario] * latencies.factor(seed, scenario, name) for name in names)


def _name(vm: str) -> str:
    return vm.rsplit("/", 1)[-1].lower()

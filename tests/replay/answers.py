"""What activities answer, in the words of the tests."""

from typing import Any

from shared.model.activity_io import Decision, Observation
from shared.model.changes import Changes, Difference, ItemUpdate
from shared.model.replication import ReplicatedDisk
from shared.model.step_result import Error, Failed, Pending, Ready
from tests.unit.app.examples import DATA_DISK, plan_of, planning_context, protected_item, settings, source_vm

AGENT = Error(code="151066", message="The agent could not be installed.", action="Open port 443.")
THROTTLED = Error(code="TooManyRequests", message="Slow down.")
PLAN = plan_of(source_vm(), planning_context(), settings())


def looked(decision: Decision = Decision.PROTECT, **found: Any) -> Ready:
    """What `resolve_source` answers: a VM that nothing protects, unless reported otherwise."""
    return Ready(value=Observation(decision=decision, **{"vm": source_vm(), **found}).dump())


def found_item(state: str = "Protected", **changes: Any) -> Ready:
    return looked(item=protected_item(state=state, **changes))


def planned(**changes: Any) -> Ready:
    """What `derive_target_settings` answers: four waves of resources to make, unless reported otherwise."""
    return Ready(value=PLAN.model_copy(update=changes).dump())


def ready_region(**changes: Any) -> Ready:
    """The plan for a VM whose target resources are all there."""
    return planned(resources=(), **changes)


def kept(**changes: Any) -> Ready:
    """What `derive_target_settings` answers for a VM that is protected as it asks for."""
    return planned(resources=(), **changes)


SIZE = Changes(
    differences=(Difference(setting="targetSize", current="Standard_D2s_v5", wanted="Standard_D4s_v5"),),
    update=ItemUpdate(size="Standard_D4s_v5"),
)
DISK = Changes(added_disks=(ReplicatedDisk(id=DATA_DISK, replica_sku="Premium_LRS", target_sku="Premium_LRS"),))


def enabled(job: str = "enable-1") -> Ready:
    return Ready(value={"job": job})


def asked(job: str = "update-1") -> Ready:
    """What `change_protection` answers."""
    return Ready(value={"job": job})


def pending(seconds: float = 30, **reported: Any) -> Pending:
    return Pending(retry_after=seconds, **reported)


def job_failed(error: Error = AGENT) -> Ready:
    """What `monitor_job` answers for a job that has failed."""
    return Ready(value={"error": error.dump()})


def failed(error: Error = AGENT) -> Failed:
    return Failed(error=error)


def all_made() -> list[Ready | Pending | Failed]:
    """`create_target_resource` for the whole plan: each is there already."""
    return [Ready() for wave in PLAN.resources for _ in wave]

"""What activities answer, in the words of the tests."""

from datetime import UTC, datetime
from typing import Any

from shared.model import naming
from shared.model.activity_io import Observation
from shared.model.changes import Changes, Difference, ItemUpdate
from shared.model.decision import Decision, State
from shared.model.findings import Finding
from shared.model.replicated_item import ProtectedItem
from shared.model.replication import ReplicatedDisk
from shared.model.step_result import Error, Failed, Pending, Ready
from shared.model.vm import SourceVm
from shared.reconcile.decide import Facts, decide
from tests.unit.app.examples import (
    CONTAINER,
    DATA_DISK,
    DEPLOYMENT,
    VM_ID,
    plan_of,
    planning_context,
    protected_item,
    settings,
    source_vm,
)

AGENT = Error(code="151066", message="The agent could not be installed.", action="Open port 443.")
THROTTLED = Error(code="TooManyRequests", message="Slow down.", action="Wait.")
VM = source_vm()
PLAN = plan_of(VM, planning_context(), settings())


OURS = protected_item(
    id=CONTAINER.child("replicationProtectedItems", naming.item_name(VM_ID, DEPLOYMENT)), is_ours=True
)


def looked(vm: SourceVm | None = VM, item: ProtectedItem | None = None, **changes: Any) -> Ready:
    """What `resolve_source` answers in mode cleanup, with these settings: a VM that nothing protects, unless reported
    otherwise."""
    app = settings(mode="cleanup", **changes)
    facts = Facts(VM_ID, vm, datetime.now(UTC), item, intent=app.intent_of(vm.tags if vm else {}))
    return Ready(value=Observation(decision=decide(facts, app), vm=vm, item=item).dump())


UNTAGGED, GONE = looked(vm=source_vm(tags={})), looked(vm=None)


def not_eligible(finding: Finding) -> Ready:
    """What `resolve_source` answers for a VM that its ID rules out."""
    decision = Decision(state=State.NOT_ELIGIBLE, findings=(finding,))
    return Ready(value=Observation(decision=decision).dump())


def found_item(state: str = "Protected", **changes: Any) -> Ready:
    return looked(item=OURS.with_(**{"state": state, **changes}))


def planned(**changes: Any) -> Ready:
    """What `derive_target_settings` answers: four waves of resources to make, unless reported otherwise."""
    return Ready(value=PLAN.with_(**changes).dump())


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

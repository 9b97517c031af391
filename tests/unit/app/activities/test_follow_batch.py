"""How the VMs of a batch stand, by what their runs' instances say."""

from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from activities.follow_batch import follow_batch
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Ready
from shared.orchestrations import instance_of
from shared.reconcile.batch import BatchProgress, BatchRequest
from shared.reconcile.run_state import RunOutcome, RunResult, RunState
from tests.findings import blocker, note, warning
from tests.unit.app.examples import SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeHub

OTHER = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "web-2")
BATCH = "batch-1"
FAILURE = Error(code="151066", message="The agent could not be installed.", action="Open port 443.")


async def follow(hub: FakeHub, *vms: ResourceId) -> BatchProgress:
    request = BatchRequest(vm_ids=vms or (VM_ID,), order=BATCH)
    outcome = await follow_batch(FakeAzure(settings(), Cloud()), request, hub)
    assert isinstance(outcome, Ready)
    return BatchProgress.load(outcome.value)


def ended(outcome: RunOutcome, **reported: Any) -> dict[str, Any]:
    return RunResult(outcome=outcome, vm_id=VM_ID, **{"orders": ("other", BATCH), **reported}).dump()


async def test_a_run_that_ended_says_how() -> None:
    hub = FakeHub()
    hub.put(instance_of(VM_ID), Status.Completed, output=ended(RunOutcome.FAILED, error=FAILURE))
    hub.put(instance_of(OTHER), Status.Running)

    answered = await follow(hub, VM_ID, OTHER)

    (end,) = answered.ended
    assert (end.vm_id, end.outcome, end.error) == (VM_ID, RunOutcome.FAILED, FAILURE)
    assert answered.running == (OTHER,)


async def test_of_what_it_found_the_worst_comes_first_and_the_rest_is_left_to_the_vm_itself() -> None:
    hub = FakeHub()
    findings = (note("A", "a"), note("B", "b"), warning("C", "c" * 900, "Mend it."), note("D", "d"), blocker("E", "e"))
    hub.put(instance_of(VM_ID), Status.Completed, output=ended(RunOutcome.NOT_ELIGIBLE, findings=findings))

    (end,) = (await follow(hub)).ended

    assert [finding.code for finding in end.findings] == ["E", "C", "A"]
    assert end.findings[1].message == "c" * 200


@pytest.mark.parametrize("status", [Status.Pending, Status.Running, Status.ContinuedAsNew, Status.Suspended])
async def test_a_run_that_may_go_on_is_under_way(status: Status) -> None:
    hub = FakeHub()
    hub.put(instance_of(VM_ID), status)

    assert (await follow(hub)).running == (VM_ID,)


@pytest.mark.parametrize("status", [Status.Failed, Status.Terminated, Status.Canceled])
async def test_a_run_that_broke_has_failed(status: Status) -> None:
    hub = FakeHub()
    hub.put(instance_of(VM_ID), status, output="Orchestrator function 'protect_vm' failed.")

    (end,) = (await follow(hub)).ended

    assert end.outcome is RunOutcome.FAILED
    assert end.error
    assert status.name in end.error.message


async def test_an_end_that_knows_nothing_of_the_batch_is_not_its_end() -> None:
    """The batch's start was dropped, or a later run has replaced its result: the VM's run is asked once more."""
    hub = FakeHub()
    hub.put(instance_of(VM_ID), Status.Completed, output=ended(RunOutcome.NOT_TAGGED, orders=("other",)))

    assert (await follow(hub)).running == (VM_ID,)
    assert hub.started == [instance_of(VM_ID)]
    shown = await hub.get_status(instance_of(VM_ID), show_input=True)
    assert RunState.model_validate_json(shown.input_).orders == (BATCH,)


async def test_a_vm_whose_run_was_purged_is_observed_again() -> None:
    def ends_at_once(hub: FakeHub, instance: str) -> None:
        hub.put(instance, Status.Completed, output=ended(RunOutcome.PROTECTED))

    hub = FakeHub(on_start=ends_at_once)

    assert (await follow(hub)).running == (VM_ID,)
    (end,) = (await follow(hub)).ended

    assert hub.started == [instance_of(VM_ID)]
    assert end.outcome is RunOutcome.PROTECTED

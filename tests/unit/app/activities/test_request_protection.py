"""A part of a batch is asked for: who is tagged and started, who is not and why, and who has to be asked for again."""

from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from activities.request_protection import request_protection
from shared.model.resource_id import ResourceId
from shared.model.step_result import Ready
from shared.orchestrations import instance_of
from shared.reconcile.batch import BatchProgress, BatchRequest
from shared.reconcile.run_state import RunOutcome, RunState
from tests.unit.app.examples import SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer
from tests.unit.app.fake_durable import FakeHub

OFF, GONE = (ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, name) for name in ("off", "missing"))


pytestmark = pytest.mark.usefixtures("slept")


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm()
    cloud.add_vm(vm=OFF, power="deallocated")
    return cloud


async def ask(
    cloud: Cloud, hub: Any, *vms: ResourceId, tags: dict[str, str] | None = None, **app: Any
) -> BatchProgress:
    request = BatchRequest(vm_ids=vms or (VM_ID,), tags=tags or {}, order="batch-1")
    outcome = await request_protection(FakeAzure(settings(**app), cloud), request, hub)
    assert isinstance(outcome, Ready)
    return BatchProgress.load(outcome.value)


async def test_each_vm_is_tagged_and_started_or_said_why_not(cloud: Cloud) -> None:
    hub = FakeHub()

    answered = await ask(cloud, hub, VM_ID, OFF, GONE)

    assert answered.running == (VM_ID,)
    assert {end.vm_id: end.outcome for end in answered.ended} == {
        OFF: RunOutcome.NOT_ELIGIBLE,
        GONE: RunOutcome.GONE,
    }
    assert [finding.code for end in answered.ended for finding in end.findings] == ["VmNotRunning"]
    assert (answered.again, answered.error) == ((), None)
    assert hub.started == [instance_of(VM_ID)]
    assert [tags for _, (_, tags) in cloud.writes] == [{"dr": "true"}]


async def test_a_vm_without_a_place_for_the_tag_is_said_why_not(cloud: Cloud) -> None:
    hub = FakeHub()
    cloud.add_vm({f"t{each}": "x" for each in range(50)})

    answered = await ask(cloud, hub, VM_ID)

    assert [(end.outcome, end.findings[0].code) for end in answered.ended] == [(RunOutcome.NOT_ELIGIBLE, "TooManyTags")]
    assert (cloud.writes, hub.started) == ([], [])


async def test_a_tag_that_somebody_else_added_meanwhile_ends_the_vm_with_what_to_do(cloud: Cloud) -> None:
    cloud.faults["write"] = answer(400, "ExceededMaxTagCount")

    (end,) = (await ask(cloud, FakeHub(), VM_ID)).ended

    assert (end.outcome, end.findings[0].code) == (RunOutcome.NOT_ELIGIBLE, "TooManyTags")
    assert end.findings[0].fix


async def test_its_run_leaves_the_way_to_those_of_events(cloud: Cloud) -> None:
    hub = FakeHub()

    await ask(cloud, hub)

    shown = await hub.get_status(instance_of(VM_ID), show_input=True)
    assert RunState.model_validate_json(shown.input_).low_priority


async def test_what_the_batch_asks_for_beside_becomes_tags(cloud: Cloud) -> None:
    profiles = '{"default": {"allow": {"target-zone": ["2"]}}}'

    answered = await ask(cloud, FakeHub(), tags={"dr-target-zone": "2"}, profiles=profiles)

    assert answered.running == (VM_ID,)
    assert cloud.resources[VM_ID.key]["tags"] == {"dr": "true", "dr-target-zone": "2"}


async def test_asked_for_twice_it_is_tagged_once_and_its_run_observes_again(cloud: Cloud) -> None:
    hub = FakeHub()

    await ask(cloud, hub)
    answered = await ask(cloud, hub)

    assert answered.running == (VM_ID,)
    assert cloud.written == ["tags"]
    assert hub.started == hub.raised == [instance_of(VM_ID)]


async def test_a_run_that_ended_before_is_not_taken_for_the_one_that_is_asked_for(cloud: Cloud) -> None:
    hub = FakeHub()
    hub.put(instance_of(VM_ID), Status.Completed, output={"outcome": "NotEligible", "vmId": str(VM_ID)})

    answered = await ask(cloud, hub)

    assert answered.running == (VM_ID,)
    assert (await hub.get_status(instance_of(VM_ID))).runtime_status is Status.Running


@pytest.mark.parametrize(
    "fault",
    [
        answer(429, "TooManyRequests"),
        answer(503, "ServerBusy"),
        answer(409, "Conflict"),
        ServiceRequestError("The connection was lost."),
        ZeroDivisionError("a bug"),
    ],
)
async def test_what_passes_or_no_one_has_thought_of_is_asked_again_and_keeps_no_other(
    cloud: Cloud, fault: Exception
) -> None:
    hub = FakeHub()
    cloud.faults[str(OFF)] = fault

    answered = await ask(cloud, hub, OFF, VM_ID)

    assert (answered.again, answered.running) == ((OFF,), (VM_ID,))
    assert answered.retry_after == 30
    assert answered.error
    assert answered.error.message


async def test_a_vm_that_azure_refuses_has_failed_and_no_other(cloud: Cloud) -> None:
    cloud.faults["write"] = answer(403, "AuthorizationFailed")

    answered = await ask(cloud, FakeHub(), VM_ID, GONE)

    ends = {end.vm_id: end for end in answered.ended}
    assert {end.outcome for end in ends.values()} == {RunOutcome.FAILED, RunOutcome.GONE}
    error = ends[VM_ID].error
    assert error
    assert error.code == "AuthorizationFailed"


async def test_writes_that_were_turned_off_meanwhile_are_reported(cloud: Cloud) -> None:
    answered = await ask(cloud, FakeHub(), paused=True)

    (end,) = answered.ended
    assert (end.outcome, [finding.code for finding in end.findings]) == (RunOutcome.REPORTED, ["WritesDisabled"])
    assert cloud.writes == []


async def test_a_vm_out_of_scope_is_not_eligible(cloud: Cloud) -> None:
    answered = await ask(cloud, FakeHub(), source_scope=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other")

    (end,) = answered.ended
    assert (end.outcome, [finding.code for finding in end.findings]) == (RunOutcome.NOT_ELIGIBLE, ["OutOfScope"])


async def test_a_vm_whose_run_cannot_be_started_is_asked_for_again(cloud: Cloud) -> None:
    class Broken(FakeHub):
        async def start_new(self, name: str, instance: str, given: Any) -> str:
            raise Exception(f"The task hub cannot be reached for {name} {instance} {given}.")

    answered = await ask(cloud, Broken())

    assert answered.again == (VM_ID,)
    assert answered.error
    assert answered.error.code == "RunNotStarted"

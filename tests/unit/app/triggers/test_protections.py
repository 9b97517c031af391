"""POST of many protections, and GET of the batch: what is started, what is refused before, and what is reported it."""

import json
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.step_result import Error
from shared.reconcile.batch import Batch, BatchEnd
from shared.reconcile.run_state import RunOutcome
from tests.findings import blocker
from tests.unit.app.asking import answer_to, get, post, problem_of
from tests.unit.app.examples import SUBSCRIPTION, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeHub
from triggers.protections import get_batch, post_protections

BATCH = f"batch-{'0123456789abcdef' * 2}"
AZURE = FakeAzure(settings(), Cloud())
BY_GROUP = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "web"}
REFUSED = Error(code="AuthorizationFailed", message="No right.")


def vm(name: str) -> ResourceId:
    return ResourceId.of(SUBSCRIPTION, "web", VIRTUAL_MACHINE, name)


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    for name in "cab":
        cloud.add_vm(vm=vm(name))
    return cloud


def state_of(hub: FakeHub, name: str) -> Batch:
    """What the batch was started with."""
    return Batch.load(json.loads(hub.instances[name]["input"]))


# POST


async def test_a_batch_is_started_under_a_name_of_its_own_with_a_place_to_look(cloud: Cloud) -> None:
    hub, azure = FakeHub(), FakeAzure(settings(), cloud)

    response = await post_protections(azure, hub, post("protections", {**BY_GROUP, "protection": {"dr-churn": "high"}}))
    other = await answer_to(post_protections(azure, hub, post("protections", BY_GROUP)), 202)

    accepted = json.loads(response.get_body())
    assert response.status_code == 202
    assert accepted["total"] == 3
    assert hub.started == [accepted["batch"], other["batch"]]
    assert hub.instances[accepted["batch"]]["name"] == "protect_batch"
    assert accepted["batch"] != other["batch"]
    assert response.headers["Location"] == f"/api/protections/{accepted['batch']}"
    assert response.headers["Retry-After"] == "10"
    state = state_of(hub, accepted["batch"])
    assert ([each.name for each in state.waiting], state.tags) == (["a", "b", "c"], {"dr-churn": "high"})
    assert cloud.writes == []


async def test_a_vm_is_looked_at_by_the_batch_alone(cloud: Cloud) -> None:
    """So that a request for five hundred is answered at once, and one that is named and gone is an outcome."""
    hub = FakeHub()
    body = {"virtualMachines": [str(vm("a")), str(vm("missing"))]}

    await answer_to(post_protections(FakeAzure(settings(), cloud), hub, post("protections", body)), 202)

    assert cloud.reads == []


@pytest.mark.parametrize("off", [{"paused": True}, {"mode": "report"}])
async def test_while_writes_are_off_it_is_a_conflict_before_anything_is_read(cloud: Cloud, off: Any) -> None:
    hub = FakeHub()

    status, problem = await problem_of(
        post_protections(FakeAzure(settings(**off), cloud), hub, post("protections", BY_GROUP))
    )

    assert (status, problem["code"]) == (409, "WritesDisabled")
    assert (cloud.reads, hub.started) == ([], [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "MalformedBody"),
        (b"", 422, "InvalidBody"),
        ({"virtualMachines": ["x"]}, 422, "InvalidBody"),
        ({**BY_GROUP, "resourceGroup": "unknown"}, 404, "NoVmFound"),
        ({"virtualMachines": [str(vm(f"vm-{number}")) for number in range(501)]}, 422, "TooManyVms"),
    ],
)
async def test_what_cannot_be_taken_starts_no_batch(cloud: Cloud, body: Any, status: int, code: str) -> None:
    hub = FakeHub()

    got, problem = await problem_of(post_protections(FakeAzure(settings(), cloud), hub, post("protections", body)))

    assert (got, problem["code"]) == (status, code)
    assert hub.started == []


async def test_it_takes_no_query(cloud: Cloud) -> None:
    request = post("protections", BY_GROUP, confirm="true")

    assert (await problem_of(post_protections(FakeAzure(settings(), cloud), FakeHub(), request)))[0] == 400


async def test_a_batch_that_cannot_be_started_is_reported(cloud: Cloud) -> None:
    class Broken(FakeHub):
        async def start_new(self, name: str, instance: str, given: Any) -> str:
            raise OSError(f"The task hub cannot be reached for {name} {instance} {given}.")

    status, problem = await problem_of(
        post_protections(FakeAzure(settings(), cloud), Broken(), post("protections", BY_GROUP))
    )

    assert (status, problem["code"]) == (503, "NotStarted")


# GET

STATE = Batch(
    poll_seconds=30,
    waiting=(vm("d"), vm("c")),
    running=(vm("b"),),
    ended=(
        BatchEnd(vm_id=vm("e"), outcome=RunOutcome.FAILED, error=REFUSED),
        BatchEnd(vm_id=vm("a"), outcome=RunOutcome.NOT_ELIGIBLE, findings=(blocker("VmNotRunning", "It is off."),)),
    ),
)


async def view_of(hub: FakeHub) -> dict[str, Any]:
    return await answer_to(get_batch(AZURE, hub, get(f"protections/{BATCH}")))


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_a_batch_under_way_is_reported_vm_by_vm_however_often_its_state_was_encoded(times: int) -> None:
    hub = FakeHub()
    state: Any = STATE.dump()
    for _ in range(times):
        state = json.dumps(state)
    hub.put(BATCH, Status.Running, "protect_batch", input=state, customStatus=STATE.status())

    view = await view_of(hub)

    assert (view["batch"], view["running"], view["total"], view["percent"]) == (BATCH, True, 5, 40)
    assert view["counts"] == {"Failed": 1, "NotEligible": 1, "Running": 1, "Waiting": 2}
    assert view["lastError"] is None
    reported = {each["vmId"].rsplit("/", 1)[-1]: each for each in view["virtualMachines"]}
    assert {name: each["outcome"] for name, each in reported.items()} == {
        "a": "NotEligible",
        "b": "Running",
        "c": "Waiting",
        "d": "Waiting",
        "e": "Failed",
    }
    assert list(reported) == sorted(reported)
    assert reported["a"]["findings"] == [
        {"code": "VmNotRunning", "severity": "blocker", "message": "It is off.", "fix": ""}
    ]
    assert reported["e"]["error"]["message"] == "No right."


async def test_a_batch_says_what_it_met_with_last() -> None:
    hub = FakeHub()
    hub.put(BATCH, Status.Pending, "protect_batch", state=STATE.with_(last_error=REFUSED).dump())

    assert (await view_of(hub))["lastError"]["code"] == "AuthorizationFailed"


async def test_a_batch_that_has_ended_is_reported_by_what_it_returned() -> None:
    hub = FakeHub()
    over = Batch(poll_seconds=30, waiting=(), ended=(BatchEnd(vm_id=vm("a"), outcome=RunOutcome.PROTECTED),))
    hub.put(BATCH, Status.Completed, "protect_batch", state=STATE.dump(), output=over.dump())

    view = await view_of(hub)

    assert (view["running"], view["percent"], view["counts"]) == (False, 100, {"Protected": 1})


FAILURE = 'Orchestrator function failed: a bug\nStack:   File "/home/site/wwwroot/x.py", line 7, in f'


@pytest.mark.parametrize("status", [Status.Failed, Status.Terminated])
async def test_a_batch_that_broke_says_so_and_where_it_had_come(status: Status) -> None:
    hub = FakeHub()
    hub.put(BATCH, status, "protect_batch", state=STATE.dump(), output=FAILURE)

    view = await view_of(hub)

    assert (view["running"], view["lastError"]["code"]) == (False, "BatchFailed")
    assert status.name in view["lastError"]["message"]
    assert view["lastError"]["message"].endswith(": Orchestrator function failed: a bug")
    assert sum(view["counts"].values()) == view["total"] == 5


@pytest.mark.parametrize("name", [BATCH, "batch-", "plan", "protect-web-1-0123456789abcdef0123", f"{BATCH}0"])
async def test_a_batch_that_never_was_is_not_found(name: str) -> None:
    hub = FakeHub()
    hub.put("protect-web-1-0123456789abcdef0123", Status.Running, state={})

    status, problem = await problem_of(get_batch(AZURE, hub, get(f"protections/{name}")))

    assert (status, problem["code"]) == (404, "BatchNotFound")
    assert name in problem["detail"]


async def test_where_a_batch_stands_that_cannot_be_read_is_a_problem() -> None:
    class Broken(FakeHub):
        async def get_status(self, instance: str, *, show_input: bool = False) -> Any:
            raise OSError(f"{instance}: not reachable, input {show_input}.")

    assert (await problem_of(get_batch(AZURE, Broken(), get(f"protections/{BATCH}"))))[1]["code"] == "StatusNotRead"


@pytest.mark.parametrize("state", [None, "{", {"poll_seconds": 30}])
async def test_a_state_that_cannot_be_read_is_a_problem(state: Any) -> None:
    hub = FakeHub()
    hub.put(BATCH, Status.Running, "protect_batch", input=state)

    assert (await problem_of(get_batch(AZURE, hub, get(f"protections/{BATCH}"))))[1]["code"] == "StatusNotRead"

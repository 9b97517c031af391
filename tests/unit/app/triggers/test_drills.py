"""A batch of drills over HTTP: what begins it, how it is shown, and what ends it. The drills themselves: tests/e2e."""

import json
from typing import Any

import azure.functions as func
import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.model.drill import DrillOrder, DrillOutcome
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.reconcile.drill_batch import DrillBatch, DrillEnd
from tests.unit.app.asking import answer_to, get, post, problem_of
from tests.unit.app.examples import SUBSCRIPTION, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeHub
from triggers.drills import delete_drills, get_drill_batch, post_drills

BATCH = f"drills-{'0123456789abcdef' * 2}"
VM = ResourceId.of(SUBSCRIPTION, "web", VIRTUAL_MACHINE, "web-1")
NETWORK = ResourceId.of(SUBSCRIPTION, "drills", "Microsoft.Network/virtualNetworks", "dr-drill")
BODY = {"virtualMachines": [str(VM)], "drill": {"network": str(NETWORK)}}
AZURE = FakeAzure(settings(drills=True), Cloud())
STATE = DrillBatch(poll_seconds=30, order=DrillOrder(network=NETWORK), waiting=(VM,))


def delete(name: str) -> func.HttpRequest:
    url = f"https://app.example/api/drills/{name}"
    return func.HttpRequest("DELETE", url, route_params={"batch": name}, body=b"")


@pytest.mark.parametrize(("given", "at_once"), [({}, 5), ({"atOnce": 1}, 1), ({"atOnce": 50}, 50)])
async def test_a_batch_is_started_under_a_name_of_its_own_with_a_place_to_look(given: Any, at_once: int) -> None:
    hub = FakeHub()

    response = await post_drills(AZURE, hub, post("drills", BODY | given))

    accepted = json.loads(response.get_body())
    assert (response.status_code, accepted["total"], hub.started) == (202, 1, [accepted["batch"]])
    assert response.headers["Location"] == f"/api/drills/{accepted['batch']}"
    state = DrillBatch.load(json.loads(hub.instances[accepted["batch"]]["input"]))
    assert (state.waiting, state.at_once, state.order.network) == ((VM,), at_once, NETWORK)


@pytest.mark.parametrize("given", ["3", 3.0, True, False, None, [3], 0, -1, 51])
async def test_how_many_at_a_time_is_a_whole_number_and_nothing_that_looks_like_one(given: Any) -> None:
    hub = FakeHub()

    status, problem = await problem_of(post_drills(AZURE, hub, post("drills", BODY | {"atOnce": given})))

    assert (status, problem["code"], hub.started) == (422, "InvalidBody", [])
    assert [(error["field"], error["allowed"]) for error in problem["errors"]] == [
        ("atOnce", "a whole number from 1 to 50")
    ]


async def test_a_batch_that_cannot_be_started_is_reported() -> None:
    class Broken(FakeHub):
        async def start_new(self, name: str, instance: str, given: Any) -> str:
            raise OSError(f"The task hub cannot be reached for {name} {instance} {given}.")

    status, problem = await problem_of(post_drills(AZURE, Broken(), post("drills", BODY)))

    assert (status, problem["code"]) == (503, "NotStarted")
    assert "Nothing was begun" in problem["detail"]


@pytest.mark.parametrize(
    ("status", "ended", "running", "error"),
    [
        (Status.Running, 0, True, None),
        (Status.Completed, 1, False, None),
        (Status.Terminated, 0, False, "BatchFailed"),
    ],
)
async def test_a_batch_is_shown_as_it_stands_or_as_it_ended(
    status: Status, ended: int, running: bool, error: str | None
) -> None:
    hub = FakeHub()
    over = STATE.with_(waiting=(), ended=(DrillEnd(vm_id=VM, outcome=DrillOutcome.PASSED),))
    output = over.dump() if status is Status.Completed else "somebody has ended it"
    hub.put(BATCH, status, "drill_batch", state=STATE.dump(), output=output)

    view = await answer_to(get_drill_batch(AZURE, hub, get(f"drills/{BATCH}")))

    assert (view["batch"], view["running"], view["percent"]) == (BATCH, running, 100 * ended)
    assert (view["lastError"] or {}).get("code") == error


async def test_one_that_has_ended_cannot_be_cancelled() -> None:
    hub = FakeHub()
    hub.put(BATCH, Status.Completed, "drill_batch", state=STATE.dump(), output=STATE.dump())

    status, problem = await problem_of(delete_drills(AZURE, hub, delete(BATCH)))

    assert (status, problem["code"]) == (409, "BatchEnded")


@pytest.mark.parametrize("name", [BATCH, "drills-", f"batch-{BATCH[-32:]}", f"{BATCH}0"])
async def test_a_batch_that_never_was_is_neither_shown_nor_cancelled(name: str) -> None:
    hub = FakeHub()
    hub.put(f"batch-{BATCH[-32:]}", Status.Running, "protect_batch", state={})

    for call in (get_drill_batch(AZURE, hub, get(f"drills/{name}")), delete_drills(AZURE, hub, delete(name))):
        status, problem = await problem_of(call)
        assert (status, problem["code"]) == (404, "BatchNotFound")
        assert name in problem["detail"]

"""GET of one VM's protection: the item, where a run stands, and how it ended."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.model import naming
from shared.model.step_result import Error
from shared.orchestrations import instance_of
from shared.planning.catalog import finding_of
from shared.reconcile.run_state import LastChange, RunOutcome, RunResult, RunState
from tests.unit.app.asking import problem_of, request
from tests.unit.app.examples import ELSEWHERE, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body
from tests.unit.app.fake_durable import FakeDurableClient, unreachable
from triggers.protection import get_protection, put_protection

INSTANCE = naming.instance_id(VM_ID)


async def view_of(cloud: Cloud, client: FakeDurableClient) -> dict[str, Any]:
    response = await get_protection(FakeAzure(settings(), cloud), client, request())
    assert response.status_code == 200
    view: dict[str, Any] = json.loads(response.get_body())
    return view


FINDING = finding_of("NotTagged", "web-1 is not tagged: nothing protects it.")
NOT_TAGGED = {name: getattr(FINDING, name) for name in ("code", "severity", "message", "fix")}


async def test_get_of_a_vm_that_nothing_protects(cloud: Cloud, client: FakeDurableClient) -> None:
    assert await view_of(cloud, client) == {
        "vmId": str(VM_ID),
        "exists": True,
        "tagged": False,
        "item": None,
        "details": None,
        "settings": [],
        "cost": None,
        "findings": [NOT_TAGGED],
        "running": False,
        "run": None,
        "lastChange": None,
        "reason": None,
    }


@pytest.mark.parametrize("running", [False, True])
async def test_get_shows_the_last_change_beside_a_later_run_that_found_nothing_to_do(
    cloud: Cloud, client: FakeDurableClient, running: bool
) -> None:
    client.status, client.last_updated = Status.Completed, datetime(2026, 5, 2, tzinfo=UTC)
    client.output = RunResult(outcome=RunOutcome.DISABLED, vm_id=VM_ID, acted=True).dump()
    await put_protection(FakeAzure(settings(), cloud), client, request())
    last_change = RunState.load(client.started[0][2]).last_change

    assert last_change == LastChange(outcome=RunOutcome.DISABLED, at=datetime(2026, 5, 2, tzinfo=UTC))
    later = RunState(vm_id=VM_ID, poll_seconds=30, last_change=last_change)
    if running:
        client.status, client.custom_status = Status.Running, later.status()
    else:
        client.status, client.output = Status.Completed, later.finish(RunOutcome.NOT_TAGGED).result.dump()  # type: ignore[union-attr]

    view = await view_of(cloud, client)

    assert view["lastChange"] == {"outcome": "Disabled", "at": "2026-05-02T00:00:00Z"}
    assert view["running"] is running


async def test_get_shows_what_the_last_run_itself_changed(cloud: Cloud, client: FakeDurableClient) -> None:
    error = Error(code="151066", message="The agent could not be installed.", action="Install it.")
    before = LastChange(outcome=RunOutcome.DISABLED, at=datetime(2026, 5, 1, tzinfo=UTC))
    result = RunResult(outcome=RunOutcome.FAILED, vm_id=VM_ID, acted=True, error=error, last_change=before)
    client.status, client.output = Status.Completed, result.dump()
    client.last_updated = datetime(2026, 5, 2, tzinfo=UTC)

    view = await view_of(cloud, client)

    assert view["lastChange"] == {"outcome": "Failed", "at": "2026-05-02T00:00:00Z", "error": error.dump()}


@pytest.mark.parametrize(
    ("status", "shown", "code", "next_try"),
    [
        (Status.Completed, {"output": RunOutcome.FAILED}, "151066", None),
        (Status.Completed, {"output": RunOutcome.PROTECTED}, None, None),
        (
            Status.Running,
            {"lastError": {"code": "Conflict", "message": "Busy."}, "resumeAt": "2026-05-01T13:00:00Z"},
            *("Conflict", "2026-05-01T13:00:00Z"),
        ),
        (Status.Terminated, {"output": "Somebody."}, "RunEnded", None),
    ],
)
async def test_get_names_the_reason_and_the_next_attempt_of_a_vm_that_nothing_protects(
    cloud: Cloud,
    client: FakeDurableClient,
    status: Status,
    shown: dict[str, Any],
    code: str | None,
    next_try: str | None,
) -> None:
    cloud.add_vm(tags={"dr": "true"})
    error = Error(code="151066", message="The agent could not be installed.")
    client.status, client.custom_status = status, {"step": "Enabling protection", **shown}
    client.output = shown.get("output")
    if isinstance(client.output, RunOutcome):
        failed = {"error": error} if client.output is RunOutcome.FAILED else {}
        client.output = RunResult(outcome=client.output, vm_id=VM_ID, **failed).dump()

    reason = (await view_of(cloud, client))["reason"]

    assert (reason["code"] or None, reason.get("nextTry")) == (code, next_try)
    assert reason["text"]
    assert bool(reason["fix"]) is (code is not None)


async def test_get_shows_why_a_run_failed_without_the_stack_trace(cloud: Cloud, client: FakeDurableClient) -> None:
    client.status = Status.Failed
    client.output = 'Orchestrator function failed: a bug\nStack:   File "/home/site/wwwroot/x.py", line 7, in f'

    view = await view_of(cloud, client)

    assert view["run"] == "Orchestrator function failed: a bug"


async def test_get_shows_the_item_that_protects_it(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.add_vm(tags={"dr": "true"})
    cloud.vault["replication_protected_items"].append(item_body("Protected", rpoInSeconds=95))

    view = await view_of(cloud, client)

    assert view["tagged"] is True
    assert (view["item"]["state"], view["item"]["rpoSeconds"]) == ("Protected", 95)


async def test_get_of_a_protected_vm_shows_its_settings_and_what_differs(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    cloud.add_vm(tags={"dr-profile": "platinum"})
    cloud.add_region_pair()
    cloud.vault["replication_protected_items"].append(item_body("Protected"))

    view = await view_of(cloud, client)

    assert {setting["name"] for setting in view["settings"]} >= {"targetLocation", "recoveryPointRetention"}
    assert {finding["code"] for finding in view["findings"]} == {
        "OverrideInvalid",
        "DiskNotProtected",
        "NotManagedByApp",
        "UntaggedButProtected",
    }


async def test_get_of_a_failed_over_vm_says_that_it_is_left_alone(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.vault["replication_protected_items"].append(item_body("UnplannedFailoverCommitted"))

    view = await view_of(cloud, client)

    assert ([finding["code"] for finding in view["findings"]], view["settings"]) == (
        ["ItemFrozen", "NotManagedByApp"],
        [],
    )


async def test_get_shows_the_run_for_the_targets_alone_where_it_is_asked_for(cloud: Cloud) -> None:
    class Runs(FakeDurableClient):
        async def get_status(self, instance: str, *, show_input: bool = False) -> Any:
            self.status, self.output = Status.Completed, {"instance": instance}
            return await super().get_status(instance, show_input=show_input)

    targets = instance_of(VM_ID, targets_only=True)
    for asked, instance in ((request(), INSTANCE), (request(targetsOnly="true"), targets)):
        response = await get_protection(FakeAzure(settings(), cloud), Runs(), asked)
        assert json.loads(response.get_body())["run"] == {"instance": instance}


async def test_get_shows_where_a_run_stands_and_then_how_it_ended(cloud: Cloud, client: FakeDurableClient) -> None:
    client.status, client.custom_status = Status.Running, {"step": "Initial replication", "percent": 43}
    view = await view_of(cloud, client)
    assert (view["running"], view["run"]) == (True, {"step": "Initial replication", "percent": 43})

    client.status, client.output = Status.Completed, {"outcome": "Protected"}
    view = await view_of(cloud, client)
    assert (view["running"], view["run"]) == (False, {"outcome": "Protected"})


async def test_get_of_a_vm_that_is_gone_shows_how_its_run_ended(client: FakeDurableClient) -> None:
    client.status, client.output = Status.Completed, {"outcome": "Gone"}

    view = await view_of(Cloud(), client)

    assert (view["exists"], view["tagged"], view["run"]) == (False, False, {"outcome": "Gone"})


async def test_get_of_a_vm_that_is_gone_shows_what_still_protects_it(client: FakeDurableClient) -> None:
    cloud = Cloud()
    cloud.vault["replication_protected_items"].append(item_body("Protected"))

    view = await view_of(cloud, client)

    assert (view["exists"], view["item"]["state"]) == (False, "Protected")
    assert view["details"]["recoveryPoints"] == []


async def test_get_of_a_vm_that_never_was_is_not_found(client: FakeDurableClient) -> None:
    status, problem = await problem_of(get_protection(FakeAzure(settings(), Cloud()), client, request()))

    assert (status, problem["code"]) == (404, "VmNotFound")


@pytest.mark.parametrize(
    ("given", "status"), [({"subscription": "x"}, 400), ({"subscription": ELSEWHERE}, 404), ({"confirm": "true"}, 400)]
)
async def test_get_refuses_what_it_does_not_look_after(
    cloud: Cloud, client: FakeDurableClient, given: dict[str, Any], status: int
) -> None:
    got, _ = await problem_of(get_protection(FakeAzure(settings(), cloud), client, request(**given)))

    assert got == status
    assert cloud.reads == []


async def test_get_works_while_writes_are_off(cloud: Cloud, client: FakeDurableClient) -> None:
    response = await get_protection(FakeAzure(settings(paused=True), cloud), client, request())

    assert response.status_code == 200
    assert cloud.writes == []


async def test_get_says_that_where_a_run_stands_cannot_be_read(
    cloud: Cloud, client: FakeDurableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "get_status", unreachable)

    status, problem = await problem_of(get_protection(FakeAzure(settings(), cloud), client, request()))

    assert (status, problem["code"]) == (503, "StatusNotRead")

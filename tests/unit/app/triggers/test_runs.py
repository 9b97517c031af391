"""GET of what is under way: the runs and batches of a task hub, which it shows page by page."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.model.step_result import Error
from shared.orchestrations import instance_of
from shared.reconcile.batch import Batch
from shared.reconcile.run_state import RunState
from tests.unit.app.asking import answer_to, follow, get, problem_of
from tests.unit.app.examples import VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeHub
from triggers import runs
from triggers.drills import get_drills
from triggers.runs import get_runs

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
AZURE = FakeAzure(settings(), Cloud())
RUN = RunState(
    vm_id=VM_ID,
    poll_seconds=30,
    since=NOW,
    step="Initial replication",
    percent=40,
    resume_at=NOW,
    attempts=1,
    last_error=Error(code="Locked", message="A lock."),
)
BATCH = Batch(poll_seconds=30, since=NOW, waiting=(VM_ID,))
BATCH_ID = f"batch-{'0' * 32}"
Listed = Callable[[FakeHub], FakeHub]


@pytest.fixture
async def listed() -> AsyncIterator[Listed]:
    """Gives a hub the address of its list, which is as the extension's: pages of two, an empty one before the last."""
    pages: list[web.BaseRequest] = []
    hubs: list[FakeHub] = []

    async def page(request: web.Request) -> web.Response:
        pages.append(request)
        query, token = request.query, request.headers.get("x-ms-continuation-token", "0")
        ids = [
            each
            for each, shown in sorted(hubs[0].instances.items())
            if each.startswith(query["instanceIdPrefix"])
            and shown["runtimeStatus"] in query.get("runtimeStatus", shown["runtimeStatus"]).split(",")
        ]
        at = int(token)
        rows = [] if at == 2 else ids[at if at < 2 else at - 1 :][:2]
        more = at + (1 if at == 2 else 2) if at < len(ids) else ""
        shown = [{**hubs[0].instances[each], "input": None} for each in rows]
        return web.json_response(shown, headers={"x-ms-continuation-token": str(more)})

    app = web.Application()
    app.router.add_get("/instances/", page)
    async with TestServer(app) as server:

        def address(hub: FakeHub) -> FakeHub:
            hubs.append(hub)
            vars(hub)["_orchestration_bindings"] = SimpleNamespace(rpc_base_url=str(server.make_url("/")))
            return hub

        yield address
    assert all(request.query["showInput"] == "false" for request in pages)


async def test_runs_and_batches_under_way_are_shown_and_no_others(listed: Listed) -> None:
    hub = listed(FakeHub())
    updated = {"lastUpdatedTime": NOW.isoformat()}
    hub.put(instance_of(VM_ID), Status.Running, customStatus=RUN.status(), **updated)
    hub.put(instance_of(VM_ID, targets_only=True), Status.Suspended, customStatus={"step": 1, "vmId": 2})
    hub.put(BATCH_ID, Status.Running, customStatus=BATCH.status())
    hub.put("reconcile", Status.Running)
    hub.put("protect-web-2-0", Status.Completed, output={})

    view = await answer_to(get_runs(AZURE, hub, get("runs")))

    assert (view["counts"], view["gaps"], view["nextLink"]) == ({"batch": 1, "vm": 1, "targets": 1}, [], None)
    batch, vm, targets = view["value"]
    at = "2026-05-01T12:00:00Z"
    error = vm.pop("lastError")
    assert (error["code"], bool(error["action"])) == ("Locked", True)
    assert vm == {
        "kind": "vm",
        "instanceId": instance_of(VM_ID),
        "vmId": str(VM_ID),
        "state": "Running",
        "step": "Initial replication",
        "percent": 40,
        "since": at,
        "updatedAt": at,
        "resumeAt": at,
        "attempts": 1,
        "counts": {},
    }
    assert (batch["instanceId"], batch["total"], batch["counts"], batch["since"]) == (BATCH_ID, 1, {"Waiting": 1}, at)
    assert (targets["state"], targets["step"], "vmId" in targets) == ("Suspended", "", False)


async def test_a_run_without_a_status_is_shown_with_the_vm_of_its_input(listed: Listed) -> None:
    hub = listed(FakeHub())
    hub.put(instance_of(VM_ID), Status.Pending, state=RUN.dump())
    hub.put("protect-gone", Status.Pending)

    view = await answer_to(get_runs(AZURE, hub, get("runs")))

    rows = [(run["instanceId"], run.get("vmId"), run["state"]) for run in view["value"]]
    assert rows == [("protect-gone", None, "Pending"), (instance_of(VM_ID), str(VM_ID), "Pending")]


async def test_every_page_is_read_and_answered_once(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = listed(FakeHub())
    for number in range(7):
        hub.put(f"protect-{number}", Status.Running, customStatus=RUN.status())
    shown = []
    request = get("runs", kind="vm", top=3)
    while True:
        view = await answer_to(get_runs(AZURE, hub, request))
        assert view["counts"] == {"vm": 7}
        shown += [run["instanceId"] for run in view["value"]]
        if not view["nextLink"]:
            break
        request = follow(view["nextLink"])
    assert shown == [f"protect-{number}" for number in range(7)]
    assert (await answer_to(get_runs(AZURE, hub, get("runs", kind="batch"))))["counts"] == {}

    monkeypatch.setattr(runs, "MOST_RUNS", 5)
    view = await answer_to(get_runs(AZURE, hub, get("runs")))
    assert view["counts"] == {"vm": 5}
    assert view["gaps"] == ["More than 5 runs of kind vm are under way: only the first of them are here."]


async def test_a_list_that_cannot_be_read_is_said_so_and_a_wrong_query_named(listed: Listed) -> None:
    hub = listed(FakeHub())
    vars(hub)["_orchestration_bindings"].rpc_base_url += "nothing/"

    status, problem = await problem_of(get_runs(AZURE, hub, get("runs")))
    assert (status, problem["code"]) == (503, "StatusNotRead")
    status, problem = await problem_of(get_runs(AZURE, hub, get("runs", kind="sweep", verbose="1")))
    assert (status, [error["field"] for error in problem["errors"]]) == (400, ["kind", "verbose"])


async def test_batches_of_drills_are_listed_the_newest_first_whether_they_run_or_not(listed: Listed) -> None:
    hub = listed(FakeHub())
    for number, status in enumerate((Status.Completed, Status.Running, Status.Failed)):
        created = {"createdTime": f"2026-05-0{number + 1}T12:00:00Z"}
        hub.put(f"drills-{number}", status, customStatus={"total": 2}, **created)

    view = await answer_to(get_drills(AZURE, hub, get("drills", top=2)))
    rest = await answer_to(get_drills(AZURE, hub, follow(view["nextLink"])))

    rows = [*view["value"], *rest["value"]]
    assert [(row["batch"], row["running"]) for row in rows] == [
        ("drills-2", False),
        ("drills-1", True),
        ("drills-0", False),
    ]

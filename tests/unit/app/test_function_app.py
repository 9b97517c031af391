"""The app as the platform loads it: it starts with good settings only, and its doors answer as they should."""

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function
from azure.functions.decorators.http import HttpTrigger

import shared.arm.client
from activities.functions import ACTIVITIES, WITH_CLIENT
from orchestrators.functions import ORCHESTRATORS
from shared.config.environment import SettingsError
from shared.model import naming
from shared.model.resource_id import ResourceId
from shared.reconcile.sweep import Sweep
from tests.unit.app.asking import get, post
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeDurableClient, FakeHub, RefusesToStart
from tests.unit.app.triggers.test_events import WRITE, decoded, in_event_grid_schema, operation
from triggers.events import CloudEventsNotSupportedError
from triggers.routes import PROTECTION

SECRET = "203.0.113.7"


@pytest.fixture
def function_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setenv("DR_VAULT_IDS", str(VAULT_ID))
    monkeypatch.setenv("DR_SOURCE_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.setenv("DR_TARGET_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.setenv("DR_DEPLOYMENT", "func-1")
    monkeypatch.setenv("DR_ORIGIN_STORE", "/nowhere")
    monkeypatch.delitem(sys.modules, "function_app", raising=False)
    yield importlib.import_module("function_app")
    sys.modules.pop("function_app", None)


@pytest.fixture
def functions(function_app: ModuleType) -> dict[str, Function]:
    return {function.get_function_name(): function for function in function_app.app.get_functions()}


def door(functions: dict[str, Function], name: str) -> Any:
    """The function as it is written, without the layer that makes a client from the platform's binding."""
    layer: Any = functions[name].get_user_function()
    return layer.client_function


def test_the_app_does_not_start_with_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "function_app", raising=False)

    with pytest.raises(SettingsError, match="DR_VAULT_IDS: missing"):
        importlib.import_module("function_app")


def test_the_first_page_names_every_trigger(function_app: ModuleType, functions: dict[str, Function]) -> None:
    by_table = {name.rpartition(".")[2] for name in (*ACTIVITIES, *WITH_CLIENT, *ORCHESTRATORS)}

    assert by_table < set(functions)
    assert function_app.__doc__
    assert [name for name in functions if name not in by_table and f"`{name}`" not in function_app.__doc__] == []


async def test_an_event_about_a_vm_starts_its_run(functions: dict[str, Function]) -> None:
    client = FakeDurableClient()
    body = in_event_grid_schema("Microsoft.Resources.ResourceWriteSuccess", str(VM_ID), operation(WRITE))

    await door(functions, "on_vm_event")(decoded(body), client)

    assert [instance for _, instance, _ in client.started] == [naming.instance_id(VM_ID)]


async def test_events_about_vms_out_of_scope_start_nothing(functions: dict[str, Function]) -> None:
    """A delivery may name any number of VMs of any subscription: Event Grid's key is all that its sender needs."""
    hub = FakeHub()
    names = [f"{prefix}/web-{number}" for number in range(20) for prefix in (_vms_in(ELSEWHERE), _vms_in(SUBSCRIPTION))]

    for subject in names:
        body = in_event_grid_schema("Microsoft.Resources.ResourceWriteSuccess", subject, operation(WRITE))
        await door(functions, "on_vm_event")(decoded(body), hub)

    assert len(hub.started) == 20
    assert {naming.instance_id(ResourceId(name)) for name in names if SUBSCRIPTION in name} == set(hub.started)


def _vms_in(subscription: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/web/providers/Microsoft.Compute/virtualMachines"


async def test_an_event_about_anything_else_is_reported_in_one_line_without_claims(
    functions: dict[str, Function], caplog: pytest.LogCaptureFixture
) -> None:
    client = FakeDurableClient()
    body = in_event_grid_schema("Microsoft.Resources.ResourceWriteSuccess", "x\ny", operation(WRITE))
    body["id"] = "an id\nof two lines" + "x" * 10_000

    with caplog.at_level(logging.INFO, logger="dr"):
        await door(functions, "on_vm_event")(decoded(body), client)

    (line,) = caplog.messages
    assert line.isprintable()
    assert len(line) < 500
    assert SECRET not in line
    assert client.started == []


async def test_a_cloud_event_that_the_library_cannot_read_is_refused_with_the_reason(
    functions: dict[str, Function], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = FakeDurableClient()
    # As azure-functions before 1.25 has it: no such class, and a CloudEvent read by the names of the other schema.
    monkeypatch.delattr(func, "CloudEvent")
    event = func.EventGridEvent(
        id="event-1",
        data=operation(WRITE),
        topic=None,  # type: ignore[arg-type]
        subject=str(VM_ID),
        event_type=None,  # type: ignore[arg-type]
        event_time=None,
        data_version=None,  # type: ignore[arg-type]
    )

    with caplog.at_level(logging.INFO, logger="dr"), pytest.raises(CloudEventsNotSupportedError):
        await door(functions, "on_vm_event")(event, client)

    (line,) = caplog.messages
    assert line.startswith("Event 'event-1' refused: azure-functions ")
    assert "CloudEvents, 1.25 or later does" in line
    assert client.started == []


async def test_the_timer_starts_the_one_sweep_and_skips_it_while_another_is_under_way(
    functions: dict[str, Function], caplog: pytest.LogCaptureFixture
) -> None:
    hub, timer = FakeHub(), SimpleNamespace(past_due=False)
    reconcile = door(functions, "reconcile")

    with caplog.at_level(logging.INFO, logger="dr"):
        await reconcile(timer, hub)
        assert caplog.messages == []
        await reconcile(timer, hub)

    assert hub.started == ["reconcile"]
    sweep = Sweep.load(json.loads(hub.instances["reconcile"]["input"]))
    assert sweep.since
    assert sweep.with_(since=None) == Sweep(poll_seconds=30)
    (line,) = caplog.messages
    assert "skipped" in line


async def test_of_two_timers_at_once_one_starts_the_sweep_and_the_other_fails_not(
    functions: dict[str, Function],
) -> None:
    hub, timer = FakeHub(), SimpleNamespace(past_due=False)
    reconcile = door(functions, "reconcile")

    await asyncio.gather(*(reconcile(timer, hub) for _ in range(5)))

    assert hub.started == ["reconcile"]


async def test_a_sweep_that_is_late_says_so(functions: dict[str, Function], caplog: pytest.LogCaptureFixture) -> None:
    hub = FakeHub()

    with caplog.at_level(logging.INFO, logger="dr"):
        await door(functions, "reconcile")(SimpleNamespace(past_due=True), hub)

    assert hub.started == ["reconcile"]
    assert "late" in caplog.text


@pytest.mark.parametrize(
    ("name", "method"), [("put_protection", "PUT"), ("get_protection", "GET"), ("delete_protection", "DELETE")]
)
async def test_a_problem_is_answered_as_a_document(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch, name: str, method: str
) -> None:
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), Cloud()))
    route = {"subscription": ELSEWHERE, "group": "web", "name": "web-1"}
    request = func.HttpRequest(method, "https://app.example/api/x", route_params=route, body=b"")

    response = await door(functions, name)(request, FakeDurableClient())

    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert json.loads(response.get_body())["code"] == "OutOfScope"


@pytest.mark.parametrize(("name", "method", "status"), [("put_protection", "PUT", 202), ("get_protection", "GET", 200)])
async def test_a_request_for_a_vm_is_answered(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch, name: str, method: str, status: int
) -> None:
    cloud = Cloud()
    cloud.add_vm()
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), cloud))
    route = {"subscription": SUBSCRIPTION, "group": "web", "name": "web-1"}
    request = func.HttpRequest(method, "https://app.example/api/x", route_params=route, body=b"")

    response = await door(functions, name)(request, FakeDurableClient())

    assert response.status_code == status


@pytest.mark.parametrize(("subscription", "status"), [(SUBSCRIPTION, 200), (ELSEWHERE, 404)])
async def test_a_plan_is_reported_or_a_problem_answered_as_a_document(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch, subscription: str, status: int
) -> None:
    cloud = Cloud()
    cloud.add_vm()
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), cloud))
    route = {"subscription": subscription, "group": "web", "name": "web-1"}
    request = func.HttpRequest("POST", "https://app.example/api/x", route_params=route, body=b"")
    post_plan: Any = functions["post_plan"].get_user_function()

    response = await post_plan(request)

    assert response.status_code == status
    assert json.loads(response.get_body())["code" if status == 404 else "blocked"] in ("OutOfScope", False)


@pytest.mark.parametrize(
    ("name", "given", "status"),
    [
        ("post_protections", post("protections", {"virtualMachines": [str(VM_ID)]}), 202),
        ("post_protections", post("protections", {}), 422),
        ("get_batch", get("protections/batch-1"), 404),
        ("get_compliance", get("compliance"), 200),
        ("get_compliance", get("compliance", state="x"), 400),
    ],
)
async def test_a_batch_or_the_estate_is_looked_at_or_a_problem_answered(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch, name: str, given: func.HttpRequest, status: int
) -> None:
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), Cloud()))

    assert (await door(functions, name)(given, FakeHub())).status_code == status


@pytest.mark.parametrize(
    ("name", "given", "status"),
    [
        ("post_protections_plan", post("protections/plan", {"virtualMachines": [str(VM_ID)]}), 200),
        ("post_protections_plan", post("protections/plan", b"{"), 400),
        ("get_report", get("report"), 200),
        ("get_report", get("report", to="today"), 400),
        ("get_jobs", get("jobs"), 200),
        ("get_jobs", get("jobs", top=0), 400),
        ("get_openapi", get("openapi.json"), 200),
        ("get_openapi", get("openapi.json", x="y"), 400),
    ],
)
async def test_what_only_looks_is_answered_or_a_problem(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch, name: str, given: func.HttpRequest, status: int
) -> None:
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), Cloud()))
    function: Any = functions[name].get_user_function()

    assert (await function(given)).status_code == status


FORGED = "evil.example"
QUERIES: dict[str, tuple[dict[str, str], ...]] = {
    "put_protection": ({}, {"targetsOnly": "true"}),
    "delete_protection": ({}, {"confirm": "true"}),
    "get_compliance": ({}, {"top": "1"}, {"format": "csv"}),
    "get_report": ({}, {"top": "1"}, {"format": "csv"}, {"format": "html"}),
}
BODIES = {name: json.dumps({"virtualMachines": [str(VM_ID)]}) for name in ("post_protections", "post_protections_plan")}


FOLLOWED = {"post_sweep": "status", **dict.fromkeys(("put_hold", "delete_hold"), PROTECTION)}
"""Where what a 202 has accepted is followed, if that is not at its own route."""


async def test_no_answer_is_to_be_stored_or_sniffed_or_says_the_host_that_its_caller_said(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route, with a query that it takes and with one that it refuses."""
    cloud = Cloud()
    for number in range(2):
        cloud.add_vm(vm=ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"web-{number}"))
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), cloud))
    route = {"subscription": SUBSCRIPTION, "group": "web", "name": "web-1", "batch": "batch-1"}
    forged = {"Host": FORGED, "X-Forwarded-Host": FORGED, "X-Original-Host": FORGED, "Content-Type": "application/json"}
    statuses, pages = set(), 0
    for name, function in functions.items():
        trigger = function.get_trigger()
        if not isinstance(trigger, HttpTrigger):
            continue
        for query in (*QUERIES.get(name, ({},)), {"nonsense": "1"}):
            request = func.HttpRequest(
                str(trigger.methods[0]),  # type: ignore[index]
                f"https://{FORGED}/api/{trigger.route}",
                headers=forged,
                params=query,
                route_params=route,
                body=BODIES.get(name, "").encode(),
            )
            called: Any = function.get_user_function()
            bindings = [FakeHub()] if hasattr(called, "client_function") else []

            response = await getattr(called, "client_function", called)(request, *bindings)

            text, headers = response.get_body().decode(), dict(response.headers)
            assert headers["Cache-Control"] == ("no-cache" if name == "get_page" else "no-store"), (name, query)
            assert headers["X-Content-Type-Options"] == "nosniff", (name, query)
            assert FORGED not in f"{headers} {text}", (name, query)
            statuses.add(response.status_code)
            if response.status_code == 202:
                assert headers["Location"].startswith(f"/api/{FOLLOWED.get(name, trigger.route)}"), (name, query)
            pages += text.count('"nextLink": "/api/compliance?')
    assert {200, 202, 400, 404, 409} <= statuses
    assert pages == 1


CHUNKED = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
ROUTE_OF_A_VM = {"subscription": SUBSCRIPTION, "group": "web", "name": "web-1"}


@pytest.mark.parametrize(
    ("name", "method", "query"),
    [
        ("put_protection", "PUT", {}),
        ("put_protection", "PUT", {"targetsOnly": "true"}),
        ("post_plan", "POST", {}),
        ("post_protections", "POST", {}),
        ("post_protections_plan", "POST", {}),
    ],
)
async def test_a_body_in_chunks_which_the_host_drops_is_refused_and_nothing_is_done(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch, name: str, method: str, query: dict[str, str]
) -> None:
    cloud, hub = Cloud(), FakeHub()
    cloud.add_vm()
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), cloud))
    url = "https://app.example/api/x"
    given = func.HttpRequest(method, url, headers=CHUNKED, params=query, route_params=ROUTE_OF_A_VM, body=b"")
    user_function: Any = functions[name].get_user_function()
    called = getattr(user_function, "client_function", None)

    response = await (called(given, hub) if called else user_function(given))

    assert (response.status_code, response.mimetype) == (411, "application/problem+json")
    assert json.loads(response.get_body())["code"] == "LengthRequired"
    assert (cloud.writes, hub.started) == ([], [])


@pytest.mark.usefixtures("slept")
async def test_a_run_that_could_not_be_started_is_answered_as_a_document(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = Cloud()
    cloud.add_vm()
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: FakeAzure(settings(), cloud))
    route = {"subscription": SUBSCRIPTION, "group": "web", "name": "web-1"}
    request = func.HttpRequest("PUT", "https://app.example/api/x", route_params=route, body=b"")

    response = await door(functions, "put_protection")(request, RefusesToStart())

    assert (response.status_code, response.mimetype) == (503, "application/problem+json")
    assert response.headers["Retry-After"] == "10"
    assert json.loads(response.get_body())["code"] == "RunNotStarted"

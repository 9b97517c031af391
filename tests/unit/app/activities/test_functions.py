"""The activities as Durable Functions calls them: JSON in, an outcome as JSON out, also where Azure refuses."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

import activities.functions
import shared.arm.client
from shared.model.activity_io import (
    ChangeRequest,
    DrillRequest,
    DrillStep,
    EnableRequest,
    JobRequest,
    ObserveRequest,
    PurgeRequest,
    ResourcesRequest,
    VmRequest,
)
from shared.model.base import Model
from shared.model.changes import Changes, ItemUpdate
from shared.model.drill import DrillOrder
from shared.model.step_result import Failed, Pending, Ready, load_step_result
from shared.reconcile.batch import BatchRequest
from shared.reconcile.drill_batch import DrillBatchRequest
from shared.reconcile.run_state import RunOutcome, RunResult
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import Sweep, SweepReport
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import NETWORK, VM_ID, plan_of, planning_context, settings, source_vm
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name
from tests.unit.app.fake_durable import FakeDurableClient

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PLAN = plan_of(source_vm(), planning_context(), settings())
assert PLAN.replication
REQUESTS: dict[str, Model] = {
    "resolve_source": ObserveRequest(vm_id=VM_ID, plans=True),
    "create_target_resources": ResourcesRequest(waves=PLAN.resources),
    "enable_protection": EnableRequest(vm_id=VM_ID, replication=PLAN.replication),
    "monitor_job": JobRequest(vm_id=VM_ID, job=""),
    "remove_failed_item": VmRequest(vm_id=VM_ID),
    "disable_protection": VmRequest(vm_id=VM_ID),
    "request_protection": BatchRequest(vm_ids=(VM_ID,), order="batch-1"),
    "follow_batch": BatchRequest(vm_ids=(VM_ID,), order="batch-1"),
    "reconcile_window": Sweep(poll_seconds=30),
    "remove_orphans": Sweep(poll_seconds=30),
    "publish_outcome": RunSummary(result=RunResult(outcome=RunOutcome.PROTECTED, vm_id=VM_ID), at=NOW, notable=True),
    "publish_sweep": Sweep(poll_seconds=30, report=SweepReport(read_at=NOW), done=True),
    "purge_history": PurgeRequest(before=NOW),
    "prepare_drill": DrillRequest(vm_id=VM_ID, token="t", order=DrillOrder(network=NETWORK)),
    "start_drill": DrillStep(vm_id=VM_ID),
    "look_at_drill": DrillStep(vm_id=VM_ID),
    "clean_up_drill": DrillStep(vm_id=VM_ID),
    "finish_drill": DrillStep(vm_id=VM_ID),
    "advance_drills": DrillBatchRequest(
        waiting=(VM_ID,), running=(), order=DrillOrder(network=NETWORK), at_once=1, token="drills-1"
    ),
    "change_protection": ChangeRequest(vm_id=VM_ID, changes=Changes(update=ItemUpdate(size="Standard_D4s_v5"))),
}
NEED_THE_CLIENT = {"reconcile_window", "request_protection", "follow_batch", "purge_history", "finish_drill"} | {
    "advance_drills"
}
FUNCTIONS = {
    builder._function.get_function_name(): builder._function.get_user_function()
    for builder in activities.functions.blueprint._function_builders
}


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "true"})
    return cloud


@pytest.fixture(autouse=True)
def azure(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> FakeAzure:
    fake = FakeAzure(settings(), cloud)
    monkeypatch.setattr(shared.arm.client, "gateway", lambda: fake)
    return fake


async def call(name: str, marks: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Through JSON both ways, as the platform does it."""
    function, request = FUNCTIONS[name], json.loads(json.dumps({**REQUESTS[name].dump(), **marks}))
    if name in NEED_THE_CLIENT:
        answered = await function.client_function(request, FakeDurableClient())
    else:
        answered = await function(request)
    return load_step_result(json.loads(json.dumps(answered)))


def test_every_activity_has_a_request_here() -> None:
    assert set(FUNCTIONS) == set(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
async def test_an_activity_answers_with_an_outcome(name: str, cloud: Cloud) -> None:
    cloud.add_region_pair()

    # Without a record there is no drill to begin or to look at.
    refused = {"prepare_drill", "start_drill", "look_at_drill"}
    assert isinstance(await call(name), Failed if name in refused else Ready)


@pytest.mark.parametrize(("status", "outcome"), [(429, Pending), (403, Failed)])
async def test_what_azure_refuses_is_an_outcome_and_no_exception(
    status: int, outcome: type[Pending | Failed], cloud: Cloud
) -> None:
    cloud.faults["read"] = answer(status, "No")

    answered = await call("resolve_source")

    assert isinstance(answered, outcome)
    assert answered.error
    assert answered.error.code == "No"


async def test_what_the_settings_refuse_is_an_outcome_too(azure: FakeAzure, cloud: Cloud) -> None:
    azure.settings = settings(paused=True)
    cloud.vault["replication_protected_items"].append(item_body("EnablingFailed", our_item_name()))
    cloud.prove_all()

    answered = await call("remove_failed_item")

    assert isinstance(answered, Failed)
    assert answered.error.code == "WritesDisabled"


@pytest.mark.parametrize(
    ("waited", "age", "reads"), [(100, 60, 0), (30, 60, 1), (7200, 60, 0), (7200, 130, 1), (None, 60, 1)]
)
async def test_a_list_that_was_asked_for_since_a_run_was_due_serves_it(
    waited: float | None, age: float, reads: int, azure: FakeAzure, cloud: Cloud
) -> None:
    items = vault_of(azure, azure.settings.vault_ids[0]).items
    await items.get()
    items.requested_at -= age
    cloud.reads.clear()

    due = {} if waited is None else {"due": (datetime.now(UTC) - timedelta(seconds=waited)).isoformat()}
    assert isinstance(await call("resolve_source", due), Ready)

    assert cloud.reads.count("replication_protected_items") == reads


async def test_a_bug_is_no_outcome(cloud: Cloud) -> None:
    cloud.faults["read"] = ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        await call("resolve_source")

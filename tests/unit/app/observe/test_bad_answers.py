"""One bad answer, whichever it is to: it never stops a sweep, and a caller gets a report with a gap, or a problem."""

import json
from typing import Any

import azure.functions as func
import pytest
from azure.core.exceptions import ServiceRequestError
from azure.durable_functions import OrchestrationRuntimeStatus

from activities.reconcile_window import reconcile_window
from activities.remove_orphans import remove_orphans
from orchestrators.steps import unexpected
from shared.arm.errors import MalformedResponseError
from shared.config.settings import Mode
from shared.model.step_result import Ready
from shared.observe.inventory import compliance_report
from shared.reconcile.sweep import Sweep, SweepReport
from tests.unit.app.examples import VM_ID, open_settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeDurableClient, FakeHub
from tests.unit.app.rows import full_item
from triggers.callers import handle
from triggers.compliance import get_compliance
from triggers.protection import get_protection
from triggers.roles import Role

READS = ["resource graph", "items elsewhere", "groups in the graph"]
READS += ["replication_protected_items", "replication_jobs", "replication_policies"]
FAULTS = [MalformedResponseError("<html>"), ServiceRequestError("reset"), TypeError("null"), KeyError("id")]


def request() -> func.HttpRequest:
    return func.HttpRequest("GET", "https://app.example/api/compliance", params={}, headers={}, body=b"")


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_region_pair()
    cloud.add_vm(tags={})
    cloud.vault["replication_protected_items"].append(full_item())
    return cloud


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("read", READS)
async def test_it_is_a_gap_and_nothing_is_disabled_or_removed(cloud: Cloud, read: str, fault: Exception) -> None:
    cloud.faults[read] = fault
    azure = FakeAzure(open_settings(mode=Mode.CLEANUP, untag_grace_hours=0), cloud)

    response = await get_compliance(azure, FakeHub(), request())
    swept = await reconcile_window(azure, Sweep(poll_seconds=30), FakeDurableClient())
    ended = await remove_orphans(azure, Sweep(poll_seconds=30, report=SweepReport(read_at=azure_read_at(response))))

    assert response.status_code == 200
    (gap,) = json.loads(response.get_body())["gaps"]
    assert "could not be read in full" in gap
    assert isinstance(swept, Ready)
    assert Sweep.load(swept.value).done
    assert isinstance(ended, Ready)
    assert cloud.writes == []


def azure_read_at(response: func.HttpResponse) -> Any:
    return json.loads(response.get_body())["readAt"]


class Broken(FakeAzure):
    async def shared(self, *_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("/home/site/wwwroot/shared/secret.py")


@pytest.mark.parametrize("read", [compliance_report, None])
async def test_what_nobody_foresaw_is_a_problem_document_without_a_stack_trace(cloud: Cloud, read: Any) -> None:
    azure = Broken(open_settings(), cloud)

    async def fail() -> func.HttpResponse:
        raise ZeroDivisionError("/home/site/wwwroot/shared/secret.py")

    response = await handle(
        request(), Role.READ, lambda: get_compliance(azure, FakeHub(), request()) if read else fail()
    )

    assert response.status_code == (502 if read else 500)
    assert response.mimetype == "application/problem+json"
    assert json.loads(response.get_body())["code"] == "UnexpectedError"
    assert b"secret.py" not in response.get_body()


STACK = '\nStack:   File "/home/site/wwwroot/shared/secret.py", line 1 \n {"$type":"System.Exception"}'


async def test_a_run_that_failed_by_itself_shows_no_stack_trace(cloud: Cloud) -> None:
    client = FakeDurableClient()
    client.status, client.output = OrchestrationRuntimeStatus.Failed, f"Orchestrator function 'x' failed: boom{STACK}"
    route = {"subscription": VM_ID.subscription, "group": VM_ID.resource_group, "name": VM_ID.name}
    get = func.HttpRequest("GET", "https://app.example/api/x", params={}, headers={}, route_params=route, body=b"")

    response = await get_protection(FakeAzure(open_settings(), cloud), client, get)

    assert json.loads(response.get_body())["run"] == "Orchestrator function 'x' failed: boom"


def test_the_error_in_a_custom_status_is_one_line() -> None:
    assert unexpected(RuntimeError(f"Activity function 'x' failed:  KeyError: 'id'{STACK}")).message.endswith("'id'")

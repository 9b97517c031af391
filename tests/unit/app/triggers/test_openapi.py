"""The OpenAPI document says what is asked and answered: no more, and no less."""

import importlib
import json
import re
import sys
import tomllib
from http import HTTPStatus
from pathlib import Path
from typing import Any

import azure.functions as func
import jsonschema_rs
import pytest
import schemathesis
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.model.plan import Setting
from shared.model.resource_id import vm_id
from shared.model.step_result import Error
from shared.reconcile.run_state import RunOutcome, RunState
from tests.findings import warning
from tests.unit.app.asking import get, post
from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body, our_item_name, point_body
from tests.unit.app.fake_durable import FakeDurableClient, FakeHub
from tests.unit.app.triggers.test_protections import BATCH, STATE
from triggers.body import request_model, tags_in
from triggers.compliance import get_compliance
from triggers.disabling import delete_protection
from triggers.jobs import get_jobs
from triggers.openapi import document, get_openapi
from triggers.plan import post_plan
from triggers.problems import Problem
from triggers.protection import get_protection, put_protection
from triggers.protections import get_batch, post_protections
from triggers.protections_plan import post_protections_plan
from triggers.report import get_report
from triggers.selection import selected

DOCUMENT = document(settings())
VM_PATH = "/subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/{name}/protection"
EXAMPLE_SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
ROUTE = {"subscription": SUBSCRIPTION, "group": "web", "name": "web-1"}


def request(
    method: str, body: bytes = b"", content_type: str = "application/json", chunked: bool = False, **query: str
) -> func.HttpRequest:
    headers = {"Content-Type": content_type, **({"Transfer-Encoding": "chunked"} if chunked else {})}
    url = f"https://app.example/api{VM_ID}/protection"
    return func.HttpRequest(method, url, headers=headers, params=query, route_params=ROUTE, body=body)


def closed(schema: Any) -> Any:
    """The schema as it would be if a member that it does not name were an error."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {name: closed(value) for name, value in schema.items()}
    return {**inside, "additionalProperties": False} if "properties" in schema and "type" in schema else inside


def errors_in(path: str, method: str, status: int, media_type: str, body: Any) -> list[str]:
    """What about an answer is not as the document says."""
    content = DOCUMENT["paths"][path][method]["responses"][str(status)]["content"]
    assert [media for media in content if media not in {"text/csv", "text/html"}] == [media_type]
    schema = {**content[media_type]["schema"], "components": closed(DOCUMENT["components"])}
    return [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(body)]


def as_documented(path: str, response: func.HttpResponse, method: str) -> Any:
    """The body of an answer, once it was held to the document."""
    body = json.loads(response.get_body())
    assert errors_in(path, method, response.status_code, response.mimetype, body) == []
    documented = DOCUMENT["paths"][path][method]["responses"][str(response.status_code)].get("headers", {})
    needed = {name for name, header in documented.items() if header.get("required")}
    assert needed <= set(response.headers.keys()) <= set(documented)
    return body


# The document


def test_the_document_is_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_a_document_that_is_none_is_reported_from_it() -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict({**DOCUMENT, "info": {"title": 3}}).validate()


def test_every_route_of_the_app_is_in_it_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_VAULT_IDS", str(VAULT_ID))
    monkeypatch.setenv("DR_SOURCE_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.setenv("DR_TARGET_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.setenv("DR_DEPLOYMENT", "func-1")
    monkeypatch.setenv("DR_ORIGIN_STORE", "/nowhere")
    monkeypatch.delitem(sys.modules, "function_app", raising=False)
    functions = importlib.import_module("function_app").app.get_functions()
    sys.modules.pop("function_app", None)
    served = {
        (f"/{trigger['route']}", str(getattr(method, "value", method)).lower(), function.get_function_name())
        for function in functions
        if (trigger := function.get_trigger().get_dict_repr())["type"] == "httpTrigger"
        and function.get_function_name() != "get_page"
        for method in trigger["methods"]
    }

    assert served == {
        (path, method, operation["operationId"])
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def test_every_member_of_the_body_is_in_it_with_what_is_allowed() -> None:
    schema = DOCUMENT["components"]["schemas"]["ProtectionRequest"]

    assert set(schema["properties"]) == {field.alias for field in request_model(settings()).model_fields.values()}
    assert schema["additionalProperties"] is False
    assert "required" not in schema
    assert all("Allowed: " in member["description"] for member in schema["properties"].values())


def test_the_names_are_those_of_the_settings() -> None:
    made = document(settings(tag_name="recovery", profiles='{"gold": {}}'))

    members = made["components"]["schemas"]["ProtectionRequest"]["properties"]
    assert "gold" in members["recovery-profile"]["description"]
    assert not any(name.startswith("dr-") for name in members)


@pytest.mark.parametrize("path", ["/protections", "/protections/plan"])
async def test_the_examples_of_a_selection_can_be_sent(path: str) -> None:
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    scope = f"/subscriptions/{EXAMPLE_SUBSCRIPTION}"
    cloud = Cloud()
    cloud.add_vm({"env": "prod"}, vm=vm_id(EXAMPLE_SUBSCRIPTION, "web", "web-1"))

    for example in content["examples"].values():
        azure = FakeAzure(settings(source_scope=scope), cloud)
        assert (await selected(azure, post(path[1:], example["value"]), 1)).vms
        assert jsonschema_rs.Draft202012Validator(schema).is_valid(example["value"])
    for wrong in ({}, {"subscriptionId": EXAMPLE_SUBSCRIPTION}, {"virtualMachines": ["web-1"]}):
        assert not jsonschema_rs.Draft202012Validator(schema).is_valid(wrong)


@pytest.mark.parametrize("path", [VM_PATH, f"{VM_PATH}/plan"])
def test_the_examples_of_a_body_can_be_sent(path: str) -> None:
    operation = DOCUMENT["paths"][path]["put" if path == VM_PATH else "post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    schema = {**DOCUMENT["components"]["schemas"]["ProtectionRequest"]}

    for example in examples.values():
        assert tags_in(settings(), example["value"]) == example["value"]
        assert jsonschema_rs.is_valid(schema, example["value"])


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if "{" in path])
def test_the_parameters_have_patterns_that_their_examples_fit(path: str) -> None:
    parameters = DOCUMENT["paths"][path]["parameters"]

    assert [parameter["name"] for parameter in parameters] == re.findall(r"{(\w+)}", path)
    assert all(re.search(each["schema"]["pattern"], each["example"]) for each in parameters)


def test_its_version_is_that_of_the_app() -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]

    assert DOCUMENT["info"]["version"] == project["version"]


async def test_it_is_answered_as_json() -> None:
    response = await get_openapi(FakeAzure(settings(), Cloud()), request("GET"))

    assert as_documented("/openapi.json", response, "get") == DOCUMENT


# The answers


async def test_a_plan_is_as_the_document_says(cloud: Cloud) -> None:
    response = await post_plan(FakeAzure(settings(), cloud), request("POST"))

    view = as_documented(f"{VM_PATH}/plan", response, "post")
    assert view["settings"]
    assert view["resources"]
    assert view["cost"]


async def test_a_plan_of_a_protected_vm_is_as_the_document_says(cloud: Cloud) -> None:
    cloud.add_region_pair()
    cloud.vault["replication_protected_items"].append(item_body("Protected"))

    response = await post_plan(FakeAzure(settings(), cloud), request("POST"))

    assert as_documented(f"{VM_PATH}/plan", response, "post")["item"]


RUN = RunState(vm_id=VM_ID, poll_seconds=30, settings=(Setting(name="a", value="b", origin="default", reason="c"),))
FAILURE = Error(code="1", message="It failed.")


@pytest.mark.parametrize(
    ("status", "custom_status", "output"),
    [
        (None, None, None),
        (Status.Pending, None, None),
        (Status.Running, RUN.status(), None),
        (Status.Running, RUN.with_(percent=40, last_error=FAILURE, job="job-1", attempts=1).status(), None),
        (Status.Completed, {}, RUN.finish(RunOutcome.PROTECTED, (warning("A", "b", "c"),)).with_().result),
        (Status.Completed, {}, RUN.with_(item_id=VM_ID).finish(RunOutcome.FAILED, error=FAILURE).result),
        (Status.Failed, {}, "Orchestrator function 'protect_vm' failed: unexpected."),
    ],
)
async def test_a_look_is_as_the_document_says(
    cloud: Cloud, status: Status | None, custom_status: Any, output: Any
) -> None:
    client = FakeDurableClient()
    client.status, client.custom_status = status, custom_status
    client.output = output if output is None or isinstance(output, str) else output.dump()
    cloud.add_region_pair()
    cloud.vault["replication_protected_items"].append(item_body("Protected", rpoInSeconds=95))

    view = as_documented(VM_PATH, await get_protection(FakeAzure(settings(), cloud), client, request("GET")), "get")

    assert view["item"]["rpoSeconds"] == 95
    assert view["run"] == (client.custom_status if view["running"] else client.output)


RPO_READ = {"rpoInSeconds": 95, "lastRpoCalculatedTime": "2026-05-01T12:00:00Z"}


def protect(cloud: Cloud) -> None:
    """By an item of which there is much to tell."""
    cloud.add_region_pair()
    disks = [{"diskId": f"{VM_ID.group_id}/providers/Microsoft.Compute/disks/web-1-os", "diskState": "Protected"}]
    item = item_body("Protected", our_item_name(), protectedManagedDisks=disks, **RPO_READ)
    item["properties"]["healthErrors"] = [{"errorCode": "1", "possibleCauses": "Rain.", "recommendedAction": "Wait."}]
    cloud.vault["replication_protected_items"].append(item)
    cloud.vault["replication_jobs"].append(job_body("Succeeded", startTime="2026-05-01T12:00:00Z"))
    cloud.recovery_points.append(point_body("2026-05-01T12:00:00Z"))


async def test_a_look_that_is_drilled_down_is_as_the_document_says(cloud: Cloud) -> None:
    protect(cloud)

    response = await get_protection(FakeAzure(settings(), cloud), FakeDurableClient(), request("GET"))

    details = as_documented(VM_PATH, response, "get")["details"]
    assert all((details["disks"], details["healthErrors"], details["failover"], details["recoveryPoints"]))


async def test_what_was_accepted_is_as_the_document_says(cloud: Cloud) -> None:
    response = await put_protection(FakeAzure(settings(), cloud), FakeDurableClient(), request("PUT"))

    assert response.status_code == 202
    as_documented(VM_PATH, response, "put")


async def test_what_is_to_be_disabled_is_as_the_document_says(cloud: Cloud) -> None:
    protect(cloud)
    azure, client = FakeAzure(settings(), cloud), FakeDurableClient()

    with pytest.raises(Problem) as unconfirmed:
        await delete_protection(azure, client, request("DELETE"))
    response = await delete_protection(azure, client, request("DELETE", confirm="true"))

    as_documented(VM_PATH, unconfirmed.value.response(), "delete")
    assert response.status_code == 202
    as_documented(VM_PATH, response, "delete")


async def test_a_batch_and_its_plan_are_as_the_document_says(cloud: Cloud) -> None:
    azure, hub = FakeAzure(settings(), cloud), FakeHub()
    hub.put(BATCH, Status.Running, "protect_batch", state=STATE.with_(last_error=FAILURE).dump())
    body = {"virtualMachines": [str(VM_ID), f"{VM_ID}-0"]}

    accepted = await post_protections(azure, hub, post("protections", body))
    plan = await post_protections_plan(azure, post("protections/plan", body))
    batch = await get_batch(FakeAzure(settings(), Cloud()), hub, get(f"protections/{BATCH}"))

    as_documented("/protections", accepted, "post")
    assert as_documented("/protections/plan", plan, "post")["resources"]
    assert as_documented("/protections/{batch}", batch, "get")["lastError"]


async def test_the_estate_and_its_jobs_are_as_the_document_says(cloud: Cloud) -> None:
    protect(cloud)
    cloud.add_vm({"dr": "true"}, vm=vm_id(SUBSCRIPTION, "web", "web-2"))
    azure = FakeAzure(settings(), cloud)

    estate = await get_compliance(azure, FakeHub(), get("compliance", top=1))
    file = await get_compliance(azure, FakeHub(), get("compliance", format="csv"))
    jobs = await get_jobs(azure, get("jobs"))
    report = await get_report(azure, get("report"))

    assert as_documented("/report", report, "get")["value"]
    assert as_documented("/compliance", estate, "get")["nextLink"]
    assert as_documented("/jobs", jobs, "get")["value"]
    answered = DOCUMENT["paths"]["/compliance"]["get"]["responses"]["200"]
    assert (file.mimetype, set(file.headers.keys())) == ("text/csv", set(answered["headers"]))
    assert file.mimetype in answered["content"]


@pytest.mark.parametrize(
    ("given", "faults", "changes", "status"),
    [
        (request("PUT", confirm="maybe"), {}, {}, 400),
        (request("PUT", b"{"), {}, {}, 400),
        (request("PUT"), {"read": answer(404, "ResourceNotFound")}, {}, 404),
        (request("PUT"), {}, {"paused": True}, 409),
        (request("PUT", chunked=True), {}, {}, 411),
        (request("PUT", b" " * 70_000 + b"{}"), {}, {}, 413),
        (request("PUT", b"{}", "text/plain"), {}, {}, 415),
        (request("PUT", b'{"a": 1, "dr-target-zone": "9"}'), {}, {}, 422),
        (request("PUT", b'{"dr-target-zone": "2"}'), {}, {}, 422),
        (request("PUT"), {"read": answer(403, "AuthorizationFailed")}, {}, 502),
        (request("PUT"), {"read": answer(429, "TooManyRequests")}, {}, 503),
    ],
)
async def test_a_problem_is_as_the_document_says(
    cloud: Cloud, given: func.HttpRequest, faults: dict[str, Exception], changes: dict[str, Any], status: int
) -> None:
    cloud.faults |= faults

    with pytest.raises(Problem) as problem:
        await put_protection(FakeAzure(settings(**changes), cloud), FakeDurableClient(), given)

    response = problem.value.response()
    assert response.status_code == status
    as_documented(VM_PATH, response, "put")


def test_an_answer_that_is_not_as_the_document_says_is_found() -> None:
    problem = Problem(HTTPStatus.NOT_FOUND, "VmNotFound", "There is none.").document

    assert errors_in(VM_PATH, "get", 404, "application/problem+json", problem) == []
    assert errors_in(VM_PATH, "get", 404, "application/problem+json", {**problem, "stack": "x"}) != []
    del problem["code"]
    assert errors_in(VM_PATH, "get", 404, "application/problem+json", problem) != []

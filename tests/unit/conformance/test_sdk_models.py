"""The validator is worth what it catches: good traffic passes, and each way of being wrong is found where it is."""

import copy
from typing import Any

import pytest

from local.conformance.exchange import Exchange
from local.conformance.routes import PACKAGES, find_route, routes_of
from local.conformance.schema import Finding
from local.conformance.sdk_models import validate, validate_request_log

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web-1"
VAULT = f"{GROUP}/providers/Microsoft.RecoveryServices/vaults/v"
FABRIC = f"{VAULT}/replicationFabrics/f"
ITEM = f"{FABRIC}/replicationProtectionContainers/c/replicationProtectedItems/i"
POLICY = f"{VAULT}/replicationPolicies/p"

ENABLE: dict[str, Any] = {
    "properties": {
        "policyId": POLICY,
        "providerSpecificDetails": {
            "instanceType": "A2A",
            "fabricObjectId": VM,
            "autoProtectionOfDataDisk": "Disabled",
            "vmManagedDisks": [
                {
                    "diskId": f"{GROUP}/providers/Microsoft.Compute/disks/d",
                    "primaryStagingAzureStorageAccountId": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/cache",
                    "recoveryResourceGroupId": GROUP,
                }
            ],
        },
    }
}
JOB: dict[str, Any] = {
    "id": f"{VAULT}/replicationJobs/j",
    "name": "j",
    "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
    "properties": {
        "state": "InProgress",
        "startTime": "2026-01-01T00:00:00.1234567Z",
        "allowedActions": ["Cancel"],
        "tasks": [
            {
                "taskId": "EnableProtectionTask",
                "endTime": "0001-01-01T00:00:00",
                "customDetails": {"instanceType": "JobTaskDetails"},
                "errors": [],
            }
        ],
        "customDetails": None,
    },
}

QUERY: dict[str, Any] = {"query": "resources", "subscriptions": ["s"], "options": {"$top": 1000}}
ROWS: dict[str, Any] = {"totalRecords": 1, "count": 1, "resultTruncated": "false", "data": [{"id": VM}], "facets": []}


def enable(**changes: Any) -> Exchange:
    given: dict[str, Any] = {
        "number": 1,
        "method": "PUT",
        "url": f"{ITEM}?api-version=2025-08-01",
        "request_body": ENABLE,
        "status": 202,
        "response_body": None,
    }
    return Exchange(**given | changes)


def job(body: Any = None, **changes: Any) -> Exchange:
    given: dict[str, Any] = {
        "number": 1,
        "method": "GET",
        "url": f"{VAULT}/replicationJobs/j?api-version=2025-08-01",
        "request_body": None,
        "status": 200,
        "response_body": body or JOB,
    }
    return Exchange(**given | changes)


def query(request: Any = None, response: Any = None, version: str = "2021-03-01") -> Exchange:
    url = f"/providers/Microsoft.ResourceGraph/resources?api-version={version}"
    return Exchange(1, "POST", url, request or QUERY, 200, response or ROWS)


def mutated(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one value set, or removed where it is `...`."""
    body = copy.deepcopy(body)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    target: Any = body
    for key in parents:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return body


def test_every_operation_of_the_sdks_is_read() -> None:
    assert [len(routes_of(package)) for package in PACKAGES] == [154, 310, 40, 1]


def test_the_most_specific_route_wins_whatever_the_case() -> None:
    tags = find_route("PATCH", f"{VM}/providers/Microsoft.Resources/tags/default")
    assert tags is not None
    assert tags.operation == "TagsOperations._update_at_scope_initial"
    assert find_route("GET", VM.upper()) == find_route("GET", VM)
    assert find_route("GET", f"{VAULT}/replicationFabricz/f") is None


@pytest.mark.parametrize(
    "exchange",
    [
        enable(),
        enable(url=f"https://management.azure.com/{ITEM}?api-version=2025-08-01"),
        enable(status=409, response_body={"error": {"code": "Conflict", "message": "Later."}}),
        job(),
        job(
            url=f"{VAULT}/replicationJobs?api-version=2025-08-01",
            response_body={"value": [JOB], "nextLink": None},
        ),
        job(
            url=f"{VAULT}/replicationOperationStatus/o?api-version=2025-08-01&t=1&c=2",
            response_body={"status": "Failed", "error": {"code": "45005", "message": "No."}},
        ),
        job(url=f"{FABRIC}/operationresults/o?api-version=2025-08-01", status=204, response_body=None),
        query(),
        Exchange(1, "HEAD", f"{SUBSCRIPTION}/resourcegroups/rg?api-version=2025-04-01", None, 404, None),
        Exchange(1, "POST", f"{ITEM}/remove?api-version=2025-08-01", {"properties": {}}, 202, None, {"location": "/x"}),
        Exchange(
            1,
            "PUT",
            f"/{GROUP}/providers/Microsoft.Network/virtualNetworks/n?api-version=2026-03-01",
            {"location": "westus2", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}},
            201,
            {"id": "n", "name": "n", "type": "Microsoft.Network/virtualNetworks", "location": "westus2"},
        ),
    ],
)
def test_good_traffic_passes(exchange: Exchange) -> None:
    assert validate(exchange) == []


DETAILS = "properties.providerSpecificDetails"


@pytest.mark.parametrize(
    ("path", "value", "where", "what"),
    [
        ("properties.policyId", 7, "request$.properties.policyId", "wrong type"),
        (f"{DETAILS}.fabricObjectId", ..., f"request$.{DETAILS}.fabricObjectId", "missing"),
        (f"{DETAILS}.fabricObjectId", None, f"request$.{DETAILS}.fabricObjectId", "wrong type"),
        (f"{DETAILS}.instanceType", "A2B", f"request$.{DETAILS}.instanceType", "unknown discriminator"),
        (f"{DETAILS}.instanceType", ..., f"request$.{DETAILS}.instanceType", "missing"),
        (f"{DETAILS}.autoProtectionOfDataDisk", "Off", f"request$.{DETAILS}.autoProtectionOfDataDisk", "enumeration"),
        (f"{DETAILS}.churn", "High", f"request$.{DETAILS}.churn", "not a property"),
        (f"{DETAILS}.vmManagedDisks", {}, f"request$.{DETAILS}.vmManagedDisks", "wrong type"),
        (f"{DETAILS}.vmManagedDisks.0", "d", f"request$.{DETAILS}.vmManagedDisks[0]", "wrong type"),
        (f"{DETAILS}.vmManagedDisks.0.diskId", ..., f"request$.{DETAILS}.vmManagedDisks[0].diskId", "missing"),
    ],
)
def test_a_wrong_request_is_found(path: str, value: Any, where: str, what: str) -> None:
    [finding] = validate(enable(request_body=mutated(ENABLE, path, value)))
    assert (finding.where, finding.kind) == (where, "error")
    assert what in finding.what


def test_a_read_only_property_may_be_answered_but_not_sent() -> None:
    zone = {"location": "westus2", "id": f"{GROUP}/providers/Microsoft.Compute/availabilitySets/a"}
    url = f"{GROUP}/providers/Microsoft.Compute/availabilitySets/a?api-version=2026-04-01"
    [finding] = validate(Exchange(1, "PUT", url, zone, 200, zone))
    assert str(finding).startswith("request$.id: read-only in AvailabilitySet")


@pytest.mark.parametrize(
    ("path", "value", "finding"),
    [
        ("properties.state", 1, Finding("response$.properties.state", "wrong type", "1", "str")),
        ("properties.startTime", "now", Finding("response$.properties.startTime", "wrong type", "'now'", "datetime")),
        ("properties.tasks", "x", Finding("response$.properties.tasks", "wrong type", "'x'", "list")),
    ],
)
def test_a_wrong_response_is_found(path: str, value: Any, finding: Finding) -> None:
    assert validate(job(mutated(JOB, path, value))) == [finding]


@pytest.mark.parametrize(
    ("exchange", "where"),
    [
        (query(version="2018-09-01-preview"), "api-version"),
        (query(mutated(QUERY, "query", ...)), "request$.query"),
        (query(mutated(QUERY, "query", 1)), "request$.query"),
        (query(mutated(QUERY, "subscriptions", "s")), "request$.subscriptions"),
        (query(mutated(QUERY, "subscriptions.0", 1)), "request$.subscriptions[0]"),
        (query(mutated(QUERY, "options.$top", "1000")), "request$.options.$top"),
        (query(mutated(QUERY, "options.top", 1000)), "request$.options.top"),
        (query(response=mutated(ROWS, "data", ...)), "response$.data"),
        (query(response=mutated(ROWS, "count", "1")), "response$.count"),
        (query(response=mutated(ROWS, "resultTruncated", False)), "response$.resultTruncated"),
        (
            query(response=mutated(ROWS, "facets", [{"expression": 1, "resultType": "x"}])),
            "response$.facets[0].expression",
        ),
    ],
)
def test_models_of_the_older_kind_are_read_too(exchange: Exchange, where: str) -> None:
    assert [(f.where, f.kind) for f in validate(exchange)] == [(where, "error")]


def test_what_azure_answers_beyond_its_description_is_distinguished() -> None:
    extra = mutated(JOB, "properties.rtoInSeconds", 5)
    subtype = mutated(JOB, "properties.tasks.0.customDetails.instanceType", "TaskDetails")
    assert [(f.where, f.kind) for f in validate(job(extra))] == [("response$.properties.rtoInSeconds", "unknown key")]
    assert [(f.where, f.kind) for f in validate(job(subtype))] == [
        ("response$.properties.tasks[0].customDetails.instanceType", "unlisted value")
    ]


@pytest.mark.parametrize(
    ("exchange", "where"),
    [
        (enable(status=201), "status"),
        (enable(url=f"{ITEM}?api-version=2018-07-10"), "api-version"),
        (enable(url=ITEM), "api-version"),
        (enable(url=f"{FABRIC}/replicationItems/i?api-version=2025-08-01"), "route"),
        (enable(method="POST"), "route"),
        (enable(request_body=None), "request$"),
        (enable(response_headers={"retry-after": "30"}), "headers"),
        (enable(status=400, response_body="Bad Request"), "response$.error"),
        (job(request_body={"a": 1}), "request$"),
        (job(status=200, response_body=None), "response$"),
        (job(url=f"{VAULT}/replicationJobs?api-version=2025-08-01", response_body=[JOB]), "response$.value"),
        (job(url=f"{VAULT}/replicationOperationStatus/o", response_body={"state": "Done"}), "response$.status"),
        (job(url=f"{VAULT}/replicationOperationStatus/o", response_body={"status": "Failed"}), "response$.error.code"),
    ],
)
def test_a_wrong_exchange_is_found(exchange: Exchange, where: str) -> None:
    assert [(f.where, f.kind) for f in validate(exchange)] == [(where, "error")]


def test_a_request_log_is_validated_entry_by_entry() -> None:
    good = {
        "n": 1,
        "method": "PUT",
        "path": ITEM,
        "apiVersion": "2025-08-01",
        "status": 202,
        "requestBody": ENABLE,
        "responseBody": "",
    }
    bad = good | {"n": 2, "requestBody": mutated(ENABLE, "properties.policyId", 1)}
    jobs = f"{VAULT}/replicationJobs"
    large = good | {"method": "GET", "path": jobs, "status": 200, "requestBody": None, "responseBodyOmitted": True}
    reset = good | {"status": 0}
    [(exchange, finding)] = validate_request_log([good, bad, large, reset])
    assert exchange.number == 2
    assert finding.where == "request$.properties.policyId"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-app-asr", 404),
        (f"{SUBSCRIPTION}/providers/Microsoft.Network/locations/eastus/operations/1", 200),
        (VM, 200),
    ],
)
def test_a_body_that_the_log_has_dropped_is_no_missing_body(path: str, status: int) -> None:
    """Beyond its memory the simulator's log drops the oldest answers, errors among them, and says so."""
    entry = {"n": 1, "method": "GET", "path": path, "apiVersion": None, "status": status, "requestBody": None}
    dropped = validate_request_log([{**entry, "responseBody": None, "responseBodyOmitted": True}])
    missing = validate_request_log([{**entry, "responseBody": None}])

    assert [finding.where for _, finding in dropped if finding.where.startswith("response")] == []
    assert [finding.where for _, finding in missing if finding.where.startswith("response")] != []

"""Event Grid events, as the platform hands them to the app: which VM each names, and why another names none."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from hypothesis import given
from hypothesis import strategies as st

from shared.model.caller import Caller, CallerKind, Via
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.model.scope import Scope
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, TENANT, VM_ID
from triggers.events import NotAboutAVmError, caller_of_event, vm_of

OFFICIAL = Path(__file__).parents[5] / "shared" / "recordings" / "fixtures" / "eventgrid"
WRITE = "Microsoft.Compute/virtualMachines/write"
SOURCE = Scope([ResourceId(f"/subscriptions/{SUBSCRIPTION}")])
SECRET = "alice@contoso.example"
CLAIMS = {"name": SECRET, "ipaddr": "203.0.113.7", "appid": "0000-secret"}
TAGS = "/providers/Microsoft.Resources/tags/default"


def decoded(body: dict[str, Any]) -> func.EventGridEvent | func.CloudEvent:
    """The event as the worker's converter makes it."""
    event: func.EventGridEvent | func.CloudEvent = EventGridEventInConverter.decode(
        Datum(json.dumps(body), "json"), trigger_metadata=None
    )
    return event


def in_event_grid_schema(event_type: str, subject: Any, data: Any) -> dict[str, Any]:
    return {
        "id": "4db48cba-50a2-455a-93b4-de41a3b5b7f6",
        "topic": f"/subscriptions/{SUBSCRIPTION}",
        "subject": subject,
        "eventType": event_type,
        "eventTime": "2026-05-01T12:00:00.1234567Z",
        "data": data,
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def as_cloud_event(event_type: str, subject: Any, data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "4db48cba-50a2-455a-93b4-de41a3b5b7f6",
        "source": f"/subscriptions/{SUBSCRIPTION}",
        "subject": subject,
        "type": event_type,
        "time": "2026-05-01T12:00:00.1234567Z",
        "data": data,
    }


SCHEMAS = pytest.mark.parametrize("schema", [in_event_grid_schema, as_cloud_event])


def operation(name: Any, scope: Any = str(VM_ID)) -> dict[str, Any]:
    """The data of a system topic's event."""
    return {
        "authorization": {"scope": scope, "action": name, "evidence": {"role": "Contributor"}},
        "claims": CLAIMS,
        "correlationId": "c0rrelati0n",
        "operationName": name,
        "resourceProvider": "Microsoft.Compute",
        "resourceUri": scope,
        "status": "Succeeded",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    }


def why_ignored(body: dict[str, Any]) -> str:
    with pytest.raises(NotAboutAVmError) as ignored:
        vm_of(decoded(body), SOURCE)
    return str(ignored.value)


@SCHEMAS
@pytest.mark.parametrize(
    ("event_type", "name", "subject"),
    [
        ("ResourceWriteSuccess", WRITE, str(VM_ID)),
        ("ResourceWriteSuccess", "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE", str(VM_ID).upper()),
        ("ResourceWriteSuccess", WRITE, str(VM_ID).replace("resourceGroups", "resourcegroups")),
        ("ResourceDeleteSuccess", "Microsoft.Compute/virtualMachines/delete", str(VM_ID)),
        ("ResourceActionSuccess", "Microsoft.Compute/virtualMachines/start/action", str(VM_ID)),
        ("ResourceWriteSuccess", "Microsoft.Resources/tags/write", str(VM_ID)),
        ("ResourceWriteSuccess", "Microsoft.Resources/tags/write", f"{VM_ID}{TAGS}"),
        ("ResourceWriteSuccess", "Microsoft.Resources/tags/write", f"{VM_ID}{TAGS.upper()}"),
        ("ResourceDeleteSuccess", "Microsoft.Resources/tags/delete", f"{VM_ID}{TAGS}"),
    ],
)
def test_what_was_done_to_a_vm_names_the_vm(schema: Any, event_type: str, name: str, subject: str) -> None:
    body = schema(f"Microsoft.Resources.{event_type}", subject, operation(name, subject))

    assert vm_of(decoded(body), SOURCE) == VM_ID


@SCHEMAS
@pytest.mark.parametrize("event_type", ["CreatedOrUpdated", "Deleted"])
def test_a_resource_notification_names_the_vm_by_its_id(schema: Any, event_type: str) -> None:
    data = {"resourceInfo": {"id": str(VM_ID), "name": "web-1", "type": VM_ID.type, "tags": {"dr": "true"}}}
    body = schema(f"Microsoft.ResourceNotifications.Resources.{event_type}", str(VM_ID), data)

    assert vm_of(decoded(body), SOURCE) == VM_ID


@SCHEMAS
def test_a_vm_out_of_scope_is_ignored(schema: Any) -> None:
    others = str(VM_ID).replace(SUBSCRIPTION, ELSEWHERE)
    done = schema("Microsoft.Resources.ResourceWriteSuccess", others, operation(WRITE, others))
    noticed = schema("Microsoft.ResourceNotifications.Resources.Deleted", others, {"resourceInfo": {"id": others}})

    assert why_ignored(done) == why_ignored(noticed) == f"'{others}' lies outside DR_SOURCE_SCOPE"


def test_a_classic_vm_is_named_too_since_somebody_may_have_tagged_it() -> None:
    classic = ResourceId.of(SUBSCRIPTION, "web", CLASSIC_VIRTUAL_MACHINE, "old-1")
    name = "Microsoft.ClassicCompute/virtualMachines/write"
    body = in_event_grid_schema("Microsoft.Resources.ResourceWriteSuccess", str(classic), operation(name))

    assert vm_of(decoded(body), SOURCE) == classic


@SCHEMAS
@pytest.mark.parametrize(
    "subject",
    [
        f"{VM_ID}/extensions/SiteRecovery-Linux",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web/providers/Microsoft.Compute/disks/web-1-os",
        str(VM_ID).replace("virtualMachines/web-1", "virtualMachineScaleSets/pool/virtualMachines/0"),
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web{TAGS}",
        f"/subscriptions/{SUBSCRIPTION}{TAGS}",
        f"/subscriptions/{SUBSCRIPTION}",
    ],
)
def test_a_write_to_anything_else_is_ignored(schema: Any, subject: str) -> None:
    tagged = schema("Microsoft.Resources.ResourceWriteSuccess", subject, operation("Microsoft.Resources/tags/write"))
    noticed = schema(
        "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated", subject, {"resourceInfo": {"id": subject}}
    )

    assert why_ignored(tagged).startswith("its resource is a ")
    assert why_ignored(noticed).startswith("its resource is a ")


@SCHEMAS
@pytest.mark.parametrize(
    "name",
    [
        "Microsoft.Compute/virtualMachines/extensions/write",
        "Microsoft.Compute/virtualMachines/deallocate/action",
        "Microsoft.Compute/virtualMachines/runCommand/action",
        "Microsoft.Compute/disks/write",
        "",
        None,
        7,
        ["Microsoft.Compute/virtualMachines/write"],
    ],
)
def test_an_operation_that_changes_no_vm_s_tags_or_power_is_ignored(schema: Any, name: Any) -> None:
    body = schema("Microsoft.Resources.ResourceWriteSuccess", str(VM_ID), operation(name))

    assert why_ignored(body).startswith("its operation is ")


@SCHEMAS
@pytest.mark.parametrize(
    "event_type",
    [
        "Microsoft.Resources.ResourceWriteFailure",
        "Microsoft.Resources.ResourceWriteCancel",
        "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged",
        "Microsoft.EventGrid.SubscriptionDeletedEvent",
        "",
        None,
        7,
        ["Microsoft.Resources.ResourceWriteSuccess"],
        {"a": 1},
    ],
)
def test_an_event_of_another_type_is_ignored(schema: Any, event_type: Any) -> None:
    assert why_ignored(schema(event_type, str(VM_ID), operation(WRITE))).startswith("its type is ")


@SCHEMAS
@pytest.mark.parametrize("subject", [None, "", 7, [str(VM_ID)], "web-1", f"{VM_ID}/..", "x" * 1_000_000])
def test_a_missing_or_malformed_subject_is_ignored(schema: Any, subject: Any) -> None:
    written = schema("Microsoft.Resources.ResourceWriteSuccess", subject, operation(WRITE))
    noticed = schema(
        "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated", str(VM_ID), {"resourceInfo": {"id": subject}}
    )

    for body in (written, noticed):
        assert len(why_ignored(body)) < 300


@SCHEMAS
@pytest.mark.parametrize("data", [None, "text", 7, [], [operation(WRITE)], {}, {"resourceInfo": str(VM_ID)}])
def test_data_of_another_shape_is_ignored(schema: Any, data: Any) -> None:
    why_ignored(schema("Microsoft.Resources.ResourceWriteSuccess", str(VM_ID), data))
    why_ignored(schema("Microsoft.ResourceNotifications.Resources.CreatedOrUpdated", str(VM_ID), data))


@SCHEMAS
@pytest.mark.parametrize("subject", [f"{VM_ID}\n2026-05-01 INFO all is well", "\x1b[2Jgone", f"{VM_ID}\r\nx"])
def test_the_reason_is_one_line_whatever_somebody_sent(schema: Any, subject: str) -> None:
    bodies = [
        schema("Microsoft.Resources.ResourceWriteSuccess", subject, operation(WRITE)),
        schema("Microsoft.Resources.ResourceWriteSuccess", str(VM_ID), operation(subject)),
        schema(subject, str(VM_ID), operation(WRITE)),
    ]

    for body in bodies:
        assert why_ignored(body).isprintable()


@SCHEMAS
def test_nothing_of_the_caller_s_claims_is_ever_reported(schema: Any) -> None:
    reported = [
        why_ignored(schema("Microsoft.Resources.ResourceWriteSuccess", "malformed", operation(WRITE))),
        why_ignored(schema("Microsoft.Resources.ResourceWriteSuccess", str(VM_ID), operation("other"))),
        why_ignored(schema("Other", str(VM_ID), operation(WRITE))),
        why_ignored(schema("Microsoft.ResourceNotifications.Resources.Deleted", str(VM_ID), operation(WRITE))),
    ]

    assert not any(claim in text for text in reported for claim in CLAIMS.values())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(str(VM_ID)) | st.just(WRITE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from([in_event_grid_schema, as_cloud_event]),
    json_values | st.just("Microsoft.Resources.ResourceWriteSuccess"),
    json_values,
    json_values | st.fixed_dictionaries({"operationName": json_values, "resourceInfo": json_values}),
)
def test_any_event_names_a_vm_or_is_ignored(schema: Any, event_type: Any, subject: Any, data: Any) -> None:
    with suppress(NotAboutAVmError):
        assert vm_of(decoded(schema(event_type, subject, data)), SOURCE) == VM_ID


def official(text: str) -> dict[str, Any]:
    """An official example with its placeholders filled in: it is of a storage account or an event hub."""
    named = text.replace("{subscription-id}", SUBSCRIPTION).replace(" /resourceGroups", "/resourceGroups")
    filled = named.replace("{subcription-id}", SUBSCRIPTION).replace("{", "\0")
    for placeholder in ("resource-group", "storage-name", "rg-name", "storageAccount-name", "namespace", "vm-name"):
        filled = filled.replace(f"\0{placeholder}}}", "x")
    body: dict[str, Any] = json.loads(filled.replace("\0", "{"))
    return body


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


EXAMPLES = sorted(OFFICIAL.rglob("*.json"))


@pytest.mark.skipif(not EXAMPLES, reason=f"the official examples are not in {OFFICIAL}")
def test_no_official_example_is_about_a_vm_and_each_is_ignored_with_its_reason() -> None:
    reasons = {path.relative_to(OFFICIAL): why_ignored(official(path.read_text())) for path in EXAMPLES}

    assert len(reasons) == 26
    for path, reason in reasons.items():
        kind = "type" if "Health" in path.name or "_cancel" in path.name or "_failure" in path.name else "operation"
        expected = "its resource is a " if path.name.startswith("Resources_") else f"its {kind} is "
        assert reason.startswith(expected), path


@pytest.mark.skipif(not EXAMPLES, reason=f"the official examples are not in {OFFICIAL}")
@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.name.startswith("Resources_") or "_success" in path.name]
)
def test_an_official_example_turned_to_a_vm_names_it(path: Path) -> None:
    body = official(path.read_text())
    body["subject"] = str(VM_ID)
    if "resourceInfo" in body["data"]:
        body["data"]["resourceInfo"]["id"] = str(VM_ID)
    else:
        verb = {"write": "write", "delete": "delete", "action": "start/action"}[path.stem.split("_")[1]]
        body["data"]["operationName"] = f"Microsoft.Compute/virtualMachines/{verb}"

    assert vm_of(decoded(body), SOURCE) == VM_ID


OBJECT_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def evidence(kind: str, principal: Any = OBJECT_ID) -> dict[str, Any]:
    return {"authorization": {"evidence": {"principalId": principal, "principalType": kind}}}


@pytest.mark.parametrize(
    ("data", "kind", "object_id"),
    [
        (evidence("ServicePrincipal"), CallerKind.APPLICATION, OBJECT_ID),
        (evidence("User") | {"claims": {**CLAIMS, OID: OBJECT_ID}}, CallerKind.USER, OBJECT_ID),
        ({"claims": {**CLAIMS, OID: OBJECT_ID}}, CallerKind.UNKNOWN, OBJECT_ID),
        ({"claims": CLAIMS}, CallerKind.UNKNOWN, ""),
        (evidence("User", SECRET), CallerKind.UNKNOWN, ""),
        (evidence("User", {"a": []}) | {"claims": [OBJECT_ID]}, CallerKind.UNKNOWN, ""),
        ({"authorization": "text"}, CallerKind.UNKNOWN, ""),
        ({"authorization": {"evidence": ["User"]}}, CallerKind.UNKNOWN, ""),
        ({}, CallerKind.UNKNOWN, ""),
    ],
)
def test_who_wrote_is_the_principal_of_the_event_and_nothing_else(
    data: dict[str, Any], kind: CallerKind, object_id: str
) -> None:
    event = decoded(in_event_grid_schema("Microsoft.Resources.ResourceWriteSuccess", str(VM_ID), data))
    assert caller_of_event(event) == Caller(kind=kind, via=Via.EVENT, id=object_id)

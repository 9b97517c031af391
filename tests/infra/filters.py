"""The filters of events.bicep, as Event Grid applies them: event types, then all advanced filters, in any case."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.infra.compiler import Json
from tests.infra.deployments import Infra

_VM = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/web/providers/{type}/web-1"
_COMPUTE = "Microsoft.Compute/virtualMachines"
_TAGS = "/providers/Microsoft.Resources/tags/default"
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringIn": lambda given, value: given == value,
    "StringContains": lambda given, value: value in given,
}


def filters(infra: Infra) -> dict[str, Json]:
    """By what is listened to: `operations`, `notifications`."""
    return {
        infra.cases[name].parameters.get("source", "operations"): subscription["properties"]["filter"]
        for name, subscription in infra.resources("Microsoft.EventGrid/systemTopics/eventSubscriptions", "events.bicep")
    }


def passes(wanted: Json, event: Json) -> bool:
    """Whether Event Grid would deliver the event."""
    types = {each.lower() for each in wanted["includedEventTypes"]}
    return event["eventType"].lower() in types and all(_holds(each, event) for each in wanted["advancedFilters"])


def check_filters(infra: Infra) -> list[str]:
    """Each event that says that a VM may have changed passes, and none of those that say something else."""
    wanted = filters(infra)
    unknown = {each["operatorType"] for one in wanted.values() for each in one["advancedFilters"]} - _OPERATORS.keys()
    if unknown:
        return [f"events.bicep: {operator} is no operator that is known here" for operator in sorted(unknown)]
    return [
        f"events.bicep: {'stopped' if is_wanted else 'let through'}: {event['eventType']} {event['subject']}"
        for source, event, is_wanted in examples()
        if passes(wanted[source], event) is not is_wanted
    ]


def examples() -> Iterator[tuple[str, Json, bool]]:
    """What is listened to, an event, and whether it is wanted."""
    vm = _VM.format(type=_COMPUTE)
    for verb, operation, subject in (
        ("Write", f"{_COMPUTE}/write", vm),
        ("Write", "microsoft.compute/virtualmachines/write", vm.lower()),
        ("Delete", f"{_COMPUTE}/delete", vm),
        ("Action", f"{_COMPUTE}/start/action", vm),
        ("Write", "Microsoft.Resources/tags/write", vm),
        ("Write", "Microsoft.Resources/tags/write", vm + _TAGS),
        ("Delete", "Microsoft.Resources/tags/delete", vm + _TAGS),
    ):
        yield "operations", operation_event(f"Resource{verb}Success", operation, subject), True
    for event_type, operation, subject in (
        ("ResourceWriteFailure", f"{_COMPUTE}/write", vm),
        ("ResourceWriteCancel", f"{_COMPUTE}/write", vm),
        ("ResourceWriteSuccess", f"{_COMPUTE}/extensions/write", f"{vm}/extensions/agent"),
        ("ResourceActionSuccess", f"{_COMPUTE}/deallocate/action", vm),
        ("ResourceActionSuccess", f"{_COMPUTE}/restart/action", vm),
        ("ResourceWriteSuccess", "Microsoft.Resources/tags/write", vm.partition("/providers")[0]),
        ("ResourceWriteSuccess", "Microsoft.Resources/tags/write", _VM.format(type="Microsoft.Network/x") + _TAGS),
        ("ResourceWriteSuccess", "Microsoft.Compute/disks/write", _VM.format(type="Microsoft.Compute/disks")),
        (
            "ResourceWriteSuccess",
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/write",
            _VM.format(type="Microsoft.Compute/virtualMachineScaleSets") + "/virtualMachines/0",
        ),
        ("ResourceWriteSuccess", "Microsoft.Storage/storageAccounts/write", _VM.format(type="Microsoft.Storage/x")),
    ):
        yield "operations", operation_event(event_type, operation, subject), False
    for event_type, resource_type, is_wanted in (
        ("CreatedOrUpdated", _COMPUTE, True),
        ("CreatedOrUpdated", _COMPUTE.lower(), True),
        ("Deleted", _COMPUTE, True),
        ("CreatedOrUpdated", f"{_COMPUTE}/extensions", False),
        ("CreatedOrUpdated", "Microsoft.Storage/storageAccounts", False),
        ("AvailabilityStatusChanged", _COMPUTE, False),
    ):
        yield "notifications", notification(event_type, resource_type), is_wanted


def operation_event(event_type: str, operation: str, subject: str) -> Json:
    data = {"operationName": operation, "resourceUri": subject}
    return {"eventType": f"Microsoft.Resources.{event_type}", "subject": subject, "data": data}


def notification(event_type: str, resource_type: str) -> Json:
    subject = _VM.format(type=resource_type)
    kind = "HealthResources" if event_type == "AvailabilityStatusChanged" else "Resources"
    return {
        "eventType": f"Microsoft.ResourceNotifications.{kind}.{event_type}",
        "subject": subject,
        "data": {"resourceInfo": {"id": subject, "type": resource_type}},
    }


def _holds(wanted: Json, event: Json) -> bool:
    given: Any = event
    for key in wanted["key"].split("."):
        given = given.get(key) if isinstance(given, dict) else None
    operator = _OPERATORS[wanted["operatorType"]]
    return isinstance(given, str) and any(operator(given.lower(), value.lower()) for value in wanted["values"])

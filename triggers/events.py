"""Event Grid events as hints: which VM may have changed? Nothing else in an event is trusted. Who wrote is
recorded as the event says it, and decides nothing.

Two sources, each in the Event Grid schema or as CloudEvents: the system topic of the subscription (operations on
resources) and Azure Resource Notifications (states of resources). An event that names no VM is dropped, not refused:
Event Grid would retry it for a day. CloudEvents need azure-functions 1.25. The library of the worker counts, not the
pin; so the annotations here are strings, which an older library need not resolve.
"""

from typing import Any

import azure.functions as func

from shared.model.caller import Caller, CallerKind, Via, as_object_id, object_id_in
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, VIRTUAL_MACHINE, ResourceId
from shared.model.scope import Scope

_OPERATIONS = {
    operation.lower()
    for operation in (
        "Microsoft.Compute/virtualMachines/write",
        "Microsoft.Compute/virtualMachines/delete",
        "Microsoft.Compute/virtualMachines/start/action",
        "Microsoft.ClassicCompute/virtualMachines/write",
        "Microsoft.Resources/tags/write",
        "Microsoft.Resources/tags/delete",
    )
}
_OPERATION_EVENTS = {
    "Microsoft.Resources.ResourceWriteSuccess",
    "Microsoft.Resources.ResourceDeleteSuccess",
    "Microsoft.Resources.ResourceActionSuccess",
}
_NOTIFICATIONS = {
    "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated",
    "Microsoft.ResourceNotifications.Resources.Deleted",
}
_KINDS = {"User": CallerKind.USER, "ServicePrincipal": CallerKind.APPLICATION}
# The suffix of the ID of a VM in an event of the Tags API; sometimes it is missing.
_TAGS = "/providers/microsoft.resources/tags/default"


class NotAboutAVmError(Exception):
    """The event names no VM of the source scope. The message says why, without secret or personal data."""


class CloudEventsNotSupportedError(Exception):
    """The azure-functions library of the worker is too old to read CloudEvents: such events are lost."""


def vm_of(event: "func.EventGridEvent | func.CloudEvent", source: Scope) -> ResourceId:
    """The VM of the source scope that an event is about. Raises NotAboutAVmError, or CloudEventsNotSupportedError."""
    event_type = event.event_type if isinstance(event, func.EventGridEvent) else event.type
    # An older library reads a CloudEvent as an Event Grid event without a type.
    if not event_type and "CloudEvent" not in vars(func):
        raise CloudEventsNotSupportedError(
            f"azure-functions {func.__version__} of this worker does not read CloudEvents, 1.25 or later does: "
            "subscribe with the Event Grid schema, or update it"
        )
    data = event.get_json()
    if not isinstance(data, dict):
        raise NotAboutAVmError("its data is not an object")
    if isinstance(event_type, str) and event_type in _OPERATION_EVENTS:
        vm = _of_operation(data, event.subject)
    elif isinstance(event_type, str) and event_type in _NOTIFICATIONS:
        vm = _of_notification(data)
    else:
        raise NotAboutAVmError(f"its type is {_quoted(event_type)}")
    if vm not in source:
        raise NotAboutAVmError(f"{_quoted(str(vm))} lies outside DR_SOURCE_SCOPE")
    return vm


def caller_of_event(event: "func.EventGridEvent | func.CloudEvent") -> Caller:
    """Who wrote to the VM, by the claims in the event: unknown if it has none, or malformed ones."""
    data = event.get_json()
    by = _part(_part(data, "authorization"), "evidence")
    found = object_id_in(_part(data, "claims").items()) or as_object_id(by.get("principalId"))
    kind = _KINDS.get(str(by.get("principalType")), CallerKind.UNKNOWN)
    return Caller(kind=kind if found else CallerKind.UNKNOWN, via=Via.EVENT, id=found)


def _part(data: Any, name: str) -> dict[str, Any]:
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _of_operation(data: dict[str, Any], subject: Any) -> ResourceId:
    operation = data.get("operationName")
    if not isinstance(operation, str) or operation.lower() not in _OPERATIONS:
        raise NotAboutAVmError(f"its operation is {_quoted(operation)}")
    return _vm(subject)


def _of_notification(data: dict[str, Any]) -> ResourceId:
    resource = data.get("resourceInfo")
    return _vm(resource.get("id") if isinstance(resource, dict) else None)


def _vm(text: Any) -> ResourceId:
    if not isinstance(text, str):
        raise NotAboutAVmError("it names no resource")
    if text.lower().endswith(_TAGS):
        text = text[: -len(_TAGS)]
    try:
        resource = ResourceId(text)
    except ValueError:
        raise NotAboutAVmError(f"its resource is {_quoted(text)}") from None
    if not (resource.is_type(VIRTUAL_MACHINE) or resource.is_type(CLASSIC_VIRTUAL_MACHINE)):
        raise NotAboutAVmError(f"its resource is a {resource.type or 'scope'}")
    return resource


def _quoted(text: Any) -> str:
    """The text quoted and shortened for one line of a log: it is untrusted."""
    return repr(text if isinstance(text, str) else type(text).__name__)[:200]

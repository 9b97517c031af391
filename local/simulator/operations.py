"""Long-running operations of the providers other than Site Recovery.

Network and compute return a body at once and are polled by Azure-AsyncOperation; the storage provider returns 202
without a body and is polled by Location only.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable

from local.simulator.errors import ArmError
from local.simulator.routing import Routes
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import Operation, World

routes = Routes("any")


def _signature() -> str:
    """Poll URLs have been signed since 2023: about 3 KB of certificate in the query. Clients must not change them."""
    blob = b"".join(hashlib.sha512(f"certificate {index}".encode()).digest() for index in range(31))
    certificate = base64.urlsafe_b64encode(blob).decode().rstrip("=")
    signature = base64.urlsafe_b64encode(hashlib.sha512(b"signature").digest()).decode().rstrip("=")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"headers").digest()).decode().rstrip("=")
    return f"&t=638290000000000000&c={certificate}&s={signature}&h={digest}"


SIGNATURE = _signature()


def begin(
    world: World,
    call: Call,
    provider: str,
    seconds: float,
    *,
    done: Callable[[float], None],
    result: Callable[[], Json | None] = lambda: None,
    retry_after: float = 10,
    error: Json | None = None,
) -> Operation:
    """Starts an operation. `done` runs when it succeeds; with an `error` or a fail-operation fault it fails instead."""
    now = world.clock.now()
    if call.doomed is not None:
        error = {
            "code": call.doomed.get("code", "InternalServerError"),
            "message": call.doomed.get("message", "An internal error occurred."),
        }
    ends = now + seconds * world.pace(call.method, call.path)
    operation = Operation(str(uuid.uuid4()), provider, now, ends, retry_after, error, result)
    world.operations[operation.id] = operation

    def finish(moment: float) -> None:
        done(moment)
        world.changed(call.path)

    if error is None:
        world.clock.at(operation.ends, finish)
    return operation


def async_headers(world: World, call: Call, operation: Operation, location: str) -> dict[str, str]:
    url = (
        f"{call.base_url}/subscriptions/{call['subscription']}/providers/{operation.provider}/locations/{location}"
        f"/operations/{operation.id}?api-version={call.api_version}{SIGNATURE}"
    )
    return {
        "Azure-AsyncOperation": url,
        "Azure-AsyncNotification": "Enabled",
        **world.clock.retry_headers(operation.retry_after),
    }


def location_headers(world: World, call: Call, operation: Operation, location: str) -> dict[str, str]:
    url = (
        f"{call.base_url}/subscriptions/{call['subscription']}/providers/{operation.provider}/locations/{location}"
        f"/asyncoperations/{operation.id}?monitor=true&api-version={call.api_version}{SIGNATURE}"
    )
    return {"Location": url, **world.clock.retry_headers(operation.retry_after)}


def _runs(world: World, operation: Operation) -> bool:
    return world.clock.now() < operation.ends


def _find(world: World, call: Call) -> Operation:
    operation = world.operations.get(call["operation"].lower())
    if operation is None:
        raise ArmError(404, "OperationNotFound", f"The operation '{call['operation']}' could not be found.")
    return operation


@routes.route("GET", "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/operations/{operation}")
def status(world: World, call: Call) -> Answer:
    operation = _find(world, call)
    if _runs(world, operation):
        body: Json = {"status": "InProgress"}
    elif operation.error:
        body = {"status": "Failed", "error": operation.error}
    else:
        body = {"status": "Succeeded"}
    if operation.provider == "Microsoft.Compute":
        body |= {"startTime": world.clock.stamp(operation.started), "name": operation.id}
        if not _runs(world, operation):
            body["endTime"] = world.clock.stamp(operation.ends)
    headers = world.clock.retry_headers(operation.retry_after) if _runs(world, operation) else {}
    return Answer(200, body, headers)


@routes.route(
    "GET", "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/asyncoperations/{operation}"
)
def monitor(world: World, call: Call) -> Answer:
    operation = _find(world, call)
    if _runs(world, operation):
        location = f"{call.base_url}{call.path}?" + "&".join(f"{name}={value}" for name, value in call.query.items())
        return Answer(202, None, {"Location": location, **world.clock.retry_headers(operation.retry_after)})
    if operation.error:
        raise ArmError(409, operation.error["code"], operation.error["message"])
    body = operation.result()
    return Answer(200 if body is not None else 204, body)

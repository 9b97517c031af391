"""Long-running operations of the providers other than Site Recovery.

Network and compute answer a body at once and are followed by Azure-AsyncOperation; the storage provider answers 202
without a body and is followed by Location alone.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from local.simulator.errors import ArmError
from local.simulator.routing import Routes
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("any")


@dataclass(slots=True)
class Operation:
    id: str
    provider: str
    started: float
    ends: float
    retry_after: float
    error: Json | None
    result: Callable[[], Json | None]

    def running(self, world: World) -> bool:
        return world.clock.now() < self.ends


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
    """Starts one. `done` runs when it ends well; with an `error`, or by a fail-operation fault, it ends without."""
    now = world.clock.now()
    if call.doomed is not None:
        error = {
            "code": call.doomed.get("code", "InternalServerError"),
            "message": call.doomed.get("message", "An internal error occurred."),
        }
    operation = Operation(str(uuid.uuid4()), provider, now, now + seconds, retry_after, error, result)
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
        f"/operations/{operation.id}?api-version={call.api_version}{world.signature}"
    )
    return {
        "Azure-AsyncOperation": url,
        "Azure-AsyncNotification": "Enabled",
        **world.clock.retry_headers(operation.retry_after),
    }


def location_headers(world: World, call: Call, operation: Operation, location: str) -> dict[str, str]:
    url = (
        f"{call.base_url}/subscriptions/{call['subscription']}/providers/{operation.provider}/locations/{location}"
        f"/asyncoperations/{operation.id}?monitor=true&api-version={call.api_version}{world.signature}"
    )
    return {"Location": url, **world.clock.retry_headers(operation.retry_after)}


def _find(world: World, call: Call) -> Operation:
    operation = world.operations.get(call["operation"].lower())
    if operation is None:
        raise ArmError(404, "OperationNotFound", f"The operation '{call['operation']}' could not be found.")
    return operation


@routes.route("GET", "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/operations/{operation}")
def status(world: World, call: Call) -> Answer:
    operation = _find(world, call)
    if operation.running(world):
        body: Json = {"status": "InProgress"}
    elif operation.error:
        body = {"status": "Failed", "error": operation.error}
    else:
        body = {"status": "Succeeded"}
    if operation.provider == "Microsoft.Compute":
        body |= {"startTime": world.clock.stamp(operation.started), "name": operation.id}
        if not operation.running(world):
            body["endTime"] = world.clock.stamp(operation.ends)
    headers = world.clock.retry_headers(operation.retry_after) if operation.running(world) else {}
    return Answer(200, body, headers)


@routes.route(
    "GET", "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/asyncoperations/{operation}"
)
def monitor(world: World, call: Call) -> Answer:
    operation = _find(world, call)
    if operation.running(world):
        location = f"{call.base_url}{call.path}?" + "&".join(f"{name}={value}" for name, value in call.query.items())
        return Answer(202, None, {"Location": location, **world.clock.retry_headers(operation.retry_after)})
    if operation.error:
        raise ArmError(409, operation.error["code"], operation.error["message"])
    body = operation.result()
    return Answer(200 if body is not None else 204, body)

"""The Tags API: reads and writes the tags of any scope without a call to the resource's provider."""

from local.simulator import checks, errors, ids
from local.simulator.errors import ArmError
from local.simulator.routing import Routes
from local.simulator.store import Resource, ResourceGroup, Subscription
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("resources")
_TAGS = "{scope}/providers/Microsoft.Resources/tags/default"
_MOST = 50


@routes.route("GET", _TAGS)
def get(world: World, call: Call) -> Answer:
    return Answer(200, _body(call["scope"], _read(_target(world, call["scope"]))))


@routes.route("PUT PATCH", _TAGS)
def write(world: World, call: Call) -> Answer:
    target = _target(world, call["scope"])
    body = checks.body(call)
    given = checks.strings(body, "properties.tags") or {}
    operation = "Replace"
    if call.method == "PATCH":
        operation = checks.get(body, "operation", str, required=True)
    tags = apply(operation, _read(target), given)
    _store(world, target, tags)
    _announce(world, call, "write")
    return Answer(200, _body(call["scope"], tags))


@routes.route("DELETE", _TAGS)
def delete(world: World, call: Call) -> Answer:
    target = _target(world, call["scope"])
    _store(world, target, {})
    _announce(world, call, "delete")
    return Answer(200)


def apply(operation: str, tags: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """Merge, Replace or Delete. Names are compared without case. Raises ArmError 400."""
    if operation == "Replace":
        result = dict(given)
    elif operation == "Merge":
        names = {name.lower() for name in given}
        result = {name: value for name, value in tags.items() if name.lower() not in names} | given
    elif operation == "Delete":
        doomed = {(name.lower(), value) for name, value in given.items()}
        result = {name: value for name, value in tags.items() if (name.lower(), value) not in doomed}
    else:
        raise errors.invalid_content(f"operation must be Merge, Replace or Delete, not '{operation}'")
    check(result)
    return result


def check(tags: dict[str, str]) -> None:
    """The limits of azure-docs, tag-resources. Raises ArmError 400."""
    if len(tags) > _MOST:
        raise ArmError(400, "ExceededMaxTagCount", f"The number of tags cannot exceed {_MOST}.")
    for name, value in tags.items():
        if not name or len(name) > 512 or any(character in "<>%&\\?/" for character in name):
            raise ArmError(400, "InvalidTagName", f"The tag name '{name}' is invalid.")
        if len(value) > 256:
            raise ArmError(400, "InvalidTagValue", f"The value of the tag '{name}' exceeds 256 characters.")


_Target = Resource | ResourceGroup | Subscription


def _target(world: World, scope: str) -> _Target:
    parts = scope.strip("/").split("/")
    found: _Target | None
    if len(parts) == 2:
        found = world.store.subscription(parts[1])
    elif len(parts) == 4:
        found = world.store.group(scope)
    else:
        found = world.store.get(scope)
    if found is not None:
        return found
    parsed = ids.parse(scope)
    if parsed is None:
        raise ArmError(404, "MissingSubscription", f"The scope '{scope}' could not be found.")
    raise errors.resource_not_found(parsed.type, parsed.name, parsed.group)


def _read(target: _Target) -> dict[str, str]:
    return dict(target.tags or {})


def _store(world: World, target: _Target, tags: dict[str, str]) -> None:
    if isinstance(target, Resource):
        target.body["tags"] = tags
        world.store.add(target)
    else:
        target.tags = tags


def _announce(world: World, call: Call, verb: str) -> None:
    scope = call["scope"]
    world.events.tags(scope, world.store.get(scope), verb, world.store.tenant_id, call.claims)


def _body(scope: str, tags: dict[str, str]) -> Json:
    return {
        "id": f"{scope}/providers/Microsoft.Resources/tags/default",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": tags},
    }

"""Changes that no Azure request makes: a resource moved at once, an item or a job shown in a state on demand, how
test failovers go."""

from typing import Any

from local.simulator import ids
from local.simulator.json_path import edits
from local.simulator.recovery import item_view, job_view
from local.simulator.vault.condition import TestOutcome
from local.simulator.wire import Json
from local.simulator.world import World

_OVERRIDDEN = (item_view.TYPE.lower(), job_view.TYPE.lower())


def move(world: World, raw: Any) -> str:
    """Moves the resource of `{"id", "resourceGroup"}`, both IDs, and returns its new ID. Raises ValueError."""
    given = _object(raw, ("id", "resourceGroup"))
    resource, group = world.store.get(str(given.get("id"))), world.store.group(str(given.get("resourceGroup")))
    parsed = ids.parse(resource.id) if resource else None
    if resource is None or parsed is None or group is None:
        raise ValueError(f"id must be a resource that exists, and resourceGroup the ID of a group: {given}")
    new_id = f"{group.id}/providers/{parsed.text.split('/providers/', 1)[1]}"
    if world.store.get(new_id) is not None:
        raise ValueError(f"{new_id} exists already")
    world.store.move(resource, new_id)
    return new_id


def override(world: World, raw: Any) -> None:
    """`{"id", "set", "delete"}`: how an item or a job looks from now on. Raises ValueError."""
    given = _object(raw, ("id", "set", "delete"))
    parsed = ids.parse(str(given.get("id")))
    if parsed is None or parsed.type.lower() not in _OVERRIDDEN:
        raise ValueError("id must be the ID of a replicated item or of a job")
    world.overrides[ids.key(parsed.text)] = edits(given.get("set", {}), given.get("delete", []))
    world.changed(parsed.text)


def test_outcome(world: World, raw: Any) -> None:
    """`{"id", "boot", "cleanup", "slow", "points", "diagnostics"}`: how test failovers of an item go from now on; the
    ID is its own or its VM's. Raises ValueError."""
    given = _object(raw, ("id", "boot", "cleanup", "slow", "points", "diagnostics"))
    of = ids.key(str(given.pop("id", "")))
    items = [
        item
        for vault in world.recovery.values()
        for item in vault.items()
        if of in (ids.key(item.id), ids.key(item.vm_id))
    ]
    outcome = TestOutcome.parse(given)
    if not items:
        raise ValueError("id must be the ID of a replicated item, or of its VM")
    for item in items:
        item.test_outcome = outcome


def _object(raw: Any, names: tuple[str, ...]) -> Json:
    if not isinstance(raw, dict) or set(raw) - set(names):
        raise ValueError(f"the body must be an object of {', '.join(names)}")
    return raw

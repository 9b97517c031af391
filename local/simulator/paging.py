"""What a list shows, page by page."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from local.simulator import ids
from local.simulator.store import Resource
from local.simulator.wire import Call, Json
from local.simulator.world import World

T = TypeVar("T")


def listed(world: World, call: Call, kind: str) -> list[Resource]:
    """The resources of one type in the resource group of the path, or else in its subscription."""
    if "group" in call.params:
        return world.store.under(ids.group_id(call["subscription"], call["group"]), kind)
    return world.store.of_type(call["subscription"], kind)


def page(world: World, call: Call, values: Sequence[T], show: Callable[[T], Any] = lambda value: value) -> Json:
    """A page of a list, with its nextLink; only what is on it is shown. The form of the skip token is invented.

    As in Azure, a list leaves out what the caller may not read, and does not say so.
    """
    size = world.behaviour.page_size
    values = [value for value in values if world.access.can_be_seen(_id(value))]
    start = int(call.query.get("$skiptoken", call.query.get("skipToken", "0")) or 0)
    body: Json = {"value": [show(value) for value in values[start : start + size]]}
    if start + size < len(values):
        query = {**call.query, "$skiptoken": str(start + size)}
        link = "&".join(f"{name}={value}" for name, value in query.items())
        body["nextLink"] = f"{call.base_url}{call.path}?{link}".replace(" ", "%20")
    return body


def _id(value: Any) -> str:
    return str(value.get("id", "") if isinstance(value, dict) else getattr(value, "id", ""))

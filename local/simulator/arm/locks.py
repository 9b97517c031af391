"""Management locks, which are checked at every write, and resource links. Estates and Site Recovery create them."""

from local.simulator import errors, ids
from local.simulator.errors import ArmError
from local.simulator.paging import page
from local.simulator.routing import Routes
from local.simulator.store import Resource
from local.simulator.wire import Answer, Call
from local.simulator.world import World

routes = Routes("locks")
LOCK = "Microsoft.Authorization/locks"
LINK = "Microsoft.Resources/links"


def locks_over(world: World, scope: str) -> list[Resource]:
    """The locks that apply to a scope: its own, its resource group's and its subscription's."""
    parts = scope.strip("/").split("/")
    ends = [2, 4, *range(8, len(parts) + 1, 2)]
    scopes = ["/" + "/".join(parts[:end]) for end in ends if end <= len(parts)]
    return [lock for each in scopes for lock in world.store.under(each, LOCK)]


def locks_inside(world: World, scope: str) -> list[Resource]:
    """The locks at a scope and below."""
    inside = ids.key(scope) + "/"
    listed = world.store.of_type("".join(scope.strip("/").split("/")[1:2]), LOCK)
    return [lock for lock in listed if ids.key(lock.id).startswith(inside)]


def check(world: World, method: str, path: str) -> None:
    """Raises ArmError 409: a ReadOnly lock blocks every write, POST too; a CanNotDelete lock blocks DELETE."""
    verb = "delete" if method == "DELETE" else "write"
    stopping = [lock for lock in locks_over(world, path) if verb == "delete" or lock.properties["level"] == "ReadOnly"]
    if stopping:
        raise errors.scope_locked(path, verb, [lock.id.rsplit("/providers/", 1)[0] for lock in stopping])


@routes.route("GET", "{scope}/providers/Microsoft.Authorization/locks")
def list_locks(world: World, call: Call) -> Answer:
    """Locks at the scope and below; `$filter=atScope()` returns those at the scope and above."""
    at_scope = call.query.get("$filter", "").lower() == "atscope()"
    found = (locks_over if at_scope else locks_inside)(world, call["scope"])
    return Answer(200, page(world, call, [lock.body for lock in found]))


@routes.route("GET", "{scope}/providers/Microsoft.Authorization/locks/{lock}")
def get_lock(world: World, call: Call) -> Answer:
    found = world.store.get(call.path)
    if found is None:
        raise ArmError(404, "LockNotFound", f"The lock '{call['lock']}' could not be found.")
    return Answer(200, found.body)


@routes.route("GET", "{scope}/providers/Microsoft.Resources/links", api="links")
def list_links(world: World, call: Call) -> Answer:
    """The links of a resource, or all links in a subscription."""
    parts = call["scope"].strip("/").split("/")
    found = world.store.of_type(parts[1], LINK) if len(parts) == 2 else world.store.under(call["scope"], LINK)
    return Answer(200, page(world, call, [link.body for link in found]))


@routes.route("GET", "{scope}/providers/Microsoft.Resources/links/{link}", api="links")
def get_link(world: World, call: Call) -> Answer:
    found = world.store.get(call.path)
    if found is None:
        raise ArmError(404, "ResourceLinkNotFound", f"The resource link '{call['link']}' could not be found.")
    return Answer(200, found.body)


@routes.route("DELETE", "{scope}/providers/Microsoft.Resources/links/{link}", api="links")
def delete_link(world: World, call: Call) -> Answer:
    if world.store.get(call.path) is None:
        return Answer(204)
    world.store.remove(call.path)
    return Answer(200)


def link(vm_id: str, name: str, target: str) -> Resource:
    link_id = f"{vm_id}/providers/{LINK}/{name}"
    properties = {"sourceId": vm_id, "targetId": target}
    return Resource(link_id, LINK, {"id": link_id, "name": name, "type": LINK, "properties": properties})


def lock(lock_id: str, level: str, notes: str) -> Resource:
    name = ids.last_segment(lock_id)
    properties = {"level": level, "notes": notes}
    return Resource(lock_id, LOCK, {"id": lock_id, "name": name, "type": LOCK, "properties": properties})

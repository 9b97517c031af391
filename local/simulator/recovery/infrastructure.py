"""Fabrics and protection containers."""

from local.simulator import checks, latencies, regions
from local.simulator.ids import stable_guid
from local.simulator.recovery import errors, jobs, lists, scope, views
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import Container, Fabric, RecoveryVault
from local.simulator.wire import Answer, Call
from local.simulator.world import World

routes = Routes("site-recovery")


@routes.route("GET", scope.VAULT + "/replicationFabrics")
def list_fabrics(world: World, call: Call) -> Answer:
    found = scope.vault(world, call).fabrics.values()
    return lists.listed(world, call, [views.fabric(each) for each in found if scope.visible(world, each.ready)])


@routes.route("GET", scope.FABRIC)
def get_fabric(world: World, call: Call) -> Answer:
    return views.answer(views.fabric(scope.fabric(world, call)))


@routes.route("PUT", scope.FABRIC)
def put_fabric(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    name = scope.check_name(call["fabric"])
    body = checks.body(call)
    scope.a2a(checks.get(body, "properties.customDetails.instanceType", str, required=True), "Azure")
    location = checks.get(body, "properties.customDetails.location", str, required=True)
    location = regions.check(location, "Microsoft.RecoveryServices/vaults/replicationFabrics")
    fabric, failure = _fabric_to_make(world, vault, name, location)
    vault.registered = True
    created = failure is None and name.lower() not in vault.fabrics
    if created:
        vault.fabrics[name.lower()] = fabric

    def failed(_moment: float) -> None:
        if created and not fabric.ready:
            vault.fabrics.pop(name.lower(), None)

    _, answer = jobs.start(
        world,
        call,
        vault,
        "CreateSite",
        resource=fabric.id,
        target=(stable_guid("fabric", fabric.id), name),
        seconds=latencies.FABRIC,
        done=lambda _moment: scope.ready(fabric),
        failed=failed,
        result=lambda: views.fabric(fabric),
        failure=failure,
    )
    return answer


def _fabric_to_make(world: World, vault: RecoveryVault, name: str, location: str) -> tuple[Fabric, Failure | None]:
    """A vault holds one fabric per region. No source has the error for a second: behaviour secondFabric chooses."""
    old = vault.fabrics.get(name.lower())
    twin = next((each for each in vault.fabrics.values() if each.location == location and each is not old), None)
    if old is not None and old.location == location:
        if not old.ready and world.behaviour.repeated_write == "conflict":
            raise errors.conflict(f"Another operation is in progress on '{name}'.")
        return old, None
    if old is not None:
        message = f"The fabric '{name}' already exists for the location '{old.location}'."
        raise errors.conflict(message, "FabricAlreadyExists")
    if twin is None:
        return Fabric(vault, name, location), None
    message = f"A fabric for the location '{location}' already exists in the vault: '{twin.name}'."
    if world.behaviour.second_fabric == "conflict":
        raise errors.conflict(message, "FabricAlreadyExists")
    failure = Failure("FabricAlreadyExists", message, "The vault has one.", "Use the existing fabric.", after=3.0)
    return Fabric(vault, name, location), failure


@routes.route("DELETE", scope.FABRIC)
@routes.route("POST", scope.FABRIC + "/remove")
def remove_fabric(world: World, call: Call) -> Answer:
    """Fails while the fabric has containers, by the order of the recorded teardown. The error is invented."""
    vault = scope.vault(world, call)
    fabric = vault.fabrics.get(call["fabric"].lower())
    if fabric is None:
        return Answer(204)
    failure = in_use("fabric", fabric.name, "protection containers", bool(fabric.containers))
    _, answer = jobs.start(
        world,
        call,
        vault,
        "DeleteSite",
        resource=fabric.id,
        target=(stable_guid("fabric", fabric.id), fabric.name),
        seconds=latencies.REMOVE_FABRIC,
        done=lambda _moment: scope.drop(vault.fabrics, fabric.name),
        failure=failure,
    )
    return answer


@routes.route(
    "GET", scope.VAULT + "/replicationProtectionContainers", scope.FABRIC + "/replicationProtectionContainers"
)
def list_containers(world: World, call: Call) -> Answer:
    if "fabric" in call.params:
        found = list(scope.fabric(world, call).containers.values())
    else:
        found = list(scope.vault(world, call).containers())
    return lists.listed(world, call, [views.container(each) for each in found if scope.visible(world, each.ready)])


@routes.route("GET", scope.CONTAINER)
def get_container(world: World, call: Call) -> Answer:
    return views.answer(views.container(scope.container(world, call)))


@routes.route("PUT", scope.CONTAINER)
def put_container(world: World, call: Call) -> Answer:
    fabric = scope.fabric(world, call, ready=True)
    name = scope.check_name(call["container"])
    inputs = checks.get(checks.body(call), "properties.providerSpecificInput", list, required=True)
    for each in inputs:
        scope.a2a(checks.get(each, "instanceType", str, required=True))
    container = fabric.containers.setdefault(name.lower(), Container(fabric, name))
    _, answer = jobs.start(
        world,
        call,
        fabric.vault,
        "CreateCloud",
        resource=container.id,
        target=(stable_guid("container", container.id), name),
        seconds=latencies.CONTAINER,
        done=lambda _moment: scope.ready(container),
        failed=lambda _moment: None if container.ready else scope.drop(fabric.containers, name),
        result=lambda: views.container(container),
    )
    return answer


@routes.route("DELETE", scope.CONTAINER)
@routes.route("POST", scope.CONTAINER + "/remove")
def remove_container(world: World, call: Call) -> Answer:
    fabric = scope.fabric(world, call)
    container = fabric.containers.get(call["container"].lower())
    if container is None:
        return Answer(204)
    targeted = any(mapping.target is container for mapping in fabric.vault.container_mappings())
    used = bool(container.items or container.mappings) or targeted
    _, answer = jobs.start(
        world,
        call,
        fabric.vault,
        "DeleteCloud",
        resource=container.id,
        target=(stable_guid("container", container.id), container.name),
        seconds=latencies.REMOVE_CONTAINER,
        done=lambda _moment: scope.drop(fabric.containers, container.name),
        failure=in_use("protection container", container.name, "mappings or replicated items", used),
    )
    return answer


def in_use(kind: str, name: str, by: str, used: bool) -> Failure | None:
    """The failure for an object that is not empty. The code is invented, the order of deletion is documented."""
    if not used:
        return None
    message = f"The {kind} '{name}' cannot be removed because it still has {by}."
    return Failure("ObjectInUse", message, f"There are {by}.", f"Remove its {by} first.")

"""Network mappings: the target network of each source network."""

from local.simulator import checks, ids, latencies
from local.simulator.ids import key, stable_guid
from local.simulator.recovery import errors, jobs, lists, scope, views
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import Fabric, NetworkMapping
from local.simulator.wire import Answer, Call
from local.simulator.world import World

routes = Routes("site-recovery")
_NETWORKS = scope.FABRIC + "/replicationNetworks/{network}/replicationNetworkMappings"


@routes.route("GET", scope.VAULT + "/replicationNetworkMappings", _NETWORKS)
def list_network_mappings(world: World, call: Call) -> Answer:
    if "fabric" in call.params:
        found = list(scope.fabric(world, call).network_mappings.values())
    else:
        found = list(scope.vault(world, call).network_mappings())
    return lists.listed(
        world, call, [views.network_mapping(each) for each in found if scope.visible(world, each.ready)]
    )


@routes.route("GET", _NETWORKS + "/{mapping}")
def get_network_mapping(world: World, call: Call) -> Answer:
    found = scope.fabric(world, call).network_mappings.get(call["mapping"].lower())
    if found is None or not scope.visible(world, found.ready):
        raise errors.missing(call["mapping"])
    return views.answer(views.network_mapping(found))


@routes.route("PUT", _NETWORKS + "/{mapping}")
def put_network_mapping(world: World, call: Call) -> Answer:
    fabric = scope.fabric(world, call, ready=True)
    if call["network"].lower() != "azurenetwork":
        # Azure fabrics have this one pseudo network; the answer for another name is invented.
        raise errors.missing(call["network"])
    name = scope.check_name(call["mapping"])
    body = checks.body(call)
    details = "properties.fabricSpecificDetails"
    scope.a2a(checks.get(body, f"{details}.instanceType", str, required=True), "AzureToAzure")
    primary = checks.get(body, f"{details}.primaryNetworkId", str, required=True)
    recovery = checks.get(body, "properties.recoveryNetworkId", str, required=True)
    recovery_name = checks.get(body, "properties.recoveryFabricName", str, required=True)
    recovery_fabric = fabric.vault.fabrics.get(recovery_name.lower())
    if recovery_fabric is None or not recovery_fabric.ready:
        raise errors.fabric_missing(recovery_name)
    failure = _network_failure(world, fabric, recovery_fabric, primary, recovery, name)
    old = fabric.network_mappings.get(name.lower())
    mapping = old or NetworkMapping(fabric, name, recovery_fabric, primary, recovery)
    if failure is None:
        fabric.network_mappings[name.lower()] = mapping

    def done(_moment: float) -> None:
        mapping.recovery_fabric, mapping.primary_network, mapping.recovery_network = recovery_fabric, primary, recovery
        mapping.ready = True

    _, answer = jobs.start(
        world,
        call,
        fabric.vault,
        "NetworkPairing",
        resource=mapping.id,
        target=(stable_guid("network", primary), ids.last_segment(primary)),
        seconds=latencies.NETWORK_MAPPING,
        done=done,
        failed=lambda _moment: None if mapping.ready else scope.drop(fabric.network_mappings, mapping.name),
        result=lambda: views.network_mapping(mapping),
        failure=failure,
    )
    return answer


def _network_failure(
    world: World, fabric: Fabric, recovery_fabric: Fabric, primary: str, recovery: str, name: str
) -> Failure | None:
    """Codes invented; a network has one mapping per recovery fabric, and lies in its fabric's region."""
    for network_id, place in ((primary, fabric), (recovery, recovery_fabric)):
        network = world.store.get(network_id)
        if network is None:
            return Failure("NetworkNotFound", f"The virtual network '{network_id}' could not be found.", after=1.0)
        if network.location != place.location:
            message = f"The virtual network '{network.name}' is in '{network.location}', not in '{place.location}'."
            return Failure("NetworkLocationMismatch", message, after=1.0)
    for other in fabric.network_mappings.values():
        if (
            key(other.primary_network) == key(primary)
            and other.recovery_fabric is recovery_fabric
            and other.name.lower() != name.lower()
        ):
            message = f"The virtual network is already mapped to that location: '{other.name}'."
            return Failure("NetworkMappingAlreadyExists", message, "", "Use the existing mapping.", after=1.0)
    return None


@routes.route("DELETE", _NETWORKS + "/{mapping}")
def delete_network_mapping(world: World, call: Call) -> Answer:
    fabric = scope.fabric(world, call)
    mapping = fabric.network_mappings.get(call["mapping"].lower())
    if mapping is None:
        return Answer(204)
    _, answer = jobs.start(
        world,
        call,
        fabric.vault,
        "NetworkUnpairing",
        resource=mapping.id,
        target=(stable_guid("network", mapping.primary_network), ids.last_segment(mapping.primary_network)),
        seconds=latencies.REMOVE_NETWORK_MAPPING,
        done=lambda _moment: scope.drop(fabric.network_mappings, mapping.name),
    )
    return answer

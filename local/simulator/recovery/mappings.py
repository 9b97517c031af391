"""Protection container mappings and network mappings: what may be replicated where."""

from local.simulator import checks, ids, latencies
from local.simulator.ids import key, stable_guid
from local.simulator.recovery import errors, jobs, scope, views
from local.simulator.recovery.errors import Failure
from local.simulator.recovery.model import (
    Container,
    ContainerMapping,
    Fabric,
    NetworkMapping,
    Policy,
)
from local.simulator.routing import Routes
from local.simulator.store import Resource
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_MAPPING = scope.CONTAINER + "/replicationProtectionContainerMappings"
_NETWORKS = scope.FABRIC + "/replicationNetworks/{network}/replicationNetworkMappings"
_AGENT = ("agentAutoUpdateStatus", "automationAccountArmId", "automationAccountAuthenticationType")


@routes.route("GET", scope.VAULT + "/replicationProtectionContainerMappings", _MAPPING)
def list_container_mappings(world: World, call: Call) -> Answer:
    if "container" in call.params:
        found = list(scope.container(world, call).mappings.values())
    else:
        found = list(scope.vault(world, call).container_mappings())
    shown = [views.container_mapping(each) for each in found if scope.visible(world, each.ready)]
    return views.listed(world, call, shown)


@routes.route("GET", _MAPPING + "/{mapping}")
def get_container_mapping(world: World, call: Call) -> Answer:
    return views.answer(views.container_mapping(_container_mapping(world, call)))


def _container_mapping(world: World, call: Call) -> ContainerMapping:
    found = scope.container(world, call).mappings.get(call["mapping"].lower())
    if found is None or not scope.visible(world, found.ready):
        raise errors.missing(call["mapping"])
    return found


@routes.route("PUT", _MAPPING + "/{mapping}")
def put_container_mapping(world: World, call: Call) -> Answer:
    container = scope.container(world, call, ready=True)
    vault = container.vault
    name = scope.check_name(call["mapping"])
    body = checks.body(call)
    target_id = checks.get(body, "properties.targetProtectionContainerId", str, required=True)
    policy_id = checks.get(body, "properties.policyId", str, required=True)
    provider = checks.get(body, "properties.providerSpecificInput", dict, required=True)
    agent = _agent(provider)
    target = vault.container_by_id(target_id)
    policy = vault.policy_by_id(policy_id)
    if target is None or not target.ready:
        raise errors.missing(ids.last_segment(target_id))
    if policy is None or not policy.ready:
        raise errors.missing(ids.last_segment(policy_id))
    failure = _mapping_failure(world, container, target, policy, name, agent)
    mapping = container.mappings.get(name.lower()) or ContainerMapping(container, name, target, policy, agent)
    if failure is None:
        container.mappings[name.lower()] = mapping
    _, answer = jobs.start(
        world,
        call,
        vault,
        "AssociateProtectionProfile",
        resource=mapping.id,
        target=(stable_guid("policy", policy.id), policy.name),
        seconds=latencies.CONTAINER_MAPPING,
        done=lambda _moment: _ready(mapping),
        failed=lambda _moment: None if mapping.ready else _drop(container, mapping),
        result=lambda: views.container_mapping(mapping),
        failure=failure,
    )
    return answer


def _agent(provider: Json) -> Json:
    scope.a2a(checks.get(provider, "instanceType", str, required=True))
    status = checks.get(provider, "agentAutoUpdateStatus", str)
    if status not in ("Enabled", "Disabled", None):
        raise errors.bad_request(f"agentAutoUpdateStatus must be Enabled or Disabled, not '{status}'.")
    return {name: provider[name] for name in _AGENT if provider.get(name) is not None}


def _mapping_failure(
    world: World, container: Container, target: Container, policy: Policy, name: str, agent: Json
) -> Failure | None:
    """Codes invented. One mapping per source, target and policy; a container does not map to itself."""
    if target is container:
        return Failure("MappingInvalid", "A protection container cannot be mapped to itself.", after=3.0)
    for other in container.mappings.values():
        same = other.target is target and other.policy is policy
        if same and other.name.lower() != name.lower():
            message = f"The protection containers are already mapped with this policy: '{other.name}'."
            return Failure("MappingAlreadyExists", message, "", "Use the existing mapping.", after=3.0)
        if other.name.lower() == name.lower() and not same:
            message = f"The mapping '{name}' exists for other containers or another policy."
            return Failure("MappingAlreadyExists", message, "", "Use another name.", after=3.0)
    account = agent.get("automationAccountArmId")
    if agent.get("agentAutoUpdateStatus") == "Enabled" and (not account or world.store.get(account) is None):
        message = "The automation account for updating the Mobility service could not be found."
        return Failure("AutomationAccountMissing", message, "", "Give an existing automation account.", after=3.0)
    return None


def _ready(mapping: ContainerMapping | NetworkMapping) -> None:
    mapping.ready = True


def _drop(container: Container, mapping: ContainerMapping) -> None:
    container.mappings.pop(mapping.name.lower(), None)


@routes.route("PATCH", _MAPPING + "/{mapping}")
def patch_container_mapping(world: World, call: Call) -> Answer:
    mapping = _container_mapping(world, call)
    provider = checks.get(checks.body(call), "properties.providerSpecificInput", dict, required=True)
    agent = _agent(provider)
    _, answer = jobs.start(
        world,
        call,
        mapping.container.vault,
        "UpdateProtectionProfileAssociation",
        resource=mapping.id,
        target=(stable_guid("policy", mapping.policy.id), mapping.policy.name),
        seconds=latencies.UPDATE_SETTINGS,
        done=lambda _moment: mapping.agent.update(agent),
        result=lambda: views.container_mapping(mapping),
        failure=_mapping_failure(world, mapping.container, mapping.target, mapping.policy, mapping.name, agent),
    )
    return answer


@routes.route("DELETE", _MAPPING + "/{mapping}")
@routes.route("POST", _MAPPING + "/{mapping}/remove")
def remove_container_mapping(world: World, call: Call) -> Answer:
    container = scope.container(world, call)
    mapping = container.mappings.get(call["mapping"].lower())
    if mapping is None:
        return Answer(204)
    used = any(
        item.policy is mapping.policy and item.recovery_container is mapping.target for item in container.items.values()
    )
    failure = None
    if used:
        message = f"The mapping '{mapping.name}' cannot be removed because replicated items use it."
        failure = Failure("ObjectInUse", message, "There are replicated items.", "Disable replication first.")
    _, answer = jobs.start(
        world,
        call,
        container.vault,
        "DissociateProtectionProfile",
        resource=mapping.id,
        target=(stable_guid("policy", mapping.policy.id), mapping.policy.name),
        seconds=latencies.PURGE_MAPPING if call.method == "DELETE" else latencies.REMOVE_MAPPING,
        done=lambda _moment: _drop(container, mapping),
        failure=failure,
    )
    return answer


@routes.route("GET", scope.VAULT + "/replicationNetworkMappings", _NETWORKS)
def list_network_mappings(world: World, call: Call) -> Answer:
    if "fabric" in call.params:
        found = list(scope.fabric(world, call).network_mappings.values())
    else:
        found = list(scope.vault(world, call).network_mappings())
    return views.listed(
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
        # Azure fabrics have this one pseudo network; what another name answers is invented.
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
        failed=lambda _moment: None if mapping.ready else _drop_network(fabric, mapping),
        result=lambda: views.network_mapping(mapping),
        failure=failure,
    )
    return answer


def _network_failure(
    world: World, fabric: Fabric, recovery_fabric: Fabric, primary: str, recovery: str, name: str
) -> Failure | None:
    """Codes invented; a network has one mapping per recovery fabric, and lies in its fabric's region."""
    for network_id, place in ((primary, fabric), (recovery, recovery_fabric)):
        network: Resource | None = world.store.get(network_id)
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


def _drop_network(fabric: Fabric, mapping: NetworkMapping) -> None:
    fabric.network_mappings.pop(mapping.name.lower(), None)


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
        done=lambda _moment: _drop_network(fabric, mapping),
    )
    return answer

"""Protection container mappings: source container, target container and policy."""

from local.simulator import checks, ids, latencies
from local.simulator.ids import stable_guid
from local.simulator.recovery import errors, jobs, lists, scope, views
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import (
    Container,
    ContainerMapping,
    Policy,
    RecoveryVault,
)
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_MAPPING = scope.CONTAINER + "/replicationProtectionContainerMappings"
_ACCOUNT = "microsoft.automation/automationaccounts"
_AGENT = ("agentAutoUpdateStatus", "automationAccountArmId", "automationAccountAuthenticationType")


@routes.route("GET", scope.VAULT + "/replicationProtectionContainerMappings", _MAPPING)
def list_container_mappings(world: World, call: Call) -> Answer:
    if "container" in call.params:
        found = list(scope.container(world, call).mappings.values())
    else:
        found = list(scope.vault(world, call).container_mappings())
    shown = [views.container_mapping(each) for each in found if scope.visible(world, each.ready)]
    return lists.listed(world, call, shown)


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
        done=lambda _moment: scope.ready(mapping),
        failed=lambda _moment: None if mapping.ready else scope.drop(container.mappings, mapping.name),
        result=lambda: views.container_mapping(mapping),
        failure=failure,
    )
    return answer


def _agent(provider: Json) -> Json:
    scope.a2a(checks.get(provider, "instanceType", str, required=True))
    status = checks.get(provider, "agentAutoUpdateStatus", str)
    if status not in ("Enabled", "Disabled", None):
        raise errors.bad_request(f"agentAutoUpdateStatus must be Enabled or Disabled, not '{status}'.")
    account = checks.get(provider, "automationAccountArmId", str)
    kind = checks.get(provider, "automationAccountAuthenticationType", str)
    if kind not in ("SystemAssignedIdentity", "RunAsAccount", None):
        raise errors.bad_request(f"automationAccountAuthenticationType must not be '{kind}'.")
    given = zip(_AGENT, (status, account, kind), strict=True)
    return {name: value for name, value in given if value is not None}


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
    return _agent_failure(world, container.vault, agent)


def _agent_failure(world: World, vault: RecoveryVault, agent: Json) -> Failure | None:
    """The automation account must exist in the vault's subscription (documented)."""
    if agent.get("agentAutoUpdateStatus") != "Enabled":
        return None
    account = world.store.get(agent.get("automationAccountArmId") or "")
    if account is None or account.type.lower() != _ACCOUNT:
        message = "The automation account for updating the Mobility service could not be found."
        return Failure("AutomationAccountMissing", message, "", "Give an existing automation account.", after=3.0)
    if account.id.split("/")[2].lower() != vault.id.split("/")[2].lower():
        message = f"The automation account '{account.name}' is not in the subscription of the vault."
        return Failure("AutomationAccountElsewhere", message, "", "Give one of the vault's subscription.", after=3.0)
    return None


@routes.route("PATCH", _MAPPING + "/{mapping}")
def patch_container_mapping(world: World, call: Call) -> Answer:
    mapping = _container_mapping(world, call)
    provider = checks.get(checks.body(call), "properties.providerSpecificInput", dict, required=True)
    vault = mapping.container.vault
    agent = {**mapping.agent, **_agent(provider)}
    _, answer = jobs.start(
        world,
        call,
        vault,
        "UpdateProtectionProfileAssociation",
        resource=mapping.id,
        target=(stable_guid("policy", mapping.policy.id), mapping.policy.name),
        seconds=latencies.UPDATE_SETTINGS,
        done=lambda _moment: mapping.agent.update(agent),
        result=lambda: views.container_mapping(mapping),
        failure=_agent_failure(world, vault, agent),
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
        done=lambda _moment: scope.drop(container.mappings, mapping.name),
        failure=failure,
    )
    return answer

"""Recovery plans, as far as the recordings go: create, read, list, delete (CLI-A2A #76-#83)."""

from local.simulator import checks, ids, latencies
from local.simulator.ids import key, stable_guid
from local.simulator.recovery import errors, jobs, lists, scope, views
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import RecoveryPlan, RecoveryVault
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_PLANS = scope.VAULT + "/replicationRecoveryPlans"


@routes.route("GET", _PLANS)
def list_plans(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    found = [_view(vault, plan) for plan in vault.plans.values() if scope.visible(world, plan.ready)]
    for plan in found:
        # A list shows no groups (CLI-A2A #80).
        plan["properties"]["groups"] = []
    return lists.listed(world, call, found)


@routes.route("GET", _PLANS + "/{plan}")
def get_plan(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    found = vault.plans.get(call["plan"].lower())
    if found is None or not scope.visible(world, found.ready):
        raise errors.missing(call["plan"]) if vault.registered else errors.not_registered()
    return views.answer(_view(vault, found))


@routes.route("PUT", _PLANS + "/{plan}")
def put_plan(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    name = scope.check_name(call["plan"])
    properties = checks.get(checks.body(call), "properties", dict, required=True)
    primary = checks.get(properties, "primaryFabricId", str, required=True)
    recovery = checks.get(properties, "recoveryFabricId", str, required=True)
    groups = checks.get(properties, "groups", list, required=True)
    plan = vault.plans.setdefault(name.lower(), RecoveryPlan(name, properties))

    def done(_moment: float) -> None:
        plan.properties, plan.ready = properties, True

    _, answer = jobs.start(
        world,
        call,
        vault,
        "CreateRecoveryPlan",
        resource=f"{vault.id}/replicationRecoveryPlans/{name}",
        target=(stable_guid("plan", vault.id, name), name),
        seconds=latencies.RECOVERY_PLAN,
        done=done,
        failed=lambda _moment: None if plan.ready else scope.drop(vault.plans, name),
        result=lambda: _view(vault, plan),
        failure=_failure(vault, primary, recovery, groups),
    )
    return answer


def _failure(vault: RecoveryVault, primary: str, recovery: str, groups: list[Json]) -> Failure | None:
    """Codes invented."""
    fabrics = {key(fabric.id) for fabric in vault.fabrics.values()}
    for fabric_id in (primary, recovery):
        if key(fabric_id) not in fabrics:
            return Failure("159029", f"The fabric '{ids.last_segment(fabric_id)}' could not be found.")
    items = {key(item.id) for item in vault.items()}
    for group in groups:
        for member in group.get("replicationProtectedItems") or []:
            if key(member.get("id") or "") not in items:
                return Failure("159030", f"The replicated item '{member.get('id')}' could not be found.")
    return None


@routes.route("DELETE", _PLANS + "/{plan}")
def delete_plan(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    name = call["plan"]
    if name.lower() not in vault.plans:
        return Answer(204)
    _, answer = jobs.start(
        world,
        call,
        vault,
        "DeleteRecoveryPlan",
        resource=f"{vault.id}/replicationRecoveryPlans/{name}",
        target=(stable_guid("plan", vault.id, name), name),
        seconds=latencies.RECOVERY_PLAN,
        done=lambda _moment: scope.drop(vault.plans, name),
    )
    return answer


def _view(vault: RecoveryVault, plan: RecoveryPlan) -> Json:
    """Shutdown and Failover groups are added; the members come back with the service's own ID of the VM."""
    properties = plan.properties
    given = [_group(vault, group) for group in properties["groups"]]
    kinds = {group["groupType"] for group in given}
    added = [_group(vault, {"groupType": kind}) for kind in ("Shutdown", "Failover") if kind not in kinds]
    return {
        "id": f"{vault.id}/replicationRecoveryPlans/{plan.name}",
        "name": plan.name,
        "type": "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans",
        "properties": {
            "friendlyName": plan.name,
            "primaryFabricId": properties["primaryFabricId"],
            "primaryFabricFriendlyName": _fabric_name(vault, properties["primaryFabricId"]),
            "recoveryFabricId": properties["recoveryFabricId"],
            "recoveryFabricFriendlyName": _fabric_name(vault, properties["recoveryFabricId"]),
            "failoverDeploymentModel": properties.get("failoverDeploymentModel", "ResourceManager"),
            "replicationProviders": ["A2A"],
            "allowedOperations": ["UnplannedFailover", "TestFailover"],
            "currentScenario": None,
            "currentScenarioStatus": None,
            "currentScenarioStatusDescription": None,
            "groups": [*added, *given],
            "providerSpecificDetails": [],
        },
    }


def _group(vault: RecoveryVault, group: Json) -> Json:
    items = {key(item.id): item for item in vault.items()}
    members = [
        {"id": member["id"], "virtualMachineId": items[key(member["id"])].internal_id}
        for member in group.get("replicationProtectedItems") or []
        if key(member["id"]) in items
    ]
    return {
        "groupType": group["groupType"],
        "replicationProtectedItems": members,
        "startGroupActions": group.get("startGroupActions") or [],
        "endGroupActions": group.get("endGroupActions") or [],
    }


def _fabric_name(vault: RecoveryVault, fabric_id: str) -> str:
    fabric = vault.fabrics.get(ids.last_segment(fabric_id).lower())
    return fabric.friendly_name if fabric else ""

"""Recovery plans: create, read, list, delete (CLI-A2A #76-#83, PS-RP 2022-10). Their test: plan_test_failover.py."""

from local.simulator import checks, ids, latencies
from local.simulator.ids import key, stable_guid
from local.simulator.recovery import errors, jobs, lists, scope, views
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem, RecoveryPlan, RecoveryVault
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_MOST_GROUPS = 7  # azure-docs, site-recovery-create-recovery-plans
PLANS = scope.VAULT + "/replicationRecoveryPlans"


@routes.route("GET", PLANS)
def list_plans(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    found = [view(world, vault, plan) for plan in vault.plans.values() if scope.visible(world, plan.ready)]
    for plan in found:
        # A list shows no groups (CLI-A2A #80).
        plan["properties"]["groups"] = []
    return lists.listed(world, call, found)


@routes.route("GET", PLANS + "/{plan}")
def get_plan(world: World, call: Call) -> Answer:
    return views.answer(view(world, scope.vault(world, call), find(world, call)))


def find(world: World, call: Call) -> RecoveryPlan:
    """Raises ArmError 404."""
    vault = scope.vault(world, call)
    found = vault.plans.get(call["plan"].lower())
    if found is None or not scope.visible(world, found.ready):
        raise errors.missing(call["plan"]) if vault.registered else errors.not_registered()
    return found


def members(vault: RecoveryVault, plan: RecoveryPlan) -> list[ProtectedItem]:
    """The items of a plan that exist."""
    items = {key(item.id): item for item in vault.items()}
    given = (each for group in plan.properties["groups"] for each in group.get("replicationProtectedItems") or [])
    return [items[key(each["id"])] for each in given if key(each["id"]) in items]


@routes.route("PUT", PLANS + "/{plan}")
def put_plan(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    name = scope.check_name(call["plan"])
    properties = checks.get(checks.body(call), "properties", dict, required=True)
    primary = checks.get(properties, "primaryFabricId", str, required=True)
    recovery = checks.get(properties, "recoveryFabricId", str, required=True)
    groups = checks.get(properties, "groups", list, required=True)
    _free(vault.plans.get(name.lower()))
    plan = vault.plans.setdefault(name.lower(), RecoveryPlan(name, properties))

    def done(_moment: float) -> None:
        plan.properties, plan.ready = properties, True

    plan.change, answer = jobs.start(
        world,
        call,
        vault,
        "SaveRecoveryPlan",
        resource=f"{vault.id}/replicationRecoveryPlans/{name}",
        target=(stable_guid("plan", vault.id, name), name),
        seconds=latencies.RECOVERY_PLAN,
        done=done,
        failed=lambda _moment: None if plan.ready else scope.drop(vault.plans, name),
        result=lambda: view(world, vault, plan),
        failure=_failure(vault, primary, recovery, groups),
    )
    return answer


def _free(plan: RecoveryPlan | None) -> None:
    """Raises ArmError 409 while a job of the plan runs (invented)."""
    if plan and plan.running:
        raise errors.conflict(f"A job of '{plan.name}' is in progress: {plan.running.scenario}.")


def _failure(vault: RecoveryVault, primary: str, recovery: str, groups: list[Json]) -> Failure | None:
    """Codes invented."""
    fabrics = {key(fabric.id) for fabric in vault.fabrics.values()}
    for fabric_id in (primary, recovery):
        if key(fabric_id) not in fabrics:
            return Failure("159029", f"The fabric '{ids.last_segment(fabric_id)}' could not be found.")
    if len(groups) > _MOST_GROUPS:
        return Failure("159132", f"A recovery plan has at most {_MOST_GROUPS} groups.")
    items = {key(item.id): item for item in vault.items()}
    for group in groups:
        for member in group.get("replicationProtectedItems") or []:
            item = items.get(key(member.get("id") or ""))
            if item is None:
                return Failure("159030", f"The replicated item '{member.get('id')}' could not be found.")
            if key(item.container.fabric.id) != key(primary):
                return Failure("159131", f"The replicated item '{item.name}' is not of the plan's primary fabric.")
    return None


@routes.route("DELETE", PLANS + "/{plan}")
def delete_plan(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    name = call["plan"]
    if name.lower() not in vault.plans:
        return Answer(204)
    plan = vault.plans[name.lower()]
    _free(plan)
    plan.change, answer = jobs.start(
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


def view(world: World, vault: RecoveryVault, plan: RecoveryPlan) -> Json:
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
            **_scenario(world, vault, plan),
            "groups": [*added, *given],
            "providerSpecificDetails": [],
        },
    }


def _scenario(world: World, vault: RecoveryVault, plan: RecoveryPlan) -> Json:
    """What it does, and may do: as in official examples (of Hyper-V VMs), and as recorded before any test."""
    shown: Json = {
        "allowedOperations": ["UnplannedFailover", "TestFailover"],
        "currentScenario": None,
        "currentScenarioStatus": None,
        "currentScenarioStatusDescription": None,
    }
    if plan.tested_at is not None:
        shown["lastTestFailoverTime"] = world.clock.stamp(plan.tested_at)
    job = plan.job
    if job is None:
        return shown
    state, description = job.state
    if job.running:
        shown["allowedOperations"] = []
    elif any(item.test for item in members(vault, plan)):
        shown["allowedOperations"] = ["TestFailoverCleanup"]
        if state == "Succeeded":
            state, description = "Suspended", "WaitingForStopTestFailover"
    started = world.clock.stamp(job.started)
    shown["currentScenario"] = {"scenarioName": job.scenario, "jobId": job.id, "startTime": started}
    return {**shown, "currentScenarioStatus": state, "currentScenarioStatusDescription": description}


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

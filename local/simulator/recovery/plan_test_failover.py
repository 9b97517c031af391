"""Test failover of a recovery plan and its cleanup: a job over those of its VMs.

No recording has one of Azure VMs. The request, and what the plan shows meanwhile, are from official examples of Hyper-V
VMs; the tree of the job is that of a recorded failover of a plan (PS-RP, 2022-10), without its shutdown group; that of
the cleanup is invented.
"""

from collections.abc import Callable

from local.simulator import checks, latencies
from local.simulator.ids import stable_guid
from local.simulator.recovery import (
    errors,
    jobs,
    plans,
    recovery_points,
    replication,
    scope,
    test_failover,
    test_request,
)
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure, Job, TaskPlan
from local.simulator.vault.model import ProtectedItem, RecoveryPlan, RecoveryVault
from local.simulator.vault.test_failover import RecoveryPoint
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_LATEST = ("Latest", "LatestProcessed")
_TYPES = (*_LATEST, "LatestApplicationConsistent", "LatestCrashConsistent")
_SYNC = ("UseMultiVmSyncRecoveryPoint", "UsePerVmRecoveryPoint", None)
_VMS = 1
"""The number of the task with the VMs."""


@routes.route("POST", plans.PLANS + "/{plan}/testFailover")
def test_failover_of_plan(world: World, call: Call) -> Answer:
    vault, plan = scope.vault(world, call), plans.find(world, call)
    properties: Json = checks.get(checks.body(call), "properties", dict, required=True)
    network, kind = test_request.parse(properties), _recovery_point_type(properties)
    members = plans.members(vault, plan)
    points = {item.id: _point(world, item, kind) for item in members}
    state = _not_now(world, plan, members, "TestFailover") or _not_whole(members)
    failure = test_request.refuse(world, state)
    wrong = (test_request.wrong_network(world, item, network) for item in members)
    without = (
        Failure("159114", f"'{item.name}' has no recovery point of the type {kind}.")
        for item in members
        if points[item.id] is None
    )
    for found in (next(filter(None, wrong), None), next(without, None)):
        failure = failure or test_request.refuse(world, found, errors.bad_request)

    def begin(item: ProtectedItem, moment: float) -> Job:
        point = points[item.id] or RecoveryPoint("", 0.0, False)
        job, _ = test_failover.begin(world, call, item, network, point, None, moment)
        if item.test:
            item.test.plan = plan.name
        return job

    def done(moment: float) -> None:
        plan.tested_at = plan.job.started if plan.job else moment
        if plan.job and world.behaviour.plan_test_failover == "suspends":
            plan.job.held = True

    tasks = _tasks(members, latencies.TEST_FAILOVER_TASKS, world, "TestFailover", "Recovery plan test failover")
    return _start(world, call, vault, plan, "TestFailover", tasks, members, begin, done, failure)


def _recovery_point_type(properties: Json) -> str:
    """Raises ArmError 400."""
    given: list[Json] = checks.get(properties, "providerSpecificDetails", list, required=True)
    if len(given) != 1:
        raise errors.bad_request("providerSpecificDetails must have one element, for A2A.")
    scope.a2a(checks.get(given[0], "instanceType", str, required=True))
    names = ("instanceType", "recoveryPointType", "cloudServiceCreationOption", "multiVmSyncPointOption")
    scope.only(given[0], names)
    kind = checks.get(given[0], "recoveryPointType", str, required=True)
    if kind not in _TYPES or checks.get(given[0], "multiVmSyncPointOption", str) not in _SYNC:
        raise errors.bad_request(f"recoveryPointType must be one of {', '.join(_TYPES)}, not '{kind}'.")
    return str(kind)


def _point(world: World, item: ProtectedItem, kind: str) -> RecoveryPoint | None:
    """The newest point of this type."""
    fits = [
        point
        for point in recovery_points.kept(world, item)
        if kind in _LATEST or point.consistent == (kind == "LatestApplicationConsistent")
    ]
    return fits[-1] if fits else None


def _not_now(world: World, plan: RecoveryPlan, members: list[ProtectedItem], operation: str) -> Failure | None:
    if plan.running:
        return Failure("159111", f"Another job of '{plan.name}' is in progress: {plan.running.scenario}.")
    if not members:
        return Failure("159110", f"The recovery plan '{plan.name}' has nothing to do {operation} on.")
    return next(filter(None, (test_request.not_now(world, item, operation) for item in members)), None)


def _not_whole(members: list[ProtectedItem]) -> Failure | None:
    """A consistency group must be in the plan with all its items."""
    for item in members:
        if any(other not in members for other in test_request.group_of(item)):
            name = item.settings["multiVmGroupName"]
            return Failure("159113", f"The plan does not have all virtual machines of the group '{name}'.")
    return None


@routes.route("POST", plans.PLANS + "/{plan}/testFailoverCleanup")
def cleanup_of_plan(world: World, call: Call) -> Answer:
    vault, plan = scope.vault(world, call), plans.find(world, call)
    comments = test_request.parse_cleanup(call)
    members = [item for item in plans.members(vault, plan) if item.test is not None]
    failure = test_request.refuse(world, _not_now(world, plan, members, "TestFailoverCleanup"))
    if plan.job and failure is None:
        plan.job.held = False

    def begin(item: ProtectedItem, moment: float) -> Job:
        return test_failover.begin_cleanup(world, call, item, comments, None, moment)[0]

    tasks = _tasks(
        members, latencies.TEST_FAILOVER_CLEANUP_TASKS, world, "TestFailoverCleanup", "Recovery plan test cleanup"
    )
    return _start(world, call, vault, plan, "TestFailoverCleanup", tasks, members, begin, lambda _moment: None, failure)


def _tasks(
    members: list[ProtectedItem], each: tuple[float, ...], world: World, scenario: str, words: str
) -> tuple[TaskPlan, ...]:
    """The VMs begin together; their task lasts as long as the slowest of them."""
    paces = (item.test_outcome.slow * world.pace(scenario, item.vm_name) for item in members)
    slowest = max(paces, default=1.0) * sum(each)
    checks_id, end_id = (stable_guid("plan task", scenario, name) for name in ("checks", "end"))
    found = [
        TaskPlan(
            checks_id,
            "RpSrsPrerequisitesCheck",
            "Prerequisites check for the recovery plan",
            latencies.RECOVERY_PLAN_CHECKS,
        ),
        TaskPlan("FailoverAllActionGroup", "Unknown", words, slowest, group="RpFailoverTask"),
    ]
    if scenario == "TestFailover":
        start = latencies.RECOVERY_PLAN_START
        found.append(TaskPlan("Group1", "Unknown", "Group 1: Start (1)", start, group="BootGroup"))
    found.append(TaskPlan(end_id, "EndRecoveryPlanTask", "Finalizing the recovery plan", latencies.RECOVERY_PLAN_END))
    return tuple(found)


def _start(
    world: World,
    call: Call,
    vault: RecoveryVault,
    plan: RecoveryPlan,
    scenario: str,
    tasks: tuple[TaskPlan, ...],
    members: list[ProtectedItem],
    begin: Callable[[ProtectedItem, float], Job],
    done: jobs.AtEnd,
    failure: Failure | None,
) -> Answer:
    """The job's first read has the requested ID, later ones another (recorded of a plan's failover)."""
    test = scenario == "TestFailover"
    network = (checks.get(checks.body(call), "properties.networkId", str) or "").rpartition("/")[2] or None
    details: Json = {
        "instanceType": "TestFailoverJobDetails",
        "testFailoverStatus": "Active" if test else None,
        "comments": None if test else checks.get(checks.body(call), "properties.comments", str) or "",
        "networkName": network,
        "networkFriendlyName": network,
        "networkType": checks.get(checks.body(call), "properties.networkType", str),
    }

    def shown() -> Json:
        of_vms = [each for child in job.children for each in child.details().get("protectedItemDetails", [])]
        return {**details, "protectedItemDetails": of_vms}

    job, answer = jobs.start(
        world,
        call,
        vault,
        scenario,
        resource=f"{vault.id}/replicationRecoveryPlans/{plan.name}",
        target=(stable_guid("plan", vault.id, plan.name), plan.name),
        seconds=0.0,
        tasks=tasks,
        done=done,
        result=lambda: plans.view(world, vault, plan),
        failure=failure,
        affected={
            name: value
            for name, value in (replication.affected(members[0]) if members else {}).items()
            if name.endswith(("VmmId", "VmmName", "FabricProviderId"))
        },
        details=shown,
        placeholder=world.behaviour.job_placeholders != "never",
        renamed=True,
        paced=False,
        instance="RecoveryPlan",
    )
    if failure is None:
        plan.job = job
        world.clock.at(job.begins(_VMS), lambda moment: job.children.extend(begin(item, moment) for item in members))
        world.clock.at(job.begins(_VMS + 1), lambda moment: _check_children(job, moment))
    return answer


def _check_children(job: Job, moment: float) -> None:
    failed = [child for child in job.children if child.failure]
    if failed and job.failure is None:
        names = ", ".join(child.target_name for child in failed)
        jobs.fail(job, Failure("159130", f"The jobs of these virtual machines failed: {names}.", task=_VMS), moment)

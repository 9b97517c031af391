"""Test failover of a replicated item and its cleanup: the requests, the jobs, and the VM that they make and remove.

No recording has that of one Azure VM (facts here: PS-E2A is a Hyper-V VM of 2021-03, PS-CL a cluster of Azure VMs of
2025-03). The names of the tasks are those of a Hyper-V VM; the friendly names are those that azure-docs shows for an
Azure VM. Every refusal is unknown: with an error at once, or by a job that fails (`testFailoverRefusal`).
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from local.simulator import checks, ids, latencies
from local.simulator.arm.locks import locks_over
from local.simulator.errors import ArmError
from local.simulator.ids import stable_guid
from local.simulator.recovery import (
    errors,
    item_health,
    item_view,
    jobs,
    recovered_vm,
    recovery_points,
    replication,
    scope,
)
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure, Job, TaskPlan
from local.simulator.vault.model import ProtectedItem, RecoveryPoint, TestFailover, TestStage
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
BY_INPUT, NO_NETWORK = "VmNetworkAsInput", "NoNetworkAttachAsInput"
_BOOT = 3
_TASKS = tuple(
    TaskPlan(task, name, friendly, seconds)
    for (task, name, friendly), seconds in zip(
        (
            (
                "TestFailoverPreflightChecksTask",
                "VmTfoPrerequisitesCheck",
                "Prerequisites check for test failover",
            ),
            ("PrepareTestProtectedEntitiesTask", "VmTfoPrepareTestVm", "Create test virtual machine"),
            ("PrepareTestVmTask", "VmTfoPrepareVm", "Preparing the virtual machine"),  # names invented
            ("BootTestProtectedEntitiesTask", "VmTfoBootTestVm", "Start the virtual machine"),
        ),
        latencies.TEST_FAILOVER_TASKS,
        strict=True,
    )
)
_DELETE = 2
_CLEANUP_TASKS = tuple(
    TaskPlan(task, name, friendly, seconds)
    for (task, name, friendly), seconds in zip(
        (
            (
                "TestFailoverCleanupPreflightChecksTask",
                "VmTfoCleanupPreflightsCheck",
                "Prerequisites check for test failover cleanup",
            ),
            ("EndTestFailoverTask", "VmTfoEndFailover", "Ending test failover"),
            ("CleanupTestProtectedEntitiesTask", "VmTfoDeleteTestVm", "Clean up the test virtual machine"),
        ),
        latencies.TEST_FAILOVER_CLEANUP_TASKS,
        strict=True,
    )
)


class Network(NamedTuple):
    """The network of a test failover, as the request names it."""

    kind: str
    id: str


@routes.route("POST", scope.ITEM + "/testFailover")
def test_failover(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    properties: Json = checks.get(checks.body(call), "properties", dict, required=True)
    details: Json = checks.get(properties, "providerSpecificDetails", dict, required=True)
    scope.a2a(checks.get(details, "instanceType", str, required=True))
    scope.only(details, ("instanceType", "recoveryPointId", "cloudServiceCreationOption"))
    network, point_id = parse(properties), checks.get(details, "recoveryPointId", str)
    failure = refuse(world, not_now(world, item, "TestFailover") or _in_group(item))
    failure = failure or refuse(world, wrong_network(world, item, network), errors.bad_request)
    point, missing = _point(world, item, point_id)
    failure = failure or refuse(world, missing, errors.bad_request)
    return begin(world, call, item, network, point, failure)[1]


def parse(properties: Json) -> Network:
    """Direction and network of a request. Raises ArmError 400."""
    scope.only(properties, ("failoverDirection", "networkType", "networkId", "providerSpecificDetails"))
    direction = checks.get(properties, "failoverDirection", str, required=True)
    if direction != "PrimaryToRecovery":
        # After a reprotect too: the pages for Azure VMs give this direction for the way back.
        raise errors.bad_request(f"failoverDirection must not be '{direction}'.")
    kind = checks.get(properties, "networkType", str, required=True)
    network_id = checks.get(properties, "networkId", str, required=kind == BY_INPUT)
    if kind not in (BY_INPUT, NO_NETWORK) or (kind == NO_NETWORK and network_id):
        raise errors.bad_request(f"networkType must be {BY_INPUT} with a networkId, or {NO_NETWORK}, not '{kind}'.")
    return Network(kind, network_id or "")


def refuse(
    world: World, failure: Failure | None, error: Callable[[str, str], ArmError] = errors.conflict
) -> Failure | None:
    """Raises ArmError, or returns the failure for a job: which of them Azure does is not known."""
    if failure and world.behaviour.test_failover_refusal == "error":
        raise error(failure.message, failure.code)
    return failure


def not_now(world: World, item: ProtectedItem, operation: str) -> Failure | None:
    """Why the state of the item does not allow the operation now. The codes are invented, and that a VM in critical
    health is refused too: it may be that only its later recovery points are."""
    if item.job and world.clock.now() < item.job.ends:
        return Failure("159111", f"Another job of '{item.name}' is in progress: {item.job.scenario}.")
    if operation not in item.operations:
        state = item.test.stage.name if item.test else item.phase.value[0]
        return Failure("159110", f"The operation {operation} is not allowed on '{item.name}' in state {state}.")
    if operation == "TestFailover" and item_health.of(world, item)[0] == "Critical":
        return Failure("159112", f"The replication health of '{item.name}' is critical.")
    return None


def group_of(item: ProtectedItem) -> list[ProtectedItem]:
    """The items of a consistency group; the item alone if it is in none."""
    if not item.settings["multiVmGroupName"]:
        return [item]
    group = item.settings["multiVmGroupId"]
    return [each for each in item.vault.items() if each.settings["multiVmGroupId"] == group]


def _in_group(item: ProtectedItem) -> Failure | None:
    if len(group_of(item)) == 1:
        return None
    name = item.settings["multiVmGroupName"]
    return Failure(
        "159113", f"'{item.name}' is in the group '{name}', whose VMs fail over together by a recovery plan."
    )


def wrong_network(world: World, item: ProtectedItem, network: Network) -> Failure | None:
    """Without a network the interfaces must name one. Codes invented."""
    for network_id in networks(item, network):
        found = world.store.get(network_id) if network_id else None
        if found is None:
            return Failure("159021", f"The test network '{network_id}' could not be found.")
        region = item.recovery_container.fabric.location
        if found.location != region:
            return Failure("159022", f"The test network '{network_id}' is in '{found.location}', not in '{region}'.")
    return None


def networks(item: ProtectedItem, network: Network) -> list[str]:
    """The network of each interface, "" for none."""
    if network.kind == BY_INPUT:
        return [network.id]
    chosen = item.settings.get("selectedTfoAzureNetworkId")
    return [nic["tfoVMNetworkId"] or chosen or "" for nic in item.nics]


def _point(world: World, item: ProtectedItem, point_id: str | None) -> tuple[RecoveryPoint, Failure | None]:
    """The named point, or the newest where none is named: then the service processes what it has, and takes that."""
    kept = recovery_points.kept(world, item)
    nothing = RecoveryPoint("", 0.0, False)
    if not kept:
        return nothing, Failure("159114", f"'{item.name}' has no recovery point.")
    if point_id is None:
        return kept[-1], None
    found = recovery_points.named(world, item, point_id)
    if found is None:
        return nothing, Failure("159115", f"The recovery point '{point_id}' could not be found.")
    return found, None


def begin(
    world: World,
    call: Call,
    item: ProtectedItem,
    network: Network,
    point: RecoveryPoint,
    failure: Failure | None,
    at: float | None = None,
) -> tuple[Job, Answer]:
    """Starts the job of a test failover; one with a failure fails at its first task, and changes nothing."""
    outcome, refused = item.test_outcome, failure is not None
    if outcome.boot == "fails" and failure is None:
        failure = Failure("28031", f"The test virtual machine of '{item.vm_name}' could not be started.", task=_BOOT)
    network_id = networks(item, network)[0] if item.nics else network.id
    name = ids.last_segment(network_id)
    details: Json = {
        "instanceType": "TestFailoverJobDetails",
        "testFailoverStatus": "Active",
        "comments": None,
        "networkName": name,
        "networkFriendlyName": name,
        "networkType": network.kind,
        "protectedItemDetails": [],
    }

    def done(moment: float) -> None:
        _succeed(world, item, test, moment)
        details["protectedItemDetails"] = [_shown(world, item, test)]

    def failed(_moment: float) -> None:
        _fail(world, item, test)

    job, answer = _start(world, call, item, "TestFailover", _TASKS, done, failed, failure, details, at)
    test = TestFailover(network_id, point, job)
    if not refused:
        item.test, item.job = test, job
        world.changed(item.id)
        world.clock.at(job.begins(1), lambda moment: _create(world, item, test, moment))
        world.clock.at(job.begins(2), lambda _moment: _created(world, test))
    return job, answer


def done_before(world: World, item: ProtectedItem, network_id: str) -> None:
    """Brings an item into a test failover that has ended, and that nobody has cleaned up."""
    job = Job(
        vault_id=item.vault.id,
        scenario="TestFailover",
        started=world.clock.now() - sum(latencies.TEST_FAILOVER_TASKS),
        tasks=_TASKS,
        target_id=item.internal_id,
        target_name=item.vm_name,
        affected=replication.affected(item),
        result=lambda: None,
        activity_id=f"{uuid.uuid4()} ActivityId: {uuid.uuid4()}",
    )
    jobs.begin(world, item.vault, job, lambda _moment: None, item.id)
    point = RecoveryPoint(stable_guid("recovery point", item.made, "0"), job.started, consistent=False)
    test = TestFailover(network_id, point, job)
    item.test, item.job = test, job
    recovered_vm.make(world, item, test)
    _created(world, test)
    _succeed(world, item, test, job.ends)


def _create(world: World, item: ProtectedItem, test: TestFailover, moment: float) -> None:
    """Creates the VM, or fails the job. A VM that the compute provider refuses has its disks and interfaces by then."""
    if world.store.get(test.network) is None:
        failure: Failure | None = Failure("159021", f"The test network '{test.network}' could not be found.")
    else:
        failure = recovered_vm.test_obstacle(world, item, test)
    if failure is None:
        refused = recovered_vm.refused_by_compute(world, item, test)
        vm = recovered_vm.make(world, item, test)
        if refused:
            world.store.remove(vm.id)
        failure = refused
    if failure:
        jobs.fail(test.job, failure, moment)


def _created(world: World, test: TestFailover) -> None:
    """The VM exists, and its event is raised, before the job has started it."""
    vm = world.store.vm(test.vm or "")
    if vm is not None and test.job.failure is None:
        vm.properties["provisioningState"] = "Succeeded"
        world.raise_event(vm, "write")


def _succeed(world: World, item: ProtectedItem, test: TestFailover, moment: float) -> None:
    vm, boot = world.store.vm(test.vm or ""), item.test_outcome.boot
    if vm is not None:
        vm.power = "stopped" if boot == "stopped" else "running"
        vm.agent_ready = None if boot == "no-agent" else moment + latencies.TEST_VM_AGENT
        world.changed(vm.id)
    test.stage, item.tested_at = TestStage.WAITING, test.job.started


def _fail(world: World, item: ProtectedItem, test: TestFailover) -> None:
    """Whether what was created has to be cleaned up, stays, or is removed is not known."""
    if item.test is not test:
        return
    vm, after = world.store.vm(test.vm or ""), world.behaviour.failed_test_failover
    if vm is not None:
        vm.power, vm.properties["provisioningState"] = "stopped", "Failed"
    if test.made and after == "cleanup":
        test.stage = TestStage.WAITING
        return
    if after == "removed":
        recovered_vm.remove_test_vm(world, test)
    item.test = None


def _shown(world: World, item: ProtectedItem, test: TestFailover) -> Json:
    subnet = recovered_vm.subnet_of(world, item.nics[0], test) if item.nics else None
    name = item.settings["tfoAzureVMName"]
    return {
        "name": item.internal_id,
        "friendlyName": item.vm_name,
        "testVmName": name,
        "testVmFriendlyName": name,
        "networkConnectionStatus": "Connected",
        "networkFriendlyName": ids.last_segment(test.network),
        "subnet": subnet["name"] if subnet else None,
        "recoveryPointId": test.point.name,
        "recoveryPointTime": world.clock.stamp(test.point.at),
    }


@routes.route("POST", scope.ITEM + "/testFailoverCleanup")
def test_failover_cleanup(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    comments = parse_cleanup(call)
    failure = refuse(world, not_now(world, item, "TestFailoverCleanup") or _of_plan(world, item))
    return begin_cleanup(world, call, item, comments, failure)[1]


def _of_plan(world: World, item: ProtectedItem) -> Failure | None:
    """Whether one VM of a plan's test failover can be cleaned up by itself is not known."""
    plan = item.test.plan if item.test else ""
    if plan.lower() not in item.vault.plans or world.behaviour.cleanup_of_plan_members == "allowed":
        return None
    return Failure(
        "159118", f"'{item.name}' was failed over by the recovery plan '{plan}', which has to be cleaned up."
    )


def parse_cleanup(call: Call) -> str:
    """The comments of a cleanup. Raises ArmError 400."""
    properties: Json = checks.get(checks.body(call), "properties", dict, required=True)
    scope.only(properties, ("comments",))
    return checks.get(properties, "comments", str) or ""


def begin_cleanup(
    world: World, call: Call, item: ProtectedItem, comments: str, failure: Failure | None, at: float | None = None
) -> tuple[Job, Answer]:
    """Starts the job of a cleanup; one with a failure fails at its first task, and changes nothing."""
    test, refused = item.test, failure is not None
    details: Json = {
        "instanceType": "TestFailoverJobDetails",
        "testFailoverStatus": None,
        "comments": comments,
        "networkName": None,
        "networkFriendlyName": None,
        "networkType": None,
        "protectedItemDetails": [],
    }

    def done(_moment: float) -> None:
        if test and item.test_outcome.cleanup != "leaves":
            recovered_vm.remove_test_vm(world, test, disks=item.test_outcome.cleanup == "done")
        item.test = None

    def failed(_moment: float) -> None:
        if test and not refused:
            test.stage = TestStage.WAITING

    job, answer = _start(world, call, item, "TestFailoverCleanup", _CLEANUP_TASKS, done, failed, failure, details, at)
    if test and not refused:
        test.stage, item.job = TestStage.CLEANING, job
        world.changed(item.id)
        world.clock.at(job.begins(_DELETE), lambda moment: _check_locks(world, test, job, moment))
    return job, answer


def _check_locks(world: World, test: TestFailover, job: Job, moment: float) -> None:
    """Nothing below a lock can be deleted. The code is invented: no recording has such a job."""
    if locks := [lock for made in test.made for lock in locks_over(world, made)]:
        at = locks[0].id.rpartition("/providers/")[0]
        message = f"The test virtual machine could not be deleted: the scope '{at}' is locked (ScopeLocked)."
        jobs.fail(job, Failure("159120", message, "A lock.", "Remove the lock.", task=_DELETE), moment)


def _start(
    world: World,
    call: Call,
    item: ProtectedItem,
    scenario: str,
    tasks: tuple[TaskPlan, ...],
    done: jobs.AtEnd,
    failed: jobs.AtEnd,
    failure: Failure | None,
    details: Json,
    at: float | None,
) -> tuple[Job, Answer]:
    # That of a plan and that of a cleanup were placeholders at the first read, that of a test failover was not.
    shown = world.behaviour.job_placeholders
    slow = item.test_outcome.slow
    return jobs.start(
        world,
        call,
        item.vault,
        scenario,
        resource=item.id,
        target=(item.internal_id, item.vm_name),
        seconds=0.0,
        tasks=tuple(replace(task, seconds=task.seconds * slow) for task in tasks),
        done=done,
        failed=failed,
        result=lambda: item_view.view(world, item),
        failure=failure,
        affected=replication.affected(item),
        details=lambda: details,
        at=at,
        placeholder=shown == "always" or (shown == "recorded" and scenario == "TestFailoverCleanup"),
    )

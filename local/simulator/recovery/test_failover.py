"""Test failover of a replicated item and its cleanup: the requests, the jobs, and the VM that they make and remove.

No recording has that of one Azure VM (facts here: PS-E2A is a Hyper-V VM of 2021-03, PS-CL a cluster of Azure VMs of
2025-03). The names of the tasks are those of a Hyper-V VM; the friendly names are those that azure-docs shows for an
Azure VM.
"""

import uuid
from dataclasses import replace

from local.simulator import checks, ids, latencies
from local.simulator.arm.locks import locks_over
from local.simulator.ids import stable_guid
from local.simulator.recovery import (
    errors,
    item_view,
    jobs,
    recovered_vm,
    replication,
    scope,
    test_request,
)
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure, Job, TaskPlan
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.test_failover import RecoveryPoint, TestFailover, TestStage
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
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


@routes.route("POST", scope.ITEM + "/testFailover")
def test_failover(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    properties: Json = checks.get(checks.body(call), "properties", dict, required=True)
    details: Json = checks.get(properties, "providerSpecificDetails", dict, required=True)
    scope.a2a(checks.get(details, "instanceType", str, required=True))
    scope.only(details, ("instanceType", "recoveryPointId", "cloudServiceCreationOption"))
    network, point_id = test_request.parse(properties), checks.get(details, "recoveryPointId", str)
    failure = test_request.refuse(
        world, test_request.not_now(world, item, "TestFailover") or test_request.in_group(item)
    )
    failure = failure or test_request.refuse(
        world, test_request.wrong_network(world, item, network), errors.bad_request
    )
    point, missing = test_request.point(world, item, point_id)
    failure = failure or test_request.refuse(world, missing, errors.bad_request)
    return begin(world, call, item, network, point, failure)[1]


def begin(
    world: World,
    call: Call,
    item: ProtectedItem,
    network: test_request.Network,
    point: RecoveryPoint,
    failure: Failure | None,
    at: float | None = None,
) -> tuple[Job, Answer]:
    """Starts the job of a test failover; one with a failure fails at its first task, and changes nothing."""
    outcome, refused = item.test_outcome, failure is not None
    if outcome.boot == "fails" and failure is None:
        failure = Failure("28031", f"The test virtual machine of '{item.vm_name}' could not be started.", task=_BOOT)
    network_id = test_request.networks(item, network)[0] if item.nics else network.id
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
    """Brings an item into a test failover that has ended, and was not cleaned up."""
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
    comments = test_request.parse_cleanup(call)
    failure = test_request.refuse(
        world, test_request.not_now(world, item, "TestFailoverCleanup") or test_request.of_plan(world, item)
    )
    return begin_cleanup(world, call, item, comments, failure)[1]


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

"""What an item shows of its test failover.

No recording has the item of an Azure VM in these states, so there are two variants: as an official example shows a
Hyper-V VM, and as a recording (PS-CL, 2025-03) shows a cluster of Azure VMs.
"""

from local.simulator.vault.job import Job
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.test_failover import TestStage
from local.simulator.wire import Json
from local.simulator.world import World

_NO_JOB_TIME = "1753-01-01T01:01:01Z"
_EXAMPLE = {
    TestStage.RUNNING: ("InProgress", "Test failover is in progress"),  # invented
    TestStage.WAITING: ("WaitingForCompletion", "Waiting for user input"),
    TestStage.CLEANING: ("MarkedForDeletion", "Cleaning up test environment"),
}
_CLUSTER = {
    TestStage.RUNNING: ("None", "None"),  # invented, as the next one for the time of the cleanup
    TestStage.WAITING: ("WaitingForCleanup", "Waiting for Test Failover Cleanup to start"),
    TestStage.CLEANING: ("WaitingForCleanup", "Waiting for Test Failover Cleanup to start"),
}


def of(world: World, item: ProtectedItem) -> Json:
    """The properties of the item that depend on its test failover, and on the job that runs."""
    job = item.job if item.job and item.job.running else None
    shown: Json = {
        "testFailoverState": "None",
        "testFailoverStateDescription": "None",
        "allowedOperations": list(item.operations),
        "currentScenario": _scenario(world, item, job),
        "failoverRecoveryPointId": None,
    }
    test = item.test
    if item.tested_at is not None:
        # The key is absent from an item that was never tested, as recorded.
        shown["lastSuccessfulTestFailoverTime"] = world.clock.stamp(item.tested_at)
    if test is None:
        return shown
    example = world.behaviour.test_failover_state == "WaitingForCompletion"
    state, description = (_EXAMPLE if example else _CLUSTER)[test.stage]
    shown |= {"testFailoverState": state, "testFailoverStateDescription": description}
    if not example:
        return shown
    shown["failoverRecoveryPointId"] = item.point_id(test.point)
    if test.stage is TestStage.WAITING:
        shown["protectionStateDescription"] = "Cleanup test failover pending"
        shown["currentScenario"] = _scenario(world, item, test.job)
    elif test.stage is TestStage.CLEANING:
        # As in the example; that Azure refuses these operations meanwhile is an inference.
        shown["allowedOperations"] = list(item.phase.value[4])
        shown["currentScenario"] = _scenario(world, item, None)
    return shown


def _scenario(world: World, item: ProtectedItem, job: Job | None) -> Json:
    if job is None:
        return {"scenarioName": "None", "jobId": f"{item.vault.id}/replicationJobs/None", "startTime": _NO_JOB_TIME}
    return {"scenarioName": job.scenario, "jobId": job.id, "startTime": world.clock.stamp(job.started)}

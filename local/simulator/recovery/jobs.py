"""Site Recovery jobs. A long-running operation *is* a job: they share the name, and the status follows the job.

A job is planned when it starts; its state is computed from the clock at each read.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace

from local.simulator import latencies
from local.simulator.operations import SIGNATURE
from local.simulator.recovery.errors import missing
from local.simulator.vault.job import Failure, Job, TaskPlan
from local.simulator.vault.model import RecoveryVault
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

AtEnd = Callable[[float], None]
UNSET = "0001-01-01T00:00:00"
# friendlyName and targetInstanceType by scenarioName. Recorded (PS-RPI) or in official examples, but for those below.
SCENARIOS = {
    "CreateSite": ("Create a site", "Server"),
    "CreateCloud": ("Create protection container", "ProtectionContainer"),
    "AddProtectionProfile": ("Create replication policy", "ProtectionProfile"),
    "AssociateProtectionProfile": ("Associate replication policy", "ProtectionProfile"),
    "NetworkPairing": ("Map Networks", "Network"),
    "EnableDr": ("Enable replication", "ProtectionEntity"),
    "SecondaryIrCompletion": ("Finalize protection on the recovery virtual machine", "ProtectionEntity"),
    "UnplannedFailover": ("Failover", "ProtectionEntity"),
    "CommitFailover": ("Commit", "ProtectionEntity"),
    "ReverseReplication": ("Reverse replication", "ProtectionEntity"),
    "TestFailover": ("Test failover", "ProtectionEntity"),
    "TestFailoverCleanup": ("Test failover cleanup", "ProtectionEntity"),
    "AddDisks": ("Add disks", "ProtectionEntity"),  # recorded 2022-10, as all AddDisks jobs without the names of disks
    "SaveRecoveryPlan": ("Save a recovery plan", "RecoveryPlan"),
    "DeleteRecoveryPlan": ("Delete recovery plan", "RecoveryPlan"),
    # Names invented from here on.
    "DisableDr": ("Disable replication", "ProtectionEntity"),
    "PurgeDr": ("Delete replicated item", "ProtectionEntity"),
    "UpdateDr": ("Update virtual machine properties", "ProtectionEntity"),
    "RemoveDisks": ("Remove disks", "ProtectionEntity"),
    "UpdateMobilityService": ("Update Mobility service", "ProtectionEntity"),
    "UpdateProtectionProfile": ("Update replication policy", "ProtectionProfile"),
    "RemoveProtectionProfile": ("Delete replication policy", "ProtectionProfile"),
    "UpdateProtectionProfileAssociation": ("Update replication policy association", "ProtectionProfile"),
    "DissociateProtectionProfile": ("Dissociate replication policy", "ProtectionProfile"),
    "NetworkUnpairing": ("Unmap networks", "Network"),
    "DeleteCloud": ("Delete protection container", "ProtectionContainer"),
    "DeleteSite": ("Delete a site", "Server"),
}


def start(
    world: World,
    call: Call,
    vault: RecoveryVault,
    scenario: str,
    *,
    resource: str,
    target: tuple[str, str],
    seconds: float = 0.0,
    tasks: tuple[TaskPlan, ...] = (),
    done: AtEnd = lambda _moment: None,
    failed: AtEnd = lambda _moment: None,
    result: Callable[[], Json | None] = lambda: None,
    failure: Failure | None = None,
    affected: Json | None = None,
    notes: list[Failure] | None = None,
    details: Callable[[], Json] | None = None,
    placeholder: bool = False,
    renamed: bool = False,
    paced: bool = True,
    instance: str = "",
    at: float | None = None,
) -> tuple[Job, Answer]:
    """Starts a job for a call and returns it with the 202.

    `resource` is the ID that the operation works on, `target` the ID and name of the object in the job's body.
    `done` or `failed` runs when the job ends. A `renamed` job is accepted under
    another name than it has; it starts now, or at `at`; one that is not `paced` has tasks that are drawn already.
    """
    if call.doomed is not None and failure is None:
        failure = Failure(
            code=str(call.doomed.get("code", "28031")),
            message=call.doomed.get("message", "The operation failed due to an internal error."),
            possible_causes=call.doomed.get("possibleCauses", ""),
            recommended_action=call.doomed.get("recommendedAction", ""),
            task=1 if len(tasks) > 1 else 0,
        )
    pace = world.pace(scenario, target[1]) if paced else 1.0
    tasks = tasks or (TaskPlan(f"{scenario}Task", scenario, SCENARIOS[scenario][0], seconds),)
    job = Job(
        vault_id=vault.id,
        scenario=scenario,
        started=world.clock.now() if at is None else at,
        tasks=tuple(replace(task, seconds=task.seconds * pace) for task in tasks),
        target_id=target[0],
        target_name=target[1],
        affected=affected or {},
        result=result,
        failure=failure,
        notes=notes or [],
        activity_id=f"{call.request_id or uuid.uuid4()} ActivityId: {uuid.uuid4()}",
        placeholder=placeholder,
        requested=str(uuid.uuid4()) if renamed else "",
        instance=instance,
    )
    if renamed:
        vault.requested[job.requested] = job
    job.details = details or job.details
    begin(world, vault, job, lambda moment: (failed if job.failure else done)(moment), resource)
    return job, _accepted(world, call, job, resource)


def begin(world: World, vault: RecoveryVault, job: Job, at_end: AtEnd, resource: str) -> None:
    """Registers a job and schedules its end. `resource` is the ID that the job works on."""
    vault.jobs[job.name] = job
    world.changed(job.id)

    def finish(moment: float) -> None:
        if job.over:
            return
        job.over = True
        at_end(moment)
        world.changed(resource)
        world.changed(job.id)

    job.finish = finish
    world.clock.at(job.ends, finish)


def fail(job: Job, failure: Failure, moment: float) -> None:
    """Ends a running job now, in the task that the failure names."""
    job.failure = replace(failure, after=moment - job.begins(failure.task))
    job.finish(moment)


def _accepted(world: World, call: Call, job: Job, resource: str) -> Answer:
    query, name = f"?api-version={call.api_version}{SIGNATURE}", job.requested or job.name
    return Answer(
        202,
        None,
        {
            "Azure-AsyncOperation": f"{call.base_url}{job.vault_id}/replicationOperationStatus/{name}{query}",
            "Location": f"{call.base_url}{resource}/operationresults/{name}{query}",
            **world.clock.retry_headers(latencies.RETRY_AFTER),
            "x-ms-request-id": f"{job.vault_id}/replicationJobs/{name}",
        },
    )


def find(vault: RecoveryVault, name: str) -> Job:
    job = vault.jobs.get(name.lower()) or vault.requested.get(name.lower())
    if job is None:
        raise missing(name)
    return job

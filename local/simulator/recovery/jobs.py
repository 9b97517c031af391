"""Site Recovery jobs. A long-running operation *is* a job: they share the name, and the status follows the job.

A job is planned when it starts; what it shows is worked out from the clock whenever somebody looks.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from local.simulator import latencies
from local.simulator.recovery.errors import Failure, missing
from local.simulator.recovery.model import RecoveryVault
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
    "DeleteRecoveryPlan": ("Delete recovery plan", "RecoveryPlan"),
    # Names invented from here on.
    "DisableDr": ("Disable replication", "ProtectionEntity"),
    "PurgeDr": ("Delete replicated item", "ProtectionEntity"),
    "UpdateDr": ("Update virtual machine properties", "ProtectionEntity"),
    "AddDisks": ("Add disks to replication", "ProtectionEntity"),
    "RemoveDisks": ("Remove disks from replication", "ProtectionEntity"),
    "UpdateProtectionProfile": ("Update replication policy", "ProtectionProfile"),
    "RemoveProtectionProfile": ("Delete replication policy", "ProtectionProfile"),
    "UpdateProtectionProfileAssociation": ("Update replication policy association", "ProtectionProfile"),
    "DissociateProtectionProfile": ("Dissociate replication policy", "ProtectionProfile"),
    "NetworkUnpairing": ("Unmap networks", "Network"),
    "DeleteCloud": ("Delete protection container", "ProtectionContainer"),
    "DeleteSite": ("Delete a site", "Server"),
    "CreateRecoveryPlan": ("Create recovery plan", "RecoveryPlan"),
}


@dataclass(frozen=True, slots=True)
class TaskPlan:
    id: str
    name: str
    friendly_name: str
    seconds: float


@dataclass(slots=True, eq=False)
class Job:
    """`ends` is when it ends, well or not. `notes` are errors of level Information of a job that ends well."""

    vault: RecoveryVault
    scenario: str
    started: float
    tasks: tuple[TaskPlan, ...]
    target_id: str
    target_name: str
    affected: Json
    result: Callable[[], Json | None]
    failure: Failure | None = None
    notes: list[Failure] = field(default_factory=list)
    activity_id: str = ""
    name: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def id(self) -> str:
        return f"{self.vault.id}/replicationJobs/{self.name}"

    @property
    def ends(self) -> float:
        if self.failure is None:
            return self.started + sum(task.seconds for task in self.tasks)
        before = sum(task.seconds for task in self.tasks[: self.failure.task])
        planned = self.tasks[self.failure.task].seconds
        return self.started + before + (planned if self.failure.after is None else self.failure.after)

    def state(self, now: float) -> tuple[str, str]:
        """state and stateDescription."""
        if now < self.ends:
            return "InProgress", "InProgress"
        if self.failure:
            return "Failed", "Failed"  # [U]: documented, never recorded
        return "Succeeded", "CompletedWithInformation" if self.notes else "Completed"


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
) -> tuple[Job, Answer]:
    """Starts a job for a call and answers its 202.

    `resource` is the ID that the operation works on, `target` ID and name of the object as the job shows it.
    `done` or `failed` runs when it ends.
    """
    if call.doomed is not None and failure is None:
        failure = Failure(
            code=str(call.doomed.get("code", "28031")),
            message=call.doomed.get("message", "The operation failed due to an internal error."),
            possible_causes=call.doomed.get("possibleCauses", ""),
            recommended_action=call.doomed.get("recommendedAction", ""),
            task=1 if len(tasks) > 1 else 0,
        )
    job = Job(
        vault=vault,
        scenario=scenario,
        started=world.clock.now(),
        tasks=tasks or (TaskPlan(f"{scenario}Task", scenario, SCENARIOS[scenario][0], seconds),),
        target_id=target[0],
        target_name=target[1],
        affected=affected or {},
        result=result,
        failure=failure,
        notes=notes or [],
        activity_id=f"{uuid.uuid4()} ActivityId: {uuid.uuid4()}",
    )
    begin(world, job, failed if failure else done, resource)
    return job, _accepted(world, call, job, resource)


def begin(world: World, job: Job, at_end: AtEnd, resource: str) -> None:
    """`resource` is the ID that the job works on."""
    job.vault.jobs[job.name] = job
    world.changed(job.id)

    def finish(moment: float) -> None:
        at_end(moment)
        world.changed(resource)
        world.changed(job.id)

    world.clock.at(job.ends, finish)


def _accepted(world: World, call: Call, job: Job, resource: str) -> Answer:
    query = f"?api-version={call.api_version}{world.signature}"
    return Answer(
        202,
        None,
        {
            "Azure-AsyncOperation": f"{call.base_url}{job.vault.id}/replicationOperationStatus/{job.name}{query}",
            "Location": f"{call.base_url}{resource}/operationresults/{job.name}{query}",
            **world.clock.retry_headers(latencies.RETRY_AFTER),
            "x-ms-request-id": job.id,
        },
    )


def find(vault: RecoveryVault, name: str) -> Job:
    job = vault.jobs.get(name.lower())
    if job is None:
        raise missing(name)
    return job

"""Site Recovery jobs. A long-running operation *is* a job: they share the name, and the status follows the job.

A job is planned when it starts; what it shows is worked out from the clock whenever somebody looks.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from local.simulator import latencies
from local.simulator.recovery.errors import Failure, bad_request, missing
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
    begin(world, job, failed if failure else done)
    return job, _accepted(world, call, job, resource)


def begin(world: World, job: Job, at_end: AtEnd) -> None:
    job.vault.jobs[job.name] = job
    world.clock.at(job.ends, at_end)


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


def status_body(world: World, job: Job) -> Json:
    """The operation status: always HTTP 200, percentComplete always null."""
    now = world.clock.now()
    running = now < job.ends
    error: Json | None = None
    if job.failure and not running:
        code, message = job.failure.summary or (job.failure.code, job.failure.message)
        error = {"code": code, "message": message, "details": None}
    return {
        "error": error,
        "id": None,
        "name": job.name,
        "properties": None,
        "status": "InProgress" if running else "Failed" if error else "Succeeded",
        "startTime": world.clock.stamp(job.started),
        "endTime": None if running else world.clock.whole_stamp(job.ends),
        "percentComplete": None,
    }


def view(world: World, job: Job, *, full: bool) -> Json:
    """A list shows no tasks, activity and details; a running job has no endTime at all."""
    now = world.clock.now()
    state, description = job.state(now)
    friendly, instance = SCENARIOS[job.scenario]
    ended = now >= job.ends
    properties: Json = {
        "activityId": job.activity_id if full else None,
        "scenarioName": job.scenario,
        "friendlyName": friendly,
        "state": state,
        "stateDescription": description,
        "tasks": _tasks(world, job, now) if full else [],
        "errors": _errors(world, job, full=full) if ended else [],
        "startTime": world.clock.stamp(job.started),
        "allowedActions": [] if ended else ["Cancel"],
        "targetObjectId": job.target_id,
        "targetObjectName": job.target_name,
        "targetInstanceType": instance,
        "customDetails": None,
    }
    if ended:
        properties["endTime"] = world.clock.whole_stamp(job.ends).replace(".0000000Z", "Z")
    if full:
        properties["customDetails"] = {"instanceType": "AsrJobDetails", "affectedObjectDetails": job.affected}
    return {
        "id": job.id,
        "name": job.name,
        "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
        "properties": properties,
    }


def _tasks(world: World, job: Job, now: float) -> list[Json]:
    views = []
    starts = job.started
    for index, task in enumerate(job.tasks):
        fails_here = job.failure is not None and index == job.failure.task
        ends = job.ends if fails_here else starts + task.seconds
        cut_off = job.failure is not None and index > job.failure.task
        if cut_off or now < starts:
            state, description = "NotStarted", "NotStarted"
        elif now < ends:
            state, description = "InProgress", "InProgress"
        elif fails_here:
            state, description = "Failed", "Failed"
        else:
            state, description = "Succeeded", "Completed"
        views.append(
            {
                "taskId": task.id,
                "name": task.name,
                "startTime": UNSET if state == "NotStarted" else world.clock.stamp(starts),
                "endTime": world.clock.stamp(ends) if state in ("Failed", "Succeeded") else UNSET,
                "allowedActions": [],
                "friendlyName": task.friendly_name,
                "state": state,
                "stateDescription": description,
                "taskType": "TaskDetails",
                "customDetails": {"instanceType": "TaskDetails"},
                "groupTaskCustomDetails": None,
                "errors": _errors(world, job, full=True) if state == "Failed" else [],
            }
        )
        starts = ends
    return views


def _errors(world: World, job: Job, *, full: bool) -> list[Json]:
    """The shape is the official description's: no recording has a failed job."""
    if not full:
        return []
    found = [(job.failure, "Error")] if job.failure else [(note, "Information") for note in job.notes]
    return [
        {
            "serviceErrorDetails": {
                "code": failure.code,
                "message": failure.message,
                "possibleCauses": failure.possible_causes,
                "recommendedAction": failure.recommended_action,
                "activityId": job.activity_id,
            },
            "providerErrorDetails": None,
            "errorLevel": level,
            "creationTime": world.clock.stamp(job.ends),
            "taskId": job.tasks[failure.task].id,
        }
        for failure, level in found
    ]


_FILTER = re.compile(r"^(\w+) eq '?([^']*?)'?$", re.IGNORECASE)
_KEYS = ("starttime", "endtime", "fabricid", "affectedobjecttypes", "jobstatus", "jobname", "timezoneoffset")


def matching(world: World, vault: RecoveryVault, text: str) -> list[Job]:
    """Jobs by `$filter`, newest first. Raises ArmError 400 for a key that the service does not know.

    The keys are the official ones; the OData form and the order of the list are invented, no recording has them.
    """
    wanted: dict[str, str] = {}
    for part in filter(None, (part.strip(" ()") for part in text.split(" and "))):
        found = _FILTER.match(part)
        if not found or found[1].lower() not in _KEYS:
            raise bad_request(f"The filter '{text}' is not valid.", "InvalidFilter")
        wanted[found[1].lower()] = found[2].lower()
    return [job for job in reversed(vault.jobs.values()) if _matches(world, job, wanted)]


def _matches(world: World, job: Job, wanted: dict[str, str]) -> bool:
    state = job.state(world.clock.now())[0].lower()
    started = world.clock.stamp(job.started).lower()
    return (
        state in wanted.get("jobstatus", state).split(",")
        and job.name == wanted.get("jobname", job.name)
        and started >= wanted.get("starttime", started)
        and started <= wanted.get("endtime", started)
        and SCENARIOS[job.scenario][1].lower() in wanted.get("affectedobjecttypes", SCENARIOS[job.scenario][1].lower())
    )


def find(vault: RecoveryVault, name: str) -> Job:
    job = vault.jobs.get(name.lower())
    if job is None:
        raise missing(name)
    return job

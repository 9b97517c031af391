"""The bodies of jobs and of operation statuses, and the filter of the list of jobs."""

import re

from local.simulator.recovery.errors import bad_request
from local.simulator.recovery.jobs import SCENARIOS, UNSET
from local.simulator.vault.job import Job, TaskPlan
from local.simulator.vault.model import RecoveryVault
from local.simulator.wire import Json
from local.simulator.world import World

TYPE = "Microsoft.RecoveryServices/vaults/replicationJobs"
_FILTER = re.compile(r"^(\w+) eq '?([^']*?)'?$", re.IGNORECASE)
_KEYS = ("starttime", "endtime", "fabricid", "affectedobjecttypes", "jobstatus", "jobname", "timezoneoffset")


def status_body(world: World, job: Job) -> Json:
    """The operation status: always HTTP 200, percentComplete always null."""
    running = job.running or job.held
    error: Json | None = None
    if job.failure and not running:
        code, message = job.failure.summary or (job.failure.code, job.failure.message)
        error = {"code": code, "message": message, "details": None}
    return {
        "error": error,
        "id": None,
        "name": job.requested or job.name,
        "properties": None,
        "status": "InProgress" if running else "Failed" if error else "Succeeded",
        "startTime": world.clock.stamp(job.started),
        "endTime": None if running else world.clock.whole_stamp(job.ends),
        "percentComplete": None,
    }


def view(world: World, job: Job, *, full: bool) -> Json:
    """The body of a job. A list has no tasks, activity and details; a running job has no endTime."""
    now = world.clock.now()
    state, description = job.state
    friendly, instance = SCENARIOS[job.scenario]
    ended = not job.running and not job.held
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
        "targetInstanceType": job.instance or instance,
        "customDetails": None,
    }
    if ended:
        properties["endTime"] = world.clock.whole_stamp(job.ends).replace(".0000000Z", "Z")
    if full:
        properties["customDetails"] = {**job.details(), "affectedObjectDetails": job.affected}
    return world.shown({"id": job.id, "name": job.name, "type": TYPE, "properties": properties})


def placeholder(world: World, job: Job) -> Json:
    """A job that the service has accepted and not yet planned, as recorded."""
    properties: Json = {
        "activityId": job.activity_id,
        "scenarioName": None,
        "friendlyName": None,
        "state": "NotStarted",
        "stateDescription": "NotStarted",
        "tasks": [],
        "errors": [],
        "allowedActions": [],
        "targetObjectId": None,
        "targetObjectName": None,
        "targetInstanceType": "ProtectionEntity",
        "customDetails": {"instanceType": "AsrJobDetails", "affectedObjectDetails": {}},
    }
    name = job.requested or job.name
    job_id = f"{job.vault_id}/replicationJobs/{name}"
    return world.shown({"id": job_id, "name": name, "type": TYPE, "properties": properties})


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
                **_kind(world, job, task, state),
                "errors": _errors(world, job, full=True) if state == "Failed" else [],
            }
        )
        starts = ends
    return views


def _kind(world: World, job: Job, task: TaskPlan, state: str) -> Json:
    """Of a group it holds a task for each VM, in its own state where that has a job of its own."""
    if not task.group:
        details = {"instanceType": "TaskDetails"}
        return {"taskType": "TaskDetails", "customDetails": details, "groupTaskCustomDetails": None}
    kind = "RecoveryPlanGroupTaskDetails"
    children = [_child(world, child) for child in job.children] if state != "NotStarted" else []
    group = {"name": task.id, "groupId": task.id, "rpGroupType": task.group, "instanceType": kind}
    return {"taskType": kind, "customDetails": None, "groupTaskCustomDetails": {**group, "childTasks": children}}


def _child(world: World, job: Job) -> Json:
    state, description = job.state
    friendly, _ = SCENARIOS[job.scenario]
    task = {
        "jobId": job.id,
        "jobFriendlyName": friendly,
        "targetObjectId": job.target_id,
        "targetObjectName": job.target_name,
        "targetInstanceType": "Vm",
        "jobScenarioName": job.scenario,
    }
    return {
        "taskId": job.name,
        "name": "Unknown",
        "startTime": world.clock.stamp(job.started),
        "endTime": UNSET if job.running else world.clock.stamp(job.ends),
        "allowedActions": [],
        "friendlyName": job.target_name,
        "state": state,
        "stateDescription": description,
        "taskType": "VirtualMachineTaskDetails",
        "customDetails": {
            "skippedReason": "None",
            "skippedReasonString": None,
            "jobTask": task,
            "instanceType": "VirtualMachineTaskDetails",
        },
        "groupTaskCustomDetails": None,
        "errors": _errors(world, job, full=True) if job.failure and not job.running else [],
    }


def _errors(world: World, job: Job, *, full: bool) -> list[Json]:
    """The shape is from the official description: no recording has a failed job."""
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
    return [job for job in reversed(vault.jobs.values()) if not wanted or _matches(world, job, wanted)]


def _matches(world: World, job: Job, wanted: dict[str, str]) -> bool:
    state = job.state[0].lower()
    started = world.clock.stamp(job.started).lower()
    instance = (job.instance or SCENARIOS[job.scenario][1]).lower()
    return (
        state in wanted.get("jobstatus", state).split(",")
        and job.name == wanted.get("jobname", job.name)
        and started >= wanted.get("starttime", started)
        and started <= wanted.get("endtime", started)
        and instance in wanted.get("affectedobjecttypes", instance)
    )

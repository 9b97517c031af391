"""The temporary recovery plan with which the VMs of a consistency group are tested together.

Its name has a random part and is in the records of the drill before the plan is made, so that no other plan is meant.
It is removed when nothing of the drill is left, and only if no one has put anything else into it.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError
from shared.arm.fields import Json, objects, part, required, text, time_of
from shared.arm.listing import Listing, read_listing, read_one
from shared.model.drill import Drill, DrillPoint
from shared.model.drill_words import APP_CONSISTENT, LATEST, LATEST_PROCESSED
from shared.model.replicated_item import TEST_FAILOVER, JobStage
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Pending
from shared.planning.drill_checks import DrillItem
from shared.site_recovery.infrastructure import begin
from shared.site_recovery.vault import API_VERSION, Vault, read_if_there, vault_of

POINTS = {LATEST: "Latest", LATEST_PROCESSED: "LatestProcessed", APP_CONSISTENT: "LatestApplicationConsistent"}
"""How a plan is asked for a recovery point: one for all its VMs, by its kind."""

_TYPE, _PREFIX = "replicationRecoveryPlans", "dr-drill-"
_OWN_NAME = re.compile(rf"{_PREFIX}[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}", re.IGNORECASE)


class PlanRefusedError(WriteRefusedError):
    """The plan could not be made, or is not as it was made. It ends a drill, and is no finding."""


@dataclass(frozen=True, kw_only=True)
class RecoveryPlan:
    """A plan as its own read shows it: the items in its groups, what it allows now, and its last job."""

    items: frozenset[ResourceId]
    allowed: frozenset[str]
    job: str


def plan_of(vault: ResourceId, request: str) -> ResourceId:
    """The plan for the drill with that request ID. No other one has the name."""
    return vault.child(_TYPE, f"{_PREFIX}{request}")


async def lost_plans(azure: Azure) -> list[ResourceId]:
    """The plans with such a name that no open record of a drill names, by a list of each vault, where drills are on.

    Raises HttpResponseError, MalformedResponseError, OriginStoreError.
    """
    if not azure.settings.drills:
        return []
    # Before the list and after it: a drill that begins or ends meanwhile has its records at one of these times.
    drills = await azure.drills.open()
    found = [plan for vault in azure.settings.vault_ids for plan in await _listed(azure, vault)]
    known = {drill.plan for drill in (*drills, *(await azure.drills.open() if found else ()))}
    return [plan for plan in found if plan not in known]


async def _listed(azure: Azure, vault: ResourceId) -> Listing[ResourceId]:
    def named(found: Json) -> ResourceId | None:
        plan = required(found["id"])
        return plan if _OWN_NAME.fullmatch(plan.name) else None

    path = f"{vault}/{_TYPE}"
    return await read_listing(azure.list(path, API_VERSION), path, named, ())


async def read_plan(azure: Azure, plan: ResourceId) -> RecoveryPlan | None:
    """The plan as it is now, or None if it does not exist. Raises HttpResponseError, MalformedResponseError."""
    return await read_if_there(azure, plan, "the recovery plan", _plan)


def _plan(found: Json) -> RecoveryPlan:
    properties = found["properties"]
    job = text(part(properties, "currentScenario").get("jobId")).rpartition("/")[2]
    items = (each for group in properties["groups"] for each in objects(group, "replicationProtectedItems"))
    return RecoveryPlan(
        items=frozenset(required(each["id"]) for each in items),
        allowed=frozenset(map(text, properties.get("allowedOperations") or ())),
        job="" if job == "None" else job,
    )


async def make_plan(
    azure: Azure, plan: ResourceId, drills: Sequence[Drill], seen: Sequence[DrillItem]
) -> Pending | None:
    """Makes the plan with exactly these items, once. None when it is there, and can be tested.

    Raises HttpResponseError, MalformedResponseError, and WriteRefusedError for a plan that is not as it was made.
    """
    vault, poll = vault_of(azure, drills[0].vault), azure.settings.poll_seconds
    found = await read_plan(azure, plan)
    if found is None:
        job = await _job_of(vault, plan)
        if job and job.stage is JobStage.FAILED:
            error = await vault.job_error(job.name)
            raise PlanRefusedError("PlanNotMade", f"The recovery plan {plan.name} could not be made: {error}")
        if job is None:
            await _save(azure, plan, drills, seen)
        lost = job and job.stage is JobStage.SUCCEEDED
        missing = Error(code="PlanNotMade", message=f"The recovery plan {plan.name} was made, and is not there.")
        return Pending(retry_after=poll, step="Making the recovery plan of the group", error=missing if lost else None)
    if found.items != {drill.item for drill in drills}:
        raise PlanRefusedError("PlanChanged", f"The recovery plan {plan.name} does not have the items of the group")
    if TEST_FAILOVER not in found.allowed:
        allowed = ", ".join(sorted(found.allowed)) or "nothing"
        busy = Error(code="ItemBusy", message=f"The recovery plan {plan.name} allows now: {allowed}.")
        return Pending(retry_after=poll, error=busy)
    return None


async def _job_of(vault: Vault, plan: ResourceId) -> Any:
    """The newest job on the plan, or None."""
    vault.jobs.forget()
    return next((job for job in await vault.jobs.get() if job.target.lower() == plan.name.lower()), None)


async def _save(azure: Azure, plan: ResourceId, drills: Sequence[Drill], seen: Sequence[DrillItem]) -> None:
    azure.check_write(plan)
    for drill in drills:
        azure.check_drill(drill.vm)
    await azure.origins.intend(plan)
    members = [models.RecoveryPlanProtectedItem(id=str(drill.item)) for drill in drills]
    properties = models.CreateRecoveryPlanInputProperties(
        primary_fabric_id=str(drills[0].item.parent.parent),
        recovery_fabric_id=str(seen[0].recovery_fabric),
        failover_deployment_model="ResourceManager",
        groups=[models.RecoveryPlanGroup(group_type="Boot", replication_protected_items=members)],
    )
    body = models.CreateRecoveryPlanInput(properties=properties)
    await _send(azure, plan, _operations(azure, plan).begin_create, body)


async def test_plan(azure: Azure, plan: ResourceId, drill: Drill) -> str:
    """Requests the test failover of all VMs of the plan, to one point in time. Returns the name of the job."""
    details = models.RecoveryPlanA2AFailoverInput(
        recovery_point_type=POINTS[drill.order.recovery_point],
        multi_vm_sync_point_option="UseMultiVmSyncRecoveryPoint",
    )
    properties = models.RecoveryPlanTestFailoverInputProperties(
        failover_direction="PrimaryToRecovery",
        network_type="VmNetworkAsInput",
        network_id=str(drill.network),
        provider_specific_details=[details],
    )
    body = models.RecoveryPlanTestFailoverInput(properties=properties)
    return await _send(
        azure, plan, _operations(azure, plan).begin_test_failover, body, retry_total=0, request_id=drill.request
    )


async def clean_up_plan(azure: Azure, plan: ResourceId, comment: str) -> str:
    """Requests the cleanup of the test failover of all VMs of the plan. Returns the name of the job."""
    properties = models.RecoveryPlanTestFailoverCleanupInputProperties(comments=comment)
    body = models.RecoveryPlanTestFailoverCleanupInput(properties=properties)
    return await _send(azure, plan, _operations(azure, plan).begin_test_failover_cleanup, body, retry_total=0)


async def remove_plan(azure: Azure, plan: ResourceId, drills: Sequence[Drill]) -> Pending | None:
    """Removes the plan; None when it is shown to be gone. Nothing of the drill is left then.

    Raises HttpResponseError, MalformedResponseError, and WriteRefusedError while all writes are stopped, or for a plan
    that has anything but the items of the drill: somebody uses it.
    """
    vault, poll = vault_of(azure, plan.parent), azure.settings.poll_seconds
    # In this order: a plan that is being made is there once its job has ended.
    job, found = await _job_of(vault, plan), await read_plan(azure, plan)
    going_on = Pending(retry_after=poll, step="Removing the recovery plan of the group")
    if job and job.stage is JobStage.RUNNING:
        return going_on
    if found is None:
        await azure.origins.withdraw(plan)
        return None
    if strange := await _items_of_others(azure, found, drills):
        names = ", ".join(sorted(item.name for item in strange))
        raise PlanRefusedError("PlanChanged", f"The recovery plan {plan.name} has the items of others: {names}")
    azure.check_drill_cleanup(drills[0])
    await _send(azure, plan, _operations(azure, plan).begin_delete)
    return going_on


async def _items_of_others(azure: Azure, plan: RecoveryPlan, drills: Sequence[Drill]) -> frozenset[ResourceId]:
    """The items in the plan that no record of the drill is about, an open or a closed one. `drills` are the open
    records."""
    ended = await azure.drills.ended_with(drills[0])
    return plan.items - {drill.item for drill in (*drills, *ended)}


async def points_of(azure: Azure, drills: Sequence[Drill]) -> dict[ResourceId, DrillPoint]:
    """The recovery points that the job of the test took, by VM, where it tells. Raises HttpResponseError,
    MalformedResponseError."""
    first = drills[0]
    found = await vault_of(azure, first.vault).read_job(first.job)
    rows = read_one(found, f"the job {first.job}", _points)
    return {
        drill.vm: DrillPoint(id=drill.item.child("recoveryPoints", name), time=time, type=drill.order.recovery_point)
        for drill in drills
        for test_vm, name, time in rows
        if test_vm.lower() == drill.test_vm.name.lower() and name and time
    }


def _points(found: Json) -> list[tuple[str, str, datetime | None]]:
    rows = objects(part(found["properties"], "customDetails"), "protectedItemDetails")
    return [
        (text(each.get("testVmName")), text(each.get("recoveryPointId")), time_of(each.get("recoveryPointTime")))
        for each in rows
    ]


def _operations(azure: Azure, plan: ResourceId) -> Any:
    return vault_of(azure, plan.parent).client.replication_recovery_plans


async def _send(azure: Azure, plan: ResourceId, send: Callable[..., Awaitable[Any]], *body: Any, **options: Any) -> str:
    vault = vault_of(azure, plan.parent)
    try:
        job: str = await begin(send, vault.id.resource_group, vault.id.name, plan.name, *body, **options)
        return job
    finally:
        vault.items.forget()
        vault.jobs.forget()

"""Test failover of an item, or of a consistency group by its plan; the cleanup; and whose a test failover is."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.client import Azure
from shared.arm.fields import Json, objects, part, reference, text
from shared.arm.listing import NotKnownError, read_one
from shared.model.drill import Drill, DrillPoint
from shared.model.drill_words import APP_CONSISTENT, LATEST, LATEST_PROCESSED
from shared.model.item_details import RecoveryPoint
from shared.model.replicated_item import TEST_FAILOVER, Job, JobStage, ProtectedItem
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.planning.drill_checks import DrillItem
from shared.site_recovery.infrastructure import begin
from shared.site_recovery.item_details import recovery_points
from shared.site_recovery.parsing import item_of
from shared.site_recovery.recovery_plans import clean_up_plan, read_plan, test_plan
from shared.site_recovery.vault import read_if_there, vault_of

_DISK = "Microsoft.Compute/disks"
# Two clocks: the start of a job is by Azure's, the time of the record by this app's.
_CLOCKS_DIFFER = timedelta(minutes=1)


class UnknownPointError(LookupError):
    """The item has no such recovery point; the text says so."""


async def read_drill_item(azure: Azure, item: ResourceId) -> DrillItem | None:
    """The item as it is now, by a read of its own: no list shows a change so early. None if it is proven to be gone.

    Raises HttpResponseError, MalformedResponseError.
    """
    return await read_if_there(azure, item, "the item", lambda body: _drill_item(body, azure.settings.deployment))


def _drill_item(found: Json, deployment: str) -> DrillItem:
    item, a2a = item_of(found, deployment), part(found["properties"], "providerSpecificDetails")
    if item is None:
        raise ValueError("it is no item of Azure to Azure")
    group, name = reference(a2a.get("recoveryAzureResourceGroupId")), text(a2a.get("tfoAzureVMName"))
    disks = [_test_disk(disk) for disk in objects(a2a, "protectedManagedDisks")]
    configurations = [each for nic in objects(a2a, "vmNics") for each in objects(nic, "ipConfigs")]
    addresses = (reference(each.get("tfoPublicIPAddressId")) for each in configurations)
    return DrillItem(
        item=item,
        recovery_fabric=reference(found["properties"].get("recoveryFabricId")),
        allowed=tuple(map(text, found["properties"].get("allowedOperations") or ())),
        test_vm=ResourceId.of(group.subscription, group.resource_group, VIRTUAL_MACHINE, name)
        if group and name
        else None,
        test_disks=tuple(disk for disk in disks if disk) if disks and all(disks) else None,
        public_ips=tuple(each for each in addresses if each),
    )


def _test_disk(disk: Json) -> ResourceId | None:
    group, name = reference(disk.get("recoveryResourceGroupId")), text(disk.get("tfoDiskName"))
    return ResourceId.of(group.subscription, group.resource_group, _DISK, name) if group and name else None


async def find_point(azure: Azure, item: ProtectedItem, asked: str) -> DrillPoint | None:
    """The recovery point that is asked for; None for the latest, which has no name.

    Raises UnknownPointError, HttpResponseError, MalformedResponseError.
    """
    if asked == LATEST:
        return None
    points = await recovery_points(azure, item)
    found = next((point for point in points if _is_asked(point, asked)), None)
    if found is None:
        kinds = ", ".join(sorted({point.type for point in points})) or "none"
        raise UnknownPointError(
            f"{item.source.name} has no recovery point {asked!r} among its {len(points)} (of the types: {kinds})."
        )
    return DrillPoint(id=found.id, time=found.time, type=found.type)


def _is_asked(point: RecoveryPoint, asked: str) -> bool:
    if asked == APP_CONSISTENT:
        return point.type.lower() == "applicationconsistent"
    return asked == LATEST_PROCESSED or asked.rstrip("/").rpartition("/")[2].lower() == point.name.lower()


async def test_failover(azure: Azure, drills: Sequence[Drill]) -> str:
    """Requests the test failover of a recorded drill. Returns the name of the job.

    Sent once and never repeated by the SDK: after a lost response `job_of` tells whether it was accepted. Raises
    HttpResponseError.
    """
    drill = drills[0]
    for each in drills:
        azure.check_drill(each.vm)
        azure.check_write(each.vault, each.test_vm, each.network)
    if drill.plan:
        return await test_plan(azure, drill.plan, drill)
    provider = models.A2ATestFailoverInput(recovery_point_id=str(drill.point.id) if drill.point else None)
    body = models.TestFailoverInput(
        properties=models.TestFailoverInputProperties(
            failover_direction="PrimaryToRecovery",
            network_type="VmNetworkAsInput",
            network_id=str(drill.network),
            provider_specific_details=provider,
        )
    )
    send = vault_of(azure, drill.vault).client.replication_protected_items.begin_test_failover
    return await _begin(azure, drill, send, body, request_id=drill.request)


async def clean_up(azure: Azure, drills: Sequence[Drill]) -> str:
    """Requests the cleanup of the test failover of these, whose job is proven to be the drill's. Returns the name of
    the job. A plan that somebody has deleted cleans up nothing: then each item is cleaned up by itself.

    Raises HttpResponseError, and WriteRefusedError while all writes are stopped.
    """
    drill, job = drills[0], ""
    azure.check_drill_cleanup(drill)
    comment = f"Cleanup of the drill {drill.token}"
    if drill.plan and await read_plan(azure, drill.plan):
        return await clean_up_plan(azure, drill.plan, comment)
    properties = models.TestFailoverCleanupInputProperties(comments=comment)
    body = models.TestFailoverCleanupInput(properties=properties)
    send = vault_of(azure, drill.vault).client.replication_protected_items.begin_test_failover_cleanup
    for each in drills:
        job = await _begin(azure, each, send, body)
    return job


async def _begin(azure: Azure, drill: Drill, send: Callable[..., Awaitable[Any]], body: Any, **options: str) -> str:
    vault, container = vault_of(azure, drill.vault), drill.item.parent
    path = (vault.id.resource_group, vault.id.name, container.parent.name, container.name, drill.item.name)
    try:
        job: str = await begin(send, *path, body, retry_total=0, **options)
        return job
    finally:
        vault.items.forget()
        vault.jobs.forget()


async def job_of(azure: Azure, drill: Drill, seen: Sequence[DrillItem]) -> str:
    """The name of the job that the drill's own request has started, or "": it shows the client request ID of the
    record. Raises NotKnownError if the list of jobs may hold it in a row that could not be read, HttpResponseError."""
    if drill.job:
        return drill.job
    vault = vault_of(azure, drill.vault)
    vault.jobs.forget()
    jobs = await vault.jobs.get()
    named = [job.name for job in jobs if _may_be_of(job, drill)]
    for name in dict.fromkeys((*await under_way(azure, drill, seen), *named)):
        if await vault.request_of(name) == drill.request:
            return str(name)
    for row in jobs.listing.unread:
        raise NotKnownError(row)
    return ""


def _may_be_of(job: Job, drill: Drill) -> bool:
    started_later = job.started is None or job.started >= drill.recorded_at - _CLOCKS_DIFFER
    about = (drill.plan or drill.vm).name.lower()
    return job.scenario == TEST_FAILOVER and job.target.lower() in {about, ""} and started_later


async def under_way(azure: Azure, drill: Drill, seen: Sequence[DrillItem]) -> tuple[str, ...]:
    """The jobs that the plan of the drill and its items name, without order of time: each may have ended."""
    plan = await read_plan(azure, drill.plan) if drill.plan else None
    return tuple(filter(None, (plan.job if plan else "", *(each.item.job for each in seen))))


async def began(azure: Azure, drill: Drill, seen: Sequence[DrillItem]) -> str:
    """The name of the drill's job if it began something, or "": what is in test failover then is somebody else's.

    A job that fails at its first task, the check of the prerequisites, has begun nothing. Raises as `job_of`.
    """
    name = await job_of(azure, drill, seen)
    vault = vault_of(azure, drill.vault)
    found = await vault.job(name) if name else None
    if found and found.stage is JobStage.FAILED:
        body = await vault.read_job(name)
        return "" if read_one(body, f"the job {name}", _failed_at_once) else name
    return name


def _failed_at_once(found: Json) -> bool:
    states = [text(task["state"]).lower() for task in objects(found["properties"], "tasks")]
    return states[:1] == ["failed"] and set(states[1:]) == {"notstarted"}

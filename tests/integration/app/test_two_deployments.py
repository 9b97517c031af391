"""Two deployments on one vault and one target, each with a tag, a name and records of its own, through real clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.create_target_resources import create_target_resource
from activities.disable_protection import disable_protection
from activities.enable_protection import enable_protection
from activities.monitor_job import monitor_job
from activities.remove_orphans import remove_orphans
from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.model.activity_io import EnableRequest, JobRequest, VmRequest
from shared.model.decision import Action
from shared.model.plan import Plan
from shared.model.resource_id import ResourceId
from shared.model.step_result import Failed, Pending, Ready, StepResult
from shared.model.target_resources import AvailabilitySet, PlacementGroup, ResourceGroup, VirtualNetwork
from shared.observe.inventory import compliance_report
from shared.observe.target_settings import derive_target_settings
from shared.observe.vm import observe
from shared.provision.registry import usage
from shared.reconcile.orphans import reason_to_keep
from shared.reconcile.sweep import Sweep, SweepReport
from shared.site_recovery.replicated_items import find_protection
from shared.site_recovery.vault import vault_of
from tests.integration.app.conftest import Reach
from tests.integration.simulator.azure import GROUP, estate, machine, vm_id
from tests.waiting import eventually

ONE, TWO = ResourceId(vm_id("web-1")), ResourceId(vm_id("web-2"))
CLEANUP = {"mode": "cleanup", "untag_grace_hours": 0, "max_disable_percent_per_day": 100, "poll_seconds": 0.1}
SET = f"{GROUP}/providers/Microsoft.Compute/availabilitySets/set"


@asynccontextmanager
async def other(first: Azure, folder: Path) -> AsyncIterator[Azure]:
    """A deployment that knows nothing of the first but its vault and its target."""
    changes = {"deployment": "func-2", "tag_name": "backup", "origin_store": str(folder / "others")}
    second = Azure(first.settings.model_copy(update=changes))
    try:
        yield second
    finally:
        await second.close()


async def done(result: StepResult) -> bool:
    assert not isinstance(result, Failed), result
    return isinstance(result, Ready)


async def prepared(azure: Azure, vm: ResourceId) -> EnableRequest:
    """The VM is planned and its target resources are created, as its run does it."""
    found = (await observe(azure, vm)).vm
    assert found
    derived = await derive_target_settings(azure, found)
    assert isinstance(derived, Ready)
    plan = Plan.load(derived.value)
    assert plan.replication, plan.findings
    for resource in (resource for wave in plan.resources for resource in wave):

        async def made(resource: Any = resource) -> bool:
            return await done(await create_target_resource(azure, resource))

        await eventually(made)
    return EnableRequest(vm_id=vm, replication=plan.replication)


async def protect(azure: Azure, vm: ResourceId) -> None:
    """As the run of the VM does it."""
    request = await prepared(azure, vm)
    enabled = await enable_protection(azure, request)
    assert isinstance(enabled, Ready)
    job = JobRequest(vm_id=vm, job=enabled.value["job"], vault=request.replication.vault)

    async def followed() -> bool:
        result = await monitor_job(azure, job)
        assert "error" not in (result.value if isinstance(result, Ready) else {}), result
        return not isinstance(result, Pending)

    await eventually(followed)


async def swept(azure: Azure) -> SweepReport:
    sweep = Sweep(poll_seconds=0.1, done=True, report=SweepReport(read_at=datetime.now(UTC)))
    outcome = await remove_orphans(azure, sweep)
    assert isinstance(outcome, Ready)
    report = Sweep.load(outcome.value).report
    assert report
    return report


async def left_alone(azure: Azure, vm: ResourceId) -> None:
    """The deployment finds that the VM is protected by another's item, and neither its sweep nor a request ends it."""
    (status,) = [each for each in (await compliance_report(azure, 0)).vm_statuses if each.vm_id == vm]
    assert (status.action, status.made_by_app) == (Action.NONE, False)
    assert "NotManagedByApp" in [each.code for each in status.findings]
    for confirmed in (False, True):
        assert await disable_protection(azure, VmRequest(vm_id=vm, confirmed=confirmed)) == Ready(value={"job": ""})
    assert await find_protection(azure, vm)
    assert (await swept(azure)).removed == ()


async def test_neither_disables_or_removes_what_the_other_made(reach: Reach, tmp_path: Path) -> None:
    there = estate(
        machine("web-1", tags={"dr": "true"}, availabilitySet=SET), machine("web-2", tags={"backup": "true"})
    )
    there["availabilitySets"] = [{"id": SET, "location": "eastus"}]
    async with reach(there, speed=3000, **CLEANUP) as (first, simulator), other(first, tmp_path) as second:
        await protect(first, ONE)
        await left_alone(second, ONE)
        await protect(second, TWO)
        await left_alone(first, TWO)
        await left_alone(second, ONE)

        accounts = {each["name"] for each in _accounts(simulator) if each["name"].startswith("asrcache")}
        writes = [each for each in simulator.gateway.log.after(0) if each["method"] == "DELETE"]
        removals = [each for each in simulator.gateway.log.after(0) if each["path"].lower().endswith("/remove")]
        # Each ends its own, whatever the other has there.
        found = simulator.world.store.get(str(ONE))
        assert found
        found.body["tags"] = {}
        outcome = await disable_protection(first, VmRequest(vm_id=ONE))

    assert (writes, removals) == ([], [])
    assert len(accounts) == 2
    assert isinstance(outcome, Ready)
    assert outcome.value["job"]


HERE = {"location": "westus2"}
AT_ONCE = (
    ResourceGroup(id=ResourceId.of(ONE.subscription, "both-asr"), **HERE),
    VirtualNetwork(
        id=ResourceId.of(ONE.subscription, "web-asr", VirtualNetwork.type, "both-asr"),
        address_space=("10.7.0.0/16",),
        subnets={"web": ("10.7.1.0/24",)},
        **HERE,
    ),
    AvailabilitySet(
        id=ResourceId.of(ONE.subscription, "web-asr", AvailabilitySet.type, "both-asr"),
        fault_domains=2,
        update_domains=5,
        sku="Aligned",
        **HERE,
    ),
    PlacementGroup(id=ResourceId.of(ONE.subscription, "web-asr", PlacementGroup.type, "both-asr"), **HERE),
)


@pytest.mark.parametrize("wanted", AT_ONCE, ids=lambda wanted: wanted.kind)
async def test_what_two_create_at_once_is_whole_and_at_most_one_may_ever_remove_it(
    reach: Reach, tmp_path: Path, wanted: Any
) -> None:
    """Azure takes both requests, and keeps the tags of the later one: the proof counts with the tags beside it only."""
    async with reach(estate(), speed=3000, **CLEANUP) as reached, other(reached.azure, tmp_path) as second:
        first, both = reached.azure, (reached.azure, second)
        # Each finds that it does not exist before the first request has arrived.
        reached.fault(match={"method": "PUT", "path": f"/{wanted.id.name}$"}, kind="slow", seconds=2)
        if wanted.id.type:
            group = ResourceGroup(id=wanted.id.group_id, **HERE)
            await create_target_resource(first, group)

        async def made() -> bool:
            request = wanted
            ended = await asyncio.gather(*(create_target_resource(azure, request) for azure in both))
            return all([await done(result) for result in ended])

        await eventually(made)
        puts = [each for each in reached.calls(f"/{wanted.id.name}") if each["method"] == "PUT"]
        removable = []
        for azure in both:
            origin, _ = await azure.origins.proof(wanted.id)
            found = await usage(azure, wanted.id)
            assert origin
            assert found
            assert found.content == origin.content
            found = replace(found, use=(), created_at=found.created_at or origin.intended_at)
            later = datetime.now(UTC) + timedelta(days=30)
            removable.append(reason_to_keep(found, origin, (), later, azure.settings) == "")

    assert len(puts) == 2
    assert sum(removable) <= 1


@pytest.mark.parametrize("kind", ["no fault", "lost-response"])
async def test_a_host_that_is_killed_after_it_has_enabled_loses_no_proof(reach: Reach, kind: str) -> None:
    """No run follows the item: the tag is lost before the next host starts. The second deployment has no record."""
    async with reach(estate(machine("web-1", tags={"dr": "true"})), speed=3000, **CLEANUP) as reached:
        azure, simulator = reached
        request = await prepared(azure, ONE)
        if kind != "no fault":
            reached.fault(match={"method": "PUT", "path": "/replicationProtectedItems/"}, kind=kind, times=1)
        await to_step_result(enable_protection(azure, request), 0.1)

        async def replicates() -> bool:
            found = await find_protection(azure, ONE)
            return found is not None and bool(found[1].incarnation)

        await eventually(replicates)
        item = (await vault_of(azure, request.replication.vault).items.get()).of(ONE)
        origin = await azure.origins.of(item.id) if item else None
        next_host = Azure(azure.settings)
        found = simulator.world.store.get(str(ONE))
        assert found
        found.body["tags"] = {}
        job = ""

        async def disabled() -> bool:
            nonlocal job
            outcome = await disable_protection(next_host, VmRequest(vm_id=ONE))
            # The item is there before its enable job has ended.
            assert isinstance(outcome, Ready | Pending)
            job = outcome.value["job"] if isinstance(outcome, Ready) else ""
            return isinstance(outcome, Ready)

        await eventually(disabled)
        await next_host.close()

    assert origin
    assert origin.proven_at is None
    assert job


def _accounts(simulator: Any) -> list[dict[str, Any]]:
    found = simulator.world.store.of_type(ONE.subscription, "Microsoft.Storage/storageAccounts")
    return [each.body for each in found]

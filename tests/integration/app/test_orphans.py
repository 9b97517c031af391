"""Orphaned resources of the target, through the real clients: how they are found, removed, and made again meanwhile."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.create_target_resources import create_target_resource
from activities.remove_orphans import remove_orphans
from local.simulator import Simulator
from local.simulator.graph import index
from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.arm.fields import incarnation_of
from shared.model import naming
from shared.model.names import DEFAULT_NAMES
from shared.model.origin import Origin
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending, Ready, StepResult
from shared.model.target_resources import ResourceGroup, TargetResource
from shared.reconcile.orphans import digest_of
from shared.reconcile.sweep import Sweep, SweepReport
from tests.integration.app.conftest import DEPLOYMENT, Reach
from tests.integration.simulator.azure import (
    CACHE,
    GROUP,
    SUBSCRIPTION,
    TARGET_GROUP,
    VAULT_ID,
    estate,
    machine,
    protected,
    ready_vault,
)
from tests.waiting import eventually

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
TAGS = {naming.MADE_BY: naming.maker(DEPLOYMENT), naming.MADE_AT: MADE_AT.isoformat()}
SET = f"{TARGET_GROUP}/providers/Microsoft.Compute/availabilitySets/set-asr"
NEAR = f"{TARGET_GROUP}/providers/Microsoft.Compute/proximityPlacementGroups/near-asr"
VNET = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-old-asr"
OLD_CACHE = DEFAULT_NAMES.cache_account(SUBSCRIPTION, "eastus", DEPLOYMENT)
SUBNETS = [{"name": "web", "prefix": "10.7.1.0/24"}]
CONTENT = digest_of(["10.7.0.0/16"], {"web": ["10.7.1.0/24"]})


def world(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A VM that no one tags, and what an earlier one left behind. The network in use is somebody else's."""
    there = estate(machine("web-1", tags={}), siteRecovery=ready_vault(list(items)))
    there["networks"].append(
        {
            "id": VNET,
            "location": "westus2",
            "addressSpace": ["10.7.0.0/16"],
            "subnets": SUBNETS,
            "tags": TAGS,
        }
    )
    there["storageAccounts"].append({"id": str(OLD_CACHE), "location": "eastus", "tags": TAGS})
    there["resourceGroups"] = [
        {"id": TARGET_GROUP, "location": "westus2", "tags": TAGS},
        {"id": str(OLD_CACHE.group_id), "location": "eastus", "tags": TAGS},
    ]
    there["resources"] = [{"id": NEAR, "location": "westus2", "tags": TAGS}]
    there["availabilitySets"] = [{"id": SET, "location": "westus2", "proximityPlacementGroup": NEAR, "tags": TAGS}]
    return {**there, **changes}


async def prove(azure: Azure, simulator: Simulator) -> None:
    """Writes the records of a deployment that has created all this."""
    store = simulator.world.store
    for resource in (SET, NEAR, VNET, str(OLD_CACHE), TARGET_GROUP, str(OLD_CACHE.group_id)):
        found = store.get(resource)
        content = CONTENT if resource == VNET else ""
        origin = Origin(resource=ResourceId(resource), intended_at=MADE_AT, content=content)
        await azure.origins.prove(origin, incarnation_of(found.body) if found else "")


async def swept(azure: Azure) -> SweepReport:
    sweep = Sweep(poll_seconds=azure.settings.poll_seconds, done=True, report=SweepReport(read_at=datetime.now(UTC)))
    outcome = await remove_orphans(azure, sweep)
    assert isinstance(outcome, Ready)
    report = Sweep.load(outcome.value).report
    assert report
    return report


async def holds(simulator: Simulator, left: set[str]) -> bool:
    """Whether this is what is left in the target's group."""
    return {each.name for each in simulator.world.store.in_group(TARGET_GROUP)} == left


async def made(azure: Azure, request: TargetResource) -> StepResult:
    """As Durable Functions would be answered."""
    return await to_step_result(create_target_resource(azure, request), azure.settings.poll_seconds)


def names(resources: tuple[ResourceId, ...]) -> list[str]:
    return [each.name for each in resources]


async def test_sweep_by_sweep_all_goes_but_what_others_made(reach: Reach) -> None:
    async with reach(world(), mode="cleanup") as (azure, simulator):
        await prove(azure, simulator)
        first = await swept(azure)
        before = len(simulator.gateway.log.after(0))
        again = await swept(azure)
        writes = [each for each in simulator.gateway.log.after(0)[before:] if each["method"] == "DELETE"]
        await eventually(lambda: holds(simulator, {"vnet-app-asr"}))

    assert names(first.removed) == ["set-asr", "near-asr", OLD_CACHE.name, "vnet-old-asr", OLD_CACHE.resource_group]
    (kept,) = first.orphans
    assert "vnet-app-asr" in kept.message
    assert (again.removed, writes) == ((), [])


async def test_what_a_replicated_item_names_stays_any_client_made_it(reach: Reach) -> None:
    item = protected("web-1", recoveryAvailabilitySet=SET, cacheStorageAccount=str(OLD_CACHE))
    async with reach(world(item), mode="cleanup") as (azure, simulator):
        await prove(azure, simulator)
        report = await swept(azure)
        left = {"vnet-app-asr", "set-asr", "near-asr", "web-1-os-ASRReplica"}
        await eventually(lambda: holds(simulator, left))

    # Its set is in the placement group: that the group itself tells.
    assert names(report.removed) == ["vnet-old-asr"]
    assert [note.message.split("It is kept: ")[1] for note in report.orphans] == ["set-asr is in it."]


async def test_what_an_item_of_another_vault_names_stays(reach: Reach) -> None:
    theirs = VAULT_ID.replace("vault-dr", "vault-of-others")
    there = world(protected("web-1", cacheStorageAccount=str(OLD_CACHE)))
    there["siteRecovery"][0]["vault"] = theirs
    there["vaults"].append({"id": theirs, "location": "westus2"})
    async with reach(there, mode="cleanup") as (azure, simulator):
        await prove(azure, simulator)
        report = await swept(azure)

    assert OLD_CACHE not in report.removed
    reported = next(note.message for note in report.orphans if str(OLD_CACHE) in note.message)
    assert "vault-of-others" in reported
    assert "in a vault that is not in DR_VAULT_IDS" in reported


async def test_a_vm_tagged_while_resource_graph_lags_keeps_everything(reach: Reach) -> None:
    async with reach(world(), mode="cleanup", speed=1) as (azure, simulator):
        await prove(azure, simulator)
        simulator.world.behaviour.patch({"graphLagSeconds": 600})
        index.follow(simulator.world)
        vm = simulator.world.store.get(f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web-1")
        assert vm
        vm.body["tags"] = {"dr": "true"}
        report = await swept(azure)

    assert report.removed == ()
    assert "web-1 was tagged after the inventory was read" in report.orphans[0].message


@pytest.mark.parametrize("scope", [GROUP, f"{GROUP},{TARGET_GROUP}"])
async def test_out_of_the_target_scope_nothing_goes_and_no_group_that_the_scope_names(reach: Reach, scope: str) -> None:
    async with reach(world(), mode="cleanup", target_scope=scope) as (azure, simulator):
        await prove(azure, simulator)
        report = await swept(azure)
        groups = simulator.world.store.subscriptions[SUBSCRIPTION].groups

    assert names(report.removed) == (["set-asr", "near-asr", "vnet-old-asr"] if TARGET_GROUP in scope else [])
    assert report.orphans == ()
    assert {TARGET_GROUP.rsplit("/", 1)[-1], OLD_CACHE.resource_group} <= groups.keys()


async def test_a_group_that_is_being_deleted_is_made_again_once_it_is_gone(reach: Reach) -> None:
    """The next VM's run comes meanwhile: to it the group is not there, and Azure lets no one make it yet."""
    request = ResourceGroup(id=OLD_CACHE.group_id, location="eastus", for_cache=True)
    async with reach(world(), mode="cleanup", speed=60, poll_seconds=0.5) as (azure, simulator):
        await prove(azure, simulator)
        assert isinstance(await made(azure, request), Ready)
        assert OLD_CACHE.group_id in (await swept(azure)).removed
        meanwhile = await made(azure, request)
        assert simulator.world.store.group(str(OLD_CACHE.group_id))

        async def is_made() -> bool:
            return isinstance(await made(azure, request), Ready)

        await eventually(is_made)
        made_again = simulator.world.store.group(str(OLD_CACHE.group_id))

    assert isinstance(meanwhile, Pending)
    assert meanwhile.error
    assert meanwhile.error.code == "ResourceGroupBeingDeleted"
    assert made_again
    assert made_again.tags
    assert made_again.tags[naming.MADE_AT] > TAGS[naming.MADE_AT]


async def test_an_account_with_more_in_it_than_a_cache_stays(reach: Reach) -> None:
    there = world()
    there["storageAccounts"][-1] |= {"containers": ["3f0c5d"]}
    async with reach(there, mode="cleanup") as (azure, simulator):
        await prove(azure, simulator)
        report = await swept(azure)
        assert simulator.world.store.get(str(OLD_CACHE))

    reported = next(note.message for note in report.orphans if f"{OLD_CACHE} " in note.message)
    assert reported.endswith("It is kept: it holds the container 3f0c5d.")


async def test_azure_s_own_refusal_is_reported(reach: Reach) -> None:
    """Between the last look and the removal somebody was quicker."""
    async with reach(world(), mode="cleanup") as (azure, simulator):
        await prove(azure, simulator)
        refusal = {"status": 400, "code": "InUseSubnetCannotBeDeleted", "message": "Subnet web is in use."}
        simulator.gateway.faults.add({"match": {"method": "DELETE", "path": "vnet-old"}, "kind": "status", **refusal})
        report = await swept(azure)
        assert simulator.world.store.get(VNET)

    reported = next(note.message for note in report.orphans if "vnet-old-asr " in note.message)
    assert "InUseSubnetCannotBeDeleted: Subnet web is in use." in reported
    assert CACHE not in map(str, report.removed)

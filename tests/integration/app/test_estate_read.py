"""The estate as lists report it: all of it, or as much as can be read, with a word on what is missing."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from activities.publish_sweep import publish_sweep
from activities.remove_orphans import remove_orphans
from local.simulator.graph import index, service
from shared.arm import resource_graph
from shared.config.settings import Mode
from shared.model.decision import Action, State
from shared.model.replicated_item import Stage
from shared.model.resource_id import ResourceId
from shared.observe.inventory import compliance_report, read_inventory
from shared.readers.networks import read_nic
from shared.readers.virtual_machines import read_vm
from shared.reconcile.inventory import Group, VmStatus
from shared.reconcile.sweep import Sweep, SweepReport
from shared.site_recovery.vault import vault_of
from tests.integration.app.conftest import Reach, Reached
from tests.integration.simulator.azure import (
    GROUP,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    VAULT_ID,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
)

GRAPH = "Microsoft.ResourceGraph"
OTHER_VAULT = VAULT_ID.replace("vault-dr", "vault-theirs")
GENERATED = "11111111-1111-4111-8111-111111111111"
LARGE = {
    "vault_ids": VAULT_ID.replace(SUBSCRIPTION, GENERATED).replace("vault-dr", "vault-westus2"),
    "source_scope": f"/subscriptions/{GENERATED}",
    "target_scope": f"/subscriptions/{GENERATED}",
}
"""The settings for a generated estate."""


def on_second_page(query: str) -> dict[str, str]:
    """What only the second page of a query over this table matches."""
    return {"path": GRAPH, "body": rf'{query}.*"\$skipToken"'}


async def vm_statuses(reached: Reached) -> dict[str, VmStatus]:
    return {each.vm_id.name: each for each in (await compliance_report(reached.azure)).vm_statuses}


async def test_all_of_it_is_read_by_a_handful_of_reads(reach: Reach) -> None:
    existing = estate(
        machine("web-1"),
        machine("web-2", tags={"owner": "me"}),
        siteRecovery=ready_vault([protected("web-1")]),
        resourceGroups=[{"id": GROUP, "location": "eastus", "tags": {"dr-target-zone": "1"}, "managedBy": "/aks"}],
    )
    async with reach(existing) as reached:
        found = await read_inventory(reached.azure)
        calls = reached.calls()
    item = ResourceId(next(iter(found.items)).id.text)
    assert [str(vm.id) for vm in found.vms] == [vm_id("web-1"), vm_id("web-2")]
    assert [vm.tags for vm in found.vms] == [{"dr": "true"}, {}]
    assert [(each.source, each.stage) for each in found.items] == [(ResourceId(vm_id("web-1")), Stage.PROTECTED)]
    assert {policy.name: values.retention_minutes for policy, values in found.policies.items()} == {"gold": 1440}
    assert found.groups[GROUP.lower()] == Group(tags={"dr-target-zone": "1"}, managed_by="/aks")
    assert found.regions == {ResourceId(VAULT_ID): "westus2"}
    assert (found.elsewhere, found.gaps, found.vms_unread, found.items_unread) == ({}, (), False, False)
    assert item.is_type(
        "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems"
    )
    assert {call["method"] for call in calls if GRAPH not in call["path"]} == {"GET"}
    # Seven lists, and two queries for the targets of all protected VMs.
    assert len(calls) == 9


async def test_a_sweep_reads_each_page_once_even_if_it_takes_longer_than_a_list_is_kept(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource_graph, "_PAGE", 2)
    vms = [f"web-{number}" for number in range(5)]
    existing = estate(*map(machine, vms), siteRecovery=ready_vault([protected(vm) for vm in vms]))
    async with reach(existing, poll_seconds=600) as reached:
        reached.simulator.world.behaviour.patch({"pageSize": 2})
        report = await compliance_report(reached.azure)
        vault_of(reached.azure, ResourceId(VAULT_ID)).items.forget()
        state = Sweep(poll_seconds=600, report=SweepReport(read_at=report.read_at))
        await remove_orphans(reached.azure, state)
        await publish_sweep(reached.azure, state)
        calls = reached.calls()
    found = Counter(call["path"].rsplit("/", 1)[-1] for call in calls)
    tables = Counter(call["requestBody"]["query"].split()[0] for call in calls if GRAPH in call["path"])
    assert {each.state for each in report.vm_statuses} == {State.PROTECTED}
    # Three pages of VMs, two of groups, the items of other vaults; what carries the tag of this deployment; targets.
    assert tables == {"resources": 3 + 1 + 1, "resourcecontainers": 2 + 1 + 1, "recoveryservicesresources": 1}
    once = dict.fromkeys(("replicationPolicies", "replicationJobs", "vault-dr"), 1)
    pages = [str(call["query"]) for call in calls if call["path"].endswith(("/skus", "/usages"))]
    assert len(pages) == len(set(pages)) == found.pop("skus") + found.pop("usages")
    assert found == {"resources": 10, "replicationProtectedItems": 3, **once}


@pytest.mark.parametrize(
    "more",
    [
        {"zone": "2", "tags": {"dr": "true", "dr-profile": "gold", "owner": "me"}},
        {"power": "deallocated", "security": "TrustedLaunch", "encryptionAtHost": True},
        {"power": "stopped", "os": "Windows", "size": "Standard_E4s_v5", "provisioningState": "Updating"},
        {"availabilitySet": f"{GROUP}/providers/Microsoft.Compute/availabilitySets/set"},
        {
            "disks": [
                {"name": "web-1-os", "sizeGB": 64, "ephemeral": True},
                {"name": "web-1-data", "sizeGB": 8, "sku": "UltraSSD_LRS"},
            ],
            "nics": [{"name": f"web-1-nic{number}", "subnet": f"{NETWORK}/subnets/web"} for number in (1, 2)],
        },
    ],
)
async def test_a_row_reports_the_same_of_a_vm_as_the_vm_itself(reach: Reach, more: dict[str, Any]) -> None:
    sets = [{"id": f"{GROUP}/providers/Microsoft.Compute/availabilitySets/set", "location": "eastus"}]
    async with reach(estate(machine("web-1", **more), availabilitySets=sets), speed=0.01) as reached:
        [reported] = (await read_inventory(reached.azure)).vms
        assert reported == await read_vm(reached.azure, reported.id)


async def test_vms_and_interfaces_that_are_read_at_once_come_from_lists_that_show_the_same(reach: Reach) -> None:
    vms = [
        machine("web-1", security="TrustedLaunch", tags={"dr": "true"}),
        machine("web-2", power="deallocated", disks=[{"name": "os", "sizeGB": 64, "azureDiskEncryption": True}]),
        machine("web-3", zone="2"),
    ]
    nics = [ResourceId(f"{GROUP}/providers/Microsoft.Network/networkInterfaces/web-{n}-nic") for n in (1, 2, 3)]
    ids = [ResourceId(vm_id(f"web-{n}")) for n in (1, 2, 3)]
    async with reach(estate(*vms), speed=0.01) as reached:
        alone = [await read_vm(reached.azure, vm) for vm in ids]
        alone_nics = [await read_nic(reached.azure, nic) for nic in nics]
        before = len(reached.calls())
        together = await asyncio.gather(*(read_vm(reached.azure, vm) for vm in ids))
        together_nics = await asyncio.gather(*(read_nic(reached.azure, nic) for nic in nics))
        calls = [call["path"] for call in reached.calls()[before:]]
    assert None not in (*alone, *alone_nics)
    assert together == alone
    assert together_nics == alone_nics
    of_compute = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"
    of_network = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/networkInterfaces"
    assert [path.split("?")[0] for path in calls] == [of_compute, of_compute, of_network]


async def test_what_no_row_reports_is_not_made_up(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    async with reach(estate()) as reached:
        vm = reached.simulator.world.store.vm(vm_id("web-1"))
        assert vm
        vm.body["properties"] = {"extended": None, "storageProfile": {"osDisk": {"managedDisk": None}}}
        vm.body["tags"] = None
        monkeypatch.setattr("local.simulator.graph.tables._properties", lambda _world, _vm: vm.properties)
        found = await read_inventory(reached.azure)
    [reported] = found.vms
    assert (reported.power_state, reported.provisioning_state, reported.disks, reported.nic_ids) == (
        "unknown",
        "Unknown",
        (),
        (),
    )
    assert (reported.tags, reported.created_at, found.gaps) == ({}, None, ())


async def test_only_the_vms_in_scope_are_asked_for(reach: Reach) -> None:
    other = "22222222-2222-4222-8222-222222222222"
    beside = f"{GROUP}-2"
    nic = {"name": "n", "subnet": f"{NETWORK}/subnets/web"}
    machines = [machine("in"), machine("out", id=vm_id("out").replace(GROUP, beside), nics=[nic])]
    existing = estate(*machines)
    existing["subscriptions"].append({"id": other})
    scope = f"/subscriptions/{other},{GROUP.upper().replace('/SUBSCRIPTIONS/', '/subscriptions/')}"
    async with reach(existing, source_scope=scope) as reached:
        found = await read_inventory(reached.azure)
        [of_vms] = [call for call in reached.calls(GRAPH) if "id startswith" in call["requestBody"]["query"]]
    assert [vm.id.name for vm in found.vms] == ["in"]
    assert of_vms["responseBody"]["totalRecords"] == 1
    assert of_vms["requestBody"]["subscriptions"] == sorted([SUBSCRIPTION, other])


def their_vault(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "vaults": [{"id": VAULT_ID, "location": "westus2"}, {"id": OTHER_VAULT, "location": "westus2"}],
        "siteRecovery": [*ready_vault([protected("web-1")]), {**ready_vault(list(items))[0], "vault": OTHER_VAULT}],
    }


async def test_vaults_of_others_are_asked_for_what_they_protect(reach: Reach) -> None:
    existing = estate(machine("web-1"), machine("web-2"), machine("web-3")) | their_vault(protected("web-2"))
    async with reach(existing) as reached:
        found = await read_inventory(reached.azure)
        known = await vm_statuses(reached)
    [(source, item)] = found.elsewhere.items()
    assert source == ResourceId(vm_id("web-2"))
    assert item.key.startswith(f"{OTHER_VAULT}/replicationFabrics/".lower())
    assert (item.name, [each.source.name for each in found.items]) == ("item-web-2", ["web-1"])
    assert [known[name].state for name in ("web-1", "web-2", "web-3")] == [
        State.PROTECTED,
        State.NOT_ELIGIBLE,
        State.UNPROTECTED,
    ]


async def test_an_item_whose_source_is_no_resource_of_azure_is_passed_over(reach: Reach) -> None:
    """So are machines that are replicated from VMware."""
    existing = estate(machine("web-1"), machine("web-2")) | their_vault(protected("web-2"))
    async with reach(existing) as reached:
        [theirs] = [
            item
            for vault in reached.simulator.world.recovery.values()
            if "theirs" in vault.id
            for item in vault.items()
        ]
        for source in ("", "502c9d2c-1111-4111-8111-111111111111", "/subscriptions/x"):
            theirs.vm_id = source
            found = await read_inventory(reached.azure)
            assert (found.elsewhere, found.gaps) == ({}, ())


async def test_the_jobs_of_a_vault_are_reported_by_its_list(reach: Reach) -> None:
    async with reach(estate(siteRecovery=ready_vault([protected("web-1")]))) as reached:
        [vault] = reached.simulator.world.recovery.values()
        [item] = vault.items()
        path = f"{item.id}/remove?api-version=2025-08-01"
        await reached.azure.resources(SUBSCRIPTION).send_request(http_request("POST", path))
        found = await read_inventory(reached.azure)
    assert [(job.scenario, job.target) for job in found.jobs] == [("DisableDr", "web-1")]


def http_request(method: str, path: str) -> Any:
    from azure.core.rest import HttpRequest

    return HttpRequest(method, path, json={"properties": {}})


async def test_two_thousand_vms_come_by_three_pages(reach: Reach) -> None:
    async with reach({"generate": {"vms": 2001, "protected": 0.5}}, **LARGE) as reached:
        found = await read_inventory(reached.azure)
        paths = sorted(call["path"].rsplit("/", 1)[-1] for call in reached.calls())
    assert len({vm.id for vm in found.vms}) == len(found.vms) == 2001
    assert found.gaps == ()
    assert paths == [
        "replicationJobs",
        "replicationPolicies",
        "replicationProtectedItems",
        *["resources"] * 7,
        "vault-westus2",
    ]


@pytest.mark.parametrize("kind", ["status", "reset"])
async def test_a_page_of_vms_that_fails_leaves_a_gap_and_no_vm_is_gone(reach: Reach, kind: str) -> None:
    async with reach({"generate": {"vms": 1001, "tagged": 1, "protected": 1}}, mode=Mode.CLEANUP, **LARGE) as reached:
        reached.fault(match=on_second_page("virtualmachines"), kind=kind)
        found = await read_inventory(reached.azure)
        known = await vm_statuses(reached)
    # The protected VM on the missing page was asked for by its ID.
    assert (len(found.vms), found.vms_unread, found.items_unread) == (1001, True, False)
    assert [gap.split(" could")[0] for gap in found.gaps] == ["The VMs"]
    assert (known["vm-01000"].state, known["vm-01000"].action) == (State.PROTECTED, Action.NONE)
    assert all(each.action is not Action.DISABLE for each in known.values())


async def test_rows_that_the_service_cuts_off_are_a_gap(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_can_be_paged", lambda _query: False)
    async with reach({"generate": {"vms": 1001}}, **LARGE) as reached:
        found = await read_inventory(reached.azure)
    assert (len(found.vms), found.vms_unread) == (1000, True)
    assert found.gaps == ("The VMs could not be read in full: Azure Resource Graph returned 1000 of 1001 rows",)


async def test_a_row_that_makes_no_sense_is_a_gap_and_takes_no_other_along(reach: Reach) -> None:
    async with reach(estate(machine("web-1"), machine("web-2"))) as reached:
        vm = reached.simulator.world.store.vm(vm_id("web-1"))
        assert vm
        vm.properties["storageProfile"] = "all of it"
        found = await read_inventory(reached.azure)
    assert [each.id.name for each in found.vms] == ["web-2"]
    assert (found.vms_unread, found.vm_unread(ResourceId(vm_id("web-1")))) == (False, True)
    (gap,) = found.gaps
    assert gap.startswith(f"The row {vm_id('web-1')} could not be read: ")


async def test_a_row_that_comes_twice_is_one_vm(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    """A VM that is made meanwhile moves all after it: the last of one page is the first of the next."""
    of_table = index.rows_of
    monkeypatch.setattr(index, "rows_of", lambda *of: [row for row in of_table(*of) for _ in range(2)])
    async with reach(estate(machine("web-1"), machine("web-2"))) as reached:
        found = await read_inventory(reached.azure)
    assert [vm.id.name for vm in found.vms] == ["web-1", "web-2"]


@pytest.mark.parametrize(
    ("path", "gap"),
    [
        ("replicationProtectedItems", f"The vault {VAULT_ID} could not be read"),
        ("replicationPolicies", f"The policies of {VAULT_ID} could not be read in full"),
        ("replicationJobs", f"The jobs of {VAULT_ID} could not be read in full"),
        ("vaults/vault-dr$", f"The vault {VAULT_ID} could not be read in full"),
    ],
)
async def test_a_list_of_a_vault_that_fails_is_a_gap_and_the_others_are_read(reach: Reach, path: str, gap: str) -> None:
    async with reach(estate(siteRecovery=ready_vault([protected("web-1")]))) as reached:
        reached.fault(match={"path": path}, kind="status", status=403, code="AuthorizationFailed", message="No.")
        found = await read_inventory(reached.azure)
    assert found.gaps == (f"{gap}: AuthorizationFailed: No.",)
    assert len(found.vms) == 1
    assert bool(found.item_unread(found.vms[0].id, "eastus")) == (not found.items) == ("Items" in path)


@pytest.mark.parametrize(
    ("query", "gap"),
    [
        ("recoveryservicesresources", ["The items of other vaults"]),
        ("resourcecontainers", ["The resource groups", "The target resources of protected VMs"]),
    ],
)
async def test_a_query_that_fails_is_a_gap_and_the_others_are_read(reach: Reach, query: str, gap: list[str]) -> None:
    async with reach(estate(siteRecovery=ready_vault([protected("web-1")]))) as reached:
        reached.fault(match={"path": GRAPH, "body": query}, kind="status", status=403, message="No.")
        found = await read_inventory(reached.azure)
    assert [each.split(" could")[0] for each in found.gaps] == gap
    assert (len(found.vms), len(found.items), found.vms_unread, found.items_unread) == (1, 1, False, False)


async def test_if_nothing_can_be_read_that_is_said_and_nothing_else(reach: Reach) -> None:
    async with reach(estate(siteRecovery=ready_vault([protected("web-1")]))) as reached:
        reached.fault(kind="status", status=403, code="AuthorizationFailed")
        found = await compliance_report(reached.azure)
    assert found.vm_statuses == ()
    assert len(found.gaps) == 7


async def test_what_resource_graph_does_not_know_yet_does_no_harm(reach: Reach) -> None:
    """A VM that is gone is still reported, and a tag is the old one."""
    machines = [machine(name) for name in ("gone", "untagged", "stays")]
    items = [protected(each["id"].rsplit("/", 1)[-1]) for each in machines]
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    existing = estate(*machines, siteRecovery=ready_vault(items), resourceGroups=groups)
    async with reach(existing, mode=Mode.CLEANUP) as reached:
        world = reached.simulator.world
        world.behaviour.graph_lag_seconds = 1_000_000
        index.follow(world)
        world.store.remove(vm_id("gone"))
        vm = world.store.vm(vm_id("untagged"))
        assert vm
        vm.body["tags"] = {}
        world.raise_event(vm, "write")
        known = await vm_statuses(reached)
    assert {name: each.state for name, each in known.items()} == dict.fromkeys(
        ("gone", "untagged", "stays"), State.PROTECTED
    )
    assert {each.action for each in known.values()} <= {Action.NONE, Action.CHANGE}


async def test_a_report_is_read_once_for_all_who_ask_meanwhile(reach: Reach) -> None:
    async with reach(estate()) as reached:
        one, two = await asyncio.gather(compliance_report(reached.azure), compliance_report(reached.azure))
        calls = len(reached.calls())
        assert await compliance_report(reached.azure) is one is two
        assert len(reached.calls()) == calls
        assert await compliance_report(reached.azure, within=0) is not one

"""Estates: what is loaded is there, what is wrong is named, what is generated is always the same."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.simulator import Simulator
from local.simulator.estate import generate
from local.simulator.identity import object_id
from tests.integration.simulator.azure import (
    CACHE,
    GROUP,
    NETWORK,
    VAULT,
    VAULT_GROUP,
    azure,
    disk_id,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
)


async def test_a_vm_of_an_estate_with_all_its_parts() -> None:
    existing = estate(
        machine(
            "sql-1",
            os="Windows",
            size="Standard_E4s_v5",
            zone="2",
            power="deallocated",
            disks=[
                {"name": "sql-1-os", "sizeGB": 127},
                {"name": "sql-1-data", "sizeGB": 512, "sku": "StandardSSD_LRS"},
            ],
            nics=[
                {"name": "front", "subnet": f"{NETWORK}/subnets/web"},
                {"name": "back", "subnet": f"{NETWORK}/subnets/data", "privateIp": "10.1.2.20"},
            ],
        ),
        resourceGroups=[{"id": GROUP, "location": "eastus", "managedBy": "/subscriptions/x", "tags": {"team": "a"}}],
    )
    async with azure(existing) as clients:
        vm = await clients.compute.virtual_machines.get("RG-APP", "SQL-1", expand="instanceView")
        assert (vm.zones, vm.hardware_profile.vm_size) == (["2"], "Standard_E4s_v5")
        assert vm.storage_profile.os_disk.os_type == "Windows"
        assert vm.storage_profile.data_disks[0].managed_disk.id == disk_id("sql-1-data")
        assert [status.code for status in vm.instance_view.statuses][1] == "PowerState/deallocated"
        references = vm.network_profile.network_interfaces
        assert [reference.primary for reference in references] == [True, False]
        back = await clients.resources.resources.get_by_id(references[1].id, api_version="2024-07-01")
        address = back.properties["ipConfigurations"][0]["properties"]
        assert (address["privateIPAddress"], address["privateIPAllocationMethod"]) == ("10.1.2.20", "Static")
        group = await clients.resources.resource_groups.get("rg-app")
        assert (group.managed_by, group.tags) == ("/subscriptions/x", {"team": "a"})
        listed = [vm async for vm in clients.compute.virtual_machines.list("rg-app")]
        assert [vm.name for vm in listed] == ["sql-1"]
        disk = await clients.compute.disks.get("rg-app", "sql-1-data")
        assert (disk.sku.name, disk.disk_size_gb, disk.managed_by) == ("StandardSSD_LRS", 512, vm_id("sql-1"))
        kinds = [each.type async for each in clients.resources.resources.list(filter="tagName eq 'dr'")]
        assert kinds == ["Microsoft.Compute/virtualMachines"]


async def test_a_vm_may_have_its_disks_in_storage_accounts() -> None:
    blobs = [{"name": name, "sizeGB": 32, "storageAccount": CACHE} for name in ("old-os", "old-data")]
    async with azure(
        estate(machine("old", disks=blobs), storageAccounts=[{"id": CACHE, "location": "eastus"}])
    ) as clients:
        vm = await clients.compute.virtual_machines.get("rg-app", "old", expand="instanceView")
        found = [vm.storage_profile.os_disk, *vm.storage_profile.data_disks]
        account = CACHE.rsplit("/", 1)[1]
        assert [(disk.vhd.uri, disk.managed_disk, disk.disk_size_gb) for disk in found] == [
            (f"https://{account}.blob.core.windows.net/vhds/{name}.vhd", None, 32) for name in ("old-os", "old-data")
        ]
        assert [disk.name for disk in vm.instance_view.disks] == ["old-os", "old-data"]
        assert [disk async for disk in clients.compute.disks.list()] == []


async def test_a_vm_that_is_being_updated_gets_there() -> None:
    async with azure(estate(machine("web-1", provisioningState="Updating"))) as clients:
        while (await clients.compute.virtual_machines.get("rg-app", "web-1")).provisioning_state == "Updating":
            pass
        vm = await clients.compute.virtual_machines.get("rg-app", "web-1")
        assert vm.provisioning_state == "Succeeded"


async def test_a_vm_can_be_made() -> None:
    async with azure() as clients:
        nic_id = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/new-nic"
        subnet = {"properties": {"subnet": {"id": f"{NETWORK}/subnets/web"}}}
        nic = {"location": "eastus", "properties": {"ipConfigurations": [subnet]}}
        poller = await clients.resources.resources.begin_create_or_update_by_id(nic_id, nic, api_version="2024-07-01")
        await poller.result()
        body: Any = {
            "location": "eastus",
            "tags": {"dr": "true"},
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
                "storageProfile": {"osDisk": {"createOption": "FromImage"}},
                "networkProfile": {"networkInterfaces": [{"id": nic_id}]},
            },
        }
        status, first, _ = await clients.call("PUT", f"{vm_id('new')}?api-version=2026-04-01", body)
        assert (status, first["properties"]["provisioningState"]) == (201, "Creating")
        made = await (await clients.compute.virtual_machines.begin_create_or_update("rg-app", "new", body)).result()
        assert (made.provisioning_state, made.tags) == ("Succeeded", {"dr": "true"})


async def test_an_interface_keeps_a_public_address_that_is_there() -> None:
    nic, address = (
        f"{GROUP}/providers/Microsoft.Network/{each}" for each in ("networkInterfaces/n", "publicIPAddresses/p")
    )
    inside = {"subnet": {"id": f"{NETWORK}/subnets/web"}, "publicIPAddress": {"id": address}}
    body = {"location": "eastus", "properties": {"ipConfigurations": [{"properties": inside}]}}
    async with azure() as clients:
        status, refused, _ = await clients.call("PUT", f"{nic}?api-version=2026-03-01", body)
        assert (status, refused["error"]["code"]) == (400, "InvalidResourceReference")

        await clients.call(
            "PUT", f"{address}?api-version=2026-03-01", {"location": "eastus", "sku": {"name": "Standard"}}
        )
        status, made, _ = await clients.call("PUT", f"{nic}?api-version=2026-03-01", body)

        assert status == 201
        assert made["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] == {"id": address}


OTHER_NETWORK = {
    "id": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-other",
    "location": "eastus",
    "addressSpace": ["10.7.0.0/16"],
    "subnets": [{"name": "web", "prefix": "10.7.1.0/24"}],
}


def with_nics(name: str, *addresses: str) -> dict[str, Any]:
    subnet = f"{NETWORK}/subnets/web"
    nics = [{"name": f"{name}-{address}", "subnet": subnet, "privateIp": address} for address in addresses]
    return machine(name, nics=nics)


def in_network(**more: Any) -> dict[str, Any]:
    return {"networks": [*estate()["networks"], OTHER_NETWORK | more]}


def in_account(*disks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A VM with unmanaged disks."""
    blobs = [{"storageAccount": CACHE, **disk} for disk in disks]
    accounts = [{"id": CACHE, "location": "eastus"}]
    return {"virtualMachines": [machine("a", disks=blobs, **more)], "storageAccounts": accounts}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"vms": []}, "'vms'"),
        ({"virtualMachines": [machine("a", colour="red")]}, "virtualMachines[0] (a): unknown key 'colour'"),
        ({"virtualMachines": [machine("a"), machine("a")]}, "twice"),
        ({"virtualMachines": [machine("a", location="mars")]}, "mars"),
        ({"virtualMachines": [machine("a", power="on")]}, "power"),
        ({"virtualMachines": [machine("a", disks=[])]}, "disks"),
        ({"virtualMachines": [machine("a", nics=[{"subnet": f"{NETWORK}/subnets/none"}])]}, "none"),
        ({"virtualMachines": [machine("a", availabilitySet=f"{GROUP}/x")]}, "availabilitySet"),
        ({"virtualMachines": [machine("a", id="/subscriptions/x")]}, "id is no ID"),
        ({"virtualMachines": [machine("a", zone="4")]}, "eastus has no zone '4'"),
        ({"virtualMachines": [machine("a", security="Strong")]}, "security"),
        ({"virtualMachines": [machine("a", bootDiagnostics=f"{CACHE}x")]}, "bootDiagnostics is not in the estate"),
        ({"virtualMachines": [machine("a", disks=[{"name": "d", "sku": "UltraSSD_LRS"}])]}, "OS disk"),
        ({"virtualMachines": [machine("a", disks=[{"name": "d"}, {"name": "e", "ephemeral": True}])]}, "ephemeral"),
        (
            {"virtualMachines": [machine("a", disks=[{"name": "d", "storageAccount": f"{CACHE}x"}])]},
            "not in the estate",
        ),
        (in_account({"name": "d", "sku": "Premium_LRS"}), "an unmanaged disk has no sku"),
        (in_account({"name": "d"}, {"name": "e", "storageAccount": None}), "each has a storageAccount"),
        (in_account({"name": "d"}, security="TrustedLaunch"), "a VM with security has managed disks"),
        ({"virtualMachines": [with_nics("a", "10.1.1.8"), with_nics("b", "10.1.1.8")]}, "already allocated"),
        ({"virtualMachines": [with_nics("a", "10.1.1.1")]}, "reserved IP range"),
        ({"virtualMachines": [with_nics("a", "10.1.2.8")]}, "does not belong"),
        (
            in_network()
            | {
                "virtualMachines": [
                    machine(
                        "a",
                        nics=[
                            {"name": "one", "subnet": f"{NETWORK}/subnets/web"},
                            {"name": "two", "subnet": f"{OTHER_NETWORK['id']}/subnets/web"},
                        ],
                    )
                ]
            },
            "all nics of a VM are in one virtual network",
        ),
        (in_network(peerings=[OTHER_NETWORK["id"]]), "peerings has no ID of another virtual network"),
        (
            in_network(subnets=[{"name": "web", "prefix": "10.7.1.0/24", "routeTable": f"{GROUP}/x"}]),
            "routeTable is no ID of a Microsoft.Network/routeTables",
        ),
        (
            {"storageAccounts": [{"id": CACHE, "location": "eastus", "kind": "BlockBlobStorage"}]},
            "BlockBlobStorage has no sku Standard_LRS",
        ),
        ({"storageAccounts": [{"id": CACHE, "location": "eastus", "firewall": "half"}]}, "firewall must be one of"),
        ({"resources": [{"id": vm_id("a"), "location": "eastus"}]}, "of no type that resources takes"),
        ({"quotas": [{"subscription": "x", "location": "eastus", "name": "cores", "limit": 1}]}, "not in the estate"),
        ({"policyDenials": [{"scope": "/", "type": "a/b", "assignment": "x"}]}, "scope is a subscription"),
        ({"subscriptions": [{"id": "me"}]}, "GUID"),
        ({"subscriptions": []}, "not in the estate"),
        ({"siteRecovery": [ready_vault()[0] | {"containers": []}]}, "'here' is not among the containers"),
        ({"siteRecovery": ready_vault([protected("missing")])}, "virtualMachine is not in the estate"),
        ({"siteRecovery": ready_vault([protected("web-1", state="Odd")])}, "state must be one of"),
        ({"siteRecovery": ready_vault([protected("web-1", condition={"stalledHours": 1})])}, "is stalled"),
        ({"siteRecovery": ready_vault([protected("web-1", condition={"health": "Ill"})])}, "health must be one of"),
        ({"siteRecovery": ready_vault([protected("web-1", condition={"errors": [{}]})])}, "code is missing"),
    ],
)
async def test_what_is_wrong_with_an_estate_is_named_and_nothing_changes(change: dict[str, Any], named: str) -> None:
    async with azure() as clients:
        status, body, _ = await clients.call("POST", "/sim/estate", estate() | change)
        assert status == 400
        assert named in body["error"]
        assert (await clients.compute.virtual_machines.get("rg-app", "web-1")).name == "web-1"


async def test_items_that_exist_already_in_their_states() -> None:
    machines = [machine(f"web-{number}") for number in range(4)]
    states = ("Protected", "InitialReplicationInProgress", "EnablingFailed", "UnplannedFailoverCommitted")
    items = [protected(f"web-{number}", state=state) for number, state in enumerate(states)]
    async with azure(estate(*machines, siteRecovery=ready_vault(items)), speed=1) as clients:
        found = [item async for item in clients.recovery.replication_protected_items.list(VAULT_GROUP, VAULT)]
        assert [item.properties.protection_state for item in found] == list(states)
        wanted = f"fabricObjectId eq '{vm_id('web-2')}'"
        filtered = clients.recovery.replication_protected_items.list(VAULT_GROUP, VAULT, filter=wanted)
        assert [item.name async for item in filtered] == ["item-web-2"]


async def test_an_item_may_have_fared_badly_for_a_while() -> None:
    error = {"code": "153006", "message": "No point.", "recommendedAction": "Look.", "hoursAgo": 5}
    conditions: list[dict[str, Any]] = [
        {"health": "Critical", "errors": [error], "rpoSeconds": 7200, "rpoHoursAgo": 3, "testedDaysAgo": 200},
        {"agentVersion": "9.1", "agentExpiresInDays": 10, "agentUpdateRequired": True},
        {"stalledHours": 30},
    ]
    items = [protected(f"web-{number}", condition=condition) for number, condition in enumerate(conditions)]
    items[2]["state"] = "InitialReplicationInProgress"
    machines = [machine(f"web-{number}") for number in range(3)]
    async with azure(estate(*machines, siteRecovery=ready_vault(items))) as clients:
        listed = clients.recovery.replication_protected_items.list(VAULT_GROUP, VAULT)
        ill, aged, stalled = [item.properties async for item in listed]
        (job,) = [job async for job in clients.recovery.replication_jobs.list(VAULT_GROUP, VAULT)]

    def hours_since(moment: datetime | None) -> int:
        assert moment
        return round((datetime.now(UTC) - moment).total_seconds() / 3600)

    (reported,) = ill.health_errors
    assert (ill.replication_health, reported.error_code, hours_since(reported.creation_time_utc)) == (
        "Critical",
        "153006",
        5,
    )
    assert ill.provider_specific_details.rpo_in_seconds == 7200
    assert hours_since(ill.provider_specific_details.last_rpo_calculated_time) == 3
    assert hours_since(ill.last_successful_test_failover_time) == 200 * 24
    agent = aged.provider_specific_details
    assert (agent.agent_version, agent.is_replication_agent_update_required) == ("9.1", True)
    assert hours_since(agent.agent_expiry_date) == -240
    assert aged.last_successful_test_failover_time is None
    assert (stalled.protection_state, stalled.provider_specific_details.monitoring_percentage_completion) == (
        "InitialReplicationInProgress",
        43,
    )
    assert (job.properties.scenario_name, job.properties.state) == ("EnableDr", "Succeeded")
    assert hours_since(job.properties.end_time) == 30


def test_a_generated_estate_is_a_function_of_its_numbers() -> None:
    numbers = {"vms": 200, "tagged": 0.8, "protected": 0.5, "regions": ["eastus", "westeurope", "westus2"]}
    first = generate(numbers)
    assert first == generate(numbers)
    tagged = [vm for vm in first["virtualMachines"] if vm["tags"]]
    assert 140 < len(tagged) < 180
    assert 50 < len(first["siteRecovery"][0]["protectedItems"]) < 110


@pytest.mark.wide
async def test_thousands_of_vms_load_and_list() -> None:
    numbers = {"vms": 2000, "tagged": 1, "protected": 1, "regions": ["eastus", "westus2"]}
    async with azure({"generate": numbers}) as clients:
        vms = [vm async for vm in clients.compute.virtual_machines.list_all()]
        items = clients.recovery.replication_protected_items.list("rg-vault", "vault-westus2")
        assert (len(vms), len([item async for item in items])) == (2000, 2000)


async def test_the_files_that_a_process_leaves_for_others(tmp_path: Path) -> None:
    async with Simulator(estate(), state_dir=tmp_path / "state") as simulator:
        described = json.loads((tmp_path / "state" / "simulator.json").read_text())
        assert described == {
            "url": simulator.url,
            "pid": described["pid"],
            "identityEndpoint": f"{simulator.url}/msi/token",
            "identityHeader": simulator.identity_header,
            "principalId": object_id("00000000-0000-0000-0000-0000000000a1"),
            "caFile": str(tmp_path / "state" / "ca.pem"),
            "speed": 1,
        }
        assert (tmp_path / "state" / "ca.pem").read_text().count("BEGIN CERTIFICATE") > 100

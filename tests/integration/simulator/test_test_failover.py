"""Test failover of one VM and its cleanup: jobs, item, the VM that is made, what fails and what is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.integration.simulator.azure import (
    TARGET_GROUP,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    estate,
    machine,
    protected,
    ready_vault,
)
from tests.waiting import eventually

CONTAINER = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here"
ITEM = f"{CONTAINER}/replicationProtectedItems/item-web-1"
WHERE = (VAULT_GROUP, VAULT, "primary", "here", "item-web-1")
ISOLATED = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/drill"
COMPUTES, DISKS, NETWORKS = (f"api-version={version}" for version in ("2026-04-01", "2026-03-02", "2026-03-01"))
TEST_VM = f"{TARGET_GROUP}/providers/Microsoft.Compute/virtualMachines/web-1-test"
LEFT = [
    f"{TEST_VM}?{COMPUTES}",
    f"{TARGET_GROUP}/providers/Microsoft.Compute/disks/web-1-os-ASRtest?{DISKS}",
    f"{TARGET_GROUP}/providers/Microsoft.Compute/disks/web-1-data-ASRtest?{DISKS}",
    f"{TARGET_GROUP}/providers/Microsoft.Network/networkInterfaces/web-1-nic-test?{NETWORKS}",
]


def world(*names: str, items: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """VMs that are protected, and an isolated network in the target region."""
    subnets = [{"name": "apps", "prefix": "10.9.1.0/24"}, {"name": "web", "prefix": "10.9.2.0/24"}]
    network = {"id": ISOLATED, "location": "westus2", "addressSpace": ["10.9.0.0/16"], "subnets": subnets}
    machines = [
        machine(name, disks=[{"name": f"{name}-{kind}", "sizeGB": 32, "sku": "Premium_LRS"} for kind in ("os", "data")])
        for name in names or ("web-1",)
    ]
    recovery = ready_vault([protected(name, **items or {}) for name in names or ("web-1",)])
    made = estate(*machines, siteRecovery=recovery, **more)
    made["networks"].append(network)
    return made


def drill(network: str | None = ISOLATED, **changes: Any) -> dict[str, Any]:
    properties = {
        "failoverDirection": "PrimaryToRecovery",
        "networkType": "VmNetworkAsInput",
        "networkId": network,
        "providerSpecificDetails": {"instanceType": "A2A", "recoveryPointId": None},
    }
    return {"properties": {name: value for name, value in (properties | changes).items() if value is not None}}


CLEANUP: Any = {"properties": {"comments": "drill of Monday"}}


async def begun(clients: Azure, body: Any = None, item: str = "item-web-1") -> None:
    items = clients.recovery.replication_protected_items
    await (await items.begin_test_failover(*WHERE[:4], item, body or drill())).result()


async def cleaned(clients: Azure) -> None:
    items = clients.recovery.replication_protected_items
    await (await items.begin_test_failover_cleanup(*WHERE, CLEANUP)).result()


async def item_of(clients: Azure) -> Any:
    return (await clients.recovery.replication_protected_items.get(*WHERE)).properties


async def job_of(clients: Azure, scenario: str) -> Any:
    """The newest job of a scenario, through the SDK."""
    jobs = clients.recovery.replication_jobs
    [name, *_] = [job.name async for job in jobs.list(VAULT_GROUP, VAULT) if job.properties.scenario_name == scenario]
    return (await jobs.get(VAULT_GROUP, VAULT, name)).properties


async def statuses(clients: Azure) -> list[int]:
    return [(await clients.call("GET", path))[0] for path in LEFT]


@asynccontextmanager
async def simulated(estate: dict[str, Any] | None = None, **behaviour: Any) -> AsyncIterator[Azure]:
    async with azure(estate or world()) as clients:
        status, *_ = await clients.call("PATCH", "/sim/behaviour", behaviour)
        assert status == 200
        yield clients


async def test_a_test_failover_makes_a_vm_in_the_given_network_and_its_cleanup_removes_it() -> None:
    async with simulated() as clients:
        await clients.call("PATCH", "/sim/clock", {"speed": 600})
        before = await item_of(clients)
        await begun(clients)
        job, found = await job_of(clients, "TestFailover"), await item_of(clients)
        copy = await clients.compute.virtual_machines.get("rg-app-asr", "web-1-test", expand="instanceView")
        _, nic, _ = await clients.call("GET", LEFT[3])
        during = await statuses(clients)

        async def view() -> Any:
            vms = clients.compute.virtual_machines
            return await vms.instance_view("rg-app-asr", "web-1-test")

        async def agent_ready() -> bool:
            return [each.display_status for each in (await view()).vm_agent.statuses] == ["Ready"]

        await eventually(agent_ready)
        await cleaned(clients)
        after, cleanup = await item_of(clients), await job_of(clients, "TestFailoverCleanup")
        gone = await statuses(clients)

    assert (before.failover_health, before.last_successful_test_failover_time) == ("Warning", None)
    assert during == [200] * 4
    assert (copy.location, copy.tags, copy.provisioning_state) == ("westus2", {"dr": "true"}, "Succeeded")
    assert {status.code for status in copy.instance_view.statuses} == {
        "ProvisioningState/succeeded",
        "PowerState/running",
    }
    configuration = nic["properties"]["ipConfigurations"][0]["properties"]
    assert configuration["subnet"]["id"] == f"{ISOLATED}/subnets/web"
    assert configuration["privateIPAddress"] == "10.9.2.4"

    assert (found.test_failover_state, found.allowed_operations) == ("WaitingForCompletion", ["TestFailoverCleanup"])
    assert (found.failover_health, found.health_errors) == ("Normal", [])
    assert found.last_successful_test_failover_time == job.start_time
    assert found.provider_specific_details.test_failover_recovery_fabric_object_id == TEST_VM.lower()
    assert (after.test_failover_state, after.allowed_operations) == ("None", before.allowed_operations)
    assert after.last_successful_test_failover_time == job.start_time
    assert gone == [404] * 4

    assert (job.state, job.state_description, job.friendly_name) == ("Succeeded", "Completed", "Test failover")
    assert [task.friendly_name for task in job.tasks] == [
        "Prerequisites check for test failover",
        "Create test virtual machine",
        "Preparing the virtual machine",
        "Start the virtual machine",
    ]
    [vm] = job.custom_details.protected_item_details
    assert (vm.test_vm_name, vm.subnet, vm.network_connection_status) == ("web-1-test", "web", "Connected")
    assert job.custom_details.affected_object_details["primaryVmName"] == "web-1"
    assert (cleanup.state, cleanup.custom_details.comments) == ("Succeeded", "drill of Monday")


async def test_the_answer_names_the_job_twice() -> None:
    async with simulated() as clients:
        status, body, headers = await clients.call("POST", f"{ITEM}/testFailover", drill())

    first, second = headers.getall("x-ms-request-id")
    name = first.rpartition("/replicationJobs/")[2]
    assert (status, body, first) == (202, None, second)
    assert first.startswith("/Subscriptions/")
    assert f"/replicationOperationStatus/{name}?" in headers["Azure-AsyncOperation"]
    assert f"/replicationProtectedItems/item-web-1/operationresults/{name}?" in headers["Location"]


STATES = {
    # While the job runs, while it waits for the cleanup, while the cleanup runs.
    "WaitingForCompletion": ("InProgress", "WaitingForCompletion", "MarkedForDeletion"),
    "WaitingForCleanup": ("None", "WaitingForCleanup", "WaitingForCleanup"),
}


@pytest.mark.parametrize("variant", STATES)
async def test_the_item_shows_its_test_failover_in_both_variants(variant: str) -> None:
    async with simulated(testFailoverState=variant) as clients:
        await clients.call("PATCH", "/sim/clock", {"speed": 1})
        items = clients.recovery.replication_protected_items
        seen, refused = [], []

        async def look() -> None:
            found = await item_of(clients)
            seen.append((found.test_failover_state, found.current_scenario.scenario_name, found.allowed_operations))
            status, body, _ = await clients.call("POST", f"{ITEM}/testFailover", drill())
            refused.append((status, body["error"]["code"]))

        await items.begin_test_failover(*WHERE, drill())
        await look()
        await clients.call("PATCH", "/sim/clock", {"speed": 3000})
        await eventually(lambda: waits(clients))
        await clients.call("PATCH", "/sim/clock", {"speed": 1})
        await look()
        await items.begin_test_failover_cleanup(*WHERE, CLEANUP)
        await look()

    after = ["UnplannedFailover", "DisableProtection", "TestFailover"]
    example = variant == "WaitingForCompletion"
    assert seen == [
        (STATES[variant][0], "TestFailover", []),
        (STATES[variant][1], "TestFailover" if example else "None", ["TestFailoverCleanup"]),
        (STATES[variant][2], "None" if example else "TestFailoverCleanup", after if example else []),
    ]
    assert refused == [(409, "Conflict")] * 3


async def waits(clients: Azure) -> bool:
    return (await item_of(clients)).provider_specific_details.test_failover_recovery_fabric_object_id is not None and (
        await item_of(clients)
    ).last_successful_test_failover_time is not None

"""Test failover of one VM and its cleanup: jobs, item, the VM that is made, what fails and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    CACHE,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    error_code,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
    why_failed,
)
from tests.waiting import eventually

CONTAINER = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here"
ITEM = f"{CONTAINER}/replicationProtectedItems/item-web-1"
WHERE = (VAULT_GROUP, VAULT, "primary", "here", "item-web-1")
ISOLATED = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/drill"
DIAGNOSTICS = f"{TARGET_GROUP}/providers/Microsoft.Storage/storageAccounts/diagwest"
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


LOCK = {"id": f"{TARGET_GROUP}/providers/Microsoft.Authorization/locks/keep"}
QUOTA = {"subscription": SUBSCRIPTION, "location": "westus2", "name": "cores", "limit": 3}
DENIAL = {"scope": TARGET_GROUP, "type": "Microsoft.Compute/virtualMachines", "assignment": "no-vms"}
SERVICE = {"name": "web", "prefix": "10.9.2.0/24", "delegations": ["Microsoft.Web/serverFarms"]}


def occupied(estate: dict[str, Any]) -> None:
    """A VM of the name of the test VM, with disks and an interface of its own."""
    nics = [{"name": "other-nic", "subnet": f"{TARGET_NETWORK}/subnets/web"}]
    disks = [{"name": "other-os", "sizeGB": 32, "sku": "Premium_LRS"}]
    estate["virtualMachines"].append({"id": TEST_VM, "location": "westus2", "disks": disks, "nics": nics})


FAILURES: dict[str, tuple[Callable[[dict[str, Any]], Any], str, int, list[int]]] = {
    # What the estate is changed by; the code; the task that fails; what exists while it waits for a cleanup, or not.
    "quota": (lambda estate: estate.update(quotas=[{**QUOTA, "limit": 1}]), "28031", 1, [404, 200, 200, 200]),
    "policy": (lambda estate: estate.update(policyDenials=[DENIAL]), "28031", 1, [404, 200, 200, 200]),
    "locked": (lambda estate: estate.update(locks=[{**LOCK, "level": "ReadOnly"}]), "28031", 1, [404] * 4),
    "name taken": (occupied, "28031", 1, [200, 404, 404, 404]),
    "delegated": (lambda estate: estate["networks"][2].update(subnets=[SERVICE]), "159101", 0, [404] * 4),
    "no subnet": (lambda estate: estate["networks"][2].update(subnets=[]), "159117", 0, [404] * 4),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_what_cannot_be_created_fails_the_job(name: str) -> None:
    change, code, task, exists = FAILURES[name]
    existing = world()
    change(existing)
    async with simulated(existing) as clients:
        error = await why_failed(clients, begun(clients), code)
        job, found, left = await job_of(clients, "TestFailover"), await item_of(clients), await statuses(clients)

    assert error["message"]
    assert [each.state for each in job.tasks].index("Failed") == task
    assert left == exists
    assert found.last_successful_test_failover_time is None
    waiting = name in ("quota", "policy")
    assert found.test_failover_state == ("WaitingForCompletion" if waiting else "None")
    assert found.failover_health == "Warning"


@pytest.mark.parametrize(
    ("after", "waits_for", "exists"),
    [
        ("cleanup", "TestFailoverCleanup", [200] * 4),
        ("left", "TestFailover", [200] * 4),
        ("removed", "TestFailover", [404] * 4),
    ],
)
async def test_a_boot_that_fails_the_job_leaves_one_of_three_things(
    after: str, waits_for: str, exists: list[int]
) -> None:
    async with simulated(failedTestFailover=after) as clients:
        await outcome(clients, boot="fails")
        await why_failed(clients, begun(clients), "28031")
        found, left = await item_of(clients), await statuses(clients)
        again = None
        if after != "cleanup":
            status, _, _ = await clients.call("POST", f"{ITEM}/testFailover", drill())
            again = status

    assert waits_for in found.allowed_operations
    assert left == exists
    assert found.last_successful_test_failover_time is None
    assert again in (None, 202)


async def outcome(clients: Azure, **changes: Any) -> None:
    status, *_ = await clients.call("POST", "/sim/test-failovers", {"id": vm_id("web-1"), **changes})
    assert status == 204


@pytest.mark.parametrize(
    ("boot", "power", "agent"),
    [("no-agent", "PowerState/running", ["Not Ready"]), ("stopped", "PowerState/stopped", None)],
)
async def test_a_vm_that_does_not_come_up_is_seen_in_its_instance_view_only(
    boot: str, power: str, agent: list[str] | None
) -> None:
    async with simulated() as clients:
        await outcome(clients, boot=boot)
        await begun(clients)
        job = await job_of(clients, "TestFailover")
        view = await clients.compute.virtual_machines.instance_view("rg-app-asr", "web-1-test")

    assert job.state == "Succeeded"
    assert view.statuses[1].code == power
    shown = [each.display_status for each in view.vm_agent.statuses] if view.vm_agent else None
    assert shown == agent


async def test_a_cleanup_fails_once_or_leaves_everything_or_is_blocked_by_a_lock() -> None:
    existing = world(locks=[{**LOCK, "level": "CanNotDelete"}])
    async with simulated(existing) as clients:
        await begun(clients)
        await why_failed(clients, cleaned(clients), "159120")
        locked = await item_of(clients), await statuses(clients)
    async with simulated() as clients:
        await begun(clients)
        fault = {"match": {"path": "testFailoverCleanup$"}, "kind": "fail-operation", "code": "28099", "times": 1}
        await clients.call("POST", "/sim/faults", fault)
        await why_failed(clients, cleaned(clients), "28099")
        failed = await item_of(clients), await statuses(clients)
        await outcome(clients, cleanup="leaves")
        await cleaned(clients)
        left = await item_of(clients), await statuses(clients)
    async with simulated() as clients:
        await outcome(clients, cleanup="leaves-disks")
        await begun(clients)
        await cleaned(clients)
        assert await statuses(clients) == [404, 200, 200, 404]

    assert [found.allowed_operations for found, _ in (locked, failed)] == [["TestFailoverCleanup"]] * 2
    assert [exists for _, exists in (locked, failed, left)] == [[200] * 4] * 3
    assert left[0].test_failover_state == "None"


async def test_of_many_at_once_those_within_the_quota_succeed() -> None:
    names = ("web-1", "web-2", "web-3")
    async with simulated(world(*names, quotas=[{**QUOTA, "limit": 4}])) as clients:
        items = clients.recovery.replication_protected_items
        pollers = [await items.begin_test_failover(*WHERE[:4], f"item-{name}", drill()) for name in names]
        ended = await asyncio.gather(*(poller.result() for poller in pollers), return_exceptions=True)
        usages = {each.name.value: each.current_value async for each in clients.compute.usage.list("westus2")}

    failed = [each for each in ended if isinstance(each, HttpResponseError)]
    assert [error_code(each) for each in failed] == ["28031"]
    assert usages["cores"] == 4


@pytest.mark.parametrize(("shown", "first"), [("recorded", 1), ("always", 2), ("never", 0)])
async def test_the_first_read_of_a_job_may_be_a_placeholder(shown: str, first: int) -> None:
    async with simulated(jobPlaceholders=shown) as clients:
        seen = []
        for action, body in (("testFailover", drill()), ("testFailoverCleanup", CLEANUP)):
            await clients.call("PATCH", "/sim/clock", {"speed": 1})
            _, _, headers = await clients.call("POST", f"{ITEM}/{action}", body)
            job = headers["x-ms-request-id"]
            for _ in range(2):
                _, read, answered = await clients.call("GET", job)
                assert answered.getall("x-ms-request-id") == [job]
                seen.append((read["properties"]["state"], bool(read["properties"]["tasks"])))
            await clients.call("PATCH", "/sim/clock", {"speed": 3000})
            await eventually(lambda: idle(clients))

    assert seen.count(("NotStarted", False)) == first
    assert seen.count(("InProgress", True)) == 4 - first
    assert seen[1] == seen[3] == ("InProgress", True)


async def idle(clients: Azure) -> bool:
    jobs = clients.recovery.replication_jobs.list(VAULT_GROUP, VAULT)
    return all([job.properties.state == "Succeeded" async for job in jobs])


async def test_the_test_vm_is_as_the_item_says_and_queries_show_it() -> None:
    zone = {"recoveryAvailabilityZone": "2", "recoveryBootDiagStorageAccount": DIAGNOSTICS, "testVmName": "drill-vm"}
    accounts = [{"id": CACHE, "location": "eastus"}, {"id": DIAGNOSTICS, "location": "westus2"}]
    async with simulated(world(items=zone, storageAccounts=accounts)) as clients:
        await begun(clients)
        vms = clients.compute.virtual_machines
        vm = await vms.get("rg-app-asr", "drill-vm", expand="instanceView")
        query = {
            "query": "resources | where name == 'drill-vm' | project id, properties",
            "subscriptions": [SUBSCRIPTION],
        }
        [row] = (await clients.graph.resources(query)).data

    assert (vm.zones, vm.tags) == (["2"], {"dr": "true"})
    assert vm.diagnostics_profile.boot_diagnostics.enabled
    assert vm.instance_view.boot_diagnostics.serial_console_log_blob_uri.endswith("/drill-vm.serialconsole.log")
    assert row["properties"]["extended"]["instanceView"]["powerState"]["code"] == "PowerState/running"


async def test_an_estate_may_begin_in_a_test_failover_and_say_how_it_goes() -> None:
    given = {"testFailover": {"network": ISOLATED, "cleanup": "leaves-disks"}}
    async with simulated(world(items=given)) as clients:
        found, exists = await item_of(clients), await statuses(clients)
        await cleaned(clients)
        left = await statuses(clients)

    assert (found.test_failover_state, exists) == ("WaitingForCompletion", [200] * 4)
    assert found.last_successful_test_failover_time == found.current_scenario.start_time
    assert left == [404, 200, 200, 404]


async def test_interfaces_get_addresses_of_their_own_and_the_network_chosen_for_tests() -> None:
    existing = world()
    [vm] = existing["virtualMachines"]
    vm["nics"] = [{"name": f"web-1-nic{end}", "subnet": f"{NETWORK}/subnets/web"} for end in ("", "2")]
    async with simulated(existing) as clients:
        items = clients.recovery.replication_protected_items
        nics = (await item_of(clients)).provider_specific_details.vm_nics
        address = {"tfoSubnetName": "apps", "tfoStaticIPAddress": "10.9.1.9"}
        change: Any = {
            "properties": {
                "vmNics": [{"nicId": nics[0].nic_id, "ipConfigs": [address]}],
                "providerSpecificDetails": {"instanceType": "A2A"},
                "selectedTfoAzureNetworkId": ISOLATED,
            }
        }
        await (await items.begin_update(*WHERE, change)).result()
        await begun(clients, drill(networkType="NoNetworkAttachAsInput", networkId=None))
        seen = []
        for end in ("", "2"):
            nic = f"{TARGET_GROUP}/providers/Microsoft.Network/networkInterfaces/web-1-nic{end}-test?{NETWORKS}"
            _, body, _ = await clients.call("GET", nic)
            [configuration] = body["properties"]["ipConfigurations"]
            shown = configuration["properties"]
            seen.append((shown["subnet"]["id"].rpartition("/")[2], shown["privateIPAddress"]))
        await cleaned(clients)

    assert seen == [("apps", "10.9.1.9"), ("web", "10.9.2.4")]

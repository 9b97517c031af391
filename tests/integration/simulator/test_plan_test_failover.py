"""Test failover of a recovery plan: a consistency group together, the tree of its job, the states of the plan."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import VAULT, VAULT_GROUP, VAULT_ID, Azure, cause, error_code
from tests.integration.simulator.test_test_failover import CLEANUP, CONTAINER, ITEM, drill, simulated, world
from tests.waiting import eventually

FABRICS = f"{VAULT_ID}/replicationFabrics"
PLAN = f"{VAULT_ID}/replicationRecoveryPlans/drill"
GROUP = {"multiVmGroupName": "shop"}
NAMES = ("web-1", "web-2")


async def planned(clients: Azure, *names: str) -> None:
    members = [{"id": f"{CONTAINER}/replicationProtectedItems/item-{name}"} for name in names or NAMES]
    properties = {
        "primaryFabricId": f"{FABRICS}/primary",
        "recoveryFabricId": f"{FABRICS}/secondary",
        "failoverDeploymentModel": "ResourceManager",
        "groups": [{"groupType": "Boot", "replicationProtectedItems": members}],
    }
    plans = clients.recovery.replication_recovery_plans
    await (await plans.begin_create(VAULT_GROUP, VAULT, "drill", {"properties": properties})).result()


def of_plan(kind: str = "LatestProcessed", **changes: Any) -> Any:
    return drill(**{"providerSpecificDetails": [{"instanceType": "A2A", "recoveryPointType": kind}], **changes})


async def plan_of(clients: Azure) -> Any:
    plan = await clients.recovery.replication_recovery_plans.get(VAULT_GROUP, VAULT, "drill")
    return plan.properties


async def vms(clients: Azure) -> list[str]:
    listed = clients.compute.virtual_machines.list("rg-app-asr")
    return sorted([vm.name async for vm in listed])


async def test_the_vms_of_a_group_fail_over_together_and_are_cleaned_up_together() -> None:
    async with simulated(world(*NAMES, items=GROUP)) as clients:
        await planned(clients)
        plans = clients.recovery.replication_recovery_plans
        before = await plan_of(clients)
        status, _, headers = await clients.call("POST", f"{PLAN}/testFailover", of_plan())
        accepted = headers["x-ms-request-id"]
        _, first, _ = await clients.call("GET", accepted)

        async def ended() -> Any:
            _, job, headers = await clients.call("GET", accepted)
            assert headers["x-ms-request-id"] == job["id"]
            return job if job["properties"]["state"] == "Succeeded" else None

        job = await eventually(ended)
        during, copies = await plan_of(clients), await vms(clients)
        await (await plans.begin_test_failover_cleanup(VAULT_GROUP, VAULT, "drill", CLEANUP)).result()
        after, left = await plan_of(clients), await vms(clients)
        await (await plans.begin_delete(VAULT_GROUP, VAULT, "drill")).result()
        gone, *_ = await clients.call("GET", PLAN)

    assert (before.current_scenario, before.allowed_operations) == (None, ["UnplannedFailover", "TestFailover"])
    assert (status, first["id"]) == (202, accepted)
    # On a busy machine it may be on its way, or over, when it is first read.
    assert first["properties"]["state"] in {"NotStarted", "InProgress", "Succeeded"}
    assert job["id"] != accepted
    properties = job["properties"]
    assert (properties["targetInstanceType"], properties["scenarioName"]) == ("RecoveryPlan", "TestFailover")
    assert [task["name"] for task in properties["tasks"]] == [
        "RpSrsPrerequisitesCheck",
        "Unknown",
        "Unknown",
        "EndRecoveryPlanTask",
    ]
    children = properties["tasks"][1]["groupTaskCustomDetails"]["childTasks"]
    assert [(child["friendlyName"], child["state"]) for child in children] == [(name, "Succeeded") for name in NAMES]
    assert [vm["testVmName"] for vm in properties["customDetails"]["protectedItemDetails"]] == [
        "web-1-test",
        "web-2-test",
    ]
    assert (during.current_scenario_status, during.allowed_operations) == ("Suspended", ["TestFailoverCleanup"])
    assert during.current_scenario_status_description == "WaitingForStopTestFailover"
    assert copies == ["web-1-test", "web-2-test"]
    assert (after.current_scenario.scenario_name, after.current_scenario_status) == ("TestFailoverCleanup", "Succeeded")
    assert after.allowed_operations == before.allowed_operations
    assert after.last_test_failover_time == during.current_scenario.start_time
    assert (left, gone) == ([], 404)


async def test_a_group_is_not_torn_apart() -> None:
    async with simulated(world(*NAMES, items=GROUP), testFailoverRefusal="job") as clients:
        alone = await cause(clients, "POST", f"{ITEM}/testFailover", drill())
        await planned(clients, "web-1")
        part = await cause(clients, "POST", f"{PLAN}/testFailover", of_plan())
        left = await vms(clients)

    assert (alone, part, left) == ("159113", "159113", [])


async def test_one_vm_that_fails_fails_the_plan_and_the_others_wait_for_the_cleanup() -> None:
    quota = {"subscription": VAULT_ID.split("/")[2], "location": "westus2", "name": "cores", "limit": 2}
    async with simulated(world(*NAMES, items=GROUP, quotas=[quota])) as clients:
        await planned(clients)
        plans = clients.recovery.replication_recovery_plans
        with pytest.raises(HttpResponseError) as raised:
            await (await plans.begin_test_failover(VAULT_GROUP, VAULT, "drill", of_plan())).result()
        during, copies = await plan_of(clients), await vms(clients)
        await (await plans.begin_test_failover_cleanup(VAULT_GROUP, VAULT, "drill", CLEANUP)).result()
        left = await vms(clients)

    assert error_code(raised.value) == "159130"
    assert (during.current_scenario_status, during.allowed_operations) == ("Failed", ["TestFailoverCleanup"])
    assert during.last_test_failover_time is None
    assert (copies, left) == (["web-1-test"], [])


async def test_the_job_may_stay_suspended_until_the_cleanup() -> None:
    async with simulated(world(*NAMES), planTestFailover="suspends", jobPlaceholders="never") as clients:
        await planned(clients)
        _, _, headers = await clients.call("POST", f"{PLAN}/testFailover", of_plan("Latest"))

        async def state() -> Any:
            return (await clients.call("GET", headers["x-ms-request-id"]))[1]["properties"]

        async def suspended() -> bool:
            return bool((await state())["state"] == "Suspended")

        await eventually(suspended)
        held = await state()
        plans = clients.recovery.replication_recovery_plans
        await (await plans.begin_test_failover_cleanup(VAULT_GROUP, VAULT, "drill", CLEANUP)).result()
        released = await state()

    assert (held["stateDescription"], "endTime" in held) == ("WaitingForStopTestFailover", False)
    assert (released["state"], "endTime" in released) == ("Succeeded", True)


@pytest.mark.parametrize(("variant", "status"), [("refused", 409), ("allowed", 202)])
async def test_one_vm_of_a_plan_may_be_cleaned_up_by_itself(variant: str, status: int) -> None:
    async with simulated(world(*NAMES), cleanupOfPlanMembers=variant) as clients:
        await planned(clients)
        plans = clients.recovery.replication_recovery_plans
        await (await plans.begin_test_failover(VAULT_GROUP, VAULT, "drill", of_plan())).result()
        given, *_ = await clients.call("POST", f"{ITEM}/testFailoverCleanup", CLEANUP)

    assert given == status


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"groups": [{"groupType": "Boot"}] * 8}, "159132"),
        ({"groups": [{"groupType": "Boot", "replicationProtectedItems": [{"id": f"{ITEM}-gone"}]}]}, "159030"),
        ({"primaryFabricId": f"{FABRICS}/secondary"}, "159131"),
        ({"recoveryFabricId": f"{FABRICS}/nowhere"}, "159029"),
    ],
)
async def test_a_plan_that_cannot_be_is_not_saved(changes: dict[str, Any], code: str) -> None:
    properties = {
        "primaryFabricId": f"{FABRICS}/primary",
        "recoveryFabricId": f"{FABRICS}/secondary",
        "groups": [{"groupType": "Boot", "replicationProtectedItems": [{"id": ITEM}]}],
    }
    async with simulated() as clients:
        assert await cause(clients, "PUT", PLAN, {"properties": properties | changes}) == code
        status, *_ = await clients.call("GET", PLAN)

    assert status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (of_plan(networkType="Logical"), 400),
        (of_plan(providerSpecificDetails={"instanceType": "A2A"}), 400),
        (of_plan(providerSpecificDetails=[{"instanceType": "A2A"}]), 400),
        (of_plan("Newest"), 400),
        (of_plan(networkId=f"{PLAN}/nothing"), 400),
    ],
)
async def test_a_request_that_is_wrong_is_refused(body: Any, status: int) -> None:
    async with simulated(world(*NAMES)) as clients:
        await planned(clients)
        given, *_ = await clients.call("POST", f"{PLAN}/testFailover", body)

    assert given == status


async def test_a_plan_that_is_saved_or_deleted_takes_no_other_operation() -> None:
    async with simulated(world(*NAMES)) as clients:
        await planned(clients)
        _, plan, _ = await clients.call("GET", PLAN)
        await clients.call("PATCH", "/sim/clock", {"speed": 0.01})
        first, *_ = await clients.call("DELETE", PLAN)
        meanwhile = [
            (await clients.call("PUT", PLAN, {"properties": plan["properties"]}))[0],
            (await clients.call("DELETE", PLAN))[0],
            (await clients.call("POST", f"{PLAN}/testFailover", of_plan()))[0],
        ]

    assert (first, meanwhile) == (202, [409, 409, 409])

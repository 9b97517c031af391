"""Azure having a bad day: throttled, cut off, failing. All VMs end Protected, or with the real cause said."""

from typing import Any

import pytest

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.waiting import eventually

AGENT_ERROR = {
    "times": 1,
    "code": "151066",
    "message": "Site Recovery configuration failed: the latest trusted root certificates are missing.",
    "possibleCauses": "The root certificates on the VM are out of date.",
    "recommendedAction": "Install the latest trusted root certificates on the virtual machine.",
}


@pytest.mark.parametrize("fault", [{"kind": "throttle", "every": 5}, {"kind": "reset", "probability": 0.1}])
async def test_throttled_or_cut_off_all_the_time(start_stack: StartStack, fault: dict[str, Any]) -> None:
    vms = [estates.vm(f"web-{number}") for number in range(3)]
    async with start_stack(estates.estate(vms)) as stack:
        await stack.sim("POST", "faults", {"match": {"path": "/subscriptions/"}, **fault})
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, 3)
        writes = await written(stack)
    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert enables(writes) == [1] * 3


async def test_the_answer_to_the_enable_request_is_lost(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm])) as stack:
        rule = {"match": {"method": "PUT", "path": "/replicationProtectedItems/"}, "kind": "lost-response", "times": 1}
        await stack.sim("POST", "faults", rule)
        await stack.deliver(write_event(vm["id"]))
        ended = await results(stack, 1)
        writes = await written(stack)
    assert ended["web-1"]["outcome"] == "Protected"
    assert enables(writes) == [1]


async def test_an_enable_job_that_fails_once_is_tried_again(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", failEnable=AGENT_ERROR)
    async with start_stack(estates.estate([vm])) as stack:
        await stack.deliver(write_event(vm["id"]))
        ended = await results(stack, 1)
        writes = await written(stack)
    assert ended["web-1"]["outcome"] == "Protected"
    assert ended["web-1"]["attempts"] == 1
    assert enables(writes) == [2]


@pytest.mark.parametrize("options", [(), ("--items-hidden-while-enabling",)], ids=["items visible", "items hidden"])
@pytest.mark.long
async def test_a_job_that_keeps_failing_ends_with_its_real_cause(
    start_stack: StartStack, options: tuple[str, ...]
) -> None:
    vm = estates.vm("web-1", failEnable=AGENT_ERROR | {"times": 9})
    async with start_stack(estates.estate([vm]), simulator_options=options) as stack:
        await stack.deliver(write_event(vm["id"]))
        ended = await results(stack, 1)
        writes = await written(stack)
    result = ended["web-1"]
    assert result["outcome"] == "Failed"
    assert result["error"]["code"] == "151066"
    assert result["error"]["message"] == AGENT_ERROR["message"]
    assert result["error"]["action"] == AGENT_ERROR["recommendedAction"]
    assert enables(writes) == [3]


@pytest.mark.long
async def test_a_long_throttle_is_waited_for_by_a_timer_and_not_inside_the_call(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm])) as stack:
        rule = {
            "match": {"method": "GET", "path": "/virtualMachines/"},
            "kind": "throttle",
            "times": 1,
            "retryAfter": 6,
        }
        await stack.sim("POST", "faults", rule)
        await stack.deliver(write_event(vm["id"]))

        async def reported() -> bool:
            (instance,) = await stack.instances()
            return bool((instance["customStatus"] or {}).get("lastError", {}).get("code") == "TooManyRequests")

        await eventually(reported, within=4)
        assert (await results(stack, 1))["web-1"]["outcome"] == "Protected"


async def test_no_resource_provider_is_registered_behind_an_operator_s_back(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    rule = {
        "match": {"method": "GET", "path": "/replicationEligibilityResults/"},
        "kind": "status",
        "status": 409,
        "code": "MissingSubscriptionRegistration",
        "message": "The subscription is not registered to use namespace 'Microsoft.RecoveryServices'.",
    }
    async with start_stack(estates.estate([vm])) as stack:
        await stack.sim("POST", "faults", rule)
        await stack.deliver(write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]
        assert not await written(stack)
        assert "register" not in str([request["path"] for request in await stack.app_requests()])
    assert result["outcome"] == "NotEligible"
    assert [finding["code"] for finding in result["findings"]] == ["ProviderNotRegistered"]
    assert "az provider register --namespace Microsoft.RecoveryServices" in result["findings"][0]["fix"]


async def test_what_no_wait_helps_against_is_reported_at_once_under_the_step_that_met_it(
    start_stack: StartStack,
) -> None:
    """Each is a 409, as a resource is that another operation holds: for that one the run goes on waiting."""
    vms = {name: estates.vm(name, network=f"vnet-{name}") for name in ("unregistered", "frozen", "busy", "full")}
    codes = {
        "frozen": ("ReadOnlyDisabledSubscription", "The subscription is disabled and therefore marked as read only."),
        "busy": ("Conflict", "Another operation is in progress."),
        "full": ("ItemsPerVaultQuotaExceeded", "The vault is full."),
    }
    rules = [
        {
            "match": {"method": "PUT", "path": "/replicationProtectedItems/", "body": f"virtualMachines/{name}"},
            "kind": "status",
            "status": 409,
            "code": code,
            "message": message,
        }
        for name, (code, message) in codes.items()
    ]
    network = {"method": "PUT", "path": "virtualNetworks/vnet-unregistered"}
    unregistered = {
        "match": network,
        "kind": "status",
        "status": 409,
        "code": "MissingSubscriptionRegistration",
        "message": "The subscription is not registered to use namespace 'Microsoft.Network'. See https://aka.ms/rps.",
    }
    networks = [f"vnet-{name}" for name in vms]
    async with start_stack(estates.estate(vms.values(), networks=networks)) as stack:
        await stack.sim("POST", "faults", [*rules, unregistered])
        await stack.deliver(*(write_event(vm["id"]) for vm in vms.values()))

        async def reported() -> dict[str, dict[str, Any]] | None:
            found = {each["instanceId"].split("-")[1]: each for each in await stack.instances()}
            waiting = (found["busy"]["customStatus"] or {}).get("lastError")
            ended = [name for name, each in found.items() if each["runtimeStatus"] == "Completed"]
            return found if waiting and set(ended) == set(vms) - {"busy"} else None

        found = await eventually(reported, within=20)
        # What ends a run ends it after that one refusal.
        refused = [each for each in await stack.app_requests() if each["status"] == 409]
        assert len([each for each in refused if "unregistered" in each["path"]]) == 1
        await stack.sim("DELETE", "faults")
        ended = await results(stack, len(vms))

    status = found["busy"]["customStatus"]
    assert (status["step"], status["lastError"]["code"]) == ("Enabling protection", "Conflict")
    assert {name: result["outcome"] for name, result in ended.items()} == dict.fromkeys(vms, "NotEligible") | {
        "busy": "Protected"
    }
    blockers = {name: result["findings"][-1] for name, result in ended.items() if name != "busy"}
    assert {name: each["code"] for name, each in blockers.items()} == {
        "unregistered": "ProviderNotRegistered",
        "frozen": "ReadOnlyDisabledSubscription",
        "full": "ItemsPerVaultQuotaExceeded",
    }
    assert "az provider register --namespace Microsoft.Network" in blockers["unregistered"]["fix"]
    assert "enabled again" in blockers["frozen"]["fix"]
    assert "quota" in blockers["full"]["fix"]

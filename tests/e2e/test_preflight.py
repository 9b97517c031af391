"""Each finding before protection: an estate causes it, a plan says it in words that help, and nothing is written."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from shared.planning.run_findings import LISTED, PLANNED
from tests import estates
from tests.e2e import hindered, hindrances, overrides
from tests.e2e.conftest import StartStack
from tests.e2e.follow import is_write, results, route_of, write_event
from tests.waiting import eventually

# A decision, or what a plan leaves out or refuses, keeps a write from being refused. Their rules have their own tests.
_REFUSED = "CleanupOff, ItemIncomplete, NeverRemoved, NoIntent, TargetOutOfScope, TooManyTags"


@pytest.mark.long
async def test_each_finding_is_reported_in_a_plan_and_gone_once_its_cause_is(start_stack: StartStack) -> None:
    # Plans wait for nothing. What is remembered for hours is so for minutes here, and one asks again after a second.
    settings = hindrances.SETTINGS | {"DR_POLL_SECONDS": "1"}
    async with start_stack(hindered.estate(), settings=settings, speed=60) as stack:
        plans = {vm: await _plan(stack, vm) for vm in dict.fromkeys(case.vm["id"] for case in hindrances.CASES)}
        untold = [case for case in hindrances.CASES if not _tells(plans[case.vm["id"]], case)]
        assert [(case.code, case.names, plans[case.vm["id"]]["findings"]) for case in untold] == []
        assert {vm: plan["blocked"] for vm, plan in plans.items()} == {
            vm: any(case.blocks for case in hindrances.CASES if case.vm["id"] == vm) for vm in plans
        }
        expected = {vm: {case.code for case in hindrances.CASES if case.vm["id"] == vm} for vm in plans}
        assert {vm: {finding["code"] for finding in plan["findings"]} for vm, plan in plans.items()} == expected

        await stack.sim("POST", "estate", hindered.estate(fixed=True))
        lasting = {case.vm["id"]: {case.code} for case in hindrances.CASES if case.code in hindrances.LASTING}

        async def only_those_are_left() -> bool:
            return await _blocked(stack, plans) == lasting

        await eventually(only_those_are_left)
        assert [request for request in await stack.app_requests() if is_write(request)] == []
        assert await stack.instances() == []


async def test_what_azure_policy_forbids_is_reported_with_the_assignment_s_name(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    denial = {
        "scope": f"{estates.GROUP}-asr",
        "type": "Microsoft.Network/virtualNetworks",
        "assignment": "no-networks",
        "displayName": "Networks are made by the network team",
    }
    async with start_stack(estates.estate([vm], policyDenials=[denial])) as stack:
        await stack.deliver(write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]

    assert result["outcome"] == "NotEligible"
    (finding,) = result["findings"]
    assert (finding["code"], finding["severity"]) == ("DisallowedByPolicy", "blocker")
    assert "vnet-app-asr" in finding["message"]
    assert "Networks are made by the network team" in finding["message"]
    assert "exemption" in finding["fix"]


@pytest.mark.long
async def test_a_subscription_that_replicates_three_thousand_disks_is_full(start_stack: StartStack) -> None:
    full = [estates.vm(f"full-{number}", size="Standard_M64s", disks=65, tagged=False) for number in range(47)]
    items = [overrides.protected(f"full-{number}") for number in range(47)]
    async with start_stack(overrides.protected_world([*full, estates.vm("next")], items)) as stack:
        plan = await _plan(stack, estates.vm_id("next"))

    assert [finding["code"] for finding in plan["findings"]] == ["TooManyReplicatedDisks"]
    assert "3055 disks of the subscription" in plan["findings"][0]["message"]


def test_every_finding_that_a_run_may_have_is_caused_by_some_test() -> None:
    tests = " ".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    assert ", ".join(sorted(code for code in LISTED | PLANNED if f'"{code}"' not in tests)) == _REFUSED


async def _plan(stack: Stack, vm: str) -> dict[str, Any]:
    status, plan = await stack.api("POST", f"{route_of(vm)}/plan")
    assert status == 200, plan
    return dict(plan)


async def _blocked(stack: Stack, vms: Iterable[str]) -> dict[str, set[str]]:
    """Those of the VMs that are blocked now, and by what."""
    plans = {vm: await _plan(stack, vm) for vm in vms}
    return {
        vm: {finding["code"] for finding in plan["findings"] if finding["severity"] == "blocker"}
        or {finding["code"] for finding in plan["findings"]}
        for vm, plan in plans.items()
        if plan["blocked"]
    }


def _tells(plan: dict[str, Any], case: hindrances.Case) -> bool:
    return any(
        (finding["code"], finding["severity"]) == (case.code, case.severity)
        and all(name.lower() in f"{finding['message']} {finding['fix']}".lower() for name in case.names)
        for finding in plan["findings"]
    )

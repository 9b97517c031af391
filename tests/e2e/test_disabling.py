"""DELETE through the host: from what it would cost, by a confirmation, to a VM that nothing protects and no sweep
enables again."""

from typing import Any

import pytest

from local.stack import Stack, protection
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, written
from tests.e2e.overrides import items, protected, protected_world
from tests.e2e.sweeping import sweep
from tests.waiting import eventually

pytestmark = pytest.mark.original

VM = estates.vm("web-1")
ROUTE = protection(VM["id"])
_COMPUTE = "2026-04-01"


async def how_it_ended(stack: Stack, route: str = ROUTE) -> dict[str, Any]:
    """The result of the VM's run, once it has ended."""

    async def ended() -> Any:
        _, view = await stack.api("GET", route)
        return view if not view["running"] and view["run"] else None

    view: dict[str, Any] = await eventually(ended, within=90)
    return view


@pytest.mark.long
async def test_what_was_enabled_over_http_is_disabled_over_http_and_no_sweep_writes_after_either(
    start_stack: StartStack,
) -> None:
    vm = estates.vm("web-1", tagged=False)
    async with start_stack(estates.estate([vm])) as stack:
        await stack.subscribe()
        await stack.api("PUT", ROUTE)
        await results(stack, 1)
        _, before = await stack.api("GET", ROUTE)
        enabled = await written(stack)
        first = await sweep(stack)
        assert await written(stack) == enabled

        status, unconfirmed = await stack.api("DELETE", ROUTE)
        assert (status, unconfirmed["code"]) == (409, "ConfirmationNeeded")
        assert await written(stack) == enabled

        status, accepted = await stack.api("DELETE", f"{ROUTE}?confirm=true")
        assert (status, accepted["vmId"].lower()) == (202, vm["id"].lower())
        after = await how_it_ended(stack)
        disabled = await written(stack)
        found = await stack.arm("GET", vm["id"], _COMPUTE)
        left = await items(stack)
        second = await sweep(stack)
        swept = await written(stack)

    details = before["details"]
    assert {disk["state"] for disk in details["disks"]} == {"Protected"}
    assert details["failover"]["allowedOperations"] == ["UnplannedFailover", "DisableProtection", "TestFailover"]
    assert [error["code"] for error in details["healthErrors"]] == ["161011"]
    assert all(error["possibleCauses"] and error["action"] for error in details["healthErrors"])
    points = [point["time"] for point in details["recoveryPoints"]]
    assert points == sorted(points, reverse=True)
    assert details["recoveryPointCount"] >= len(points) > 0
    assert before["item"]["id"].rsplit("/", 1)[-1] in unconfirmed["detail"]
    assert "recovery points from" in unconfirmed["detail"]
    change = after["lastChange"]["outcome"]
    assert (change, after["item"], after["details"], after["tagged"]) == ("Disabled", None, None, False)
    # The event of the tag may come when the VM is disabled: a run of its own then finds nothing to do.
    assert after["run"]["outcome"] in {"Disabled", "NotTagged"}
    assert found["tags"] == {"dr": "false"}
    assert left == {}
    assert len(disabled - enabled) == 2
    assert swept == disabled
    assert (first.summary.by_state, second.summary.by_state) == ({"Protected": 1}, {"NotTagged": 1})


async def test_what_protects_a_vm_that_is_gone_can_be_disabled(start_stack: StartStack) -> None:
    async with start_stack(protected_world([VM], [protected("web-1")])) as stack:
        await stack.arm("DELETE", VM["id"], _COMPUTE)

        async def gone() -> bool:
            _, view = await stack.api("GET", ROUTE)
            return view["exists"] is False

        await eventually(gone)
        _, view = await stack.api("GET", ROUTE)
        status, _ = await stack.api("DELETE", f"{ROUTE}?confirm=true")
        ended = await how_it_ended(stack)
        left = await items(stack)
        status_after, _ = await stack.api("DELETE", f"{ROUTE}?confirm=true")

    assert view["item"]["state"] == "Protected"
    assert (status, ended["run"]["outcome"], left) == (202, "Disabled", {})
    assert status_after == 404


async def test_what_is_not_to_be_touched_is_refused_and_nothing_is_written(start_stack: StartStack) -> None:
    held = {**estates.vm("held"), "tags": {"dr": "true", "dr-hold": "true"}}
    vms = [held, estates.vm("theirs"), estates.vm("failed-over")]
    vault = [
        protected("held"),
        protected("theirs", name="made-in-the-portal"),
        protected("failed-over", state="UnplannedFailoverCommitted", nics=[]),
    ]
    async with start_stack(protected_world(vms, vault)) as stack:
        answers = {
            vm["id"].rsplit("/", 1)[-1]: await stack.api("DELETE", f"{protection(vm['id'])}?confirm=true") for vm in vms
        }
        assert not await written(stack)
        assert await stack.instances() == []

    assert {name: (status, problem["code"]) for name, (status, problem) in answers.items()} == dict.fromkeys(
        answers, (409, "DisableRefused")
    )
    findings = {name: [each["code"] for each in problem["findings"]] for name, (_, problem) in answers.items()}
    assert findings == {"held": ["OnHold"], "theirs": ["NotManagedByApp"], "failed-over": ["ItemFrozen"]}

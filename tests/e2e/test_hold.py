"""A hold over HTTP: a VM is left as it is until its time is over, or until the hold is removed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.sweeping import compliance, settled, sweep
from tests.waiting import eventually, longer


def route(name: str, what: str) -> str:
    return f"subscriptions/{estates.SUBSCRIPTION}/resourceGroups/app/virtualMachines/{name}/{what}"


@pytest.mark.long
async def test_a_held_vm_is_enabled_when_the_time_is_over_or_the_hold_removed(start_stack: StartStack) -> None:
    vms = [estates.vm("web-1"), estates.vm("web-2")]
    until = datetime.now(UTC) + timedelta(hours=1)
    bodies: dict[str, Any] = {
        "web-1": {"until": f"{until:%Y-%m-%dT%H:%M:%SZ}", "reason": "migration"},
        "web-2": {"reason": "<script>&"},
    }
    async with start_stack(estates.estate(vms)) as stack:
        for name, body in bodies.items():
            status, accepted = await stack.api("PUT", route(name, "hold"), body)
            assert status == 202, accepted
        await settled(stack)

        tags = [(await stack.arm("GET", vm["id"], "2026-04-01"))["tags"]["dr-hold"] for vm in vms]
        assert tags == [f"until={bodies['web-1']['until']}; migration", "<script>&"]
        assert await _held(stack) == {
            "web-1": f"until {until:%Y-%m-%d %H:%M} UTC (migration)",
            "web-2": "without an end (<script>&)",
        }
        status, problem = await stack.api("PUT", route("web-2", "protection"))
        assert (status, [each["code"] for each in problem["findings"]]) == (422, ["OnHold"])
        await sweep(stack)
        assert {vm_status["state"] for vm_status in (await compliance(stack)).values()} == {"NotEligible"}

        status, _ = await stack.api("DELETE", route("web-2", "hold"))
        assert status == 202
        await settled(stack, within=120)
        assert "dr-hold" not in (await stack.arm("GET", vms[1]["id"], "2026-04-01"))["tags"]

        soon = datetime.now(UTC) + timedelta(seconds=longer(3))
        status, _ = await stack.api("PUT", route("web-1", "hold"), {"until": f"{soon:%Y-%m-%dT%H:%M:%SZ}"})
        assert status == 202
        await eventually(lambda: datetime.now(UTC) > soon, within=(soon - datetime.now(UTC)).total_seconds() + 1)
        await sweep(stack, within=180)
        found = await compliance(stack)
        states = {key.rsplit("/", 1)[-1]: vm_status["state"] for key, vm_status in found.items()}
        assert states == {"web-1": "Protected", "web-2": "Protected"}
        (expired,) = [each for each in found[vms[0]["id"].lower()]["findings"] if each["code"] == "HoldExpired"]
        assert (expired["severity"], found[vms[0]["id"].lower()]["compliant"]) == ("note", True)
        _, timeline = await stack.api("GET", route("web-2", "timeline"))
        runs = [each for each in timeline["value"] if each["kind"] == "run"]
        assert [each["outcome"] for each in runs] == ["Protected", "NotEligible"]
        assert all("function key" in {caller["kind"] for caller in each["askedBy"]} for each in runs)
        assert {each["kind"] for each in timeline["value"]} == {"run", "job"}


async def _held(stack: Stack) -> dict[str, str]:
    """The hold of each VM, as its finding says it."""
    found = {}
    for key, vm_status in (await compliance(stack)).items():
        (text,) = [each["message"] for each in vm_status["findings"] if each["code"] == "OnHold"]
        found[key.rsplit("/", 1)[-1]] = text.partition("dr-hold ")[2].partition(": it is left")[0]
    return found

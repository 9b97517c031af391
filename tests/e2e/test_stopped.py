"""An app that was stopped over a weekend: each run goes on where it was, whatever its phase, and any client that wakes
it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.stack import Stack, protection
from shared.orchestrations import EXPIRED
from tests import estates
from tests.e2e.conftest import SPEED, StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.e2e.overrides import items, protected, protected_world
from tests.e2e.test_faults import AGENT_ERROR
from tests.e2e.untagging import CLEANUP, ended, grace, run_of, untag
from tests.waiting import eventually

pytestmark = pytest.mark.wide

NAME = "web-1"
VM = estates.vm_id(NAME)
STOPPED_SECONDS = 12.0
"""Longer than every deadline of a run at this speed: 6 s for target resources, 10 s for the lease."""
WEEKEND, FROZEN = 60 * 3600 / STOPPED_SECONDS, 1e-6
"""Speeds of Azure's clock: sixty hours pass while the app is stopped, or nothing gets done."""


async def _tagged(stack: Stack) -> None:
    await stack.deliver(write_event(VM))


async def _untagged(stack: Stack) -> None:
    await untag(stack, VM)
    await stack.deliver(write_event(VM))


async def _deleted(stack: Stack) -> None:
    status, _ = await stack.api("DELETE", f"{protection(VM)}?confirm=true")
    assert status == 202


@dataclass(frozen=True)
class Phase:
    """How a run gets into a phase, what its custom status says there, how fast Azure's clock runs meanwhile, and how it
    ends after how many requests to enable and failed attempts."""

    begin: Callable[[Stack], Awaitable[None]]
    reached: Callable[[Mapping[str, Any]], bool]
    outcome: str
    enabled: int = 0
    attempts: int = 0
    azure: float = WEEKEND
    estate: dict[str, Any] = field(default_factory=lambda: estates.estate([estates.vm(NAME)]))
    settings: dict[str, str] = field(default_factory=dict)


PROTECTED = protected_world([estates.vm(NAME)], [protected(NAME)])
PHASES = {
    "targets": Phase(_tagged, lambda shown: shown["phase"] == "targets", "Protected", 1, azure=FROZEN),
    "enabling": Phase(_tagged, lambda shown: bool(shown["job"]) and "percent" not in shown, "Protected", 1),
    "replicating": Phase(_tagged, lambda shown: "percent" in shown and not shown["job"], "Protected", 1),
    "back-off": Phase(
        _tagged,
        lambda shown: shown["step"].startswith("Waiting to retry"),
        "Protected",
        2,
        attempts=1,
        estate=estates.estate([estates.vm(NAME, failEnable=AGENT_ERROR)]),
    ),
    "grace": Phase(
        _untagged, lambda shown: "disableAt" in shown, "Disabled", estate=PROTECTED, settings=CLEANUP | grace(0.006)
    ),
    "confirmed disable": Phase(_deleted, lambda shown: bool(shown["job"]), "Disabled", estate=PROTECTED),
}


@pytest.mark.parametrize("name", PHASES)
async def test_a_run_goes_on_where_it_was(start_stack: StartStack, name: str) -> None:
    phase = PHASES[name]
    async with start_stack(phase.estate, settings=phase.settings, speed=SPEED / 4) as stack:

        async def reached() -> Any:
            run = await run_of(stack, NAME)
            return run if run.get("customStatus") and phase.reached(run["customStatus"]) else None

        await phase.begin(stack)
        before = await eventually(reached, every=0.02)
        await stack.sim("PATCH", "clock", {"speed": FROZEN})
        await stack.stop_process("host")
        await stack.sim("PATCH", "clock", {"speed": phase.azure})
        await asyncio.sleep(STOPPED_SECONDS)
        await stack.sim("PATCH", "clock", {"speed": SPEED})
        await stack.start_host()
        # Whatever came in while it was stopped is delivered at once, and finds every run silent since then.
        await stack.deliver(write_event(VM))
        still_waiting = (await run_of(stack, NAME)).get("customStatus") or {}
        result = await ended(stack, NAME, phase.outcome)
        await results(stack, 1)
        writes, left = await written(stack), await items(stack)

    assert result["attempts"] == phase.attempts
    if name == "grace":
        assert still_waiting.get("disableAt") == before["customStatus"]["disableAt"]
    assert sum(enables(writes)) == phase.enabled
    assert bool(left) is (phase.outcome == "Protected")


async def test_a_run_whose_successor_was_not_started_goes_on_where_it_was(start_stack: StartStack) -> None:
    """Its lease expired, and who took it over terminated it, and died or met an error before the start."""
    phase = PHASES["grace"]
    async with start_stack(phase.estate, settings=phase.settings, speed=SPEED / 4) as stack:

        async def reached() -> Any:
            run = await run_of(stack, NAME)
            return run if run["runtimeStatus"] == "Running" and phase.reached(run["customStatus"] or {}) else None

        async def is_terminated() -> bool:
            return bool((await run_of(stack, NAME))["runtimeStatus"] == "Terminated")

        await phase.begin(stack)
        before = await eventually(reached, every=0.02)
        await stack.sim("PATCH", "clock", {"speed": FROZEN})
        await stack.manage(before["instanceId"], "terminate", EXPIRED)
        await eventually(is_terminated, every=0.02)
        await stack.deliver(write_event(VM))
        after = await eventually(reached, every=0.02)

    assert after["customStatus"]["disableAt"] == before["customStatus"]["disableAt"]

"""What the scenarios of sweeps share: their estate, and a sweep from its start to its report."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from local.simulator.estate.generate import generate
from local.stack import Stack, StackError

SWEEP = "reconcile"
NOT_ENDED_WITHIN = 1800.0
TAGGED = 0.8

_EVERY = 0.1


def estate_of(count: int, *, tagged: float = TAGGED, protected: float = 0) -> dict[str, Any]:
    """Two source regions, and a third for all targets. `protected` is the share of the tagged."""
    regions = ["eastus", "northeurope", "westus2"]
    return generate({"vms": count, "tagged": tagged, "protected": protected, "regions": regions})


async def sweep(stack: Stack) -> dict[str, Any]:
    """Runs a sweep, waits for its end and returns its report."""
    await stack.run_timer(SWEEP)
    deadline = time.monotonic() + NOT_ENDED_WITHIN
    while time.monotonic() < deadline:
        ended = [each["output"] for each in await stack.instances() if is_sweep(each) and each["output"]]
        if ended:
            report: dict[str, Any] = ended[0]
            return report
        await asyncio.sleep(_EVERY)
    raise StackError(f"The sweep did not end within {NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")


def is_sweep(instance: Mapping[str, Any]) -> bool:
    return bool(instance["instanceId"] == SWEEP)

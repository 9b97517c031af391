"""Taking a VM's tag away, and following what an app that cleans up makes of that."""

from typing import Any

from local.stack import Stack
from tests.e2e.sweeping import Json
from tests.waiting import eventually, longer

CLEANUP = {"DR_MODE": "cleanup", "DR_MAX_DISABLE_PERCENT_PER_DAY": "100"}


def soon() -> float:
    """Hours: two seconds, and as much longer on a busy machine as a test needs to see that a run waits for them."""
    return longer(2) / 3600


def grace(hours: float) -> dict[str, str]:
    return {"DR_UNTAG_GRACE_HOURS": f"{hours:f}", "DR_OPT_OUT_GRACE_HOURS": f"{hours:f}"}


async def untag(stack: Stack, vm: str) -> None:
    body = {"operation": "Delete", "properties": {"tags": {"dr": "true"}}}
    await stack.arm("PATCH", f"{vm}/providers/Microsoft.Resources/tags/default", "2025-04-01", body)


async def run_of(stack: Stack, name: str) -> Json:
    """The instance of the VM, or nothing yet."""
    found = [each for each in await stack.instances() if each["instanceId"].startswith(f"protect-{name}-")]
    return found[0] if found else {}


async def ended(stack: Stack, name: str, outcome: str) -> Json:
    """The result of the VM's run, once it has ended so, or a later one that found nothing more to do."""

    async def has_ended() -> Any:
        output = (await run_of(stack, name)).get("output") or {}
        last = output if output.get("acted") else output.get("lastChange", {})
        return output if outcome in {output.get("outcome"), last.get("outcome")} else None

    result: Json = await eventually(has_ended, within=90)
    return result


async def waits_for_its_grace(stack: Stack, name: str) -> bool:
    return "disableAt" in ((await run_of(stack, name)).get("customStatus") or {})

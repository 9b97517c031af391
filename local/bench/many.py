"""A hundred VMs at once into a ready region pair: calls, elapsed time, memory."""

from local.bench import critical_path, memory
from local.bench.estate import estate, vm_ids
from local.bench.protecting import SPEED, protect
from local.bench.scenario import Run, Scenario
from local.stack import Stack, protection

MANY = 100
# For what is not measured: the VM that leaves a ready region pair.
_FASTER = 300


async def _measure(run: Run) -> dict[str, float]:
    first, *vms = vm_ids(MANY + 1)
    path = critical_path.ready_pair(run.seed, vms)
    async with Stack(run.folder, estate(MANY + 1), speed=SPEED) as stack:
        await stack.draw_latencies(run.seed)
        await stack.subscribe()
        # What the first request would load is no memory of the VMs. This one is about a VM that does not exist.
        await stack.api("POST", f"{protection(first + '-gone')}/plan")
        idle = memory.resident(stack.host_pid)
        await stack.sim("PATCH", "clock", {"speed": _FASTER})
        await protect(stack, [first])
        await stack.sim("PATCH", "clock", {"speed": SPEED})
        many = await protect(stack, vms, path)
        peak = memory.peak(stack.host_pid)
    run.say_calls(many.requests)
    eligibility = sum("/replicationeligibilityresults/" in request["path"].lower() for request in many.requests)
    return {
        "many.calls": len(many.requests) / MANY,
        "many.without eligibility": (len(many.requests) - eligibility) / MANY,
        "many.elapsed": many.elapsed / path,
        "many.to enable": many.to_enable,
        "many.memory": peak - idle,
        "many.peak": peak,
    }


SCENARIO = Scenario(f"{MANY} VMs at once into a ready region pair: calls, elapsed, memory", _measure)

"""One VM into an empty vault, then one more into the region pair that it left: calls, elapsed time."""

from local.bench import calls, critical_path
from local.bench.estate import estate, vm_ids
from local.bench.protecting import SPEED, protect, without_polls
from local.bench.scenario import Run, Scenario
from local.stack import Stack


async def _measure(run: Run) -> dict[str, float]:
    first, second = vm_ids(2)
    async with Stack(run.folder, estate(2), speed=SPEED) as stack:
        await stack.draw_latencies(run.seed)
        await stack.subscribe()
        await run.ready()
        one = await protect(stack, [first])
        path = await critical_path.empty_vault(stack, run.seed, stack.estate["virtualMachines"][:1])
        more = await protect(stack, [second])
    for title, vm in (("one VM into an empty vault", one), ("one more", more)) if run.calls else ():
        run.say(title)
        for line in calls.lines(vm.requests):
            run.say(line)
    return {
        "one.calls": len(one.requests),
        "one.puts": sum(request["method"] == "PUT" for request in one.requests),
        "one.elapsed": one.elapsed / path,
        "more.calls": len(more.requests),
        "more.without polls": len(without_polls(more.requests)),
    }


SCENARIO = Scenario(
    "one VM into an empty vault, and one more into the ready region pair: calls, elapsed", _measure, together=True
)

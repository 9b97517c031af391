"""The app scaled out: the calls of three hosts that share 30 VMs, over those of one host, on Microsoft's extension."""

from local import original
from local.bench.estate import estate, vm_ids
from local.bench.protecting import protect
from local.bench.scenario import Run, Scenario, UnavailableError
from local.stack import Stack

_VMS = 30
_SPEED = 20
_OTHERS = ("host-2", "host-3")


async def _measure(run: Run) -> dict[str, float]:
    if reason := original.missing():
        raise UnavailableError(f"Microsoft's Durable extension: {reason}")
    alone = await _calls(run)
    shared = await _calls(run, *_OTHERS)
    return {"hosts.ratio": shared / alone, "hosts.one": alone / _VMS, "hosts.three": shared / _VMS}


async def _calls(run: Run, *others: str) -> int:
    """What the hosts call to protect 30 VMs into a ready region pair, all tagged at once."""
    first, *vms = vm_ids(_VMS + 1)
    folder = run.folder / f"hosts-{len(others) + 1}"
    with original.extension() as environment:
        settings = {**environment, "DURABLE_HUB": "shared"}
        async with Stack(folder, estate(_VMS + 1), speed=_SPEED, settings=settings) as stack:
            await stack.draw_latencies(run.seed)
            for name in others:
                await stack.start_host(name)
            await stack.subscribe()
            await protect(stack, [first])
            protected = await protect(stack, vms)
    run.say(f"{len(others) + 1} hosts: {len(protected.requests)} calls")
    run.say_calls(protected.requests)
    return len(protected.requests)


SCENARIO = Scenario(f"{_VMS} VMs by three hosts and by one, on Microsoft's Durable extension", _measure, (1,))

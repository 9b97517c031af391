"""Drills of protected VMs: the calls of one, and of twenty at once, which share what they read while they wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from local.bench import calls
from local.bench.scenario import Run, Scenario
from local.bench.sweeps import estate_of
from local.stack import Stack, StackError, protection

MANY = 20
# A poll interval is three seconds then: what two steps share in Azure they share here.
SPEED = 10

_EVERY = 1.0
_NOT_ENDED_WITHIN = 900.0
_TARGET = "westus2"
_TEST_FAILOVER = "/testfailover"
_LISTS = ("/replicationjobs", "/replicationprotecteditems")
_LOOKED_AT = ("/microsoft.compute/virtualmachines", "/microsoft.network/networkinterfaces")

Json = dict[str, Any]
Request = Mapping[str, Any]


async def _measure(run: Run) -> dict[str, float]:
    estate, order = _estate(MANY + 1)
    first, *vms = (vm["id"] for vm in estate["virtualMachines"])
    async with Stack(run.folder, estate, speed=SPEED, settings={"DR_DRILLS": "true"}) as stack:
        await stack.draw_latencies(run.seed)
        await stack.subscribe()
        await run.ready()
        one = await _drilled(stack, _drill(first), order, lambda: _has_passed(stack, first))
        body = {"virtualMachines": vms, "drill": order, "atOnce": MANY}
        many = await _drilled(stack, "drills", body, lambda: _have_passed(stack))
    checks, one = by_order_and_run(one, first)
    shown = {"the checks of the order": checks, "one drill": one, f"{MANY} drills": many}
    for title, requests in shown.items() if run.calls else ():
        run.say(title)
        for line in calls.lines(requests):
            run.say(line)
    return {
        "drills.one": len(one),
        "drills.without polls": len(without_polls(one)),
        "drills.checks": len(checks),
        "drills.many": len(many) / MANY,
        "drills.many without polls": len(without_polls(many)) / MANY,
        "drills.shared": _polls(many) / _polls(one),
    }


def without_polls(requests: Sequence[Request]) -> list[Request]:
    """All but what is read again while the drills wait: the lists of the vault after the first request of a test
    failover, and the looks at a test VM and its interface after the first, by a list for many of them, too."""
    begun = next(n for n, request in enumerate(requests) if _path(request).endswith(_TEST_FAILOVER))
    seen: set[str] = set()
    kept = [*requests[:begun]]
    for request in requests[begun:]:
        path, read = _path(request), request["method"] == "GET"
        of_subscription = path.endswith(_LOOKED_AT) and "/resourcegroups/" not in path
        # That it is gone is what the event of its deletion asks.
        again = path.endswith("-test") and path in seen and request.get("status") != 404
        if not (read and (path.endswith(_LISTS) or of_subscription or again)):
            kept.append(request)
        seen.add(path)
    return kept


def by_order_and_run(requests: Sequence[Request], vm: str) -> tuple[list[Request], list[Request]]:
    """The checks of the POST, whose response says whether a drill is refused; and the run, which reads the VM again."""
    begun = max(n for n, request in enumerate(requests) if _path(request) == vm.lower())
    return [*requests[:begun]], [*requests[begun:]]


def _polls(requests: Sequence[Request]) -> int:
    return len(requests) - len(without_polls(requests))


def _path(request: Request) -> str:
    return str(request["path"]).lower()


def _estate(count: int) -> tuple[Json, Json]:
    """Protected VMs with an interface and two disks, and an isolated network; and the order of a drill in it."""
    estate = estate_of(count, tagged=1, protected=1)
    for vm in estate["virtualMachines"]:
        name = vm["id"].rsplit("/", 1)[-1]
        vm["disks"].append({"name": f"{name}-data", "sizeGB": 64})
    targets = estate["resourceGroups"][0]["id"]
    network = f"{targets}/providers/Microsoft.Network/virtualNetworks/dr-drill"
    subnet = {"name": "drill", "prefix": "10.77.1.0/24", "defaultOutboundAccess": False}
    isolated = {"id": network, "location": _TARGET, "addressSpace": ["10.77.0.0/16"], "subnets": [subnet]}
    estate["networks"].append(isolated)
    return estate | {"demo": {"targets": [targets]}}, {"network": network}


async def _drilled(stack: Stack, path: str, body: Json, have_ended: Callable[[], Awaitable[bool]]) -> list[Request]:
    """The app's requests from the order to the end of all that it began."""
    seen, started = len(await stack.requests()), time.monotonic()
    status, answer = await stack.api("POST", path, body)
    if status != 202:
        raise StackError(f"POST {path} was answered {status}: {answer}")
    while not await have_ended():
        if time.monotonic() - started > _NOT_ENDED_WITHIN:
            raise StackError(f"Not drilled within {_NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")
        await asyncio.sleep(_EVERY)
    return [*await stack.app_requests(after=seen)]


def _drill(vm: str) -> str:
    return protection(vm).removesuffix("protection") + "drill"


async def _has_passed(stack: Stack, vm: str) -> bool:
    status, view = await stack.api("GET", _drill(vm))
    if status == 200 and view["running"]:
        return False
    if status != 200 or view["outcome"] != "Passed":
        raise StackError(f"The drill did not pass: {view}")
    return True


async def _have_passed(stack: Stack) -> bool:
    _, listed = await stack.api("GET", "drills")
    [batch] = listed["value"]
    if batch["running"]:
        return False
    _, view = await stack.api("GET", f"drills/{batch['batch']}")
    if view["counts"] != {"Passed": MANY}:
        raise StackError(f"Not all drills passed: {view}")
    return True


SCENARIO = Scenario(f"a drill of one VM with two disks, and of {MANY} VMs at once: calls", _measure, together=True)

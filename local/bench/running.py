"""What the app costs to run, on Microsoft's Durable extension: sweeps that find nothing to do, an event that changes
nothing, and an app without work.

From these and those of `durable` the formulas in docs/cost.md make a month.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from local import original
from local.bench.durable import ENDED_AFTER, IDLE, counted
from local.bench.figures import RUNNING, SIZES, USED
from local.bench.scenario import RECORDED, Run, Scenario, UnavailableError
from local.bench.sweeps import NOT_ENDED_WITHIN, estate_of, swept_clean
from local.stack import Stack, StackError

_SETTLES = 20.0
_IDLE_FOR = 120.0
# The extension polls more often here than host.json says: docs/cost.md computes how often an app in Azure does.
_POLL = re.compile(r'"GET \S+/messages\?')
_ORCHESTRATORS = ("reconcile_estate", "protect_vm")
_LINE = re.compile(r"^\S+ \S+ [A-Z]+ (?!local\.)(?:[\w.]+): ", re.MULTILINE)
"""The start of a line in the host's log, but for the host's own."""


@dataclass(frozen=True)
class Usage:
    """What was used between two moments. `log` is the text of the app's own lines, in KB."""

    calls: float
    activities: float
    orchestrators: float
    transactions: float
    log: float

    def figures(self, of: str) -> dict[str, float]:
        return {f"running.{name} of {of}": value for name, value in zip(USED, astuple(self), strict=True)}


class _Meter:
    """Counts from its start: `requests` are Azurite's lines, `calls` the file of DURABLE_CALLS."""

    def __init__(self, stack: Stack, requests: list[str], calls: Path) -> None:
        self._stack, self._requests, self._file = stack, requests, calls
        self._calls, self._before, self._log, self._seen = 0, 0, 0, 0

    async def start(self) -> None:
        self._seen = len(await self._stack.requests())
        self._calls, self._before = len(self._lines()), len(self._requests)
        self._log = len(self._stack.log_of("host"))

    async def used(self) -> Usage:
        called, _ = counted(self._lines()[self._calls :])
        orchestrators = sum(called.pop(name, 0) for name in _ORCHESTRATORS)
        return Usage(
            calls=len(await self._stack.app_requests(after=self._seen)),
            activities=called.total(),
            orchestrators=orchestrators,
            transactions=sum(not IDLE.search(request) for request in self._requests[self._before :]),
            log=_of_the_app(self._stack.log_of("host")[self._log :]) / 1024,
        )

    def _lines(self) -> list[str]:
        return self._file.read_text().splitlines() if self._file.exists() else []


def _of_the_app(log: str) -> int:
    """The bytes of the app's lines, without what the local host writes before each."""
    return sum(len(_LINE.sub("", line).encode()) for line in log.splitlines() if _LINE.match(line))


async def _measure(run: Run) -> dict[str, float]:
    if reason := original.missing():
        raise UnavailableError(f"Microsoft's Durable extension: {reason}")
    measured: dict[str, float] = {}
    for count, of in zip(SIZES, RUNNING, strict=False):
        run.say(of)
        measured |= await _of_an_estate(run.folder / str(count), count, of)
    return measured


async def _of_an_estate(folder: Path, count: int, of: str) -> dict[str, float]:
    estate, calls = estate_of(count, tagged=1, protected=1), folder / "calls"
    requests: list[str] = []
    with original.extension(requests) as environment:
        settings = {**environment, "DURABLE_CALLS": str(calls)}
        async with Stack(folder / "stack", estate, settings=settings) as stack:
            meter = _Meter(stack, requests, calls)
            measured = await _idle(requests) if count == SIZES[0] else {}
            await meter.start()
            await swept_clean(stack, count)
            await asyncio.sleep(ENDED_AFTER)
            measured |= (await meter.used()).figures(of)
            if count == SIZES[0]:
                measured |= await _event(stack, meter, estate["virtualMachines"][0])
    return measured


async def _idle(requests: list[str]) -> dict[str, float]:
    await asyncio.sleep(_SETTLES)
    before = len(requests)
    await asyncio.sleep(_IDLE_FOR)
    return {"running.idle": sum(not _POLL.search(request) for request in requests[before:]) / _IDLE_FOR * 3600}


async def _event(stack: Stack, meter: _Meter, vm: Mapping[str, Any]) -> dict[str, float]:
    """A tag that the app does not read: its event starts a run, which finds the VM as it is to be."""
    await stack.subscribe()
    await meter.start()
    await stack.tag(vm["id"], owner="bench")
    deadline = time.monotonic() + NOT_ENDED_WITHIN
    while not any(each["output"] for each in await stack.instances() if each["name"] == "protect_vm"):
        if time.monotonic() > deadline:
            raise StackError(f"The run did not end:\n{stack.log_of('host')[-3000:]}")
        await asyncio.sleep(1)
    await asyncio.sleep(ENDED_AFTER)
    return (await meter.used()).figures(RUNNING[-1])


SCENARIO = Scenario(
    f"what sweeps of {', '.join(f'{count:,}' for count in SIZES)} protected VMs and an idle app use, on Microsoft's "
    "Durable extension",
    _measure,
    RECORDED,
)

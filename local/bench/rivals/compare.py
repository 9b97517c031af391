"""The app and the scripts that a user would run in its place, measured on the same simulator: one table."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from local.bench import critical_path, few, many
from local.bench.estate import NETWORK, SUBSCRIPTION, estate, vm_ids
from local.bench.protecting import enable_times
from local.bench.rivals.task import Task
from local.bench.scenario import Run
from local.bench.sweeps import estate_of
from local.processes import APP
from local.simulator.identity import issue, object_id
from local.stack import Stack, StackError

_CLIENT = "0a0a0a0a-0000-4000-8000-00000000000b"
_PRINCIPAL = object_id(_CLIENT)
_STATUS_OF = 1_000


@dataclass(frozen=True)
class Rival:
    """`limit` is how many VMs it has under way, `readers` how many items it reads at a time. Where VMs wait for each
    other, the clock is faster: the script sleeps, and the table need not wait an hour for it."""

    title: str
    script: str
    limit: int
    speed: float


RIVALS = (
    Rival("documented, 20 workers", "documented", 20, 60),
    Rival("documented, no limit", "documented", many.MANY, 30),
    Rival("Terraform-like", "terraform", 10, 60),
    Rival("careful", "careful", 10, 30),
)
ROWS = {
    "one": "calls, one VM into an empty vault, polls included",
    "more": "calls, one more VM into a ready region pair, polls included",
    "many": f"calls a VM, {many.MANY} more at once, polls included",
    "elapsed": f"elapsed over the critical path, {many.MANY} at once",
    "enable": f"tag to enable request, median of {many.MANY} (seconds of Azure)",
    "status": f"calls to read the status of {_STATUS_OF:,} VMs",
    "refused": "  of them throttled (429)",
    "unread": "  VMs left unread",
    "peak": f"peak memory, {many.MANY} under way (MB)",
}
NOTE = (
    "One seed of Azure's latencies, the same for all. The scripts are given the VMs to protect, and begin at once; "
    "the app learns of them by events. None of the scripts reads locks, quota, eligibility, interfaces or the "
    "tags of resource groups for each VM, explains a value, reacts to events, resumes after a crash, or keeps to a "
    "daily limit: they are cheaper than they would have to be. Terraform-like makes the calls of "
    "azurerm_site_recovery_replicated_vm by its source: the provider itself does not run here. Intervals are those of "
    "the SDKs and of the provider, divided by the speed of the simulator's clock: 30, and 60 where VMs wait for each "
    "other (documented with 20 workers, Terraform-like). Status is read with a clock of speed 1."
)
Values = dict[str, float]


async def measure(seed: int, folder: Path, say: Callable[[str], None]) -> dict[str, Values]:
    """The values of each column by the names of the rows: first those of the app, alone on the machine."""
    columns = {"app": await _app(Run(folder / "app", seed, say))}
    say(f"{len(RIVALS)} scripts, each on a simulator of its own: they sleep most of the time")
    found = await asyncio.gather(*(_column(each, seed, folder / each.title.replace(" ", "-")) for each in RIVALS))
    return columns | {each.title: values for each, values in zip(RIVALS, found, strict=True)}


def table(columns: Mapping[str, Values]) -> Table:
    shown = Table(title="The app, and what a user would run in its place", title_justify="left")
    shown.add_column("")
    for title in columns:
        shown.add_column(title, justify="right")
    for row, about in ROWS.items():
        shown.add_row(about, *(text(values[row]) for values in columns.values()))
    return shown


def text(value: float) -> str:
    """A value as the table shows it."""
    return f"{value:,.0f}" if value == int(value) or value >= 20 else f"{value:.2f}"


async def _app(run: Run) -> Values:
    run.say("the app: one VM, one more")
    ones = await few.SCENARIO.measure(Run(run.folder / "few", run.seed, run.say))
    run.say(f"the app: {many.MANY} VMs at once")
    hundred = await many.SCENARIO.measure(Run(run.folder / "many", run.seed, run.say))
    run.say(f"the app: the status of {_STATUS_OF:,} VMs")
    async with Stack(run.folder / "status", estate_of(_STATUS_OF, protected=1)) as stack:
        status, report = await stack.api("GET", f"compliance?top={_STATUS_OF}")
        if status != 200:
            raise StackError(f"GET compliance answered {status}: {report}")
        read = await stack.app_requests()
    return {
        "one": ones["one.calls"],
        "more": ones["more.calls"],
        "many": hundred["many.calls"],
        "elapsed": hundred["many.elapsed"],
        "enable": hundred["many.to enable"],
        "status": len(read),
        "refused": _refused(read),
        "unread": _STATUS_OF - report["summary"]["total"],
        "peak": hundred["many.peak"],
    }


async def _column(rival: Rival, seed: int, folder: Path) -> Values:
    return await protecting(rival, seed, folder / "protect", many.MANY) | await reading(
        rival, folder / "read", _STATUS_OF
    )


async def protecting(rival: Rival, seed: int, folder: Path, count: int) -> Values:
    """One VM, one more, and then so many at once."""
    first, second, *vms = vm_ids(count + 2)
    async with _simulator(folder, estate(count + 2), rival.speed, seed) as stack:
        one, _ = await _run(stack, rival, vms=[first])
        more, _ = await _run(stack, rival, vms=[second], ready=True)
        requests, end = await _run(stack, rival, vms=vms, ready=True)
    enabled = enable_times(requests).values()
    return {
        "one": len(one),
        "more": len(more),
        "many": len(requests) / count,
        "elapsed": end["elapsed"] * rival.speed / critical_path.ready_pair(seed, vms),
        "enable": median(at - end["began"] for at in enabled) * rival.speed,
        "peak": end["peak"],
    }


async def reading(rival: Rival, folder: Path, count: int) -> Values:
    """The status of so many VMs."""
    read_estate = estate_of(count, protected=1)
    (recovery,) = read_estate["siteRecovery"]
    ids = [_item_id(recovery["vault"], item) for item in recovery["protectedItems"]]
    async with _simulator(folder, read_estate, 1, 0) as stack:
        read, end = await _run(stack, rival, items=ids)
    return {"status": len(read), "refused": _refused(read), "unread": len(ids) - end["read"]}


@asynccontextmanager
async def _simulator(folder: Path, of: Mapping[str, Any], speed: float, seed: int) -> AsyncIterator[Stack]:
    """The simulator without the app."""
    stack = Stack(folder, of, speed=speed)
    try:
        await stack.start_simulator()
        await stack.draw_latencies(seed)
        yield stack
    finally:
        await stack.stop()


async def _run(
    stack: Stack, rival: Rival, *, vms: list[str] | None = None, items: list[str] | None = None, ready: bool = False
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The requests of a script, and what it printed. Raises StackError with the end of its output if it failed."""
    seen = len(await stack.requests())
    task = Task(
        url=stack.simulator_url,
        ca_file=stack.ready("simulator")["caFile"],
        token=issue(str(stack.estate.get("tenantId", "")), _CLIENT, stack.simulator_url, "https://sts.windows.net/"),
        subscription=SUBSCRIPTION if vms else stack.estate["subscriptions"][0]["id"],
        vault=stack.estate["vaults"][0]["id"],
        network=NETWORK,
        vms=vms or [],
        items=items or [],
        ready=ready,
        speed=stack.speed,
        limit=rival.limit,
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.bench.rivals", rival.script),
        cwd=APP,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate(json.dumps(asdict(task)).encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise StackError(f"{rival.title} failed:\n{errors.decode()[-3000:]}")
    requests = [each for each in await stack.requests(after=seen) if each["principal"] == _PRINCIPAL]
    return requests, json.loads(output)


def _item_id(vault: str, item: Mapping[str, str]) -> str:
    place = f"replicationFabrics/{item['fabric']}/replicationProtectionContainers/{item['container']}"
    return f"{vault}/{place}/replicationProtectedItems/{item['name']}"


def _refused(requests: list[dict[str, Any]]) -> int:
    return sum(request["status"] == 429 for request in requests)

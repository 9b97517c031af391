"""The table of figures: what is measured, in which unit, and the target that it is measured against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """`target` is the bound in the figure's unit, or None; `at_least` makes it a lower bound."""

    name: str
    unit: str = ""
    target: float | None = None
    at_least: bool = False

    def met(self, measured: float) -> bool | None:
        if self.target is None:
            return None
        return measured >= self.target if self.at_least else measured <= self.target

    def text(self, value: float) -> str:
        number = f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
        return f"{number} {self.unit}".rstrip()

    @property
    def target_text(self) -> str:
        if self.target is None:
            return ""
        return f"{'at least' if self.at_least else 'at most'} {self.text(self.target)}"


SIZES = (100, 1_000, 10_000)
RUNNING = (*(f"a sweep of {size:,} VMs" for size in SIZES), "an event")
"""What the scenario `running` measures."""
USED = {
    "calls": ("calls to Azure", "calls"),
    "activities": ("activities", ""),
    "orchestrators": ("calls of orchestrator functions", ""),
    "transactions": ("storage transactions", ""),
    "log": ("text of the app's log lines", "KB"),
}
"""What it counts of each."""

FIGURES = {
    "one.calls": Figure("ARM calls, one VM into an empty vault, polls included", "calls", 55),
    "one.puts": Figure("  PUTs among them", "PUTs", 12, at_least=True),
    "one.elapsed": Figure("  elapsed over the critical path", "", 1.05),
    "more.calls": Figure("ARM calls, one more VM into a ready region pair, polls included", "calls", 22),
    "more.without polls": Figure("  without polls", "calls", 10),
    "many.calls": Figure("ARM calls a VM, 100 more VMs at once, polls included", "calls", 2.7),
    "many.without eligibility": Figure("  without the eligibility call", "calls", 1.7),
    "many.elapsed": Figure("  elapsed over the critical path", "", 1.10),
    "many.to enable": Figure("  from tag to enable request, the median (seconds of Azure)", "s"),
    "many.memory": Figure("  peak memory of the host process above idle", "MB", 30),
    "many.peak": Figure("  peak memory of the host process", "MB"),
    "drills.without polls": Figure("ARM calls, a drill of one VM with two disks, polls not included", "calls", 20),
    "drills.one": Figure("  polls included", "calls"),
    "drills.checks": Figure("  and the checks of its POST before", "calls"),
    "drills.many without polls": Figure("ARM calls a VM, 20 drills at once, polls not included", "calls", 20),
    "drills.many": Figure("  polls included", "calls"),
    "drills.shared": Figure("  polls of the 20 over those of one", "", 10),
    "heal.calls": Figure("ARM and Graph calls a VM, a sweep that protects 1,000 VMs", "calls", 2.7),
    "heal.throttled": Figure("  throttled (429) among them", "calls", 0),
    "heal.elapsed": Figure("  elapsed over the critical path and enables beyond 200 at 200 a minute", "", 1.2),
    "heal.waves": Figure("  waits for the app's own limits, not counted there (minutes of Azure)", "min"),
    "sweep.calls": Figure("ARM and Graph calls, a clean sweep of 10,000 VMs", "calls", 40),
    "sweep.writes": Figure("  writes among them", "writes", 0),
    "sweep.elapsed": Figure("  elapsed", "s"),
    "sweep.growth": Figure("  elapsed over that of 1,000 VMs", "", 12),
    "sweep.memory": Figure("  peak memory of the host process above idle", "MB", 120),
    "sweep.cpu": Figure("  CPU for one VM more, over json.loads of its rows", "", 5),
    "sweep.cpu of one": Figure("  CPU for one VM more", "µs"),
    "large.calls": Figure(
        "ARM and Graph calls, a clean sweep of 50,000 VMs, 40 subscriptions, five vaults", "calls", 125
    ),
    "large.memory": Figure("  peak memory of the host process above idle", "MB", 250),
    "large.elapsed": Figure("  elapsed", "s"),
    "durable.transactions": Figure(
        "Storage transactions, one VM into an empty vault, on Microsoft's Durable extension", "", 330
    ),
    "durable.passes": Figure("  orchestrator passes", "", 41),
    "durable.activities": Figure("  activities", "", 33),
    "durable.replays": Figure("  calls of the orchestrator function"),
    "durable.history": Figure("  history that these calls are given", "KB"),
    **{
        f"running.{name} of {of}": Figure(f"  {what}" if number else f"{of[0].upper()}{of[1:]}: {what}", unit)
        for of in RUNNING
        for number, (name, (what, unit)) in enumerate(USED.items())
    },
    "running.idle": Figure("An app without work: storage transactions an hour, but for polls of queues"),
    "hosts.ratio": Figure("ARM calls of three hosts over those of one, 30 VMs at once, on that extension", "", 1.3),
    "hosts.one": Figure("  of one host, a VM", "calls"),
    "hosts.three": Figure("  of three hosts, a VM", "calls"),
    "imports.ratio": Figure("Import time of function_app over azure.functions and azure.durable_functions", "", 1.30),
    "imports.app": Figure("  function_app", "ms"),
    "imports.packages": Figure("  azure.functions and azure.durable_functions", "ms"),
    "start.get": Figure("From the start of the host to its first answer to a GET, over that of an empty Durable app"),
    "start.get seconds": Figure("  of a VM, by the app", "s"),
    "start.event": Figure("  the same to the first event, handled"),
    "start.event seconds": Figure("  of a VM, by the app", "s"),
    "page.view": Figure("The operators' page: its first view, of the demo's VMs", "s", 1),
    "page.scroll": Figure("  longest task while a list of 10,000 VMs is scrolled, 0 below 50 ms", "ms", 200),
    "throughput.rate": Figure("Orchestrations of the host, 200 of 5 activities in a chain", "/s"),
}
"""By the name under which a scenario returns what it measured: the scenario's name, a dot, what it is."""


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the runs of one scenario."""
    return {name: median(run[name] for run in runs) for name in runs[0]}

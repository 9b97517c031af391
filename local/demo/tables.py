"""The tables of the demo: the VMs while they run, how each ended, and the calls."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local.demo.progress import Progress, VmProgress

_STYLES = {"Protected": "green", "NotEligible": "yellow", "NotTagged": "dim"}


def live(progress: Progress, title: str) -> Table:
    """One row for each VM with its current state."""
    table = Table(title=title, title_justify="left", expand=True)
    table.add_column("VM", no_wrap=True)
    table.add_column("region", no_wrap=True)
    table.add_column("step", ratio=1, no_wrap=True)
    table.add_column("percent", width=26)
    for vm in progress.vms.values():
        table.add_row(vm.name, vm.expectation.region, _step(vm), _bar(vm))
    return table


def _step(vm: VmProgress) -> Text:
    if vm.ended is None:
        return Text(vm.step)
    return Text(f"{vm.outcome} after {vm.ended - vm.since:.0f} s", _style(vm))


def _style(vm: VmProgress) -> str:
    return _STYLES.get(vm.outcome, "red")


def _bar(vm: VmProgress) -> Table | str:
    if vm.percent is None:
        return ""
    bar = Table.grid(padding=(0, 1))
    bar.add_row(f"{vm.percent:>3} %", ProgressBar(total=100, completed=vm.percent, width=18))
    return bar


def line(vm: VmProgress, now: float) -> str:
    """A change as a line, for output that cannot be redrawn."""
    percent = "" if vm.percent is None else f" ({vm.percent} %)"
    return f"{now:6.1f} s  {vm.name:<14} {vm.step}{percent}"


def outcomes(progress: Progress) -> Table:
    """How each VM ended, whether that was expected, and why."""
    table = Table(title="How they ended", title_justify="left", show_lines=True)
    table.add_column("VM", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("expected?")
    table.add_column("why", ratio=1, overflow="fold")
    table.add_column("after", justify="right", no_wrap=True)
    for vm in progress.vms.values():
        why = "\n".join((*_got(vm), *vm.reasons)) or _without_reason(vm)
        after = "" if vm.ended is None else f"{vm.ended - vm.since:.1f} s"
        table.add_row(vm.name, Text(vm.outcome, _style(vm)), _expected(vm), escape(why), after)
    return table


def _got(vm: VmProgress) -> list[str]:
    """The expected settings with the values in the vault."""
    named = ", ".join(f"{name} {vm.got.get(name, 'unknown')}" for name in vm.expectation.item)
    return [f"In the vault: {named}."] if named else []


def _without_reason(vm: VmProgress) -> str:
    chosen = {setting["name"]: setting["value"] for setting in vm.result.get("settings", [])}
    if vm.outcome == "Protected" and chosen:
        group = chosen["targetResourceGroup"].rsplit("/", 1)[-1]
        return f"To {chosen['targetLocation']}, {group}; recovery points of {chosen['recoveryPointRetention']}."
    if vm.outcome == "NotTagged":
        return "Its tags do not ask for protection: it was read once and left alone."
    return vm.step


def _expected(vm: VmProgress) -> Text:
    if vm.as_expected:
        return Text("yes", "green")
    wanted = vm.expectation
    missed = "".join(f", {name} {value}" for name, value in vm.missed.items())
    return Text(f"no: {wanted.outcome}{f' for {wanted.finding}' if wanted.finding else ''}{missed}", "bold red")


def compliance(estate: Mapping[str, Any]) -> Table:
    """The estate after the sweep, from `GET compliance`: every VM with its findings."""
    summary = estate["summary"]
    title = f"The estate: {summary['compliant']} of {summary['required']} VMs that are to be protected are compliant"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in ("VM", "region", "state", "compliant"):
        table.add_column(name, no_wrap=True)
    table.add_column("RPO", justify="right", no_wrap=True)
    table.add_column("findings", ratio=1)
    for vm in estate["value"]:
        table.add_row(
            vm["vmId"].rsplit("/", 1)[-1],
            vm["region"],
            Text(vm["state"], _STYLES.get(vm["state"], "red")),
            Text("yes", "green") if vm["compliant"] else Text("no", "yellow"),
            f"{vm['rpoSeconds']} s" if vm.get("rpoSeconds") is not None else "",
            ", ".join(finding["code"] for finding in vm["findings"]),
        )
    return table


# The last type in the path of a PUT → what it makes, in the order in which it is shown.
_KINDS = {
    "resourcegroups": "Resource groups",
    "virtualnetworks": "Virtual networks",
    "availabilitysets": "Availability sets",
    "storageaccounts": "Cache storage accounts",
    "replicationfabrics": "Fabrics",
    "replicationprotectioncontainers": "Protection containers",
    "replicationpolicies": "Replication policies",
    "replicationprotectioncontainermappings": "Container mappings",
    "replicationnetworkmappings": "Network mappings",
    "replicationprotecteditems": "Replicated items",
}


def made(requests: Iterable[Mapping[str, Any]]) -> Table:
    """What the app created, by kind, and the number of PUTs: one each, unless an attempt failed."""
    puts: defaultdict[str, list[str]] = defaultdict(list)
    for request in requests:
        if request["method"] == "PUT" and 200 <= request["status"] < 300:
            *_, kind, name = request["path"].split("/")
            puts[kind.lower()].append(name)
    table = Table(title="What was made", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("kind", no_wrap=True)
    table.add_column("made", justify="right")
    table.add_column("PUTs", justify="right")
    table.add_column("names", ratio=1)
    for kind, title in _KINDS.items():
        names = sorted(set(puts[kind]))
        shown = "a GUID for each VM" if title == "Replicated items" else ", ".join(names)
        table.add_row(title, str(len(names)), str(len(puts[kind])), shown)
    return table


def calls(requests: Iterable[Mapping[str, Any]]) -> str:
    """The app's calls of Azure Resource Manager, in a sentence."""
    writes = Counter(_is_write(request) for request in requests)
    return f"{writes.total()} calls of Azure Resource Manager by the app: {writes[False]} reads, {writes[True]} writes."


def _is_write(request: Mapping[str, Any]) -> bool:
    """A POST that asks whether a name is available is none."""
    return request["method"] not in {"GET", "HEAD"} and not request["path"].lower().endswith("/checknameavailability")


def published(events: Iterable[Mapping[str, Any]]) -> str:
    """What the app has published to its topic, in a sentence."""
    kinds = Counter(str(event["type"]).rpartition(".")[2] for event in events)
    by_kind = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{kinds.total()} events published by the app: {by_kind or 'none'}."

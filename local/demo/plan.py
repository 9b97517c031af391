"""Shows a plan of the app: every value with its origin and reason, what would be created, findings, and the cost."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

Json = Mapping[str, Any]

_SEVERITIES = {"blocker": "red", "warning": "yellow", "note": "dim"}


def shown(plan: Json, title: str) -> RenderableType:
    found = [_finding(finding) for finding in plan["findings"]]
    tables = (_values(plan["settings"], title), "", _resources(plan["resources"]), "")
    return Group(*tables, *found, _cost(plan["cost"]))


def _values(settings: list[Json], title: str) -> Table:
    """The values of a plan. Overrides are highlighted; all others come from the VM, the vault and the settings."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False)
    table.add_column("setting", no_wrap=True)
    for name in ("value", "origin", "reason"):
        table.add_column(name, overflow="fold")
    times = Counter(_kind(setting) for setting in settings)
    for setting in settings:
        name = setting["name"] if times[_kind(setting)] > 1 else _kind(setting)
        chosen = "bold cyan" if setting["origin"] != "default" else ""
        table.add_row(
            *(Text(cell, chosen) for cell in (name, _last(setting["value"]), setting["origin"], setting["reason"]))
        )
    return table


def _kind(setting: Json) -> str:
    """The kind of a value without its interface or disk: most VMs have only one."""
    return str(setting["name"]).split("/")[0]


def _resources(resources: list[Json]) -> Table:
    named: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for resource in resources:
        named[resource["action"], resource["kind"]].append(_last(resource["name"]))
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    table.add_column("action", no_wrap=True)
    table.add_column("target resource", no_wrap=True)
    table.add_column("names", overflow="fold")
    for (action, kind), names in sorted(named.items(), key=lambda each: each[0][0]):
        table.add_row(action, kind, ", ".join(names))
    return table


def _finding(finding: Json) -> str:
    style = _SEVERITIES[finding["severity"]]
    said = escape(f"{finding['message']} {finding['fix']}")
    return f"[{style}]{finding['severity']} {finding['code']}[/]: {said}"


def _cost(cost: Json | None) -> str:
    if cost is None:
        return ""
    parts = ", ".join(f"{name} {cost[name]:.2f}" for name in ("instance", "disks", "cache") if cost[name])
    month = f"[bold]{cost['month']:.2f} {cost['currency']} a month[/]"
    left_out = f" Without a price in DR_PRICES: {', '.join(cost['unpriced'])}." if cost["unpriced"] else ""
    return f"{month}: {parts}. The instance costs nothing for the first 31 days.{left_out}"


def _last(value: str) -> str:
    """The name in an ID."""
    return value.rsplit("/", 1)[-1] if value.startswith("/") else value

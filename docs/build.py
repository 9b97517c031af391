"""Writes the tables of the documents from those that the app itself goes by: `python docs/build.py`.

With `--check` it writes nothing, and fails if a table is not up to date: that is what CI runs.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.config.override_options import CHOICES, ROWS
from shared.config.settings import Settings, as_text
from shared.reconcile.catalog import DRIFT
from shared.reporting import audit_log
from shared.reporting.events import PUBLISHED_WHEN
from shared.reporting.metrics import METRICS

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def portal() -> str:
    """Every row of the portal's page."""
    heads = ("row of the portal", "setting", "default", "can be set by", "allowed", "Azure enforces it in", "in place")
    return _table(
        heads,
        (
            (row.portal, f"`{row.setting}`", row.default, row.layers, row.allowed, row.azure, row.in_place)
            for row in ROWS
        ),
    )


def tags() -> str:
    """Every tag that the app knows."""
    own = (
        ("`dr`", "whether to protect the VM", "`true` (`DR_TAG_VALUES`)"),
        ("`dr-profile`", "its profile", "a name in `DR_PROFILES`"),
        ("`dr-hold`", "leave it as it is", "anything but `false`"),
    )
    chosen = ((f"`dr-{tag}`", f"`{row.setting}`", row.allowed) for tag, row in CHOICES.items())
    return _table(("tag", "setting", "value"), (*own, *chosen))


def variables() -> str:
    """Every environment variable."""
    fields = Settings.model_fields.items()
    rows = (
        (
            f"`DR_{name.upper()}`",
            "required" if field.is_required() else f"`{as_text(field.default)}`",
            field.description,
        )
        for name, field in fields
    )
    return _table(("variable", "default", "what it is"), rows)


def drift() -> str:
    """Everything that a sweep may find."""
    heads = ("finding", "severity", "means", "the app", "what to do")
    rows = ((f"`{code}`", row.severity.value, row.means, row.does, row.fix) for code, row in DRIFT.items())
    return _table(heads, rows)


def events() -> str:
    """Every type of event."""
    return _table(("type", "published when"), ((f"`{kind}`", when) for kind, when in PUBLISHED_WHEN.items()))


def metrics() -> str:
    """Every metric."""
    rows = ((f"`{name}`", row.kind, row.unit.strip("{}"), row.means, row.by) for name, row in METRICS.items())
    return _table(("metric", "kind", "unit", "what it is", "dimensions"), rows)


def log() -> str:
    """Every key of a line in the log."""
    keys = (*audit_log.KEYS.items(), *audit_log.SWEEP_KEYS.items())
    return _table(("key", "holds"), ((f"`{key}`", holds) for key, holds in keys))


def query() -> str:
    """The query that is in the docstring, where those who change the line see it."""
    lines = (line.removeprefix("    ") for line in (audit_log.__doc__ or "").splitlines() if line.startswith("    "))
    return "\n".join(("```kusto", *lines, "```"))


def rights() -> str:
    """Every custom role, and each of its actions with the reason."""
    roles = json.loads((ROOT / "infra" / "permissions.json").read_text())
    return "\n\n".join(
        f"### {role['name']}\n\n{role['description']} Assigned on: {role['scope']}.\n\n"
        + _table(("action", "why"), ((f"`{action}`", why) for action, why in role["actions"].items()))
        for role in roles.values()
    )


_TABLES: dict[str, Callable[[], str]] = {
    "decisions": log,
    "drift": drift,
    "events": events,
    "metrics": metrics,
    "portal": portal,
    "query": query,
    "rights": rights,
    "tags": tags,
    "variables": variables,
}


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str | None, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join("| " + " | ".join((cell or "").replace("|", "\\|") for cell in line) + " |" for line in lines)


def main(arguments: list[str]) -> int:
    stale = [(page, made) for page in PAGES if (made := _made(written := page.read_text())) != written]
    if stale and "--check" in arguments:
        names = ", ".join(page.name for page, _ in stale)
        sys.stderr.write(f"Not what the app goes by: {names}: run python docs/build.py\n")
        return 1
    for page, made in stale:
        page.write_text(made)
    return 0


def _made(written: str) -> str:
    return _MARKED.sub(lambda marked: marked[1] + _TABLES[marked[2]]() + "\n" + marked[3], written)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Writes the tables of the documentation from the code: `python docs/build.py`.

With `--check` it writes nothing, and fails if a table is out of date: that is what CI runs.
"""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from pydantic.alias_generators import to_camel

from infra.hooks.before_provision import COMPUTED, Parameter, declared
from local.bench import results
from local.bench.figures import FIGURES, RUNNING, USED
from local.bench.rivals import compare
from shared.arm.permanent_errors import PERMANENT_ERRORS
from shared.config.environment import as_text
from shared.config.override_options import CHOICES, ROWS
from shared.config.settings import Settings
from shared.config.support_rules import RULES
from shared.model.findings import Row, Severity
from shared.model.name_templates import TEMPLATES
from shared.model.names import DEFAULT_NAMES
from shared.model.priority import Priority
from shared.model.resource_id import ResourceId
from shared.planning.catalog import CATALOG, DRIFT, LEFT_OPEN, finding_of
from shared.planning.drill_findings import OF_DRILL
from shared.planning.run_errors import ANY_ERROR, ERRORS
from shared.planning.run_findings import LISTED, OF_SWEEP, PLANNED
from shared.reporting import audit_log
from shared.reporting.events import PUBLISHED_WHEN
from shared.reporting.messages import About, of_transitions
from shared.reporting.metrics import METRICS
from shared.reporting.transitions import Cause, Kind, Transition
from triggers.openapi import document

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
# The routes are the same for all settings: these are the fewest with which the app starts.
_SUBSCRIPTION = "/subscriptions/11111111-1111-4111-8111-111111111111"
_VAULT = f"{_SUBSCRIPTION}/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/dr-vault"
_IN_DOCS = {"tag": "dr", "target": "the target region", "action": "What Site Recovery recommends."}
_IN_WORDS = {True: "yes", False: "no"}
_FACT = re.compile(r"\{(\w+)\}")
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
    """Every tag that the app reads."""
    own = (
        ("`dr`", "whether to protect the VM", "`true` (`DR_TAG_VALUES`)"),
        ("`dr-profile`", "its profile", "a name in `DR_PROFILES`"),
        ("`dr-priority`", "which VMs come up where a quota does not suffice for all", ", ".join(Priority)),
        ("`dr-drill`", "whether the schedule of its profile drills the VM", "on, off"),
        (
            "`dr-hold`",
            "the app leaves the VM as it is, whatever the other tags say",
            "a reason, or `until=2026-12-24; reason`; `false` for none",
        ),
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


def azd() -> str:
    """Every variable of a deployment by azd, with the parameter that it sets."""
    every = list(declared())
    names = {each.name: f"`{each.variable}`" for each in every}
    rows = (
        (
            f"`{each.variable}`",
            f"`{each.name}`",
            _default(each),
            ", ".join(each.choices) or _kind(each),
            # A name of one word may be no name in a description, as `mode` or `tags`.
            re.sub(r"\b[a-z]+[A-Z]\w+", lambda name: names.get(name[0], name[0]), _about(each)),
        )
        for each in every
    )
    return _table(("variable", "parameter", "default", "value", "what it is"), rows)


def _default(parameter: Parameter) -> str:
    """That of the template; where that passes nothing on, that of the setting of the app."""
    setting = Settings.model_fields.get(parameter.variable.removeprefix("DR_").lower())
    given = parameter.default.strip("'").replace("{}", "")
    if parameter.choices == ("true", "false"):
        is_on = f"{parameter.name} != 'false'" in (ROOT / "infra" / "main.bicep").read_text()
        given = given or ("true" if is_on else "false")
    elif setting and not given:
        given = as_text(setting.default)
    if not given or given == "none":
        return "none" if parameter.default else "required"
    return f"`{given}`"


def _kind(parameter: Parameter) -> str:
    return "a JSON object" if parameter.is_object else "a number" if parameter.is_number else "text"


def _about(parameter: Parameter) -> str:
    link = "[setting](configure.md#settings)"
    return re.sub(rf"^{parameter.variable}\b", link, parameter.about).rstrip(".")


def computed() -> str:
    """Every setting of the app that the templates compute."""
    rows = (
        (f"`{name}`", ", ".join(f"`{each}`" for each in by) or "the deployment alone") for name, by in COMPUTED.items()
    )
    return _table(("setting", "decided by"), rows)


def names() -> str:
    """Every template of names."""
    rows = (
        (
            f"`{to_camel(field)}`",
            kind.what,
            f"`{getattr(DEFAULT_NAMES, field)}`",
            ", ".join(f"`{{{each}}}`" for each in kind.needs),
            ", ".join(f"`{{{each}}}`" for each in kind.more),
            str(kind.rule),
        )
        for field, kind in TEMPLATES.items()
    )
    return _table(("template", "of", "default", "must have", "may have", "a name has"), rows)


def drift() -> str:
    """Every finding of a sweep, and what it makes of `compliant` and `recoverable`."""
    heads = ("finding", "severity", "compliant", "recoverable", "means", "the app", "what to do")
    rows = (
        (f"`{code}`", _severity(row), _compliant(row), _recoverable(code, row), row.means, row.does, _fix(row))
        for code, row in DRIFT.items()
    )
    return _table(heads, rows)


def planned() -> str:
    """Every finding of a run or a plan."""
    return _findings(LISTED | PLANNED)


def sweep() -> str:
    """Every finding about a sweep."""
    return _findings(OF_SWEEP)


def drills() -> str:
    """Every reason why a drill is refused."""
    return _findings(OF_DRILL)


def _findings(rows: Mapping[str, Row]) -> str:
    heads = ("finding", "severity", "means", "the app", "what to do")
    return _table(heads, ((f"`{code}`", _severity(row), row.means, row.does, _fix(row)) for code, row in rows.items()))


def _compliant(row: Row) -> str:
    return _yes_or_no(row, lambda case: row.severity_in(case) is Severity.NOTE)


def _recoverable(code: str, row: Row) -> str:
    return "not known" if code in LEFT_OPEN else _yes_or_no(row, row.recoverable_in)


def _yes_or_no(row: Row, holds: Callable[[str], bool]) -> str:
    cases = (f"{_IN_WORDS[holds(name)]} if {case.when}" for name, case in row.cases.items() if holds(name) != holds(""))
    return "; ".join((_IN_WORDS[holds("")], *cases))


def _severity(row: Row) -> str:
    cases = (f"{case.severity} if {case.when}" for case in row.cases.values() if case.severity)
    return "; ".join((row.severity, *cases))


def _fix(row: Row) -> str:
    """With the default name of the tag, and dots for the facts that only the finding has."""
    fix = " ".join((row.fix, *(f"If {case.when}: {case.fix}" for case in row.cases.values() if case.fix)))
    return _FACT.sub(lambda fact: _IN_DOCS.get(fact[1], "…"), fix)


def support() -> str:
    """Every support rule, with its source."""
    heads = ("finding", "severity", "what Azure supports", "source", "as of", "a profile may ignore it")
    rows = (
        (f"`{rule.code}`", _severity(CATALOG[rule.code]), rule.says, rule.source, rule.date, "yes" * rule.ignorable)
        for rule in RULES
    )
    return _table(heads, rows)


def permanent() -> str:
    """Every error of Azure that does not pass."""
    heads = ("Azure's code", "finding", "means", "what to do", "source")
    rows = (
        (f"`{code}`", row.finding or "the same", row.means, row.fix, row.source)
        for code, row in PERMANENT_ERRORS.items()
    )
    return _table(heads, rows)


def errors() -> str:
    """Every error that may end a run, a sweep or a batch."""
    rows = ((f"`{code}`", *row) for code, row in ERRORS.items())
    return _table(("code", "means", "what to do"), (*rows, ("any other", *ANY_ERROR)))


def events() -> str:
    """Every type of event."""
    return _table(("type", "published when"), ((f"`{kind}`", when) for kind, when in PUBLISHED_WHEN.items()))


def metrics() -> str:
    """Every metric."""
    rows = ((f"`{name}`", row.kind, row.unit.strip("{}"), row.means, row.by) for name, row in METRICS.items())
    return _table(("metric", "kind", "unit", "what it is", "dimensions"), rows)


def log() -> str:
    """Every key of a line in the audit log."""
    keys = (*audit_log.KEYS.items(), *audit_log.SWEEP_KEYS.items())
    return _table(("key", "value"), ((f"`{key}`", holds) for key, holds in keys))


def message() -> str:
    """A message as the app makes it."""
    vm = ResourceId(f"{_SUBSCRIPTION}/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/web-1")
    at = datetime(2026, 5, 1, 12, 15, tzinfo=UTC)
    finding = finding_of("DiskNotProtected", "The disk data of web-1 is not replicated: it was attached later.")
    transition = Transition(Kind.NOT_RECOVERABLE, Cause(finding.code, vm), int(at.timestamp()), finding)
    about = About(ResourceId(_VAULT), at, "", "https://func-1.azurewebsites.net/api/ui/")
    (event,) = of_transitions(about, [transition])
    return f"```json\n{json.dumps({'specversion': '1.0', **event.dump()}, indent=2)}\n```"


def query() -> str:
    """The query in the docstring of the audit log's module, which is next to the code that writes the line."""
    lines = (line.removeprefix("    ") for line in (audit_log.__doc__ or "").splitlines() if line.startswith("    "))
    return "\n".join(("```kusto", *lines, "```"))


def rights() -> str:
    """Every custom role, each of its actions with the reason, and what it allows beyond what the app asks for."""
    heads = ("action", "why", "allows beyond that")
    return "\n\n".join(
        f"### {role['name']}\n\n{role['description']} Assigned on: {role['scope']}.\n\n"
        + "".join(f"- on a {kind} it reaches also {reach}\n" for kind, reach in role["scopes"].items())
        + "\n"
        + _table(heads, ((f"`{each}`", why, role["beyond"].get(each, "")) for each, why in role["actions"].items()))
        for role in _roles("permissions").values()
    )


def built_in() -> str:
    """Every role of Azure's own that is assigned."""
    heads = ("identity", "role", "on", "why", "allows beyond that")
    columns = ("holder", "role", "on", "why", "beyond")
    return _table(heads, (tuple(row[each] for each in columns) for row in _roles("built-in-roles")))


def _roles(file: str) -> Any:
    return json.loads((ROOT / "infra" / f"{file}.json").read_text())


def routes() -> str:
    """Every route of the HTTP API, from its OpenAPI document."""
    rows = (
        (
            f"`{method} {path}`",
            operation["summary"],
            ", ".join(f"`{parameter['name']}`" for parameter in operation.get("parameters", ())),
            next(status for status in operation["responses"] if status.startswith("2")),
        )
        for method, path, operation in _operations()
    )
    return _table(("request", "what it does", "query parameters", "success"), rows)


def problems() -> str:
    """Every status that is not a success, with the codes of its problem documents and the requests it answers."""
    requests: dict[tuple[str, str], list[str]] = {}
    operations = list(_operations())
    for method, path, operation in operations:
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                request = f"`{method} {path.removeprefix(_VM_PATH)}`"
                requests.setdefault((status, response["description"]), []).append(request)
    rows = (
        (status, about, "all" if len(named) == len(operations) else ", ".join(named))
        for (status, about), named in sorted(requests.items())
    )
    return _table(("status", "codes", "answer to"), rows)


def benchmarks() -> str:
    """Every figure of the bench, as measured last."""
    measured = results.load()["figures"]
    rows = (
        (
            f"… {figure.name.strip()}" if figure.name.startswith(" ") else figure.name,
            figure.text(measured[name]) if name in measured else "not measured",
            figure.target_text,
        )
        for name, figure in FIGURES.items()
        if not name.startswith("running.")
    )
    return _measured("figures", _table(("figure", "measured", "target"), rows))


def running() -> str:
    """What the app uses, as measured last."""
    measured = results.load()["figures"]
    columns = [[measured.get(f"running.{each} of {of}") for of in RUNNING] for each in USED]
    rows = (
        (
            f"{what}{f', {unit}' if unit == 'KB' else ''}",
            *("not measured" if each is None else f"{each:,.0f}" for each in values),
        )
        for (what, unit), values in zip(USED.values(), columns, strict=True)
    )
    return _measured("figures", _table(("", *RUNNING), rows))


def rivals() -> str:
    """The app beside what a user would run in its place, as measured last."""
    return _measured("rivals", _compared(tuple(compare.ROWS)))


def alternatives() -> str:
    """The rows of that table which README has."""
    return _compared(("one", "more", "many", "elapsed", "enable"))


def _compared(names: tuple[str, ...]) -> str:
    columns = results.load()["rivals"]
    rows = ((compare.ROWS[name], *(compare.text(values[name]) for values in columns.values())) for name in names)
    return _table(("", *columns), rows)


def _measured(part: str, table: str) -> str:
    return f"{table}\n\nMeasured on {results.load()['machine'][part]}."


def layers() -> str:
    """The layers of the app as one picture, from the contract that import-linter checks."""
    stack = [["function_app.py"], *(_packages_in(line) for line in _lines())]
    pure = _contract("forbidden", "shared.model")["source_modules"]
    boxes = [f'f{number}["{" · ".join(layer)}"]' for number, layer in enumerate(stack)]
    plain = [box for box, layer in zip(boxes, stack, strict=True) if layer[0].replace("/", ".") in pure]
    lines = (
        "flowchart TB",
        *(f"    {box}" for box in boxes if box not in plain),
        "    subgraph pure [plain Python, no Azure in it]",
        *(f"        {box}" for box in plain),
        "    end",
        "    " + " --> ".join(f"f{number}" for number in range(len(stack))),
    )
    return "\n".join(("```mermaid", *lines, "```"))


def packages() -> str:
    """Every package in the order of the layers, as its docstring describes it."""
    rows = (_described(package) for line in _lines() for package in _packages_in(line))
    return _table(("package", "what is in it", "what it imports; where the next thing of its kind goes"), rows)


_VM_PATH = "/subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/{name}"


def _operations() -> Iterable[tuple[str, str, Any]]:
    settings = Settings(
        vault_ids=_VAULT,
        source_scope=_SUBSCRIPTION,
        target_scope=_SUBSCRIPTION,
        deployment="func-1",
        origin_store="https://example.com",
    )
    for path, item in document(settings)["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def _lines() -> list[str]:
    """The layers from the top. A line names one package or several, as `a | b`."""
    return list(_contract("layers", "shared.model")["layers"])


def _contract(kind: str, package: str) -> dict[str, Any]:
    """The import-linter contract of this kind that names the package."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    about = {"layers": "layers", "forbidden": "source_modules"}[kind]
    return next(found for found in contracts if found["type"] == kind and package in found[about])


def _packages_in(line: str) -> list[str]:
    return [package.strip().replace(".", "/") for package in line.split("|")]


def _described(package: str) -> tuple[str, str, str]:
    """The package's name, the first paragraph of its docstring, and the rest of it."""
    init = ROOT / package / "__init__.py"
    file = init if init.exists() else init.parent.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    first, _, rest = text.partition("\n\n")
    return f"`{package}`", " ".join(first.split()), " ".join(rest.split())


_TABLES: dict[str, Callable[[], str]] = {
    "alternatives": alternatives,
    "azd": azd,
    "benchmarks": benchmarks,
    "builtin": built_in,
    "computed": computed,
    "decisions": log,
    "drift": drift,
    "drills": drills,
    "errors": errors,
    "events": events,
    "layers": layers,
    "message": message,
    "metrics": metrics,
    "names": names,
    "packages": packages,
    "planned": planned,
    "permanent": permanent,
    "portal": portal,
    "problems": problems,
    "query": query,
    "rights": rights,
    "rivals": rivals,
    "routes": routes,
    "running": running,
    "support": support,
    "sweep": sweep,
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
        sys.stderr.write(f"Out of date: {names}: run python docs/build.py\n")
        return 1
    for page, made in stale:
        page.write_text(made)
    return 0


def _made(written: str) -> str:
    return _MARKED.sub(lambda marked: marked[1] + _TABLES[marked[2]]() + "\n" + marked[3], written)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

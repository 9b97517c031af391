"""When each alert fires: its query, window and threshold, applied to rows as the app's metrics and lines leave them.

The queries go through a reader of just what they use, which fails for anything else; that they are queries at all is
what Microsoft's parser says (test_infra.py).
"""

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.arm.archive import Archive
from shared.arm.origin_store import OriginStoreError
from shared.model.drill import DrillOutcome
from shared.model.resource_id import vm_id
from shared.reporting.archive import Stream
from shared.reporting.audit_log import decided
from shared.reporting.drill_record import RecordedResult
from shared.reporting.metrics import DRIFTED, ENABLES_FAILED, METRICS, REQUIRED, RPO, SWEEPS
from tests.infra.compiler import Json
from tests.infra.deployments import AZD, ROOT, Infra

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
Row = tuple[int, str, float, str]
"""Minutes ago, metric, value, and the outcome of a sweep, or SILENT."""
SILENT = "silent"
"""Of VMs on hold, and of those that AKS owns: the measurement has the dimension of that name."""
OPERATORS = {"GreaterThan": lambda value, limit: value > limit, "LessThan": lambda value, limit: value < limit}
HOURS = re.compile(r"PT(\d+)H")


def sweep(minutes: int, drifted: int = 0) -> tuple[Row, ...]:
    """The rows of a sweep; without drift there is none for it."""
    drift = ((minutes, DRIFTED, drifted - 1, ""), (minutes, DRIFTED, 1, "")) if drifted else ()
    return ((minutes, REQUIRED, 10, ""), *drift, (minutes, SWEEPS, 1, "complete"))


NOT_CLEANED = "drill not cleaned up"
PASSED, FAILED, CANCELLED, _ = (f"drill {each}" for each in RecordedResult)
_VM = vm_id("11111111-1111-4111-8111-111111111111", "web", "web-1")


class Unreachable:
    """A store that answers nothing but errors."""

    def __getattr__(self, name: str) -> Any:
        raise OriginStoreError(f"{name}: 403")


async def _keep() -> None:
    store: Any = Unreachable()
    await Archive(store).keep(Stream.SWEEPS, {}, retry_after=1)


async def _decide(decision: str) -> None:
    decided(decision, _VM, ())


@pytest.mark.parametrize(
    ("rule", "decision", "minutes", "fires"),
    [
        ("drill-failed", FAILED, 50, True),
        ("drill-failed", FAILED, 70, False),
        ("drill-failed", PASSED, 10, False),
        ("drill-failed", CANCELLED, 10, False),
        ("drill-failed", NOT_CLEANED, 10, False),
        ("drill-not-cleaned-up", NOT_CLEANED, 110, True),
        ("drill-not-cleaned-up", NOT_CLEANED, 130, False),
        ("drill-not-cleaned-up", FAILED, 10, False),
        ("archive-not-writable", "", 110, True),
        ("archive-not-writable", "", 130, False),
        ("archive-not-writable", FAILED, 10, False),
    ],
)
async def test_an_alert_fires_on_the_app_s_own_line(
    rule: str, decision: str, minutes: int, fires: bool, infra: Infra, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await (_decide(decision) if decision else _keep())

    assert len(caplog.messages) == 1
    assert fired(infra, rule, [(minutes, {"Message": message}) for message in caplog.messages]) is fires


@pytest.mark.parametrize(
    ("rule", "rows", "fires"),
    [
        ("drifted", sweep(10, drifted=2), True),
        ("drifted", sweep(10), False),
        ("drifted", (*sweep(70, drifted=2), *sweep(10)), False),
        ("drifted", (*sweep(70), *sweep(10, drifted=1)), True),
        ("drifted", sweep(130, drifted=2), False),
        ("drifted", (*sweep(10), (10, DRIFTED, 3, SILENT)), False),
        ("drifted", (*sweep(70, drifted=1), *sweep(10), (10, DRIFTED, 1, SILENT)), False),
        ("drifted", (*sweep(10, drifted=1), (10, DRIFTED, 1, SILENT)), True),
        ("drifted", (), False),
        ("rpo", ((10, RPO, 3601, ""), (10, RPO, 30, "")), True),
        ("rpo", ((10, RPO, 3600, ""),), False),
        ("rpo", ((130, RPO, 9000, ""),), False),
        ("rpo", ((10, RPO, 9000, SILENT), (10, RPO, 30, "")), False),
        ("rpo", ((10, RPO, 9000, SILENT), (10, RPO, 3601, "")), True),
        ("rpo", (), False),
        ("enables-failed", ((50, ENABLES_FAILED, 1, ""),), True),
        ("enables-failed", ((70, ENABLES_FAILED, 1, ""),), False),
        ("enables-failed", ((10, RPO, 50, ""),), False),
        ("enables-failed", (), False),
        ("sweep-missing", (), True),
        ("sweep-missing", sweep(170), False),
        ("sweep-missing", sweep(190), True),
        ("sweep-missing", ((10, SWEEPS, 1, "partial"),), False),
        ("sweep-missing", ((10, SWEEPS, 1, "failed"),), True),
        ("sweep-missing", ((130, SWEEPS, 1, "complete"), (10, SWEEPS, 1, "failed")), False),
    ],
)
def test_an_alert_fires_on_what_it_says(rule: str, rows: tuple[Row, ...], fires: bool, infra: Infra) -> None:
    recorded = [
        (minutes, {"Name": name, "Sum": value, "Max": value, "outcome": outcome})
        for minutes, name, value, outcome in rows
    ]

    assert fired(infra, rule, recorded) is fires


def test_the_app_writes_the_decisions_that_alerts_look_for() -> None:
    """Of drills. That of the archive is written by the app itself above."""
    written = "".join(file.read_text() for file in (ROOT / "activities").glob("*drill.py"))

    assert f'"{NOT_CLEANED}"' in written
    assert 'decided(f"drill {ended.outcome.lower()}"' in written
    assert {each.lower() for each in DrillOutcome} >= set(RecordedResult)


def test_each_alert_has_rows_on_which_it_fires_and_others(infra: Infra) -> None:
    tests: tuple[Any, ...] = (test_an_alert_fires_on_what_it_says, test_an_alert_fires_on_the_app_s_own_line)
    played = {(row[0], row[-1]) for test in tests for row in test.pytestmark[0].args[1]}

    assert played == {(rule, fires) for rule in rules(infra) for fires in (True, False)}


def fired(infra: Infra, rule: str, rows: Iterable[tuple[int, Json]]) -> bool:
    """Whether the alert fires: each row came so many minutes ago."""
    properties = rules(infra)[rule]["properties"]
    [hours] = HOURS.findall(properties["windowSize"])
    [criterion] = properties["criteria"]["allOf"]
    within = [
        {"TimeGenerated": NOW - timedelta(minutes=minutes), **row} for minutes, row in rows if minutes < int(hours) * 60
    ]
    value = answer(criterion["query"], within)
    return bool(value is not None and OPERATORS[criterion["operator"]](value, criterion["threshold"]))


def rules(infra: Infra) -> dict[str, Json]:
    found = [
        each for each in infra.evaluated(AZD).resources if each["type"] == "Microsoft.Insights/scheduledQueryRules"
    ]
    return {each["name"].removeprefix("dr-").rpartition("-")[0]: each for each in found}


def answer(query: str, rows: Iterable[Json]) -> Any:
    """The value of a query. Of no rows it is 0 for a sum or a number, and nothing for a maximum, as in Kusto."""
    newest = None
    if let := re.fullmatch(r"let newest = toscalar\((.*)\); (.*)", query):
        newest, query = answer(let[1], rows), let[2]
    table, *steps = query.split(" | ")
    assert table in {"AppMetrics", "AppTraces"}
    assert all(("Message" in row) is (table == "AppTraces") for row in rows)
    *filters, summary = steps
    left = [row for row in rows if all(holds(each, row, newest) for step in filters for each in conditions(step))]
    read = re.fullmatch(r"summarize (?:Value = )?(?:(sum|max)\((\w+)\)|count\(\))", summary)
    assert read, summary
    values = [row[read[2]] for row in left] if read[2] else []
    if read[1] == "max":
        return max(values, default=None)
    return sum(values) if read[1] == "sum" else len(left)


def conditions(step: str) -> list[str]:
    assert step.startswith("where "), step
    return step.removeprefix("where ").split(" and ")


def holds(condition: str, row: Json, newest: datetime | None) -> bool:
    if name := re.fullmatch(r'Name == "([\w.]+)"', condition):
        assert name[1] in METRICS
        return bool(row["Name"] == name[1])
    if line := re.fullmatch(r"""Message startswith (["'])(.*)\1""", condition):
        return str(row["Message"]).lower().startswith(line[2].lower())
    if minutes := re.fullmatch(r"TimeGenerated > newest - (\d+)m", condition):
        return newest is not None and row["TimeGenerated"] > newest - timedelta(minutes=int(minutes[1]))
    if condition == 'tostring(Properties.silent) != "yes"':
        return bool(row["outcome"] != SILENT)
    outcome = re.fullmatch(r'tostring\(Properties\.outcome\) != "(\w+)"', condition)
    assert outcome, condition
    return bool(row["outcome"] != outcome[1])


def test_each_alert_clears_by_itself(infra: Infra) -> None:
    assert {rule["properties"]["autoMitigate"] for rule in rules(infra).values()} == {True}

"""Nothing ends without an action: every code has one, and every place that ends something carries it."""

import ast
import string
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arm import errors
from shared.arm.permanent_errors import PERMANENT_ERRORS
from shared.model.findings import Severity
from shared.model.step_result import Error, Failed, Pending
from shared.planning.catalog import CATALOG, finding_of, of_error
from shared.planning.run_errors import ANY_ERROR, ERRORS, with_action
from shared.reconcile.batch import Batch, BatchEnd
from shared.reconcile.run_state import LastChange, RunOutcome, RunResult, RunState
from shared.reconcile.sweep import SweepReport
from tests.unit.app.examples import VM_ID
from tests.unit.app.planning.test_catalog import calls, sources
from triggers.batch_views import PlanSummary

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TABLE = "shared/planning/run_errors.py"


def error_codes() -> set[str]:
    """The codes of all errors that the app makes itself."""
    made = [
        keyword.value.value
        for found in calls("Error").values()
        for call in found
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    ]
    return {code for code in made if isinstance(code, str)}


def test_every_error_that_the_app_makes_has_a_row() -> None:
    assert len(error_codes()) > 10
    assert error_codes() - {*ERRORS, *CATALOG} == set()


def test_every_row_is_of_an_error_that_occurs() -> None:
    named = {
        text
        for file, tree in sources().items()
        if file != TABLE
        for node in ast.walk(tree)
        for text in (getattr(node, "value", None), getattr(node, "id", None), getattr(node, "name", None))
        if isinstance(text, str)
    }

    assert set(ERRORS) - named - {code for code in vars(errors) if code.endswith("Error")} == set()


@pytest.mark.parametrize("row", [*ERRORS.values(), ANY_ERROR, *PERMANENT_ERRORS.values()])
def test_every_row_says_what_to_do(row: Any) -> None:
    assert row.means
    assert len(row.fix) > 20
    assert "{" not in row.fix


every_code = st.sampled_from(sorted({*ERRORS, *CATALOG, *PERMANENT_ERRORS})) | st.text(min_size=1, max_size=30)
bare_errors = st.builds(Error, code=every_code, message=st.text(max_size=20), action=st.sampled_from(["", " "]))


@given(bare_errors)
def test_whatever_ends_carries_an_action(error: Error) -> None:
    run = RunState(vm_id=VM_ID, poll_seconds=30)
    tired = run.with_(attempts=2, faults=10, waits=3)
    long_ago = run.wait_for_targets(datetime(2026, 1, 1, tzinfo=UTC), Pending(retry_after=9e6, error=error), ())
    ended = [
        tired.attempt_failed(NOW, error),
        tired.back_off(NOW, error),
        run.fail(Failed(error=error)),
        run.finish(RunOutcome.FAILED, error=error),
        run.with_(last_error=error).finish(RunOutcome.FAILED),
        long_ago.wait_for_targets(datetime(2026, 12, 1, tzinfo=UTC), Pending(retry_after=1, error=error), ()),
    ]
    results = [each.result for each in ended]
    batch = Batch(poll_seconds=30, waiting=(VM_ID,), faults=10).fault(error, NOW)
    shown = [
        *(result.error for result in results if result),
        *(end.error for end in batch.ended),
        BatchEnd.of(RunResult(outcome=RunOutcome.FAILED, vm_id=VM_ID, error=error)).error,
        LastChange(outcome=RunOutcome.FAILED, at=NOW, error=error).error,
        SweepReport(read_at=NOW, error=error).error,
        PlanSummary(vm_id=VM_ID, exists=True, blocked=True, error=error).error,
    ]

    assert len(shown) == 11
    assert all(each and each.action.strip() and each.message == error.message for each in shown)


@given(bare_errors)
def test_a_rule_that_refused_becomes_a_finding_with_a_fix(error: Error) -> None:
    found = RunState(vm_id=VM_ID, poll_seconds=30).fail(Failed(error=error, by_settings=True)).result

    assert found
    assert all(each.fix.strip() and "{" not in each.fix for each in found.findings)
    assert of_error(error) in found.findings


@pytest.mark.parametrize("code", [code for code, row in CATALOG.items() if row.severity is Severity.BLOCKER])
def test_a_blocker_whose_facts_say_nothing_has_a_fix_all_the_same(code: str) -> None:
    facts = {name: "" for _, name, _, _ in string.Formatter().parse(CATALOG[code].fix) if name}

    assert finding_of(code, "It is so.", None, "", **facts).fix.strip()


def test_an_error_is_replaced_in_a_copy_only_with_its_action() -> None:
    """A copy is not validated: the type cannot see to it there."""
    bare = [
        f"{file}:{keyword.value.lineno}"
        for file, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "with_"
        for keyword in node.keywords
        if keyword.arg == "error" and getattr(getattr(keyword.value, "func", None), "id", "") != with_action.__name__
    ]

    assert bare == []

"""The custom status fits into what the Durable extension takes, whatever its parts are."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.model.order import MAX_ORDERS
from shared.model.step_result import Error, Pending
from shared.reconcile.custom_status import bounded
from shared.reconcile.run_state import RunState
from tests.unit.app.examples import VM_ID

# 16 KB of UTF-16, as the extension counts them.
LIMIT = 16 * 1024
START = datetime(2026, 5, 1, tzinfo=UTC)

texts = st.text() | st.builds(lambda text, times: text * times, st.text(min_size=1), st.integers(1, 20_000))
values: st.SearchStrategy[Any] = st.recursive(
    texts | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=50) | st.dictionaries(st.text(max_size=20), inner, max_size=10),
    max_leaves=20,
)


def size(status: dict[str, Any]) -> int:
    return len(json.dumps(status, ensure_ascii=False).encode("utf-16-le", "surrogatepass"))


@given(st.dictionaries(st.text(max_size=30), values, max_size=10))
def test_whatever_its_parts_are_it_fits(status: dict[str, Any]) -> None:
    shown = bounded(status)

    assert size(shown) <= LIMIT
    assert set(shown) <= set(status)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=50) | st.integers(), max_size=10))
def test_what_fits_is_left_as_it_is(status: dict[str, Any]) -> None:
    assert bounded(status) == status


def test_the_longest_text_is_cut_and_the_others_are_kept() -> None:
    shown = bounded({"step": "Enabling protection", "lastError": {"code": "151066", "message": "é" * 50_000}})

    assert shown["step"] == "Enabling protection"
    assert shown["lastError"]["code"] == "151066"
    assert shown["lastError"]["message"].startswith("é" * 500)
    assert shown["lastError"]["message"].endswith("…")


def test_thousands_of_numbers_go_before_anything_else() -> None:
    assert bounded({"step": "x", "numbers": list(range(10_000)), "percent": 3}) == {"step": "x", "percent": 3}


@given(st.text(min_size=1), st.text(min_size=1), st.text(max_size=20))
def test_a_run_shows_its_step_its_job_and_its_orders_whatever_azure_said(code: str, message: str, token: str) -> None:
    error = Error(code=code * 500, message=message * 20_000, action=message * 20_000)
    run = RunState(vm_id=VM_ID, poll_seconds=30, job="j" * 36, orders=(token,) * MAX_ORDERS)

    shown = bounded(run.wait_for(START, Pending(retry_after=1, step="Enabling protection", error=error)).status())

    assert size(shown) <= LIMIT
    assert (shown["step"], shown["job"], shown["orders"]) == ("Enabling protection", "j" * 36, [token] * MAX_ORDERS)
    assert shown["lastError"]["message"]

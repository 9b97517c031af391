"""GET of the app's status, and POST of a sweep: what they show of the sweep before, now and at its failure."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from local.stack import APP
from shared.config.settings import Mode
from shared.reconcile.custom_status import MAX_UNITS, bounded
from shared.reconcile.sweep import LastSweep, Summary, Sweep, SweepReport
from shared.sweeps import INSTANCE
from tests.findings import warning
from tests.unit.app.asking import answer_to, get, post, problem_of
from tests.unit.app.examples import settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeHub, RefusesToStart, unreachable
from triggers.status import get_status, post_sweep
from triggers.status_views import VERSION

ENDED = datetime.now(UTC) - timedelta(minutes=20)
REPORT = SweepReport(
    read_at=ENDED - timedelta(minutes=5),
    ended_at=ENDED,
    summary=Summary(total=9, required=7, compliant=6, by_finding={"Unhealthy": 1}),
    started={"enable": 1},
    gaps=tuple(f"Gap {number}." for number in range(9)),
    stopped=(warning("InventoryIncomplete", "It is partial."),),
)


def azure(**app: Any) -> FakeAzure:
    return FakeAzure(settings(**app), Cloud())


def hub(status: Status | None = Status.Completed, **shown: Any) -> FakeHub:
    found = FakeHub()
    if status:
        known = {"lastUpdatedTime": ENDED.isoformat()}
        found.put(INSTANCE, status, "reconcile_estate", **({**known, "output": REPORT.dump()} | shown))
    return found


async def test_the_status_is_that_of_the_settings_and_of_the_last_sweep_with_its_age() -> None:
    view = await answer_to(get_status(azure(mode=Mode.REPORT), hub(), get("status")))

    assert (view["mode"], view["paused"], view["tagName"], view["schedule"]) == ("report", False, "dr", "0 15 * * * *")
    assert view["writesDisabled"].startswith("DR_MODE is report")
    assert view["messagesDisabled"].startswith("DR_ARCHIVE is not set")
    assert view["sweep"] is None
    assert 1200 <= view["ageSeconds"] < 4800
    last = view["lastSweep"]
    assert (last["outcome"], last["summary"]["compliant"], last["started"]) == ("partial", 6, {"enable": 1})
    assert (last["gaps"], last["gapCount"]) == ([f"Gap {number}." for number in range(5)], 9)


def test_the_version_is_that_of_the_project() -> None:
    assert tomllib.loads((APP / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize(
    ("status", "shown", "last", "sweep"),
    [
        (None, {}, None, None),
        (Status.Pending, {}, None, {"since": None, "required": 0, "started": 0, "underWay": 0, "faults": 0}),
        (Status.Running, {"customStatus": {"required": "of another version"}}, None, {"required": 0}),
        (Status.Running, {"customStatus": {"required": 7, "started": 2}}, None, {"required": 7, "started": 2}),
        (Status.Completed, {"output": {"readAt": "of another version"}}, None, None),
        (Status.Completed, {"output": None}, None, None),
        (Status.Failed, {"output": "It broke.\n at X"}, ("failed", "RunEnded", "It broke."), None),
        (Status.Terminated, {"output": "By hand"}, ("failed", "RunEnded", "By hand"), None),
    ],
)
async def test_what_durable_functions_show_of_the_sweep(
    status: Status | None, shown: dict[str, Any], last: Any, sweep: dict[str, Any] | None
) -> None:
    view = await answer_to(get_status(azure(), hub(status, **shown), get("status")))

    found = view["lastSweep"]
    assert (view["ageSeconds"] is None) == (found is None) == (last is None)
    if last:
        outcome, code, text = last
        assert (found["outcome"], found["error"]["code"]) == (outcome, code)
        assert text in found["error"]["message"]
        assert "at X" not in found["error"]["message"]
    progress = {"since": None, **view["sweep"]} if view["sweep"] else None
    assert (progress and {name: progress[name] for name in sweep or ()}) == sweep


@pytest.mark.parametrize(("status", "shown"), [(Status.Pending, False), (Status.Running, True)])
async def test_a_sweep_in_progress_carries_the_one_before_it(status: Status, shown: bool) -> None:
    """Before its first turn only its input shows that."""
    before = hub()
    accepted = await answer_to(post_sweep(azure(), before, post("sweep", b"")), 202)
    started = Sweep.load(json.loads(before.instances[INSTANCE]["input"]))
    running = hub(status, customStatus=started.status() if shown else None, state=started.dump())
    view = await answer_to(get_status(azure(), running, get("status")))
    again = await answer_to(post_sweep(azure(), running, post("sweep", b"")), 202)

    assert accepted["started"]
    assert LastSweep.load(view["lastSweep"]) == started.last == LastSweep.of(REPORT)
    assert view["sweep"]["since"] == started.dump()["since"]
    assert (again["started"], again["sweep"]["since"], running.started) == (False, view["sweep"]["since"], [])


def test_a_long_report_of_the_sweep_before_fits_into_the_status() -> None:
    counts = {f"FindingCodeOfThirtyLetters{number:04}": 10_000 for number in range(120)}
    long = REPORT.with_(
        summary=REPORT.summary.with_(by_finding=counts),
        gaps=("x" * 5000,) * 50,
        stopped=(warning("InventoryIncomplete", "y" * 900),) * 3,
    )
    status = bounded(Sweep(poll_seconds=30, last=LastSweep.of(long)).status())

    assert len(json.dumps(status)) <= MAX_UNITS
    assert status["last"]["summary"]["byFinding"] == counts


async def test_the_location_of_a_sweep_is_the_status_below_the_same_prefix() -> None:
    response = await post_sweep(azure(paused=True), hub(None), post("sweep", b""))

    assert (response.status_code, response.headers["Location"]) == (202, "/api/status")


async def test_what_durable_functions_do_not_show_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = FakeHub()
    monkeypatch.setattr(broken, "get_status", unreachable)
    for call in (get_status(azure(), broken, get("status")), post_sweep(azure(), broken, post("sweep", b""))):
        status, problem = await problem_of(call)
        assert (status, problem["code"]) == (503, "StatusNotRead")
    status, problem = await problem_of(post_sweep(azure(), RefusesToStart(), post("sweep", b"")))
    assert (status, problem["code"]) == (503, "NotStarted")


@pytest.mark.parametrize("handler", [get_status, post_sweep])
async def test_no_query_parameter_is_taken(handler: Any) -> None:
    status, problem = await problem_of(handler(azure(), hub(), get("status", verbose="true")))

    assert (status, problem["errors"][0]["field"]) == (400, "verbose")

"""GET of what happened to a VM, month by month: what is archived, Site Recovery's jobs, and what is not known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from shared.arm.archive import ArchiveError
from shared.arm.archive_days import seal
from shared.model.resource_id import ResourceId
from shared.reporting.archive import Stream
from tests.unit.app.asking import URL, answer_to, problem_of
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.triggers.test_jobs import NOON, job
from triggers.timeline import get_timeline

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=1, microsecond=0)
THIS_MONTH = TODAY.replace(day=1)
LAST_MONTH = THIS_MONTH - timedelta(days=1)
USER = {"kind": "user", "via": "http", "id": "11111111-2222-3333-4444-555555555555"}


def run(at: datetime, vm: ResourceId = VM_ID, **more: Any) -> dict[str, Any]:
    result = {"vmId": str(vm).upper(), "outcome": "Failed", "acted": True, "error": {"code": "Quota", "message": "x"}}
    return {"result": result, "at": at.isoformat(), "askedBy": [USER], **more}


def drill(at: datetime) -> dict[str, Any]:
    return {"drill": "d-1", "vmId": str(VM_ID), "endedAt": at.isoformat(), "result": "passed", "rtoSeconds": 300}


@pytest.fixture
async def azure(tmp_path: Path) -> FakeAzure:
    """Sweeps on the last two days of the month before and today, and a run or a drill on each of these days."""
    found = FakeAzure(settings(archive=str(tmp_path / "archive")), Cloud())
    days = sorted({LAST_MONTH - timedelta(days=1), LAST_MONTH, TODAY})
    for day in days:
        await found.archive.append(
            Stream.SWEEPS, {"readAt": day.isoformat()}, lambda: [[str(VM_ID), "Protected", 1, 1]], day=day.date()
        )
    await found.archive.append(Stream.RUNS, run(days[0]), day=days[0].date())
    await found.archive.append(Stream.RUNS, run(days[0], VM_ID.child("x", "y")), day=days[0].date())
    await found.archive.append(Stream.DRILLS, drill(days[1]), day=days[1].date())
    await found.archive.append(Stream.RUNS, run(TODAY, disabling=True), day=TODAY.date())
    await seal(found.archive, TODAY + timedelta(hours=1), 7200)
    return found


def asked(subscription: str = SUBSCRIPTION, **query: str) -> func.HttpRequest:
    route = {"subscription": subscription, "group": "web", "name": "web-1"}
    url = URL.replace("/protection", "/timeline")
    return func.HttpRequest("GET", url, params={"code": "s3cret-key", **query}, route_params=route, body=b"")


def shown(view: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(entry["kind"], entry["outcome"], entry["at"][:10]) for entry in view["value"]]


async def test_months_are_answered_from_the_newest_to_the_first_that_is_archived(azure: FakeAzure) -> None:
    view = await answer_to(get_timeline(azure, asked()))

    assert (view["vmId"], view["month"], view["since"]) == (
        str(VM_ID),
        f"{TODAY:%Y-%m}",
        str((LAST_MONTH - timedelta(days=1)).date()),
    )
    assert shown(view) == [("run", "Failed", str(TODAY.date()))]
    (entry,) = view["value"]
    assert (entry["error"], entry["disabling"], entry["askedBy"]) == ("Quota", True, [USER])
    days = [THIS_MONTH.date() + timedelta(days=number) for number in range((TODAY - THIS_MONTH).days)]
    assert view["gaps"] == [f"{day}: no sweep is archived." for day in days]

    month = view["nextLink"].partition("?month=")[2]
    assert view["nextLink"] == f"/api{VM_ID}/timeline?month={LAST_MONTH:%Y-%m}"
    before = await answer_to(get_timeline(azure, asked(month=month)))
    assert shown(before) == [
        ("drill", "passed", str(LAST_MONTH.date())),
        ("run", "Failed", str((LAST_MONTH - timedelta(days=1)).date())),
    ]
    assert (before["value"][0]["name"], before["value"][0]["rtoSeconds"]) == ("d-1", 300)
    assert (before["gaps"], before["nextLink"]) == ([], None)


async def test_the_jobs_of_a_vm_of_that_name_are_in_the_month_of_their_start(azure: FakeAzure) -> None:
    azure.cloud.vault["replication_jobs"] = [
        job("a", 0, "Failed", targetObjectName="WEB-1"),
        job("b", 0, targetObjectName="other"),
        job("c", None, "NotStarted", targetObjectName="web-1"),
    ]
    view = await answer_to(get_timeline(azure, asked(month=f"{NOON:%Y-%m}")))

    assert [(entry["name"], entry["kind"], entry["outcome"]) for entry in view["value"]] == [("a", "job", "Failed")]
    other = await answer_to(get_timeline(azure, asked(month="2001-01")))
    assert (other["value"], other["nextLink"], other["gaps"]) == ([], None, [])


async def test_the_rpo_of_a_month_is_that_of_its_days_and_of_the_sweeps_of_today_with_gaps(
    tmp_path: Path,
) -> None:
    azure = FakeAzure(settings(archive=str(tmp_path / "archive")), Cloud())

    async def sweep(day: datetime, minutes: int, *rest: Any, vm: str = str(VM_ID)) -> None:
        at = day + timedelta(minutes=minutes)
        rows = [[f"{VM_ID}0", "Protected", 1, 1, 9], [vm, *rest]] if rest else []
        await azure.archive.append(Stream.SWEEPS, {"readAt": at.isoformat()}, lambda: rows, day=at.date())

    quiet = LAST_MONTH - timedelta(days=3)
    await sweep(quiet, 60, "Protected", 1, 1, 300)
    await sweep(quiet, 90, "Protected", 1, 1, 600)
    await sweep(quiet, 120, "Protected", 1, 1, 300)
    await seal(azure.archive, quiet + timedelta(days=1, hours=1), 7200)
    await sweep(TODAY, 60, "Protected", 1, 1, 300, vm=str(VM_ID).upper())
    await sweep(TODAY, 120, "Unknown", 0, 1)
    await sweep(TODAY, 180)
    await sweep(TODAY, 600, "Protected", 1, 1, 420)
    (tmp_path / "archive" / "sweeps" / str(TODAY.date()) / "000003.jsonl.gz").write_text("no gzip")

    view = await answer_to(get_timeline(azure, asked()))
    before = await answer_to(get_timeline(azure, asked(month=f"{LAST_MONTH:%Y-%m}")))

    of_today = {}
    for point in view["rpo"]:
        if (minutes := (datetime.fromisoformat(point["at"]) - TODAY).total_seconds() / 60) >= 0:
            of_today[minutes] = point.get("seconds")
    assert of_today == {60: 300, 120: None, 480: None, 600: 420}
    assert any("sweeps" in gap and "000003" in gap for gap in view["gaps"])
    days = {point["at"][:10]: (point.get("seconds"), point.get("worstSeconds")) for point in before["rpo"]}
    assert days[str(quiet.date())] == (300, 600)
    assert days[str(LAST_MONTH.date())] == days[str((LAST_MONTH - timedelta(days=2)).date())] == (None, None)


async def test_what_cannot_be_read_is_a_gap_or_the_answer(
    azure: FakeAzure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await azure.archive.append(
        Stream.RUNS, {**run(TODAY), "askedBy": [{"kind": "of another version", "via": "http"}]}, day=TODAY.date()
    )
    (tmp_path / "archive" / "runs" / str(TODAY.date()) / "000001.json").write_text("{")
    view = await answer_to(get_timeline(azure, asked()))

    *_, unread, malformed = view["gaps"]
    assert unread.startswith(f"Not read: runs/{TODAY.date()}/000001.json")
    assert malformed.startswith("Not read: 1 entries")
    assert view["value"] == []

    (tmp_path / "archive" / "months").rename(tmp_path / "elsewhere")
    for file in (tmp_path / "archive" / "days").iterdir():
        file.write_text("no gzip")
    view = await answer_to(get_timeline(azure, asked(month=f"{LAST_MONTH:%Y-%m}")))
    assert [kind for kind, *_ in shown(view)] == ["drill", "run"]  # the files that the days sum up are there
    assert [gap.partition(" cannot")[0] for gap in view["gaps"]] == [
        f"Not read: days/{day.date()}.jsonl.gz" for day in (LAST_MONTH - timedelta(days=1), LAST_MONTH)
    ]

    monkeypatch.setattr(azure.archive, "names", _not_readable)
    status, problem = await problem_of(get_timeline(azure, asked()))
    assert (status, problem["code"]) == (503, "ArchiveNotReadable")


async def _not_readable(_prefix: str) -> list[str]:
    raise ArchiveError("The storage account is not reachable")


async def test_without_an_archive_it_says_so() -> None:
    view = await answer_to(get_timeline(FakeAzure(settings(), Cloud()), asked()))

    assert (view["since"], view["value"], view["nextLink"]) == (None, [], None)
    assert view["gaps"][0].startswith("DR_ARCHIVE is not set")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"month": "2026-13"}, (400, "InvalidQuery")),
        ({"month": "0000-01"}, (400, "InvalidQuery")),
        ({"month": "9999-01"}, (400, "InvalidQuery")),
        ({"month": "November"}, (400, "InvalidQuery")),
        ({"top": "1"}, (400, "InvalidQuery")),
        ({"subscription": ELSEWHERE}, (404, "OutOfScope")),
    ],
)
async def test_what_is_not_allowed_is_named(query: dict[str, str], expected: tuple[int, str]) -> None:
    status, problem = await problem_of(get_timeline(FakeAzure(settings(), Cloud()), asked(**query)))

    assert (status, problem["code"]) == expected
    if "month" in query:
        assert problem["errors"][0]["allowed"] == "a month (UTC) that has begun, as 2026-11"

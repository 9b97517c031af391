"""Days and months of the archive: summed up once, sealed, and read again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.arm.archive import Archive
from shared.arm.archive_days import Evidence, protected_since, read, seal
from shared.arm.origin_store import OriginStoreError
from shared.model.resource_id import ResourceId
from shared.reporting.archive import Stream
from tests.unit.app.examples import SUBSCRIPTION, VM_ID
from tests.unit.app.fake_azure import Records

LIMIT = 7200
START = datetime(2026, 10, 30, tzinfo=UTC)
OTHER = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "other")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def run(at: datetime, **changes: Any) -> dict[str, Any]:
    caller = {"kind": "user", "via": "http", "id": "11111111-2222-3333-4444-555555555555"}
    result = {"vmId": str(VM_ID), "outcome": "Protected", "acted": True}
    return {"result": result | changes, "at": at.isoformat(), "askedBy": [caller]}


async def sweep(archive: Archive, at: datetime, *rows: list[Any]) -> None:
    """One that has found these, archived and summed up as the app does it."""
    await archive.append(Stream.SWEEPS, {"readAt": at.isoformat()}, lambda: rows, day=at.date())
    await seal(archive, at, LIMIT)


def protected(vm: ResourceId, compliant: int = 1) -> list[Any]:
    return [str(vm), "Protected", compliant, 1, 60]


async def four_days(store: Records) -> Archive:
    """Hourly sweeps from October 30 to November 3 at noon, none on November 1; another VM is there on the first day
    only."""
    archive = Archive(store)
    for hour in range(4 * 24 + 13):
        at = START + hour * HOUR + timedelta(minutes=15)
        if at.date() == date(2026, 11, 1):
            continue
        if hour == 30:
            await archive.append(Stream.RUNS, run(at), day=at.date())
            await archive.append(Stream.RUNS, run(at), day=at.date())  # its response was lost
            passed = {"drill": "d-1", "vmId": str(VM_ID), "result": "passed", "rtoSeconds": 300, "endedAt": "x"}
            for drill in (passed, passed | {"drill": "d-2", "result": "cancelled"}):
                await archive.append(Stream.DRILLS, drill, day=at.date())
        more = [protected(OTHER)] if hour < 24 else []
        await sweep(archive, at, protected(VM_ID, compliant=int(hour != 5)), *more)
    return archive


def hours(found: Evidence, vm: ResourceId = VM_ID) -> tuple[float, float]:
    """Those in which the VM was seen, and compliant."""
    row = found.periods.vms[vm.key]
    return row.observed / 3600, row.compliant / 3600


async def test_days_and_months_are_summed_up_and_read_as_one() -> None:
    store = Records()
    archive = await four_days(store)
    assert sorted(name for name in store.texts if name.startswith(("days", "months"))) == [
        "days/2026-10-30.jsonl.gz",
        "days/2026-10-31.jsonl.gz",
        "days/2026-11-02.jsonl.gz",
        "months/2026-10.jsonl.gz",
    ]

    store.count = 0
    found = await read(archive, date(2026, 10, 1), date(2026, 11, 3), LIMIT)

    # From 0:15 on October 30 to 23:15 on the 31st; two hours before 0:15 on November 2, for which the first sweep after
    # the gap speaks; from then on to 12:15 on November 3.
    assert hours(found) == (47 + 2 + 36, 47 + 2 + 36 - 1)
    assert hours(found, OTHER) == (23, 22 + 1)
    assert found.days == {date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 2), date(2026, 11, 3)}
    assert date(2026, 11, 1) in found.days_without_data
    assert [change["outcome"] for change in found.changes] == ["Protected"]
    assert [drill["result"] for drill in found.drills] == ["passed", "cancelled"]
    # Who cancels a drill has not shown that the VM does not come up: what was shown before counts.
    assert [drill["drill"] for drill in found.last_drills.values()] == ["d-1"]
    assert found.unread == []
    # A month, the days, and the files of today: not those of the days that are summed up.
    assert store.count < 30


async def test_what_is_summed_up_is_what_the_sweeps_say() -> None:
    """The same from the files of the days alone."""
    store = Records()
    archive = await four_days(store)
    expected = await read(archive, date(2026, 10, 1), date(2026, 11, 3), LIMIT)
    for name in [name for name in store.texts if name.startswith(("days", "months"))]:
        del store.texts[name]

    found = await read(archive, date(2026, 10, 1), date(2026, 11, 3), LIMIT)

    assert list(found.periods.rows()) == list(expected.periods.rows())
    assert found.header() == expected.header()


async def test_a_day_is_summed_up_once_and_holds_the_last_of_each_chain() -> None:
    store = Records()
    archive = await four_days(store)
    before = dict(store.texts)
    for _ in range(2):
        await seal(Archive(store), START + 4 * DAY + 13 * HOUR, LIMIT)
    assert store.texts == before

    header = (await archive.read("days/2026-10-31.jsonl.gz")).header
    assert header["previous"]["name"] == "days/2026-10-30.jsonl.gz"
    assert {stream: chain["count"] for stream, chain in header["chains"].items()} == {
        "sweeps": 24,
        "runs": 2,
        "drills": 2,
    }
    assert header["chains"]["sweeps"]["last"] == (await archive.link("sweeps/2026-10-31/000024.jsonl.gz")).dump()


async def test_since_when_a_vm_is_protected_is_read_from_the_newest_day() -> None:
    store = Records()
    archive = await four_days(store)
    store.count = 0

    since = await protected_since(archive, LIMIT)

    assert since == dict.fromkeys((VM_ID, OTHER), START + timedelta(minutes=15))
    assert store.count == 2
    assert await protected_since(Archive(), LIMIT) == {}


async def test_a_file_that_cannot_be_read_is_said_and_its_time_is_a_gap() -> None:
    store = Records()
    archive = await four_days(store)
    store.texts["sweeps/2026-11-03/000003.jsonl.gz"] = b"broken"

    found = await read(archive, date(2026, 11, 3), date(2026, 11, 3), LIMIT)

    assert [line[:33] for line in found.unread] == ["sweeps/2026-11-03/000003.jsonl.gz"]
    assert hours(found) == (12.25, 12.25)  # the next sweep speaks for two hours


@pytest.mark.parametrize(
    "run",
    [
        {"by": "somebody else"},
        {"result": None},
        {"result": {"acted": True, "vmId": None, "outcome": ""}, "at": START.isoformat()},
        {"result": {"acted": True, "vmId": "web-1", "outcome": ""}, "at": START.isoformat()},
        {"result": {"acted": True, "vmId": str(VM_ID), "outcome": ""}, "at": "yesterday"},
        {"result": {"vmId": str(VM_ID)}, "at": START.isoformat(), "askedBy": "somebody"},
    ],
)
async def test_a_file_that_the_app_has_not_written_so_stops_no_other(run: dict[str, Any]) -> None:
    store = Records()
    archive = Archive(store)
    store.texts |= {"sweeps/notes.txt": b"x", "days/notes.txt": b"x", "days/2026-02-30.jsonl.gz": b"x", "notes": b"x"}
    await archive.append(Stream.RUNS, run, day=START.date())
    for hour in range(26):
        await sweep(archive, START + hour * HOUR, protected(VM_ID))

    found = await read(archive, START.date(), START.date(), LIMIT)

    assert hours(found) == (24, 24)
    assert [line.partition(":")[0] for line in found.unread] == ["runs/2026-10-30/000001.json"]


async def test_a_day_that_cannot_be_read_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    store = Records()
    archive = await four_days(store)
    store.texts["days/2026-11-02.jsonl.gz"] = b"broken"
    for hour in range(30):
        await sweep(archive, START + 4 * DAY + (13 + hour) * HOUR, protected(VM_ID))

    assert "days/2026-11-03.jsonl.gz" in store.texts
    assert (await protected_since(archive, LIMIT))[VM_ID] == START + timedelta(minutes=15)
    assert caplog.records == []


async def test_a_store_that_is_down_is_an_error() -> None:
    store = Records()
    store.fault = OriginStoreError("down")
    with pytest.raises(Exception, match="down"):
        await read(Archive(store), date(2026, 11, 3), date(2026, 11, 3), LIMIT)

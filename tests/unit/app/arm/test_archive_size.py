"""What the archive of 10,000 VMs takes: bytes, memory and time, of a sweep, of a day, and of a report of a year."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest

from shared.arm.archive import Archive
from shared.arm.archive_days import protected_since, read, seal
from shared.arm.origin_store import Directory
from shared.model.decision import State
from shared.model.findings import Finding, Severity
from shared.model.resource_id import ResourceId, vm_id
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reporting.archive import Stream, decode, encode
from shared.reporting.rollup import rows_of
from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID, settings

VMS = 10_000
START = datetime(2026, 10, 1, 0, 15, tzinfo=UTC)
POLICY = ResourceId(f"{VAULT_ID}/replicationPolicies/dr-gold-1440-0")
LIMIT = 7200
MB = 1024 * 1024


def found(at: datetime, random: Random) -> ComplianceReport:
    """Each with an RPO of its own, a fifth with a finding."""
    late = Finding(code="TestFailoverOverdue", severity=Severity.WARNING, message="", since=START)
    statuses = (
        VmStatus(
            vm_id=vm_id(SUBSCRIPTION, f"rg-app-{number // 40:03}", f"vm-{number // 40:03}-{number % 40:02}"),
            state=State.PROTECTED,
            policy_id=POLICY,
            rpo_seconds=random.randint(30, 900),
            tags={"dr": "true", "dr-profile": "gold"},
            findings=(late,) if number % 5 == 0 else (),
        )
        for number in range(VMS)
    )
    return ComplianceReport(vm_statuses=tuple(statuses), read_at=at)


@contextmanager
def measured(what: str) -> Iterator[list[float]]:
    """The peak of memory in MB that is written."""
    result: list[float] = []
    tracemalloc.start()
    began = time.process_time()
    yield result
    result.append(tracemalloc.get_traced_memory()[1] / MB)
    print(f"{what}: {result[0]:.0f} MB, {time.process_time() - began:.1f} s of CPU (traced)")  # noqa: T201
    tracemalloc.stop()


@pytest.mark.wide
async def test_ten_thousand_vms_are_few_bytes_each_and_a_year_fits_into_memory(tmp_path: Path) -> None:
    archive, random = Archive(Directory(tmp_path)), Random(1)

    async def sweep(at: datetime) -> str:
        rows = partial(rows_of, found(at, random), settings())
        return await archive.append(Stream.SWEEPS, {"readAt": at.isoformat(), "gaps": []}, rows, day=at.date())

    with measured("a sweep") as peak:
        name = await sweep(START)
    size = (tmp_path / name).stat().st_size
    print(f"a sweep: {size / VMS:.1f} bytes for each VM")  # noqa: T201
    assert size < 20 * VMS
    assert peak[0] < 40

    for hour in range(1, 25):
        await sweep(START + timedelta(hours=hour))
    with measured("a day is summed up") as peak:
        await seal(archive, START + timedelta(hours=24), LIMIT)
    day = tmp_path / "days" / "2026-10-01.jsonl.gz"
    print(f"a day: {day.stat().st_size / VMS:.1f} bytes for each VM")  # noqa: T201
    assert day.stat().st_size < 80 * VMS
    assert peak[0] < 100
    with measured("since when they are protected") as peak:
        assert len(await protected_since(archive, LIMIT)) == VMS
    assert peak[0] < 100

    summed = decode("days/2026-10-01.jsonl.gz", day.read_bytes())
    body = {name: value for name, value in summed.header.items() if name not in {"schema", "name", "previous"}}
    (tmp_path / "months").mkdir()
    for month in range(1, 13):
        name = f"months/2025-{month:02}.jsonl.gz"
        days = [f"2025-{month:02}-{number:02}" for number in range(1, 29)]
        (tmp_path / name).write_bytes(encode(name, body | {"days": days}, None, lambda: summed.rows))
    # Tracing would take minutes; what is kept is one row for each VM, as of a day.
    began = time.process_time()
    year = await read(archive, date(2025, 1, 1), date(2025, 12, 31), LIMIT)
    print(f"a year is read: {time.process_time() - began:.1f} s of CPU")  # noqa: T201
    assert len(year.periods.vms) == VMS
    assert len(year.days) == 12 * 28

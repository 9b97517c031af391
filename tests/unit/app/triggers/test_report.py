"""GET of the report: from an archive, without one, in each format, and what it refuses."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from shared.arm.archive import Archive
from shared.arm.archive_days import seal
from shared.arm.origin_store import OriginStoreError
from shared.model.decision import State
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reporting.archive import Stream
from tests.findings import warning
from tests.unit.app.examples import SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, Records
from triggers import report as module
from triggers.problems import Problem
from triggers.report import COLUMNS, get_report

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
OTHER = str(VM_ID).replace("web-1", "other-1")
HOSTILE = "<script>alert('x')</script>\n=cmd|' /C calc'!A0"
USER = {"kind": "user", "via": "http", "id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}


class Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "datetime", Clock)


@pytest.fixture
async def archived(tmp_path: Path) -> FakeAzure:
    """Sweeps every hour from October 31 to November 3 at noon, but none on November 2."""
    azure = FakeAzure(settings(archive=str(tmp_path / "archive")), Cloud())
    at = datetime(2026, 10, 31, tzinfo=UTC)
    while at <= NOW:
        if at.day != 2:
            late = at.day == 1 and at.hour < 6
            web = [str(VM_ID), "Protected", int(not late), 1, 3000 if late else 90]
            web += [[["RpoBreached", 1]] if late else None, "gold", HOSTILE if at.hour == 3 else None, {"dr": "true"}]
            rows = [web, [OTHER, "NotTagged", 0, 0]]
            await azure.archive.append(Stream.SWEEPS, {"readAt": at.isoformat(), "gaps": []}, rows.copy, day=at.date())
            await seal(azure.archive, at, 7200)
        at += timedelta(hours=1)
    run = {"result": {"vmId": str(VM_ID), "outcome": "Protected", "acted": True}, "at": "2026-11-01T05:00:00Z"}
    await azure.archive.append(Stream.RUNS, {**run, "askedBy": [USER]}, day=date(2026, 11, 3))
    drill = {
        "drill": "d1",
        "vmId": str(VM_ID),
        "result": "passed",
        "endedAt": "2026-11-03T05:00:00Z",
        "rtoSeconds": 420,
    }
    await azure.archive.append(Stream.DRILLS, drill, day=date(2026, 11, 3))
    return azure


async def got(azure: FakeAzure, accept: str = "", **query: str) -> func.HttpResponse:
    url = "https://app.example/api/report"
    return await get_report(azure, func.HttpRequest("GET", url, params=query, headers={"Accept": accept}, body=b""))


async def document(azure: FakeAzure, **query: str) -> Any:
    return json.loads((await got(azure, **query)).get_body())


async def test_the_report_says_how_well_a_vm_was_protected_and_what_is_not_known(archived: FakeAzure) -> None:
    found = await document(archived, **{"from": "2026-10-30"})

    assert (found["first"], found["last"], found["archive"], found["unread"]) == ("2026-10-30", "2026-11-03", True, [])
    assert found["daysWithoutData"] == ["2026-10-30", "2026-11-02"]
    [web] = found["value"]
    # From midnight on October 31 to noon on November 3 without the 24 hours but two before the gap's end, and with 6 of
    # the 84 hours not compliant; the last sweep was at noon, and it is noon.
    assert web["seconds"] == {
        "total": 84 * 3600,
        "compliant": (84 - 24 - 6 + 1) * 3600,
        "notCompliant": 6 * 3600,
        "unknown": 23 * 3600,
    }
    assert web["compliantShare"] == round(55 / 84, 6)
    assert web["rpo"] == {"p50Minutes": 2, "worstSeconds": 3000, "overLimitSeconds": 6 * 3600}
    assert (web["policy"], web["protectedSince"], web["state"]) == ("gold", "2026-10-31T00:00:00Z", "Protected")
    assert web["findings"] == [{"what": "RpoBreached", "seconds": 6 * 3600}]
    assert [each["what"] for each in web["exceptions"]] == [HOSTILE]
    assert (web["lastDrill"]["result"], web["lastDrill"]["rtoSeconds"]) == ("passed", 420)
    [change] = web["changes"]
    assert (change["outcome"], change["askedBy"]) == ("Protected", [USER])
    summary = found["summary"]
    assert (summary["seconds"], summary["virtualMachines"], summary["drilled"]) == (web["seconds"], 1, 1)
    assert found["coveredShare"] == round((84 - 23) / (4 * 24 + 12), 6)


@pytest.mark.parametrize(
    ("query", "vms"),
    [
        ({"resourceGroup": VM_ID.resource_group.upper()}, 1),
        ({"resourceGroup": "nowhere"}, 0),
        ({"tag": "dr"}, 1),
        ({"tag": "dr=true"}, 1),
        ({"tag": "dr-profile"}, 0),
        ({"from": "2026-11-02", "to": "2026-11-02"}, 1),
        ({"from": "2025-01-01", "to": "2025-02-01"}, 0),
    ],
)
async def test_filters(archived: FakeAzure, query: dict[str, str], vms: int) -> None:
    assert len((await document(archived, **query))["value"]) == vms


async def test_a_gap_is_never_compliant(archived: FakeAzure) -> None:
    """Of November 2 only the last two hours are known, for which the first sweep of the 3rd speaks, at midnight."""
    [web] = (await document(archived, **{"from": "2026-11-02", "to": "2026-11-02"}))["value"]
    assert (web["seconds"]["compliant"], web["seconds"]["unknown"]) == (7200, 0)


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [
        ({"from": "yesterday"}, "from", "2026-11-30"),
        ({"to": "20261103"}, "to", "2026-11-30"),
        ({"to": "2026-02-30"}, "to", "2026-11-30"),
        ({"from": "2026-11-03", "to": "2026-11-01"}, "from", "to 2026-11-01"),
        ({"from": "2027-01-01"}, "from", "to 2026-11-03"),
        ({"from": "1990-01-01"}, "from", "2016-"),
        ({"format": "pdf"}, "format", "html"),
        ({"tag": "cost"}, "tag", "dr-profile"),
        ({"format": "html", "top": "5"}, "top", "every row"),
    ],
)
async def test_what_is_not_allowed_is_named(
    archived: FakeAzure, query: dict[str, str], field: str, allowed: str
) -> None:
    with pytest.raises(Problem) as caught:
        await got(archived, **query)

    [error] = caught.value.document["errors"]
    assert (caught.value.status, error["field"]) == (400, field)
    assert allowed in error["allowed"]


async def test_the_page_is_html_that_needs_nothing_and_whatever_it_shows_is_escaped(archived: FakeAzure) -> None:
    for response in (await got(archived, accept="text/html"), await got(archived, format="html")):
        text = response.get_body().decode()
        assert response.mimetype == "text/html"
        assert text.startswith("<!DOCTYPE html>")
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
        for part in (str(VM_ID), "2026-11-02", "RTO 420 s", USER["id"], "gold"):
            assert part in text


async def test_the_csv_has_a_row_for_each_vm_and_no_formula(archived: FakeAzure) -> None:
    response = await got(archived, accept="text/csv; charset=utf-8")

    [row] = csv.DictReader(io.StringIO(response.get_body().decode()))
    assert list(row) == list(COLUMNS)
    assert (row["name"], row["lastDrillRtoSeconds"], row["daysWithoutData"]) == ("web-1", "420", "27")
    assert "\n'=cmd" in row["exceptions"]


async def test_without_an_archive_it_is_what_is_known_now_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = (
        VmStatus(vm_id=VM_ID, state=State.PROTECTED, rpo_seconds=90, tags={"dr": "true", "dr-hold": "migration"}),
        VmStatus(vm_id=type(VM_ID)(OTHER), state=State.UNPROTECTED, findings=(warning("MissingProtection", "x"),)),
    )

    async def present(*_: Any) -> ComplianceReport:
        return ComplianceReport(vm_statuses=statuses, read_at=NOW)

    monkeypatch.setattr(module, "compliance_report", present)
    found = await document(FakeAzure(settings(), Cloud()), **{"from": "2026-01-01"})

    assert (found["archive"], found["first"], found["coveredShare"]) == (False, "2026-11-03", None)
    assert "no archive" in found["notes"][0]
    web, other = sorted(found["value"], key=lambda vm: vm["vmId"] != str(VM_ID))
    assert (web.get("compliantShare"), web["seconds"]["total"], web["rpo"]["p50Minutes"]) == (None, 0, 2)
    assert web["exceptions"] == [{"what": "migration", "seconds": 0}]
    assert (other["state"], other["findings"]) == ("Unprotected", [{"what": "MissingProtection", "seconds": 0}])


async def test_an_archive_that_cannot_be_read_is_a_503() -> None:
    azure, store = FakeAzure(settings(archive="/archive"), Cloud()), Records()
    store.fault = OriginStoreError("the container answers 403")
    azure.archive = Archive(store)

    with pytest.raises(Problem) as caught:
        await got(azure)

    assert (caught.value.status, caught.value.document["code"]) == (503, "ArchiveNotReadable")


async def test_what_is_summed_up_wrongly_is_said_and_made_again(archived: FakeAzure, tmp_path: Path) -> None:
    whole = await document(archived)
    (tmp_path / "archive" / "months" / "2026-10.jsonl.gz").write_bytes(b"broken")
    (tmp_path / "archive" / "days" / "2026-11-01.jsonl.gz").write_bytes(b"broken")

    found = await document(archived, **{"from": "2026-10-01"})

    assert found["value"] == whole["value"]
    assert [line.partition(" ")[0] for line in found["unread"]] == [
        "months/2026-10.jsonl.gz",
        "days/2026-11-01.jsonl.gz",
    ]


async def test_pages_hold_every_vm_once(archived: FakeAzure) -> None:
    more = [
        [f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/{VM_ID.type}/v{n}", "Protected", 1, 1]
        for n in range(7)
    ]
    await archived.archive.append(Stream.SWEEPS, {"readAt": NOW.isoformat()}, lambda: more, day=NOW.date())
    seen: list[str] = []
    query = {"top": "3"}
    while query:
        found = await document(archived, **query)
        seen += [vm["vmId"] for vm in found["value"]]
        link = found["nextLink"] or ""
        query = {"top": "3", "after": link.split("after=")[1]} if link else {}

    assert len(seen) == len(set(seen)) == 8

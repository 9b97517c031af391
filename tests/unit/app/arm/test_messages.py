"""The messages of sweeps, with an archive and a topic in memory: what is published, once, and what fails on the way."""

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from activities.publish_sweep import publish_sweep
from shared.arm.archive import Archive
from shared.arm.archive_days import day_in
from shared.arm.message_files import acknowledgements, keep_order, read_state
from shared.arm.origin_store import OriginStoreError
from shared.model.acknowledgement import Acknowledgement
from shared.model.caller import Caller, CallerKind, Via
from shared.model.decision import State
from shared.model.findings import Finding
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Pending, Ready
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reconcile.sweep import Summary, Sweep, SweepReport
from shared.reporting.archive import Stream
from shared.reporting.message_state import ACKNOWLEDGED, ENDED
from tests.findings import blocker, warning
from tests.unit.app.activities.test_publishing import TOPIC, FakeMetrics, FakeTopic
from tests.unit.app.examples import VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, Records, answer

START = datetime.fromisoformat("2026-05-31T22:15:00+00:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATE = warning("DiskNotProtected", "The disk late of web-1 is not replicated.", "Add it.")
HOST = "app.azurewebsites.net"
OTHER = ResourceId(f"{VM_ID}-2")


class Estate:
    """An app that sweeps: `vms` are the findings of each VM."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
        self.topic, self.records, self.at = FakeTopic(), Records(), START
        self.vms: dict[ResourceId, tuple[Finding, ...]] = {VM_ID: (LATE,)}
        self.state, self.gaps = State.PROTECTED, tuple[str, ...]()
        self.azure = FakeAzure(settings(**{"outcome_topic_endpoint": TOPIC, "archive": "/archive", **changes}), Cloud())
        self.azure._clients[("topic", "")] = self.topic
        self.azure.metrics = FakeMetrics()  # type: ignore[assignment]
        self.azure.__dict__["archive"] = Archive(self.records if self.azure.settings.archive else None)

        async def found(*_: Any) -> ComplianceReport:
            vm_statuses = (VmStatus(vm_id=vm, state=self.state, findings=found) for vm, found in self.vms.items())
            return ComplianceReport(vm_statuses=tuple(vm_statuses), read_at=self.at, gaps=self.gaps)

        monkeypatch.setattr("activities.publish_sweep.compliance_report", found)
        monkeypatch.setenv("WEBSITE_HOSTNAME", HOST)
        self._found = found

    async def sweep(self, attempt: int = 0, **changes: Any) -> list[Any]:
        """The messages of the next sweep, an hour later, or of another attempt to publish it."""
        self.at += HOUR * (not attempt)
        found, before = await self._found(), len(self.topic.calls)
        report = SweepReport(read_at=self.at, summary=Summary.of(found.vm_statuses), gaps=self.gaps, **changes)
        self.published = await publish_sweep(
            self.azure, Sweep(poll_seconds=30, done=True, report=report, publish_attempts=attempt)
        )
        sent = [event for call in self.topic.calls[before:] for event in call]
        return [event for event in sent if ".Cause" in event.type or event.type in {DRILLED, DIGEST}]

    async def kinds(self, **changes: Any) -> list[str]:
        sent = [(event.type.removeprefix("AzureVmDr."), event.data) for event in await self.sweep(**changes)]
        return [f"{kind} {data.get('cause', '')} {data.get('count', '')}".strip() for kind, data in sent]

    @property
    def stopped(self) -> list[str]:
        """The codes in the event of the last sweep."""
        data: Any = self.topic.calls[-1][-1].data
        return [each["code"] for each in data["stopped"]]


DRILLED, DIGEST = "AzureVmDr.Drilled", "AzureVmDr.Digest"
BEGUN, RESOLVED = "CauseUnhealthy DiskNotProtected 1", "CauseResolved DiskNotProtected 1"


async def test_a_cause_is_published_when_it_begins_and_when_it_is_resolved_and_a_digest_once_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estate = Estate(monkeypatch)
    first = await estate.sweep()  # May 31, 23:15
    begun, digest = (event.data for event in first)
    assert [event.type.removeprefix("AzureVmDr.") for event in first] == ["CauseUnhealthy", "Digest"]
    assert (begun["text"], begun["fix"], begun["title"]) == (
        LATE.message,
        "Add it.",
        f"DiskNotProtected: {VM_ID.name} not as it should be",
    )
    link = f"https://{HOST}/api/ui/#/vm/{VM_ID.subscription}/{VM_ID.resource_group}/{VM_ID.name}"
    assert (begun["link"], begun["vms"]) == (
        link,
        [{"vmId": str(VM_ID), "since": "2026-05-31T23:15:00Z", "link": link}],
    )
    assert (digest["open"], digest["begun"]) == ({"DiskNotProtected": 1}, {"DiskNotProtected": 1})
    assert digest["oldest"]["vmId"] == str(VM_ID)

    estate.vms[OTHER] = (LATE,)
    assert await estate.kinds() == [BEGUN, "Digest"]  # June 1
    estate.vms = {VM_ID: (), OTHER: ()}
    assert await estate.kinds() == ["CauseResolved DiskNotProtected 2"]
    assert await estate.kinds() == []
    estate.at += 24 * HOUR
    (event,) = await estate.sweep()
    assert (event.data["open"], event.data["resolved"], event.data["begun"]) == ({}, {"DiskNotProtected": 2}, {})
    assert "oldest" not in event.data


async def test_a_state_that_cannot_be_read_is_told_in_the_report_of_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nothing more would ever be published, and only the log would say so."""
    estate = Estate(monkeypatch)
    await estate.sweep()
    (name,) = [name for name in estate.records.texts if name.startswith("messages/")]
    whole = estate.records.texts[name]
    estate.records.texts[name] = b"{}"

    assert await estate.sweep() == []
    assert estate.stopped == ["ArchiveNotReadable"]
    assert isinstance(estate.published, Ready)
    assert [each.code for each in SweepReport.load(estate.published.value).stopped] == ["ArchiveNotReadable"]
    estate.records.texts[name] = whole
    assert await estate.kinds() == ["Digest"]
    assert (estate.stopped, estate.published) == ([], Ready())


async def test_many_vms_are_one_event_that_names_some(monkeypatch: pytest.MonkeyPatch) -> None:
    estate = Estate(monkeypatch)
    estate.vms = {ResourceId(f"{VM_ID}-{number:04}"): (LATE,) for number in range(3000)}
    event, _ = await estate.sweep()

    data = event.data
    assert (data["count"], len(data["vms"]), data["vmsLeftOut"]) == (3000, 50, 2950)
    assert data["link"] == f"https://{HOST}/api/ui/#/vms?has=DiskNotProtected"
    assert await estate.kinds() == ["Digest"]


@pytest.mark.parametrize("failing", ["the topic", "the archive", "the archive, to read"])
async def test_what_could_not_be_published_or_kept_comes_with_the_next_sweep_and_the_same_id(
    failing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    estate = Estate(monkeypatch)
    estate.vms = {}
    await estate.sweep()
    await estate.sweep()
    estate.vms = {VM_ID: (LATE,)}
    if failing == "the topic":
        estate.topic.faults.append(answer(503, "ServiceUnavailable"))
        assert await estate.sweep() == []
        assert isinstance(estate.published, Pending)
        estate.topic.faults.append(answer(503, "ServiceUnavailable"))
        assert await estate.sweep(attempt=1) == []
        (event,) = await estate.sweep(attempt=2)
    elif failing == "the archive":
        estate.records.write = _refuse  # type: ignore[method-assign]
        (event,) = await estate.sweep()
        assert "ArchiveNotWritable: which messages were published" in caplog.text
        del estate.records.write
        (again,) = await estate.sweep()
        assert (again.id, again.time) == (event.id, event.time + HOUR)
    else:
        estate.records.fault = OriginStoreError("403")
        assert await estate.sweep() == []
        assert isinstance(estate.published, Ready)
        assert "ArchiveNotReadable" in caplog.text
        estate.records.fault = None
        (event,) = await estate.sweep()

    assert event.type == "AzureVmDr.CauseUnhealthy"
    assert await estate.sweep() == []


async def _refuse(*_: Any, **__: Any) -> bool:
    raise OriginStoreError("403")


async def test_a_sweep_that_failed_or_was_partial_resolves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    estate = Estate(monkeypatch)
    assert await estate.kinds() == [BEGUN, "Digest"]
    estate.vms = {}
    assert await estate.kinds(error=Error(code="NotRead", message="x")) == []
    estate.gaps = ("The VMs could not be read.",)
    (digest,) = await estate.sweep()
    assert (digest.data["gaps"], digest.data["open"]) == ([*estate.gaps], {"DiskNotProtected": 1})
    estate.gaps = ()
    assert await estate.kinds() == [RESOLVED]


async def test_drills_that_have_ended_since_are_published_by_their_result(monkeypatch: pytest.MonkeyPatch) -> None:
    estate = Estate(monkeypatch)
    estate.vms = {}
    drill = {"drill": "d-1", "vmId": str(VM_ID), "result": "passed", "rtoSeconds": 300}

    async def end(number: int, **changes: Any) -> None:
        ended = {**drill, "endedAt": (estate.at + timedelta(minutes=number)).isoformat(), **changes}
        await estate.azure.archive.append(Stream.DRILLS, ended, day=estate.at.date())

    await end(0)
    assert await estate.kinds() == ["Digest"]  # what was before anybody listened
    await end(0)
    await end(1, vmId=str(OTHER), rtoSeconds=600)
    await end(2, result="failed")
    await end(2, result="failed")  # written again, as its response was lost
    assert await estate.kinds() == ["Drilled failed 1", "Drilled passed 2", "Digest"]
    assert await estate.kinds() == []
    await end(9)
    (event,) = await estate.sweep()
    assert event.data["vms"][0]["rtoSeconds"] == 300
    estate.at += 24 * HOUR
    (digest,) = await estate.sweep()
    assert digest.data["drills"] == {"passed": 1}


async def test_a_drill_that_is_archived_again_after_a_crash_is_published_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process ended between the evidence and the end of its record: the next one says when it ended, again."""
    estate = Estate(monkeypatch)
    estate.vms = {}
    assert await estate.kinds() == ["Digest"]
    drill = {"drill": "d-1", "vmId": str(VM_ID), "result": "passed", "rtoSeconds": 300}
    for minute, vm in ((0, str(VM_ID)), (0, str(OTHER)), (1, str(VM_ID))):
        ended = {**drill, "vmId": vm, "endedAt": (estate.at + timedelta(minutes=minute)).isoformat()}
        await estate.azure.archive.append(Stream.DRILLS, ended, day=estate.at.date())
    assert await estate.kinds() == ["Drilled passed 2", "Digest"]


async def test_messages_are_published_once_if_the_other_events_of_the_sweep_cannot_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estate = Estate(monkeypatch)
    send = estate.topic.send

    async def refuse_sweeps(events: Any) -> None:
        if any(event.type == "AzureVmDr.SweepCompleted" for event in events):
            raise answer(503, "ServiceUnavailable")
        await send(events)

    estate.topic.send = refuse_sweeps  # type: ignore[method-assign]
    assert await estate.kinds() == [BEGUN, "Digest"]
    assert isinstance(estate.published, Pending)
    assert await estate.sweep(attempt=1) == []


async def test_the_newest_state_counts_whatever_the_clocks_say_and_is_in_no_day_of_the_past(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its sweep may have begun on the day before, which is summed up by now."""
    estate, today = Estate(monkeypatch), datetime.now(UTC).date()
    estate.at = datetime.now(UTC)
    assert await estate.kinds() == [BEGUN, "Digest"]
    (name,) = await estate.azure.archive.names("messages/")
    assert day_in(name) == today
    later = await read_state(estate.azure.archive, today)
    await estate.azure.archive.append(Stream.MESSAGES, later.header(estate.at), later.rows, day=today + 9 * DAY)
    estate.at -= 24 * HOUR
    estate.vms[OTHER] = (LATE,)
    assert await estate.kinds() == [BEGUN]
    assert await estate.kinds() == []


@pytest.mark.parametrize(
    ("changes", "why"), [({"archive": ""}, "DR_ARCHIVE"), ({"outcome_topic_endpoint": ""}, "DR_OUTCOME_TOPIC_ENDPOINT")]
)
async def test_without_an_archive_or_a_topic_nothing_is_published_and_the_log_says_so(
    changes: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dr.messages")
    estate = Estate(monkeypatch, **changes)
    for _ in range(2):
        assert await estate.sweep() == []
    assert [record.getMessage().partition(": ")[2].split()[0] for record in caplog.records] == [why, why]
    assert estate.azure.settings.messages_disabled.startswith(why)


async def test_an_acknowledgement_silences_until_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    estate = Estate(monkeypatch)
    estate.at = datetime.now(UTC)  # as orders have it

    async def transitions() -> list[str]:
        return [kind for kind in await estate.kinds() if kind != "Digest"]

    estate.vms = {VM_ID: (LATE, blocker("OnHold", "x"))}
    assert await transitions() == []
    caller = Caller(kind=CallerKind.USER, via=Via.HTTP, id="11111111-2222-3333-4444-555555555555")
    known = Acknowledgement(vm_id=VM_ID, cause=LATE.code, reason="a change", at=estate.at)
    for what, left in ((ACKNOWLEDGED, 1), (ENDED, 0), (ACKNOWLEDGED, 1)):
        await keep_order(estate.azure.archive, what, known, caller)
        assert len(await acknowledgements(estate.azure, within=0)) == left
    estate.vms = {VM_ID: (LATE,)}
    assert await transitions() == []
    assert await acknowledgements(estate.azure, within=0) == {VM_ID: (known,)}
    await keep_order(estate.azure.archive, ENDED, known, caller)
    assert await transitions() == [BEGUN]
    assert await acknowledgements(estate.azure, within=0) == {}


async def test_the_state_is_found_however_long_ago_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    estate = Estate(monkeypatch)
    assert await estate.kinds() == [BEGUN, "Digest"]
    assert len((await read_state(estate.azure.archive, date(2027, 3, 1))).causes) == 1
    estate.at += 100 * 24 * HOUR
    assert await estate.kinds() == ["Digest"]

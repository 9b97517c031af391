"""Telling: an end goes to the log and to the topic; what the topic answers is an outcome and a warning, and no end."""

import json
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.messaging import CloudEvent

import shared.observe.inventory
from activities.publish_outcome import publish_outcome
from activities.publish_sweep import publish_sweep
from activities.purge_history import purge_history
from shared.arm.topic import publish
from shared.instance_status import ENDED, RUNNING
from shared.model.activity_io import PurgeRequest
from shared.model.caller import Caller, CallerKind, Via
from shared.model.decision import State
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending, Ready
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reconcile.retention import KEPT, purge_windows
from shared.reconcile.run_state import RunOutcome
from shared.reconcile.sweep import Sweep, SweepReport
from shared.reporting.events import MOST_BYTES, OutcomeEvent
from shared.reporting.metrics import Measurement
from tests.findings import warning
from tests.unit.app.examples import VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer
from tests.unit.app.fake_durable import FakeDurableClient
from tests.unit.app.reporting.test_events import NOW, end, event_of, unhealthy, vm_status

TOPIC = "https://topic.westus2-1.eventgrid.azure.net/api/events"


class FakeTopic:
    """Takes what is sent, after the faults."""

    def __init__(self, *faults: Exception) -> None:
        self.calls: list[list[CloudEvent[Any]]] = []
        self.faults = deque(faults)

    async def send(self, events: Sequence[CloudEvent[Any]]) -> None:
        if self.faults:
            raise self.faults.popleft()
        self.calls.append(list(events))


class FakeMetrics:
    def __init__(self) -> None:
        self.sent: list[Measurement] = []

    async def send(self, measurements: Any) -> None:
        self.sent += measurements


def azure_with(topic: FakeTopic | None, **changes: Any) -> FakeAzure:
    azure = FakeAzure(settings(outcome_topic_endpoint=TOPIC if topic else "", **changes), Cloud())
    azure._clients[("topic", "")] = topic
    azure.metrics = FakeMetrics()  # type: ignore[assignment]
    return azure


def lines(log: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [record.getMessage() for record in log.records if record.name == name]


async def test_an_event_reaches_the_topic_as_it_is() -> None:
    topic, event = FakeTopic(), event_of(end())

    assert await publish(azure_with(topic), [event]) == Ready()

    ((sent,),) = topic.calls
    reported = (sent.id, sent.type, sent.subject, sent.source, sent.time, sent.data, sent.datacontenttype)
    assert reported == (event.id, event.type, str(VM_ID), event.source, NOW, event.data, "application/json")


async def test_three_hundred_vms_are_one_call_and_large_ones_few() -> None:
    few, many = FakeTopic(), FakeTopic()

    await publish(azure_with(few), unhealthy(300))
    await publish(azure_with(many), unhealthy(3000, "x" * 400))

    assert [len(call) for call in few.calls] == [301]
    assert sum(len(call) for call in many.calls) == 3001
    assert len(many.calls) < 5


async def test_events_are_made_when_they_are_sent() -> None:
    """Of many only those of one call are in memory, and the first of the next."""
    topic, made = FakeTopic(), list[OutcomeEvent]()

    def events() -> Iterator[OutcomeEvent]:
        for each in unhealthy(3000, "x" * 400):
            assert len(made) <= sum(map(len, topic.calls)) + MOST_BYTES / len(json.dumps(each.dump()))
            made.append(each)
            yield each

    assert await publish(azure_with(topic), events()) == Ready()
    assert sum(map(len, topic.calls)) == len(made) == 3001


async def test_without_a_topic_or_an_event_no_one_is_called() -> None:
    topic = FakeTopic()

    assert await publish(azure_with(None), [event_of(end())]) == Ready()
    assert await publish(azure_with(topic), []) == Ready()
    assert topic.calls == []


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (answer(429, "TooManyRequests"), Pending),
        (answer(503, "ServiceUnavailable"), Pending),
        (ServiceRequestError("Cannot connect"), Pending),
        (answer(401, "Unauthorized"), Failed),
        (answer(403, "Forbidden"), Failed),
        (answer(404, "NotFound"), Failed),
    ],
)
async def test_what_the_topic_refuses_is_an_outcome_and_a_warning(
    caplog: pytest.LogCaptureFixture, fault: Exception, outcome: type[Pending | Failed]
) -> None:
    answered = await publish(azure_with(FakeTopic(fault)), [event_of(end())])

    assert isinstance(answered, outcome)
    (line,) = lines(caplog, "dr.topic")
    assert line.startswith("Not all events were published to the topic: ")
    assert caplog.records[-1].levelno == logging.WARNING


# The end of a run


async def test_the_end_of_a_run_is_reported_to_log_and_topic(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    topic = FakeTopic()
    azure = azure_with(topic)

    assert await publish_outcome(azure, end()) == Ready()

    assert [event.id for call in topic.calls for event in call] == [event_of(end()).id]
    assert len(lines(caplog, "dr.decision")) == 1
    assert azure.metrics.sent == []  # type: ignore[attr-defined]


async def test_what_is_no_news_is_a_line_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    topic = FakeTopic()

    assert await publish_outcome(azure_with(topic), end(notable=False)) == Ready()

    assert topic.calls == []
    assert len(lines(caplog, "dr.decision")) == 1


async def test_what_is_reported_again_is_reported_to_the_topic_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    topic = FakeTopic(answer(503, "ServiceUnavailable"))
    azure = azure_with(topic)
    failed = end(RunOutcome.FAILED, error=Error(code="151066", message="The agent."))

    assert isinstance(await publish_outcome(azure, failed), Pending)
    assert await publish_outcome(azure, failed.with_(publish_attempts=1)) == Ready()

    assert [event.id for call in topic.calls for event in call] == [event_of(failed).id]
    assert len(lines(caplog, "dr.decision")) == 1
    assert azure.metrics.sent == [Measurement("dr.enables.failed", 1)]  # type: ignore[attr-defined]


# The end of a sweep


def sweep(publish_attempts: int = 0, **report: Any) -> Sweep:
    reported = SweepReport(read_at=NOW, ended_at=NOW, **report)
    return Sweep(poll_seconds=30, report=reported, done=True, publish_attempts=publish_attempts)


@pytest.fixture
def surveys(monkeypatch: pytest.MonkeyPatch) -> list[FakeAzure]:
    """What was read: an estate of a healthy VM and one that is not."""
    read: list[FakeAzure] = []
    late = warning("DiskNotProtected", "The disk late is not replicated.")
    vm_statuses = (
        VmStatus(vm_id=VM_ID, state=State.PROTECTED, vault=VAULT_ID),
        VmStatus(vm_id=ResourceId(f"{VM_ID}-2"), state=State.PROTECTED, vault=VAULT_ID, findings=(late,)),
    )

    async def read_survey(azure: FakeAzure) -> ComplianceReport:
        read.append(azure)
        return ComplianceReport(vm_statuses=vm_statuses, read_at=NOW)

    monkeypatch.setattr(shared.observe.inventory, "_compliance_report", read_survey)
    return read


async def test_a_sweep_reports_who_is_not_as_it_should_be_itself_and_the_numbers(
    caplog: pytest.LogCaptureFixture, surveys: list[FakeAzure]
) -> None:
    caplog.set_level(logging.INFO)
    topic = FakeTopic()
    azure = azure_with(topic)

    assert await publish_sweep(azure, sweep()) == Ready()

    ((first, second),) = topic.calls
    assert (first.type, first.subject) == ("AzureVmDr.Unhealthy", f"{VM_ID}-2")
    assert (second.type, second.data["outcome"]) == ("AzureVmDr.SweepCompleted", "complete")  # type: ignore[index]
    assert len(lines(caplog, "dr.decision")) == 1
    assert {each.metric for each in azure.metrics.sent} >= {"dr.sweep.completed", "dr.vms.required"}  # type: ignore[attr-defined]
    assert len(surveys) == 1


async def test_a_sweep_that_is_reported_again_is_counted_once(
    caplog: pytest.LogCaptureFixture, surveys: list[FakeAzure]
) -> None:
    caplog.set_level(logging.INFO)
    azure = azure_with(FakeTopic(answer(503, "ServiceUnavailable")))

    assert isinstance(await publish_sweep(azure, sweep()), Pending)
    assert await publish_sweep(azure, sweep(publish_attempts=1)) == Ready()

    counted = [each for each in azure.metrics.sent if each.metric == "dr.sweep.completed"]  # type: ignore[attr-defined]
    assert len(counted) == len(lines(caplog, "dr.decision")) == 1
    assert len(surveys) == 1  # remembered


async def test_of_a_sweep_that_was_given_up_only_that_is_reported(surveys: list[FakeAzure]) -> None:
    topic = FakeTopic()

    await publish_sweep(azure_with(topic), sweep(error=Error(code="NotRead", message="It could not be read.")))

    assert [event.type for call in topic.calls for event in call] == ["AzureVmDr.SweepCompleted"]
    assert surveys == []


async def test_a_sweep_without_a_report_has_nothing_to_tell() -> None:
    assert await publish_sweep(azure_with(FakeTopic()), Sweep(poll_seconds=30, done=True)) == Ready()


# Old histories


def test_the_windows_lie_side_by_side_and_each_is_as_long_as_all_before_it() -> None:
    windows = list(purge_windows(NOW))

    assert [begin for begin, _ in windows[:-1]] == [until for _, until in windows[1:]]
    assert windows[0] == (NOW - timedelta(hours=1), NOW)
    for begin, until in windows[1:]:
        assert until - begin == NOW - until
    assert NOW - windows[-1][0] > timedelta(days=365 * 3)


async def test_what_has_ended_is_purged_window_by_window() -> None:
    client: Any = FakeDurableClient()

    purged = await purge_history(azure_with(None), PurgeRequest(before=NOW - KEPT), client)

    assert [(begin, until) for begin, until, _ in client.purged] == list(purge_windows(NOW - KEPT))
    assert purged == Ready(value={"purged": len(client.purged)})
    assert {status for _, _, statuses in client.purged for status in statuses}.isdisjoint(RUNNING)
    assert client.purged[0][2] == ENDED


async def test_a_window_that_fails_is_left_to_the_next_sweep(caplog: pytest.LogCaptureFixture) -> None:
    def fail_in_the_third(client: FakeDurableClient, _call: str) -> None:
        if len(client.purged) == 2:
            raise TimeoutError("240 s")

    client: Any = FakeDurableClient(fail_in_the_third)

    assert await purge_history(azure_with(None), PurgeRequest(before=NOW), client) == Ready(value={"purged": 2})
    (line,) = lines(caplog, "dr.history")
    assert "were not purged: 240 s" in line


# The archive


def archiving(tmp_path: Path, topic: FakeTopic | None = None) -> FakeAzure:
    return azure_with(topic, archive=str(tmp_path / "archive"))


def kept_in(tmp_path: Path) -> list[str]:
    folder = tmp_path / "archive"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def test_the_end_of_a_run_is_archived_once_with_who_asked_and_logged_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(kind=CallerKind.USER, via=Via.HTTP, id="11111111-2222-3333-4444-555555555555")
    azure = archiving(tmp_path, FakeTopic(ServiceRequestError("down")))
    caplog.set_level(logging.DEBUG)

    first = await publish_outcome(azure, end().with_(asked_by=(caller,)))
    again = await publish_outcome(azure, end().with_(asked_by=(caller,), publish_attempts=1))

    assert (type(first), again) == (Pending, Ready())
    [name] = kept_in(tmp_path)
    header = (await azure.archive.read(name)).header
    assert (header["askedBy"], header["result"]["outcome"]) == ([caller.dump()], "Protected")
    assert caller.id not in caplog.text


async def test_an_end_that_cannot_be_archived_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file where the folder is to be")
    azure = archiving(tmp_path)

    outcome = await publish_outcome(azure, end())

    assert isinstance(outcome, Pending)
    assert outcome.error
    assert outcome.error.code == "ArchiveNotWritable"


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> ComplianceReport:
    report = ComplianceReport(vm_statuses=(vm_status(),), read_at=NOW)

    async def read(*_: Any) -> ComplianceReport:
        return report

    monkeypatch.setattr("activities.publish_sweep.compliance_report", read)
    return report


async def test_a_sweep_is_archived_at_the_first_attempt_and_the_days_before_it_are_summed_up(
    tmp_path: Path, found: ComplianceReport
) -> None:
    azure = archiving(tmp_path)
    for day in range(3):
        sweep = Sweep(poll_seconds=30, done=True, report=SweepReport(read_at=found.read_at + timedelta(days=day)))
        assert await publish_sweep(azure, sweep) == Ready()
        assert await publish_sweep(azure, sweep.with_(publish_attempts=1)) == Ready()

    days = [(NOW + timedelta(days=day)).date().isoformat() for day in range(3)]
    kept = kept_in(tmp_path)
    assert len([name for name in kept if name.startswith("messages/")]) == 3  # the digest of each day, once
    assert [name for name in kept if not name.startswith("messages/")] == [
        *(f"days/{day}.jsonl.gz" for day in days[:2]),
        *(f"sweeps/{day}/000001.jsonl.gz" for day in days),
    ]
    file = await azure.archive.read(f"sweeps/{days[0]}/000001.jsonl.gz")
    assert [row[:2] for row in file.rows] == [[str(VM_ID), "Protected"]]
    assert (tmp_path / "archive-latest" / "index.html").exists()


async def test_a_sweep_that_cannot_be_archived_says_so_and_is_published(
    tmp_path: Path, found: ComplianceReport, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "archive").write_text("a file where the folder is to be")
    topic = FakeTopic()

    sweep = Sweep(poll_seconds=30, done=True, report=SweepReport(read_at=found.read_at))
    published = await publish_sweep(archiving(tmp_path, topic), sweep)

    assert isinstance(published, Ready)
    assert [each.code for each in SweepReport.load(published.value).stopped] == ["ArchiveNotWritable"]
    assert [line.partition(":")[0] for line in lines(caplog, "dr.archive")] == ["ArchiveNotWritable"] * 2
    data = topic.calls[-1][-1].data
    assert data
    assert [each["code"] for each in data["stopped"]] == ["ArchiveNotWritable"]

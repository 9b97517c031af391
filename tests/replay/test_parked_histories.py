"""Instances that waited when the app was deployed go on with the new code: their histories were recorded before."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.host.durable import decisions
from local.host.durable.events import EventType, event
from local.host.durable.replay import replay
from shared.reconcile.run_state import CHANGED, RunState
from tests.replay.instance import NAME, answer_of
from tests.replay.record import HISTORIES

GOES_ON_WITH = {
    "settling": ["resolve_source"],
    "throttled": [],  # it waits for longer than a timer may last: another wait comes first
    "fault": ["resolve_source"],
    "targets": ["create_target_resources"],
    "enabling": ["monitor_job"],
    "failed-enable": ["resolve_source"],
    "changing": ["monitor_job"],
    "publishing": ["publish_outcome"],
}


def next_turn(parked: dict[str, Any], at: datetime, *messages: dict[str, Any]) -> decisions.Decision:
    now = at.timestamp()
    history = [*parked["history"], event(EventType.ORCHESTRATOR_STARTED, now), *messages]
    return replay(NAME, history, answer_of(history, RunState.load(parked["state"])))


def activities(decision: decisions.Decision) -> list[str]:
    assert not isinstance(decision.outcome, decisions.Failed), decision.outcome
    return [work.name for work in decision.scheduled if isinstance(work, decisions.Activity)]


def test_every_recorded_history_is_tested() -> None:
    assert {path.stem for path in HISTORIES.glob("*.json")} == set(GOES_ON_WITH)


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
def test_a_parked_instance_goes_on_when_its_timer_fires(path: Path) -> None:
    parked = json.loads(path.read_text())
    (timer,) = [item for item in parked["history"] if item["EventType"] == EventType.TIMER_CREATED]
    due = datetime.fromisoformat(timer["FireAt"])

    fired = event(EventType.TIMER_FIRED, due.timestamp(), TimerId=timer["EventId"], FireAt=timer["FireAt"])
    decision = next_turn(parked, due, fired)

    assert activities(decision) == GOES_ON_WITH[path.stem]


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
def test_a_parked_instance_looks_at_its_vm_when_that_changes(path: Path) -> None:
    parked = json.loads(path.read_text())
    soon = datetime.fromisoformat(parked["history"][0]["Timestamp"]) + timedelta(seconds=1)

    decision = next_turn(parked, soon, event(EventType.EVENT_RAISED, soon.timestamp(), Name=CHANGED, Input="null"))

    assert activities(decision) == ["resolve_source"]

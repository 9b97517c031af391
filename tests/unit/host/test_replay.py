"""The pure replay: histories and actions as the SDK sends them, by hand."""

from typing import Any

import pytest

from local.host.durable.decisions import (
    Activity,
    Completed,
    ContinuedAsNew,
    Decision,
    Failed,
    OrchestratorState,
    SubOrchestration,
    Terminated,
    Timer,
)
from local.host.durable.events import Event, EventType, event
from local.host.durable.functions import FunctionFailedError
from local.host.durable.replay import replay

FIRE_AT = "2026-01-01T00:00:00.000000Z"
NOW = 1_767_225_600.0

STARTED = [event(EventType.ORCHESTRATOR_STARTED, NOW), event(EventType.EXECUTION_STARTED, NOW, Name="o")]


def activity(name: str = "a", text: str = "1") -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": text}


def timer(*, cancelled: bool = False) -> dict[str, Any]:
    return {"actionType": 5, "fireAt": FIRE_AT, "isCanceled": cancelled}


def wait(name: str = "changed") -> dict[str, Any]:
    return {"actionType": 6, "externalEventName": name, "reason": "ExternalEvent"}


def when_any(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 11, "compoundActions": list(actions)}


def when_all(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(actions)}


def with_retry(attempts: int) -> dict[str, Any]:
    options = {"firstRetryIntervalInMilliseconds": 1500, "maxNumberOfAttempts": attempts}
    return when_all(activity() | {"actionType": 1, "retryOptions": options})


CONTINUE = {"actionType": 4, "input": '{"n": 2}'}


def scheduled(number: int, name: str = "a") -> Event:
    return event(EventType.TASK_SCHEDULED, NOW, number, Name=name)


def completed(number: int) -> Event:
    return event(EventType.TASK_COMPLETED, NOW, TaskScheduledId=number, Result="1")


def failed(number: int) -> Event:
    return event(EventType.TASK_FAILED, NOW, TaskScheduledId=number, Reason="r", Details="d")


def created(number: int) -> Event:
    return event(EventType.TIMER_CREATED, NOW, number, FireAt=FIRE_AT)


def fired(number: int) -> Event:
    return event(EventType.TIMER_FIRED, NOW, TimerId=number, FireAt=FIRE_AT)


def raised(name: str = "changed") -> Event:
    return event(EventType.EVENT_RAISED, NOW, Name=name, Input="1")


SUSPENDED = event(EventType.EXECUTION_SUSPENDED, NOW)
RESUMED = event(EventType.EXECUTION_RESUMED, NOW)


def decide(history: list[Event], *actions: dict[str, Any], **state: Any) -> Decision:
    return replay("o", [*STARTED, *history], OrchestratorState(list(actions), **state))


def done(history: list[Event], *actions: dict[str, Any]) -> Decision:
    return decide(history, *actions, is_done=True, output="out")


END = Decision(outcome=Completed("out"))


def test_new_work_is_what_the_history_does_not_know() -> None:
    assert decide([], activity()) == Decision([Activity(0, "a", "1")])
    assert decide([scheduled(0)], activity()) == Decision()
    assert decide([scheduled(0), completed(0)], activity(), activity("b")) == Decision([Activity(1, "b", "1")])


def test_actions_are_awaited_in_their_order() -> None:
    """The orchestrator sends what it will do after a wait only once it is over; the host counts on it."""
    assert decide([], activity(), activity("b")) == Decision([Activity(0, "a", "1")])


def test_a_failed_task_does_not_stop_the_walk() -> None:
    assert decide([scheduled(0), failed(0)], activity(), activity("b")) == Decision([Activity(1, "b", "1")])


def test_an_orchestration_without_tasks_completes_at_once() -> None:
    assert done([]) == END


def test_an_instance_completes_only_when_no_task_is_open() -> None:
    two = when_any(activity(), activity("b"))
    history = [scheduled(0), scheduled(1, "b"), completed(0)]
    assert done(history, two) == Decision()
    assert done([*history, completed(1)], two) == END
    assert done([*history, failed(1)], two) == END


def test_a_timer_holds_the_instance_until_it_fires_or_is_cancelled() -> None:
    history = [created(0), scheduled(1), completed(1)]
    assert done(history, when_any(timer(), activity())) == Decision()
    assert done(history, when_any(timer(cancelled=True), activity())) == END
    assert done([*history, fired(0)], when_any(timer(), activity())) == END


def test_a_cancelled_timer_is_still_made_and_its_firing_ignored() -> None:
    assert decide([], timer(cancelled=True), activity()) == Decision([Timer(0, FIRE_AT), Activity(1, "a", "1")])
    assert decide([created(0), scheduled(1), fired(0)], timer(cancelled=True), activity()) == Decision()


def test_when_all_waits_for_all_even_after_a_failure() -> None:
    both = when_all(activity(), activity("b"))
    history = [scheduled(0), scheduled(1, "b"), failed(0)]
    assert decide(history, both, activity("c")) == Decision()
    assert decide([*history, completed(1)], both, activity("c")) == Decision([Activity(2, "c", "1")])


def test_empty_groups_are_over_at_once() -> None:
    assert done([], when_all(), when_any()) == END


def test_events_are_matched_without_regard_to_case_and_kept_until_somebody_waits() -> None:
    assert decide([raised("CHANGED")], wait(), activity()) == Decision([Activity(0, "a", "1")])
    early = [scheduled(0), raised(), raised(), completed(0)]
    assert decide(early, activity(), wait(), wait(), activity("b")) == Decision([Activity(1, "b", "1")])
    assert decide(early, activity(), wait(), wait(), wait()) == Decision()


def test_the_last_waiter_gets_the_event() -> None:
    waiting = when_any(when_all(wait(), activity()), wait())
    assert done([scheduled(0), raised(), completed(0)], waiting) == END


def test_continue_as_new_carries_only_the_events_that_come_after_it() -> None:
    history = [created(0), raised("other"), fired(0), raised()]
    assert done(history, timer(), CONTINUE) == Decision(outcome=ContinuedAsNew('{"n": 2}', [history[-1]]))


def test_an_open_task_holds_continue_as_new_and_events_carry_over_meanwhile() -> None:
    race = when_any(activity(), timer())
    history = [scheduled(0), created(1), fired(1), raised()]
    assert done(history, race, CONTINUE) == Decision()
    assert done([*history, completed(0)], race, CONTINUE).outcome == ContinuedAsNew('{"n": 2}', [history[-1]])


def test_a_cancelled_timer_ends_when_any_before_the_event_which_then_comes_again() -> None:
    """Issue 2606 of the extension: the replay reaches continue_as_new before it reaches the event."""
    history = [created(0), raised()]
    race = when_any(timer(cancelled=True), wait())
    assert done(history, race, CONTINUE).outcome == ContinuedAsNew('{"n": 2}', [history[-1]])
    with_work = [*history, scheduled(1), completed(1)]
    assert done(with_work, race, activity(), CONTINUE).outcome == ContinuedAsNew('{"n": 2}', [])


def test_retries_alternate_attempts_and_timers_and_end_with_one_more_timer() -> None:
    first = [scheduled(0), failed(0)]
    assert decide(first, with_retry(2)) == Decision([Timer(1, "2026-01-01T00:00:01.500000Z")])
    second = [*first, created(1), fired(1)]
    assert decide(second, with_retry(2)) == Decision([Activity(2, "a", "1")])
    last = [*second, scheduled(2), failed(2)]
    assert decide(last, with_retry(2)) == Decision([Timer(3, FIRE_AT)])
    assert decide([*last, created(3), fired(3)], with_retry(2), activity("b")) == Decision([Activity(4, "b", "1")])
    assert decide([*second, scheduled(2), completed(2)], with_retry(2), activity("b")) == Decision(
        [Activity(3, "b", "1")]
    )


def test_sub_orchestrations() -> None:
    action = {"actionType": 2, "functionName": "child", "input": "1", "instanceId": None, "version": None}
    assert decide([], action) == Decision([SubOrchestration(0, "child", "1", None)])
    history = [
        event(EventType.SUB_ORCHESTRATION_CREATED, NOW, 0, Name="child", InstanceId="x"),
        event(EventType.SUB_ORCHESTRATION_FAILED, NOW, TaskScheduledId=0, Reason="r", Details=""),
    ]
    assert done(history, action) == END


@pytest.mark.parametrize(
    ("history", "actions", "expected"),
    [
        ([scheduled(0)], [], "scheduled Activity 'a' with sequence number 0, but the current replay has not (yet)"),
        ([scheduled(0)], [activity("b")], "the current replay scheduled 'b' under this number"),
        ([scheduled(0)], [timer()], "the current replay scheduled a Timer under this number"),
        ([created(0)], [activity()], "scheduled Timer with sequence number 0"),
        ([scheduled(0), completed(0), scheduled(1, "b")], [activity(), activity("c")], "'c' under this number"),
    ],
)
def test_non_determinism_fails_the_instance(history: list[Event], actions: list[dict[str, Any]], expected: str) -> None:
    outcome = decide(history, *actions).outcome
    assert isinstance(outcome, Failed)
    assert "Non-Deterministic workflow detected" in outcome.reason
    assert expected in outcome.reason


def test_an_error_fails_the_instance_once_nothing_is_open() -> None:
    fails = Decision(outcome=Failed("Orchestrator function 'o' failed: boom"))
    assert decide([], error="boom") == fails
    # The SDK itself failed and sent no actions: that is the reason, not that they do not fit the history.
    assert decide([scheduled(0)], error="boom") == fails
    assert decide([scheduled(0)], activity(), error="boom") == Decision()
    assert decide([scheduled(0), completed(0)], activity(), error="boom") == fails


def test_while_suspended_nothing_is_decided() -> None:
    before = [scheduled(0), SUSPENDED, completed(0)]
    assert decide(before, activity(), activity("b")) == Decision(suspended=True)
    assert decide([*before, RESUMED], activity(), activity("b")) == Decision([Activity(1, "b", "1")])
    # The decision of the very turn in which the suspension came is made after the resume.
    same_turn = [scheduled(0), completed(0), SUSPENDED]
    assert decide(same_turn, activity(), activity("b")) == Decision(suspended=True)
    assert decide([*same_turn, RESUMED], activity(), activity("b")) == Decision([Activity(1, "b", "1")])


def test_termination_wins_over_everything() -> None:
    end = event(EventType.EXECUTION_TERMINATED, NOW, Input="enough")
    assert decide([scheduled(0), SUSPENDED, end]) == Decision(outcome=Terminated("enough"))


@pytest.mark.parametrize(("kind", "expected"), [(7, "call_entity"), (8, "call_http"), (9, "signal_entity"), (99, "99")])
def test_what_is_not_supported_is_named(kind: int, expected: str) -> None:
    outcome = decide([], {"actionType": kind}).outcome
    assert isinstance(outcome, Failed)
    assert expected in outcome.reason


def test_the_state_is_read_from_the_answer_or_from_the_text_of_the_exception() -> None:
    text = '{"isDone": true, "schemaVersion": 2, "actions": [[{"actionType": 4}]], "output": 1, "customStatus": "s"}'
    expected = OrchestratorState([{"actionType": 4}], is_done=True, output=1, custom_status="s")
    assert OrchestratorState.from_json(text) == expected
    failed = FunctionFailedError(f"Exception: boom\n\n$OutOfProcData$:{text}", "")
    assert OrchestratorState.from_exception(failed) == expected
    assert OrchestratorState.from_exception(FunctionFailedError("ValueError: boom", "")).error == "ValueError: boom"
    assert "no orchestrator state" in str(OrchestratorState.from_json("null").error)

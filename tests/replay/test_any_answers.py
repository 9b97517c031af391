"""Whatever the activities answer, and whenever the VM changes: what holds for every run of the orchestration."""

from collections import deque
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.model.step_result import Error, Failed, Ready
from shared.model.vm import SourceVm
from shared.reconcile.run_state import RunOutcome
from shared.reconcile.run_summary import RunSummary
from tests.properties import examples
from tests.replay.answers import (
    AGENT,
    DISK,
    GONE,
    PLAN,
    SIZE,
    THROTTLED,
    UNTAGGED,
    asked,
    enabled,
    failed,
    found_item,
    job_failed,
    kept,
    looked,
    pending,
    planned,
)
from tests.replay.instance import CHANGE, CREATE, DERIVE, ENABLE, FOLLOW, OBSERVE, REMOVE, TELL, Answer, Instance
from tests.unit.app.examples import source_vm

CHANGED_DURING = [OBSERVE, DERIVE, CREATE, ENABLE, FOLLOW, CHANGE, TELL]

BUSY: SourceVm = source_vm(provisioning_state="Updating")
throttled = st.floats(0, 5000, allow_nan=False).map(lambda seconds: pending(seconds, error=THROTTLED))
bugs = st.just(RuntimeError("a bug"))
refusals = st.just(failed(Error(code="AuthorizationFailed", message="No.")))
states = st.sampled_from(
    ["EnablingProtection", "InitialReplicationInProgress", "Protected", "EnablingFailed", "DisablingProtection", "New"]
)
looks = st.sampled_from([looked(), looked(), looked(vm=BUSY), UNTAGGED, GONE]) | states.map(found_item) | throttled
plans = (
    st.sampled_from(
        [
            planned(),
            planned(resources=PLAN.resources[-1:]),
            planned(resources=()),
            kept(changes=SIZE),
            kept(changes=DISK),
            kept(changes=SIZE.with_(added_disks=DISK.added_disks)),
        ]
    )
    | throttled
    | bugs
)
made: st.SearchStrategy[Answer] = st.just(Ready()) | throttled | bugs | refusals
jobs = st.sampled_from(["", "j1", "j2"]).map(enabled) | throttled | bugs
changes = st.sampled_from(["", "c1", "c2"]).map(asked) | throttled | bugs | refusals
ends = st.sampled_from([Ready(), job_failed(AGENT), pending(120, percent=4)]) | throttled | bugs


def answers(some: st.SearchStrategy[Any], at_last: Callable[[], Answer]) -> st.SearchStrategy[list[Answer]]:
    """Anything for a while, then what lets the run come to an end."""
    return st.lists(some, max_size=12).map(lambda given: [*given, *(at_last() for _ in range(300))])


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    return Instance(
        {
            OBSERVE: draw(answers(looks, found_item)),
            DERIVE: draw(answers(plans, lambda: planned(resources=()))),
            CREATE: draw(answers(made, Ready)),
            ENABLE: draw(answers(jobs, enabled)),
            FOLLOW: draw(answers(ends, Ready)),
            REMOVE: draw(answers(throttled, Ready)),
            CHANGE: draw(answers(changes, asked)),
            TELL: draw(st.lists(throttled | bugs | refusals, max_size=4)),
        },
        changed_after=draw(st.lists(st.integers(0, 4000), max_size=6)),
        changed_during=draw(st.lists(st.sampled_from(CHANGED_DURING), max_size=4)),
        may_leave_answers=True,
    )


def asked_twice(calls: list[tuple[str, Answer]]) -> bool:
    """Whether protection was asked for again while the answer to the first time still counted."""
    asked = False
    for name, answer in calls:
        if not isinstance(answer, Ready | Failed):
            continue
        if name == ENABLE:
            if asked:
                return True
            asked = isinstance(answer, Ready) and bool(answer.value["job"])
        seen_item = name == OBSERVE and isinstance(answer, Ready) and "item" in answer.value
        if seen_item or name == FOLLOW:
            asked = False
    return False


def changed_twice(calls: list[tuple[str, Answer]]) -> bool:
    """Whether another change was asked for while the job of the one before was not known to have ended."""
    running = False
    for name, answer in calls:
        if not isinstance(answer, Ready):
            continue
        if name == CHANGE:
            if running:
                return True
            running = bool(answer.value["job"])
        disabling = name == OBSERVE and answer.value.get("item", {}).get("state") == "DisablingProtection"
        if disabling or name == FOLLOW:
            running = False
    return False


@examples(25)
@given(instances())
def test_every_run_ends_asks_once_and_only_after_a_look_at_the_vm(instance: Instance) -> None:
    result = instance.run()

    assert (result.error is not None) is (result.outcome is RunOutcome.FAILED)
    assert result.outcome is RunOutcome.FAILED or instance.calls[-1] in {OBSERVE, DERIVE, CHANGE}
    assert all(wait <= 3600 for wait in instance.waits)
    to_come = {name: deque(answers) for name, answers in instance.answers.items()}
    calls = [(name, to_come[name].popleft()) for name in instance.calls]
    assert not asked_twice(calls)
    assert not changed_twice(calls)
    if result.outcome not in {RunOutcome.NOT_TAGGED, RunOutcome.GONE}:
        # The same end is not reported twice, though its causes may be reported in other words.
        (_, reported) = instance.reported[-1]
        end = RunSummary.load(reported)
        assert end.content == end.with_(result=result).content
    for position, name in enumerate(instance.calls):
        if name in {ENABLE, CHANGE}:
            before = [call for call in instance.calls[:position] if call != CREATE]
            assert before[-2:] == [OBSERVE, DERIVE]

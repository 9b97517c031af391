"""How far a simulated answer has come beside the recorded one: what is waited for."""

from typing import Any

import pytest

from local.conformance.comparison import Answer
from local.conformance.exchange import Exchange
from local.conformance.replay import _caught_up, _state_differences

VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v"
RUNNING, DONE = {"properties": {"state": "InProgress"}}, {"properties": {"state": "Succeeded"}}


def recorded(body: Any, status: int = 200, path: str = f"{VAULT}/replicationJobs") -> Exchange:
    return Exchange(1, "GET", path, None, status, body)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([], []),
        ([RUNNING], [RUNNING]),
        ([RUNNING, DONE], [DONE, DONE]),
        ([DONE], [RUNNING, DONE]),
    ],
)
def test_a_list_with_as_much_settled_is_compared(ours: list[Any], theirs: list[Any]) -> None:
    assert _caught_up(recorded({"value": ours}), Answer(200, {}, {"value": theirs}))


@pytest.mark.parametrize(("ours", "theirs"), [([RUNNING], []), ([], [DONE]), ([DONE, RUNNING], [RUNNING, RUNNING])])
def test_a_list_of_the_vault_is_waited_for_and_missed_at_last(ours: list[Any], theirs: list[Any]) -> None:
    exchange, answer = recorded({"value": ours}), Answer(200, {}, {"value": theirs})

    assert not _caught_up(exchange, answer)
    assert [(each.kind, each.where) for each in _state_differences(exchange, answer)] == [("state", "$.value[]")]


def test_no_other_list_is_waited_for() -> None:
    locks = recorded({"value": [{"id": "x"}]}, path="/subscriptions/s/providers/Microsoft.Authorization/locks")

    assert _caught_up(locks, Answer(200, {}, {"value": []}))


@pytest.mark.parametrize(
    ("ours", "theirs", "waited"),
    [(200, 404, True), (204, 202, True), (404, 200, True), (403, 200, False), (200, 500, False), (201, 200, False)],
)
def test_what_is_not_there_yet_is_waited_for_and_a_refusal_is_not(ours: int, theirs: int, waited: bool) -> None:
    assert _caught_up(recorded(None, ours), Answer(theirs, {}, None)) is not waited

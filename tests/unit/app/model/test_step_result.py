"""Outcomes: what an activity returned is read back as one of three, or refused."""

import pytest
from pydantic import ValidationError

from shared.model.step_result import Error, Failed, Pending, Ready, StepResult, load_step_result

ERROR = Error(code="151066", message="The agent could not be installed.", action="Open port 443.")


@pytest.mark.parametrize(
    "outcome",
    [
        Ready(),
        Ready(value={"job": "j1", "nested": {"a": [1, 2]}}),
        Pending(retry_after=30),
        Pending(retry_after=0.5, step="Creating fabric", percent=0, error=ERROR),
        Failed(error=ERROR),
    ],
)
def test_an_outcome_is_read_back_as_it_was(outcome: StepResult) -> None:
    assert load_step_result(outcome.dump()) == outcome


def test_a_newer_app_s_outcome_is_understood_by_an_older_one() -> None:
    assert load_step_result({"status": "pending", "retryAfter": 5, "since": "yesterday"}) == Pending(retry_after=5)


@pytest.mark.parametrize("data", [None, {}, "ready", {"status": "done"}, {"status": "pending"}, {"status": "failed"}])
def test_what_is_no_outcome_is_refused(data: object) -> None:
    with pytest.raises(ValidationError):
        load_step_result(data)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("half \ud83d", "half \ufffd"), ("\ude00 half", "\ufffd half"), ("whole \ud83d\ude00", "whole \U0001f600")],
)
def test_halves_of_letters_that_json_may_name_get_into_no_error(given: str, kept: str) -> None:
    error = Error(code=given, message=given, action=given)

    assert (error.code, error.message, error.action) == (kept, kept, kept)
    assert Error.load(error.dump()) == error


def test_an_error_reads_as_a_sentence_with_what_to_do() -> None:
    assert str(ERROR) == "151066: The agent could not be installed. Open port 443."
    assert str(Error(code="Conflict", message="Busy.")) == "Conflict: Busy."

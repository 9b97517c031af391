"""What Azure answers, distinguished: to be asked again, or not."""

import json
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
)

from shared.arm.errors import WriteRefusedError, error_of, is_missing, to_step_result
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult


class Response:
    """As the SDK's exceptions hold it."""

    reason = "Whatever"

    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = headers or {}
        self._text = body if isinstance(body, str) else json.dumps(body)

    def text(self) -> str:
        return self._text


def refusal(status: int, body: Any = None, **headers: str) -> HttpResponseError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponseError(response=Response(status, body, named))  # type: ignore[arg-type]


async def outcome_of(error: Exception) -> StepResult:
    async def step() -> StepResult:
        raise error

    return await to_step_result(step(), 30)


BODY = {"error": {"code": "Conflict", "message": "It is busy."}}


async def test_what_a_step_returns_goes_through() -> None:
    async def step() -> StepResult:
        return Ready(value={"a": 1})

    assert await to_step_result(step(), 30) == Ready(value={"a": 1})


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
async def test_what_passes_is_asked_again_after_the_poll_interval(status: int) -> None:
    expected = Pending(retry_after=30, error=Error(code="Conflict", message="It is busy."))

    assert await outcome_of(refusal(status, BODY)) == expected


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 412, 413, 422])
async def test_a_refusal_is_final_and_keeps_azure_s_words(status: int) -> None:
    assert await outcome_of(refusal(status, BODY)) == Failed(error=Error(code="Conflict", message="It is busy."))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17), ("0.5", 1), ("Wed, 21 Oct 2026 07:28:00 GMT", 30), ("", 30), ("soon", 30)],
)
async def test_retry_after_is_heeded_where_it_is_a_number(header: str, seconds: float) -> None:
    outcome = await outcome_of(refusal(429, BODY, Retry_After=header))

    assert isinstance(outcome, Pending)
    assert outcome.retry_after == seconds


@pytest.mark.parametrize(
    "fault",
    [
        ServiceRequestError("Cannot connect to host"),
        ServiceRequestTimeoutError("Timed out"),
        ServiceResponseError("Connection reset by peer"),
        IncompleteReadError("The answer broke off"),
        ClientAuthenticationError("The identity endpoint did not answer"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_fault_of_the_connection_or_the_identity_passes(fault: Exception) -> None:
    outcome = await outcome_of(fault)

    assert isinstance(outcome, Pending)
    assert outcome.retry_after == 30
    assert outcome.error
    assert outcome.error.code
    assert str(fault) in outcome.error.message


async def test_a_write_that_the_settings_forbid_is_final() -> None:
    refused = await outcome_of(WriteRefusedError("WritesDisabled", "DR_PAUSED is true"))

    assert refused == Failed(error=Error(code="WritesDisabled", message="DR_PAUSED is true"), by_settings=True)


async def test_a_bug_is_no_answer_of_azure() -> None:
    with pytest.raises(ZeroDivisionError):
        await outcome_of(ZeroDivisionError("a bug"))


def test_site_recovery_s_own_error_wins_over_the_general_one() -> None:
    body = {
        "error": {
            "code": "NotFound",
            "message": "Something is missing.",
            "details": [
                {
                    "code": "FabricArmEntityMissing",
                    "message": "Fabric with name X could not be located.",
                    "recommendedAction": "Create it.",
                }
            ],
        }
    }

    assert error_of(refusal(404, body)) == Error(
        code="FabricArmEntityMissing", message="Fabric with name X could not be located.", action="Create it."
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "<html>Bad gateway</html>",
        [],
        {},
        {"error": None},
        {"error": "bad"},
        {"error": {}},
        {"error": {"details": []}},
        {"error": {"details": [None]}},
        {"error": {"details": ["text"]}},
        {"Message": "Authorization has been denied for this request."},
    ],
    ids=str,
)
def test_a_body_of_any_shape_gives_an_error_with_a_code_and_a_message(body: Any) -> None:
    error = error_of(refusal(502, body))

    assert error.code
    assert error.message


def test_what_is_missing_is_reported_from_what_is_refused() -> None:
    assert is_missing(refusal(404, BODY))
    assert not is_missing(refusal(403, BODY))
    assert not is_missing(refusal(400, BODY))


def test_a_vault_that_was_never_used_holds_nothing() -> None:
    body = {
        "error": {
            "code": "BadRequest",
            "message": "The resource with ID 2195638768288125375 isn't registered with the service.",
            "details": [{"code": "SubscriptionIdNotRegisteredWithSrs", "message": "…"}],
        }
    }

    assert is_missing(refusal(400, body))
    assert not is_missing(refusal(403, body))

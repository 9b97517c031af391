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
from azure.core.rest import HttpRequest

from shared.arm.errors import WriteRefusedError, error_of, is_missing, to_step_result
from shared.arm.permanent_errors import PERMANENT_ERRORS
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult


class Response:
    """As the SDK's exceptions hold it."""

    reason = "Whatever"
    request = HttpRequest("PUT", "https://arm/subscriptions/S/resourceGroups/g/providers/Microsoft.Network/x/y?a=b")

    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = headers or {}
        self._text = body if isinstance(body, str) else json.dumps(body)

    def text(self) -> str:
        return self._text


def refusal(status: int, body: Any = None, **headers: str) -> HttpResponseError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponseError(response=Response(status, body, named))


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


# What no wait helps against

_POLICY = [{"type": "PolicyViolation", "info": {"policyAssignmentName": "no-networks"}}]


@pytest.mark.parametrize("code", [code.replace("*", "Resource") for code in PERMANENT_ERRORS])
@pytest.mark.parametrize("status", [400, 403, 409])
async def test_an_error_that_does_not_pass_is_final_and_says_what_to_do(status: int, code: str) -> None:
    body = {"error": {"code": code, "message": "No.", "additionalInfo": _POLICY}}

    outcome = await outcome_of(refusal(status, body))

    assert isinstance(outcome, Failed)
    assert outcome.by_settings
    assert outcome.error.action
    assert "{" not in outcome.error.action


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_throttle_or_a_fault_passes_whatever_its_code(status: int) -> None:
    outcome = await outcome_of(refusal(status, {"error": {"code": "RequestRateQuotaExceeded", "message": "Slowly."}}))

    assert isinstance(outcome, Pending)


async def test_what_site_recovery_says_inside_is_final_too() -> None:
    inner = {"code": "VaultItemsLimitExceeded", "message": "The vault is full.", "recommendedAction": "Use another."}
    body = {"error": {"code": "Conflict", "message": "No.", "details": [inner]}}

    assert await outcome_of(refusal(409, body)) == Failed(
        error=Error(code="VaultItemsLimitExceeded", message="The vault is full.", action="Use another."),
        by_settings=True,
    )


@pytest.mark.parametrize(
    ("message", "provider"),
    [
        ("The subscription is not registered to use namespace 'Microsoft.Compute'. See …", "Microsoft.Compute"),
        ("Not registered.", "Microsoft.Network"),
    ],
)
async def test_a_provider_that_is_not_registered_is_named_with_the_command(message: str, provider: str) -> None:
    outcome = await outcome_of(refusal(409, {"error": {"code": "MissingSubscriptionRegistration", "message": message}}))

    assert isinstance(outcome, Failed)
    assert outcome.error == Error(
        code="ProviderNotRegistered",
        message=f"The resource provider {provider} is not registered in the subscription S.",
        action=f"az provider register --namespace {provider} --subscription S",
    )


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

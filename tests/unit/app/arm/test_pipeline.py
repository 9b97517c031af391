"""What the SDKs' pipelines do not do behind our back: sleep for long, and register resource providers."""

import json
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.transport import HttpRequest

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError, to_step_result
from shared.arm.pipeline import NoRegistration, ShortRetries
from shared.model.step_result import Failed, Pending, Ready, StepResult
from tests.unit.app.examples import SUBSCRIPTION, VM_ID, settings

ARM = "https://management.azure.com"
MESSAGE = (
    "The subscription is not registered to use namespace 'Microsoft.RecoveryServices'. See https://aka.ms/rps-not-found"
)
REGISTER = f"{ARM}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.RecoveryServices/register?api-version=2016-02-01"


class Answer:
    """As much of a response as a retry policy looks at."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self.headers = headers


def answer_to(method: str, status: int, **headers: str) -> PipelineResponse[Any, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PipelineResponse(HttpRequest(method, f"{ARM}{VM_ID}"), Answer(status, named), PipelineContext(None))


def is_retried(response: PipelineResponse[Any, Any]) -> bool:
    policy = ShortRetries(longest_sleep=5)
    return policy.is_retry(policy.configure_retries({}), response)


# Retries


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("headers", [{}, {"Retry_After": "1"}, {"Retry_After": "5"}, {"Retry_After": "0"}])
def test_a_short_throttle_or_fault_is_waited_out_inside_the_call(status: int, headers: dict[str, str]) -> None:
    assert is_retried(answer_to("GET", status, **headers))


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize(
    "headers",
    [{"Retry_After": "60"}, {"Retry_After": "6"}, {"retry_after_ms": "60000"}, {"x_ms_retry_after_ms": "6000"}],
)
def test_a_long_one_is_answered_at_once(status: int, headers: dict[str, str]) -> None:
    assert not is_retried(answer_to("GET", status, **headers))


@pytest.mark.parametrize("status", [200, 201, 202, 400, 403, 404, 409])
@pytest.mark.parametrize("headers", [{}, {"Retry_After": "60"}])
def test_what_is_neither_throttle_nor_fault_is_not_sent_again(status: int, headers: dict[str, str]) -> None:
    assert not is_retried(answer_to("GET", status, **headers))


# Registration


def on(method: str, url: str) -> None:
    NoRegistration().on_request(PipelineRequest(HttpRequest(method, url), PipelineContext(None)))


@pytest.mark.parametrize(
    "url", [REGISTER, REGISTER.split("?", maxsplit=1)[0], REGISTER.replace("/register?", "/register/?")]
)
def test_a_registration_is_refused_with_the_command_that_an_administrator_needs(url: str) -> None:
    with pytest.raises(WriteRefusedError) as refused:
        on("POST", url)

    error = refused.value.error
    assert error.code == "ProviderNotRegistered"
    assert "Microsoft.RecoveryServices" in error.message
    assert SUBSCRIPTION in error.message
    assert error.action == f"az provider register --namespace Microsoft.RecoveryServices --subscription {SUBSCRIPTION}"


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", REGISTER),
        ("PUT", REGISTER),
        ("GET", f"{ARM}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.RecoveryServices"),
        ("GET", f"{ARM}{VM_ID}?api-version=1"),
        ("PUT", f"{ARM}{VM_ID}"),
        ("PATCH", f"{ARM}{VM_ID}/providers/Microsoft.Resources/tags/default"),
        ("POST", f"{ARM}{VM_ID}/start"),
        ("POST", f"{ARM}{VM_ID}/unregister"),
        ("POST", f"{ARM}{VM_ID}/remove?next=/register"),
        ("GET", f"{ARM}{VM_ID}/register"),
    ],
)
def test_everything_else_passes(method: str, url: str) -> None:
    on(method, url)


# In the clients' own pipelines


class Response(Answer):
    """An answer with a body, as much of it as the clients look at."""

    content_type = "application/json"
    reason = "as the test says"

    def __init__(self, request: Any, status: int, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        super().__init__(status, headers)
        self.request = request
        self._body = body

    def json(self) -> Any:
        return self._body

    def text(self, encoding: str | None = None) -> str:
        assert encoding is None or encoding.startswith("utf-8")
        return json.dumps(self._body)

    def body(self) -> bytes:
        return self.text().encode()

    async def read(self) -> bytes:
        return self.body()


class Transport:
    """Answers each request in turn; the last answer is given again."""

    def __init__(self, *answers: tuple[int, dict[str, str], str]) -> None:
        self.answers = answers
        self.fault: Exception | None = None
        self.sent: list[str] = []
        self.slept: list[float] = []

    async def send(self, request: Any, **_: Any) -> Any:
        if self.fault:
            raise self.fault
        status, headers, code = self.answers[min(len(self.sent), len(self.answers) - 1)]
        self.sent.append(f"{request.method} {request.url.split('?')[0].removeprefix(ARM)}")
        body: dict[str, Any] = (
            {"error": {"code": code, "message": MESSAGE}} if status >= 400 else {"properties": {"errors": []}}
        )
        return Response(request, status, headers, body)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aenter__(self) -> "Transport":
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Offline(Azure):
    """The real gateway and its real clients; their transport answers from memory."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(settings(mode="report"))
        self._transport = cast("Any", transport)

    def _credential(self) -> Any:
        async def get_token(*_: str, **__: Any) -> AccessToken:
            return AccessToken("secret", int(time.time()) + 3600)

        return SimpleNamespace(get_token=get_token)


async def ask(transport: Transport, azure: Azure | None = None) -> StepResult:
    """The service's own check of the VM, a GET, as a step asks for it."""
    client = (azure or Offline(transport)).site_recovery(SUBSCRIPTION).replication_eligibility_results

    async def step() -> StepResult:
        await client.get(VM_ID.resource_group, VM_ID.name)
        return Ready()

    return await to_step_result(step(), 30)


async def test_a_long_throttle_is_reported_at_once_with_azure_s_own_time() -> None:
    transport = Transport((429, {"Retry-After": "60"}, "TooManyRequests"))

    outcome = await ask(transport)

    assert isinstance(outcome, Pending)
    assert outcome.retry_after == 60
    assert (len(transport.sent), transport.slept) == (1, [])


async def test_a_short_throttle_is_not_even_noticed() -> None:
    transport = Transport((429, {"Retry-After": "1"}, "TooManyRequests"), (200, {}, ""))

    assert await ask(transport) == Ready()
    assert (len(transport.sent), transport.slept) == (2, [1])


async def test_a_short_throttle_that_does_not_end_is_reported_after_two_more_tries() -> None:
    transport = Transport((429, {"Retry-After": "1"}, "TooManyRequests"))

    outcome = await ask(transport)

    assert isinstance(outcome, Pending)
    assert outcome.retry_after == 1
    assert (len(transport.sent), transport.slept) == (3, [1, 1])


async def test_after_a_long_throttle_nothing_is_sent_and_nothing_retried_until_its_time() -> None:
    transport = Transport((429, {"Retry-After": "60"}, "TooManyRequests"))
    azure = Offline(transport)
    await ask(transport, azure)

    outcome = await ask(transport, azure)

    assert isinstance(outcome, Pending)
    assert 59 < outcome.retry_after <= 60
    assert outcome.step == f"Waiting: rate limit of reads of the subscription {SUBSCRIPTION} reached"
    assert outcome.error is None
    assert (len(transport.sent), transport.slept) == (1, [])


async def test_calls_that_no_one_answers_are_not_under_way_for_ever() -> None:
    transport = Transport((200, {}, ""))
    transport.fault = ServiceRequestError("No route to host")
    azure = Offline(transport)
    for _ in range(80):
        await ask(transport, azure)
    transport.fault = None

    assert await ask(transport, azure) == Ready()


async def test_a_read_in_a_subscription_that_is_not_registered_registers_nothing() -> None:
    transport = Transport((409, {}, "MissingSubscriptionRegistration"))

    outcome = await ask(transport)

    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.by_settings) == ("ProviderNotRegistered", True)
    assert "az provider register" in outcome.error.action
    (sent,) = transport.sent
    assert sent.startswith(f"GET {VM_ID}")

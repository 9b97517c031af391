"""Azure errors as step results: throttling and transient errors are `Pending`, all others `Failed`."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from azure.core.exceptions import DecodeError, HttpResponseError, ServiceRequestError, ServiceResponseError

from shared.arm.missing_rights import action_for_denied
from shared.arm.origin_store import CONTAINER, OriginStoreError
from shared.arm.permanent_errors import permanent
from shared.config.intervals import POLL_SECONDS
from shared.model.step_result import Error, Failed, Pending, StepResult
from shared.planning.catalog import fix_of
from shared.planning.run_errors import action_for

# 409: another operation on the resource is in progress. None: no access token could be obtained.
_LONGEST_WAIT = 3600.0
_CONFLICT = 409
_PASSING = {None, 408, _CONFLICT, 429, 500, 502, 503, 504}


class WriteRefusedError(Exception):
    """The settings forbid this write (paused, report mode, out of scope, creation disabled). Nothing was sent to
    Azure."""

    def __init__(self, code: str, message: str, action: str = "") -> None:
        super().__init__(message)
        self.error = Error(code=code, message=message, action=action)


class MalformedResponseError(ServiceResponseError):
    """A response that is not what Azure documents: HTML in place of JSON, a list without its rows, a page on another
    host. What Azure would have said is not known."""


class ThrottledError(Exception):
    """The request was not sent: its rate limit is reached for the next `wait` seconds.

    `next_slot` turns that wait into the time to come back after, so that the waiting VMs do not all retry at once.
    """

    def __init__(self, message: str, wait: float, next_slot: Callable[[float], float]) -> None:
        super().__init__(message)
        self.wait = wait
        self.next_slot = next_slot


async def to_step_result(call: Awaitable[StepResult], poll_seconds: float) -> StepResult:
    """The result of a step, with Azure errors translated. `poll_seconds` is the wait where Azure gives no
    Retry-After."""
    try:
        return await call
    except WriteRefusedError as refused:
        return Failed(error=refused.error, by_settings=True)
    except ThrottledError as throttled:
        return Pending(retry_after=throttled.next_slot(throttled.wait), step=f"Waiting: {throttled}")
    except OriginStoreError as fault:
        return Pending(retry_after=poll_seconds, error=_no_records(fault))
    except (ServiceRequestError, ServiceResponseError, DecodeError) as fault:
        return Pending(retry_after=poll_seconds, error=Error(code=type(fault).__name__, message=str(fault)))
    except HttpResponseError as answer:
        if (final := permanent_error_of(answer)) is not None:
            return Failed(error=final, by_settings=True)
        if answer.status_code in _PASSING:
            return Pending(retry_after=wait_of(answer, poll_seconds), error=error_of(answer))
        return Failed(error=error_of(answer))


_ABSENT = {"ResourceNotFound", "ResourceGroupNotFound"}


def proves_absence(answer: HttpResponseError) -> bool:
    """Whether the error proves that the resource does not exist. A missing right may look like a missing subscription,
    and any proxy may answer 404."""
    return answer.status_code == 404 and _body(answer).get("code") in _ABSENT


def absent_from_vault(answer: HttpResponseError) -> bool:
    """As `proves_absence`, of what is in a vault: Site Recovery's own answer has the code in its details (recorded)."""
    details = _body(answer).get("details")
    codes = [each.get("code") for each in details if isinstance(each, dict)] if isinstance(details, list) else []
    return proves_absence(answer) or (answer.status_code == 404 and "ArmResourceDoesNotExist" in codes)


def _no_records(fault: OriginStoreError) -> Error:
    return Error(
        code="OriginStoreUnavailable",
        message=f"The record of what this deployment makes could not be kept in the container {CONTAINER}: {fault}. "
        "Nothing is created without it.",
        action=action_for("OriginStoreUnavailable"),
    )


def is_missing(answer: HttpResponseError) -> bool:
    """Whether the error means that the resource does not exist. A missing subscription may also be a missing right."""
    hidden = _body(answer).get("code") == "SubscriptionNotFound"
    return (answer.status_code == 404 and not hidden) or _is_unused_vault(answer)


def permanent_error_of(answer: HttpResponseError) -> Error | None:
    """The error with what to do, if no wait helps; else None. A 429 or a fault of the server always passes."""
    error, body = error_of(answer), _body(answer)
    row = permanent(error.code) or permanent(str(body.get("code")))
    if row is None or answer.status_code in _PASSING - {_CONFLICT}:
        return None
    if row.finding == "ProviderNotRegistered":
        return _not_registered(answer, error)
    message = _denial(body) if row.finding == "DisallowedByPolicy" else error.message
    return Error(code=row.finding or error.code, message=message, action=error.action or row.fix)


def provider_not_registered(provider: str, subscription: str) -> Error:
    """The error with the command for an administrator: a registration is a write, and not the app's to make."""
    return Error(
        code="ProviderNotRegistered",
        message=f"The resource provider {provider} is not registered in the subscription {subscription}.",
        action=fix_of("ProviderNotRegistered", provider=provider, subscription=subscription),
    )


def _not_registered(answer: HttpResponseError, error: Error) -> Error:
    """The message names the provider; the URL of the request names the subscription, and its last provider."""
    request: Any = getattr(answer.response, "request", None)
    url = str(request.url) if request else ""
    subscription = re.search(r"/subscriptions/([^/?]+)", url)
    provider = re.search(r"namespace '([\w.]+)'", error.message) or re.search(r".*/providers/([^/?]+)", url)
    return provider_not_registered(
        provider[1] if provider else "NAMESPACE", subscription[1] if subscription else "SUBSCRIPTION"
    )


def _denial(body: dict[str, Any]) -> str:
    """The message of a denial by Azure Policy, naming the assignment."""
    infos = [each.get("info") or {} for each in body.get("additionalInfo") or () if isinstance(each, dict)]
    names = [
        f"{info.get('policyAssignmentDisplayName') or info.get('policyAssignmentName') or 'an assignment'} "
        f"({info.get('policyDefinitionDisplayName') or info.get('policyDefinitionName') or 'its definition'})"
        for info in infos
    ]
    target = f" of {body['target']}" if isinstance(body.get("target"), str) else ""
    return f"Azure Policy forbids the creation{target}: {', '.join(names) or body.get('message')}."


def error_of(answer: HttpResponseError) -> Error:
    """The error in an ARM body. Site Recovery puts the real one, with its recommended action, into `details`. A missing
    right names the role of this app that has it."""
    body = _body(answer)
    details = body.get("details")
    inner = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    code = inner.get("code") or body.get("code") or (str(answer.status_code) if answer.status_code else "NoAnswer")
    message = inner.get("message") or body.get("message") or answer.reason or answer.message
    action = inner.get("recommendedAction") or action_for_denied(str(code), str(message))
    return Error(code=str(code), message=str(message), action=str(action))


def text_of(fault: Exception) -> str:
    """One line for a reader: the error of an answer as Azure words it."""
    return str(error_of(fault)) if isinstance(fault, HttpResponseError) else str(fault) or type(fault).__name__


def _is_unused_vault(answer: HttpResponseError) -> bool:
    """A vault that never held a fabric answers 400 for everything in it (azure-rest-api-specs issue 12759)."""
    return answer.status_code == 400 and "SubscriptionIdNotRegisteredWithSrs" in str(_body(answer))


def _body(answer: HttpResponseError) -> dict[str, Any]:
    response: Any = answer.response
    try:
        # Not every client's response has json(): Event Grid's is of an older kind.
        body = json.loads(response.text())["error"] if response else {}
    except (KeyError, TypeError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a numeric Retry-After header, or None."""
    for name, seconds in (("Retry-After", 1.0), ("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001)):
        try:
            return float(headers[name]) * seconds
        except (KeyError, ValueError):
            continue
    return None


def wait_of(answer: HttpResponseError, otherwise: float) -> float:
    """Seconds to wait before the retry of a throttled call; `otherwise` without a Retry-After header."""
    response: Any = answer.response
    requested = retry_after(response.headers) if response else None
    return otherwise if requested is None else min(max(requested, otherwise / POLL_SECONDS), _LONGEST_WAIT)

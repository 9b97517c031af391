"""SDK pipeline policies: one host, rate limit, short retries only, no registration of resource providers, no creation
without a record."""

from typing import Any
from urllib.parse import unquote, urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, AsyncRetryPolicy, SansIOHTTPPolicy

from shared.arm.errors import MalformedResponseError, WriteRefusedError, provider_not_registered
from shared.arm.origins import Origins
from shared.arm.rate_limit import BucketQueue, RateLimiter

_RETRIES = 2
_PORTS = {"https": 443, "http": 80}


def address_of(url: str) -> tuple[str, str, int] | None:
    """The scheme, host and port of a URL; None for one that parsers disagree about."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return None if "@" in parts.netloc or "\\" in url else (parts.scheme, host, port)


class OneHost(AsyncHTTPPolicy[Any, Any]):
    """Refuses a request to any other host than that of Azure Resource Manager, before it gets a token: a `nextLink` in
    a response may name any host. In place of the SDK's redirect policy, since ARM redirects no request."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self._origin = address_of(endpoint)

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Raises MalformedResponseError instead of sending the request."""
        if address_of(request.http_request.url) != self._origin:
            raise MalformedResponseError(f"Refused: {request.http_request.url[:200]} is not on the host of ARM")
        return await self.next.send(request)


class ShortRetries(AsyncRetryPolicy[Any, Any]):
    """Retries inside the call only after a short wait; a longer wait is returned, and becomes a durable timer.

    The SDK's own policy sleeps for any Retry-After, without a cap: minutes, in one of the few slots for activities.
    """

    def __init__(self, longest_sleep: float) -> None:
        super().__init__(retry_total=_RETRIES)
        self._longest_sleep = longest_sleep

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        short = (self.get_retry_after(response) or 0) <= self._longest_sleep
        return short and bool(super().is_retry(settings, response))


class Paced(AsyncHTTPPolicy[Any, Any]):
    """Passes each attempt through the rate limiter, and reports the rate-limit headers of its response."""

    def __init__(self, rate_limiter: RateLimiter) -> None:
        super().__init__()
        self._rate_limiter = rate_limiter

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Raises ThrottledError, without sending the request, if it would have to wait for too long."""
        acquired: list[BucketQueue] = []
        try:
            for queue in self._rate_limiter.queues_for(request.http_request.method, request.http_request.url):
                await queue.acquire()
                acquired.append(queue)
            response = await self.next.send(request)
        except BaseException:
            for queue in acquired:
                queue.no_response()
            raise
        status, headers = response.http_response.status_code, response.http_response.headers
        for number, queue in enumerate(acquired):
            queue.response_received(status, headers, narrower=number > 0)
        return response


class NoRegistration(SansIOHTTPPolicy[Any, Any]):
    """Blocks the SDKs' automatic registration of a resource provider: a write, and an administrator's decision."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raises WriteRefusedError instead of sending a registration."""
        path = urlsplit(request.http_request.url).path.rstrip("/")
        if request.http_request.method == "POST" and path.endswith("/register"):
            subscription, provider = path.split("/")[2], path.split("/")[-2]
            error = provider_not_registered(provider, subscription)
            raise WriteRefusedError(error.code, error.message, error.action)


class Intended(SansIOHTTPPolicy[Any, Any]):
    """Blocks every PUT, all of which create something, whose intent is not recorded. For each call, not each retry."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raises WriteRefusedError instead of sending the request."""
        if request.http_request.method == "PUT":
            self._origins.spend(unquote(urlsplit(request.http_request.url).path))

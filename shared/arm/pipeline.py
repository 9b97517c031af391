"""What the SDKs' pipelines must not do behind our back: call too fast, sleep for long, register resource providers."""

from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, AsyncRetryPolicy, SansIOHTTPPolicy

from shared.arm.errors import WriteRefusedError
from shared.arm.rate_limit import Governor

_RETRIES = 2


class ShortRetries(AsyncRetryPolicy[Any, Any]):
    """Waits out a short throttle or fault inside the call; a longer one is answered, and becomes a durable timer.

    The SDK's own policy sleeps for whatever Retry-After says, uncapped: minutes, in an activity that others wait for.
    """

    def __init__(self, longest_sleep: float) -> None:
        super().__init__(retry_total=_RETRIES)
        self._longest_sleep = longest_sleep

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        short = (self.get_retry_after(response) or 0) <= self._longest_sleep
        return short and bool(super().is_retry(settings, response))


class Paced(AsyncHTTPPolicy[Any, Any]):
    """Each attempt waits for its turn, and tells what the answer says of those to come."""

    def __init__(self, governor: Governor) -> None:
        super().__init__()
        self._governor = governor

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Raises ThrottledError instead of sending what would have to wait for long."""
        lane = self._governor.lane(request.http_request.method, request.http_request.url)
        await lane.turn()
        try:
            response = await self.next.send(request)
        except BaseException:
            lane.unanswered()
            raise
        lane.answered(response.http_response.status_code, response.http_response.headers)
        return response


class NoRegistration(SansIOHTTPPolicy[Any, Any]):
    """The SDKs answer "not registered", to a GET too, by registering the provider: a write, and an administrator's."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raises WriteRefusedError instead of sending a registration."""
        path = urlsplit(request.http_request.url).path.rstrip("/")
        if request.http_request.method == "POST" and path.endswith("/register"):
            subscription, provider = path.split("/")[2], path.split("/")[-2]
            raise WriteRefusedError(
                "ProviderNotRegistered",
                f"The resource provider {provider} is not registered in the subscription {subscription}.",
                f"az provider register --namespace {provider} --subscription {subscription}",
            )

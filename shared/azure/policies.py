"""What the SDKs' pipelines must not do behind our back: sleep for long, and register resource providers."""

from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import AsyncRetryPolicy, SansIOHTTPPolicy

from shared.azure.answers import WriteRefusedError

_RETRIES = 2
_LONGEST_SLEEP = 5.0


class ShortRetries(AsyncRetryPolicy[Any, Any]):
    """Waits out a short throttle or fault inside the call; a longer one is answered, and becomes a durable timer.

    The SDK's own policy sleeps for whatever Retry-After says, uncapped: minutes, in an activity that others wait for.
    """

    def __init__(self) -> None:
        super().__init__(retry_total=_RETRIES)

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        short = (self.get_retry_after(response) or 0) <= _LONGEST_SLEEP
        return short and bool(super().is_retry(settings, response))


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

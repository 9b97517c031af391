"""The SDK clients of this process, and the guard that every write passes."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from azure.core.exceptions import HttpResponseError

from shared.arm.errors import WriteRefusedError, is_missing
from shared.arm.get_or_create import GetOrCreate
from shared.arm.metrics_exporter import Metrics
from shared.arm.origin_store import AUDIENCE, Blobs, Directory, Store
from shared.arm.origins import Origins
from shared.arm.rate_limit import LONGEST_WAIT, RateLimiter
from shared.arm.recent_writes import RecentWrites
from shared.arm.ttl_cache import TTL_SLOW, TtlCache
from shared.config.settings import Mode, Settings, load_settings
from shared.model.resource_id import ResourceId
from shared.model.target_resources import REMOVABLE
from shared.reconcile.run_state import WRITES_DISABLED

if TYPE_CHECKING:
    from azure.core import AsyncPipelineClient
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.eventgrid.aio import EventGridPublisherClient
    from azure.mgmt.compute.aio import ComputeManagementClient
    from azure.mgmt.recoveryservicessiterecovery.aio import SiteRecoveryManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient
    from azure.mgmt.resourcegraph.aio import ResourceGraphClient


T = TypeVar("T")
Kept = TypeVar("Kept")


class Azure:
    """The Azure clients of one process: they share connections, a token and the caches.

    Bound to the event loop that first uses it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.get_or_create = GetOrCreate(settings.poll_seconds, settings.poll_seconds * TTL_SLOW)
        self._clients: dict[tuple[str, str], Any] = {}
        self._transport: AioHttpTransport | None = None
        self._kept: dict[ResourceId, Any] = {}
        self._shared: dict[str, TtlCache[Any]] = {}
        self.made: set[ResourceId] = set()
        self.recent_writes: defaultdict[str, RecentWrites] = defaultdict(RecentWrites)
        self.metrics = Metrics()
        self.rate_limiter = RateLimiter(settings.poll_seconds)

    def compute(self, subscription: str) -> "ComputeManagementClient":
        from azure.mgmt.compute.aio import ComputeManagementClient

        client: ComputeManagementClient = self._client(ComputeManagementClient, subscription)
        return client

    def resources(self, subscription: str) -> "ResourceManagementClient":
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        client: ResourceManagementClient = self._client(ResourceManagementClient, subscription)
        return client

    def resource_graph(self) -> "ResourceGraphClient":
        from azure.mgmt.resourcegraph.aio import ResourceGraphClient

        client: ResourceGraphClient = self._client(ResourceGraphClient)
        return client

    def site_recovery(self, subscription: str) -> "SiteRecoveryManagementClient":
        from azure.mgmt.recoveryservicessiterecovery.aio import SiteRecoveryManagementClient

        client: SiteRecoveryManagementClient = self._client(SiteRecoveryManagementClient, subscription)
        return client

    def topic(self) -> "EventGridPublisherClient":
        """The client of the outcome topic. Without retries of its own: its policy would sleep for any Retry-After."""
        from azure.eventgrid.aio import EventGridPublisherClient

        key = ("topic", "")
        if key not in self._clients:
            self._clients[key] = EventGridPublisherClient(
                self.settings.outcome_topic_endpoint,
                self._credential(),
                transport=self._shared_transport(),
                retry_total=0,
            )
        topic: EventGridPublisherClient = self._clients[key]
        return topic

    @cached_property
    def origins(self) -> Origins:
        """The records of what this deployment made."""
        return Origins(self._origin_store())

    def _origin_store(self) -> Store:
        where = self.settings.origin_store
        return Blobs(where, self._origin_client) if where.startswith("https:") else Directory(Path(where))

    def _origin_client(self) -> "AsyncPipelineClient[Any, Any]":
        from azure.core import AsyncPipelineClient
        from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

        from shared.arm.pipeline import ShortRetries

        key = ("origins", "")
        if key not in self._clients:
            self._clients[key] = AsyncPipelineClient(
                self.settings.origin_store,
                policies=[
                    ShortRetries(LONGEST_WAIT * self.settings.poll_seconds),
                    AsyncBearerTokenCredentialPolicy(self._credential(), AUDIENCE),
                ],
                transport=self._shared_transport(),
            )
        client: AsyncPipelineClient[Any, Any] = self._clients[key]
        return client

    def once(self, key: ResourceId, make: Callable[[], Kept]) -> Kept:
        """The object stored under `key` for the life of the process; created by `make` at the first call."""
        if key not in self._kept:
            self._kept[key] = make()
        kept: Kept = self._kept[key]
        return kept

    def forget(self, key: str, *, if_before: float) -> None:
        """Invalidates the cache entry `key`, unless its read began after `if_before` (monotonic time)."""
        if key in self._shared:
            self._shared[key].forget(if_before=if_before)

    def check_write(self, *targets: ResourceId) -> None:
        """Passes if the settings allow a write to each of these: in the target scope, or one of our vaults.

        Raises WriteRefusedError.
        """
        self._check_writes_on()
        for target in targets:
            in_vault = any(f"{target.key}/".startswith(f"{vault.key}/") for vault in self.settings.vault_ids)
            if target not in self.settings.target and not in_vault:
                raise WriteRefusedError("TargetOutOfScope", f"{target} lies outside DR_TARGET_SCOPE")

    def check_vm_write(self, vm: ResourceId) -> None:
        """Passes if the settings allow to tag this VM or to enable its protection. Raises WriteRefusedError."""
        self._check_writes_on()
        if vm not in self.settings.source:
            raise WriteRefusedError("OutOfScope", f"{vm} lies outside DR_SOURCE_SCOPE")

    def check_disable(self) -> None:
        """Passes if the settings allow to disable a protection without a confirmation. Raises WriteRefusedError."""
        self._check_writes_on()
        if self.settings.mode is not Mode.CLEANUP:
            raise WriteRefusedError("CleanupOff", "DR_MODE is not cleanup: nothing is disabled unconfirmed, or removed")

    def check_removal(self, orphan: ResourceId) -> None:
        """Passes if the settings allow to remove `orphan` and its type is removable: never a disk, a vault, or anything
        in a vault. Raises WriteRefusedError."""
        self.check_disable()
        self.check_write(orphan)
        if not any(orphan.is_type(kind.type) for kind in REMOVABLE):
            raise WriteRefusedError("NeverRemoved", f"{orphan} is of a kind that is never removed")

    def _check_writes_on(self) -> None:
        if self.settings.writes_disabled:
            raise WriteRefusedError(WRITES_DISABLED, self.settings.writes_disabled)

    async def shared(self, key: str, read: Callable[[], Coroutine[Any, Any, T]], within: float | None = None) -> T:
        """The cached result of `read` under `key`, shared by all VMs; at most `within` seconds old, by default
        TTL_SLOW."""
        if key not in self._shared:
            self._shared[key] = TtlCache(read, self.settings.poll_seconds * TTL_SLOW)
        cache: TtlCache[T] = self._shared[key]
        return await cache.get(within)

    async def read(self, resource: ResourceId, api_version: str, within: float) -> dict[str, Any] | None:
        """The JSON of a resource, or None if it does not exist; at most `within` seconds old.

        Raises HttpResponseError.
        """
        return await self.shared(_key(resource), lambda: self._read(resource, api_version), within)

    def forget_resource(self, resource: ResourceId) -> None:
        """Invalidates the caches of a resource that was written."""
        self.forget(_key(resource), if_before=float("inf"))
        self.get_or_create.forget(resource.key)

    async def _read(self, resource: ResourceId, api_version: str) -> dict[str, Any] | None:
        try:
            return await self.get(str(resource), api_version)
        except HttpResponseError as answer:
            if is_missing(answer):
                return None
            raise

    async def get(self, path: str, api_version: str, **query: str) -> dict[str, Any]:
        """A plain GET of Azure Resource Manager, for resources without an SDK here. Raises HttpResponseError."""
        from azure.core.rest import HttpRequest

        client = self.resources(ResourceId(path.split("/providers/", 1)[0]).subscription)
        request = HttpRequest("GET", path, params={"api-version": api_version, **query})
        response: Any = await client.send_request(request)
        response.raise_for_status()
        body: dict[str, Any] = response.json()
        return body

    async def list(self, path: str, api_version: str) -> AsyncIterator[dict[str, Any]]:
        """A plain GET of a list, page by page. Raises HttpResponseError."""
        query: dict[str, str] = {}
        while True:
            page = await self.get(path, api_version, **query)
            for each in page.get("value") or ():
                yield each
            following = parse_qs(urlsplit(page.get("nextLink") or "").query)
            query = {name: values[0] for name, values in following.items() if name != "api-version"}
            if not query:
                return

    def _client(self, kind: Any, *subscription: str) -> Any:
        from shared.arm.pipeline import Intended, NoRegistration, Paced, ShortRetries

        key = (kind.__name__, "".join(subscription).lower())
        if key not in self._clients:
            endpoint = self.settings.arm_endpoint
            self._clients[key] = kind(
                self._credential(),
                *subscription,
                base_url=endpoint,
                credential_scopes=[f"{endpoint}/.default"],
                retry_policy=ShortRetries(LONGEST_WAIT * self.settings.poll_seconds),
                per_call_policies=[Intended(self.origins)],
                per_retry_policies=[NoRegistration(), Paced(self.rate_limiter)],
                transport=self._shared_transport(),
            )
        return self._clients[key]

    def _shared_transport(self) -> "AioHttpTransport":
        """One connection pool for all clients, without retries below the SDK.

        aiohttp repeats a PUT whose connection broke, whether or not the service had received it, and has no public
        switch for that. Retries belong to the SDK, and the request that enables protection must not be repeated.
        """
        if self._transport is None:
            from aiohttp import ClientSession, DummyCookieJar
            from azure.core.pipeline.transport import AioHttpTransport

            session = ClientSession(trust_env=True, cookie_jar=DummyCookieJar(), auto_decompress=False)
            session._retry_connection = False
            self._transport = AioHttpTransport(session=session)
        return self._transport

    def _credential(self) -> "AsyncTokenCredential":
        """The managed identity in Azure; the login of the az CLI on a developer's machine."""
        from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

        key = ("credential", "")
        if key not in self._clients:
            in_azure = "IDENTITY_ENDPOINT" in os.environ
            self._clients[key] = (
                ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"))
                if in_azure
                else AzureCliCredential()
            )
        credential: AsyncTokenCredential = self._clients[key]
        return credential

    async def close(self) -> None:
        """Closes the connections. For tests: the process of a function app ends without it."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()
        self._transport = None
        self.metrics.close()


def _key(resource: ResourceId) -> str:
    return f"resource{resource.key}"


@cache
def gateway() -> Azure:
    """The Azure clients of this process."""
    return Azure(load_settings())

"""The SDK clients of this process, and the guard that every write passes."""

import builtins
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from azure.core.exceptions import DecodeError, HttpResponseError

from shared.arm.archive import LATEST, Archive
from shared.arm.drills import Drills
from shared.arm.errors import MalformedResponseError, WriteRefusedError, is_missing
from shared.arm.failovers import Failovers
from shared.arm.fields import Json
from shared.arm.get_or_create import GetOrCreate
from shared.arm.metrics_exporter import Metrics
from shared.arm.origin_store import AUDIENCE, CONTAINER, Blobs, Directory, Store
from shared.arm.origins import Origins
from shared.arm.rate_limit import RateLimiter
from shared.arm.recent_writes import RecentWrites
from shared.arm.shared_reads import ListedType, Loader
from shared.arm.ttl_cache import TtlCache
from shared.config.environment import load_settings
from shared.config.intervals import LONGEST_CALL_WAIT, LONGEST_TURN, TTL_SLOW, TTL_TARGETS
from shared.config.settings import Mode, Settings
from shared.model.drill import Drill
from shared.model.resource_id import ResourceId
from shared.model.target_resources import REMOVABLE
from shared.reconcile.orphans import removal_disabled
from shared.reconcile.run_state import WRITES_DISABLED

if TYPE_CHECKING:
    from azure.core import AsyncPipelineClient
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.eventgrid.aio import EventGridPublisherClient
    from azure.mgmt.compute.aio import ComputeManagementClient
    from azure.mgmt.recoveryservicessiterecovery.aio import SiteRecoveryManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient


T = TypeVar("T")
Kept = TypeVar("Kept")

MOST_PAGES = 1000
"""The most pages of one list: a `nextLink` may lead on for ever."""


class Azure:
    """The Azure clients of one process: they share connections, a token and the caches.

    Bound to the event loop that first uses it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        poll = settings.poll_seconds
        self.get_or_create = GetOrCreate(poll, poll * TTL_TARGETS, poll * TTL_SLOW)
        self._clients: dict[tuple[str, str], Any] = {}
        self._transport: AioHttpTransport | None = None
        self._kept: dict[ResourceId, Any] = {}
        self._shared: dict[str, TtlCache[Any]] = {}
        self._loaders: dict[str, Loader] = {}
        self.made: set[ResourceId] = set()
        self.new_groups: dict[ResourceId, float] = {}
        self.recent_writes: defaultdict[str, RecentWrites] = defaultdict(RecentWrites)
        self.metrics = Metrics()
        self.rate_limiter = RateLimiter(settings.poll_seconds)

    def resources(self, subscription: str) -> "ResourceManagementClient":
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        client: ResourceManagementClient = self._client(ResourceManagementClient, subscription)
        return client

    def compute(self, subscription: str) -> "ComputeManagementClient":
        from azure.mgmt.compute.aio import ComputeManagementClient

        client: ComputeManagementClient = self._client(ComputeManagementClient, subscription)
        return client

    def site_recovery(self, subscription: str, **version: str) -> "SiteRecoveryManagementClient":
        from azure.mgmt.recoveryservicessiterecovery.aio import SiteRecoveryManagementClient

        client: SiteRecoveryManagementClient = self._client(SiteRecoveryManagementClient, subscription, **version)
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

    @cached_property
    def failovers(self) -> Failovers:
        """The records of failovers that this deployment has seen."""
        return Failovers(self._origin_store())

    @cached_property
    def archive(self) -> Archive:
        """The archive of what was found and done, and the container beside it for what is overwritten."""
        where = self.settings.archive.rstrip("/")
        return Archive(self._store(where), self._store(f"{where}{LATEST}")) if where else Archive()

    @cached_property
    def drills(self) -> Drills:
        """The records of drills."""
        return Drills(self._origin_store())

    def _origin_store(self) -> Store:
        where = self.settings.origin_store
        return self._store(f"{where.rstrip('/')}/{CONTAINER}" if where.startswith("https:") else where)

    def _store(self, where: str) -> Store:
        return Blobs(where, self._blob_client) if where.startswith("https:") else Directory(Path(where))

    def _blob_client(self) -> "AsyncPipelineClient[Any, Any]":
        from azure.core import AsyncPipelineClient
        from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

        from shared.arm.pipeline import ShortRetries

        key = ("blobs", "")
        if key not in self._clients:
            self._clients[key] = AsyncPipelineClient(
                self.settings.origin_store,
                policies=[
                    ShortRetries(LONGEST_CALL_WAIT * self.settings.poll_seconds),
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

    def forget_all(self, *, if_before: float) -> None:
        """Invalidates all cached reads that began before that monotonic time."""
        self.get_or_create.forget_all(if_before=if_before)
        for cached in self._shared.values():
            cached.forget(if_before=if_before)

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

    def check_drill(self, vm: ResourceId) -> None:
        """Passes if the settings allow to begin a drill of this VM. Raises WriteRefusedError."""
        self.check_vm_write(vm)
        if not self.settings.drills:
            raise WriteRefusedError("DrillsDisabled", "DR_DRILLS is not true: no drill is begun")

    def check_drill_cleanup(self, drill: Drill) -> None:
        """Passes unless all writes are stopped: what a drill has begun is cleaned up in any mode, whatever tags say.
        Raises WriteRefusedError."""
        if self.settings.paused:
            raise WriteRefusedError(WRITES_DISABLED, self.settings.writes_disabled)
        if drill.vault not in self.settings.vault_ids:
            raise WriteRefusedError("TargetOutOfScope", f"{drill.vault} is not among DR_VAULT_IDS")

    def check_disable(self) -> None:
        """Passes if the settings allow to disable a protection without a confirmation. Raises WriteRefusedError."""
        self._check_writes_on()
        if self.settings.mode is not Mode.CLEANUP:
            raise WriteRefusedError("CleanupOff", "DR_MODE is not cleanup: nothing is disabled unconfirmed")

    def check_removal(self, orphan: ResourceId) -> None:
        """Passes if the settings allow to remove `orphan` and its type is removable: never a disk, a vault, or anything
        in a vault. Raises WriteRefusedError."""
        if refused := removal_disabled(orphan, self.settings):
            raise WriteRefusedError("CleanupOff", f"{refused}: nothing is removed")
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

    async def read(self, resource: ResourceId, api_version: str, within: float, **query: str) -> dict[str, Any] | None:
        """The JSON of a resource, or None if it does not exist; at most `within` seconds old.

        Raises HttpResponseError.
        """
        return await self.shared(_key(resource), lambda: self._read(resource, api_version, **query), within)

    async def load(self, listed: ListedType, resource: ResourceId, parse: Callable[[Json], T]) -> T:
        """A resource as it is now: readers that wait at the same time share a list, where the app may read the whole
        subscription. Raises what `Loader.read` raises."""
        if not self.settings.source.has_whole(resource.subscription):
            return parse(await self.get(str(resource), listed.api_version, **listed.query))
        key = listed.path(resource.subscription)
        if key not in self._loaders:
            self._loaders[key] = Loader(
                lambda one: self.get(str(one), listed.api_version, **listed.query),
                partial(self.list_pages, key, listed.api_version),
                listed,
                self.settings.poll_seconds * TTL_SLOW,
                self.settings.poll_seconds * LONGEST_TURN,
            )
        return await self._loaders[key].read(resource, parse)

    def forget_resource(self, resource: ResourceId) -> None:
        """Invalidates the caches of a resource that was written."""
        self.forget(_key(resource), if_before=float("inf"))
        self.get_or_create.forget(resource.key)

    async def _read(self, resource: ResourceId, api_version: str, **query: str) -> dict[str, Any] | None:
        try:
            return await self.get(str(resource), api_version, **query)
        except HttpResponseError as answer:
            if is_missing(answer):
                return None
            raise

    async def get(self, path: str, api_version: str, **query: str) -> dict[str, Any]:
        """A plain GET of Azure Resource Manager. Raises HttpResponseError, and MalformedResponseError for anything but
        a JSON object."""
        return await self._plain("GET", path, api_version, query)

    async def post(self, path: str, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        """A plain POST that reads, likewise."""
        return await self._plain("POST", path, api_version, {}, json=body)

    async def _plain(
        self, method: str, path: str, api_version: str, query: dict[str, str], **content: Any
    ) -> dict[str, Any]:
        from azure.core.pipeline.policies import ContentDecodePolicy
        from azure.core.rest import HttpRequest

        # The SDK takes a brace for one of its own parameters.
        escaped = path.replace("{", "%7B").replace("}", "%7D")
        version = {} if "api-version=" in path else {"api-version": api_version}
        request = HttpRequest(method, escaped, params={**version, **query}, **content)
        try:
            of_compute = "/providers/microsoft.compute/" in path.lower()
            client = (self.compute if of_compute else self.resources)(self.settings.vault_ids[0].subscription)
            seen: list[Any] = []
            response: Any = await client.send_request(request, raw_response_hook=seen.append)
            response.raise_for_status()
            # The SDK has parsed the body: a second time would double the cost of a page of a thousand items.
            parsed = seen[-1].context.get(ContentDecodePolicy.CONTEXT_NAME) if seen else None
            body = parsed if isinstance(parsed, dict) else response.json()
            seen.clear()  # it is part of a cycle, which would keep the page in memory
        # A ValueError: invalid UTF-8, or invalid JSON. RecursionError: JSON that nests without end.
        except (DecodeError, ValueError, RecursionError) as error:
            raise MalformedResponseError(
                f"{method} {path[:400]}: the response is not JSON: {str(error)[:200]}"
            ) from None
        if not isinstance(body, dict):
            raise MalformedResponseError(f"{method} {path[:400]}: the response is {_in_short(body)}, not a JSON object")
        return body

    async def list(self, path: str, api_version: str, **query: str) -> AsyncIterator[Any]:
        """The rows of a list. Raises what `list_pages` raises."""
        async for page in self.list_pages(path, api_version, **query):
            for each in page:
                yield each

    async def list_pages(self, path: str, api_version: str, **query: str) -> AsyncGenerator[builtins.list[Any], None]:
        """The rows of a list, page by page; they may be anything. Raises HttpResponseError, and MalformedResponseError
        for a page without rows, and for a `nextLink` that repeats, leads to another host or has no end."""
        link, seen = path, {""}
        while link not in seen:
            if len(seen) > MOST_PAGES:
                raise MalformedResponseError(f"GET {path}: more than {MOST_PAGES} pages, the next one is {link[:400]}")
            seen.add(link)
            page = await self.get(link, api_version, **query)
            rows, following = page.get("value"), page.get("nextLink")
            if not isinstance(rows, list):
                raise MalformedResponseError(f"GET {path}: the value of a page is {_in_short(rows)}, not a list")
            yield rows
            if following is None or following == "":
                return
            del page, rows  # not in memory beside the next one
            link, query = self._same_host(path, following), {}
        raise MalformedResponseError(f"GET {path}: the nextLink {link[:400]} repeats")

    def _same_host(self, path: str, link: object) -> str:
        """The path and the query of a `nextLink`. Raises MalformedResponseError if it leads to another host."""
        endpoint = self.settings.arm_endpoint
        url = link if isinstance(link, str) else ""
        if url.startswith("/") and not url.startswith("//"):
            url = endpoint + url
        from shared.arm.pipeline import address_of

        if address_of(url) != address_of(endpoint):
            raise MalformedResponseError(
                f"GET {path}: the nextLink {_in_short(link)} is not on the host of ARM: refused"
            )
        return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()

    def _client(self, kind: Any, *subscription: str, **version: str) -> Any:
        from shared.arm.pipeline import Intended, NoRegistration, OneHost, Paced, ShortRetries

        key = (kind.__name__, "".join((*subscription, *version.values())).lower())
        if key not in self._clients:
            endpoint = self.settings.arm_endpoint
            self._clients[key] = kind(
                self._credential(),
                *subscription,
                base_url=endpoint,
                credential_scopes=[f"{endpoint}/.default"],
                redirect_policy=OneHost(endpoint),
                retry_policy=ShortRetries(LONGEST_CALL_WAIT * self.settings.poll_seconds),
                per_call_policies=[Intended(self.origins)],
                per_retry_policies=[NoRegistration(), Paced(self.rate_limiter)],
                transport=self._shared_transport(),
                **version,
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


def _in_short(given: object) -> str:
    return repr(given)[:200]


def _key(resource: ResourceId) -> str:
    return f"resource{resource.key}"


@cache
def gateway() -> Azure:
    """The Azure clients of this process."""
    return Azure(load_settings())

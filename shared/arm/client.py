"""The SDK clients of this process, and the guard that every write passes."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from azure.core.exceptions import HttpResponseError

from shared.arm.errors import WriteRefusedError, is_missing
from shared.arm.get_or_create import Ensurer
from shared.arm.metrics_exporter import Metrics
from shared.arm.rate_limit import LONGEST_WAIT, Governor
from shared.arm.recent_writes import Ledger
from shared.arm.ttl_cache import SLOW, Remembered
from shared.config.settings import Mode, Settings, load_settings
from shared.model.resource_id import ResourceId
from shared.reconcile.run_state import WRITES_DISABLED

if TYPE_CHECKING:
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
    """One for each process: its clients share connections and a token, and what is remembered is shared by all VMs.

    Lives on the event loop that first uses it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ensurer = Ensurer(settings.poll_seconds, settings.poll_seconds * SLOW)
        self._clients: dict[tuple[str, str], Any] = {}
        self._transport: AioHttpTransport | None = None
        self._kept: dict[ResourceId, Any] = {}
        self._shared: dict[str, Remembered[Any]] = {}
        self.made: set[ResourceId] = set()
        self.ledgers: defaultdict[str, Ledger] = defaultdict(Ledger)
        self.metrics = Metrics()
        self.governor = Governor(settings.poll_seconds)

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
        """The topic that is told of outcomes. It retries nothing by itself: it would sleep as long as it is told to."""
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

    def once(self, key: ResourceId, make: Callable[[], Kept]) -> Kept:
        """What is kept under a key for the life of the process; made when it is first asked for."""
        if key not in self._kept:
            self._kept[key] = make()
        kept: Kept = self._kept[key]
        return kept

    def forget(self, key: str, *, if_before: float) -> None:
        """What is remembered under `key` is read anew, unless it was asked for since the (monotonic) time given."""
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
        """Passes if the settings allow to disable a protection that nobody has confirmed. Raises WriteRefusedError."""
        self._check_writes_on()
        if self.settings.mode is not Mode.CLEANUP:
            raise WriteRefusedError("CleanupOff", "DR_MODE is not cleanup: nothing is disabled unconfirmed, or removed")

    def check_removal(self, leftover: ResourceId) -> None:
        """Passes if the settings allow to remove this, and it is of a kind that is ever removed: no disk, nothing that
        is, or is in, a vault. Raises WriteRefusedError."""
        from shared.reconcile.orphans import LEAVES_FIRST

        self.check_disable()
        self.check_write(leftover)
        if leftover.type.lower() not in LEAVES_FIRST:
            raise WriteRefusedError("NeverRemoved", f"{leftover} is of a kind that is never removed")

    def _check_writes_on(self) -> None:
        if self.settings.writes_disabled:
            raise WriteRefusedError(WRITES_DISABLED, self.settings.writes_disabled)

    async def shared(self, key: str, read: Callable[[], Coroutine[Any, Any, T]], within: float | None = None) -> T:
        """A read that VMs share by `key` (a resource group, a network): remembered as long as a vault's fabrics are,
        or `within` so many seconds."""
        if key not in self._shared:
            self._shared[key] = Remembered(read, self.settings.poll_seconds * SLOW)
        remembered: Remembered[T] = self._shared[key]
        return await remembered.get(within)

    async def read(self, resource: ResourceId, api_version: str, within: float) -> dict[str, Any] | None:
        """A resource as ARM shows it, or None if there is none; an answer at most `within` seconds old.

        Raises HttpResponseError.
        """
        return await self.shared(_key(resource), lambda: self._read(resource, api_version), within)

    def forget_resource(self, resource: ResourceId) -> None:
        """It was written: the next to look for it asks again."""
        self.forget(_key(resource), if_before=float("inf"))
        self.ensurer.forget(resource.key)

    async def _read(self, resource: ResourceId, api_version: str) -> dict[str, Any] | None:
        try:
            return await self.get(str(resource), api_version)
        except HttpResponseError as answer:
            if is_missing(answer):
                return None
            raise

    async def get(self, path: str, api_version: str, **query: str) -> dict[str, Any]:
        """What no SDK of ours reads: a plain GET of ARM. Raises HttpResponseError."""
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
        from shared.arm.pipeline import NoRegistration, Paced, ShortRetries

        key = (kind.__name__, "".join(subscription).lower())
        if key not in self._clients:
            endpoint = self.settings.arm_endpoint
            self._clients[key] = kind(
                self._credential(),
                *subscription,
                base_url=endpoint,
                credential_scopes=[f"{endpoint}/.default"],
                retry_policy=ShortRetries(LONGEST_WAIT * self.settings.poll_seconds),
                per_retry_policies=[NoRegistration(), Paced(self.governor)],
                transport=self._shared_transport(),
            )
        return self._clients[key]

    def _shared_transport(self) -> "AioHttpTransport":
        """One pool of connections for all clients, in which nothing is sent twice behind our back.

        aiohttp repeats a PUT whose connection broke, whether or not the service had taken it, and has no public
        switch for that. Retries are the SDK's business; and the enable request is not to be repeated by anyone.
        """
        if self._transport is None:
            from aiohttp import ClientSession, DummyCookieJar
            from azure.core.pipeline.transport import AioHttpTransport

            session = ClientSession(trust_env=True, cookie_jar=DummyCookieJar(), auto_decompress=False)
            session._retry_connection = False
            self._transport = AioHttpTransport(session=session)
        return self._transport

    def _credential(self) -> "AsyncTokenCredential":
        """In Azure the managed identity and nothing else; on a developer's machine the az CLI's login."""
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
        """Closes connections: for tests; a function app's process just ends."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()
        self._transport = None
        self.metrics.close()


def _key(resource: ResourceId) -> str:
    return f"resource{resource.key}"


@cache
def gateway() -> Azure:
    """The gateway of this process."""
    return Azure(load_settings())

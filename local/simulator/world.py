"""Everything that exists, and what the handlers share."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from local.simulator.access import Access
from local.simulator.behaviour import Behaviour
from local.simulator.clock import Clock
from local.simulator.events.grid import EventGrid
from local.simulator.limits import Limits
from local.simulator.store import Resource, Store
from local.simulator.wire import Call, Json

if TYPE_CHECKING:
    from local.simulator.graph.index import Index
    from local.simulator.operations import Operation
    from local.simulator.recovery.model import RecoveryVault

T = TypeVar("T")

# Who acts when a service does something by itself, such as installing the Mobility extension.
SERVICE_CLAIMS = {"appid": "b8340c3b-9267-498f-b21a-15d5547fd85e", "name": "Microsoft Azure Site Recovery"}


class World:
    def __init__(self, speed: float = 1) -> None:
        self.clock = Clock(speed)
        self.behaviour = Behaviour()
        self.events = EventGrid(self.clock)
        self.access = Access()
        self.graph: Index | None = None
        self.signature = _signature()
        self.clear()

    def clear(self) -> None:
        """Forgets all resources and what was going to happen to them; clock, behaviour and so on stay."""
        self.store = Store()
        self.limits = Limits()
        self.recovery: dict[str, RecoveryVault] = {}
        self.operations: dict[str, Operation] = {}
        self.clock.forget()

    def raise_event(self, resource: Resource, verb: str, claims: Json | None = None) -> None:
        """Raises the event of a `write`, `delete` or `start/action` on a resource."""
        who = claims if claims is not None else SERVICE_CLAIMS
        self.events.resource(resource, f"{resource.type}/{verb}", self.store.tenant_id, who)
        self.changed(resource.id)

    def changed(self, path: str) -> None:
        """What has this ID, or what it hangs under, was written: Resource Graph learns of it."""
        if self.graph is not None:
            self.graph.changed(path)

    def page(self, call: Call, values: Sequence[T], show: Callable[[T], Any] = lambda value: value) -> Json:
        """A page of a list, with its nextLink; only what is on it is shown. The form of the skip token is invented.

        As in Azure, a list leaves out what the caller may not read, and says nothing of it.
        """
        size = self.behaviour.page_size
        values = [value for value in values if self.access.can_be_seen(_id(value))]
        start = int(call.query.get("$skiptoken", call.query.get("skipToken", "0")) or 0)
        body: Json = {"value": [show(value) for value in values[start : start + size]]}
        if start + size < len(values):
            query = {**call.query, "$skiptoken": str(start + size)}
            link = "&".join(f"{name}={value}" for name, value in query.items())
            body["nextLink"] = f"{call.base_url}{call.path}?{link}".replace(" ", "%20")
        return body


def _id(value: Any) -> str:
    return str(value.get("id", "") if isinstance(value, dict) else getattr(value, "id", ""))


def _signature() -> str:
    """Poll URLs have been signed since 2023: about 3 KB of certificate in the query, to be used as they are."""
    blob = b"".join(hashlib.sha512(f"certificate {index}".encode()).digest() for index in range(31))
    certificate = base64.urlsafe_b64encode(blob).decode().rstrip("=")
    signature = base64.urlsafe_b64encode(hashlib.sha512(b"signature").digest()).decode().rstrip("=")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"headers").digest()).decode().rstrip("=")
    return f"&t=638290000000000000&c={certificate}&s={signature}&h={digest}"

"""Everything that exists. It knows no service: the services take the world, and change it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from local.simulator import ids, latencies
from local.simulator.access import Access
from local.simulator.behaviour import Behaviour
from local.simulator.clock import Clock
from local.simulator.events.grid import EventGrid
from local.simulator.json_path import Edits
from local.simulator.limits import Limits
from local.simulator.snapshot import Snapshot
from local.simulator.store import Resource, Store
from local.simulator.vault.model import RecoveryVault
from local.simulator.wire import Json

# The claims of Site Recovery, for what it does by itself, such as installing the Mobility extension.
SERVICE_CLAIMS = {"appid": "b8340c3b-9267-498f-b21a-15d5547fd85e", "name": "Microsoft Azure Site Recovery"}


@dataclass(slots=True)
class Operation:
    """A long-running operation of a provider other than Site Recovery, whose operations are jobs.

    Times are service seconds. `result` is the body that it ends with.
    """

    id: str
    provider: str
    started: float
    ends: float
    retry_after: float
    error: Json | None
    result: Callable[[], Json | None]


class World:
    """`graph` is what Resource Graph shows while it lags: the table and the body of each row. `vault_lists` is what the
    lists of vaults show then. `overrides` are what replicated items and jobs show in place of their own state, by ID.
    """

    def __init__(self, speed: float = 1) -> None:
        self.clock = Clock(speed)
        self.behaviour = Behaviour()
        self.events = EventGrid(self.clock)
        self.access = Access()
        self.clear()

    def clear(self) -> None:
        """Removes all resources and scheduled changes; clock, behaviour, events and access stay."""
        self.graph: Snapshot[tuple[str, Json]] | None = None
        self.vault_lists: Snapshot[Json] | None = None
        self.overrides: dict[str, Edits] = {}
        self.hold(Store())
        self.limits = Limits()
        self.recovery: dict[str, RecoveryVault] = {}
        self.operations: dict[str, Operation] = {}
        self.clock.forget()

    def hold(self, store: Store) -> None:
        """Replaces all resources but Site Recovery's."""
        self.store = store
        store.changed = self.changed

    def raise_event(self, resource: Resource, verb: str, claims: Json | None = None) -> None:
        """Raises the event of a `write`, `delete` or `start/action` on a resource."""
        who = claims if claims is not None else SERVICE_CLAIMS
        self.events.resource(resource, f"{resource.type}/{verb}", self.store.tenant_id, who)
        self.changed(resource.id)

    def changed(self, path: str) -> None:
        """Reports a write at this ID, or of the resource above it, to the lists that lag."""
        for snapshot in (self.graph, self.vault_lists):
            if snapshot is not None:
                snapshot.changed(path)

    def pace(self, what: str, name: str) -> float:
        """What the recorded durations of an operation on the object of this name are multiplied by."""
        return latencies.factor(self.behaviour.latency_seed, what, name.lower())

    def shown(self, body: Json) -> Json:
        """The body of a replicated item or of a job, with its override applied."""
        if edits := self.overrides.get(ids.key(body["id"])):
            body = copy.deepcopy(body)  # parts of it are the state itself
            edits.apply(body)
        return body

"""Durable clients with state: instances run and end, and the client sees of them what the real one sees."""

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus as Status
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult

from shared.model.order import Order
from shared.reconcile.run_state import RunOutcome, RunState


class FakeDurableClient:
    """`after` holds what happens behind the caller's back: it is called with the name of the call just made."""

    def __init__(self, after: Callable[["FakeDurableClient", str], None] | None = None) -> None:
        self.status: Status | None = None
        self.status_after_start: Status | None = Status.Running
        self.started: list[tuple[str, str, Any]] = []
        self.raised: list[tuple[str, str]] = []
        self.terminated: list[str] = []
        self.last_updated: datetime | None = None
        self.custom_status: Any = None
        self.state: Any = None
        self.output: Any = None
        self.purged: list[tuple[datetime, datetime, list[Status]]] = []
        self._after = after

    def _take_up(self, orders: list[str]) -> None:
        """A run shows the orders that it knows in its custom status."""
        if orders:
            shown = self.custom_status or {}
            self.custom_status = {**shown, "orders": [*shown.get("orders", []), *orders]}

    def _happen(self, call: str) -> None:
        if self._after:
            self._after(self, call)

    async def get_status(self, instance: str, *, show_input: bool = False) -> DurableOrchestrationStatus:
        found: dict[str, Any] = {}
        if self.status:
            found = {
                **({"input": json.dumps(json.dumps(self.state))} if show_input else {}),
                "name": "protect_vm",
                "instanceId": instance,
                "runtimeStatus": self.status.name,
                "customStatus": self.custom_status,
                "output": self.output,
                "lastUpdatedTime": self.last_updated.isoformat() if self.last_updated else None,
            }
        status = DurableOrchestrationStatus.from_json(found)
        self._happen("get_status")
        return status

    async def raise_event(self, instance: str, name: str, data: Any = None) -> None:
        if self.status is not Status.Running:
            raise Exception(f"Instance with ID {instance} is gone: either completed or failed")
        self.raised.append((instance, name))
        self._take_up([data["token"]] if data else [])
        self._happen("raise_event")

    async def terminate(self, instance: str, reason: str) -> None:
        assert reason
        self.terminated.append(instance)
        self.status, self.output, self.last_updated = Status.Terminated, reason, datetime.now(UTC)
        self._happen("terminate")

    async def purge_instance_history_by(
        self, created_time_from: datetime, created_time_to: datetime, runtime_status: list[Status]
    ) -> PurgeHistoryResult:
        """Each call finds one."""
        self._happen("purge_instance_history_by")
        self.purged.append((created_time_from, created_time_to, runtime_status))
        return PurgeHistoryResult.from_json({"instancesDeleted": 1})

    async def start_new(self, name: str, instance: str, given: Any) -> str:
        if self.status is Status.Running:
            raise Exception("An Orchestration instance with the status Running already exists.")
        self.started.append((name, instance, given))
        self.status = self.status_after_start
        self.custom_status = None
        self._take_up(given.get("orders", []))
        self._happen("start_new")
        return instance


class FakeHub:
    """Many instances, each by its ID as a status query shows it. `on_start` may end one as soon as it is started."""

    def __init__(self, on_start: Callable[["FakeHub", str], None] | None = None) -> None:
        self.instances: dict[str, dict[str, Any]] = {}
        self.started: list[str] = []
        self.raised: list[str] = []
        self.terminated: list[str] = []
        self._on_start = on_start

    def put(self, instance: str, status: Status, name: str = "protect_vm", **shown: Any) -> None:
        """`input` is shown as the SDK's own `start_new` and `continue_as_new` leave it: JSON text."""
        text = {"input": json.dumps(shown.pop("state"))} if "state" in shown else {}
        known = {"name": name, "instanceId": instance, "runtimeStatus": status.name}
        self.instances[instance] = {**known, "createdTime": datetime.now(UTC).isoformat(), **text, **shown}

    async def get_status(self, instance: str, *, show_input: bool = False) -> DurableOrchestrationStatus:
        found = dict(self.instances.get(instance, {}))
        if not show_input:
            found.pop("input", None)
        return DurableOrchestrationStatus.from_json(found)

    async def start_new(self, name: str, instance: str, given: Any) -> str:
        if self.instances.get(instance, {}).get("runtimeStatus") == Status.Running.name:
            raise Exception("An Orchestration instance with the status Running already exists.")
        self.put(instance, Status.Running, name, state=given, customStatus={"orders": given.get("orders", [])})
        self.started.append(instance)
        if self._on_start:
            self._on_start(self, instance)
        return instance

    async def terminate(self, instance: str, reason: str) -> None:
        assert reason
        self.instances[instance]["runtimeStatus"] = Status.Terminated.name
        self.terminated.append(instance)

    async def raise_event(self, instance: str, name: str, data: Any = None) -> None:
        found = self.instances[instance]
        assert found["runtimeStatus"] == Status.Running.name, name
        self.raised.append(instance)
        if data:
            shown = found.get("customStatus") or {}
            found["customStatus"] = {**shown, "orders": [*shown.get("orders", []), data["token"]]}


class CarelessHub:
    """One instance, as careless as the Durable extension may be: of starts that come together one is taken, an event
    may be lost or come late, and the run may end at any moment, with what it has not read."""

    def __init__(self, chance: random.Random) -> None:
        self.run: RunState | None = None
        self.done: set[str] = set()
        self._chance = chance
        self._starting: list[RunState] = []
        self._inbox: list[Order] = []
        self._output: dict[str, Any] | None = None

    def _turn(self) -> None:
        """Something of what the hub has accepted is done, or is not."""
        if self.run is None and self._starting and self._chance.random() < 0.5:
            self.run = self._chance.choice(self._starting)
            self._starting.clear()
        if self.run and self._chance.random() < 0.5:
            for order in self._inbox:
                self.run = self.run.take_up(order)
            self._inbox.clear()
        if self.run and self._chance.random() < 0.3:
            self._inbox.clear()
            self.done.update(self.run.orders)
            result = self.run.finish(RunOutcome.NOT_TAGGED).result
            self._output = result.dump() if result else None
            self.run = None

    async def get_status(self, instance: str, *, show_input: bool = False) -> DurableOrchestrationStatus:
        assert not show_input
        self._turn()
        await asyncio.sleep(0)
        known = {"name": "protect_vm", "instanceId": instance}
        shown: dict[str, Any] = {}
        if self.run:
            shown = {**known, "runtimeStatus": "Running", "customStatus": self.run.status()}
        elif self._output:
            shown = {**known, "runtimeStatus": "Completed", "output": self._output}
        return DurableOrchestrationStatus.from_json(shown)

    async def start_new(self, name: str, instance: str, given: Any) -> str:
        assert name
        self._turn()
        if self.run:
            raise Exception("An Orchestration instance with the status Running already exists.")
        self._starting.append(RunState.load(given))
        await asyncio.sleep(0)
        return instance

    async def raise_event(self, instance: str, name: str, data: Any = None) -> None:
        self._turn()
        if self.run is None:
            raise Exception(f"Instance with ID {instance} is gone: {name} was not raised")
        if data and self._chance.random() < 0.7:
            self._inbox.append(Order.load(data))
        await asyncio.sleep(0)


class RefusesToStart(FakeDurableClient):
    async def start_new(self, *_: Any, **__: Any) -> str:
        raise Exception("The storage account is not reachable.")


async def unreachable(*_: Any) -> None:
    raise OSError("The storage account is not reachable.")

"""Durable clients with state: instances run and end, and the client sees of them what the real one sees."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus as Status
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult


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
        self.output: Any = None
        self.purged: list[tuple[datetime, datetime, list[Status]]] = []
        self._after = after

    def _happen(self, call: str) -> None:
        if self._after:
            self._after(self, call)

    async def get_status(self, instance: str) -> DurableOrchestrationStatus:
        found: dict[str, Any] = {}
        if self.status:
            found = {
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

    async def raise_event(self, instance: str, name: str) -> None:
        if self.status is not Status.Running:
            raise Exception(f"Instance with ID {instance} is gone: either completed or failed")
        self.raised.append((instance, name))
        self._happen("raise_event")

    async def terminate(self, instance: str, reason: str) -> None:
        assert reason
        self.terminated.append(instance)
        self.status = Status.Terminated
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
        self.put(instance, Status.Running, name, state=given)
        self.started.append(instance)
        if self._on_start:
            self._on_start(self, instance)
        return instance

    async def terminate(self, instance: str, reason: str) -> None:
        assert reason
        self.instances[instance]["runtimeStatus"] = Status.Terminated.name
        self.terminated.append(instance)

    async def raise_event(self, instance: str, name: str) -> None:
        assert self.instances[instance]["runtimeStatus"] == Status.Running.name, name
        self.raised.append(instance)

"""A durable client with state: instances run and end, and the client sees of them what the real one sees."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus as Status
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus


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

    async def start_new(self, name: str, instance: str, given: Any) -> str:
        if self.status is Status.Running:
            raise Exception("An Orchestration instance with the status Running already exists.")
        self.started.append((name, instance, given))
        self.status = self.status_after_start
        self._happen("start_new")
        return instance

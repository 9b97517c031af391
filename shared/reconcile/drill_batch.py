"""A batch of drills: a few at a time, as the quotas of the target regions allow, until the last one is clean."""

from datetime import datetime, timedelta
from typing import Any, Self

from shared.config.intervals import FOLLOW_BATCH
from shared.model.base import Model
from shared.model.caller import Caller, with_callers
from shared.model.drill import Drill, DrillOrder, DrillOutcome, DrillResult
from shared.model.order import MAX_ORDERS, Order
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reconcile.batch import BatchOf, Ended, short, weightiest

PREFIX = "drills-"
"""Of the IDs of batches of drills."""

MOST_AT_ONCE, AT_ONCE = 50, 5
"""The most drills of a batch at a time, and the default."""


class DrillEnd(Ended):
    """How the drill of one VM of a batch ended. Findings and error are shortened: GET .../drill of the VM shows all."""

    outcome: DrillOutcome
    rto_seconds: float | None = None

    @classmethod
    def of(cls, result: DrillResult) -> Self:
        return cls(
            vm_id=result.vm_id,
            outcome=result.outcome,
            rto_seconds=result.rto_seconds,
            findings=weightiest(result.findings),
            error=short(result.error) if result.error else None,
        )

    @classmethod
    def of_record(cls, drill: Drill) -> Self:
        error = short(drill.error) if drill.error else None
        return cls(vm_id=drill.vm, outcome=drill.outcome, rto_seconds=drill.rto_seconds, error=error)


class DrillBatchRequest(Model):
    """A step of a batch. `token` is what its drills show; with `cancelled` nothing begins, and what runs is ended, by
    those in `ended_by`."""

    waiting: tuple[ResourceId, ...]
    running: tuple[ResourceId, ...]
    order: DrillOrder
    at_once: int
    token: str
    cancelled: bool = False
    ended_by: tuple[Caller, ...] = ()


class DrillBatchProgress(Model):
    """Where the VMs of a request are after the step."""

    waiting: tuple[ResourceId, ...] = ()
    running: tuple[ResourceId, ...] = ()
    ended: tuple[DrillEnd, ...] = ()


class DrillBatch(BatchOf[DrillEnd]):
    """A batch of drills, each by the `order`, `at_once` at most. `orders` are the tokens of those who cancelled it,
    `ended_by` is who they are, for the archive only."""

    order: DrillOrder
    at_once: int = AT_ONCE
    orders: tuple[str, ...] = ()
    ended_by: tuple[Caller, ...] = ()

    @property
    def cancelled(self) -> bool:
        return bool(self.orders)

    def status(self) -> dict[str, Any]:
        return super().status() | {"orders": list(self.orders)}

    def take_up(self, order: Order) -> Self:
        """Cancels the batch, at once."""
        if order.token in self.orders:
            return self
        orders = (*self.orders, order.token)[-MAX_ORDERS:]
        return self.with_(orders=orders, ended_by=with_callers(self.ended_by, order.asked_by), resume_at=None)

    def request(self, token: str) -> DrillBatchRequest:
        return DrillBatchRequest(
            waiting=self.waiting,
            running=self.running,
            order=self.order,
            at_once=self.at_once,
            token=token,
            cancelled=self.cancelled,
            ended_by=self.ended_by,
        )

    def went_on(self, progress: DrillBatchProgress, now: datetime) -> Self:
        return self.with_(
            waiting=progress.waiting,
            running=progress.running,
            ended=(*self.ended, *progress.ended),
            resume_at=now + timedelta(seconds=FOLLOW_BATCH * self.poll_seconds),
            faults=0,
            last_error=None,
        )

    def lost(self, vm: ResourceId, error: Error) -> DrillEnd:
        return DrillEnd(vm_id=vm, outcome=DrillOutcome.FAILED, error=error)

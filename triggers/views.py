"""Response bodies of the HTTP triggers. The OpenAPI document is generated from them."""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

import azure.functions as func

from shared.model.base import Model
from shared.model.changes import Difference
from shared.model.cost import Cost, DrillCost
from shared.model.drill import Drill, DrillOutcome, DrillPoint
from shared.model.drill_network import NetworkChange
from shared.model.findings import Finding
from shared.model.item_details import ItemDetails
from shared.model.plan import ResourcePreview, Setting
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.observe.drill import Preflight
from shared.reconcile.reason import Reason
from shared.reconcile.run_state import LastChange, Phase


class View(Model):
    """A response body: all its members are present, as null without a value."""

    def response(
        self, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
    ) -> func.HttpResponse:
        shown = {str(field.alias): None for field in type(self).model_fields.values()} | self.dump()
        return func.HttpResponse(json.dumps(shown), status_code=status, headers=headers, mimetype="application/json")


class Accepted(View):
    """The request was accepted: the run shows the token `order` among its `orders`."""

    vm_id: ResourceId
    instance_id: str
    order: str


class RunStatus(Model):
    """The status of a run that was started at `since`; `percent` and `job` are set if known. `phase` is that of its
    next pass, `disableAt` when replication is disabled unless the VM is tagged again, `resumeAt` when it goes on at the
    latest, `orders` the tokens of the requests that it has accepted."""

    vm_id: ResourceId
    step: str
    since: datetime | None = None
    percent: int | None = None
    last_error: Error | None = None
    attempts: int = 0
    job: str = ""
    phase: Phase = Phase.OBSERVE
    disable_at: datetime | None = None
    resume_at: datetime | None = None
    orders: tuple[str, ...] = ()


class ProtectionView(View):
    """The protection of a VM, and its run: the progress while it is `running`, or the result of the last one.

    `details` are the item's, as it is now; `settings` and `cost` are those of a protected item. `lastChange` is
    how the last run ended that wrote to Site Recovery: a later one may have found nothing to do. `reason` is why the
    VM is not as it should be, if it is not.
    """

    vm_id: ResourceId
    exists: bool
    tagged: bool
    item: ProtectedItem | None
    details: ItemDetails | None = None
    settings: tuple[Setting, ...] = ()
    cost: Cost | None = None
    findings: tuple[Finding, ...] = ()
    running: bool
    run: Any
    last_change: LastChange | None = None
    reason: Reason | None = None


class PlanView(View):
    """What PUT would do. `changes` are those of an existing replicated item."""

    vm_id: ResourceId
    tagged: bool
    blocked: bool
    findings: tuple[Finding, ...] = ()
    settings: tuple[Setting, ...] = ()
    resources: tuple[ResourcePreview, ...] = ()
    changes: tuple[Difference, ...] = ()
    cost: Cost | None = None
    item: ProtectedItem | None = None
    writes_disabled: str


class DrillPlan(Model):
    """What a drill of a VM would begin: the test VM of that `size`, its disks, what they cost at most, the network,
    which the app would `create` or `update` before if it says so, and every reason against it. `others` are the VMs of
    its consistency group, which are drilled with it: `cores` and `cost` are those of all."""

    vm_id: ResourceId
    refused: bool
    findings: tuple[Finding, ...] = ()
    test_vm: ResourceId | None = None
    test_disks: tuple[ResourceId, ...] = ()
    size: str = ""
    cores: int = 0
    cost: DrillCost | None = None
    others: tuple[ResourceId, ...] = ()
    recovery_point: DrillPoint | None = None
    network: ResourceId | None = None
    network_change: NetworkChange | None = None

    @classmethod
    def of(cls, found: Preflight, **more: Any) -> Self:
        seen = found.seen
        return cls(
            vm_id=found.vm_id,
            refused=bool(found.findings),
            findings=found.findings,
            test_vm=seen.test_vm if seen else None,
            test_disks=(seen.test_disks or ()) if seen else (),
            size=found.size.name if found.size else "",
            cores=found.cores,
            others=tuple(each.vm_id for each in found.others),
            cost=found.cost,
            recovery_point=found.point,
            network=found.network.id if found.network else None,
            network_change=found.network.change if found.network else None,
            **more,
        )


class DrillPlanView(DrillPlan, View):
    """The plan of the drill of one VM."""

    writes_disabled: str


class DrillView(View):
    """The run of a drill: its progress while it is `running`, or its result; the record of what it has begun, and of
    the `last` one that has ended, with how it went."""

    vm_id: ResourceId
    running: bool
    run: Any
    drill: Drill | None = None
    last: Drill | None = None
    outcome: DrillOutcome | None = None
    rto_seconds: float | None = None
    recovery_point_age_seconds: float | None = None

"""What the HTTP doors answer. The OpenAPI document is made of these, so it says what is answered and nothing else."""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import azure.functions as func

from shared.model.base import Model
from shared.model.changes import Difference
from shared.model.cost import Cost
from shared.model.findings import Finding
from shared.model.item_details import ItemDetails
from shared.model.plan import ResourcePreview, Setting
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reconcile.run_state import LastChange, Phase


class View(Model):
    """The body of an answer: each of its own members is there, as null if there is nothing to say."""

    def response(
        self, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
    ) -> func.HttpResponse:
        shown = {str(field.alias): None for field in type(self).model_fields.values()} | self.dump()
        return func.HttpResponse(json.dumps(shown), status_code=status, headers=headers, mimetype="application/json")


class Accepted(View):
    """What was asked for is under way: the run shows the token `order` among its `orders`."""

    vm_id: ResourceId
    instance_id: str
    order: str


class RunStatus(Model):
    """Where a run stands; `percent` and `job` are there where they are known. `phase` is what its next pass begins
    with, `disableAt` when replication is disabled if nobody tags the VM again, `orders` the tokens of the requests that
    it has taken up."""

    vm_id: ResourceId
    step: str
    percent: int | None = None
    last_error: Error | None = None
    attempts: int = 0
    job: str = ""
    phase: Phase = Phase.OBSERVE
    disable_at: datetime | None = None
    orders: tuple[str, ...] = ()


class ProtectionView(View):
    """What protects a VM now, and its run: where it stands while it is `running`, or how the last one ended.

    `details` are the item's, as it is now; `settings` are those of an item that is protected. `lastChange` is how the
    last run ended that asked Azure for something: a later one may have found nothing to do.
    """

    vm_id: ResourceId
    exists: bool
    tagged: bool
    item: ProtectedItem | None
    details: ItemDetails | None = None
    settings: tuple[Setting, ...] = ()
    findings: tuple[Finding, ...] = ()
    running: bool
    run: Any
    last_change: LastChange | None = None


class PlanView(View):
    """What PUT would do. `changes` is what would differ about the item that protects the VM already."""

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

"""DELETE of the protection of one VM: recovery points are lost, so a confirmation is required."""

from http import HTTPStatus

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.arm.tags import write_refusal
from shared.config.settings import REFUSALS, Intent
from shared.model.decision import Action
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.observe.vm import observe
from shared.planning import preflight
from shared.reconcile.run_state import RunState
from shared.site_recovery.item_details import recovery_points
from shared.site_recovery.replicated_items import refresh
from triggers.handing_over import hand_over_and_respond
from triggers.operations import ON_READ, describe, flag
from triggers.problems import Problem
from triggers.requests import flags_of, no_such_vm, require_writes, translate_azure_errors, vm_of
from triggers.routes import CONFIRM
from triggers.views import Accepted

_REQUESTED = {"NotTagged", "UntaggedButProtected", "SourceDeleted", "SourceMoved", "HoldExpired"}
"""Findings that are no reason against a disable."""


@describe(
    "Disable: writes the tag that says no, and has the VM's run disable what protects it",
    Accepted,
    "Accepted",
    {
        **ON_READ,
        HTTPStatus.CONFLICT: f"ConfirmationNeeded: what would be lost without {CONFIRM}=true; DisableRefused: "
        "`findings` say why; WritesDisabled: report mode, or paused. Nothing was written",
        HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or RunNotStarted: the tag is "
        "written, and no run has accepted the request",
    },
    status=HTTPStatus.ACCEPTED,
    query=lambda _: [
        flag(CONFIRM, "Recovery points may be lost. Without it the response lists them, and nothing is done.")
    ],
)
async def delete_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Disable: writes the tag that says no, so that no sweep enables the VM again, and has its run disable what
    protects it, at once and in any mode that writes. Without `confirm` it only says what would be lost.

    Raises Problem; then nothing was written, but the tag with `RunNotStarted`.
    """
    vm_id = vm_of(azure.settings, request)
    confirmed = CONFIRM in flags_of(request, CONFIRM)
    require_writes(azure.settings)
    refresh(azure)
    observation = await translate_azure_errors(observe(azure, vm_id, intent=Intent.NO, confirmed=True))
    vm, item, decision = observation.vm, observation.item, observation.decision
    if vm is None and item is None and not decision.rejects:
        raise no_such_vm(vm_id)
    if decision.rejects or (item and decision.action is Action.NONE):
        reasons = tuple(finding for finding in decision.findings if finding.code not in _REQUESTED)
        detail = " ".join(finding.message for finding in reasons)
        raise Problem(HTTPStatus.CONFLICT, "DisableRefused", detail, findings=reasons)
    if not confirmed:
        raise Problem(HTTPStatus.CONFLICT, "ConfirmationNeeded", await _what_would_be_lost(azure, vm_id, vm, item))
    if vm and (full := preflight.too_many_tags(vm, [azure.settings.tag_name])):
        raise Problem(HTTPStatus.CONFLICT, "DisableRefused", full.message, findings=(full,))
    if vm:
        await translate_azure_errors(write_refusal(azure, vm))
    run = RunState(vm_id=vm.id if vm else vm_id, poll_seconds=azure.settings.poll_seconds)
    done = "The tag says no" if vm else "The VM is gone"
    return await hand_over_and_respond(azure.settings, client, request, run, done, confirmed=True)


async def _what_would_be_lost(azure: Azure, vm_id: ResourceId, vm: SourceVm | None, item: ProtectedItem | None) -> str:
    how = f"Repeat with {CONFIRM}=true to confirm. Nothing was written."
    tagged = f"{vm_id.name} would be tagged {azure.settings.tag_name}={REFUSALS[0]}"
    if item is None:
        return f"Nothing protects {vm_id.name}. {tagged}. {how}"
    points = await translate_azure_errors(recovery_points(azure, item))
    kept = "no recovery point"
    if points:
        oldest, newest = (f"{point.time:%Y-%m-%d %H:%M}" for point in (points[-1], points[0]))
        kept = f"{len(points)} recovery points from {oldest} to {newest} UTC"
    lost = f"the replicated item {item.id.name} in {item.vault.name} would be removed for good, and with it {kept}"
    return f"{tagged}; {lost}. {how}" if vm else f"{vm_id.name} is gone; {lost}. {how}"

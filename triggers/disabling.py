"""DELETE of the protection of one VM: recovery points are lost, so a confirmation is required."""

from http import HTTPStatus

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.config.settings import Settings
from shared.model.findings import Finding
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.observe.preview import refusal_of, write_refusal
from shared.planning import preflight
from shared.readers.virtual_machines import read_vm
from shared.reconcile.drift import adopted, frozen
from shared.reconcile.run_state import RunState
from shared.site_recovery.item_details import recovery_points
from shared.site_recovery.replicated_items import find_original, find_protection, refresh
from triggers.handing_over import hand_over_and_respond
from triggers.operations import ON_READ, describe, flag
from triggers.problems import Problem
from triggers.requests import flags_of, no_such_vm, require_writes, translate_azure_errors, vm_of
from triggers.routes import CONFIRM
from triggers.views import Accepted


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
    vm = await translate_azure_errors(read_vm(azure, vm_id))
    protection = await translate_azure_errors(find_protection(azure, vm_id))
    item = protection[1] if protection else None
    if vm is None and item is None:
        raise no_such_vm(vm_id)
    hindered = _hindered(azure.settings, vm, item, await translate_azure_errors(find_original(azure, vm_id)))
    if hindered:
        detail = " ".join(finding.message for finding in hindered)
        raise Problem(HTTPStatus.CONFLICT, "DisableRefused", detail, findings=hindered)
    if not confirmed:
        raise Problem(HTTPStatus.CONFLICT, "ConfirmationNeeded", await _what_would_be_lost(azure, vm_id, vm, item))
    if vm:
        await translate_azure_errors(write_refusal(azure, vm))
    run = RunState(vm_id=vm_id, poll_seconds=azure.settings.poll_seconds)
    done = "The tag says no" if vm else "The VM is gone"
    return await hand_over_and_respond(azure.settings, client, request, run, done, confirmed=True)


def _hindered(
    settings: Settings, vm: SourceVm | None, item: ProtectedItem | None, original: ResourceId | None
) -> tuple[Finding, ...]:
    """The findings that forbid to disable the protection, for any caller."""
    found = []
    if vm and settings.on_hold(vm.tags):
        found.append(preflight.on_hold(vm, settings))
    if vm and original:
        found.append(preflight.copy_of(vm.id, original))
    if item and item.stage is Stage.FROZEN:
        found.append(frozen(item))
    return (*found, *(adopted(item) if item else ()))


async def _what_would_be_lost(azure: Azure, vm_id: ResourceId, vm: SourceVm | None, item: ProtectedItem | None) -> str:
    how = f"Repeat with {CONFIRM}=true to confirm. Nothing was written."
    tagged = f"{vm_id.name} would be tagged {azure.settings.tag_name}={refusal_of(azure.settings)}"
    if item is None:
        return f"Nothing protects {vm_id.name}. {tagged}. {how}"
    points = await translate_azure_errors(recovery_points(azure, item))
    kept = "no recovery point"
    if points:
        oldest, newest = (f"{point.time:%Y-%m-%d %H:%M}" for point in (points[-1], points[0]))
        kept = f"{len(points)} recovery points from {oldest} to {newest} UTC"
    lost = f"the replicated item {item.id.name} in {item.vault.name} would be removed for good, and with it {kept}"
    return f"{tagged}; {lost}. {how}" if vm else f"{vm_id.name} is gone; {lost}. {how}"

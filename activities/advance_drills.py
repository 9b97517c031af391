"""A step of a batch of drills: reads how those under way stand, and begins as many more as fit."""

from collections.abc import Collection, Iterable

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.arm.client import Azure
from shared.instance_status import RUNNING, orders_of
from shared.model.drill import DrillOutcome, DrillResult
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Ready, StepResult
from shared.observe.drill_groups import lead_of
from shared.observe.drill_needs import DrillNeeds, drill_needs
from shared.orchestrations import drill_instance_of, each, signal_end_of_drill, start_drill_run, status_of
from shared.reconcile.drill_batch import DrillBatchProgress, DrillBatchRequest, DrillEnd
from shared.reconcile.drill_queue import Limit, fitting
from shared.reconcile.drill_state import DrillRun

_AT_ONCE = Limit("atOnce")


async def advance_drills(azure: Azure, request: DrillBatchRequest, client: DurableOrchestrationClient) -> StepResult:
    """Ready holds a `DrillBatchProgress`. Idempotent: a drill of the batch that runs, or has ended, shows its token."""
    found = await each(request.running, lambda vm: lead_of(azure, vm))
    leads = dict(zip(request.running, found, strict=True))
    ends = await each(request.running, lambda vm: _end_of(azure, client, vm, leads[vm], request))
    ended = [end for end in ends if end]
    running = [vm for vm, end in zip(request.running, ends, strict=True) if end is None]
    waiting = list(request.waiting)
    if request.cancelled:
        order = Order(token=f"{request.token}-end", confirmed=True, asked_by=request.ended_by)
        await each(list({leads[vm] for vm in running}), lambda vm: signal_end_of_drill(client, vm, order))
        ended += [DrillEnd(vm_id=vm, outcome=DrillOutcome.CANCELLED) for vm in waiting]
        return Ready(value=DrillBatchProgress(running=tuple(running), ended=tuple(ended)).dump())
    if waiting:
        needs = await drill_needs(azure, [*running, *waiting])
        under_way = dict.fromkeys(map(needs.lead, running))
        begin = _next(needs, under_way, [vm for vm in map(needs.lead, waiting) if vm not in under_way], request.at_once)
        begun = dict(zip(begin, await each(begin, lambda vm: _begin(azure, client, vm, request)), strict=True))
        # The VMs of a group begin and end together.
        settled = [vm for vm in waiting if needs.lead(vm) in {*under_way, *begun}]
        for vm in settled:
            end = begun.get(needs.lead(vm))
            ended += [end.with_(vm_id=vm)] if end else []
            running += [] if end else [vm]
        waiting = [vm for vm in waiting if vm not in settled]
    progress = DrillBatchProgress(waiting=tuple(waiting), running=tuple(running), ended=tuple(ended))
    return Ready(value=progress.dump())


def _next(
    needs: DrillNeeds, running: Collection[ResourceId], waiting: Iterable[ResourceId], at_once: int
) -> list[ResourceId]:
    """What begins now. A VM whose need is not known takes only a place: its own checks refuse it, or find out."""
    candidates = list(dict.fromkeys(waiting))
    held = [{_AT_ONCE: 1, **needs.of(vm)} for vm in running]
    left = needs.left(running) | {_AT_ONCE: at_once - len(running)}
    chosen = fitting([(vm, {_AT_ONCE: 1, **needs.of(vm)}) for vm in candidates], held, left)
    # What does not fit alone, either, is reported by its own checks.
    return chosen or ([] if running else candidates[:1])


def _run_of(azure: Azure, vm: ResourceId, request: DrillBatchRequest) -> DrillRun:
    poll = azure.settings.poll_seconds
    return DrillRun(vm_id=vm, poll_seconds=poll, order=request.order, orders=(request.token,), low_priority=True)


async def _begin(
    azure: Azure, client: DurableOrchestrationClient, vm: ResourceId, request: DrillBatchRequest
) -> DrillEnd | None:
    """None if the drill runs now; else why it was not begun."""
    if await start_drill_run(client, _run_of(azure, vm, request)):
        return None
    status = await status_of(client, drill_instance_of(vm))
    # Before its first turn a run shows no token: the next step sees whose it is.
    shown = orders_of(status)
    if not shown or request.token in shown:
        return None
    return _refused(vm)


def _refused(vm: ResourceId) -> DrillEnd:
    error = Error(code="DrillInProgress", message=f"Another drill of {vm.name} was in progress: nothing was begun.")
    return DrillEnd(vm_id=vm, outcome=DrillOutcome.REFUSED, error=error)


async def _end_of(
    azure: Azure, client: DurableOrchestrationClient, vm: ResourceId, lead: ResourceId, request: DrillBatchRequest
) -> DrillEnd | None:
    """How the drill of the batch ended; None while it runs."""
    status = await status_of(client, drill_instance_of(lead))
    shown = orders_of(status)
    if status.runtime_status in RUNNING:
        return _refused(vm) if shown and request.token not in shown else None
    if status.runtime_status is OrchestrationRuntimeStatus.Completed and request.token in shown:
        result = DrillResult.load(status.output)
        last = await azure.drills.last(vm) if result.drill and result.drill.members else None
        return DrillEnd.of_record(last) if last else DrillEnd.of(result).with_(vm_id=vm)
    # Its history is another run's by now, or gone with its hub: then the record tells.
    last = await azure.drills.last(vm)
    if last and last.token == request.token:
        return DrillEnd.of_record(last)
    # Its start was dropped, or it was ended by force: its record, if there is one, is taken up again.
    await start_drill_run(client, _run_of(azure, lead, request))
    return None

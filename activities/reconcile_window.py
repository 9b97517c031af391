"""A step of a sweep: the first reads the inventory, the others start the runs of VMs that need one, window by
window."""

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.arm.client import Azure
from shared.arm.origin_store import OriginStoreError
from shared.config.intervals import TTL_SLOW
from shared.model.caller import Caller, CallerKind, Via
from shared.model.decision import Action
from shared.model.drill import DrillOrder
from shared.model.order import Order
from shared.model.step_result import Ready, StepResult
from shared.observe.due_drills import due_drills
from shared.observe.inventory import compliance_report
from shared.orchestrations import each, instance_of, is_live, start_drill_run, start_run, status_of
from shared.reconcile.drill_queue import Scheduled
from shared.reconcile.drill_state import DrillPhase, DrillRun
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reconcile.run_state import RunResult, RunState
from shared.reconcile.sweep import Summary, Sweep, SweepReport, held_until, limit_findings
from shared.reconcile.sweep_window import Work, next_window, occupies_slot, region_pair_of, waits
from shared.site_recovery.daily_limits import disables_unused, enables_unused

log = logging.getLogger("dr.sweep")

_SWEEP = Caller(kind=CallerKind.UNKNOWN, via=Via.SWEEP)
"""The caller of a run that a sweep starts: a sweep cannot tell who wrote the tag."""


async def reconcile_window(azure: Azure, request: Sweep, client: DurableOrchestrationClient) -> StepResult:
    """Ready holds the `Sweep` after this step; it is `done` when all VMs are handled.

    Idempotent: a VM whose run is in progress is skipped.
    """
    if request.report is None:
        await _resume_drills(azure, client)
    sweep = await (
        _observe(azure, request, client)
        if request.report is None
        else _start_runs(azure, request, request.report, client)
    )
    return Ready(value=sweep.dump())


async def _resume_drills(azure: Azure, client: DurableOrchestrationClient) -> None:
    """Starts a run, which cleans up, for each open record of a drill without one: its run was lost, with its task hub
    perhaps. In any mode: the run itself waits while all writes are stopped."""
    try:
        drills = await azure.drills.open()
    except OriginStoreError:
        log.exception("The records of drills could not be read: the next sweep tries again")
        return
    known = {drill.vm for drill in drills}
    for vm in dict.fromkeys(drill.lead if drill.lead in known else drill.vm for drill in drills):
        run = DrillRun(vm_id=vm, poll_seconds=azure.settings.poll_seconds, phase=DrillPhase.CLEANUP)
        try:
            if await start_drill_run(client, run):
                log.warning("The drill of %s had no run: it is cleaned up", vm)
        except Exception:
            log.exception("The cleanup of the drill of %s could not be started", vm)


async def _begin_drills(azure: Azure, client: DurableOrchestrationClient, found: ComplianceReport) -> None:
    """Starts the drills that are due by the schedules of profiles. A failure does not stop the sweep: the next one
    tries again."""
    settings = azure.settings
    if settings.writes_disabled or not settings.drills:
        return
    try:
        due = await due_drills(azure, found, datetime.now(UTC))
        for each_due in due:
            run = _scheduled_run(each_due, settings.poll_seconds)
            if await start_drill_run(client, run):
                log.info("The drill of %s is due by the profile %s: it begins", run.vm_id, each_due.profile)
    except Exception:
        log.exception("Drills that are due could not be begun: the next sweep tries again")


def _scheduled_run(due: Scheduled, poll_seconds: float) -> DrillRun:
    schedule, by = due.schedule, Caller(kind=CallerKind.SCHEDULE, via=Via.SCHEDULE)
    order = DrillOrder(network=schedule.network, keep_minutes=schedule.keep_minutes, asked_by=(by,))
    orders = (Order.new(by).token,)
    return DrillRun(vm_id=due.need.vm, poll_seconds=poll_seconds, order=order, orders=orders, low_priority=True)


async def _observe(azure: Azure, sweep: Sweep, client: DurableOrchestrationClient) -> Sweep:
    settings = azure.settings
    found = await compliance_report(azure, settings.poll_seconds)
    await _begin_drills(azure, client, found)
    report = SweepReport(
        read_at=found.read_at,
        summary=Summary.of(found.vm_statuses),
        gaps=found.gaps,
        writes_disabled=settings.writes_disabled,
    )
    disables = await disables_unused(azure) if report.summary.by_action.get(Action.DISABLE) else 0
    return sweep.with_(
        report=report.model_copy(update={"stopped": limit_findings(report, settings)}),
        disables=disables,
        done=bool(settings.writes_disabled) or not waits(found, {}),
    )


class _Start(StrEnum):
    DONE = "started"
    UNDER_WAY = "under way"
    UNCHANGED = "unchanged"
    FAILED = "failed"


async def _start_runs(azure: Azure, sweep: Sweep, report: SweepReport, client: DurableOrchestrationClient) -> Sweep:
    found = await compliance_report(azure, azure.settings.poll_seconds * TTL_SLOW)
    under_way = await _under_way(client, sweep.under_way, azure.settings.poll_seconds)
    window = next_window(found, sweep.after, under_way, await enables_unused(azure), sweep.disables)
    starts = await each(window.chosen, lambda vm_status: _start(azure, client, vm_status))
    outcomes = list(zip(window.chosen, starts, strict=True))
    busy = [vm_status for vm_status, start in outcomes if start in {_Start.DONE, _Start.UNDER_WAY}]
    started = Counter(vm_status.action.value for vm_status, start in outcomes if start is _Start.DONE)
    report = report.model_copy(
        update={
            "started": dict(Counter(report.started) + started),
            "unchanged": report.unchanged + starts.count(_Start.UNCHANGED),
            "left": dict(Counter(report.left) + window.left),
        }
    )
    return sweep.with_(
        report=report.model_copy(update={"stopped": limit_findings(report, azure.settings)}),
        after=window.after,
        under_way=(
            *under_way,
            *(Work(instance=instance_of(each.vm_id), pair=region_pair_of(each), action=each.action) for each in busy),
        ),
        disables=sweep.disables - sum(vm_status.action is Action.DISABLE for vm_status in busy),
        done=not waits(found, window.after),
    )


async def _under_way(client: DurableOrchestrationClient, works: tuple[Work, ...], poll: float) -> tuple[Work, ...]:
    """The runs that still count against the concurrency limit of their vault, with their current state. A run that no
    longer goes on by itself must not hold up the sweep."""
    statuses = await each([work.instance for work in works], lambda instance: status_of(client, instance))
    return tuple(
        work.model_copy(update={"requested": bool((status.custom_status or {}).get("job"))})
        for work, status in zip(works, statuses, strict=True)
        if is_live(status, poll) and occupies_slot(status.custom_status or {})
    )


async def _start(azure: Azure, client: DurableOrchestrationClient, vm_status: VmStatus) -> _Start:
    """Starts the run of one VM. A failure to start does not block the others: the next sweep retries it."""
    instance, poll = instance_of(vm_status.vm_id), azure.settings.poll_seconds
    try:
        if _is_unchanged(vm_status, await status_of(client, instance), poll):
            return _Start.UNCHANGED
        begins = datetime.now(UTC) + timedelta(seconds=azure.rate_limiter.next_slot(vm_status.vm_id.subscription))
        run = RunState(
            vm_id=vm_status.vm_id,
            poll_seconds=poll,
            resume_at=begins,
            fingerprint=vm_status.fingerprint,
            low_priority=True,
            asked_by=(_SWEEP,),
        )
        started = await start_run(client, run)
    except Exception:
        log.exception("The run of %s could not be started", vm_status.vm_id)
        return _Start.FAILED
    return _Start.DONE if started else _Start.UNDER_WAY


def _is_unchanged(vm_status: VmStatus, status: Any, poll_seconds: float) -> bool:
    if status.runtime_status is not OrchestrationRuntimeStatus.Completed:
        return False
    now = datetime.now(UTC)
    held = held_until(vm_status, RunResult.load(status.output), status.last_updated_time or now, poll_seconds)
    return held is not None and now < held

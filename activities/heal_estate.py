"""One window of a sweep: the estate as it is, and the runs of those VMs that need one."""

from collections import Counter
from typing import Any

from azure.durable_functions import DurableOrchestrationClient

from shared.azure.budget import enables_used
from shared.azure.gateway import Azure
from shared.azure.remembered import SLOW
from shared.azure.survey import survey
from shared.domain.estate import Standing, Survey
from shared.domain.findings import Finding, warning
from shared.domain.outcome import Outcome, Ready
from shared.domain.run import Run
from shared.domain.sweep import Summary, Sweep, SweepReport, Work, crowds, next_window, pair_of, waits
from shared.instances import ORCHESTRATOR, RUNNING, each, instance_of, start_if_idle, status_of


async def heal_estate(azure: Azure, request: Sweep, client: DurableOrchestrationClient) -> Outcome:
    """Ready holds the `Sweep` after this window; it is `done` when every VM has had its turn.

    Safe to run twice: a VM whose run is under way is left to it.
    """
    sweep, first = request, request.report is None
    found = await survey(azure, azure.settings.poll_seconds * (1 if first else SLOW))
    report = sweep.report or _begun(azure, found)
    if azure.settings.writes_off:
        return Ready(value=sweep.but(report=report, done=True).dump())
    statuses = await each(
        [instance_of(work.vm_id) for work in sweep.under_way], lambda instance: status_of(client, instance)
    )
    under_way = tuple(work for work, status in zip(sweep.under_way, statuses, strict=True) if _is_busy(status))
    unasked = sum(1 for status in statuses if _is_busy(status) and not (status.custom_status or {}).get("job"))
    enables = max(0, azure.settings.max_enables_per_day - await enables_used(azure) - unasked)
    window = next_window(found, sweep.after, Counter(work.pair for work in under_way), enables)
    await each(window.chosen, lambda standing: _start(azure, client, standing))
    started = Counter(report.started) + Counter(str(standing.action) for standing in window.chosen)
    passed_over = sweep.passed_over + window.passed_over
    report = report.model_copy(
        update={"started": dict(started), "stopped": (_too_many(azure, passed_over),) if passed_over else ()}
    )
    under_way = (*under_way, *(Work(vm_id=chosen.vm_id, pair=pair_of(chosen)) for chosen in window.chosen))
    after = sweep.but(report=report, after=window.after, under_way=under_way, passed_over=passed_over)
    return Ready(value=after.but(done=not under_way and not waits(found, window.after)).dump())


def _begun(azure: Azure, found: Survey) -> SweepReport:
    return SweepReport(
        read_at=found.read_at,
        summary=Summary.of(found.standings),
        gaps=found.gaps,
        writes_off=azure.settings.writes_off,
    )


def _is_busy(status: Any) -> bool:
    return status.runtime_status in RUNNING and crowds(status.custom_status or {})


async def _start(azure: Azure, client: DurableOrchestrationClient, standing: Standing) -> None:
    run = Run(vm_id=standing.vm_id, poll_seconds=azure.settings.poll_seconds, in_background=True)
    await start_if_idle(client, instance_of(run.vm_id), ORCHESTRATOR, run.dump(), run.poll_seconds)


def _too_many(azure: Azure, passed_over: int) -> Finding:
    return warning(
        "EnablesUsedUp",
        f"{passed_over} VMs are to be enabled beyond the {azure.settings.max_enables_per_day} that "
        "DR_MAX_ENABLES_PER_DAY allows: they are left for another sweep.",
        "Raise DR_MAX_ENABLES_PER_DAY if so many are meant; else find out who tagged them.",
    )

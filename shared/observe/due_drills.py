"""The drills that the schedules of profiles start now."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shared.arm.client import Azure
from shared.model.resource_id import ResourceId
from shared.observe.drill_needs import DrillNeeds, drill_needs
from shared.reconcile.drill_queue import Scheduled, to_start
from shared.reconcile.inventory import ComplianceReport, VmStatus

_MOST_READ = 200
"""The most VMs of a sweep, the longest not tested first, whose last record is read."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)


async def due_drills(azure: Azure, report: ComplianceReport, now: datetime) -> list[Scheduled]:
    """In the order in which they are due. Reads nothing but settings where no schedule is open. Raises
    HttpResponseError, OriginStoreError."""
    open_now = {
        name for name, profile in azure.settings.profiles.items() if profile.drill and profile.drill.is_open(now)
    }
    covered = {each.vm_id: each for each in report.vm_statuses if each.drilled_by in open_now}
    due = sorted(
        (each for each in covered.values() if each.need and now >= _begin(each) + _every(azure, each)),
        key=lambda each: (_begin(each), each.vm_id.key),
    )
    if not due:
        return []
    needs = await drill_needs(azure, [each.vm_id for each in due[:_MOST_READ]])
    waiting = [await _scheduled(azure, each, needs) for each in due[:_MOST_READ] if each.vm_id not in needs.under_way]
    under_way = [_of(azure, covered[vm], needs, now) for vm in needs.under_way if vm in covered]
    return to_start(_first(waiting), _first(under_way), needs.left(()), now)


def _first(scheduled: Iterable[Scheduled | None]) -> list[Scheduled]:
    """One for each consistency group: its most overdue VM decides."""
    found: dict[ResourceId, Scheduled] = {}
    for each in scheduled:
        if each and (each.need.vm not in found or each.due_at < found[each.need.vm].due_at):
            found[each.need.vm] = each
    return list(found.values())


def _begin(status: VmStatus) -> datetime:
    """When it was tested last, or else protected. With neither known, the VM is the most overdue of all."""
    return status.tested_at or (status.need.since if status.need else None) or _LONG_AGO


def _every(azure: Azure, status: VmStatus) -> timedelta:
    schedule = azure.settings.profiles[status.drilled_by].drill
    return timedelta(days=schedule.every_days if schedule else 0)


async def _scheduled(azure: Azure, status: VmStatus, needs: DrillNeeds) -> Scheduled | None:
    """With the last drill, which counts whether it passed or not: only a passed one shows in the item."""
    last = await azure.drills.last(status.vm_id)
    return _of(azure, status, needs, max(_begin(status), last.recorded_at) if last else _begin(status))


def _of(azure: Azure, status: VmStatus, needs: DrillNeeds, last: datetime) -> Scheduled | None:
    need, schedule = needs.together(status.vm_id), azure.settings.profiles[status.drilled_by].drill
    if need is None or schedule is None:
        return None
    return Scheduled(need=need, profile=status.drilled_by, schedule=schedule, last=last)

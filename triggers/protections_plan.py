"""POST of a plan for many VMs: the dry run of a batch."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import azure.functions as func
from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import error_of
from shared.config.settings import Intent
from shared.model.capacity import QuotaLoad
from shared.model.plan import Plan
from shared.model.resource_id import ResourceId
from shared.observe.capacity import read_capacity
from shared.observe.gaps import Gaps, in_words
from shared.observe.inventory import compliance_report
from shared.observe.preview import planned
from shared.observe.vm import observe
from shared.planning.costs import sum_of
from shared.reconcile.batch import AT_ONCE
from shared.reconcile.fleet import judge, need_of, shortage
from triggers.batch_views import PlannedLoad, PlanSummary, PlansView
from triggers.operations import describe
from triggers.requests import flags_of, translate_azure_errors
from triggers.selection import of_selection, on_selection, selected

MOST_PLANNED = 50
"""A call over HTTP ends after 230 s, and a plan takes about ten reads, of which Azure grants 25 a second."""


@describe(
    f"The dry run of that for at most {MOST_PLANNED} VMs",
    PlansView,
    "The plans, in short",
    on_selection(MOST_PLANNED),
    body=of_selection,
)
async def post_protections_plan(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """What PUT would do for each VM, in short, and in total: costs and cores too. Reads only, in any mode.

    Raises Problem, also if Azure throttles: there is no partial plan.
    """
    flags_of(request)
    vms, tags = await selected(azure, request, MOST_PLANNED)
    plans: list[tuple[PlanSummary, Plan | None]] = []
    for start in range(0, len(vms), AT_ONCE):
        some = vms[start : start + AT_ONCE]
        plans += await translate_azure_errors(asyncio.gather(*(_planned(azure, vm, tags) for vm in some)))
    fleet = await translate_azure_errors(_fleet(azure, plans))
    summaries = fleet.summaries
    made = {(each.kind, each.action, each.name): each for summary in summaries for each in summary.resources}
    codes = (code for summary in summaries for code in {finding.code for finding in summary.findings})
    return PlansView(
        total=len(summaries),
        blocked=sum(summary.blocked for summary in summaries),
        findings=dict(sorted(Counter(codes).items())),
        resources=tuple(made.values()),
        cost=sum_of((each.cost for each in summaries if each.cost and not each.blocked), azure.settings.prices),
        cores=fleet.cores,
        gaps=fleet.gaps,
        writes_disabled=azure.settings.writes_disabled,
        value=summaries,
    ).response()


async def _planned(azure: Azure, vm: ResourceId, tags: dict[str, str]) -> tuple[PlanSummary, Plan | None]:
    """The plan in short; and the plan, if it would enable the VM."""
    try:
        observation = await observe(azure, vm, intent=Intent.YES, request=tags)
        if observation.vm is None:
            return PlanSummary(vm_id=vm, exists=False, blocked=True), None
        found = await planned(azure, observation)
    except HttpResponseError as answer:
        if answer.status_code == 429:
            raise
        return PlanSummary(vm_id=vm, exists=True, blocked=True, error=error_of(answer)), None
    summary = PlanSummary(
        vm_id=observation.vm.id,
        exists=True,
        tagged=azure.settings.requests_protection(observation.vm.tags),
        blocked=bool(found.blockers),
        findings=found.findings,
        resources=tuple(each for each in found.resources if each.action != "reuse"),
        changes=found.changes,
        cost=found.plan.cost if found.plan else None,
    )
    return summary, None if observation.item or found.blockers else found.plan


class _Fleet(NamedTuple):
    summaries: tuple[PlanSummary, ...]
    cores: tuple[PlannedLoad, ...]
    gaps: tuple[str, ...]


async def _fleet(azure: Azure, plans: Sequence[tuple[PlanSummary, Plan | None]]) -> _Fleet:
    """The plans held against the quotas beside all VMs that are protected already."""
    needs = {plan.vm.id: need for _, plan in plans if plan and (need := need_of(plan, datetime.now(UTC)))}
    if not needs:
        return _Fleet(tuple(summary for summary, _ in plans), (), ())
    report, gaps = await compliance_report(azure), Gaps()
    before = {each.vm_id: each.need for each in report.vm_statuses if each.need}
    every = before | needs
    capacity = await read_capacity(azure, every.values(), gaps)
    judgement, tag = judge(every, capacity), azure.settings.tag_name
    already = {_key(load): load.needed for load in judge(before, capacity).loads}
    summaries = tuple(
        summary.with_(
            findings=(*summary.findings, *shortage(summary.vm_id, every[summary.vm_id].priority, judgement, tag))
        )
        if summary.vm_id in every
        else summary
        for summary, _ in plans
    )
    places = {need.place for need in needs.values()}
    cores = tuple(
        PlannedLoad(**dict(load), planned=load.needed - already.get(_key(load), 0))
        for load in judgement.loads
        if (load.subscription, load.region) in places
    )
    unread = (in_words(what, fault) for what, fault in gaps.items())
    return _Fleet(summaries, cores, tuple(dict.fromkeys((*report.gaps, *unread))))


def _key(load: QuotaLoad) -> tuple[str, str, str]:
    return load.subscription, load.region, load.quota

"""POST of a plan for many VMs: the dry run of a batch."""

import asyncio
from collections import Counter

import azure.functions as func
from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import error_of
from shared.config.prices import sum_of
from shared.config.settings import Intent
from shared.model.resource_id import ResourceId
from shared.observe.preview import planned
from shared.observe.vm import observe
from shared.reconcile.batch import AT_ONCE
from triggers.batch_views import PlanSummary, PlansView
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
    """What PUT would do for each VM, in short, and in total. Reads only, in any mode.

    Raises Problem, also if Azure throttles: there is no partial plan.
    """
    flags_of(request)
    vms, tags = await selected(azure, request, MOST_PLANNED)
    summaries: list[PlanSummary] = []
    for start in range(0, len(vms), AT_ONCE):
        some = vms[start : start + AT_ONCE]
        summaries += await translate_azure_errors(asyncio.gather(*(_summary(azure, vm, tags) for vm in some)))
    made = {(each.kind, each.action, each.name): each for summary in summaries for each in summary.resources}
    codes = (code for summary in summaries for code in {finding.code for finding in summary.findings})
    return PlansView(
        total=len(summaries),
        blocked=sum(summary.blocked for summary in summaries),
        findings=dict(sorted(Counter(codes).items())),
        resources=tuple(made.values()),
        cost=sum_of((each.cost for each in summaries if each.cost and not each.blocked), azure.settings.prices),
        writes_disabled=azure.settings.writes_disabled,
        value=tuple(summaries),
    ).response()


async def _summary(azure: Azure, vm: ResourceId, tags: dict[str, str]) -> PlanSummary:
    try:
        observation = await observe(azure, vm, intent=Intent.YES, request=tags)
        if observation.vm is None:
            return PlanSummary(vm_id=vm, exists=False, blocked=True)
        found = await planned(azure, observation)
    except HttpResponseError as answer:
        if answer.status_code == 429:
            raise
        return PlanSummary(vm_id=vm, exists=True, blocked=True, error=error_of(answer))
    return PlanSummary(
        vm_id=observation.vm.id,
        exists=True,
        tagged=azure.settings.requests_protection(observation.vm.tags),
        blocked=bool(found.blockers),
        findings=found.findings,
        resources=tuple(each for each in found.resources if each.action != "reuse"),
        changes=found.changes,
        cost=found.plan.cost if found.plan else None,
    )

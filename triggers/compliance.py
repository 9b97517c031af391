"""GET of the compliance report: the status of every VM, filtered, counted, page by page or as CSV."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.archive import ArchiveError
from shared.arm.client import Azure
from shared.arm.message_files import acknowledgements
from shared.config.settings import Settings
from shared.model.acknowledgement import Acknowledgement
from shared.model.decision import State
from shared.model.resource_id import ResourceId, folded
from shared.model.values import comparable, one_of, region
from shared.observe.inventory import compliance_report
from shared.planning.catalog import CODES
from shared.planning.overrides import tag_names
from shared.reconcile.inventory import ComplianceReport, Loss, VmStatus
from shared.reconcile.sweep import Summary
from triggers import names
from triggers.estate_csv import csv_of
from triggers.estate_views import ComplianceView, RegionView, StandingView
from triggers.formats import CSV, FORMAT, JSON, format_of
from triggers.names import read_group
from triggers.operations import Json, describe, query, reference
from triggers.paging import ON_LIST, PAGE_PARAMETERS, PAGING, page_of
from triggers.problems import FieldError, Problem
from triggers.reasons import reasons_of
from triggers.requests import query_of, translate_azure_errors

LOST = "lost"

Matches = Callable[[VmStatus, Any], bool]
_MATCHES: dict[str, Matches] = {
    "state": lambda vm_status, state: vm_status.state == state,
    "finding": lambda vm_status, code: any(finding.code == code for finding in vm_status.findings),
    "subscription": lambda vm_status, subscription: vm_status.vm_id.subscription.lower() == subscription,
    "resourceGroup": lambda vm_status, group: folded(vm_status.vm_id.resource_group) == folded(group),
    "region": lambda vm_status, name: vm_status.location == name,
    "tag": lambda vm_status, tag: has_tag(vm_status.tags, *tag),
}


def _parameters(settings: Settings) -> list[Json]:
    own = settings.tag_name
    return [
        query("state", "Its state.", enum=list(State)),
        query("finding", "The code of a finding that it has.", enum=sorted(CODES)),
        query("subscription", "Its subscription, one of the source scope.", pattern=f"^{names.GUID}$"),
        query("resourceGroup", "Its resource group.", pattern=f"^{names.GROUP}$"),
        query("region", "Its region, as eastus."),
        query("tag", f"A tag of the app's own that it carries: <name> or <name>=<value>, as {own}-profile=gold."),
        query(LOST, "If this source region were lost now, it alone: its VMs, and the quotas as they suffice for them."),
        query(FORMAT, f"As Accept: text/csv. A {CSV} file holds every row: it takes no page.", enum=[JSON, CSV]),
        *PAGE_PARAMETERS,
    ]


@describe(
    "The status of every VM, by ID, and a summary of all VMs that match the filters",
    ComplianceView,
    "The status of the VMs",
    ON_LIST,
    query=_parameters,
    more={
        "content": {
            "application/json": {"schema": reference(ComplianceView)},
            "text/csv": {"schema": {"type": "string"}},
        },
        "headers": {
            "Content-Disposition": {"description": "With CSV: the name of the file", "schema": {"type": "string"}}
        },
    },
)
async def get_compliance(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """The VMs that the filters leave, by their IDs; the summary counts all of them. As CSV they come in one piece.

    With `lost` they are those of that region, with what is found of them if it is lost alone: else the quotas of the
    target regions are those of a failover of all VMs.

    Reads by a few lists, cached for two poll intervals, and the last run of each VM that is shown and not as it should
    be. Raises Problem.
    """
    given = query_of(request, _readers(azure.settings))
    as_csv = format_of(request, given) == CSV
    found = await translate_azure_errors(compliance_report(azure))
    filters = [(_MATCHES[name], value) for name, value in given.items() if name in _MATCHES]
    vm_statuses, losses = _if_lost(found, given.get(LOST))
    chosen = [each for each in vm_statuses if all(matches(each, value) for matches, value in filters)]
    if as_csv:
        reasons = await reasons_of(azure.settings, client, chosen)
        return csv_of(chosen, reasons, found.read_at, partial=bool(found.gaps))
    page = page_of(request, given, ((vm_status.vm_id.key, vm_status) for vm_status in chosen))
    reasons = await reasons_of(azure.settings, client, page.rows)
    known, gaps = await _acknowledged(azure)
    return ComplianceView(
        read_at=found.read_at,
        gaps=(*found.gaps, *gaps),
        subscriptions=_subscriptions(azure.settings),
        left_out=tuple(sorted(each.subscription.lower() for each in azure.settings.source.left_out)),
        summary=Summary.of(chosen),
        recoverable=_recoverable(losses, chosen),
        value=tuple(StandingView.of(each, reasons.get(each.vm_id), known.get(each.vm_id, ())) for each in page.rows),
        next_link=page.next_link,
    ).response()


async def _acknowledged(azure: Azure) -> tuple[Mapping[ResourceId, tuple[Acknowledgement, ...]], tuple[str, ...]]:
    """What is acknowledged, by the VM, and why that is not known."""
    try:
        return await acknowledgements(azure), ()
    except ArchiveError as fault:
        return {}, (f"What is acknowledged could not be read: {fault}.",)


def _if_lost(report: ComplianceReport, lost: str | None) -> tuple[tuple[VmStatus, ...], Mapping[str, Loss]]:
    """The VMs, and the losses of their regions: of that one alone, if it is given. Raises Problem if no VM is there."""
    if lost is None:
        return report.vm_statuses, report.losses
    if lost not in report.losses:
        allowed = f"a region that VMs are in: {', '.join(report.losses) or 'there is none'}"
        detail, error = f"No VM is in {lost}; {LOST} is {allowed}.", FieldError(field=LOST, given=lost, allowed=allowed)
        raise Problem(HTTPStatus.BAD_REQUEST, "InvalidQuery", detail, errors=(error,))
    return report.losses[lost].vm_statuses, {lost: report.losses[lost]}


def _recoverable(losses: Mapping[str, Loss], chosen: Iterable[VmStatus]) -> tuple[RegionView, ...]:
    shown = {each.vm_id: each.location for each in chosen}
    regions = set(shown.values())
    return tuple(RegionView.of(region, loss, shown) for region, loss in losses.items() if region in regions)


def _readers(settings: Settings) -> dict[str, Callable[[str], Any]]:
    return {
        "state": one_of(*State),
        "finding": one_of(*sorted(CODES)),
        "subscription": one_of(*_subscriptions(settings)),
        "resourceGroup": read_group,
        "region": region,
        "tag": lambda text: read_tag(text, tag_names(settings)),
        LOST: region,
        FORMAT: one_of(JSON, CSV),
        **PAGING,
    }


def _subscriptions(settings: Settings) -> tuple[str, ...]:
    return tuple(sorted({scope.subscription.lower() for scope in settings.source.members}))


def read_tag(text: str, own: tuple[str, ...]) -> tuple[str, str | None]:
    """The name of the tag, and the value if given. Raises ValueError."""
    name, equals, value = text.partition("=")
    if name.strip().lower() not in {each.lower() for each in own}:
        raise ValueError(f"<name> or <name>=<value> of a tag of the app: {', '.join(own)}")
    return name.strip(), value.strip() if equals else None


def has_tag(tags: Mapping[str, str], name: str, value: str | None) -> bool:
    """Whether the VM carries the tag."""
    has = {comparable(own): comparable(given) for own, given in tags.items()}
    return comparable(name) in has and (value is None or has[comparable(name)] == comparable(value))

"""GET of the compliance report: the status of every VM, filtered, counted, page by page or as CSV."""

from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.config.settings import Settings
from shared.model.decision import State
from shared.model.resource_id import folded
from shared.model.values import comparable, one_of, region
from shared.observe.inventory import compliance_report
from shared.planning.catalog import CODES
from shared.planning.overrides import tag_names
from shared.reconcile.inventory import VmStatus
from shared.reconcile.sweep import Summary
from triggers import names
from triggers.estate_csv import csv_of
from triggers.estate_views import ComplianceView, StandingView
from triggers.formats import CSV, FORMAT, JSON, format_of
from triggers.names import read_group
from triggers.operations import Json, describe, query, reference
from triggers.paging import ON_LIST, PAGE_PARAMETERS, PAGING, page_of
from triggers.reasons import reasons_of
from triggers.requests import query_of, translate_azure_errors

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

    Reads by a few lists, cached for two poll intervals, and the last run of each VM that is shown and not as it should
    be. Raises Problem.
    """
    given = query_of(request, _readers(azure.settings))
    as_csv = format_of(request, given) == CSV
    found = await translate_azure_errors(compliance_report(azure))
    filters = [(_MATCHES[name], value) for name, value in given.items() if name in _MATCHES]
    chosen = [each for each in found.vm_statuses if all(matches(each, value) for matches, value in filters)]
    if as_csv:
        reasons = await reasons_of(azure.settings, client, chosen)
        return csv_of(chosen, reasons, found.read_at, partial=bool(found.gaps))
    page = page_of(request, given, ((vm_status.vm_id.key, vm_status) for vm_status in chosen))
    reasons = await reasons_of(azure.settings, client, page.rows)
    return ComplianceView(
        read_at=found.read_at,
        gaps=found.gaps,
        subscriptions=_subscriptions(azure.settings),
        left_out=tuple(sorted(each.subscription.lower() for each in azure.settings.source.left_out)),
        summary=Summary.of(chosen),
        value=tuple(StandingView.of(vm_status, reasons.get(vm_status.vm_id)) for vm_status in page.rows),
        next_link=page.next_link,
    ).response()


def _readers(settings: Settings) -> dict[str, Callable[[str], Any]]:
    return {
        "state": one_of(*State),
        "finding": one_of(*sorted(CODES)),
        "subscription": one_of(*_subscriptions(settings)),
        "resourceGroup": read_group,
        "region": region,
        "tag": lambda text: read_tag(text, tag_names(settings)),
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

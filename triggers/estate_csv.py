"""The estate as a file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

import azure.functions as func

from shared.reconcile.inventory import Standing

COLUMNS = (
    *("vmId", "subscription", "resourceGroup", "name", "state", "compliant", "region", "targetRegion", "vault"),
    *("itemId", "madeByApp", "replicationHealth", "rpoSeconds", "percent", "findings", "messages", "tags"),
    *("readAt", "partial"),
)

# What a spreadsheet may take for the beginning of a formula, the wide forms included: tags are other people's text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_of(standings: Iterable[Standing], read_at: datetime, *, partial: bool) -> func.HttpResponse:
    """A row for each. `partial` says in every row that the estate was not read in full."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for standing in standings:
        writer.writerow(map(_cell, (*_row(standing), read_at.isoformat(), partial)))
    headers = {"Content-Disposition": 'attachment; filename="compliance.csv"'}
    return func.HttpResponse(text.getvalue(), headers=headers, mimetype="text/csv")


def _row(standing: Standing) -> tuple[object, ...]:
    vm = standing.vm_id
    return (
        *(vm, vm.subscription, vm.resource_group, vm.name, standing.state.value, standing.compliant),
        *(standing.location, standing.target_location, standing.vault, standing.item_id, standing.made_by_app),
        *(standing.replication_health, standing.rpo_seconds, standing.percent),
        "; ".join(finding.code for finding in standing.findings),
        " ".join(finding.message for finding in standing.findings),
        "; ".join(f"{name}={value}" for name, value in sorted(standing.tags.items())),
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text

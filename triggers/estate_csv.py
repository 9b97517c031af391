"""The compliance report as CSV for a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import azure.functions as func

from shared.model.resource_id import ResourceId
from shared.reconcile.inventory import VmStatus
from shared.reconcile.reason import Reason

COLUMNS = (
    *("vmId", "subscription", "resourceGroup", "name", "state", "compliant", "region", "targetRegion", "vault"),
    *("itemId", "madeByApp", "replicationHealth", "rpoSeconds", "percent", "recoverable"),
    *("findings", "messages", "tags", "reason", "fix", "since", "nextTry", "readAt", "partial"),
)

# The beginning of a formula in a spreadsheet, the full-width forms included: tags are untrusted text. Not only the
# beginning of a cell counts: a spreadsheet of another locale, or a paste, also splits a row at `;`, tab or newline.
_FORMULA = re.compile(r'(^|[;,|\t\r\n])([\s"]*)([=+\-@\uff1d\uff0b\uff0d\uff20])')


def csv_of(
    vm_statuses: Iterable[VmStatus], reasons: Mapping[ResourceId, Reason], read_at: datetime, *, partial: bool
) -> func.HttpResponse:
    """A row for each VM. `partial` marks every row if the inventory was not read in full."""
    rows = ((*_row(each), *_why(reasons.get(each.vm_id)), read_at.isoformat(), partial) for each in vm_statuses)
    return csv_file("compliance.csv", COLUMNS, rows)


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> func.HttpResponse:
    """A file of that name, whose cells start no formula."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows(map(_cell, row) for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return func.HttpResponse(text.getvalue(), headers=headers, mimetype="text/csv")


def _row(vm_status: VmStatus) -> tuple[object, ...]:
    vm = vm_status.vm_id
    return (
        *(vm, vm.subscription, vm.resource_group, vm.name, vm_status.state.value, vm_status.compliant),
        *(vm_status.location, vm_status.target_location, vm_status.vault, vm_status.item_id, vm_status.made_by_app),
        *(vm_status.replication_health, vm_status.rpo_seconds, vm_status.percent, vm_status.recovery),
        "; ".join(finding.code for finding in vm_status.findings),
        " ".join(finding.message for finding in vm_status.findings),
        "; ".join(f"{name}={value}" for name, value in sorted(vm_status.tags.items())),
    )


def _why(reason: Reason | None) -> tuple[object, ...]:
    if reason is None:
        return (None,) * 4
    times = (time and time.isoformat() for time in (reason.since, reason.next_try))
    return (": ".join(part for part in (reason.code, reason.text) if part), reason.fix, *times)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _FORMULA.sub(r"\1\2'\3", text)

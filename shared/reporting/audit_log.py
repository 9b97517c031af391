"""One line in the log for each decision, as JSON: what was decided about which VM, by which rule, at whose wish.

In Application Insights the lines are `traces`, whatever activity wrote them:

    traces
    | where message startswith '{"decision":'
    | extend d = parse_json(message)
    | project timestamp, decision = tostring(d.decision), vm = tostring(d.vm), rule = d.rule, origin = d.origin,
              job = tostring(d.job), item = tostring(d.item)
    | where vm =~ '/subscriptions/.../virtualMachines/web-1'

host.json exempts traces from sampling, so that none is left out. In a line is nothing that a person wrote but names of
resources: no tag's value, no message of the service.
"""

import json
import logging
from collections.abc import Iterable

from shared.model.resource_id import ResourceId
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import SweepReport

_log = logging.getLogger("dr.decision")

KEYS = {
    "decision": "`enable`, `change`, `disable`, `remove` (of an attempt to enable that failed): what was asked of Site "
    "Recovery; `remove leftover`: of Resource Manager; an outcome, as `Protected`, at the end of a run; `sweep` at the "
    "end of a sweep",
    "vm": "the VM's resource ID; empty for a sweep and what it removes",
    "rule": "codes of findings: what the decision mends, or what led to it; for a change the settings that differ",
    "origin": "the layers that asked for some setting, as `tag dr-target-zone`; `request` where somebody confirmed it",
    "job": "the Site Recovery job that does it",
    "item": "the resource ID of the replicated item, or of what was left over",
    "error": "the code of the error that it ended with",
}
"""Each is in every line, and what it holds. The page in the docs is made of this table."""

SWEEP_KEYS = {
    "required": "VMs that are tagged and no copies",
    "compliant": "of them, those that are protected as they should be",
    "started": "runs that the sweep started, by action",
    "removed": "how many leftovers it removed",
    "gaps": "how many reads of the estate were not complete",
}
"""Besides those, in the line of a sweep."""


def decided(
    decision: str,
    vm: ResourceId | None,
    rule: Iterable[str],
    *,
    origin: Iterable[str] = (),
    job: str = "",
    item: ResourceId | None = None,
    error: str = "",
    **more: object,
) -> None:
    """Writes the line. `decision` comes first in it: queries tell the lines by that."""
    line = {"decision": decision, "vm": str(vm or ""), "rule": list(rule), "origin": list(origin)}
    _log.info(json.dumps({**line, "job": job, "item": str(item or ""), "error": error, **more}))


def run_ended(end: RunSummary) -> None:
    result = end.result
    decided(
        result.outcome,
        result.vm_id,
        dict.fromkeys(finding.code for finding in result.findings),
        origin=end.origins,
        item=result.item_id,
        error=result.error.code if result.error else "",
    )


def swept(report: SweepReport) -> None:
    """The rules of a sweep are the codes of all that it found."""
    decided(
        "sweep",
        None,
        report.summary.by_finding,
        error=report.error.code if report.error else "",
        required=report.summary.required,
        compliant=report.summary.compliant,
        started=report.started,
        removed=len(report.removed),
        gaps=len(report.gaps),
    )

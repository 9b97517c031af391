"""One line in the log for each decision, as JSON: what was decided about which VM, by which rule, requested by whom.

In Application Insights the lines are `traces`, whatever activity wrote them:

    traces
    | where message startswith '{"decision":'
    | extend d = parse_json(message)
    | project timestamp, decision = tostring(d.decision), vm = tostring(d.vm), rule = d.rule, origin = d.origin,
              job = tostring(d.job), item = tostring(d.item)
    | where vm =~ '/subscriptions/.../virtualMachines/web-1'

host.json exempts traces from sampling, so that no line is dropped. A line holds no free text but names of resources: no
value of a tag, no message of the service.
"""

import json
import logging
from collections.abc import Iterable

from shared.model.resource_id import ResourceId
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import SweepReport

_log = logging.getLogger("dr.decision")

KEYS = {
    "decision": "`enable`, `change`, `disable`, `remove` (of a failed item): the request to Site "
    "Recovery; `drill`, `drill cleanup`: its requests for a drill; `drill passed`, `drill failed`, `drill cancelled`, "
    "`drill interrupted`, `drill not cleaned up`: what came of it, the last with `command`, which cleans up by hand; "
    "`remove orphan`: the removal of an orphan by Resource Manager; an outcome, as `Protected`, at the end of a run; "
    "`sweep` at the end of a sweep",
    "vm": "the VM's resource ID; empty for a sweep and what it removes",
    "rule": "codes of findings that the decision fixes or follows from; for a change the settings that differ",
    "origin": "the layers that requested a setting, as `tag dr-target-zone`; `request` for a confirmation",
    "job": "the Site Recovery job that does it",
    "item": "the resource ID of the replicated item, or of the orphan",
    "error": "the code of the error that it ended with",
}
"""The keys of every line. The table in the docs is generated from it."""

SWEEP_KEYS = {
    "required": "VMs that are tagged, and not failover VMs",
    "compliant": "of them, those that are compliant",
    "recoverable": "of them, those that would come up if all VMs failed over now",
    "started": "runs that the sweep started, by action",
    "removed": "how many orphans it removed",
    "gaps": "how many reads of the estate were not complete",
}
"""The further keys in the line of a sweep."""


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
    """Writes the line. `decision` comes first: queries find the lines by it."""
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
    """Writes the line of a sweep. Its rules are the codes of all findings."""
    decided(
        "sweep",
        None,
        report.summary.by_finding,
        error=report.error.code if report.error else "",
        required=report.summary.required,
        compliant=report.summary.compliant,
        recoverable=report.summary.recoverable,
        started=report.started,
        removed=len(report.removed),
        gaps=len(report.gaps),
    )

"""The metrics of the app, and their values after a sweep or a run. Pure: outcomes in, numbers out.

No metric has the VM as a dimension: the cardinality is bounded, whatever the size of the estate.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

from shared.model.decision import State
from shared.model.findings import Severity
from shared.reconcile.inventory import ComplianceReport, Recovery
from shared.reconcile.run_state import RunOutcome
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import SweepReport

REQUIRED, COMPLIANT, PROTECTED = "dr.vms.required", "dr.vms.compliant", "dr.vms.protected"
RECOVERABLE = "dr.vms.recoverable"
DRIFTED, RPO, ENABLES_FAILED, SWEEPS = "dr.vms.drifted", "dr.rpo.seconds", "dr.enables.failed", "dr.sweep.completed"


_SILENT = "`silent`: `yes` for VMs on hold and those that another service owns, as AKS: no alert is about them"


class Metric(NamedTuple):
    kind: Literal["gauge", "counter", "histogram"]
    unit: str
    means: str
    by: str = ""


METRICS = {
    REQUIRED: Metric("gauge", "{vm}", "VMs that are tagged, and not failover VMs"),
    COMPLIANT: Metric("gauge", "{vm}", "of them, those that are compliant"),
    PROTECTED: Metric("gauge", "{vm}", "of them, those in the state `Protected`, whatever their findings"),
    RECOVERABLE: Metric(
        "gauge",
        "{vm}",
        "VMs that are tagged or protected, if their region were lost now, it alone",
        "`source`: the region, `recoverable`: `yes` for those that would come up, `no` or `unknown`",
    ),
    DRIFTED: Metric(
        "gauge",
        "{vm}",
        "VMs with a finding that is not a note; a VM with several counts for each",
        f"`finding`: its code, {_SILENT}",
    ),
    RPO: Metric(
        "histogram",
        "s",
        "the age of the last recovery point of each protected VM: `valueMax` is the worst",
        f"`vault`: its resource ID, `source` and `target`: the regions, {_SILENT}",
    ),
    ENABLES_FAILED: Metric("counter", "{vm}", "runs that were to protect a VM and ended as `Failed`"),
    SWEEPS: Metric(
        "counter", "{sweep}", "sweeps that have ended", "`outcome`: `complete`, `partial` (with gaps) or `failed`"
    ),
}
"""The table in the docs is generated from it."""


class Measurement(NamedTuple):
    metric: str
    value: float
    attributes: dict[str, str] = {}


def of_sweep(report: SweepReport, compliance_report: ComplianceReport | None) -> Iterator[Measurement]:
    """The measurements of a sweep. Counts of a report with gaps would be too low: they are left out."""
    yield Measurement(SWEEPS, 1, {"outcome": report.outcome})
    if compliance_report is None or compliance_report.gaps:
        return
    required = [vm_status for vm_status in compliance_report.vm_statuses if vm_status.counts]
    yield Measurement(REQUIRED, len(required))
    yield Measurement(COMPLIANT, sum(vm_status.compliant for vm_status in required))
    yield Measurement(PROTECTED, sum(vm_status.state is State.PROTECTED for vm_status in required))
    for source, loss in compliance_report.losses.items():
        recoveries = Counter(vm_status.recovery for vm_status in loss.vm_statuses)
        for recovery in Recovery:
            yield Measurement(RECOVERABLE, recoveries[recovery], {"source": source, "recoverable": recovery.value})
    drifted = Counter(
        (code, vm_status.is_silent)
        for vm_status in compliance_report.vm_statuses
        for code in {finding.code for finding in vm_status.findings if finding.severity is not Severity.NOTE}
    )
    for (code, is_silent), count in sorted(drifted.items()):
        yield Measurement(DRIFTED, count, {"finding": code} | _silent(is_silent))
    for vm_status in compliance_report.vm_statuses:
        if vm_status.state is State.PROTECTED and vm_status.rpo_seconds is not None:
            pair = {"source": vm_status.location, "target": vm_status.target_location}
            about = {"vault": str(vm_status.vault), **pair, **_silent(vm_status.is_silent)}
            yield Measurement(RPO, vm_status.rpo_seconds, about)


def _silent(is_silent: bool) -> dict[str, str]:
    return {"silent": "yes"} if is_silent else {}


def of_run(end: RunSummary) -> Iterator[Measurement]:
    if end.notable and end.result.outcome is RunOutcome.FAILED and not end.disabling:
        yield Measurement(ENABLES_FAILED, 1)

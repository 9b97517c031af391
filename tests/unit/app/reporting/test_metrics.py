"""The metrics: what is counted after a sweep and a run, and that nothing goes by VM."""

from typing import Any

import pytest

from shared.model.decision import State
from shared.model.findings import Finding
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reconcile.inventory import ComplianceReport, Loss, VmStatus
from shared.reconcile.run_state import RunOutcome, RunResult
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import SweepReport
from shared.reporting.metrics import METRICS, Measurement, of_run, of_sweep
from tests.findings import blocker, note, warning
from tests.unit.app.examples import VAULT_ID, VM_ID, need
from tests.unit.app.reporting.test_events import NOW

LATE = warning("DiskNotProtected", "The disk late is not replicated.")
OLD = warning("RpoBreached", "The last recovery point is old.")
OTHERS = note("NotManagedByApp", "Somebody.")
PAIR = {"vault": str(VAULT_ID), "source": "eastus", "target": "westus2"}


def vm(number: int, state: State = State.PROTECTED, *findings: Finding, **more: Any) -> VmStatus:
    known = {"location": "eastus", "target_location": "westus2", "vault": VAULT_ID, "replication_health": "Normal"}
    return VmStatus(vm_id=ResourceId(f"{VM_ID}-{number}"), state=state, findings=findings, **{**known, **more})


SURVEY = ComplianceReport(
    read_at=NOW,
    vm_statuses=(
        vm(1, rpo_seconds=120),
        vm(2, State.PROTECTED, OTHERS, rpo_seconds=300),
        vm(3, State.PROTECTED, LATE, OLD, LATE, rpo_seconds=7200),
        vm(4, State.PROTECTED, rpo_seconds=60, location="northeurope", target_location="westeurope"),
        vm(5, State.UNPROTECTED, warning("MissingProtection", "Nothing protects it.")),
        vm(6, State.UNTAGGED, warning("UntaggedButProtected", "It is protected."), rpo_seconds=10),
        vm(7, State.NOT_TAGGED, note("NotTagged", "A candidate.")),
        vm(8, State.PROTECTED),
    ),
    losses={"eastus": Loss((vm(1, need=need(), rpo_seconds=120), vm(5, State.UNPROTECTED), vm(7, State.NOT_TAGGED)))},
)


def measured(
    compliance_report: ComplianceReport | None = SURVEY, **report: Any
) -> dict[str, list[tuple[float, dict[str, str]]]]:
    found: dict[str, list[tuple[float, dict[str, str]]]] = {}
    for each in of_sweep(SweepReport(read_at=NOW, **report), compliance_report):
        found.setdefault(each.metric, []).append((each.value, each.attributes))
    return found


def test_a_sweep_is_counted_with_its_estate() -> None:
    rpo = measured().pop("dr.rpo.seconds")

    assert measured() == {
        "dr.sweep.completed": [(1, {"outcome": "complete"})],
        "dr.vms.required": [(6, {})],
        "dr.vms.compliant": [(4, {})],
        "dr.vms.protected": [(5, {})],
        "dr.vms.recoverable": [
            (1, {"source": "eastus", "recoverable": "yes"}),
            (1, {"source": "eastus", "recoverable": "no"}),
            (0, {"source": "eastus", "recoverable": "unknown"}),
        ],
        "dr.vms.drifted": [
            (1, {"finding": "DiskNotProtected"}),
            (1, {"finding": "MissingProtection"}),
            (1, {"finding": "RpoBreached"}),
            (1, {"finding": "UntaggedButProtected"}),
        ],
        "dr.rpo.seconds": rpo,
    }
    europe = PAIR | {"source": "northeurope", "target": "westeurope"}
    assert rpo == [(120, PAIR), (300, PAIR), (7200, PAIR), (60, europe)]


def test_what_was_not_read_in_full_is_not_counted() -> None:
    gaps = ("The VMs could not be read in full.",)

    partial = measured(ComplianceReport(vm_statuses=SURVEY.vm_statuses, read_at=NOW, gaps=gaps), gaps=gaps)
    failed = measured(None, error=Error(code="NotRead", message="It could not be read."))

    assert partial == {"dr.sweep.completed": [(1, {"outcome": "partial"})]}
    assert failed == {"dr.sweep.completed": [(1, {"outcome": "failed"})]}


def test_what_is_on_hold_or_aks_s_is_told_apart_so_that_no_alert_is_about_it() -> None:
    held, owned = blocker("OnHold", "It is on hold."), blocker("ManagedResourceGroup", "AKS owns it.")
    found = measured(
        ComplianceReport(
            read_at=NOW,
            vm_statuses=(
                vm(1, State.PROTECTED, OLD, rpo_seconds=7200),
                vm(2, State.PROTECTED, OLD, held, rpo_seconds=9000),
                vm(3, State.NOT_ELIGIBLE, owned),
            ),
        )
    )
    silent = {"silent": "yes"}

    assert found["dr.vms.drifted"] == [
        (1, {"finding": "ManagedResourceGroup"} | silent),
        (1, {"finding": "OnHold"} | silent),
        (1, {"finding": "RpoBreached"}),
        (1, {"finding": "RpoBreached"} | silent),
    ]
    assert found["dr.rpo.seconds"] == [(7200, PAIR), (9000, PAIR | silent)]


def test_an_estate_without_a_vm_counts_none() -> None:
    empty = measured(ComplianceReport(vm_statuses=(), read_at=NOW))

    assert [empty[name] for name in ("dr.vms.required", "dr.vms.compliant", "dr.vms.protected")] == [[(0, {})]] * 3


def test_whatever_is_measured_is_documented_and_distinguished_by_what_the_docs_say() -> None:
    for each in of_sweep(SweepReport(read_at=NOW), SURVEY):
        assert all(f"`{name}`" in METRICS[each.metric].by for name in each.attributes)
    assert {each.metric for each in of_sweep(SweepReport(read_at=NOW), SURVEY)} | {"dr.enables.failed"} == set(METRICS)


@pytest.mark.parametrize(
    ("outcome", "notable", "disabling", "counts"),
    [
        (RunOutcome.FAILED, True, False, True),
        (RunOutcome.FAILED, True, True, False),
        (RunOutcome.FAILED, False, False, False),  # target resources alone
        (RunOutcome.NOT_ELIGIBLE, True, False, False),
        (RunOutcome.PROTECTED, True, False, False),
    ],
)
def test_an_enable_that_failed_is_counted(outcome: RunOutcome, notable: bool, disabling: bool, counts: bool) -> None:
    end = RunSummary(result=RunResult(outcome=outcome, vm_id=VM_ID), at=NOW, notable=notable, disabling=disabling)

    assert list(of_run(end)) == ([Measurement("dr.enables.failed", 1)] if counts else [])

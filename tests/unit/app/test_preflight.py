"""Preflight: each reason why a VM cannot be protected, in words that an operator can act upon."""

import pytest

from shared.domain import preflight
from shared.domain.findings import Finding, Severity
from shared.domain.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.domain.vm import Disk, EligibilityError
from tests.unit.app.examples import ELSEWHERE, OS_DISK, SOURCE, SUBSCRIPTION, VM_ID, settings, source_vm, surroundings


def told(findings: list[Finding], code: str) -> Finding:
    """The one finding, which blocks, says why and what to do."""
    (finding,) = findings
    assert finding.code == code
    assert finding.severity is Severity.BLOCKER
    assert finding.message
    assert finding.fix
    return finding


def test_a_vm_that_can_be_protected_has_no_findings() -> None:
    assert preflight.without_reading(VM_ID, settings()) == []
    assert list(preflight.of_vm(source_vm())) == []
    assert list(preflight.of_surroundings(source_vm(), surroundings(), settings())) == []


def test_a_classic_vm_is_known_by_its_id_and_told_to_migrate() -> None:
    classic = ResourceId.of(SUBSCRIPTION, "web", CLASSIC_VIRTUAL_MACHINE, "old-1")

    assert "Migrate" in told(preflight.without_reading(classic, settings()), "ClassicVm").fix


def test_a_vm_outside_the_source_scope_is_not_read() -> None:
    scope = f"/subscriptions/{ELSEWHERE}"

    finding = told(preflight.without_reading(VM_ID, settings(source_scope=scope)), "OutOfScope")

    assert str(VM_ID) in finding.message
    assert scope in finding.message


@pytest.mark.parametrize("state", ["deallocated", "stopped", "starting", "unknown"])
def test_a_vm_that_does_not_run_is_to_be_started(state: str) -> None:
    finding = told(list(preflight.of_vm(source_vm(power_state=state))), "VmNotRunning")

    assert state in finding.message


@pytest.mark.parametrize("state", ["Failed", "Updating", "Deleting", "Unknown"])
def test_a_vm_that_is_not_provisioned_well_is_to_be_mended(state: str) -> None:
    assert state in told(list(preflight.of_vm(source_vm(provisioning_state=state))), "VmNotReady").message


def test_the_casing_of_a_provisioning_state_does_not_matter() -> None:
    assert list(preflight.of_vm(source_vm(provisioning_state="succeeded"))) == []


def test_an_instance_of_a_scale_set_is_left_to_it() -> None:
    scale_set = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/virtualMachineScaleSets", "pool")

    assert "pool" in told(list(preflight.of_vm(source_vm(scale_set_id=scale_set))), "ScaleSetInstance").message


def test_unmanaged_disks_are_counted() -> None:
    assert "2 unmanaged" in told(list(preflight.of_vm(source_vm(unmanaged_disks=2))), "UnmanagedDisks").message


def test_everything_that_is_wrong_with_a_vm_is_told_at_once() -> None:
    broken = source_vm(power_state="stopped", provisioning_state="Failed", unmanaged_disks=1)

    assert [finding.code for finding in preflight.of_vm(broken)] == ["VmNotReady", "VmNotRunning", "UnmanagedDisks"]


def test_a_managed_resource_group_belongs_to_its_service() -> None:
    around = surroundings(group_managed_by="/subscriptions/x/managedClusters/aks")

    finding = told(list(preflight.of_surroundings(source_vm(), around, settings())), "ManagedResourceGroup")

    assert "managedClusters/aks" in finding.message


def test_a_vault_in_the_region_of_the_vm_would_be_lost_with_it() -> None:
    around = surroundings(vault_location=SOURCE)

    finding = told(list(preflight.of_surroundings(source_vm(), around, settings())), "VaultInSourceRegion")

    assert SOURCE in finding.message
    assert "DR_VAULT_IDS" in finding.fix


def test_each_error_of_the_service_s_own_check_is_told_in_its_words() -> None:
    errors = (
        EligibilityError(code="150001", message="The OS is too old.", action="Upgrade it."),
        EligibilityError(code="150002", message="The disk is too large.", action="Split it."),
    )

    findings = list(preflight.of_surroundings(source_vm(), surroundings(eligibility_errors=errors), settings()))

    assert [(finding.code, finding.fix) for finding in findings] == [
        ("NotEligibleForReplication", "Upgrade it."),
        ("NotEligibleForReplication", "Split it."),
    ]
    assert "150001: The OS is too old." in findings[0].message


def test_a_hold_names_the_tag_to_remove() -> None:
    finding = told([preflight.on_hold(source_vm(), settings(tag_name="backup"))], "OnHold")

    assert "backup-hold" in finding.message
    assert "backup-hold" in finding.fix


def test_a_copy_names_its_original() -> None:
    copy = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/virtualMachines", "web-1")

    assert str(VM_ID) in told([preflight.copy_of(copy, VM_ID)], "DrCopy").message


def test_a_disk_of_a_kind_that_is_not_replicated_blocks() -> None:
    disk = Disk(id=OS_DISK, sku="UltraSSD_LRS", obstacle="an ultra disk")

    (finding,) = preflight.of_vm(source_vm(disks=(disk,)))

    assert (finding.code, finding.severity) == ("UnsupportedDisk", Severity.BLOCKER)
    assert f"{OS_DISK.name} of" in finding.message
    assert "an ultra disk" in finding.message

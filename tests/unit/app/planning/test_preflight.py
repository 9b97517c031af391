"""Preflight: each reason why a VM cannot be protected, in words that an operator can act upon."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.findings import Finding, Severity
from shared.model.hold import Hold
from shared.model.plan import Plan
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.model.vm import Disk, EligibilityError, Existing, Lock, Network, Offer, Size, SourceVm, Subnet
from shared.planning import preflight, vm_support
from tests.findings import blocker, note, warning
from tests.unit.app.examples import (
    ELSEWHERE,
    NETWORK,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    VAULT_ID,
    VM_ID,
    asking,
    existing,
    open_settings,
    plan_of,
    planning_context,
    settings,
    source_vm,
)

SCALE_SET = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/virtualMachineScaleSets", "pool")


def reported(findings: list[Finding], code: str) -> Finding:
    """The one finding, which blocks, says why and what to do."""
    (finding,) = findings
    assert finding.code == code
    assert finding.severity is Severity.BLOCKER
    assert finding.message
    assert finding.fix
    return finding


def findings_of(vm: SourceVm, **context: Any) -> list[Finding]:
    """What the plan for a VM says."""
    return list(plan_of(vm, planning_context(**context), settings()).findings)


def test_a_vm_that_can_be_protected_has_no_findings() -> None:
    assert preflight.without_reading(VM_ID, settings()) == []
    assert list(vm_support.of_vm(source_vm())) == []
    assert list(preflight.of_context(source_vm(), planning_context())) == []


def test_a_classic_vm_is_known_by_its_id_and_reported_to_migrate() -> None:
    classic = ResourceId.of(SUBSCRIPTION, "web", CLASSIC_VIRTUAL_MACHINE, "old-1")

    assert "Migrate" in reported(preflight.without_reading(classic, settings()), "ClassicVm").fix


def test_a_vm_outside_the_source_scope_is_not_read() -> None:
    scope = f"/subscriptions/{ELSEWHERE}"

    finding = reported(preflight.without_reading(VM_ID, settings(source_scope=scope)), "OutOfScope")

    assert str(VM_ID) in finding.message
    assert scope in finding.message


@pytest.mark.parametrize("state", ["deallocated", "stopped", "starting", "unknown"])
def test_a_vm_that_does_not_run_is_to_be_started(state: str) -> None:
    finding = reported(list(vm_support.of_vm(source_vm(power_state=state))), "VmNotRunning")

    assert state in finding.message


@pytest.mark.parametrize("state", ["Failed", "Updating", "Deleting", "Unknown"])
def test_a_vm_that_is_not_provisioned_well_is_to_be_fixed(state: str) -> None:
    assert state in reported(list(vm_support.of_vm(source_vm(provisioning_state=state))), "VmNotReady").message


def test_the_casing_of_a_provisioning_state_does_not_matter() -> None:
    assert list(vm_support.of_vm(source_vm(provisioning_state="succeeded"))) == []


@pytest.mark.parametrize("obstacle", ["is a Uniform scale set", "has a scaling profile", "could not be found"])
def test_an_instance_of_a_scale_set_that_scales_is_left_to_it(obstacle: str) -> None:
    found = Existing(id=SCALE_SET, obstacle=obstacle) if "found" not in obstacle else None

    finding = reported(findings_of(source_vm(scale_set_id=SCALE_SET), scale_set=found), "ScaleSetInstance")

    assert f"the scale set pool, which {obstacle}" in finding.message


def test_an_instance_of_a_scale_set_for_availability_is_protected_with_a_note() -> None:
    plan = plan_of(source_vm(scale_set_id=SCALE_SET), planning_context(scale_set=Existing(id=SCALE_SET)), settings())

    (finding,) = plan.findings
    assert (finding.code, finding.severity) == ("ScaleSetInstance", Severity.NOTE)
    assert "dr-target-scale-set" in finding.fix
    assert plan.replication
    assert plan.replication.scale_set is None


def test_an_instance_of_a_scale_set_whose_target_set_is_named_needs_no_note() -> None:
    there = existing("Microsoft.Compute/virtualMachineScaleSets", "flex")
    vm = asking(target_scale_set=str(there.id)).with_(scale_set_id=SCALE_SET)
    context = planning_context(scale_set=Existing(id=SCALE_SET), existing=(there,))

    plan = plan_of(vm, context, open_settings())

    assert plan.findings == ()
    assert plan.replication
    assert plan.replication.scale_set == there.id


def test_unmanaged_disks_are_counted() -> None:
    assert "2 unmanaged" in reported(list(vm_support.of_vm(source_vm(unmanaged_disks=2))), "UnmanagedDisks").message


def test_everything_that_is_wrong_with_a_vm_is_reported_at_once() -> None:
    broken = source_vm(power_state="stopped", provisioning_state="Failed", unmanaged_disks=1)

    assert [finding.code for finding in vm_support.of_vm(broken)] == ["VmNotReady", "VmNotRunning", "UnmanagedDisks"]


def test_a_managed_resource_group_belongs_to_its_service() -> None:
    context = planning_context(group_managed_by="/subscriptions/x/managedClusters/aks")

    finding = reported(list(preflight.of_context(source_vm(), context)), "ManagedResourceGroup")

    assert "managedClusters/aks" in finding.message


def test_each_error_of_the_service_s_own_check_is_reported_in_its_words() -> None:
    errors = (
        EligibilityError(code="150001", message="The OS is too old.", action="Upgrade it."),
        EligibilityError(code="150002", message="The disk is too large.", action="Split it."),
    )

    findings = list(preflight.of_context(source_vm(), planning_context(eligibility_errors=errors)))

    assert [(finding.code, finding.fix) for finding in findings] == [
        ("NotEligibleForReplication", "Upgrade it."),
        ("NotEligibleForReplication", "Split it."),
    ]
    assert "150001: The OS is too old." in findings[0].message


def test_a_hold_names_the_tag_to_remove() -> None:
    finding = reported([*preflight.on_hold(source_vm(), settings(tag_name="backup"), Hold())], "OnHold")

    assert "backup-hold" in finding.message
    assert "backup-hold" in finding.fix


def test_a_copy_names_its_original() -> None:
    copy = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/virtualMachines", "web-1")

    finding = preflight.failover_vm(copy, VM_ID)

    assert (finding.code, finding.severity) == ("FailoverVm", Severity.NOTE)
    assert str(VM_ID) in finding.message


def test_a_disk_of_a_kind_that_is_not_replicated_blocks() -> None:
    disk = Disk(id=OS_DISK, sku="Premium_LRS", obstacle="an ephemeral OS disk")

    finding = reported(findings_of(source_vm(disks=(disk,))), "UnsupportedDisk")

    assert f"{OS_DISK.name} of" in finding.message
    assert "an ephemeral OS disk" in finding.message


def codes(vm: SourceVm) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in vm_support.of_vm(vm)]


@pytest.mark.parametrize(
    ("size", "obstacle"),
    [(0, "smaller than 1 GiB (150172)"), (32769, "larger than 32 TiB"), (1, ""), (32768, ""), (None, "")],
)
def test_a_disk_has_one_gib_to_32_tib(size: int | None, obstacle: str) -> None:
    findings = findings_of(source_vm(disks=(Disk(id=OS_DISK, sku="Premium_LRS", size_gb=size),)))

    if not obstacle:
        assert findings == []
        return
    finding = reported(findings, "UnsupportedDisk")
    assert finding.message == f"The disk web-1-os of web-1 is {obstacle}, which this app does not replicate."


@pytest.mark.parametrize(("size", "holds_os", "fits"), [(4095, True, True), (4096, True, False), (4096, False, True)])
def test_an_os_disk_has_4095_gib_at_most(size: int, holds_os: bool, fits: bool) -> None:
    disk = Disk(id=OS_DISK, sku="Premium_LRS", size_gb=size, holds_os=holds_os)
    findings = findings_of(source_vm(disks=(disk,)))

    assert fits or "an OS disk larger than 4095 GiB" in reported(findings, "UnsupportedDisk").message
    assert bool(findings) is not fits


@pytest.mark.parametrize(
    ("size", "has"),
    [
        ({"cores": 1, "memory": 3.5}, "has 1 core(s) and 3.5 GiB of memory;"),
        ({"cores": 2, "memory": 0.75}, "has 2 core(s) and 0.75 GiB of memory;"),
        ({"cores": 1}, "has 1 core(s);"),
        ({"cores": 2, "memory": 1}, ""),
        ({"cores": 0}, ""),
        ({"name": "Standard_B1s", "cores": 1}, ""),
    ],
)
def test_a_vm_smaller_than_the_support_matrix_has_it_is_warned_of(size: dict[str, Any], has: str) -> None:
    offer = Offer(sizes=(Size(**{"name": "standard_d2s_V5", **size}),))
    findings = list(preflight.of_context(source_vm(), planning_context(offer=offer)))

    if not has:
        assert findings == []
        return
    (finding,) = findings
    assert (finding.code, finding.severity) == ("SmallVm", Severity.WARNING)
    assert finding.fix
    assert f"standard_d2s_V5 of web-1 {has} Site Recovery supports VMs of 2 cores and 1 GiB" in finding.message


def test_a_vm_has_an_os_disk_and_64_data_disks_at_most() -> None:
    disks = tuple(Disk(id=ResourceId(f"{OS_DISK}-{number}"), sku="Premium_LRS") for number in range(66))

    assert codes(source_vm(disks=disks[:65])) == []
    finding = reported(list(vm_support.of_vm(source_vm(disks=disks))), "TooManyDisks")
    assert finding.message == "web-1 has 66 disks; Site Recovery replicates at most 65."


@pytest.mark.parametrize("casing", ["ConfidentialVM", "confidentialvm"])
def test_a_confidential_vm_is_refused(casing: str) -> None:
    assert (
        "confidential VM" in reported(list(vm_support.of_vm(source_vm(security_type=casing))), "ConfidentialVm").message
    )


@pytest.mark.parametrize(
    ("os", "found"), [("Linux", [("TrustedLaunchLinux", Severity.WARNING)]), ("Windows", []), ("", [])]
)
def test_trusted_launch_is_a_matter_of_the_distribution_for_linux(os: str, found: list[tuple[str, Severity]]) -> None:
    assert codes(source_vm(security_type="TrustedLaunch", os=os)) == found


def test_when_a_vm_with_trusted_launch_was_made_is_reported_where_azure_reports_it() -> None:
    old = source_vm(security_type="TrustedLaunch", created_at=datetime(2023, 5, 1, tzinfo=UTC))
    (finding,) = vm_support.of_vm(old)

    assert finding.message.endswith("made since April 2024, in preview: this one was made on 2023-05-01.")


def test_azure_disk_encryption_needs_keys_that_the_app_may_not_copy() -> None:
    finding = reported(list(vm_support.of_vm(source_vm(disk_encryption=True))), "DiskEncryptionNeedsKeys")

    assert "key vault in the target region" in finding.message
    assert "in the portal" in finding.fix


def test_encryption_at_host_is_not_kept() -> None:
    (finding,) = vm_support.of_vm(source_vm(encryption_at_host=True))

    assert (finding.code, finding.severity) == ("EncryptionAtHostNotKept", Severity.WARNING)
    assert finding.fix == "Turn on encryption at host after a failover."


def test_a_shared_disk_is_not_replicated() -> None:
    finding = reported(findings_of(source_vm(), shared_disks=(OS_DISK,)), "UnsupportedDisk")

    assert "The disk web-1-os of web-1 is a shared disk" in finding.message


# Locks


def locked(scope: ResourceId, *, read_only: bool) -> list[Finding]:
    lock = Lock(scope=str(scope).upper(), name="keep", read_only=read_only)
    return [
        each
        for each in plan_of(source_vm(), planning_context(locks=(lock,)), settings()).findings
        if each.code in {"ReadOnlyLock", "LockedVm", "LockedTarget"}
    ]


SUBSCRIPTION_ID = ResourceId(f"/subscriptions/{SUBSCRIPTION}")


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        (VM_ID, "web-1"),
        (VM_ID.group_id, "web-1"),
        (SUBSCRIPTION_ID, "web-1, web-asr, asrcache"),
        (ResourceId.of(SUBSCRIPTION, "web-asr"), "web-asr"),
        (ResourceId.of(SUBSCRIPTION, "asr-cache-eastus"), "asrcache"),
        (VAULT_ID, "vault"),
    ],
    ids=str,
)
def test_a_read_only_lock_on_what_is_written_blocks_and_names_it(scope: ResourceId, held: str) -> None:
    finding = reported(locked(scope, read_only=True), "ReadOnlyLock")

    assert f"The lock keep on {str(scope).upper()} makes {held}" in finding.message
    assert finding.fix == "Remove the lock, or make it CanNotDelete."


@pytest.mark.parametrize("scope", [VM_ID, VM_ID.group_id, SUBSCRIPTION_ID])
def test_a_lock_against_deletion_of_the_vm_is_a_warning(scope: ResourceId) -> None:
    (finding,) = locked(scope, read_only=False)

    assert (finding.code, finding.severity) == ("LockedVm", Severity.WARNING)
    assert "links stay on web-1 (150225)" in finding.message


@pytest.mark.parametrize(
    "scope", [ResourceId(f"{VM_ID}0"), ResourceId.of(SUBSCRIPTION, "web2"), ResourceId(f"/subscriptions/{ELSEWHERE}")]
)
def test_locks_on_other_things_are_no_matter(scope: ResourceId) -> None:
    assert locked(scope, read_only=True) == locked(scope, read_only=False) == []


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        (ResourceId.of(SUBSCRIPTION, "web-asr"), "web-asr"),
        (ResourceId.of(SUBSCRIPTION, "asr-cache-eastus"), "asrcache"),
        (VAULT_ID, "vault"),
    ],
    ids=str,
)
def test_a_lock_against_deletion_of_what_protects_the_vm_is_a_warning_that_names_it(
    scope: ResourceId, held: str
) -> None:
    (finding,) = locked(scope, read_only=False)

    assert (finding.code, finding.severity) == ("LockedTarget", Severity.WARNING)
    assert f"The lock keep on {str(scope).upper()} forbids to delete {held}" in finding.message
    assert finding.fix


@pytest.mark.parametrize(
    ("there", "read_only", "blocks"), [(False, True, True), (True, True, False), (False, False, False)]
)
def test_a_read_only_lock_where_a_network_has_to_be_made_blocks(there: bool, read_only: bool, blocks: bool) -> None:
    network = ResourceId.of(SUBSCRIPTION, "net-asr", NETWORK.type, "vnet-asr")
    lock = Lock(scope=str(network.group_id), name="keep", read_only=read_only)
    known = (Network(id=network, subnets={"web": Subnet()}),) if there else ()
    plan = plan_of(source_vm(), planning_context(locks=(lock,), target_networks=known), settings())

    assert bool(plan.blockers) is blocks
    if blocks:
        assert "makes vnet-asr read-only" in reported(list(plan.findings), "ReadOnlyLock").message


# What is said of a blocker, and what may be old


@pytest.mark.parametrize(
    ("finding", "old"),
    [
        (blocker("TargetSubnetUnusable", "x"), True),
        (blocker("ReadOnlyLock", "x"), True),
        (blocker("SizeNotInTarget", "x"), True),
        (blocker("StaleLink", "x"), False),
        (blocker("VmNotRunning", "x"), False),
        (warning("OverrideInvalid", "x"), True),
    ],
)
def test_only_a_blocker_that_rests_on_what_is_remembered_may_be_old(finding: Finding, old: bool) -> None:
    assert preflight.may_be_old(Plan(vm=source_vm(), findings=(note("X", "x"), finding))) is old


def test_a_plan_that_nothing_blocks_is_not_old() -> None:
    plan = plan_of(source_vm(), planning_context(), settings())

    assert preflight.may_be_old(plan.with_(findings=(warning("UnsupportedDisk", "x"),))) is False


def test_a_region_without_a_vault_is_reported_with_both_ways_out() -> None:
    finding = reported([preflight.region_not_mapped(source_vm())], "RegionNotMapped")

    assert SOURCE in finding.message
    assert "DR_REGION_MAP" in finding.fix
    assert "profile" in finding.fix


@pytest.mark.parametrize(("replicated", "fits"), [(0, True), (2999, True), (3000, False)])
def test_a_subscription_has_three_thousand_replicated_disks_in_a_region(replicated: int, fits: bool) -> None:
    findings = findings_of(source_vm(), replicated_disks=replicated)

    assert fits or "3000 disks of the subscription" in reported(findings, "TooManyReplicatedDisks").message
    assert bool(findings) is not fits

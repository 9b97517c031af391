"""Drift: where what protects a VM is not what it asks for."""

import pytest

from shared.domain.drift import frozen, not_changed, other_policy, unprotected_disks
from shared.domain.findings import Severity
from shared.domain.outcome import Error
from shared.domain.profiles import Profile
from shared.domain.protected_item import ItemDisk
from shared.domain.resource_id import ResourceId
from shared.domain.target import Changes, Difference, ReplicatedDisk
from shared.domain.vm import Disk
from tests.unit.app.examples import DATA_DISK, OS_DISK, protected_item, source_vm


def test_an_item_that_holds_every_disk_has_not_drifted() -> None:
    disks = (ItemDisk(id=ResourceId(str(OS_DISK).lower())), ItemDisk(id=DATA_DISK))

    assert unprotected_disks(source_vm(), protected_item(disks=disks)) == ()


def test_each_disk_that_was_attached_later_is_a_warning() -> None:
    vm = source_vm(disks=(Disk(id=OS_DISK, sku=""), Disk(id=DATA_DISK, sku="")))

    (finding,) = unprotected_disks(vm, protected_item())

    assert (finding.code, finding.severity) == ("DiskNotProtected", Severity.WARNING)
    assert DATA_DISK.name in finding.message
    assert finding.fix


def test_a_frozen_item_is_told_with_all_that_may_have_frozen_it() -> None:
    item = protected_item(
        state="UnplannedFailoverCommitted", test_failover="Running", active_location="Recovery", state_description=""
    )

    message = frozen(item).message

    assert all(part in message for part in ("UnplannedFailoverCommitted", "Running", "Recovery"))
    assert "Failover committed" in frozen(item.model_copy(update={"state_description": "Failover committed"})).message


POLICY = ResourceId(f"{protected_item().vault}/replicationPolicies/theirs")


def test_a_policy_of_other_values_is_told_with_both_names_and_what_it_would_cost() -> None:
    item = protected_item(policy_id=POLICY)

    (finding,) = other_policy(source_vm(), item, Profile().policy_for("default"), fitting=False)

    assert (finding.code, finding.severity) == ("PolicyChangeNeedsReenable", Severity.WARNING)
    assert "the policy theirs" in finding.message
    assert Profile().policy_for("default").name in finding.message
    assert "its recovery points are lost then" in finding.fix


def test_a_policy_that_fits_or_that_azure_does_not_tell_is_no_drift() -> None:
    assert (
        other_policy(source_vm(), protected_item(policy_id=POLICY), Profile().policy_for("default"), fitting=True) == ()
    )
    assert other_policy(source_vm(), protected_item(), Profile().policy_for("default"), fitting=False) == ()


@pytest.mark.parametrize(
    ("error", "why"), [(None, "it shows what it was"), (Error(code="150", message="No."), "150: No.")]
)
def test_a_change_that_was_not_made_says_what_and_why(error: Error | None, why: str) -> None:
    differences = (
        Difference(setting="targetSize", current="A", wanted="B"),
        Difference(setting="targetIp/nic", current="", wanted="10.1.1.9"),
    )
    late = ReplicatedDisk(id=DATA_DISK, replica_sku="", target_sku="")

    finding = not_changed(source_vm(), Changes(differences=differences, added_disks=(late,)), error)

    assert (finding.code, finding.severity) == ("ChangeNotMade", Severity.WARNING)
    what = "targetSize: A → B; targetIp/nic: none → 10.1.1.9; disk to add: web-1-data"
    assert finding.message == f"The replicated item of web-1 could not be changed ({what}): {why}."

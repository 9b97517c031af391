"""Drift: where what protects a VM is not what it asks for."""

from datetime import UTC, datetime

import pytest

from shared.config.profiles import Profile
from shared.model.changes import Changes, Difference
from shared.model.findings import Severity
from shared.model.policy import Policy
from shared.model.replicated_item import ItemDisk
from shared.model.replication import ReplicatedDisk
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import Disk, SourceVm
from shared.reconcile.drift import detached_disks, frozen, not_changed, other_policy, replaced, unprotected_disks
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


def swapped(*data: Disk) -> SourceVm:
    """The VM with another OS disk than the one that its item replicates."""
    return source_vm(disks=(Disk(id=ResourceId(f"{OS_DISK}-2"), sku="Premium_LRS", holds_os=True), *data))


def test_an_os_disk_that_was_exchanged_is_no_late_disk() -> None:
    """Site Recovery adds data disks only: the VM has to be enabled again, when an operator decides so."""
    data = ItemDisk(id=DATA_DISK)
    item = protected_item(disks=(ItemDisk(id=OS_DISK, holds_os=True), data))
    vm = swapped(Disk(id=DATA_DISK, sku="Premium_LRS"))

    (finding,) = (*unprotected_disks(vm, item), *detached_disks(vm, item))

    assert (finding.code, finding.severity) == ("OsDiskReplaced", Severity.WARNING)
    assert f"{OS_DISK.name}-2" in finding.message
    assert "disable and enable" in finding.fix


def test_a_vm_whose_only_disk_was_exchanged_is_still_that_vm() -> None:
    item = protected_item(rpo_at=datetime(2026, 5, 2, tzinfo=UTC))

    assert replaced(swapped().with_(created_at=datetime(2026, 5, 1, tzinfo=UTC)), item) == ()
    assert [each.code for each in replaced(swapped(), item)] == ["SourceReplaced"]


def test_a_frozen_item_is_reported_with_all_that_may_have_frozen_it() -> None:
    item = protected_item(
        state="UnplannedFailoverCommitted", test_failover="Running", active_location="Recovery", state_description=""
    )

    message = frozen(item).message

    assert all(part in message for part in ("UnplannedFailoverCommitted", "Running", "Recovery"))
    assert "Failover committed" in frozen(item.with_(state_description="Failover committed")).message


THEIRS = Policy(name="theirs", retention_minutes=1440, app_consistent_minutes=0)
WANTED = Profile().policy_for("default")


@pytest.mark.parametrize(
    ("retention", "sizes", "cost"),
    [
        (1440, (64, 128), "its recovery points of the last 24 h, and leave it unprotected until 192 GiB are"),
        (90, (64, None), "its recovery points of the last 90 min, and leave it unprotected until its disks are"),
    ],
)
def test_a_policy_of_other_values_is_reported_with_both_and_what_a_change_would_cost(
    retention: int, sizes: tuple[int | None, ...], cost: str
) -> None:
    vm = source_vm(disks=tuple(Disk(id=OS_DISK, sku="Premium_LRS", size_gb=size) for size in sizes))

    (finding,) = other_policy(vm, THEIRS.with_(retention_minutes=retention), WANTED)

    assert (finding.code, finding.severity) == ("PolicyMismatch", Severity.WARNING)
    assert f"the policy theirs (retention {retention} min, app-consistent off)" in finding.message
    assert f"{WANTED.name} (retention 1440 min, app-consistent every 240 min)" in finding.message
    assert "confirm=true" in finding.fix
    assert cost in finding.fix


def test_a_policy_that_fits_whatever_its_name_or_that_azure_does_not_tell_is_no_drift() -> None:
    assert other_policy(source_vm(), WANTED.with_(name="theirs"), WANTED) == ()
    assert other_policy(source_vm(), None, WANTED) == ()


@pytest.mark.parametrize(
    ("error", "why"), [(None, "it shows its old settings"), (Error(code="150", message="No."), "150: No.")]
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

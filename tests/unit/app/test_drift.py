"""Drift: where what protects a VM is not what it asks for."""

from shared.domain.drift import frozen, unprotected_disks
from shared.domain.findings import Severity
from shared.domain.resource_id import ResourceId
from shared.domain.vm import Disk
from tests.unit.app.examples import DATA_DISK, OS_DISK, protected_item, source_vm


def test_an_item_that_holds_every_disk_has_not_drifted() -> None:
    lower_cased = ResourceId(str(OS_DISK).lower())

    assert unprotected_disks(source_vm(), protected_item(disks=(lower_cased, DATA_DISK))) == ()


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

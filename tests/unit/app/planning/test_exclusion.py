"""Disks that are excluded by name or LUN: left out of the plan, whatever they are, and never the OS disk."""

from datetime import UTC, datetime

import pytest

from shared.model.resource_id import ResourceId
from shared.model.vm import Disk
from shared.reconcile.compliance import assess
from shared.reconcile.inventory import Inventory
from tests.unit.app.examples import DATA_DISK, OS_DISK, asking, open_settings, plan_of, planning_context, reported

LOGS = ResourceId(f"{DATA_DISK.group_id}/providers/Microsoft.Compute/disks/Logs.1")
DISKS = (
    Disk(id=OS_DISK, sku="Premium_LRS", size_gb=64, holds_os=True),
    Disk(id=DATA_DISK, sku="Premium_LRS", size_gb=64, lun=0),
    Disk(id=LOGS, sku="UltraSSD_LRS", size_gb=64, obstacle="an ultra disk", lun=12),
)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("logs.1", [OS_DISK, DATA_DISK]),
        ("12", [OS_DISK, DATA_DISK]),
        ("0,12", [OS_DISK]),
        ("12, Web-1-Data", [OS_DISK]),
        ("12, 40", [OS_DISK, DATA_DISK]),  # an empty LUN: a profile is for many VMs
    ],
)
def test_what_is_excluded_is_not_replicated_and_not_checked(value: str, left: list[ResourceId]) -> None:
    vm = asking(exclude_disks=value).with_(disks=DISKS)

    plan = plan_of(vm, planning_context(), open_settings())

    assert plan.blockers == ()
    assert plan.replication
    assert [disk.id for disk in plan.replication.disks] == left
    (setting,) = [each for each in plan.settings if each.name == "excludeDisks"]
    assert (setting.origin, setting.value) == ("tag dr-exclude-disks", ", ".join(value.replace(" ", "").split(",")))


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("web-1-os", "is the OS disk"),
        ("12, web-1-os", "is the OS disk"),
        ("web-1-dta", "web-1-data"),
        ("log, 12", "Logs.1"),
    ],
)
def test_the_os_disk_and_a_name_that_no_disk_has_are_refused(value: str, word: str) -> None:
    vm = asking(exclude_disks=value).with_(disks=DISKS)

    plan = plan_of(vm, planning_context(), open_settings())

    assert word in reported(plan.findings, "OverrideInvalid").message
    assert (plan.replication, bool(plan.blockers)) == (None, True)


def test_nothing_is_excluded_that_the_profile_does_not_allow() -> None:
    vm = asking(exclude_disks="0, 12").with_(disks=DISKS)
    app = open_settings(profiles='{"default": {"allow": {"exclude-disks": ["12"]}}}')

    finding = reported(plan_of(vm, planning_context(), app).findings, "OverrideNotAllowed")

    assert "requests '0'; the profile default allows 12" in finding.message


@pytest.mark.parametrize(("excluded", "codes"), [("60, 61", []), ("60", ["TooManyDisks"])])
def test_an_excluded_disk_does_not_count(excluded: str, codes: list[str]) -> None:
    """Neither in a plan nor in a sweep."""
    more = (Disk(id=ResourceId(f"{DATA_DISK}-{lun}"), sku="Premium_LRS", size_gb=8, lun=lun) for lun in range(66))
    vm = asking(exclude_disks=excluded).with_(disks=(DISKS[0], *more))

    plan = plan_of(vm, planning_context(), open_settings())
    estate = Inventory(vms=(vm,), items=(), read_at=datetime.now(UTC), elsewhere={}, policies={}, groups={}, regions={})
    (status,) = assess(estate, open_settings())

    assert [finding.code for finding in plan.blockers] == codes
    assert [finding.code for finding in status.findings if finding.code == "TooManyDisks"] == codes

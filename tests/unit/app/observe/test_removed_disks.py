"""A disk whose replication somebody removed, by the evidence of the vault's jobs: it is not taken for a late one."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.model.changes import Changes
from shared.model.replicated_item import Job
from shared.model.resource_id import ResourceId
from shared.observe.failed_disks import disk_errors
from shared.observe.failovers import open_failover
from shared.observe.inventory import compliance_report
from shared.observe.removed_disks import removed_disks
from shared.observe.vm import observe, plan_for
from shared.site_recovery.jobs import Jobs
from tests.unit.app.examples import DATA_DISK, OS_DISK, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, job_body, our_item_name

MADE, ENABLED, REMOVED = "2026-11-01T08:00:00Z", "2026-11-01T09:00:00Z", "2026-11-02T12:00:00Z"
NAMESAKE = ResourceId(str(VM_ID).replace("/web/", "/other/"))
WARMED = {"recoveryAzureResourceGroupId": str(VM_ID.group_id), "managementId": "1"}


def job(scenario: str = "RemoveDisks", state: str = "Succeeded", at: str = REMOVED, **more: Any) -> dict[str, Any]:
    return job_body(state, f"{scenario}-{at}", scenario, **{"startTime": at, "endTime": at, **more})


def cloud_of(*jobs: dict[str, Any], made: str | None = MADE) -> Cloud:
    """The VM with a data disk that its item does not replicate."""
    cloud = Cloud()
    os_disk = {"osType": "Linux", "diskSizeGB": 64, "managedDisk": {"id": str(OS_DISK)}}
    data = [{"lun": 0, "managedDisk": {"id": str(DATA_DISK)}}]
    cloud.add_vm(tags={"dr": "true"}, storageProfile={"osDisk": os_disk, "dataDisks": data})
    cloud.add(DATA_DISK, {"properties": {"timeCreated": made}})
    disks = [
        {"diskId": str(OS_DISK), "diskType": "OperatingSystem", "primaryStagingAzureStorageAccountId": str(OS_DISK)}
    ]
    cloud.vault["replication_protected_items"].append(
        item_body("Protected", our_item_name(), protectedManagedDisks=disks, **WARMED)
    )
    cloud.vault["replication_jobs"] += jobs
    return cloud


async def found(cloud: Cloud) -> tuple[set[str], Changes, set[str]]:
    """The findings and changes of the run, and the findings of a sweep."""
    azure = FakeAzure(settings(), cloud)
    observed = await observe(azure, VM_ID)
    assert observed.vm
    plan = await plan_for(azure, observed.vm, observed.item)
    (status,) = [each for each in (await compliance_report(azure)).vm_statuses if each.vm_id == VM_ID]
    about_disks = {"DiskExcluded", "DiskNotProtected"}
    ours = [finding for finding in plan.findings if finding.code in about_disks]
    theirs = [finding for finding in status.findings if finding.code in about_disks]
    assert ours == theirs
    return {finding.code for finding in ours}, plan.changes, {finding.message for finding in ours}


@pytest.mark.parametrize("state", ["Succeeded", "CompletedWithInformation"])
async def test_a_disk_that_was_there_when_a_job_removed_disks_is_not_added_again(state: str) -> None:
    codes, changes, messages = await found(cloud_of(job("EnableDr", at=ENABLED), job(state=state)))

    assert (codes, changes.added_disks) == ({"DiskExcluded"}, ())
    assert "2026-11-02 12:00" in messages.pop()


@pytest.mark.parametrize(
    ("jobs", "made"),
    [
        ([], MADE),
        ([job(state="Failed")], MADE),
        ([job(state="InProgress", endTime=None)], MADE),
        ([job("AddDisks")], MADE),
        ([job(targetObjectName="web-2")], MADE),
        ([job()], "2026-11-03T00:00:00Z"),  # made since: it was attached later
        ([job()], None),
        ([job(), job("EnableDr", at="2026-11-03T00:00:00Z")], MADE),  # all of its disks were enabled since
    ],
)
async def test_without_such_a_job_it_is_a_late_disk(jobs: list[dict[str, Any]], made: str | None) -> None:
    codes, changes, _ = await found(cloud_of(*jobs, made=made))

    assert (codes, [disk.id for disk in changes.added_disks]) == ({"DiskNotProtected"}, [DATA_DISK])


async def test_a_job_that_may_be_another_vm_s_proves_nothing() -> None:
    """A job tells no more than the name of its VM."""
    cloud = cloud_of(job())
    cloud.vault["replication_protected_items"].append(item_body("Protected", "theirs", fabricObjectId=str(NAMESAKE)))

    codes, changes, _ = await found(cloud)

    assert (codes, [disk.id for disk in changes.added_disks]) == ({"DiskNotProtected"}, [DATA_DISK])


async def test_a_vm_without_a_late_disk_costs_no_read_of_disks() -> None:
    cloud = cloud_of(job())
    vm = cloud.resources[VM_ID.key]
    del vm["properties"]["storageProfile"]["dataDisks"]

    assert (await found(cloud))[0] == set()
    assert not [read for read in cloud.reads if read.startswith("disks")]


async def test_no_vm_goes_through_all_jobs_of_its_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    """With thousands of VMs that would be thousands of times the whole history, while nothing else goes on."""
    azure = FakeAzure(settings(), cloud_of(job(), job("AddDisks", "Failed"), job("UnplannedFailover")))
    observed = await observe(azure, VM_ID)
    assert observed.vm
    assert observed.item

    def every(_: Jobs) -> Iterator[Job]:
        raise AssertionError("all jobs were gone through for one VM")

    monkeypatch.setattr(Jobs, "__iter__", every)

    assert DATA_DISK in await removed_disks(azure, observed.vm, observed.item)
    assert await disk_errors(azure, observed.vm, observed.item, (), retry=False) == {}
    assert await open_failover(azure, VM_ID) is None

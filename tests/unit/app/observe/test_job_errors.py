"""The errors of failed jobs in a compliance report: named, read once, and few."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from shared.observe import job_errors
from shared.observe.inventory import compliance_report
from tests.unit.app.examples import DATA_DISK, OS_DISK, SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body, our_item_name

ERROR = {"code": "150039", "message": f"The disk {DATA_DISK.name} is raw.", "recommendedAction": "Initialise it."}
QUOTA = {"code": "150097", "message": "No cores.", "recommendedAction": "Request quota."}


def failed(name: str, scenario: str, error: dict[str, str], target: str = VM_ID.name, days: float = 0.1) -> Any:
    ended = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    detail = [{"serviceErrorDetails": error}]
    return job_body("Failed", name, scenario, startTime=ended, endTime=ended, errors=detail, targetObjectName=target)


def missing(*jobs: Any) -> Cloud:
    """A tagged VM that nothing protects."""
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "true"})
    cloud.vault["replication_jobs"] += jobs
    return cloud


def with_late_disk(*jobs: Any) -> Cloud:
    cloud = missing(*jobs)
    disks = [{"lun": 0, "diskSizeGB": 64, "managedDisk": {"id": str(DATA_DISK), "storageAccountType": "Premium_LRS"}}]
    cloud.resources[VM_ID.key]["properties"]["storageProfile"]["dataDisks"] = disks
    disk = {"diskId": str(OS_DISK), "recoveryReplicaDiskAccountType": "", "recoveryTargetDiskAccountType": ""}
    cloud.vault["replication_protected_items"].append(
        item_body("Protected", our_item_name(), protectedManagedDisks=[disk])
    )
    return cloud


async def report(cloud: Cloud, azure: FakeAzure | None = None) -> dict[str, tuple[str, str]]:
    found = await compliance_report(azure or FakeAzure(settings(), cloud), 0)
    (vm_status,) = found.vm_statuses
    return {finding.code: (finding.message, finding.fix) for finding in vm_status.findings}


def reads(cloud: Cloud) -> list[str]:
    """Those of single jobs."""
    return [path for path in cloud.paths if "/replicationJobs/" in path]


async def test_a_failed_attempt_names_the_error_of_its_job_and_what_is_recommended() -> None:
    cloud = missing(failed("old", "EnableDr", ERROR, days=2), failed("new", "EnableDr", QUOTA))

    message, fix = (await report(cloud))["EnableFailed"]

    assert "150097: No cores." in message
    assert fix == "Request quota."
    assert reads(cloud) == [f"{VAULT_ID}/replicationJobs/new"]


async def test_a_disk_that_could_not_be_added_names_the_code_of_its_job() -> None:
    cloud = with_late_disk(failed("add", "AddDisks", ERROR))

    message, fix = (await report(cloud))["DiskNotProtected"]

    assert "150039" in message
    assert fix.startswith("Initialise it.")


@pytest.mark.parametrize(
    "cloud",
    [
        missing(),
        missing(job_body("Succeeded"), failed("other", "EnableDr", QUOTA, "db-1")),
        with_late_disk(),
        with_late_disk(failed("old", "AddDisks", ERROR, days=3), failed("enable", "EnableDr", QUOTA)),
    ],
)
async def test_no_job_is_read_that_no_finding_names(cloud: Cloud) -> None:
    await report(cloud)

    assert reads(cloud) == []


async def test_a_job_is_read_once() -> None:
    cloud = missing(failed("new", "EnableDr", QUOTA))
    azure = FakeAzure(settings(), cloud)

    assert await report(cloud, azure) == await report(cloud, azure)
    assert len(reads(cloud)) == 1


@pytest.mark.parametrize("fault", [answer(403, "AuthorizationFailed"), ServiceRequestError("reset")])
async def test_a_job_that_cannot_be_read_is_named_all_the_same(fault: Exception) -> None:
    cloud = missing(failed("new", "EnableDr", QUOTA))
    cloud.faults["replication_jobs/new"] = fault

    assert "see the job new in the vault" in (await report(cloud))["EnableFailed"][0]


async def test_no_report_reads_more_jobs_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_errors, "MOST", 3)
    cloud = Cloud()
    for number in range(8):
        name = f"vm-{number}"
        cloud.add_vm({"dr": "true"}, vm=VM_ID.of(SUBSCRIPTION, "web", VM_ID.type, name))
        cloud.vault["replication_jobs"].append(failed(f"job-{number}", "EnableDr", QUOTA, name, days=number + 1))

    found = await compliance_report(FakeAzure(settings(), cloud), 0)

    texts = [each.message for status in found.vm_statuses for each in status.findings if each.code == "EnableFailed"]
    assert [("150097" in text) for text in texts] == [True] * 3 + [False] * 5
    assert len(reads(cloud)) == 3

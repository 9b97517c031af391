"""A VM that was never tested counts from its protection: by its enable job, the record of its item, or the archive."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from shared.arm.archive import Archive
from shared.arm.archive_days import seal
from shared.arm.origin_store import OriginStoreError
from shared.arm.origins import Origins
from shared.model.plan import Plan
from shared.model.resource_id import ResourceId
from shared.observe.inventory import compliance_report
from shared.observe.readiness import readiness_of
from shared.reporting.archive import Stream
from shared.site_recovery.parsing import item_of
from tests.unit.app.examples import DEPLOYMENT, OS_DISK, VM_ID, settings, source_vm
from tests.unit.app.fake_azure import Cloud, FakeAzure, Records, item_body, job_body, our_item_name

OVERDUE, YOUNG = timedelta(days=181), timedelta(days=179)


@pytest.mark.parametrize(
    ("name", "record", "job", "warned"),
    [
        (our_item_name(), OVERDUE, None, True),
        (our_item_name(), YOUNG, None, False),
        # The job says when it was enabled last, as long as the vault has it.
        (our_item_name(), OVERDUE, YOUNG, False),
        (our_item_name(), YOUNG, OVERDUE, True),
        ("portal", OVERDUE, None, False),
    ],
)
@pytest.mark.parametrize("readable", [True, False])
async def test_a_vault_forgets_its_jobs_and_the_record_of_the_item_does_not(
    readable: bool,
    name: str,
    record: timedelta,
    job: timedelta | None,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud, now = Cloud(), datetime.now(UTC)
    cloud.add_vm({"dr": "true"})
    item = item_body("Protected", name, managementId="m-1", protectedManagedDisks=[{"diskId": str(OS_DISK)}])
    cloud.vault["replication_protected_items"].append(item)
    cloud.prove(ResourceId(item["id"]), proven_at=now - record, intended_at=now - record, incarnation="m-1")
    if job:
        cloud.vault["replication_jobs"].append(job_body("Succeeded", endTime=(now - job).isoformat()))
        cloud.vault["replication_jobs"][0]["properties"]["startTime"] = (now - job).isoformat()
    azure, lists = FakeAzure(settings(), cloud), list[str]()
    read = Origins.written

    async def written(origins: Origins) -> Mapping[str, datetime | None]:
        lists.append("records")
        if not readable:
            raise OriginStoreError("It is down.")
        return await read(origins)

    monkeypatch.setattr(Origins, "written", written)

    report = await compliance_report(azure)

    [status] = [each for each in report.vm_statuses if each.vm_id == VM_ID]
    overdue = [each for each in status.findings if each.code == "TestFailoverOverdue"]
    assert report.gaps == ()
    assert [each.severity for each in overdue] == ["warning"] * (warned and (readable or job is not None))
    assert len(lists) == (1 if job is None and name != "portal" else 0)


@pytest.mark.parametrize(
    ("name", "archived", "warned"),
    [
        ("portal", OVERDUE, True),
        ("portal", YOUNG, False),
        ("portal", None, False),
        # The record is as old as the enabling, the archive as old as its first sweep.
        (our_item_name(), OVERDUE, False),
    ],
)
async def test_what_others_enabled_counts_from_the_first_sweep_of_the_archive(
    name: str, archived: timedelta | None, warned: bool
) -> None:
    cloud, now, store = Cloud(), datetime.now(UTC), Records()
    cloud.add_vm({"dr": "true"})
    item = item_body("Protected", name, managementId="m-1", protectedManagedDisks=[{"diskId": str(OS_DISK)}])
    cloud.vault["replication_protected_items"].append(item)
    cloud.prove(ResourceId(item["id"]), proven_at=now - YOUNG, intended_at=now - YOUNG, incarnation="m-1")
    azure = FakeAzure(settings(), cloud)
    azure.archive = Archive(store)
    if archived:
        rows = [[str(VM_ID), "Protected", 1, 1, 60]]
        for at in (now - archived, now - archived + timedelta(days=1)):
            await azure.archive.append(Stream.SWEEPS, {"readAt": at.isoformat()}, lambda: rows, day=at.date())
        await seal(azure.archive, now, 7200)

    report = await compliance_report(azure)
    [status] = [each for each in report.vm_statuses if each.vm_id == VM_ID]
    alone = await readiness_of(azure, Plan(vm=source_vm(), profile="default"), item_of(item, DEPLOYMENT))

    for findings in (status.findings, alone):
        overdue = [each for each in findings if each.code == "TestFailoverOverdue"]
        assert [each.severity for each in overdue] == ["warning"] * warned


async def test_an_archive_that_cannot_be_read_says_nothing_and_stops_nothing() -> None:
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    item = item_body("Protected", "portal", protectedManagedDisks=[{"diskId": str(OS_DISK)}])
    cloud.vault["replication_protected_items"].append(item)
    azure, store = FakeAzure(settings(), cloud), Records()
    store.texts["days/2026-10-30.jsonl.gz"] = b"broken"
    azure.archive = Archive(store)

    report = await compliance_report(azure)

    assert (report.gaps, [each.code for each in report.vm_statuses[0].findings if "Test" in each.code]) == ((), [])

"""A VM that was never tested counts from its protection: by its enable job, else by the record of its item."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from shared.arm.origin_store import OriginStoreError
from shared.arm.origins import Origins
from shared.model.resource_id import ResourceId
from shared.observe.inventory import compliance_report
from tests.unit.app.examples import OS_DISK, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, job_body, our_item_name

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

"""The survey of the estate: read once for any client that asks, remembered for a while, and never a reason to fail."""

import asyncio

import pytest

from shared.model.decision import State
from shared.observe.inventory import compliance_report
from tests.unit.app.examples import settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    return cloud


async def test_it_is_read_once_for_all_who_ask_and_remembered_for_two_polls(cloud: Cloud) -> None:
    azure = FakeAzure(settings(), cloud)

    first, second = await asyncio.gather(compliance_report(azure), compliance_report(azure))
    third = await compliance_report(azure)

    assert first is second is third
    assert [vm_status.state for vm_status in first.vm_statuses] == [State.UNPROTECTED]
    assert cloud.reads.count("replication_protected_items") == 1


async def test_who_wants_it_fresher_gets_it_fresher(cloud: Cloud) -> None:
    azure = FakeAzure(settings(), cloud)
    first = await compliance_report(azure)
    cloud.add_vm({})

    assert await compliance_report(azure, within=60) is first
    fresh = await compliance_report(azure, within=0)

    assert [vm_status.state for vm_status in fresh.vm_statuses] == [State.NOT_TAGGED]
    assert fresh.read_at >= first.read_at


async def test_what_cannot_be_read_is_a_gap(cloud: Cloud) -> None:
    cloud.faults["replication_jobs"] = answer(403, "AuthorizationFailed")

    found = await compliance_report(FakeAzure(settings(), cloud))

    assert [gap.rsplit(": ", 2)[0].split(" /")[0] for gap in found.gaps] == [
        "The jobs of",
        "The failovers whose replication was disabled could not be read",
    ]
    assert all(gap.endswith("AuthorizationFailed: Azure says so.") for gap in found.gaps)
    # A job may be that of its failover.
    assert [vm_status.state for vm_status in found.vm_statuses] == [State.UNKNOWN]

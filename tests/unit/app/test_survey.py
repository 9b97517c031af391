"""The survey of the estate: read once for whoever asks, remembered for a while, and never a reason to fail."""

import asyncio

import pytest

from shared.observe.inventory import survey
from shared.reconcile.inventory import State
from tests.unit.app.examples import settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    return cloud


async def test_it_is_read_once_for_all_who_ask_and_remembered_for_two_polls(cloud: Cloud) -> None:
    azure = FakeAzure(settings(), cloud)

    first, second = await asyncio.gather(survey(azure), survey(azure))
    third = await survey(azure)

    assert first is second is third
    assert [standing.state for standing in first.standings] == [State.UNPROTECTED]
    assert cloud.reads.count("replication_protected_items") == 1


async def test_who_wants_it_fresher_gets_it_fresher(cloud: Cloud) -> None:
    azure = FakeAzure(settings(), cloud)
    first = await survey(azure)
    cloud.add_vm({})

    assert await survey(azure, within=60) is first
    anew = await survey(azure, within=0)

    assert [standing.state for standing in anew.standings] == [State.NOT_TAGGED]
    assert anew.read_at >= first.read_at


async def test_what_cannot_be_read_is_a_gap(cloud: Cloud) -> None:
    cloud.faults["replication_jobs"] = answer(403, "AuthorizationFailed")

    found = await survey(FakeAzure(settings(), cloud))

    (gap,) = found.gaps
    assert "The jobs of" in gap
    assert "AuthorizationFailed" in gap
    assert [standing.state for standing in found.standings] == [State.UNPROTECTED]

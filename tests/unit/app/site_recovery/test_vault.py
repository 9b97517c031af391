"""The lists of a vault: what cannot be read is left out and reported, and what an item says of its past and of its
jobs."""

from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.model.replicated_item import ProtectedItem, Stage
from shared.site_recovery.infrastructure_records import FabricRecord
from shared.site_recovery.vault import Vault, vault_of
from tests.unit.app.examples import VAULT_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_region_pair()
    return cloud


@pytest.fixture
def vault(cloud: Cloud) -> Vault:
    return vault_of(FakeAzure(settings(), cloud), VAULT_ID)


async def only_item(vault: Vault) -> ProtectedItem:
    (item,) = await vault.items.get()
    return item


# What an item says of its past and of its jobs


async def test_an_item_that_never_was_protected_has_no_history_and_no_job(cloud: Cloud, vault: Vault) -> None:
    cloud.vault["replication_protected_items"].append(item_body("EnablingFailed"))

    item = await only_item(vault)

    assert (item.held_recovery_points, item.job, item.stage) == (False, "", Stage.FAILED)


@pytest.mark.parametrize("of_provider", [True, False])
async def test_a_recovery_point_or_a_failover_is_a_history(cloud: Cloud, vault: Vault, of_provider: bool) -> None:
    body = item_body("InitialReplicationFailed")
    if of_provider:
        body["properties"]["providerSpecificDetails"]["lastRpoCalculatedTime"] = "2026-11-01T10:00:00Z"
    else:
        body["properties"]["lastSuccessfulFailoverTime"] = "2026-11-01T10:00:00Z"
    cloud.vault["replication_protected_items"].append(body)

    item = await only_item(vault)

    assert (item.held_recovery_points, item.stage) == (True, Stage.FROZEN)


@pytest.mark.parametrize(
    ("scenario", "job"),
    [
        ({"scenarioName": "EnableDr", "jobId": f"{VAULT_ID}/replicationJobs/job-7"}, "job-7"),
        ({"scenarioName": "None", "jobId": "None"}, ""),
        ({"scenarioName": "None", "jobId": f"{VAULT_ID}/replicationJobs/None"}, ""),
        ({"scenarioName": "None", "jobId": None}, ""),
        ({}, ""),
        (None, ""),
    ],
)
async def test_the_job_on_an_item_is_reported_by_its_name(
    cloud: Cloud, vault: Vault, scenario: dict[str, Any] | None, job: str
) -> None:
    body = item_body("Protected")
    body["properties"]["currentScenario"] = scenario
    cloud.vault["replication_protected_items"].append(body)

    assert (await only_item(vault)).job == job


async def test_health_errors_of_an_item_are_read_with_what_is_recommended(cloud: Cloud, vault: Vault) -> None:
    body = item_body("Protected")
    found = {"errorCode": "153007", "errorMessage": "No crash-consistent point.", "recommendedAction": "Look at it."}
    at = {"creationTimeUtc": "2026-11-01T10:00:00.1234567Z"}
    body["properties"]["healthErrors"] = [found | at, {}]
    cloud.vault["replication_protected_items"].append(body)

    reported, empty = (await only_item(vault)).errors

    assert (reported.code, reported.message, reported.action) == tuple(found.values())
    assert reported.since == datetime(2026, 11, 1, 10, 0, 0, 123456, UTC)
    assert (empty.code, empty.message, empty.action, empty.since) == ("", "", "", None)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-01T10:00:00.1234567Z", datetime(2026, 11, 1, 10, 0, 0, 123456, UTC)),
        ("2026-11-01T10:00:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("9999-12-31T23:59:59.9999999", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
        ("0001-01-01T00:00:00", None),
        ("1753-01-01T01:01:01Z", None),
        (None, None),
    ],
)
async def test_a_time_is_read_in_utc_with_or_without_its_zone_and_as_none_if_it_never_was(
    cloud: Cloud, vault: Vault, text: str | None, read: datetime | None
) -> None:
    body = item_body("Protected", agentExpiryDate=text, lastRpoCalculatedTime=text)
    body["properties"]["lastSuccessfulTestFailoverTime"] = text
    cloud.vault["replication_protected_items"].append(body)
    cloud.vault["replication_jobs"].append(job_body("Succeeded", startTime=text, endTime=text))

    item, (job,) = await only_item(vault), await vault.jobs.get()

    assert [item.agent.expires, item.rpo_at, item.tested_at, job.started, job.ended] == [read] * 5
    assert item.held_recovery_points is (read is not None)


@pytest.mark.parametrize(
    ("first", "now", "direction_reversed"),
    [("East US", "East US", False), ("East US", "eastus", False), ("East US", "West US 2", True), (None, "x", False)],
)
async def test_an_item_that_leads_back_is_reported_by_its_first_direction_and_frozen(
    cloud: Cloud, vault: Vault, first: str | None, now: str, direction_reversed: bool
) -> None:
    """Its states and its active location are those of any other."""
    body = item_body("Protected", initialPrimaryFabricLocation=first, primaryFabricLocation=now)
    cloud.vault["replication_protected_items"].append(body)

    item = await only_item(vault)

    assert (item.direction_reversed, item.stage is Stage.FROZEN) == (direction_reversed, direction_reversed)


# A job


async def test_a_job_too_new_for_the_list_is_asked_for_by_itself(cloud: Cloud, vault: Vault) -> None:
    await vault.jobs.get()
    cloud.vault["replication_jobs"].append(job_body("InProgress", "job-9"))

    job = await vault.job("job-9")

    assert job
    assert job.state == "InProgress"


async def test_how_a_job_ended_is_asked_for_once(cloud: Cloud, vault: Vault) -> None:
    cloud.vault["replication_jobs"].append(job_body("Succeeded"))
    first = await vault.job("job-1")
    cloud.vault["replication_jobs"].clear()
    vault.jobs.forget()

    assert await vault.job("job-1") == first


async def test_a_job_that_no_one_knows_is_none_and_one_that_cannot_be_read_is_not(cloud: Cloud, vault: Vault) -> None:
    assert await vault.job("job-9") is None
    cloud.faults["replication_jobs"] = answer(403, "AuthorizationFailed")
    vault.jobs.forget()

    with pytest.raises(HttpResponseError):
        await vault.job("job-9")


# What the app has created in it


@pytest.mark.parametrize("forgotten", [True, False])
async def test_what_was_created_in_new_fabrics_is_listed_also_when_its_list_is_forgotten(forgotten: bool) -> None:
    """Without a call: all that is in a new fabric is what the app has put there."""
    cloud = Cloud()
    vault = vault_of(FakeAzure(settings(), cloud), VAULT_ID)
    fabrics = [FabricRecord(VAULT_ID.child("replicationFabrics", name), name) for name in ("eastus", "westus2")]
    containers = [each.id.child("replicationProtectionContainers", "one") for each in fabrics]
    assert (await vault.fabrics.get()).records == (await vault.containers.get()).records == ()
    await vault.jobs.get()
    for fabric in fabrics:
        vault.made("fabrics", fabric)
    calls = len(cloud.reads)

    for container in containers:
        if forgotten:
            vault.containers.forget()
        vault.made("containers", container)

    assert (await vault.containers.get()).records == tuple(containers)
    vault.made("fabrics", fabrics[0])
    vault.containers.forget()
    assert (await vault.containers.get()).records == (containers[1],)
    assert len(cloud.reads) == calls

"""GET of the vaults' jobs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.arm.errors import MalformedResponseError
from shared.model.resource_id import VAULT, ResourceId
from shared.planning.run_errors import action_for
from tests.unit.app.asking import answer_to, follow, get, problem_of
from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, job_body
from triggers import jobs
from triggers.jobs import get_jobs

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = ResourceId.of(SUBSCRIPTION, "dr", VAULT, "second")


def job(name: str, minutes: int | None, state: str = "Succeeded", scenario: str = "EnableDr", **more: Any) -> Any:
    started = {} if minutes is None else {"startTime": (NOON + timedelta(minutes=minutes)).isoformat()}
    return job_body(state, name, scenario, **started, **more)


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vault(SECOND, "northeurope")["replication_jobs"] = [
        job("b", 2, "InProgress", targetObjectName="db-1"),
        job("d", 1, "Failed", "DisableDr", endTime=(NOON + timedelta(minutes=9)).isoformat()),
    ]
    cloud.vault["replication_jobs"] = [job("e", None, "NotStarted"), job("a", 3), job("c", 1)]
    return cloud


def two_vaults(cloud: Cloud) -> FakeAzure:
    regions = {"eastus": {"vault": str(VAULT_ID)}, "westeurope": {"vault": str(SECOND)}}
    return FakeAzure(settings(vault_ids=f"{VAULT_ID},{SECOND}", region_map=regions), cloud)


async def names(cloud: Cloud, **query: Any) -> str:
    view = await answer_to(get_jobs(two_vaults(cloud), get("jobs", **query)))
    return "".join(each["name"] for each in view["value"])


async def test_the_jobs_of_all_vaults_come_newest_first(cloud: Cloud) -> None:
    view = await answer_to(get_jobs(two_vaults(cloud), get("jobs")))

    # Of two that began at once, the vault's ID decides.
    assert [each["name"] for each in view["value"]] == ["a", "b", "c", "d", "e"]
    assert view["value"][3] == {
        "name": "d",
        "vault": str(SECOND),
        "scenario": "DisableDr",
        "title": "Enable replication",
        "state": "Failed",
        "vm": "web-1",
        "target": "web-1",
        "started": "2026-05-01T12:01:00Z",
        "ended": "2026-05-01T12:09:00Z",
        "error": {
            "code": "JobFailed",
            "message": "The job 'Enable replication' ended as Failed.",
            "action": action_for("JobFailed"),
            "causes": "",
        },
    }
    assert view["nextLink"] is None
    assert cloud.reads == [*["replication_jobs"] * 2, "replication_jobs/d"]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"vm": "DB-1"}, "b"),
        ({"vm": "missing"}, ""),
        ({"state": "failed"}, "d"),
        ({"state": "Suspended"}, ""),
        ({"scenario": "enabledr"}, "abce"),
        ({"scenario": "EnableDr", "state": "Succeeded"}, "ac"),
        ({"scenario": "SecondaryIrCompletion"}, ""),
    ],
)
async def test_filters_leave_those_that_fit_all_of_them(cloud: Cloud, query: dict[str, str], left: str) -> None:
    assert await names(cloud, **query) == left


async def test_a_page_goes_on_where_the_one_before_ended_though_jobs_have_begun_since(cloud: Cloud) -> None:
    first = await answer_to(get_jobs(two_vaults(cloud), get("jobs", top=2)))
    cloud.vault["replication_jobs"].append(job("new", 60))
    second = await answer_to(get_jobs(two_vaults(cloud), follow(first["nextLink"])))
    last = await answer_to(get_jobs(two_vaults(cloud), follow(second["nextLink"])))

    assert [[each["name"] for each in view["value"]] for view in (first, second, last)] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert last["nextLink"] is None


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ({"vm": "a/b"}, "the name of a VM"),
        ({"vm": "x" * 65}, "the name of a VM"),
        ({"state": "Done"}, "InProgress, Succeeded"),
        ({"scenario": "Enable replication"}, "EnableDr"),
        ({"top": "-1"}, "1 to 1000"),
        ({"after": "\u00e9"}, "nextLink"),
        ({"vault": "vault"}, "vm, state, scenario, top, after"),
    ],
)
async def test_what_cannot_be_is_reported_with_what_is_allowed_and_nothing_is_read(
    cloud: Cloud, query: dict[str, Any], allowed: str
) -> None:
    status, problem = await problem_of(get_jobs(two_vaults(cloud), get("jobs", **query)))

    (error,) = problem["errors"]
    assert (status, problem["code"], error["field"]) == (400, "InvalidQuery", next(iter(query)))
    assert allowed in error["allowed"]
    assert cloud.reads == []


@pytest.mark.parametrize(("status", "answered"), [(403, 502), (429, 503)])
async def test_what_azure_does_not_tell_is_a_problem(cloud: Cloud, status: int, answered: int) -> None:
    cloud.faults["replication_jobs"] = answer(status, "No")

    assert (await problem_of(get_jobs(two_vaults(cloud), get("jobs"))))[0] == answered


async def test_a_failed_job_says_why_and_a_job_of_something_else_names_no_vm(cloud: Cloud) -> None:
    error = {
        "code": "150097",
        "message": "No cores.",
        "possibleCauses": "The quota is used up.",
        "recommendedAction": "Request quota.",
    }
    summary = {"serviceErrorDetails": {"code": "45005", "message": "The operation failed."}}
    cloud.vault["replication_jobs"] = [
        job("net", 1, "Failed", "NetworkPairing", targetInstanceType="Network", targetObjectName="web-1"),
        job("pair", 2, scenario="AddProtectionProfile", targetInstanceType="Profile", targetObjectName="gold"),
        job("vm", 3, "Failed", targetInstanceType="ProtectionEntity", errors=[summary, {"serviceErrorDetails": error}]),
    ]
    azure = FakeAzure(settings(), cloud)

    rows = (await answer_to(get_jobs(azure, get("jobs"))))["value"]
    of_vm = (await answer_to(get_jobs(azure, get("jobs", vm="web-1"))))["value"]

    assert [(row["name"], row["vm"], row["target"]) for row in rows] == [
        ("vm", "web-1", "web-1"),
        ("pair", "", "gold"),
        ("net", "", "web-1"),
    ]
    assert rows[0]["error"] == {
        "code": "150097",
        "message": "No cores.",
        "action": "Request quota.",
        "causes": "The quota is used up.",
    }
    assert "error" not in rows[1]
    assert rows[2]["error"]["action"]
    assert [row["name"] for row in of_vm] == ["vm"]
    assert cloud.reads.count("replication_jobs/vm") == 1


async def test_a_page_reads_a_bounded_number_of_errors(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_ERRORS", 2)
    cloud.vault["replication_jobs"] = [job(f"j{number}", number, "Failed") for number in range(5)]

    rows = (await answer_to(get_jobs(FakeAzure(settings(), cloud), get("jobs"))))["value"]

    assert [(row["name"], "error" in row) for row in rows][:3] == [("j4", True), ("j3", True), ("j2", False)]


@pytest.mark.parametrize(
    "fault", [answer(404, "ResourceNotFound"), answer(429, "TooManyRequests"), MalformedResponseError("no JSON")]
)
async def test_an_error_that_cannot_be_read_takes_nothing_from_the_list(cloud: Cloud, fault: Exception) -> None:
    cloud.vault["replication_jobs"] = [job(f"j{number}", number, "Failed") for number in range(2)]
    cloud.faults["replication_jobs/j0"] = fault

    rows = (await answer_to(get_jobs(FakeAzure(settings(), cloud), get("jobs"))))["value"]

    assert [(row["name"], "error" in row) for row in rows] == [("j1", True), ("j0", False)]

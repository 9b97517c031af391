"""Following the enable job and the initial replication: what each pair of item and job means."""

from typing import Any

import pytest

from activities.monitor_job import monitor_job as step
from shared.model.activity_io import JobRequest
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, job_body

JOB_ERROR = {
    "serviceErrorDetails": {
        "code": "151066",
        "message": "The agent could not be installed.",
        "recommendedAction": "Open port 443.",
    }
}
GENERIC_ERROR = {"serviceErrorDetails": {"code": "45005", "message": "Protection couldn't be enabled."}}
CAUSE = Error(code="151066", message="The agent could not be installed.", action="Open port 443.")


def azure_with(item: str = "", job: str = "", **of_job: Any) -> FakeAzure:
    cloud = Cloud()
    if item:
        cloud.vault["replication_protected_items"].append(item_body(item, monitoringPercentageCompletion=43))
    if job:
        cloud.vault["replication_jobs"].append(job_body(job, errors=[JOB_ERROR], **of_job))
    return FakeAzure(settings(), cloud)


async def monitor_job(azure: FakeAzure, request: JobRequest) -> StepResult:
    """The step's answer, with Failed for what it has found to have failed: the step itself did well then."""
    outcome = await step(azure, request)
    if isinstance(outcome, Ready) and "error" in outcome.value:
        return Failed(error=Error.load(outcome.value["error"]))
    return outcome


async def status_with(item: str, job: str, asked_for: str = "job-1") -> str:
    outcome = await monitor_job(azure_with(item, job), JobRequest(vm_id=VM_ID, job=asked_for))
    return outcome.status


@pytest.mark.parametrize(
    ("item", "job", "status"),
    [
        ("", "InProgress", "pending"),
        ("", "Succeeded", "failed"),
        ("", "Failed", "failed"),
        ("", "", "ready"),
        ("EnablingProtection", "InProgress", "pending"),
        ("EnablingProtection", "Succeeded", "pending"),
        ("EnablingProtection", "Failed", "failed"),
        ("EnablingProtection", "", "pending"),
        ("InitialReplicationInProgress", "Succeeded", "pending"),
        ("InitialReplicationInProgress", "", "pending"),
        ("InitialReplicationRecoveryCompletionPending", "Succeeded", "pending"),
        ("Protected", "Succeeded", "ready"),
        ("Protected", "", "ready"),
        ("EnablingFailed", "Failed", "failed"),
        ("EnablingFailed", "Cancelled", "failed"),
        ("EnablingFailed", "Succeeded", "failed"),
        ("EnablingFailed", "", "failed"),
        ("InitialReplicationFailed", "Succeeded", "failed"),
        ("DisablingProtection", "Succeeded", "ready"),
        ("UnplannedFailoverCommitted", "Succeeded", "ready"),
        ("SomethingNew", "Succeeded", "ready"),
    ],
)
async def test_item_and_job_together_say_whether_to_wait(item: str, job: str, status: str) -> None:
    assert await status_with(item, job) == status


@pytest.mark.parametrize(
    ("item", "status"),
    [("", "ready"), ("EnablingProtection", "pending"), ("Protected", "ready"), ("EnablingFailed", "failed")],
)
async def test_without_a_job_the_item_alone_says_it(item: str, status: str) -> None:
    assert await status_with(item, "", asked_for="") == status


async def test_a_job_s_step_is_shown() -> None:
    outcome = await monitor_job(azure_with(job="InProgress"), JobRequest(vm_id=VM_ID, job="job-1"))

    assert isinstance(outcome, Pending)
    assert outcome.step == "Enabling protection: Enable replication"
    assert outcome.retry_after >= 30


COPIES, NEARLY = "InitialReplicationInProgress", "InitialReplicationRecoveryCompletionPending"


@pytest.mark.parametrize(
    ("item", "job", "elapsed", "wait", "reads"),
    [
        ("", "InProgress", 30, 300, ["jobs"]),
        ("", "InProgress", 330, 300, ["items", "jobs"]),
        ("EnablingProtection", "InProgress", 3000, 600, ["items", "jobs"]),
        (COPIES, "Succeeded", 0, 300, ["jobs", "items"]),
        (COPIES, "Succeeded", 330, 300, ["items"]),
        (COPIES, "Succeeded", 1200, 360, ["items"]),
        (COPIES, "Succeeded", 36_000, 600, ["items"]),
        (NEARLY, "Succeeded", 600, 45, ["items"]),
        (NEARLY, "Succeeded", 2000, 80, ["items"]),
        (NEARLY, "Succeeded", 36_000, 120, ["items"]),
    ],
)
async def test_what_takes_long_is_looked_at_rarely_and_often_once_it_is_nearly_there(
    item: str, job: str, elapsed: float, wait: float, reads: list[str]
) -> None:
    azure = azure_with(item, job)

    outcome = await monitor_job(azure, JobRequest(vm_id=VM_ID, job="job-1", elapsed=elapsed))

    assert isinstance(outcome, Pending)
    assert outcome.retry_after == wait
    assert (outcome.step, outcome.percent) == ("Initial replication", 43) or item not in {COPIES, NEARLY}
    assert [read.rsplit("_", 1)[-1] for read in azure.cloud.reads] == reads


@pytest.mark.parametrize(("others", "tick"), [(0, 30), (3, 30), (4, 60), (7, 60), (8, 90), (20, 180), (400, 180)])
@pytest.mark.parametrize("where", ["items", "jobs"])
async def test_the_more_vms_a_vault_enables_the_fewer_are_the_times_at_which_their_runs_go_on(
    others: int, tick: float, where: str
) -> None:
    """By what the vault shows, whatever process follows them: the first read of a new process counts all."""
    azure = azure_with("InitialReplicationInProgress" if where == "items" else "", "InProgress")
    names = [f"vm-{n}" for n in range(others)]
    if where == "items":
        azure.cloud.vault["replication_protected_items"] += [
            item_body("EnablingProtection", f"item-{name}", fabricObjectId=str(VM_ID).replace(VM_ID.name, name))
            for name in names
        ]
    else:
        azure.cloud.vault["replication_jobs"] += [job_body("InProgress", f"job-of-{name}") for name in names]

    outcome = await monitor_job(azure, JobRequest(vm_id=VM_ID, job="" if where == "items" else "job-1"))

    assert isinstance(outcome, Pending)
    assert outcome.tick == tick


@pytest.mark.parametrize(
    "errors",
    [
        {"errors": [GENERIC_ERROR, JOB_ERROR]},
        {"errors": [GENERIC_ERROR], "tasks": [{"taskId": "t", "errors": [JOB_ERROR]}]},
        {"tasks": [{"taskId": "t", "errors": []}, {"taskId": "u", "errors": [GENERIC_ERROR, JOB_ERROR]}]},
        {
            "errors": [
                GENERIC_ERROR,
                {
                    "providerErrorDetails": {
                        "errorCode": 151066,
                        "errorMessage": CAUSE.message,
                        "recommendedAction": CAUSE.action,
                    }
                },
            ]
        },
    ],
)
async def test_a_failed_job_reports_the_real_cause_and_not_the_general_one(errors: dict[str, Any]) -> None:
    cloud = Cloud()
    cloud.vault["replication_jobs"].append(job_body("Failed", **errors))

    outcome = await monitor_job(FakeAzure(settings(), cloud), JobRequest(vm_id=VM_ID, job="job-1"))

    assert outcome == Failed(error=CAUSE)


async def test_a_failed_job_with_the_general_error_alone_reports_that() -> None:
    cloud = Cloud()
    cloud.vault["replication_jobs"].append(job_body("Failed", errors=[{}, GENERIC_ERROR]))

    outcome = await monitor_job(FakeAzure(settings(), cloud), JobRequest(vm_id=VM_ID, job="job-1"))

    assert isinstance(outcome, Failed)
    assert outcome.error.message == "Protection couldn't be enabled."


async def test_a_failed_job_without_a_cause_says_at_least_that() -> None:
    cloud = Cloud()
    cloud.vault["replication_jobs"].append(job_body("Cancelled"))

    outcome = await monitor_job(FakeAzure(settings(), cloud), JobRequest(vm_id=VM_ID, job="job-1"))

    assert isinstance(outcome, Failed)
    assert "Enable replication" in outcome.error.message
    assert "Cancelled" in outcome.error.message


async def test_a_failed_item_without_a_job_reports_its_own_health_error() -> None:
    cloud = Cloud()
    body = item_body("InitialReplicationFailed")
    body["properties"]["healthErrors"] = [
        {"errorCode": "153006", "errorMessage": "No crash point.", "recommendedAction": "Wait."}
    ]
    cloud.vault["replication_protected_items"].append(body)
    azure = FakeAzure(settings(), cloud)

    outcome = await monitor_job(azure, JobRequest(vm_id=VM_ID, job=""))

    assert outcome == Failed(error=Error(code="153006", message="No crash point.", action="Wait."))


async def test_a_failed_item_without_an_error_reports_its_state() -> None:
    outcome = await monitor_job(azure_with("EnablingFailed"), JobRequest(vm_id=VM_ID, job=""))

    assert outcome == Failed(error=Error(code="EnablingFailed", message="It is EnablingFailed"))


async def test_a_hundred_that_follow_their_jobs_read_the_vault_once() -> None:
    azure = azure_with("InitialReplicationInProgress", "Succeeded")

    for _ in range(100):
        await monitor_job(azure, JobRequest(vm_id=VM_ID, job="job-1"))

    assert sorted(azure.cloud.reads) == ["replication_jobs", "replication_protected_items"]


async def test_a_job_that_has_just_ended_is_not_taken_for_failed_by_an_older_list_of_items() -> None:
    azure = azure_with(job="InProgress")
    vault = vault_of(azure, VAULT_ID)
    await vault.items.get()

    azure.cloud.vault["replication_jobs"][:] = [job_body("Succeeded")]
    azure.cloud.vault["replication_protected_items"].append(item_body("InitialReplicationInProgress"))
    outcome = await monitor_job(azure, JobRequest(vm_id=VM_ID, job="job-1"))

    assert outcome.status == "pending"

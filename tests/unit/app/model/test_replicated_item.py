"""Replicated items and jobs: what each state that the service names lets us do, and that an unknown one freezes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arm.listing import Listing
from shared.model import naming
from shared.model.replicated_item import Job, JobStage, Stage
from shared.model.resource_id import ResourceId
from shared.site_recovery.jobs import Jobs
from tests.unit.app.examples import CONTAINER, DEPLOYMENT, SUBSCRIPTION, VM_ID, protected_item

STAGES = {
    "UnprotectedStatesBegin": Stage.ENABLING,
    "EnablingProtection": Stage.ENABLING,
    "InitialReplicationInProgress": Stage.REPLICATING,
    "InitialReplicationRecoveryCompletionPending": Stage.REPLICATING,
    "Protected": Stage.PROTECTED,
    "EnablingFailed": Stage.FAILED,
    "InitialReplicationFailed": Stage.FAILED,
    "DisablingProtection": Stage.DISABLING,
    "DisablingFailed": Stage.FROZEN,
    "PlannedFailoverCommittedStatesBegin": Stage.FROZEN,
    "UnplannedFailoverCommitted": Stage.FROZEN,
    "ReprotectInProgress": Stage.FROZEN,
    "": Stage.FROZEN,
}


@pytest.mark.parametrize(("state", "stage"), STAGES.items())
def test_each_state_of_the_service_is_one_stage(state: str, stage: Stage) -> None:
    assert protected_item(state=state).stage is stage
    assert protected_item(state=state.upper()).stage is stage


@given(st.text().filter(lambda state: state.lower() not in {known.lower() for known in STAGES}))
def test_a_state_that_no_one_has_reported_us_of_freezes_the_item(state: str) -> None:
    assert protected_item(state=state).stage is Stage.FROZEN


@pytest.mark.parametrize("state", STAGES)
@pytest.mark.parametrize(
    "moved",
    [
        {"test_failover": "WaitingForCompletion"},
        {"test_failover": "TestFailoverCompleted"},
        {"active_location": "Recovery"},
        {"active_location": "recovery"},
        {"direction_reversed": True},
    ],
)
def test_an_item_under_test_failover_or_failed_over_is_frozen_in_every_state(state: str, moved: dict[str, Any]) -> None:
    assert protected_item(state=state, **moved).stage is Stage.FROZEN


@pytest.mark.parametrize("quiet", [{"test_failover": "None"}, {"test_failover": ""}, {"active_location": "Primary"}])
def test_no_test_failover_freezes_nothing(quiet: dict[str, str]) -> None:
    assert protected_item(**quiet).stage is Stage.PROTECTED


def test_an_item_is_ours_by_its_name_alone() -> None:
    ours = CONTAINER.child("replicationProtectedItems", naming.item_name(VM_ID, DEPLOYMENT).upper())
    other_vm = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "web-2")

    assert protected_item(id=ours).is_ours
    assert not protected_item().is_ours
    assert not protected_item(id=ours, source=other_vm).is_ours


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        ("NotStarted", JobStage.RUNNING),
        ("InProgress", JobStage.RUNNING),
        ("Cancelling", JobStage.RUNNING),
        ("SomethingNew", JobStage.RUNNING),
        ("Succeeded", JobStage.SUCCEEDED),
        ("CompletedWithInformation", JobStage.SUCCEEDED),
        ("Failed", JobStage.FAILED),
        ("Cancelled", JobStage.FAILED),
        ("Suspended", JobStage.FAILED),
        ("Other", JobStage.FAILED),
    ],
)
def test_each_state_of_a_job_is_one_stage(state: str, stage: JobStage) -> None:
    assert Job(name="1", scenario="EnableDr", state=state).stage is stage
    assert Job(name="1", scenario="EnableDr", state=state.lower()).stage is stage


def test_a_job_enables_a_vm_by_scenario_name_and_state() -> None:
    job = Job(name="1", scenario="EnableDr", state="InProgress", target="WEB-1")
    others = ({"scenario": "DisableDr"}, {"target": "web-10"}, {"state": "Succeeded"}, {"state": "Failed"})
    more = (job.with_(**{"name": f"not-{n}", **other}) for n, other in enumerate(others))
    jobs = Jobs(Listing((job, *more)))

    assert jobs.enabling(VM_ID) == [job]
    assert [jobs.named(name) for name in ("1", "2")] == [job, None]
    assert len(tuple(jobs)) == 5


@pytest.mark.parametrize("state", [state for state, stage in STAGES.items() if stage is Stage.FAILED])
def test_a_failed_item_that_once_was_protected_is_frozen_and_no_mere_attempt(state: str) -> None:
    assert protected_item(state=state).stage is Stage.FAILED
    assert protected_item(state=state, held_recovery_points=True).stage is Stage.FROZEN


@pytest.mark.parametrize(("state", "stage"), [(s, stage) for s, stage in STAGES.items() if stage is not Stage.FAILED])
def test_a_history_changes_nothing_in_any_other_state(state: str, stage: Stage) -> None:
    assert protected_item(state=state, held_recovery_points=True).stage is stage

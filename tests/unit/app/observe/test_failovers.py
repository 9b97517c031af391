"""After a failover whose replication was disabled, neither VM is enabled without a person's word."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.resolve_source import resolve_source
from shared.arm.errors import to_step_result
from shared.arm.origin_store import OriginStoreError
from shared.arm.origins import name_of
from shared.config.settings import Intent
from shared.model.activity_io import ObserveRequest
from shared.model.decision import Action, State
from shared.model.failover import Failover, begun_at, failovers_of
from shared.model.replicated_item import Job
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending
from shared.observe.inventory import compliance_report
from shared.observe.vm import observe
from tests.unit.app.examples import SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body, our_item_name
from triggers.problems import Problem
from triggers.requests import translate_azure_errors

CODE = "DisabledAfterFailover"
LIVE = ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-1")
RENAMED = ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-9")
ANOTHER = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "web-2")
TAGS = {"dr": "true"}


def world(*vms: ResourceId) -> Cloud:
    cloud = Cloud()
    for vm in vms:
        cloud.add_vm(TAGS, vm=vm)
    return cloud


def fail_over(cloud: Cloud, recovered: ResourceId = LIVE, **details: Any) -> None:
    item = item_body(
        "UnplannedFailoverCommitted",
        our_item_name(),
        recoveryFabricObjectId=str(recovered),
        managementId="m-1",
        **details,
    )
    item["properties"]["activeLocation"] = "Recovery"
    cloud.vault["replication_protected_items"] = [item]


def disable(cloud: Cloud) -> None:
    cloud.vault["replication_protected_items"].clear()


def another_process(cloud: Cloud) -> FakeAzure:
    return FakeAzure(settings(), cloud)


async def said(cloud: Cloud, vm: ResourceId) -> set[tuple[State, Action, bool]]:
    """What the VM's run and the sweep decide, each in a process of its own."""
    decision = (await observe(another_process(cloud), vm)).decision
    (status,) = [each for each in (await compliance_report(another_process(cloud))).vm_statuses if each.vm_id == vm]
    return {
        (state, action, CODE in [each.code for each in findings])
        for state, action, findings in (
            (decision.state, decision.action, decision.findings),
            (status.state, status.action, status.findings),
        )
    }


HELD = {(State.NOT_ELIGIBLE, Action.NONE, True)}


@pytest.mark.parametrize("recovered", [LIVE, RENAMED])
@pytest.mark.parametrize("seen_by", ["sweep", "run of the source", "run of the other"])
async def test_neither_vm_is_enabled_once_the_item_was_seen_failed_over(seen_by: str, recovered: ResourceId) -> None:
    cloud = world(VM_ID, recovered)
    fail_over(cloud, recovered)
    if seen_by == "sweep":
        await compliance_report(another_process(cloud))
    else:
        await observe(another_process(cloud), VM_ID if seen_by == "run of the source" else recovered)
    disable(cloud)

    assert await said(cloud, VM_ID) == HELD
    assert await said(cloud, recovered) == HELD


async def test_the_word_of_a_person_frees_the_vm_it_is_about_for_good_and_a_later_failover_ends_it() -> None:
    cloud = world(VM_ID, RENAMED)
    fail_over(cloud, RENAMED)
    await compliance_report(another_process(cloud))
    disable(cloud)
    azure = another_process(cloud)
    observation = await observe(azure, RENAMED, intent=Intent.YES, released=True)
    assert observation.decision.action is Action.ENABLE
    assert observation.failover
    await azure.failovers.confirm(observation.failover)

    for _ in range(2):
        assert CODE not in str(await said(cloud, RENAMED))
        assert {held for _, _, held in await said(cloud, RENAMED)} == {False}
        assert await said(cloud, VM_ID) == HELD

    fail_over(cloud, RENAMED)
    await compliance_report(another_process(cloud))
    disable(cloud)
    assert await said(cloud, RENAMED) == HELD


@pytest.mark.parametrize("gone", [VM_ID, RENAMED])
async def test_where_the_other_vm_is_gone_there_is_nothing_to_decide(gone: ResourceId) -> None:
    cloud = world(VM_ID, RENAMED)
    fail_over(cloud, RENAMED)
    await compliance_report(another_process(cloud))
    disable(cloud)
    del cloud.resources[gone.key]
    left = RENAMED if gone == VM_ID else VM_ID

    assert {held for _, _, held in await said(cloud, left)} == {False}


async def test_another_vm_that_cannot_be_read_may_exist() -> None:
    cloud = world(VM_ID, RENAMED)
    fail_over(cloud, RENAMED)
    await compliance_report(another_process(cloud))
    disable(cloud)
    cloud.faults[str(RENAMED)] = answer(403, "AuthorizationFailed")

    assert await said(cloud, VM_ID) == HELD


async def test_an_item_under_test_failover_leaves_nothing_to_decide() -> None:
    cloud = world(VM_ID, LIVE)
    item = item_body("Protected", our_item_name(), testFailoverRecoveryFabricObjectId=str(LIVE))
    item["properties"]["testFailoverState"] = "WaitingForCompletion"
    cloud.vault["replication_protected_items"] = [item]
    await compliance_report(another_process(cloud))
    disable(cloud)

    assert CODE not in [each.code for each in (await observe(another_process(cloud), VM_ID)).decision.findings]


async def test_records_that_cannot_be_read_hold_the_vm() -> None:
    cloud = world(VM_ID)
    cloud.records.fault = OriginStoreError("no answer")

    report = await compliance_report(another_process(cloud))
    with pytest.raises(OriginStoreError):
        await observe(another_process(cloud), VM_ID)

    (status,) = [each for each in report.vm_statuses if each.vm_id == VM_ID]
    assert (status.state, status.action) == (State.UNKNOWN, Action.NONE)
    assert any("no answer" in gap for gap in report.gaps)


@pytest.mark.parametrize("text", [b"", b'{"vm":', b"{}"])
async def test_a_record_that_cannot_be_parsed_holds_its_own_vm_and_is_written_again(text: bytes) -> None:
    cloud = world(VM_ID, ANOTHER)
    fail_over(cloud)
    await compliance_report(another_process(cloud))
    disable(cloud)
    name = f"failover-{name_of(VM_ID)}"
    assert name in cloud.records.texts
    cloud.records.texts[name] = text

    report = await compliance_report(another_process(cloud))

    standing = {each.vm_id: (each.state, each.action) for each in report.vm_statuses}
    assert standing == {VM_ID: (State.UNKNOWN, Action.NONE), ANOTHER: (State.UNPROTECTED, Action.ENABLE)}
    (gap,) = report.gaps
    assert name in gap
    fail_over(cloud)
    assert (await compliance_report(another_process(cloud))).gaps == ()


# By the jobs of a vault: what no sweep has seen


def job(
    scenario: str, hour: int, state: str = "Succeeded", target: str = VM_ID.name, about: str | None = None, **more: Any
) -> dict[str, Any]:
    """`about` is Site Recovery's own ID of what the job is about (recorded: the same in all jobs of an item)."""
    times = {"startTime": f"2026-05-01T{hour:02}:00:00Z"}
    return job_body(
        state, f"{scenario}-{hour}", scenario, targetObjectName=target, targetObjectId=about, **times, **more
    )


@pytest.mark.parametrize(
    ("jobs", "held"),
    [
        ([job("EnableDr", 1), job("UnplannedFailover", 2), job("CommitFailover", 3), job("DisableDr", 4)], True),
        ([job("UnplannedFailover", 2)], True),
        ([job("UnplannedFailover", 2), job("EnableDr", 5)], False),
        ([job("UnplannedFailover", 2), job("EnableDr", 5, "Failed")], True),
        ([job("UnplannedFailover", 2, "Failed")], False),
        ([job("UnplannedFailover", 2, target="another")], False),
        ([job("TestFailover", 2), job("DisableDr", 4)], False),
        ([job("UnplannedFailover", 2, about="a"), job("EnableDr", 5, about="a")], False),
        ([job("UnplannedFailover", 2, about="a"), job("EnableDr", 5, about="b")], True),
        ([job("UnplannedFailover", 2, about="a"), job("EnableDr", 5)], True),
        ([job("UnplannedFailover", 2), job("EnableDr", 5, about="b")], False),
        ([], False),
    ],
)
async def test_a_failover_that_no_sweep_saw_is_known_by_its_jobs(jobs: list[dict[str, Any]], held: bool) -> None:
    """Both VMs have the name that the jobs tell."""
    cloud = world(VM_ID, LIVE)
    cloud.vault["replication_jobs"] += jobs

    for vm in (VM_ID, LIVE):
        assert {found for _, _, found in await said(cloud, vm)} == {held}


async def test_one_vm_of_that_name_alone_is_not_held_by_jobs_and_a_word_outlasts_them() -> None:
    cloud = world(VM_ID)
    cloud.vault["replication_jobs"].append(job("UnplannedFailover", 2))
    assert {held for _, _, held in await said(cloud, VM_ID)} == {False}

    cloud.add_vm(TAGS, vm=LIVE)
    azure = another_process(cloud)
    observation = await observe(azure, LIVE)
    assert observation.failover
    await azure.failovers.confirm(observation.failover)

    assert {held for _, _, held in await said(cloud, LIVE)} == {False}
    assert await said(cloud, VM_ID) == HELD
    cloud.vault["replication_jobs"].append(job("UnplannedFailover", 23) | {"name": "later"})
    later = datetime.now(UTC) + timedelta(days=1)
    cloud.vault["replication_jobs"][-1]["properties"]["startTime"] = later.isoformat()
    assert await said(cloud, LIVE) == HELD


NAMESAKE = ResourceId.of(SUBSCRIPTION, "shop", VM_ID.type, VM_ID.name)
OF_PLAN = {"targetInstanceType": "RecoveryPlan"}


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize(
    ("jobs", "held"),
    [
        ([job("UnplannedFailover", 2, about="a"), job("CommitFailover", 3, about="a")], False),
        ([job("UnplannedFailover", 2, about="a"), job("UnplannedFailover", 3, about="b")], True),
        ([job("UnplannedFailover", 2, about="a"), job("UnplannedFailover", 3, "Failed", about="b")], True),
        ([job("UnplannedFailover", 2)], True),
        ([job("UnplannedFailover", 23, about="a")], True),
        ([job("UnplannedFailover", 2, about="a"), job("UnplannedFailover", 3, target="plan", **OF_PLAN)], True),
    ],
    ids=["its own", "two", "a failed one too", "no ID", "after the record", "perhaps by a plan"],
)
async def test_a_namesake_is_not_held_by_a_failover_that_is_known_to_be_another_vms(
    jobs: list[dict[str, Any]], held: bool, confirmed: bool
) -> None:
    """A job names its VM by the name alone: the app's own record says whose failover it was, if there was but one."""
    cloud = world(VM_ID, LIVE, NAMESAKE)
    azure = another_process(cloud)
    for vm, other in ((VM_ID, LIVE), (LIVE, VM_ID)):
        record = Failover(vm=vm, others=(other,), seen_at=datetime(2026, 5, 1, 22, tzinfo=UTC))
        await azure.failovers._write(record)
        if confirmed:
            await azure.failovers.confirm(record)
    cloud.vault["replication_jobs"] += jobs

    assert {found for _, _, found in await said(cloud, NAMESAKE)} == {held}


@pytest.mark.parametrize("by_record", [True, False])
async def test_a_sweep_asks_for_all_vms_of_failovers_at_once(by_record: bool) -> None:
    """After a disaster there are hundreds: a read or a query for each would reach the limits of Azure in every sweep,
    and none would come to its end."""
    sources = [ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"db-{number}") for number in range(30)]
    others = [ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, vm.name) for vm in sources]
    cloud = world(*sources, *others)
    azure = another_process(cloud)
    for vm, other in zip(sources, others, strict=True):
        if by_record:
            for one, two in ((vm, other), (other, vm)):
                await azure.failovers._write(Failover(vm=one, others=(two,), seen_at=datetime.now(UTC)))
        else:
            cloud.vault["replication_jobs"].append(job("UnplannedFailover", 2, target=vm.name) | {"name": vm.name})
    without = len(cloud.reads)
    report = await compliance_report(another_process(cloud))

    assert len(report.vm_statuses) == 60
    assert all(CODE in [finding.code for finding in each.findings] for each in report.vm_statuses)
    assert len(cloud.reads) - without < 15


async def test_a_sweep_lists_the_records_once_and_reads_those_of_its_vms_alone() -> None:
    vms = [ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"db-{number}") for number in range(40)]
    cloud = world(*vms)
    azure = another_process(cloud)
    await azure.failovers.confirm(Failover(vm=vms[7], others=(LIVE,), seen_at=datetime.now(UTC)))
    before = cloud.records.count

    await compliance_report(azure)

    assert cloud.records.count - before == len(["list of drills", "list", "record of db-7"])


async def test_a_list_that_is_short_holds_the_vm_and_the_request_says_so() -> None:
    cloud = world(VM_ID, LIVE)
    cloud.vault["replication_jobs"].append(job("UnplannedFailover", 2))
    cloud.untold = 1

    outcome = await to_step_result(resolve_source(another_process(cloud), ObserveRequest(vm_id=VM_ID)), 30)
    with pytest.raises(Problem) as refused:
        await translate_azure_errors(observe(another_process(cloud), VM_ID))

    assert isinstance(outcome, Pending)
    assert (refused.value.status, refused.value.document["code"]) == (502, "ListTruncated")


def test_a_job_without_a_start_tells_nothing() -> None:
    jobs = [Job(name="1", scenario="UnplannedFailover", state="Succeeded", target="a")]

    assert (failovers_of(jobs), begun_at(jobs)) == ((), None)


async def test_a_word_counts_from_the_failover_it_is_about() -> None:
    """The clock of Azure may be ahead of the app's."""
    azure, ahead = another_process(Cloud()), datetime.now(UTC) + timedelta(hours=1)
    await azure.failovers.confirm(Failover(vm=VM_ID, others=(LIVE,), seen_at=ahead))

    found = await azure.failovers.of(VM_ID)
    assert found
    assert found.confirmed_at == ahead

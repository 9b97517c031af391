"""Asking for protection: once, with what was derived, and never where an item or a job is there."""

import pytest
from azure.core.exceptions import HttpResponseError

from activities.enable_protection import enable_protection
from shared.arm import ttl_cache
from shared.arm.errors import ThrottledError, WriteRefusedError
from shared.model.activity_io import EnableRequest
from shared.model.replication import Replication
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending, Ready
from shared.site_recovery import replicated_items
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    CONTAINER,
    SUBSCRIPTION,
    VAULT_ID,
    VM_ID,
    plan_of,
    planning_context,
    settings,
    source_vm,
)
from tests.unit.app.fake_azure import (
    FAR_CONTAINER,
    POLICY,
    Cloud,
    FakeAzure,
    answer,
    item_body,
    job_body,
    our_item_name,
)

REQUEST = "create replication_protected_items"


def replication() -> Replication:
    found = plan_of(source_vm(), planning_context(), settings()).replication
    assert found
    return found


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_region_pair()
    return cloud


@pytest.fixture
def azure(cloud: Cloud) -> FakeAzure:
    return FakeAzure(settings(), cloud)


REQUESTED = EnableRequest(vm_id=VM_ID, replication=replication())


async def test_the_request_goes_to_the_containers_found_under_our_name_for_the_item(
    azure: FakeAzure, cloud: Cloud
) -> None:
    outcome = await enable_protection(azure, REQUESTED)

    assert outcome == Ready(value={"job": "create-1"})
    ((what, path_and_body),) = cloud.writes
    *path, body = path_and_body
    assert what == REQUEST
    assert path == ["dr", "vault", "east", "east-container", our_item_name()]
    details = body.properties.provider_specific_details
    assert body.properties.policy_id.lower() == str(POLICY).lower()
    assert details.fabric_object_id == str(VM_ID)
    assert details.recovery_container_id.lower() == str(FAR_CONTAINER).lower()
    assert details.recovery_resource_group_id == str(replication().target_group)
    assert details.recovery_availability_set_id is None
    (disk,) = details.vm_managed_disks
    assert disk.primary_staging_azure_storage_account_id == str(replication().cache_account)
    assert (disk.recovery_replica_disk_account_type, disk.recovery_target_disk_account_type) == ("Premium_LRS",) * 2


async def test_an_availability_set_is_asked_for_where_one_was_derived(azure: FakeAzure, cloud: Cloud) -> None:
    wanted = replication().with_(availability_set=AVAILABILITY_SET)

    await enable_protection(azure, EnableRequest(vm_id=VM_ID, replication=wanted))

    body = cloud.writes[0][1][-1]
    assert body.properties.provider_specific_details.recovery_availability_set_id == str(AVAILABILITY_SET)


@pytest.mark.parametrize("state", ["EnablingProtection", "Protected", "EnablingFailed", "SomethingNew"])
async def test_a_vm_with_an_item_in_any_state_is_not_asked_for(azure: FakeAzure, cloud: Cloud, state: str) -> None:
    cloud.vault["replication_protected_items"].append(item_body(state))

    assert await enable_protection(azure, REQUESTED) == Ready(value={"job": ""})
    assert cloud.writes == []


@pytest.mark.parametrize("state", ["NotStarted", "InProgress"])
async def test_a_running_enable_job_of_others_is_waited_for_where_the_item_cannot_be_read_yet(
    azure: FakeAzure, cloud: Cloud, state: str
) -> None:
    cloud.vault["replication_jobs"].append(job_body(state, "portal-s-job"))

    outcome = await enable_protection(azure, REQUESTED)

    assert isinstance(outcome, Pending)
    assert "a VM of this name is being enabled" in outcome.step
    assert cloud.writes == []


@pytest.mark.parametrize(
    "other",
    [
        job_body("Failed"),
        job_body("Succeeded"),
        job_body("InProgress", scenario="DisableDr"),
        job_body("InProgress", targetObjectName="web-10"),
    ],
)
async def test_other_jobs_do_not_stand_for_the_request(
    azure: FakeAzure, cloud: Cloud, other: dict[str, object]
) -> None:
    cloud.vault["replication_jobs"].append(other)

    await enable_protection(azure, REQUESTED)

    assert cloud.written == [REQUEST]


async def test_asked_again_after_a_restart_while_the_item_is_hidden_it_waits(azure: FakeAzure, cloud: Cloud) -> None:
    await enable_protection(azure, REQUESTED)
    cloud.vault["replication_jobs"].append(job_body("InProgress", "create-1"))
    restarted = FakeAzure(settings(), cloud)

    assert isinstance(await enable_protection(restarted, REQUESTED), Pending)
    assert cloud.written == [REQUEST]


async def test_asked_again_at_once_by_the_same_process_it_sends_nothing_more(azure: FakeAzure, cloud: Cloud) -> None:
    first = await enable_protection(azure, REQUESTED)
    cloud.vault["replication_jobs"].append(job_body("InProgress", "create-1"))

    assert await enable_protection(azure, REQUESTED) == first
    assert cloud.written == [REQUEST]


async def test_a_job_that_this_process_began_for_a_vm_of_the_same_name_is_not_taken_for_it(
    azure: FakeAzure, cloud: Cloud
) -> None:
    twin = ResourceId.of(SUBSCRIPTION, "other", VM_ID.type, VM_ID.name)
    await enable_protection(azure, EnableRequest(vm_id=twin, replication=replication()))
    cloud.vault["replication_jobs"].append(job_body("InProgress", "create-1"))
    vault_of(azure, VAULT_ID).jobs.forget()

    assert await enable_protection(azure, REQUESTED) == Ready(value={"job": "create-2"})


async def test_without_a_container_mapping_it_waits_and_says_what_is_missing() -> None:
    cloud = Cloud()

    outcome = await enable_protection(FakeAzure(settings(), cloud), REQUESTED)

    assert isinstance(outcome, Pending)
    assert outcome.error
    assert "eastus to westus2" in outcome.error.message
    assert cloud.writes == []


async def test_a_mapping_the_wrong_way_or_of_another_policy_does_not_do(cloud: Cloud, azure: FakeAzure) -> None:
    mappings = cloud.vault["replication_protection_container_mappings"]
    mappings[:] = [mapping for mapping in mappings if not mapping["id"].startswith(str(CONTAINER))]

    assert isinstance(await enable_protection(azure, REQUESTED), Pending)
    assert cloud.writes == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paused": True}, "WritesDisabled"),
        ({"mode": "report"}, "WritesDisabled"),
        ({"source_scope": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/db"}, "OutOfScope"),
        ({"target_scope": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/db"}, "TargetOutOfScope"),
    ],
)
async def test_what_the_settings_forbid_is_not_sent(cloud: Cloud, changes: dict[str, object], code: str) -> None:
    with pytest.raises(WriteRefusedError) as refused:
        await enable_protection(FakeAzure(settings(**changes), cloud), REQUESTED)

    assert refused.value.error.code == code
    assert cloud.writes == []


async def test_a_refused_request_is_sent_once_and_its_error_goes_through(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.faults["write"] = answer(409, "Conflict")

    with pytest.raises(HttpResponseError):
        await enable_protection(azure, REQUESTED)
    assert cloud.written == [REQUEST]


async def test_what_was_not_even_sent_leaves_the_lists_as_they_are_known(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.faults["write"] = ThrottledError("rate limit of writes reached", 7, lambda wait: wait)

    with pytest.raises(ThrottledError):
        await enable_protection(azure, REQUESTED)
    known = list(cloud.reads)

    assert await enable_protection(azure, REQUESTED) == Ready(value={"job": "create-2"})
    assert cloud.reads == known


# What others did meanwhile


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (ttl_cache, replicated_items):
        monkeypatch.setattr(module, "monotonic", clock)
    return clock


async def look(azure: FakeAzure) -> None:
    """What leads to the request: the vault's items and jobs were read then."""
    vault = vault_of(azure, VAULT_ID)
    await vault.items.get()
    await vault.jobs.get()


async def test_what_another_process_asked_for_since_the_look_is_not_asked_for_again(
    azure: FakeAzure, cloud: Cloud, clock: Clock
) -> None:
    await look(azure)
    await enable_protection(FakeAzure(settings(), cloud), REQUESTED)
    cloud.vault["replication_protected_items"].append(item_body("EnablingProtection", our_item_name()))
    clock.now += 2.1

    assert await enable_protection(azure, REQUESTED) == Ready(value={"job": ""})
    assert cloud.written == [REQUEST]


async def test_a_job_that_another_process_began_since_the_look_is_waited_for(
    azure: FakeAzure, cloud: Cloud, clock: Clock
) -> None:
    await look(azure)
    await enable_protection(FakeAzure(settings(), cloud), REQUESTED)
    cloud.vault["replication_jobs"].append(job_body("InProgress", "create-1"))
    clock.now += 2.1

    assert isinstance(await enable_protection(azure, REQUESTED), Pending)
    assert cloud.written == [REQUEST]


async def test_lists_that_were_read_a_moment_ago_serve_for_a_hundred_requests(
    azure: FakeAzure, cloud: Cloud, clock: Clock
) -> None:
    await look(azure)
    clock.now += 1.9
    for number in range(100):
        vm = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"vm-{number}")
        await enable_protection(azure, EnableRequest(vm_id=vm, replication=replication()))

    assert len(cloud.writes) == 100
    assert cloud.reads.count("replication_protected_items") == 1
    assert cloud.reads.count("replication_jobs") == 1


async def test_a_job_of_others_for_a_vm_of_this_name_is_adopted_by_no_one(
    azure: FakeAzure, cloud: Cloud, clock: Clock
) -> None:
    cloud.vault["replication_jobs"].append(job_body("InProgress", "of-another-web-1"))

    first = await enable_protection(azure, REQUESTED)
    cloud.vault["replication_jobs"][:] = [job_body("Failed", "of-another-web-1")]
    clock.now += 30

    assert first == Pending(retry_after=30, step="Waiting: a VM of this name is being enabled")
    assert await enable_protection(azure, REQUESTED) == Ready(value={"job": "create-1"})
    assert vault_of(azure, VAULT_ID).enable_jobs == {VM_ID: "create-1"}


@pytest.mark.parametrize("is_protected", [True, False], ids=["its item is there", "disabled since"])
async def test_a_job_that_ends_between_the_two_lists_has_enabled_the_vm(
    azure: FakeAzure, cloud: Cloud, is_protected: bool
) -> None:
    """The items were read while it ran, and hid what it made; the jobs when it had ended."""
    await vault_of(azure, VAULT_ID).items.get()
    cloud.vault["replication_jobs"].append(job_body("Succeeded"))
    cloud.vault["replication_protected_items"] += [item_body("Protected")] * is_protected

    outcome = await enable_protection(azure, REQUESTED)

    assert outcome == Ready(value={"job": "" if is_protected else "create-1"})
    assert len(cloud.writes) == (not is_protected)

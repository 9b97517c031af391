"""The records of what this deployment made: written before and after each creation, and read before each removal."""

import asyncio
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from activities.create_target_resources import create_target_resource
from activities.disable_protection import disable_protection
from activities.enable_protection import enable_protection
from activities.monitor_job import monitor_job
from activities.remove_failed_item import remove_failed_item
from shared.arm.errors import WriteRefusedError, to_step_result
from shared.arm.origin_store import Blobs, Directory, OriginStoreError
from shared.arm.origins import Origins, name_of
from shared.arm.pipeline import Intended
from shared.config.settings import Mode
from shared.model import naming
from shared.model.activity_io import JobRequest, VmRequest
from shared.model.decision import Action
from shared.model.names import DEFAULT_NAMES
from shared.model.origin import Origin
from shared.model.resource_id import ResourceId
from shared.model.step_result import Failed, Pending, Ready
from shared.model.target_resources import (
    Container,
    ContainerMapping,
    Fabric,
    ReplicationPolicy,
    ResourceGroup,
    TargetResource,
    VirtualNetwork,
)
from shared.observe.inventory import compliance_report
from shared.observe.vm import observe
from shared.site_recovery.replicated_items import remove
from shared.site_recovery.vault import vault_of
from tests.unit.app.activities.test_enable_protection import REQUESTED
from tests.unit.app.examples import CONTAINER, SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, Records, item_body, job_body, our_item_name
from tests.unit.app.provision.test_target_resources import WANTED

GROUP = ResourceId.of(SUBSCRIPTION, "web-asr")
ITEM = CONTAINER.child("replicationProtectedItems", our_item_name())
POINTS = {"lastRpoCalculatedTime": "2026-05-01T10:00:00Z", "managementId": "m-1"}


# The store


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return Directory(tmp_path / "origins") if request.param == "directory" else Records()


async def test_an_intent_becomes_a_proof_that_other_processes_read(store: Any) -> None:
    here, there = Origins(store), Origins(store)
    assert await here.of(GROUP) is None
    assert (await here.proof(GROUP))[1] == "this deployment has no record of its creation"

    origin = await here.intend(GROUP, content="abc")
    assert (await there.proof(GROUP))[1] == "the record of its creation was never confirmed"
    await here.prove(origin, "guid-1")

    found, gap = await there.proof(GROUP, "guid-1")
    assert (gap, found and found.content) == ("", "abc")
    assert "others have made it again" in (await there.proof(GROUP, "guid-2"))[1]
    assert await there.of(ResourceId(str(GROUP).upper())) == found


async def test_two_processes_that_create_the_same_at_once_share_one_intent(store: Any) -> None:
    one, other = await asyncio.gather(Origins(store).intend(GROUP), Origins(store).intend(GROUP))
    assert one == other

    await Origins(store).prove(one, "guid-1")
    assert (await Origins(store).intend(GROUP)).proven_at
    assert (await Origins(store).proof(GROUP, "guid-1"))[1] == ""


async def test_what_is_made_again_later_needs_a_proof_again(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    origins = Origins(store)
    await origins.prove(await origins.intend(GROUP), "guid-1")
    monkeypatch.setattr("shared.arm.origins._SHARED_FOR", timedelta())

    assert (await origins.intend(GROUP)).proven_at is None
    assert "never confirmed" in (await origins.proof(GROUP, "guid-1"))[1]


async def confirmed(origins: Origins, incarnation: str, by: Origins | None = None, **about: str) -> Origin:
    """The intent to enable the VM, proven then by the same process or another one."""
    intent = await origins.intend(ITEM, vm=VM_ID, **about)
    found = await (by or origins).unproven(ITEM, incarnation)
    assert found == intent
    await (by or origins).prove(found, incarnation)
    assert await (by or origins).unproven(ITEM, incarnation) is None
    return intent


async def test_an_item_that_another_process_enables_again_is_confirmed_again(store: Any) -> None:
    one, another = Origins(store), Origins(store)
    await confirmed(one, "m-1")
    await confirmed(another, "m-2", by=one)

    assert [(await one.proof(ITEM, name))[1] == "" for name in ("m-1", "m-2")] == [False, True]


async def test_an_item_that_is_enabled_again_has_an_intent_of_its_own(store: Any) -> None:
    origins = Origins(store)
    await confirmed(origins, "m-1", tag_name="dr")
    again = await confirmed(origins, "m-2", tag_name="backup")

    found, gap = await origins.proof(ITEM, "m-2")
    assert (gap, again.proven_at) == ("", None)
    assert found
    assert (found.vm, found.tag_name) == (VM_ID, "backup")


async def test_files_are_read_by_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "origins"
    await Origins(Directory(folder)).intend(GROUP)

    (file,) = folder.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == (name_of(GROUP), 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_record_that_cannot_be_read_or_parsed_proves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "origins"
    origins = Origins(Directory(folder))
    await origins.prove(await origins.intend(GROUP))
    (folder / name_of(GROUP)).write_text('{"resource": ')
    assert "cannot be parsed" in (await origins.proof(GROUP))[1]

    assert (await origins.intend(GROUP)).proven_at is None
    assert "never confirmed" in (await origins.proof(GROUP))[1]

    (folder / name_of(GROUP)).unlink()
    (folder / name_of(GROUP)).mkdir()
    assert "cannot be read" in (await origins.proof(GROUP))[1]


async def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "origins").write_text("a file")
    with pytest.raises(OriginStoreError):
        await Origins(Directory(tmp_path / "origins")).intend(GROUP)


# Nothing is created without its intent


def put(url: str, method: str = "PUT") -> PipelineRequest[Any]:
    return PipelineRequest(
        HttpRequest(method, f"https://management.azure.com{url}?api-version=1"), PipelineContext(None)
    )


async def test_every_put_needs_an_intent_of_its_own() -> None:
    origins = Origins(Records())
    policy = Intended(origins)
    path = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/web-asr"
    with pytest.raises(WriteRefusedError, match="No record of the intent"):
        policy.on_request(put(path))

    await origins.intend(GROUP)
    policy.on_request(put(path))
    with pytest.raises(WriteRefusedError, match="No record of the intent"):
        policy.on_request(put(path))
    for method in ("GET", "PATCH", "POST", "DELETE", "HEAD"):
        policy.on_request(put(path, method))


_MAPPINGS = "replication_protection_container_mappings"
MISSING: dict[type[TargetResource], tuple[str, ...]] = {
    Fabric: ("replication_fabrics", "replication_protection_containers", _MAPPINGS),
    Container: ("replication_protection_containers", _MAPPINGS),
    ReplicationPolicy: ("replication_policies",),
    ContainerMapping: (_MAPPINGS,),
}


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: wanted.kind)
async def test_where_the_store_cannot_be_written_nothing_is_created(wanted: TargetResource) -> None:
    cloud = Cloud()
    cloud.add_region_pair()
    for missing in MISSING.get(type(wanted), ()):
        cloud.vault[missing].clear()
    cloud.records.fault = OriginStoreError("https://st.blob.core.windows.net/dr-origins answers 403")

    outcome = await to_step_result(create_target_resource(FakeAzure(settings(), cloud), wanted), 30)

    assert cloud.writes == []
    assert isinstance(outcome, Pending)
    assert outcome.error
    assert outcome.error.code == "OriginStoreUnavailable"
    assert "Nothing is created without it" in outcome.error.message
    assert "Storage Blob Data Owner" in outcome.error.action


async def test_where_the_store_cannot_be_written_nothing_is_enabled() -> None:
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    cloud.add_region_pair()
    cloud.records.fault = OriginStoreError("no answer")

    outcome = await to_step_result(enable_protection(FakeAzure(settings(), cloud), REQUESTED), 30)

    assert cloud.writes == []
    assert isinstance(outcome, Pending)
    assert outcome.error
    assert outcome.error.code == "OriginStoreUnavailable"


# Replicated items


def protected(cloud: Cloud, name: str = "", state: str = "Protected", **details: Any) -> None:
    cloud.vault["replication_protected_items"].append(item_body(state, name or our_item_name(), **POINTS | details))


def cleanup(cloud: Cloud, **changes: Any) -> FakeAzure:
    return FakeAzure(
        settings(mode=Mode.CLEANUP, untag_grace_hours=0, max_disable_percent_per_day=100, **changes), cloud
    )


async def test_an_item_is_proven_by_the_run_that_follows_its_enabling_and_then_may_be_disabled() -> None:
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    cloud.add_region_pair()
    azure = cleanup(cloud)
    enabled = await enable_protection(azure, REQUESTED)
    assert isinstance(enabled, Ready)
    protected(cloud, state="InitialReplicationInProgress")
    vault_of(azure, VAULT_ID).items.forget()
    following = JobRequest(vm_id=VM_ID, job=enabled.value["job"])
    await monitor_job(azure, following)
    calls = cloud.records.count
    await monitor_job(azure, following)
    assert cloud.records.count == calls

    cloud.add_vm({})
    (status,) = [each for each in (await compliance_report(azure, 0)).vm_statuses if each.item_id]
    assert status.action is Action.DISABLE
    await disable_protection(azure, VmRequest(vm_id=VM_ID))
    assert cloud.written[-1] == "delete replication_protected_items"


Prepare = Callable[[Cloud], None]


def lost(cloud: Cloud) -> None:
    """No record was ever there, or all of them are gone."""


def unreadable(cloud: Cloud) -> None:
    cloud.prove(ITEM, incarnation="m-1")
    cloud.records.fault = OriginStoreError("no answer")


def unconfirmed(cloud: Cloud) -> None:
    cloud.prove(ITEM, incarnation="m-1", proven_at=None)


def enabled_again_by_others(cloud: Cloud) -> None:
    cloud.prove(ITEM, incarnation="m-0")


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lost, "no record of its creation"),
        (unreadable, "cannot be read: no answer"),
        (unconfirmed, "was never confirmed"),
        (enabled_again_by_others, "others have made it again since"),
    ],
)
async def test_an_item_without_its_proof_stays_and_the_finding_says_why(
    prepare: Prepare, why: str, confirmed: bool
) -> None:
    cloud = Cloud(kept=False)
    cloud.add_vm({})
    protected(cloud)
    prepare(cloud)
    azure = cleanup(cloud)

    report = await compliance_report(azure)
    outcome = await disable_protection(azure, VmRequest(vm_id=VM_ID, confirmed=confirmed))

    assert outcome == Ready(value={"job": ""})
    assert cloud.writes == []
    (status,) = [each for each in report.vm_statuses if each.item_id]
    assert status.action is Action.NONE
    assert [why in each.message for each in status.findings if each.code == "NotManagedByApp"] == [True]


OWN, OTHER_REQUEST = "request-1", "request-2"


def enabled_by(*requests: str, **properties: Any) -> list[dict[str, Any]]:
    """The enable jobs of the VM's name, each after the one before, as a read of the job shows them."""
    return [
        job_body(
            "Succeeded",
            f"enable-{number}",
            startTime=f"2026-05-01T1{number}:00:00Z",
            activityId=f"{request} ActivityId: 023266dc",
            **properties,
        )
        for number, request in enumerate(requests)
    ]


@pytest.mark.parametrize(
    ("jobs", "request_id", "proven"),
    [
        pytest.param(enabled_by(OWN), OWN, True, id="its request has started the job"),
        pytest.param(enabled_by(OTHER_REQUEST, OWN), OWN, True, id="the last of several"),
        pytest.param(enabled_by(OWN, OTHER_REQUEST), OWN, False, id="a later request has enabled it again"),
        pytest.param(enabled_by(OTHER_REQUEST), OWN, False, id="the request of somebody else"),
        pytest.param([], OWN, False, id="the job is no longer listed"),
        pytest.param(enabled_by(""), "", False, id="an intent of an earlier version"),
        pytest.param([*enabled_by(OWN), {"name": "?"}], OWN, False, id="a job that cannot be read may be a later one"),
        pytest.param(
            [*enabled_by(OWN), *enabled_by("", OTHER_REQUEST, targetObjectName=None)[1:]],
            OWN,
            False,
            id="a later job that names no VM",
        ),
    ],
)
async def test_an_intent_that_no_run_confirmed_is_proven_by_the_job_that_its_request_started(
    jobs: list[dict[str, Any]], request_id: str, proven: bool
) -> None:
    """The host was killed after the request, and no run follows the item any more."""
    cloud = Cloud(kept=False)
    cloud.add_vm({})
    protected(cloud)
    cloud.vault["replication_jobs"] += jobs
    cloud.prove(ITEM, proven_at=None, vm=VM_ID, tag_name="dr", request=request_id)
    azure = cleanup(cloud)

    report = await compliance_report(azure)
    await disable_protection(azure, VmRequest(vm_id=VM_ID))

    (status,) = [each for each in report.vm_statuses if each.item_id]
    assert (status.action is Action.DISABLE) is proven
    assert (cloud.written == ["delete replication_protected_items"]) is proven


async def test_the_intent_of_an_item_names_its_request() -> None:
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    cloud.add_region_pair()
    azure = FakeAzure(settings(), cloud)
    assert isinstance(await enable_protection(azure, REQUESTED), Ready)

    found = await azure.origins.of(ITEM)
    assert found
    assert [found.request] == cloud.requests


async def test_the_guard_lets_no_caller_remove_an_item_without_its_proof() -> None:
    cloud = Cloud(kept=False)
    protected(cloud)
    azure = cleanup(cloud)
    (item,) = await vault_of(azure, VAULT_ID).items.get()

    with pytest.raises(WriteRefusedError, match="no record of its creation"):
        await remove(azure, item, confirmed=True)
    assert cloud.writes == []


@pytest.mark.parametrize("request_id", [OWN, OTHER_REQUEST])
async def test_a_run_that_knows_of_no_job_confirms_only_what_its_own_request_has_made(request_id: str) -> None:
    """Azure refused its request, or its host was killed after it; and others may have made an item of that name."""
    cloud = Cloud(kept=False)
    cloud.add_vm({"dr": "true"})
    protected(cloud, state="InitialReplicationInProgress")
    cloud.vault["replication_jobs"] += enabled_by(request_id)
    cloud.prove(ITEM, proven_at=None, vm=VM_ID, tag_name="dr", request=OWN)
    azure = cleanup(cloud)

    await monitor_job(azure, JobRequest(vm_id=VM_ID))

    found = await azure.origins.of(ITEM)
    assert found
    assert bool(found.proven_at) is (request_id == OWN)


def requested(cloud: Cloud) -> None:
    cloud.prove(ITEM, incarnation="m-1", proven_at=None, request=OWN)
    cloud.vault["replication_jobs"] += enabled_by(OWN)


def requested_by_others(cloud: Cloud) -> None:
    cloud.prove(ITEM, incarnation="m-1", proven_at=None, request=OWN)
    cloud.vault["replication_jobs"] += enabled_by(OWN, OTHER_REQUEST)


@pytest.mark.parametrize(
    ("prepare", "removed"),
    [
        (requested, True),
        (requested_by_others, False),
        (unconfirmed, False),
        (lost, False),
        (enabled_again_by_others, False),
    ],
)
async def test_a_failed_attempt_is_removed_if_it_is_proven_to_be_this_deployment_s(
    prepare: Prepare, removed: bool
) -> None:
    cloud = Cloud(kept=False)
    cloud.add_vm({"dr": "true"})
    cloud.vault["replication_protected_items"].append(item_body("EnablingFailed", our_item_name(), managementId="m-1"))
    prepare(cloud)

    outcome = await remove_failed_item(FakeAzure(settings(), cloud), VmRequest(vm_id=VM_ID))

    assert (cloud.written == ["delete replication_protected_items"]) is removed
    assert isinstance(outcome, Ready if removed else Failed)


# Two deployments on one target


async def test_what_another_deployment_enabled_is_reported_and_left() -> None:
    """Its own tag is the VM's; this one's tag name is another, and so the VM counts as untagged."""
    cloud = Cloud(kept=False)
    cloud.add_vm({"dr": "true"})
    protected(cloud, naming.item_name(VM_ID, "func-2"))
    cloud.prove(CONTAINER.child("replicationProtectedItems", naming.item_name(VM_ID, "func-2")), incarnation="m-1")
    azure = cleanup(cloud, tag_name="backup")

    report = await compliance_report(azure)
    await disable_protection(azure, VmRequest(vm_id=VM_ID))
    await disable_protection(azure, VmRequest(vm_id=VM_ID, confirmed=True))

    assert cloud.writes == []
    (status,) = [each for each in report.vm_statuses if each.item_id]
    assert (status.action, status.made_by_app) == (Action.NONE, False)
    assert "NotManagedByApp" in [each.code for each in status.findings]


def test_names_and_tags_tell_deployments_apart() -> None:
    for name in (
        lambda deployment: naming.item_name(VM_ID, deployment),
        lambda deployment: DEFAULT_NAMES.cache_account(SUBSCRIPTION, "eastus", deployment).name,
        naming.maker,
    ):
        assert name("func-1") != name("func-2")
        assert name("FUNC-1") == name("func-1")


async def test_the_tag_under_which_an_item_was_enabled_is_told_with_its_proof() -> None:
    cloud = Cloud(kept=False)
    cloud.add_vm({"dr": "true"})
    protected(cloud)
    cloud.prove(ITEM, incarnation="m-1", tag_name="dr")

    observation = await observe(cleanup(cloud, tag_name="backup"), VM_ID)

    assert observation.item
    assert (observation.item.is_ours, observation.item.enabled_tag) == (True, "dr")


# Resources


class Racing(Cloud):
    """Somebody else creates the resource right before the request arrives: Azure updates it, and answers 200."""

    race = True

    def write(self, what: str, body: Any) -> None:
        super().write(what, body)
        if self.race:
            self.add(NETWORK_WANTED.id, CREATED_BODY)
            self.add(GROUP_WANTED.id, {"location": GROUP_WANTED.location})


def one(kind: type[Any]) -> Any:
    return next(wanted for wanted in WANTED if isinstance(wanted, kind))


NETWORK_WANTED, GROUP_WANTED = one(VirtualNetwork), one(ResourceGroup)
CREATED_BODY = {
    "location": NETWORK_WANTED.location,
    "properties": {"provisioningState": "Succeeded", "resourceGuid": "guid-1"},
}


@pytest.mark.parametrize("race", [False, True])
async def test_what_azure_says_it_has_created_is_proven_and_what_it_has_updated_is_not(race: bool) -> None:
    cloud = Racing()
    cloud.race = race
    azure = FakeAzure(settings(poll_seconds=0.001), cloud)
    await create_target_resource(azure, NETWORK_WANTED)
    cloud.add(NETWORK_WANTED.id, CREATED_BODY)
    azure.forget(f"resource{NETWORK_WANTED.id.key}", if_before=float("inf"))
    await create_target_resource(azure, GROUP_WANTED)

    assert await create_target_resource(azure, NETWORK_WANTED) == Ready(value={"id": str(NETWORK_WANTED.id)})
    assert cloud.written[0] == f"resource {NETWORK_WANTED.name.rsplit('/', 1)[-1]}"
    gap = "the record of its creation was never confirmed" if race else ""
    assert (await azure.origins.proof(NETWORK_WANTED.id, "guid-1"))[1] == gap


@pytest.mark.parametrize("race", [False, True])
async def test_a_group_is_proven_by_its_201_alone(race: bool) -> None:
    cloud = Racing()
    cloud.race = race
    azure = FakeAzure(settings(), cloud)

    assert isinstance(await create_target_resource(azure, GROUP_WANTED), Ready)
    assert ((await azure.origins.proof(GROUP_WANTED.id))[1] == "") is not race


@pytest.mark.parametrize(
    ("status", "created", "proven"),
    [
        (201, None, True),
        (202, None, True),
        (200, None, False),
        (200, 0, True),
        (201, -3600, False),
        (200, -3600, False),
    ],
)
def test_azure_s_creation_time_tells_more_than_the_status(status: int, created: int | None, proven: bool) -> None:
    """A PUT of an availability set is 200 whether it is new or not."""
    now = datetime.now(UTC)
    created_at = None if created is None else now + timedelta(seconds=created)
    assert Origin(resource=GROUP, intended_at=now).is_created_by(status, created_at) is proven


class Pages:
    """A client of the blob service whose lists are always this."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def send_request(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(status_code=200, content=self.content)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbf<Found><Blobs/><NextMarker>m</NextMarker></Found>", "one page twice"),
        (b"<html>", "cannot be parsed"),
    ],
)
async def test_a_list_of_records_that_has_no_end_or_no_sense_is_an_error(content: bytes, text: str) -> None:
    store = Blobs("https://account", lambda: Pages(content))  # type: ignore[arg-type, return-value]
    with pytest.raises(OriginStoreError, match=text):
        await store.names("failover-")


async def test_a_list_shows_when_each_record_was_written() -> None:
    blobs = "<Blob><Name>a</Name><Properties><Last-Modified>Mon, 30 Nov 2026 04:05:06 GMT</Last-Modified></Properties>"
    content = f"<Found><Blobs>{blobs}</Blob><Blob><Name>b</Name></Blob></Blobs><NextMarker/></Found>".encode()
    store = Blobs("https://account", lambda: Pages(content))  # type: ignore[arg-type, return-value]

    assert await store.written("") == {"a": datetime(2026, 11, 30, 4, 5, 6, tzinfo=UTC), "b": None}


async def test_files_too(tmp_path: Path) -> None:
    before, store = datetime.now(UTC) - timedelta(seconds=5), Directory(tmp_path)
    await store.write("a", b"{}", new=True)

    assert list(await store.written("")) == ["a"]
    written = (await store.written("a"))["a"]
    assert written
    assert before < written < datetime.now(UTC) + timedelta(seconds=5)

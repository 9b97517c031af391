"""The end of a sweep in cleanup: what is removed, in which order, and everything that keeps a resource from it."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from activities.create_target_resources import create_target_resource
from activities.remove_orphans import MOST, remove_orphans
from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError
from shared.arm.origin_store import OriginStoreError
from shared.config.settings import Mode
from shared.model import naming
from shared.model.drill import Drill, DrillOrder
from shared.model.drill_words import CREATE
from shared.model.names import DEFAULT_NAMES
from shared.model.resource_id import ResourceId
from shared.model.resource_types import ACCOUNT, PLACEMENT_GROUP
from shared.model.step_result import Pending, Ready
from shared.model.target_resources import VirtualNetwork
from shared.observe.inventory import compliance_report
from shared.observe.orphans import made_in_target
from shared.provision.registry import remove, usage
from shared.reconcile.sweep import Sweep, SweepReport
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    CONTAINER,
    DEPLOYMENT,
    NAMES,
    NETWORK,
    NIC,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    VM_ID,
    settings,
)
from tests.unit.app.fake_azure import CREATED, Cloud, FakeAzure, Records, answer, item_body, lock_body, our_item_name

GROUP = NAMES.group(VM_ID)
SET = NAMES.in_group(GROUP, AVAILABILITY_SET)
PLACEMENT = ResourceId.of(SUBSCRIPTION, GROUP.name, PLACEMENT_GROUP, "near-asr")
VNET = NAMES.sibling(NETWORK)
CACHE = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT)
LEAVES = (SET, PLACEMENT, CACHE, VNET)
GROUPS = (CACHE.group_id, VNET.group_id, GROUP)
SPACE = ["10.1.0.0/16"]
TAGS = {naming.MADE_BY: naming.maker(DEPLOYMENT), naming.MADE_AT: CREATED}


def network_body(**properties: Any) -> dict[str, Any]:
    subnets = [{"name": "web", "properties": {"addressPrefix": "10.1.1.0/24", "delegations": []}}]
    known = {
        "addressSpace": {"addressPrefixes": SPACE},
        "subnets": subnets,
        "virtualNetworkPeerings": [],
        "dhcpOptions": {"dnsServers": []},
        "encryption": {"enabled": False},
        "provisioningState": "Succeeded",
        "resourceGuid": "guid-1",
    }
    return {"location": TARGET, "tags": TAGS, "properties": {**known, **properties}}


def with_subnet(**properties: Any) -> dict[str, Any]:
    return network_body(subnets=[{"name": "web", "properties": {"addressPrefix": "10.1.1.0/24", **properties}}])


@pytest.fixture
def cloud() -> Cloud:
    """A VM that no one tags, and the target of the time when somebody did."""
    cloud = Cloud()
    cloud.add_vm()
    for group in GROUPS:
        cloud.add(group, {"location": TARGET, "tags": TAGS})
    for each in (SET, PLACEMENT, CACHE):
        cloud.add(each, {"location": TARGET, "tags": TAGS, "kind": "StorageV2", "properties": {}})
    cloud.add(VNET, network_body())
    return cloud


@pytest.fixture
def azure(cloud: Cloud) -> FakeAzure:
    return cleanup(cloud)


def cleanup(cloud: Cloud, **changes: Any) -> FakeAzure:
    return FakeAzure(settings(mode=Mode.CLEANUP, **changes), cloud)


async def swept(azure: Azure) -> SweepReport:
    sweep = Sweep(poll_seconds=30, done=True, report=SweepReport(read_at=datetime.now(UTC)))
    outcome = await remove_orphans(azure, sweep)
    assert isinstance(outcome, Ready)
    after = Sweep.load(outcome.value)
    assert after.done
    assert after.report
    return after.report


async def why_kept(azure: FakeAzure, kept: ResourceId) -> str:
    """Why this one stays; and that it does."""
    report = await swept(azure)
    assert kept not in report.removed
    assert kept.key in azure.cloud.resources
    assert f"delete {kept.key}" not in azure.cloud.written
    (reported,) = [note.message for note in report.orphans if note.message.lower().startswith(f"{kept.key} carries")]
    return reported.split("It is kept: ")[1]


# In cleanup


async def test_what_no_one_needs_goes_leaves_first(azure: FakeAzure, cloud: Cloud) -> None:
    report = await swept(azure)

    assert [each.key for each in report.removed] == [each.key for each in (*LEAVES, *GROUPS)]
    assert cloud.written == [f"delete {each.key}" for each in (*LEAVES, *GROUPS)]
    assert report.orphans == ()
    assert VM_ID.key in cloud.resources
    again = await swept(cleanup(cloud))
    assert (again.removed, again.orphans, len(cloud.writes)) == ((), (), 7)


async def test_each_removal_is_a_line_in_the_log(azure: FakeAzure, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="dr.decision")

    report = await swept(azure)

    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "dr.decision"]
    assert [line["item"] for line in lines] == [str(each) for each in report.removed]
    assert {(line["decision"], line["vm"], *line["rule"]) for line in lines} == {
        ("remove orphan", "", "OrphanedTarget")
    }


async def test_a_few_at_a_time(azure: FakeAzure, cloud: Cloud) -> None:
    for number in range(MOST):
        cloud.add(ResourceId.of(SUBSCRIPTION, f"more-{number:02}-asr"), {"location": TARGET, "tags": TAGS})
    cloud.prove_all()

    first, second = await swept(azure), await swept(azure)

    assert (len(first.removed), len(second.removed)) == (MOST, 7)
    assert len(first.orphans) == 7
    assert "the next one continues" in first.orphans[0].message


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mode": Mode.PROTECT}, "DR_MODE is protect"),
        ({"mode": Mode.REPORT}, "DR_MODE is report"),
        ({"mode": Mode.CLEANUP, "paused": True}, "DR_PAUSED is true"),
    ],
)
async def test_elsewhere_they_are_merely_reported(cloud: Cloud, changes: dict[str, Any], why: str) -> None:
    report = await swept(FakeAzure(settings(**changes), cloud))

    assert cloud.writes == []
    assert report.removed == ()
    assert [note.code for note in report.orphans] == ["OrphanedTarget"] * 7
    assert why in report.orphans[0].message
    # What each would report itself is not asked.
    assert str(VNET) not in cloud.reads


async def test_with_nothing_left_over_it_costs_two_queries(cloud: Cloud) -> None:
    cloud.resources = {key: body for key, body in cloud.resources.items() if not body.get("tags")}
    azure = cleanup(cloud)
    await compliance_report(azure)
    before = len(cloud.reads)

    assert (await swept(azure)).orphans == ()
    assert cloud.reads[before:] == 2 * ["what is tagged in the graph"]


# Who needs it


async def test_what_a_tagged_vm_needs_stays(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_vm(tags={"dr": "true"}, availabilitySet={"id": str(AVAILABILITY_SET)})
    cloud.resources[NETWORK.key]["properties"]["subnets"][0]["properties"]["ipConfigurations"] = [
        {"id": f"{NIC}/ipConfigurations/ipconfig"}
    ]

    report = await swept(azure)

    assert [each.key for each in report.removed] == [PLACEMENT.key]
    reasons = [note.message.split("It is kept: ")[1] for note in report.orphans]
    assert reasons == ["VMs in vnet that are being protected lead to it."] * 2


async def test_a_network_that_no_interface_of_such_a_vm_leads_to_goes(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_vm(tags={"dr": "true"})

    assert VNET in (await swept(azure)).removed


async def test_what_an_item_names_stays(azure: FakeAzure, cloud: Cloud) -> None:
    details = {
        "recoveryAzureResourceGroupId": str(GROUP),
        "recoveryAvailabilitySet": str(SET).lower(),
        "protectedManagedDisks": [{"diskId": str(OS_DISK), "primaryStagingAzureStorageAccountId": str(CACHE)}],
        "vmNics": [{"nicId": "n", "sourceNicArmId": str(NIC), "recoveryVMNetworkId": str(VNET).lower()}],
    }
    cloud.vault["replication_protected_items"].append(item_body("Protected", our_item_name(), **details))

    assert (await swept(azure)).removed == (PLACEMENT,)


async def test_an_item_that_does_not_tell_its_network_and_whose_vm_is_gone_keeps_all_networks(
    azure: FakeAzure, cloud: Cloud
) -> None:
    del cloud.resources[VM_ID.key]
    cloud.vault["replication_protected_items"].append(item_body("InitialReplicationInProgress"))

    assert "made-in-the-portal names no network, and its VM is gone" in await why_kept(azure, VNET)
    assert SET.key not in cloud.resources


async def test_a_mapping_of_others_keeps_the_network_and_one_of_ours_does_not(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.vault["replication_network_mappings"].append(mapping("theirs"))
    assert "the network mapping" in await why_kept(azure, VNET)

    cloud.prove(ResourceId(mapping("theirs")["id"]), incarnation="")
    assert VNET in (await swept(cleanup(cloud))).removed


@pytest.mark.parametrize("names", [{}, {"network": "{source}-dr"}, {"resourceGroup": "dr-{source}"}])
async def test_a_network_that_a_mapping_gives_to_such_a_vm_stays_whatever_names_are_given_now(
    cloud: Cloud, names: dict[str, str]
) -> None:
    cloud.add_vm(tags={"dr": "true"})
    cloud.resources[NETWORK.key]["properties"]["subnets"][0]["properties"]["ipConfigurations"] = [
        {"id": f"{NIC}/ipConfigurations/ipconfig"}
    ]
    cloud.vault["replication_network_mappings"].append(mapping("ours"))
    cloud.prove(ResourceId(mapping("ours")["id"]), incarnation="")
    azure = cleanup(cloud, names=names)

    for kept in (VNET, VNET.group_id):
        assert await why_kept(azure, kept) == "VMs in vnet that are being protected lead to it."


def mapping(name: str) -> dict[str, Any]:
    return {
        "id": f"{CONTAINER.parent}/replicationNetworks/azureNetwork/replicationNetworkMappings/{name}",
        "name": name,
        "properties": {
            "primaryNetworkId": str(NETWORK).lower(),
            "recoveryNetworkId": str(VNET).lower(),
            "fabricSpecificSettings": {
                "instanceType": "AzureToAzure",
                "primaryFabricLocation": SOURCE,
                "recoveryFabricLocation": TARGET,
            },
        },
    }


async def test_an_item_of_somebody_else_s_vault_keeps_what_it_names(azure: FakeAzure, cloud: Cloud) -> None:
    theirs = f"{VAULT_ID}-2/replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/i"
    used = {"protectedManagedDisks": [{"primaryStagingAzureStorageAccountId": str(CACHE).upper()}]}
    cloud.items_elsewhere.append({"id": theirs, "source": "", "properties": {"providerSpecificDetails": used}})

    assert theirs in await why_kept(azure, CACHE)
    assert CACHE.group_id.key in cloud.resources
    assert SET.key not in cloud.resources


async def test_a_vm_tagged_after_the_estate_was_read_keeps_everything(azure: FakeAzure, cloud: Cloud) -> None:
    await compliance_report(azure)
    cloud.add_vm(tags={"dr": "true"})

    report = await swept(azure)

    assert (report.removed, cloud.writes, len(report.orphans)) == ((), [], 7)
    assert f"{VM_ID} was tagged after the inventory was read" in report.orphans[0].message


# What cannot be read


@pytest.mark.parametrize("fault", ["resource graph", "replication_protected_items", "groups in the graph"])
async def test_from_an_estate_that_was_not_read_in_full_nothing_goes(cloud: Cloud, fault: str) -> None:
    azure = cleanup(cloud)
    cloud.faults[fault] = answer(500, "InternalServerError")
    assert (await compliance_report(azure)).gaps
    cloud.faults.clear()

    assert ((await swept(azure)).removed, cloud.writes) == ((), [])


@pytest.mark.parametrize("fault", [answer(403, "AuthorizationFailed"), ServiceRequestError("reset")])
async def test_nor_when_no_one_can_say_who_else_uses_it(azure: FakeAzure, cloud: Cloud, fault: Exception) -> None:
    await compliance_report(azure)
    cloud.faults["items elsewhere"] = fault

    assert "whether it is used could not be read" in await why_kept(azure, SET)
    assert cloud.writes == []


@pytest.mark.parametrize("read", ["locks", str(SET)])
async def test_one_that_cannot_be_read_stays_and_the_others_go_on(azure: FakeAzure, cloud: Cloud, read: str) -> None:
    cloud.faults[read] = answer(500, "InternalServerError")

    assert "whether it may be removed could not be read" in await why_kept(azure, SET)
    assert (PLACEMENT.key in cloud.resources) == (read == "locks")


async def test_so_does_a_group_and_what_was_in_it_is_gone(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.faults[str(VNET.group_id)] = answer(403, "AuthorizationFailed")

    assert "whether it may be removed could not be read" in await why_kept(azure, VNET.group_id)
    assert VNET.key not in cloud.resources


@pytest.mark.parametrize("gone", [SET, VNET.group_id])
async def test_one_that_is_gone_is_passed_over(azure: FakeAzure, cloud: Cloud, gone: ResourceId) -> None:
    cloud.faults[str(gone)] = answer(404, "ResourceNotFound")

    report = await swept(azure)

    assert gone not in report.removed
    assert [note.message for note in report.orphans if f"{gone} " in note.message] == []


# What keeps it


async def test_a_young_one_a_locked_one_and_one_without_its_tag_stay(cloud: Cloud) -> None:
    now = datetime.now(UTC).isoformat()
    cloud.resources[SET.key] |= {"tags": {**TAGS, naming.MADE_AT: now}, "createdTime": now}
    cloud.prove(PLACEMENT)
    cloud.resources[PLACEMENT.key]["tags"] = {naming.MADE_BY: TAGS[naming.MADE_BY]}
    cloud.locks.append(lock_body(CACHE))

    assert "less than 72 h ago" in await why_kept(cleanup(cloud), SET)
    assert "does not carry the tag dr-made-at" in await why_kept(cleanup(cloud), PLACEMENT)
    assert "the lock keep" in await why_kept(cleanup(cloud), CACHE)


async def test_one_whose_tag_went_since_it_was_listed_stays(azure: FakeAzure, cloud: Cloud) -> None:
    """Resource Manager's list of tagged resources may be older than the resource."""
    listed = await made_in_target(azure)
    cloud.resources[SET.key]["tags"] = {}
    found = await usage(azure, SET)

    assert SET in listed
    assert found
    assert found.tags == {}


async def test_what_azure_refuses_stays_and_the_others_go_on(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.faults["write"] = answer(409, "OperationNotAllowed", "Something is in it.")

    report = await swept(azure)

    assert [each.key for each in report.removed] == [
        PLACEMENT.key,
        CACHE.key,
        VNET.key,
        CACHE.group_id.key,
        VNET.group_id.key,
    ]
    (reported, group) = [note.message for note in report.orphans]
    assert reported.endswith("OperationNotAllowed: Something is in it..")
    assert "set-asr is in it" in group


async def test_where_azure_came_to_no_decision_it_stays_for_the_next_sweep(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.faults["write"] = answer(503, "ServerBusy")
    report = await swept(azure)
    assert SET not in report.removed
    assert "could not be read" in report.orphans[0].message


Change = Callable[[Cloud], object]


def replaced(resource: ResourceId, **changes: Any) -> Change:
    return lambda cloud: cloud.resources[resource.key].update(changes)


def holds(resource: ResourceId, **properties: Any) -> Change:
    return lambda cloud: cloud.resources[resource.key]["properties"].update(properties)


def contains(kind: str, **body: Any) -> Change:
    service = {"containers": "blob", "shares": "file", "queues": "queue", "tables": "table"}[kind]
    path = f"{CACHE}/{service}Services/default/{kind}".lower()
    return lambda cloud: cloud.contents.update({path: [{"name": "one", **body}]})


def adds(resource: ResourceId) -> Change:
    return lambda cloud: cloud.add(resource, {"location": TARGET})


REFERENCE = {"id": "x"}
USES = [
    (SET, holds(SET, virtualMachines=[{"id": str(VM_ID)}]), "web-1 is in it"),
    (PLACEMENT, holds(PLACEMENT, availabilitySets=[{"id": str(SET)}]), "web-set-asr is in it"),
    (PLACEMENT, holds(PLACEMENT, virtualMachineScaleSets=[{"id": "x/scale"}]), "scale is in it"),
    (SET, holds(SET, provisioningState="Updating"), "it is Updating"),
    (VNET, replaced(VNET, **with_subnet(ipConfigurations=[REFERENCE])), "its subnet web has ipConfigurations"),
    (VNET, replaced(VNET, **with_subnet(privateEndpoints=[REFERENCE])), "its subnet web has privateEndpoints"),
    (VNET, replaced(VNET, **with_subnet(serviceAssociationLinks=[REFERENCE])), "serviceAssociationLinks"),
    (VNET, replaced(VNET, **with_subnet(delegations=[{"name": "d"}])), "its subnet web has delegations"),
    (VNET, replaced(VNET, **with_subnet(networkSecurityGroup=REFERENCE)), "its subnet web has networkSecurityGroup"),
    (VNET, replaced(VNET, **with_subnet(natGateway=REFERENCE)), "its subnet web has natGateway"),
    (VNET, replaced(VNET, **with_subnet(somethingYetToCome={"of": [REFERENCE]})), "has somethingYetToCome"),
    (VNET, holds(VNET, virtualNetworkPeerings=[REFERENCE]), "it has virtualNetworkPeerings"),
    (VNET, holds(VNET, dhcpOptions={"dnsServers": ["10.0.0.4"]}), "it was changed since it was created"),
    (VNET, holds(VNET, subnets=[]), "was changed since it was created"),
    (VNET, holds(VNET, addressSpace={"addressPrefixes": [*SPACE, "10.9.0.0/16"]}), "was changed since it was created"),
    (CACHE, holds(CACHE, privateEndpointConnections=[REFERENCE]), "it has privateEndpointConnections"),
    (CACHE, holds(CACHE, networkAcls={"ipRules": [{"value": "1.2.3.4"}]}), "it has networkAcls"),
    (CACHE, contains("shares"), "it has shares"),
    (CACHE, contains("queues"), "it has queues"),
    (CACHE, contains("tables"), "it has tables"),
    (CACHE, contains("containers", name="$web"), "it holds the container $web"),
    (CACHE, contains("containers", name="3f0c", properties={"publicAccess": "None"}), "it holds the container 3f0c"),
    (
        GROUP,
        adds(ResourceId.of(SUBSCRIPTION, GROUP.name, OS_DISK.type, "web-1-os-ASRReplica")),
        "web-1-os-ASRReplica is in it",
    ),
    (GROUP, adds(ResourceId.of(SUBSCRIPTION, GROUP.name, OS_DISK.type, "ms-asr-1")), "ms-asr-1 is in it"),
    (GROUP, replaced(GROUP, managedBy="aks"), "it is managed by aks"),
]


@pytest.mark.parametrize(("resource", "change", "why"), USES, ids=[why for _, _, why in USES])
async def test_what_is_in_it_or_uses_it_keeps_it(
    azure: FakeAzure, cloud: Cloud, resource: ResourceId, change: Change, why: str
) -> None:
    change(cloud)
    assert why in await why_kept(azure, resource)


async def test_a_premium_account_has_no_other_services_to_be_asked(azure: FakeAzure, cloud: Cloud) -> None:
    premium = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, premium=True)
    cloud.add(premium, {"location": SOURCE, "tags": TAGS, "kind": "BlockBlobStorage", "properties": {}})
    cloud.prove_all()

    assert premium in (await swept(azure)).removed
    assert [read for read in cloud.reads if premium.name in read and "Services" in read] == [
        f"{premium}/blobServices/default/containers"
    ]


# The guard under it all


@pytest.mark.parametrize(
    "orphan",
    [
        VAULT_ID,
        CONTAINER,
        ResourceId.of(SUBSCRIPTION, GROUP.name, OS_DISK.type, "web-1-os-ASRReplica"),
        ResourceId.of(SUBSCRIPTION, GROUP.name, VM_ID.type, "web-1-asr"),
        ResourceId.of("22222222-2222-2222-2222-222222222222", "web-asr"),
        ResourceId.of("22222222-2222-2222-2222-222222222222", "web-asr", ACCOUNT, "asrcache1"),
    ],
)
async def test_the_client_lets_nothing_else_through(azure: FakeAzure, cloud: Cloud, orphan: ResourceId) -> None:
    with pytest.raises(WriteRefusedError):
        await remove(azure, orphan)
    assert cloud.writes == []


@pytest.mark.parametrize("changes", [{"mode": Mode.PROTECT}, {"mode": Mode.CLEANUP, "paused": True}])
async def test_nor_anything_out_of_cleanup(cloud: Cloud, changes: dict[str, Any]) -> None:
    with pytest.raises(WriteRefusedError):
        await remove(FakeAzure(settings(**changes), cloud), SET)
    assert cloud.writes == []


async def test_what_was_removed_is_made_again_by_the_next_vm_at_once(azure: FakeAzure, cloud: Cloud) -> None:
    """What this process knew to be there it knows no more."""
    wanted = VirtualNetwork(id=VNET, location=TARGET, address_space=("10.1.0.0/16",), subnets={"web": ("10.1.1.0/24",)})
    request = wanted
    assert isinstance(await create_target_resource(azure, request), Ready)
    await swept(azure)

    assert isinstance(await create_target_resource(azure, request), Pending)
    assert cloud.written[-1] == f"resource {VNET.name}"


# Whose it is


def without_records(cloud: Cloud) -> Cloud:
    cloud.records, cloud.kept = Records(), False
    return cloud


async def test_tags_alone_remove_nothing(cloud: Cloud) -> None:
    """Anybody who may tag writes them; an Azure policy that inherits tags does it by accident."""
    contains("containers", name="backups")(cloud)

    report = await swept(cleanup(without_records(cloud)))

    assert (report.removed, cloud.writes) == ((), [])
    assert len(report.orphans) == 7
    assert all("this deployment has no record of its creation" in note.message for note in report.orphans)
    # Without a record nothing about them is read.
    assert str(VNET) not in cloud.reads


async def test_what_has_its_record_goes_all_the_same(cloud: Cloud) -> None:
    without_records(cloud).prove(SET)
    assert (await swept(cleanup(cloud))).removed == (SET,)


AGAIN = "2026-02-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        (SET, replaced(SET, createdTime=AGAIN)),
        (SET, replaced(SET, systemData={"createdAt": AGAIN})),
        (PLACEMENT, replaced(PLACEMENT, createdTime=AGAIN)),
        (CACHE, holds(CACHE, creationTime=AGAIN)),
        (VNET, holds(VNET, resourceGuid="guid-2")),
        (GROUP, replaced(GROUP, createdTime=AGAIN)),
    ],
    ids=["set", "set with systemData", "placement group", "account", "network", "resource group"],
)
async def test_what_others_deleted_and_made_again_is_not_ours(
    azure: FakeAzure, cloud: Cloud, resource: ResourceId, change: Change
) -> None:
    """Under the same name and with the same tags, as an exported template does it."""
    change(cloud)
    assert "others have made it again since" in await why_kept(azure, resource)


async def test_what_another_deployment_made_is_not_even_listed(cloud: Cloud) -> None:
    report = await swept(cleanup(cloud, deployment="func-2", tag_name="backup"))
    assert (report.removed, report.orphans, cloud.writes) == ((), (), [])


async def test_records_that_cannot_be_read_keep_everything(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.records.fault = OriginStoreError("no answer")

    report = await swept(azure)

    assert (report.removed, cloud.writes, len(report.orphans)) == ((), [], 7)
    assert all("the record of its creation cannot be read: no answer" in note.message for note in report.orphans)


async def test_records_are_read_of_orphans_only(cloud: Cloud) -> None:
    cloud.resources = {key: body for key, body in cloud.resources.items() if not body.get("tags")}
    azure = cleanup(cloud)
    await swept(azure)
    assert cloud.records.count == len(["list of drills"])


# Networks for drills


SCHEDULE = {"everyDays": 90, "window": "22-04", "network": CREATE, "maxCores": 8}
TARGET_NETWORK = ResourceId.of(SUBSCRIPTION, "hub", NETWORK.type, "vnet-there")
DRILL_NETWORK = naming.drill_network(TARGET_NETWORK)


def drilled(cloud: Cloud, **more: Any) -> FakeAzure:
    """A protected VM, and the network that this deployment once made for its drills."""
    cloud.resources = {key: body for key, body in cloud.resources.items() if not body.get("tags")}
    cloud.add_vm(tags={"dr": "true"})
    nic = {"nicId": "n", "sourceNicArmId": str(NIC), "recoveryVMNetworkId": str(TARGET_NETWORK)}
    item = item_body("Protected", our_item_name(), vmNics=[nic])
    cloud.vault["replication_protected_items"].append(item)
    cloud.add(DRILL_NETWORK, network_body())
    return FakeAzure(settings(**more), cloud)


async def test_a_network_for_drills_that_no_profile_asks_for_goes_wherever_drills_are_on(cloud: Cloud) -> None:
    report = await swept(drilled(cloud, drills=True))
    assert (report.removed, cloud.written) == ((DRILL_NETWORK,), [f"delete {DRILL_NETWORK.key}"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "DR_MODE is protect"),
        ({"drills": True, "mode": Mode.REPORT}, "DR_MODE is report"),
        ({"drills": True, "paused": True}, "DR_PAUSED is true"),
    ],
)
async def test_without_drills_or_writes_it_is_only_reported(cloud: Cloud, changes: dict[str, Any], why: str) -> None:
    azure = drilled(cloud, **changes)
    assert why in await why_kept(azure, DRILL_NETWORK)
    with pytest.raises(WriteRefusedError):
        await remove(azure, DRILL_NETWORK)


@pytest.mark.parametrize("network", [CREATE, str(DRILL_NETWORK)])
async def test_what_a_profile_asks_for_or_names_is_no_orphan(cloud: Cloud, network: str) -> None:
    profiles = {"default": {"drill": {**SCHEDULE, "network": network}}}
    report = await swept(drilled(cloud, drills=True, profiles=profiles))
    assert (report.removed, report.orphans, cloud.writes) == ((), (), [])


async def test_for_a_target_network_that_no_item_uses_it_goes_although_a_profile_asks_for_others(cloud: Cloud) -> None:
    azure = drilled(cloud, drills=True, profiles={"default": {"drill": SCHEDULE}})
    other = naming.drill_network(VNET)
    cloud.add(other, network_body())
    cloud.prove_all()
    assert (await swept(azure)).removed == (other,)


async def test_while_a_drill_is_under_way_in_it_it_stays(cloud: Cloud) -> None:
    azure = drilled(cloud, drills=True)
    await azure.drills.write(
        Drill(
            vm=VM_ID,
            item=CONTAINER.child("replicationProtectedItems", "i"),
            token="t",
            order=DrillOrder(network=CREATE),
            request="r",
            recorded_at=datetime.now(UTC),
            network=DRILL_NETWORK,
            test_vm=VM_ID,
        )
    )
    assert "a drill of web-1 is under way in it" in await why_kept(azure, DRILL_NETWORK)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (with_subnet(ipConfigurations=[{"id": str(NIC)}]), "ipConfigurations"),
        (network_body(virtualNetworkPeerings=[{"id": str(VNET), "name": "hub"}]), "virtualNetworkPeerings"),
        (network_body(resourceGuid="guid-2"), "others have made it again since"),
        (network_body() | {"tags": {}}, ""),
    ],
    ids=["in use", "peered", "made again", "without its tags"],
)
async def test_what_is_in_use_or_of_others_stays(cloud: Cloud, body: dict[str, Any], why: str) -> None:
    azure = drilled(cloud, drills=True)
    cloud.add(DRILL_NETWORK, body)
    if why:
        assert why in await why_kept(azure, DRILL_NETWORK)
    else:
        assert (await swept(azure)).removed == ()

"""Target resources: found by what they are, made if missing, left alone if they cannot serve."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from activities.create_target_resources import create_target_resource
from shared.arm.errors import WriteRefusedError
from shared.config.intervals import FRESH_FOR
from shared.model.naming import MADE_AT, MADE_BY, maker
from shared.model.plan import Plan
from shared.model.policy import Policy
from shared.model.replicated_item import JobError
from shared.model.resource_id import ResourceId
from shared.model.resource_types import PLACEMENT_GROUP
from shared.model.step_result import Failed, Pending, Ready, StepResult
from shared.model.target_resources import (
    AvailabilitySet,
    CacheAccount,
    Container,
    ContainerMapping,
    Fabric,
    InVault,
    NetworkMapping,
    Placed,
    PlacementGroup,
    ReplicationPolicy,
    ResourceGroup,
    TargetResource,
    VirtualNetwork,
)
from shared.model.vm import SourceAvailabilitySet
from shared.observe.target_settings import derive_target_settings
from shared.reconcile.orphans import digest_of
from shared.site_recovery.vault import read_again
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    CONTAINER,
    DEPLOYMENT,
    ELSEWHERE,
    NETWORK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    plan_of,
    planning_context,
    settings,
    source_vm,
)
from tests.unit.app.fake_azure import FAR_CONTAINER, POLICY, Cloud, FakeAzure, answer, job_body

SOURCE_SET = SourceAvailabilitySet(id=AVAILABILITY_SET, fault_domains=2, update_domains=5, sku="Aligned")
PLAN = plan_of(source_vm(), planning_context(availability_set=SOURCE_SET), settings())
WANTED: list[TargetResource] = [resource for wave in PLAN.resources for resource in wave]
PLACED = [resource for resource in WANTED if isinstance(resource, Placed) and not isinstance(resource, ResourceGroup)]


def one(kind: type[Any]) -> Any:
    return next(resource for resource in WANTED if isinstance(resource, kind))


def of_kind(resource: TargetResource) -> str:
    return resource.kind


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def azure(cloud: Cloud) -> FakeAzure:
    return FakeAzure(settings(), cloud)


async def ask(azure: FakeAzure, resource: TargetResource) -> StepResult:
    return await create_target_resource(azure, resource)


def add(cloud: Cloud, resource: Placed, **body: Any) -> None:
    known = {"location": resource.location, "properties": {"provisioningState": "Succeeded"}}
    of_account = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}} if isinstance(resource, CacheAccount) else {}
    cloud.add(resource.id, {**known, **of_account, **body})


# Outside the vault


async def test_a_resource_group_is_made_in_its_region_and_is_there_at_once(azure: FakeAzure, cloud: Cloud) -> None:
    group = one(ResourceGroup)

    assert await ask(azure, group) == Ready(value={"id": str(group.id)})
    ((what, body),) = cloud.writes
    assert (what, body["location"]) == (f"group {group.id.name}", group.location)
    assert body["tags"].keys() == {MADE_BY, MADE_AT}
    await ask(azure, group)
    assert len(cloud.writes) == 1


async def test_a_resource_group_in_another_region_serves(azure: FakeAzure, cloud: Cloud) -> None:
    group = one(ResourceGroup)
    cloud.add(group.id, {"location": "norwayeast"})

    assert await ask(azure, group) == Ready(value={"id": str(group.id)})
    assert cloud.writes == []


@pytest.mark.parametrize("wanted", PLACED, ids=of_kind)
async def test_what_is_missing_is_asked_for_once_and_waited_for(
    azure: FakeAzure, cloud: Cloud, wanted: TargetResource
) -> None:
    outcomes = [await ask(azure, wanted) for _ in range(3)]

    assert all(isinstance(outcome, Pending) for outcome in outcomes)
    assert len(cloud.writes) == 1


@pytest.mark.parametrize("wanted", PLACED, ids=of_kind)
async def test_what_is_there_is_used_as_it_is(azure: FakeAzure, cloud: Cloud, wanted: Any) -> None:
    add(cloud, wanted, location="East US" if wanted.location == SOURCE else "West US 2")

    assert await ask(azure, wanted) == Ready(value={"id": str(wanted.id)})
    assert cloud.writes == []


@pytest.mark.parametrize("wanted", PLACED, ids=of_kind)
async def test_what_is_there_in_another_region_cannot_serve_and_is_left(
    azure: FakeAzure, cloud: Cloud, wanted: Any
) -> None:
    add(cloud, wanted, location="norwayeast")

    outcome = await ask(azure, wanted)

    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.by_settings) == ("IncompatibleTargetResource", True)
    assert "norwayeast" in outcome.error.message
    assert wanted.location in outcome.error.message
    assert cloud.writes == []


async def test_a_resource_that_is_still_being_made_is_waited_for(azure: FakeAzure, cloud: Cloud) -> None:
    network = one(VirtualNetwork)
    await ask(azure, network)
    add(cloud, network, properties={"provisioningState": "Updating"})

    assert isinstance(await ask(azure, network), Pending)
    assert len(cloud.writes) == 1


@pytest.mark.parametrize("wanted", [one(ResourceGroup), *PLACED], ids=of_kind)
async def test_what_cannot_be_read_is_not_taken_for_missing(
    azure: FakeAzure, cloud: Cloud, wanted: TargetResource
) -> None:
    cloud.faults["read"] = answer(403, "AuthorizationFailed")

    with pytest.raises(HttpResponseError):
        await ask(azure, wanted)
    assert cloud.writes == []


@pytest.mark.parametrize("wanted", PLACED, ids=of_kind)
async def test_that_another_run_did_not_find_it_a_moment_ago_does_not_count(cloud: Cloud, wanted: Any) -> None:
    azure = FakeAzure(settings(poll_seconds=0.2), cloud)
    assert isinstance(await ask(azure, wanted), Pending)
    assert await azure.read(wanted.id, wanted.type.api_version, FRESH_FOR) is None
    add(cloud, wanted)
    await asyncio.sleep(0.2)

    assert isinstance(await ask(azure, wanted), Ready)
    assert len(cloud.writes) == 1


async def test_a_creation_that_failed_is_reported(azure: FakeAzure, cloud: Cloud) -> None:
    network = one(VirtualNetwork)
    add(cloud, network, properties={"provisioningState": "Failed"})

    outcome = await ask(azure, network)

    assert isinstance(outcome, Failed)
    assert str(network.id) in outcome.error.message


async def test_the_target_network_is_asked_for_with_the_source_s_addresses(azure: FakeAzure, cloud: Cloud) -> None:
    network = one(VirtualNetwork)
    subnets = {"web": ("10.1.1.0/24",), "db": ("10.1.2.0/25", "10.1.2.128/25")}

    more = {"subnets": subnets, "private_subnets": ("db",), "dns_servers": ("10.1.0.4", "10.1.0.5")}
    await ask(azure, network.model_copy(update=more))

    ((_, body),) = cloud.writes
    tags = body.pop("tags")
    assert tags[MADE_BY] == maker(DEPLOYMENT)
    assert timedelta() <= datetime.now(UTC) - datetime.fromisoformat(tags[MADE_AT]) < timedelta(hours=1)
    record = await azure.origins.of(network.id)
    assert record
    assert record.content == digest_of(["10.1.0.0/16"], subnets, ["10.1.0.4", "10.1.0.5"])
    assert body == {
        "location": TARGET,
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
            "subnets": [
                {"name": "web", "properties": {"addressPrefix": "10.1.1.0/24", "defaultOutboundAccess": True}},
                {
                    "name": "db",
                    "properties": {
                        "addressPrefixes": ["10.1.2.0/25", "10.1.2.128/25"],
                        "defaultOutboundAccess": False,
                    },
                },
            ],
            "dhcpOptions": {"dnsServers": ["10.1.0.4", "10.1.0.5"]},
        },
    }


async def test_the_cache_is_a_general_purpose_account_that_no_one_reads_from_outside(
    azure: FakeAzure, cloud: Cloud
) -> None:
    await ask(azure, one(CacheAccount))

    ((_, body),) = cloud.writes
    assert (body["kind"], body["sku"], body["location"]) == ("StorageV2", {"name": "Standard_LRS"}, SOURCE)
    assert body["properties"]["supportsHttpsTrafficOnly"] is True
    assert body["properties"]["allowBlobPublicAccess"] is False


async def test_a_cache_for_high_churn_is_one_of_premium_block_blobs(azure: FakeAzure, cloud: Cloud) -> None:
    wanted = one(CacheAccount).model_copy(update={"premium": True})

    await ask(azure, wanted)

    ((_, body),) = cloud.writes
    assert (body["kind"], body["sku"]) == ("BlockBlobStorage", {"name": "Premium_LRS"})


@pytest.mark.parametrize(
    ("body", "premium", "why"),
    [
        ({"kind": "BlockBlobStorage", "sku": {"name": "Premium_LRS"}}, False, "is an account of another kind"),
        ({}, True, "is an account of another kind"),
        ({"properties": {"networkAcls": {"defaultAction": "Deny"}}}, False, "has a firewall"),
    ],
)
async def test_an_account_of_our_name_that_cannot_serve_is_left_and_reported(
    azure: FakeAzure, cloud: Cloud, body: dict[str, Any], premium: bool, why: str
) -> None:
    wanted = one(CacheAccount).model_copy(update={"premium": premium})
    add(cloud, wanted, **body)

    outcome = await ask(azure, wanted)

    assert isinstance(outcome, Failed)
    assert why in outcome.error.message
    assert "name another by a tag" in outcome.error.message
    assert cloud.writes == []


async def test_a_set_is_made_in_its_proximity_placement_group(azure: FakeAzure, cloud: Cloud) -> None:
    group = PlacementGroup(id=ResourceId.of(SUBSCRIPTION, "web-asr", PLACEMENT_GROUP, "near"), location=TARGET)
    await ask(azure, group)
    await ask(azure, one(AvailabilitySet).model_copy(update={"placement_group": group.id}))

    (_, of_group), (_, of_set) = cloud.writes
    assert of_group["properties"] == {"proximityPlacementGroupType": "Standard"}
    assert of_set["properties"]["proximityPlacementGroup"] == {"id": str(group.id)}
    assert of_set["sku"] == {"name": "Aligned"}


# In the vault


IN_VAULT = {
    Fabric: CONTAINER.parent,
    Container: CONTAINER,
    ReplicationPolicy: POLICY,
    ContainerMapping: CONTAINER.child("replicationProtectionContainerMappings", "m"),
}


@pytest.mark.parametrize("kind", IN_VAULT, ids=lambda kind: kind.__name__)
async def test_a_part_of_the_chain_is_found_under_whatever_name_somebody_gave_it(
    azure: FakeAzure, cloud: Cloud, kind: type[Any]
) -> None:
    cloud.add_region_pair()

    assert await ask(azure, one(kind)) == Ready(value={"id": str(IN_VAULT[kind])})
    assert cloud.writes == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (Fabric, ["asr-a2a-default-eastus"]),
        (ReplicationPolicy, ["24-hour-retention-4-hour-app-consistent-policy"]),
    ],
)
async def test_a_part_that_rests_on_nothing_is_asked_for_under_the_portal_s_name(
    azure: FakeAzure, cloud: Cloud, kind: type[Any], path: list[str]
) -> None:
    outcome = await ask(azure, one(kind))

    assert isinstance(outcome, Pending)
    ((_, path_and_body),) = cloud.writes
    assert list(path_and_body[:-1]) == ["dr", "vault", *path]


@pytest.mark.parametrize("kind", [Container, ContainerMapping, NetworkMapping])
async def test_a_part_whose_parent_is_missing_waits_for_it(azure: FakeAzure, cloud: Cloud, kind: type[Any]) -> None:
    outcome = await ask(azure, one(kind))

    assert isinstance(outcome, Pending)
    assert outcome.error
    assert outcome.error.code == "MissingParent"
    assert cloud.writes == []


async def test_a_container_is_made_in_the_fabric_of_its_region_whatever_that_is_called(
    azure: FakeAzure, cloud: Cloud
) -> None:
    cloud.add_region_pair()
    for operations in ("replication_protection_containers", "replication_protection_container_mappings"):
        cloud.vault[operations].clear()

    assert isinstance(await ask(azure, one(Container)), Pending)
    ((_, path_and_body),) = cloud.writes
    *path, body = path_and_body
    assert path == ["dr", "vault", "east", "asr-a2a-default-eastus-container"]
    (given,) = body.properties.provider_specific_input
    assert given.instance_type == "A2A"


async def test_a_container_mapping_joins_what_was_found(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_region_pair()
    cloud.vault["replication_protection_container_mappings"].clear()

    await ask(azure, one(ContainerMapping))

    ((what, path_and_body),) = cloud.writes
    *path, body = path_and_body
    assert what == "create replication_protection_container_mappings"
    assert path[2:4] == ["east", "east-container"]
    assert body.properties.policy_id == str(POLICY)
    assert body.properties.target_protection_container_id == str(FAR_CONTAINER)
    assert body.properties.provider_specific_input.agent_auto_update_status == "Disabled"


async def test_a_network_mapping_is_reported_by_its_source_and_its_target_region(
    azure: FakeAzure, cloud: Cloud
) -> None:
    cloud.add_region_pair()
    wanted = one(NetworkMapping)

    def mapping(network: ResourceId, location: str) -> dict[str, Any]:
        parent = f"{CONTAINER.parent}/replicationNetworks/azureNetwork/replicationNetworkMappings"
        places = {"instanceType": "AzureToAzure", "primaryFabricLocation": SOURCE, "recoveryFabricLocation": location}
        return {
            "id": f"{parent}/of-{network.resource_group}-{len(location)}",
            "properties": {
                "primaryNetworkId": str(network).lower(),
                "recoveryNetworkId": str(wanted.target_network),
                "fabricSpecificSettings": places,
            },
        }

    twin = ResourceId.of(SUBSCRIPTION, "other", NETWORK.type, NETWORK.name)
    cloud.vault["replication_network_mappings"] += [mapping(NETWORK, "centralus"), mapping(twin, TARGET)]
    assert isinstance(await ask(azure, wanted), Pending)
    ((_, path_and_body),) = cloud.writes
    *path, body = path_and_body
    assert path[2:4] == ["east", "azureNetwork"]
    assert body.properties.recovery_fabric_name == "west"
    assert body.properties.recovery_network_id == str(wanted.target_network)
    assert body.properties.fabric_specific_details.primary_network_id == str(NETWORK)

    cloud.vault["replication_network_mappings"].append(mapping(NETWORK, "West US 2"))
    outcome = await ask(FakeAzure(settings(), cloud), wanted)
    assert isinstance(outcome, Ready)
    assert len(cloud.writes) == 1


async def test_a_policy_of_other_values_does_not_serve_whatever_its_name(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_region_pair()
    wanted = one(ReplicationPolicy)
    values = cloud.vault["replication_policies"][0]["properties"]["providerSpecificDetails"]
    values["appConsistentFrequencyInMinutes"] = 0

    assert isinstance(await ask(azure, wanted), Pending)
    ((_, path_and_body),) = cloud.writes
    given = path_and_body[-1].properties.provider_specific_input
    assert (given.recovery_point_history, given.app_consistent_frequency_in_minutes) == (1440, 240)
    assert given.crash_consistent_frequency_in_minutes == 5
    assert given.multi_vm_sync_status == "Enable"


async def test_of_several_policies_with_the_same_values_ours_is_taken_first(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_region_pair()
    wanted: ReplicationPolicy = one(ReplicationPolicy)
    ours = VAULT_ID.child("replicationPolicies", wanted.policy.name)
    cloud.vault["replication_policies"].append({**cloud.vault["replication_policies"][0], "id": str(ours)})

    assert await ask(azure, wanted) == Ready(value={"id": str(ours)})
    other: Policy = wanted.policy.model_copy(update={"name": "gold"})
    first = await ask(azure, wanted.model_copy(update={"policy": other}))
    assert first == Ready(value={"id": min(str(ours), str(POLICY))})


async def test_a_vault_s_fabrics_of_other_clouds_are_no_fabrics_of_a_region(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.vault["replication_fabrics"].append(
        {"id": f"{VAULT_ID}/replicationFabrics/hyperv", "properties": {"customDetails": {"instanceType": "HyperVSite"}}}
    )

    assert isinstance(await ask(azure, one(Fabric)), Pending)
    assert cloud.written == ["create replication_fabrics"]


async def test_on_premises_machines_in_the_same_vault_are_none_of_our_business(azure: FakeAzure, cloud: Cloud) -> None:
    """As the service's own example of such a mapping has it: what it leads to is no resource."""
    cloud.add_region_pair()
    site = f"{VAULT_ID}/replicationFabrics/cloud1/replicationProtectionContainers/cloud_6d224fc6"
    cloud.vault["replication_protection_container_mappings"].insert(
        0,
        {
            "id": f"{site}/replicationProtectionContainerMappings/cloud1protectionprofile1",
            "properties": {"targetProtectionContainerId": "Microsoft Azure", "policyId": str(POLICY)},
        },
    )

    assert isinstance(await ask(azure, one(ContainerMapping)), Ready)
    assert isinstance(await ask(azure, one(Container)), Ready)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits take no time here: the clock advances by them."""
    now = [1000.0]
    for module in (
        "arm.get_or_create",
        "arm.ttl_cache",
        "site_recovery.vault",
        "provision.vault_parts",
        "provision.registry",
    ):
        monkeypatch.setattr(f"shared.{module}.monotonic", lambda: now[0])
    return now


async def ended(azure: FakeAzure, wanted: TargetResource, clock: list[float]) -> StepResult:
    """The answer that is none to wait for."""
    for _ in range(20):
        if not isinstance(outcome := await ask(azure, wanted), Pending):
            return outcome
        clock[0] += outcome.retry_after
    raise AssertionError(outcome)


async def test_a_creation_whose_job_failed_ends_with_the_job_s_cause(cloud: Cloud, clock: list[float]) -> None:
    cloud.add_region_pair()
    cloud.vault["replication_policies"].clear()
    error = {"serviceErrorDetails": {"code": "150261", "message": "Replication policy creation failed."}}
    cloud.vault["replication_jobs"].append(job_body("Failed", "create-1", "AddProtectionProfile", errors=[error]))

    outcome = await ended(FakeAzure(settings(), cloud), one(ReplicationPolicy), clock)

    assert outcome == Failed(error=JobError(code="150261", message="Replication policy creation failed."))


async def test_a_creation_is_there_when_its_job_has_ended_whatever_the_lists_show(
    cloud: Cloud, clock: list[float]
) -> None:
    """Into an empty vault: what the list of fabrics and the job of each request tell is not read again."""
    cloud.vault["replication_jobs"] += [job_body("Succeeded", f"create-{number}", "Any") for number in range(1, 10)]
    azure, found = FakeAzure(settings(), cloud), []
    for wave in PLAN.resources:
        wanted = [each for each in wave if isinstance(each, InVault)]
        for each in wanted:
            await ask(azure, each)
        found += [await ended(azure, each, clock) for each in wanted]

    assert all(isinstance(each, Ready) for each in found)
    assert len(cloud.written) == len(found) == 9
    assert {read for read in cloud.reads if read != "replication_jobs"} == {
        "replication_fabrics",
        "replication_policies",
    }
    assert cloud.reads.count("replication_fabrics") == cloud.reads.count("replication_policies") == 1


async def test_what_lies_in_fabrics_is_listed_unless_all_of_them_are_new(cloud: Cloud, clock: list[float]) -> None:
    cloud.add_region_pair()
    cloud.vault["replication_fabrics"].pop()
    cloud.vault["replication_jobs"].append(job_body("Succeeded", "create-1", "CreateSite"))
    azure = FakeAzure(settings(), cloud)
    missing = next(each for each in WANTED if isinstance(each, Fabric) and each.location == TARGET)

    await ended(azure, missing, clock)
    await ask(azure, one(Container))

    assert "replication_protection_container_mappings" in cloud.reads


@pytest.mark.parametrize("wanted", [each for each in WANTED if not isinstance(each, NetworkMapping)], ids=of_kind)
async def test_what_exists_is_not_read_again_for_an_hour_unless_an_attempt_failed(
    cloud: Cloud, clock: list[float], wanted: Any
) -> None:
    cloud.add_region_pair()
    if isinstance(wanted, ResourceGroup):
        cloud.add(wanted.id, {"location": wanted.location})
    elif isinstance(wanted, Placed):
        add(cloud, wanted)
    azure = FakeAzure(settings(), cloud)
    await ask(azure, wanted)
    read = len(cloud.reads)

    clock[0] += 3599
    read_again(azure, if_before=1000)
    await ask(azure, wanted)
    assert len(cloud.reads) == read

    read_again(azure, if_before=clock[0] - 30)
    await ask(azure, wanted)
    assert len(cloud.reads) > read


# All of them


@pytest.mark.parametrize(
    "changes",
    [{"paused": True}, {"mode": "report"}],
    ids=["paused", "report"],
)
@pytest.mark.parametrize("wanted", WANTED, ids=of_kind)
async def test_nothing_is_made_while_writes_are_off(
    cloud: Cloud, wanted: TargetResource, changes: dict[str, Any]
) -> None:
    outcome: StepResult | str
    try:
        outcome = await ask(FakeAzure(settings(**changes), cloud), wanted)
    except WriteRefusedError as refused:
        outcome = refused.error.code

    assert outcome == "WritesDisabled" or isinstance(outcome, Pending)
    assert cloud.writes == []


@pytest.mark.parametrize("wanted", [one(ResourceGroup), *PLACED], ids=of_kind)
async def test_nothing_is_made_outside_the_target_scope(cloud: Cloud, wanted: TargetResource) -> None:
    with pytest.raises(WriteRefusedError):
        await ask(FakeAzure(settings(target_scope=f"/subscriptions/{ELSEWHERE}"), cloud), wanted)
    assert cloud.writes == []


async def test_a_plan_leaves_out_what_this_process_has_just_seen(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_region_pair()
    cloud.add_vm()
    for kind in IN_VAULT:
        await ask(azure, one(kind))

    outcome = await derive_target_settings(azure, source_vm())

    assert isinstance(outcome, Ready)
    left = {resource.key for wave in Plan.load(outcome.value).resources for resource in wave}
    assert not left & {one(kind).key for kind in IN_VAULT}
    assert one(NetworkMapping).key in left


async def test_a_vault_that_was_never_used_reads_as_empty(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.faults["replication_fabrics"] = answer(400, "SubscriptionIdNotRegisteredWithSrs")

    assert isinstance(await ask(azure, one(Fabric)), Pending)
    assert cloud.written == ["create replication_fabrics"]


async def test_a_network_that_somebody_is_changing_is_waited_for_and_never_written(
    azure: FakeAzure, cloud: Cloud
) -> None:
    network = one(VirtualNetwork)
    cloud.add(network.id, {"location": TARGET, "properties": {"provisioningState": "Updating"}})

    assert isinstance(await ask(azure, network), Pending)
    assert cloud.writes == []


async def test_a_mapping_that_is_not_paired_yet_is_waited_for(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_region_pair()
    for mapping in cloud.vault["replication_protection_container_mappings"]:
        mapping["properties"]["state"] = "Pairing"

    assert isinstance(await ask(azure, one(ContainerMapping)), Pending)
    assert cloud.writes == []


async def test_a_mapping_with_any_policy_of_these_values_serves(azure: FakeAzure, cloud: Cloud) -> None:
    cloud.add_region_pair()
    twin = {**cloud.vault["replication_policies"][0], "id": f"{VAULT_ID}/replicationPolicies/a-first"}
    cloud.vault["replication_policies"].insert(0, twin)

    assert isinstance(await ask(azure, one(ContainerMapping)), Ready)
    assert cloud.writes == []

"""A look at one VM: what is read for it, in which order it is decided, and what its plan rests on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from activities.resolve_source import resolve_source
from shared.arm.errors import MalformedResponseError
from shared.config.profiles import Profile
from shared.model.activity_io import Observation, ObserveRequest
from shared.model.changes import DiskFailure
from shared.model.decision import Action, State
from shared.model.plan import Plan
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.model.step_result import Error, Ready
from shared.model.target_resources import AvailabilitySet, VirtualNetwork
from shared.model.vm import Disk
from shared.observe.target_settings import derive_target_settings
from shared.observe.vm import plan_for
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    DATA_DISK,
    ELSEWHERE,
    NETWORK,
    NIC,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    VM_ID,
    settings,
    source_vm,
)
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body, our_item_name


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "true", "dr-profile": "gold", "owner": "alice"})
    return cloud


async def look(cloud: Cloud, vm: ResourceId = VM_ID, **changes: Any) -> Observation:
    outcome = await resolve_source(FakeAzure(settings(**changes), cloud), ObserveRequest(vm_id=vm))
    assert isinstance(outcome, Ready)
    return Observation.load(outcome.value)


def decided(observation: Observation) -> tuple[State, list[str]]:
    return observation.decision.state, [finding.code for finding in observation.decision.findings]


async def plan(cloud: Cloud, **changes: Any) -> Plan:
    outcome = await derive_target_settings(FakeAzure(settings(), cloud), source_vm(**changes))
    assert isinstance(outcome, Ready)
    return Plan.load(outcome.value)


async def test_a_tagged_vm_is_read_whole_with_the_tags_of_this_app_only(cloud: Cloud) -> None:
    source = await look(cloud)

    assert source.decision.state is State.UNPROTECTED
    assert source.vm == source_vm(tags={"dr": "true", "dr-profile": "gold"})
    assert source.item is None


async def test_an_untagged_vm_costs_one_read() -> None:
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "false"})

    assert (await look(cloud)).decision.state is State.NOT_TAGGED
    assert cloud.reads == [str(VM_ID)]


async def test_a_vm_that_is_gone_costs_one_read() -> None:
    cloud = Cloud()

    assert (await look(cloud)).decision.state is State.SOURCE_GONE
    assert len(cloud.reads) == 1


@pytest.mark.parametrize(
    ("vm", "code"),
    [
        (ResourceId.of(SUBSCRIPTION, "web", CLASSIC_VIRTUAL_MACHINE, "old-1"), "ClassicVm"),
        (ResourceId.of(ELSEWHERE, "web", VM_ID.type, "web-1"), "OutOfScope"),
    ],
)
async def test_what_the_id_alone_reports_costs_no_read(cloud: Cloud, vm: ResourceId, code: str) -> None:
    source = await look(cloud, vm)

    assert decided(source) == (State.NOT_ELIGIBLE, [code])
    assert cloud.reads == []


async def test_a_vm_on_hold_is_left_as_it_is_and_what_protects_it_still_reported(cloud: Cloud) -> None:
    cloud.vault["replication_protected_items"].append(item_body("Protected", our_item_name()))
    cloud.add_vm(tags={"dr": "true", "dr-hold": "yes"})

    source = await look(cloud)

    assert decided(source) == (State.PROTECTED, ["OnHold"])
    assert source.decision.action is Action.NONE
    assert source.item
    assert cloud.writes == []


async def test_the_item_of_a_vm_is_found_whatever_its_name_and_casing(cloud: Cloud) -> None:
    details = {"protectedManagedDisks": [{"diskId": str(OS_DISK).lower()}], "rpoInSeconds": 95}
    cloud.vault["replication_protected_items"] += [
        item_body("Protected", "of-another", fabricObjectId=f"{VM_ID}0"),
        {**item_body("Protected", "of-hyper-v"), "properties": {"providerSpecificDetails": {"instanceType": "HyperV"}}},
        item_body("Protected", "made-in-the-portal", **details),
    ]

    item = (await look(cloud)).item

    assert item
    assert (item.id.name, item.is_ours) == ("made-in-the-portal", False)
    assert [disk.id for disk in item.disks] == [OS_DISK]
    assert item.rpo_seconds == 95


@pytest.mark.parametrize("key", ["recoveryFabricObjectId", "testFailoverRecoveryFabricObjectId"])
async def test_a_copy_that_a_failover_made_is_never_protected(cloud: Cloud, key: str) -> None:
    original = str(VM_ID).replace("/web/", "/other/")
    cloud.vault["replication_protected_items"].append(
        item_body("Protected", our_item_name(), fabricObjectId=original, **{key: str(VM_ID).lower()})
    )

    source = await look(cloud)

    assert decided(source) == (State.FAILOVER_VM, ["FailoverVm"])


async def test_another_vm_of_that_name_gets_nothing_from_the_item_of_the_old_one(cloud: Cloud) -> None:
    """Its disks are none that were attached later, and the recovery points are those of the old VM."""
    old = [{"diskId": f"{OS_DISK}-of-the-old-one"}]
    cloud.vault["replication_protected_items"].append(
        item_body("Protected", our_item_name(), protectedManagedDisks=old, lastRpoCalculatedTime="2026-05-01T10:00:00Z")
    )
    cloud.add_vm(tags={"dr": "true"})

    source = await look(cloud)

    assert decided(source) == (State.NOT_ELIGIBLE, ["SourceReplaced"])
    assert source.item


async def test_every_disk_and_nic_of_a_vm_is_read(cloud: Cloud) -> None:
    storage = {
        "osDisk": {"managedDisk": {"id": str(OS_DISK), "storageAccountType": "Premium_LRS"}},
        "dataDisks": [{"lun": 0, "managedDisk": {"id": str(DATA_DISK)}}, {"lun": 1, "vhd": {"uri": "https://x"}}],
    }
    cloud.add_vm(
        tags={"dr": "true"},
        storageProfile=storage,
        availabilitySet={"id": str(AVAILABILITY_SET).upper()},
        networkProfile={"networkInterfaces": [{"id": str(NIC)}, {"id": f"{NIC}-2"}]},
    )

    vm = (await look(cloud)).vm

    assert vm
    assert vm.disks == (Disk(id=OS_DISK, sku="Premium_LRS", holds_os=True), Disk(id=DATA_DISK, sku="", lun=0))
    assert vm.unmanaged_disks == 1
    assert vm.availability_set_id == AVAILABILITY_SET
    assert len(vm.nic_ids) == 2


async def test_a_vm_of_which_azure_reports_little_is_read_all_the_same(cloud: Cloud) -> None:
    disk = {"managedDisk": {"id": str(OS_DISK)}}
    cloud.add(
        VM_ID, {"location": "East US", "tags": {"dr": "true"}, "properties": {"storageProfile": {"osDisk": disk}}}
    )

    vm = (await look(cloud)).vm

    assert vm
    assert (vm.location, vm.power_state, vm.provisioning_state, vm.nic_ids) == (SOURCE, "unknown", "Unknown", ())


@pytest.mark.parametrize("storage", [None, {}, {"osDisk": None}])
async def test_a_vm_whose_disks_are_not_known_is_not_one_without_disks(cloud: Cloud, storage: Any) -> None:
    cloud.add_vm(storageProfile=storage)

    with pytest.raises(MalformedResponseError, match="OS disk"):
        await look(cloud)


@pytest.mark.parametrize("location", [None, ""])
async def test_a_vm_whose_location_is_not_known_is_planned_for_no_region(cloud: Cloud, location: str | None) -> None:
    cloud.add(VM_ID, {"location": location, "properties": {"storageProfile": {"osDisk": {"name": "os"}}}})

    with pytest.raises(MalformedResponseError, match="location"):
        await look(cloud)


@pytest.mark.parametrize("status", [403, 429, 500])
async def test_a_vm_that_cannot_be_read_is_not_taken_for_gone(cloud: Cloud, status: int) -> None:
    cloud.faults["read"] = answer(status, "No")

    with pytest.raises(HttpResponseError):
        await look(cloud)


async def test_a_vault_that_was_never_used_holds_no_item(cloud: Cloud) -> None:
    cloud.faults["replication_protected_items"] = answer(400, "SubscriptionIdNotRegisteredWithSrs")

    assert (await look(cloud)).decision.state is State.UNPROTECTED


async def test_a_vault_that_is_not_there_is_no_empty_vault(cloud: Cloud) -> None:
    cloud.faults["replication_protected_items"] = answer(404, "ResourceNotFound")

    with pytest.raises(HttpResponseError):
        await look(cloud)


# The plan


async def test_the_plan_rests_on_the_vault_s_region_and_the_networks_of_the_nics(cloud: Cloud) -> None:
    found = await plan(cloud)

    (network,) = [resource for wave in found.resources for resource in wave if isinstance(resource, VirtualNetwork)]
    assert network.location == TARGET
    assert network.address_space == ("10.1.0.0/16",)
    assert network.subnets == {"web": ("10.1.1.0/24",), "db": ("10.1.2.0/25", "10.1.2.128/25")}


async def test_what_must_not_be_made_is_reported_before_anything_is_made(cloud: Cloud) -> None:
    azure = FakeAzure(settings(target_creation="cache"), cloud)

    outcome = await derive_target_settings(azure, source_vm())

    assert isinstance(outcome, Ready)
    blockers = Plan.load(outcome.value).blockers
    assert {blocker.code for blocker in blockers} == {"CreationDisabled"}
    assert "vnet-asr" in str(blockers)
    assert cloud.writes == []


async def test_two_nics_in_one_network_lead_to_one_target(cloud: Cloud) -> None:
    second = ResourceId(f"{NIC}-2")
    subnet = {"id": f"{str(NETWORK).upper()}/subnets/db"}
    cloud.add(second, {"location": SOURCE, "properties": {"ipConfigurations": [{"properties": {"subnet": subnet}}]}})

    found = await plan(cloud, nic_ids=(NIC, second))

    assert sum(isinstance(resource, VirtualNetwork) for wave in found.resources for resource in wave) == 1


async def test_a_network_that_is_mapped_already_is_taken_and_the_other_region_s_is_not(cloud: Cloud) -> None:
    cloud.add_region_pair()
    hub = ResourceId.of(ELSEWHERE, "hub", NETWORK.type, "hub")
    parent = VAULT_ID.child("replicationFabrics", "f").child("replicationNetworks", "azureNetwork")
    for target in (TARGET, "centralus"):
        cloud.vault["replication_network_mappings"].append(
            {
                "id": str(parent.child("replicationNetworkMappings", target)),
                "properties": {
                    "primaryNetworkId": str(NETWORK).lower(),
                    "recoveryNetworkId": str(hub).lower() if target == TARGET else str(NETWORK),
                    "fabricSpecificSettings": {
                        "instanceType": "AzureToAzure",
                        "primaryFabricLocation": "East US",
                        "recoveryFabricLocation": target,
                    },
                },
            }
        )

    found = await plan(cloud)

    assert {setting.value for setting in found.settings if setting.name == "targetVnet/vnet"} == {str(hub)}
    assert found.blockers == ()


async def test_the_availability_set_s_own_values_are_kept_as_far_as_every_region_has_them(cloud: Cloud) -> None:
    cloud.add(
        AVAILABILITY_SET,
        {
            "location": SOURCE,
            "sku": {"name": "Aligned"},
            "properties": {"platformFaultDomainCount": 3, "platformUpdateDomainCount": 7},
        },
    )

    found = await plan(cloud, availability_set_id=AVAILABILITY_SET)

    (made,) = [resource for wave in found.resources for resource in wave if isinstance(resource, AvailabilitySet)]
    assert (made.fault_domains, made.update_domains, made.sku) == (2, 7, "Aligned")


async def test_errors_of_the_service_s_own_check_block_the_plan(cloud: Cloud) -> None:
    cloud.eligibility_errors.append({"code": "150001", "message": "Too old.", "recommendedAction": "Upgrade it."})

    (blocker,) = (await plan(cloud)).blockers

    assert "150001: Too old." in blocker.message
    assert blocker.fix == "Upgrade it."


async def test_a_vm_that_the_service_s_check_does_not_know_is_not_blocked_by_it(cloud: Cloud) -> None:
    cloud.faults["eligibility"] = answer(404, "NotFound")

    assert (await plan(cloud)).blockers == ()


async def test_a_check_that_fails_is_no_consent(cloud: Cloud) -> None:
    cloud.faults["eligibility"] = answer(500, "InternalServerError")

    with pytest.raises(HttpResponseError):
        await plan(cloud)


async def test_what_vms_share_is_read_once_for_all_of_them(cloud: Cloud) -> None:
    azure = FakeAzure(settings(), cloud)

    for _ in range(5):
        await derive_target_settings(azure, source_vm())

    repeated = {read for read in cloud.reads if cloud.reads.count(read) > 1}
    assert repeated == {str(NIC)}


async def protected(cloud: Cloud, item: str = "made-in-the-portal", **changes: Any) -> Plan:
    """The plan for the VM that the item of that name protects, but for its data disk."""
    cloud.add_vm(tags={"dr": "true"})
    profile = cloud.resources[VM_ID.key]["properties"]["storageProfile"]
    profile["dataDisks"] = [{"managedDisk": {"id": str(DATA_DISK), "storageAccountType": "Premium_LRS"}}]
    cloud.add_region_pair()
    disks = [{"diskId": str(OS_DISK), "diskType": "OperatingSystem"}]
    cloud.vault["replication_protected_items"].append(item_body("Protected", item, protectedManagedDisks=disks))
    source = await look(cloud, **changes)
    assert source.decision.state is State.PROTECTED
    return await plan_for(FakeAzure(settings(**changes), cloud), source.vm or source_vm(), source.item)


async def test_a_disk_that_was_attached_later_is_reported_and_added(cloud: Cloud) -> None:
    found = await protected(cloud, our_item_name())

    assert [finding.code for finding in found.findings] == ["DiskNotProtected"]
    assert [disk.id for disk in found.changes.added_disks] == [DATA_DISK]
    assert cloud.writes == []


def failed_job(name: str, disk: ResourceId, hours: float = 1) -> dict[str, Any]:
    error = {
        "serviceErrorDetails": {
            "code": "150039",
            "message": f"Azure data disk '{disk.name}' was not mapped to a disk in the VM.",
            "recommendedAction": "Initialise the data disk.",
        }
    }
    ended = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    return job_body("Failed", name, "AddDisks", endTime=ended, errors=[error])


async def test_a_disk_that_could_not_be_added_is_reported_with_the_error_of_its_job_and_not_tried_again(
    cloud: Cloud,
) -> None:
    cloud.vault["replication_jobs"] += [
        failed_job("job-1", ResourceId(f"{DATA_DISK}-2")),
        failed_job("job-2", DATA_DISK),
        failed_job("job-3", ResourceId(f"{DATA_DISK}-3")),
    ]

    found = await protected(cloud, our_item_name())

    (finding,) = found.findings
    assert (finding.code, found.changes.any) == ("DiskNotProtected", False)
    assert "150039: Azure data disk 'web-1-data' was not mapped" in finding.message
    assert "Initialise the data disk." in finding.fix


@pytest.mark.parametrize(
    "job",
    [
        failed_job("job-1", ResourceId(f"{DATA_DISK}0")),
        failed_job("job-1", DATA_DISK, hours=25),
        failed_job("job-1", DATA_DISK) | {"id": "other"},
    ],
    ids=["another disk", "yesterday", "another VM"],
)
async def test_a_job_about_something_else_keeps_no_disk_out(cloud: Cloud, job: dict[str, Any]) -> None:
    if job["id"] == "other":
        job = job | {"properties": job["properties"] | {"targetObjectName": "web-2"}}
    cloud.vault["replication_jobs"].append(job)

    found = await protected(cloud, our_item_name())

    assert [disk.id for disk in found.changes.added_disks] == [DATA_DISK]


async def test_a_failure_that_a_run_remembers_counts_and_a_request_tries_again(cloud: Cloud) -> None:
    plan = await protected(cloud, our_item_name())
    source = await look(cloud)
    assert source.vm
    error = Error(code="150039", message="Not there.")
    known = DiskFailure(disk=DATA_DISK, error=error, at=datetime.now(UTC))
    cloud.vault["replication_jobs"].append(failed_job("job-1", DATA_DISK))
    azure = FakeAzure(settings(), cloud)

    remembered = await plan_for(azure, source.vm, source.item, failed_disks=(known,), retry_disks=True)
    again = await plan_for(azure, source.vm, source.item, retry_disks=True)

    assert ("150039: Not there." in remembered.findings[0].message, remembered.changes.any) == (True, False)
    assert again.changes == plan.changes


async def test_an_item_with_a_policy_of_the_same_values_is_right_whatever_its_name(cloud: Cloud) -> None:
    assert "PolicyMismatch" not in [finding.code for finding in (await protected(cloud)).findings]


async def test_a_profile_changed_after_enabling_is_reported_since_it_cannot_be_fixed(cloud: Cloud) -> None:
    found = await protected(cloud, profiles={"default": Profile(recovery_point_retention_hours=72)})

    assert [finding.code for finding in found.findings if "Policy" in finding.code] == ["PolicyMismatch"]
    assert "72-hour-retention" in str(found.findings)
    assert cloud.writes == []


async def test_a_frozen_item_is_reported_and_nothing_else_of_it(cloud: Cloud) -> None:
    cloud.vault["replication_protected_items"].append(item_body("UnplannedFailoverCommitted", our_item_name()))

    assert decided(await look(cloud)) == (State.FROZEN, ["ItemFrozen"])


async def test_the_original_of_a_reprotected_pair_is_a_copy_although_no_id_names_it(cloud: Cloud) -> None:
    """As recorded after reprotect: the item's source is the VM in the other region, the original reported by its
    name."""
    elsewhere = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr/providers/Microsoft.Compute/virtualMachines/web-1"
    )
    cloud.vault["replication_protected_items"].append(
        item_body(
            "Protected",
            fabricObjectId=elsewhere.lower(),
            recoveryAzureResourceGroupId=str(VM_ID.group_id),
            recoveryAzureVMName=VM_ID.name,
            initialPrimaryFabricLocation=SOURCE,
            primaryFabricLocation=TARGET,
        )
    )

    found = await look(cloud)

    assert decided(found) == (State.FAILOVER_VM, ["FailoverVm"])


async def test_a_vm_whose_failover_stays_in_its_group_is_no_copy_of_itself(cloud: Cloud) -> None:
    cloud.add_region_pair()
    names = {"recoveryAzureResourceGroupId": str(VM_ID.group_id), "recoveryAzureVMName": VM_ID.name}
    cloud.vault["replication_protected_items"].append(item_body("Protected", **names))

    assert (await look(cloud)).decision.state is State.PROTECTED

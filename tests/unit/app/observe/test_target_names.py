"""A VM of the target name is in the target group already: run, PUT, plan and sweep say the same of it."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.arm.listing import NotKnownError
from shared.config.override_options import CHOICES
from shared.config.profiles import DEFAULT, Profile
from shared.config.settings import Intent
from shared.model.decision import Action
from shared.model.findings import Severity
from shared.model.plan import Plan
from shared.model.resource_id import ResourceId
from shared.model.resource_types import AVAILABILITY_SET, NETWORK, PUBLIC_IP
from shared.model.step_result import Ready
from shared.observe.inventory import compliance_report, read_inventory
from shared.observe.preview import blockers_of, planned
from shared.observe.target_settings import derive_target_settings
from shared.observe.vm import observe, plan_for
from shared.reconcile.inventory import Recovery
from tests.unit.app.examples import DATA_DISK, ELSEWHERE, NIC, OS_DISK, SUBSCRIPTION, TARGET, VAULT_ID, VM_ID, settings
from tests.unit.app.examples import NETWORK as NETWORK_ID
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name, sku_body

CODE = "TargetConflict"
WEB = {"name": "web", "properties": {"addressPrefix": "10.9.1.0/24"}}
OTHER = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "web-2")
THERE = ResourceId.of(SUBSCRIPTION, "WEB-asr", VM_ID.type, "WEB-1")
NEAR = ResourceId.of(SUBSCRIPTION, "near", VM_ID.type, "web-1")
RENAMED = ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-9")
SCOPES = {"subscription": f"/subscriptions/{SUBSCRIPTION}", "group": str(VM_ID.group_id)}
"""In the group's, no list of source VMs shows the target."""


def world(tags: dict[str, str], *there: ResourceId) -> Cloud:
    cloud = Cloud()
    cloud.add_vm({"dr": "true", **tags})
    for group in (NEAR.group_id, THERE.group_id):
        cloud.add(group, {"location": TARGET})
    for vm in there:
        cloud.add_vm(vm=vm)
    return cloud


def app(cloud: Cloud, scope: str = "subscription", **changes: Any) -> FakeAzure:
    profiles = {DEFAULT: Profile(allow=dict.fromkeys(CHOICES, ("*",)))}
    return FakeAzure(settings(source_scope=SCOPES[scope], profiles=profiles, **changes), cloud)


async def said(azure: FakeAzure, code: str = CODE) -> dict[str, list[str]]:
    """What the VM's run, a PUT and a sweep say of its target name, or by another code."""
    observation = await observe(azure, VM_ID, intent=Intent.YES)
    assert observation.vm
    outcome = await derive_target_settings(azure, observation.vm, observation.item)
    assert isinstance(outcome, Ready)
    (status,) = [each for each in (await compliance_report(azure)).vm_statuses if each.vm_id == VM_ID]
    found = {
        "run": Plan.load(outcome.value).findings,
        "put": blockers_of(observation, await planned(azure, observation)),
        "sweep": status.findings,
    }
    return {by: [each.message for each in findings if each.code == code] for by, findings in found.items()}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("tags", "there", "taken"),
    [
        ({}, (), None),
        ({}, (THERE,), THERE),
        ({}, (OTHER, NEAR), None),
        ({"dr-target-name": "web-9"}, (THERE,), None),
        ({"dr-target-name": "WEB-9"}, (THERE, RENAMED), RENAMED),
        ({"dr-target-resource-group": "near"}, (THERE,), None),
        ({"dr-target-resource-group": "near"}, (NEAR,), NEAR),
    ],
)
async def test_all_say_alike_whether_the_target_name_is_taken(
    scope: str, tags: dict[str, str], there: tuple[ResourceId, ...], taken: ResourceId | None
) -> None:
    found = await said(app(world(tags, *there), scope))

    assert {by: len(messages) for by, messages in found.items()} == dict.fromkeys(found, 1 if taken else 0)
    assert all(str(taken).lower() in message.lower() for messages in found.values() for message in messages)


async def test_a_vm_whose_name_is_taken_is_not_enabled_and_the_sweep_starts_no_run() -> None:
    azure = app(world({}, THERE))
    observation = await observe(azure, VM_ID)
    assert observation.vm

    plan = await plan_for(azure, observation.vm)
    (status,) = [each for each in (await compliance_report(azure)).vm_statuses if each.vm_id == VM_ID]

    assert (plan.replication, plan.resources) == (None, ())
    assert (status.action, status.state) == (Action.NONE, "NotEligible")


@pytest.mark.parametrize(
    ("tags", "has", "there", "taken"),
    [
        ({}, "web-2", (THERE,), False),
        ({"dr-target-name": "web-9"}, "web-2", (THERE, RENAMED), True),
        ({"dr-target-name": "web-9"}, "web-2", (THERE,), False),
    ],
)
async def test_a_protected_vm_is_not_renamed_to_one_that_exists(
    tags: dict[str, str], has: str, there: tuple[ResourceId, ...], taken: bool
) -> None:
    cloud = world(tags, *there)
    group = str(THERE.group_id)
    details = {"recoveryAzureVMName": has, "recoveryAzureResourceGroupId": group, "managementId": "m-1"}
    cloud.vault["replication_protected_items"].append(item_body("Protected", our_item_name(), **details))
    azure = app(cloud)

    found = await said(azure)

    assert {by: len(messages) for by, messages in found.items()} == dict.fromkeys(found, 1 if taken else 0)
    (status,) = [each for each in (await compliance_report(azure)).vm_statuses if each.vm_id == VM_ID]
    assert (status.action is Action.CHANGE) is (bool(tags) and not taken)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("tags", "renames"), [({}, False), ({"dr-target-name": "web-9"}, True)])
async def test_a_protected_vm_whose_target_name_is_taken_may_be_renamed(
    tags: dict[str, str], renames: bool, before: bool
) -> None:
    """What is there may be what an earlier failover of it has made: the next one takes that again."""
    cloud = world(tags, THERE)
    details = {"recoveryAzureVMName": "web-1", "recoveryAzureResourceGroupId": str(THERE.group_id)}
    disks = [{"diskId": str(OS_DISK)}]
    body = item_body("Protected", our_item_name(), **details, managementId="m-1", protectedManagedDisks=disks)
    if before:
        body["properties"]["lastSuccessfulFailoverTime"] = "2026-01-01T00:00:00Z"
    cloud.vault["replication_protected_items"].append(body)

    (status,) = [each for each in (await compliance_report(app(cloud))).vm_statuses if each.vm_id == VM_ID]

    found = [each for each in status.findings if each.code == CODE]
    assert [each.severity for each in found] == [Severity.WARNING] * (not before)
    assert (status.recovery is not Recovery.NO) is before
    assert (status.action is Action.CHANGE) is renames


@pytest.mark.parametrize(
    ("refusal", "raised"),
    [
        (answer(404, "ResourceGroupNotFound"), None),
        (answer(404, "SubscriptionNotFound"), HttpResponseError),
        (answer(403, "AuthorizationFailed"), HttpResponseError),
    ],
)
async def test_only_a_group_that_azure_says_is_missing_holds_no_vm(
    refusal: Any, raised: type[Exception] | None
) -> None:
    cloud = world({})
    cloud.faults["VMs in the target"] = refusal
    azure = app(cloud)
    observation = await observe(azure, VM_ID)
    assert observation.vm

    if raised is None:
        assert (await plan_for(azure, observation.vm)).replication
        return
    with pytest.raises(raised):
        await plan_for(azure, observation.vm)


async def test_a_row_that_cannot_be_read_may_be_a_vm_of_that_name() -> None:
    cloud = world({}, THERE)
    cloud.bodies[THERE.key] = {"id": "not an ID"}
    azure = app(cloud, "group")
    observation = await observe(azure, VM_ID)
    assert observation.vm

    with pytest.raises(NotKnownError):
        await plan_for(azure, observation.vm)


async def test_one_list_serves_all_vms_of_a_group_and_a_sweep_reads_none_within_its_scope() -> None:
    cloud = world({}, OTHER)
    azure = app(cloud)
    for vm in (VM_ID, OTHER):
        found = (await observe(azure, vm, intent=Intent.YES)).vm
        assert found
        await plan_for(azure, found)
    of_runs = [read for read in cloud.reads if read.startswith("VMs of ")]
    cloud.reads.clear()
    await read_inventory(azure)
    within = cloud.reads.count("resource graph")
    await read_inventory(app(cloud, "group"))

    assert of_runs == ["VMs of web-asr"]
    assert (within, cloud.reads.count("resource graph")) == (1, 3)


# What the items of other VMs are to have


NET = ResourceId.of(SUBSCRIPTION, "net", NETWORK, "dr")
FRONT = ResourceId.of(SUBSCRIPTION, "web-asr", PUBLIC_IP, "front")
TWIN = ResourceId.of(SUBSCRIPTION, "other", VM_ID.type, "WEB-1")


def rival(**details: Any) -> dict[str, Any]:
    """The item of a VM of the same name in another group, which goes to the target group of the VM."""
    disk = {"diskId": f"{TWIN.group_id}/providers/Microsoft.Compute/disks/data"}
    known = {
        "fabricObjectId": str(TWIN),
        "recoveryAzureVMName": "twin",
        "recoveryAzureResourceGroupId": str(THERE.group_id),
        "protectedManagedDisks": [disk],
    }
    return item_body("Protected", "rival", **(known | details))


def an_interface(**configuration: Any) -> dict[str, Any]:
    nic = {"nicId": "1", "sourceNicArmId": f"{NIC}-of-it", "recoveryVMNetworkId": str(NET).upper()}
    return {"vmNics": [nic | {"ipConfigs": [{"isPrimary": True, "recoverySubnetName": "web", **configuration}]}]}


def of_disk(name: str) -> dict[str, Any]:
    return {"protectedManagedDisks": [{"diskId": f"{TWIN.group_id}/providers/Microsoft.Compute/disks/{name}"}]}


async def codes_of(cloud: Cloud) -> tuple[dict[str, Severity], dict[str, Severity]]:
    """The findings of the VM's plan and of a sweep, about what another VM is to have."""
    azure = app(cloud)
    observation = await observe(azure, VM_ID)
    assert observation.vm
    plan = await plan_for(azure, observation.vm, observation.item)
    (status,) = [each for each in (await compliance_report(azure)).vm_statuses if each.vm_id == VM_ID]
    codes = {"TargetConflict", "OverrideInvalid"}
    in_plan, in_sweep = (
        {each.code: each.severity for each in findings if each.code in codes}
        for findings in (plan.findings, status.findings)
    )
    return in_plan, in_sweep


@pytest.mark.parametrize(
    ("tags", "details", "expected"),
    [
        ({}, {}, {}),
        ({}, {"recoveryAzureVMName": "WEB-1"}, {CODE: Severity.BLOCKER}),
        ({}, {"recoveryAzureVMName": " "}, {}),
        ({}, {"recoveryAzureVMName": "web-1", "recoveryAzureResourceGroupId": str(NEAR.group_id)}, {}),
        ({"dr-target-name": "twin"}, {}, {CODE: Severity.BLOCKER}),
        ({"dr-target-name": "web-9"}, {"recoveryAzureVMName": "web-1"}, {}),
        ({}, of_disk("WEB-1-os"), {CODE: Severity.WARNING}),
        ({"dr-target-resource-group": "near"}, of_disk("web-1-os"), {}),
        (
            {"dr-target-public-ip": "front"},
            an_interface(recoveryPublicIPAddressId=str(FRONT)),
            {CODE: Severity.WARNING},
        ),
        ({"dr-target-public-ip": "front"}, an_interface(recoveryPublicIPAddressId=f"{FRONT}-2"), {}),
        (
            {"dr-target-ip": "10.9.1.50"},
            an_interface(recoveryStaticIPAddress="10.9.1.50"),
            {"OverrideInvalid": Severity.BLOCKER},
        ),
        ({"dr-target-ip": "10.9.1.51"}, an_interface(recoveryStaticIPAddress="10.9.1.50"), {}),
    ],
)
async def test_what_another_vm_is_to_have_is_a_finding_of_the_second_and_a_warning_of_both_once_protected(
    tags: dict[str, str], details: dict[str, Any], expected: dict[str, Severity]
) -> None:
    """terraform-provider-azurerm#28420: the target keeps the source's names. At a failover one does not come up."""
    more = {"dr-target-vnet": str(NET)} if "dr-target-ip" in tags else {}
    cloud = world({**tags, **more})
    cloud.add(NET, {"location": TARGET, "properties": {"subnets": [WEB]}})
    cloud.add(FRONT, {"location": TARGET, "sku": {"name": "Standard"}})
    cloud.vault["replication_protected_items"].append(rival(**details))
    # Which addresses a VM will have, and which are free, its own run finds out.
    of_names = {} if tags.keys() & {"dr-target-public-ip", "dr-target-ip"} else expected

    assert await codes_of(cloud) == (expected, of_names)

    name = tags.get("dr-target-name", "web-1")
    group = (NEAR if "dr-target-resource-group" in tags else THERE).group_id
    own = {"recoveryAzureVMName": name, "recoveryAzureResourceGroupId": str(group)}
    disks = [{"diskId": str(OS_DISK)}]
    body = item_body("Protected", our_item_name(), **own, protectedManagedDisks=disks)
    cloud.vault["replication_protected_items"].append(body)
    in_plan, in_sweep = await codes_of(cloud)
    assert "blocker" not in {*in_plan.values(), *in_sweep.values()}
    assert in_sweep == dict.fromkeys(of_names, Severity.WARNING)
    if expected == of_names:
        assert in_plan == in_sweep


@pytest.mark.parametrize(("tags", "codes"), [({}, [CODE]), ({"dr-exclude-disks": "web-1-data"}, [])])
async def test_a_disk_that_is_not_replicated_takes_no_name(tags: dict[str, str], codes: list[str]) -> None:
    cloud = world(tags)
    data = {"lun": 0, "managedDisk": {"id": str(DATA_DISK), "storageAccountType": "Premium_LRS"}}
    cloud.resources[VM_ID.key]["properties"]["storageProfile"]["dataDisks"] = [data]
    cloud.vault["replication_protected_items"].append(rival(**of_disk(DATA_DISK.name)))

    in_plan, in_sweep = await codes_of(cloud)

    assert (list(in_plan), list(in_sweep)) == (codes, codes)


@pytest.mark.parametrize(
    ("tags", "has", "changed"),
    [
        ({"dr-target-name": "twin"}, {}, False),
        ({"dr-target-resource-group": "near"}, {"recoveryAzureVMName": "twin"}, False),
        ({"dr-target-name": "TWIN", "dr-target-size": "Standard_D4s_v5"}, {"recoveryAzureVMName": "twin"}, True),
        ({"dr-target-size": "Standard_D4s_v5"}, {"recoveryAzureVMName": "twin"}, True),
        ({"dr-target-name": "web-9"}, {"recoveryAzureVMName": "twin"}, True),
    ],
)
async def test_a_protected_vm_is_not_given_the_name_that_another_is_to_have(
    tags: dict[str, str], has: dict[str, str], changed: bool
) -> None:
    """Two items that have one name already are changed otherwise: one of the two has to get another name."""
    cloud = world(tags)
    cloud.skus.append(sku_body("Standard_D4s_v5"))
    group = NEAR.group_id if "dr-target-resource-group" in tags else THERE.group_id
    own = {"recoveryAzureVMName": "web-1", "recoveryAzureResourceGroupId": str(THERE.group_id), **has}
    cloud.vault["replication_protected_items"] += [
        item_body("Protected", our_item_name(), **own, protectedManagedDisks=[{"diskId": str(OS_DISK)}]),
        rival(recoveryAzureResourceGroupId=str(group)),
    ]
    azure = app(cloud)
    observation = await observe(azure, VM_ID)
    assert observation.vm

    plan = await plan_for(azure, observation.vm, observation.item)
    (status,) = [each for each in (await compliance_report(azure)).vm_statuses if each.vm_id == VM_ID]

    assert (bool(plan.changes.update), status.action is Action.CHANGE) == (changed, changed)
    if not changed:
        for findings in (plan.findings, status.findings):
            assert [each.severity for each in findings if each.code == CODE] == [Severity.WARNING]


SET = ResourceId.of(SUBSCRIPTION, "web", AVAILABILITY_SET, "pool")
TARGET_SET = ResourceId.of(SUBSCRIPTION, "near", AVAILABILITY_SET, "pool-asr")


@pytest.mark.parametrize(
    ("tags", "names", "holder", "expected"),
    [
        ({}, {}, TWIN, "The target of "),
        ({}, {"availability_set": "{source}-dr"}, TWIN, ""),
        ({}, {}, OTHER, ""),
        ({"dr-target-availability-set": "none"}, {}, TWIN, ""),
        ({"dr-target-zone": "1"}, {}, TWIN, ""),
        ({"dr-target-resource-group": "none"}, {}, TWIN, ""),
        ({}, {"resource_group": "{source}-eastus", "cache_group": "web-{sourceRegion}"}, OTHER, ""),
        (
            {"dr-target-resource-group": "none"},
            {"resource_group": "{source}-eastus", "cache_group": "web-{sourceRegion}"},
            TWIN,
            "cache accounts",
        ),
    ],
)
async def test_all_say_alike_that_two_sources_would_have_one_name(
    tags: dict[str, str], names: dict[str, str], holder: ResourceId, expected: str
) -> None:
    """The set `pool` of another group has its target in the target group that the tag names already."""
    cloud = world({"dr-target-resource-group": "near", **tags})
    if tags.get("dr-target-resource-group") == "none":
        del cloud.resources[VM_ID.key]["tags"]["dr-target-resource-group"]
    cloud.resources[VM_ID.key]["properties"]["availabilitySet"] = {"id": str(SET)}
    cloud.add(SET, {"location": "eastus", "properties": {}})
    details = {"fabricObjectId": str(holder), "recoveryAvailabilitySet": str(TARGET_SET)}
    cloud.vault["replication_protected_items"].append(rival(**details))

    found = await said(app(cloud, names=names), "NameNotUnique")

    assert {by: len(messages) for by, messages in found.items()} == dict.fromkeys(found, 1 if expected else 0)
    assert all(expected in message for messages in found.values() for message in messages)


NAMESAKE = ResourceId(str(NETWORK_ID).replace(SUBSCRIPTION, ELSEWHERE))
"""The network of that name in another subscription, whose targets go to the same one."""
BY_NAME = ResourceId.of(SUBSCRIPTION, "net-asr", NETWORK, "vnet-asr")


def mapping_body(source: ResourceId) -> dict[str, Any]:
    """A network mapping, of the vault's region pair."""
    places = {"instanceType": "AzureToAzure", "primaryFabricLocation": "eastus", "recoveryFabricLocation": TARGET}
    parent = VAULT_ID.child("replicationFabrics", "f").child("replicationNetworks", "azureNetwork")
    known = {"primaryNetworkId": str(source), "recoveryNetworkId": str(BY_NAME), "fabricSpecificSettings": places}
    return {"id": str(parent.child("replicationNetworkMappings", source.subscription)), "properties": known}


@pytest.mark.parametrize("evidence", ["a mapping", "an item"])
@pytest.mark.parametrize(
    ("source", "tags", "mapped", "expected"),
    [
        (NAMESAKE, {}, False, True),
        (NETWORK_ID, {}, False, False),  # another VM of the same network
        (NAMESAKE, {"dr-target-vnet": str(NET)}, False, False),
        (NAMESAKE, {}, True, False),  # somebody has mapped it there
    ],
)
async def test_two_networks_that_would_have_one_target_are_named_before_anything_is_made(
    evidence: str, source: ResourceId, tags: dict[str, str], mapped: bool, expected: bool
) -> None:
    cloud = world(tags)
    cloud.add_region_pair()
    for network, place in ((NETWORK_ID, "eastus"), (NET, TARGET)):
        cloud.add(network, {"location": place, "properties": {"subnets": [WEB]}})
    on_subnet = {"properties": {"subnet": {"id": f"{NETWORK_ID}/subnets/web"}}}
    cloud.add(NIC, {"location": "eastus", "properties": {"ipConfigurations": [on_subnet]}})
    mappings = {source} if evidence == "a mapping" else set()
    cloud.vault["replication_network_mappings"] += map(mapping_body, mappings | ({NETWORK_ID} if mapped else set()))
    if evidence == "an item":
        nic = {"nicId": "1", "sourceNicArmId": f"{NIC}-of-it", "vMNetworkName": str(source).lower()}
        nic["recoveryVMNetworkId"] = str(BY_NAME).upper()
        cloud.vault["replication_protected_items"].append(rival(fabricObjectId=str(OTHER), vmNics=[nic]))
    azure = app(cloud)
    vm = (await observe(azure, VM_ID)).vm
    assert vm

    plan = await plan_for(azure, vm)

    assert [each.code for each in plan.findings if each.code == "NameNotUnique"] == ["NameNotUnique"] * expected
    assert (plan.replication is None) is expected


async def test_a_static_address_that_another_vm_is_to_have_is_not_kept() -> None:
    cloud = world({"dr-target-vnet": str(NET)})
    cloud.add(NET, {"location": TARGET, "properties": {"subnets": [WEB]}})
    subnet = {"id": f"{NETWORK_ID}/subnets/web"}
    static = {"subnet": subnet, "privateIPAddress": "10.9.1.50", "privateIPAllocationMethod": "Static"}
    cloud.add(NIC, {"location": "eastus", "properties": {"ipConfigurations": [{"properties": static}]}})
    found = []
    for address in ("10.9.1.49", "10.9.1.50"):
        cloud.vault["replication_protected_items"] = [rival(**an_interface(recoveryStaticIPAddress=address))]
        azure = app(cloud)
        vm = (await observe(azure, VM_ID)).vm
        assert vm
        found.append([each.code for each in (await plan_for(azure, vm)).findings])

    assert found == [[], ["StaticIpNotPreserved"]]


@pytest.mark.parametrize(
    ("field", "value", "recoverable"),
    [("recoveryStaticIPAddress", "10.9.1.50", True), ("recoveryPublicIPAddressId", str(FRONT), False)],
)
@pytest.mark.parametrize("same", [True, False])
async def test_two_items_that_are_to_have_one_address_are_both_found_by_a_sweep(
    field: str, value: str, recoverable: bool, same: bool
) -> None:
    """As they show it, whatever the tags request in its place."""
    cloud = world({})
    os_disk = {"managedDisk": {"id": f"{OS_DISK}-of-twin", "storageAccountType": "Premium_LRS"}}
    cloud.add_vm({"dr": "true"}, vm=TWIN, storageProfile={"osDisk": {"osType": "Linux", **os_disk}})
    for vm, disk, has in ((VM_ID, OS_DISK, value), (TWIN, f"{OS_DISK}-of-twin", value if same else f"{value}1")):
        body = rival(fabricObjectId=str(vm), recoveryAzureVMName=vm.resource_group, **an_interface(**{field: has}))
        body["properties"]["providerSpecificDetails"]["protectedManagedDisks"] = [{"diskId": str(disk)}]
        cloud.vault["replication_protected_items"].append({**body, "id": body["id"] + vm.resource_group})

    statuses = (await compliance_report(app(cloud))).vm_statuses

    for status, other in zip(statuses, reversed(statuses), strict=True):
        found = [each for each in status.findings if each.code == CODE]
        assert [each.severity for each in found] == [Severity.WARNING] * same
        assert all(str(other.vm_id).lower() in each.message.lower() for each in found if same)
        assert all(value.rsplit("/", 1)[-1] in each.message for each in found)
        assert all((each.recoverable is None) is recoverable for each in found)

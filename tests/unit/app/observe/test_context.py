"""What a VM's protection depends on besides the VM: read once for all that share it, and again where it counts."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.model import resource_types
from shared.model.names import DEFAULT_NAMES
from shared.model.replicated_item import ItemNic, ItemSettings, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.vm import Network, PlanningContext, Quota, Size, SourceNic, SourceVm, Subnet
from shared.observe.context import ContextReader
from shared.observe.vm import plan_for
from shared.planning.overrides import overrides_of
from shared.readers.resource_groups import GroupRecord
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    DEPLOYMENT,
    ELSEWHERE,
    NETWORK,
    NIC,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    VM_ID,
    asking,
    open_settings,
    protected_item,
    reported,
    setting,
    source_vm,
)
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, lock_body, sku_body, usage_body

SUBNET = {"id": f"{NETWORK}/subnets/web"}
ON_SUBNET = {"properties": {"subnet": SUBNET}}
BY_NAME = ResourceId.of(SUBSCRIPTION, "net-asr", NETWORK.type, "vnet-asr")


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def reader(azure: FakeAzure, vm: SourceVm, *, refresh: bool = False) -> ContextReader:
    return ContextReader(azure, vm, overrides_of(vm, {}, azure.settings), vault_of(azure, VAULT_ID), refresh=refresh)


async def surroundings_of(cloud: Cloud, vm: SourceVm | None = None, **changes: Any) -> PlanningContext:
    azure = FakeAzure(open_settings(), cloud)
    return await reader(azure, vm or source_vm(**changes)).before_enabling(None)


# Interfaces and networks


@pytest.mark.parametrize(
    "properties",
    [
        None,
        {},
        {"ipConfigurations": None},
        {"ipConfigurations": []},
        {"ipConfigurations": [{}]},
        {"ipConfigurations": [{"properties": None}]},
        {"ipConfigurations": [{"properties": {}}]},
        {"ipConfigurations": [{"properties": {"subnet": None}}]},
        {"ipConfigurations": [{"properties": {"subnet": {}}}]},
        {"ipConfigurations": [{"properties": {"subnet": {"id": None}}}]},
    ],
)
async def test_a_nic_that_names_no_subnet_leads_to_no_network(cloud: Cloud, properties: dict[str, Any] | None) -> None:
    cloud.add(NIC, {"location": SOURCE, "properties": properties})

    assert (await surroundings_of(cloud)).networks == ()


@pytest.mark.parametrize("address", [{}, {"privateIPAddress": None}, {"privateIPAddress": "later"}])
async def test_a_static_address_that_azure_does_not_tell_is_none(cloud: Cloud, address: dict[str, Any]) -> None:
    static = {**ON_SUBNET["properties"], "privateIPAllocationMethod": "Static", **address}
    cloud.add(NIC, {"location": SOURCE, "properties": {"ipConfigurations": [{"properties": static}]}})
    azure = FakeAzure(open_settings(), cloud)

    plan = await plan_for(azure, source_vm())

    assert plan.replication


async def test_a_configuration_without_a_subnet_does_not_hide_the_next(cloud: Cloud) -> None:
    several = [{"properties": {"subnet": None}}, {}, ON_SUBNET]
    cloud.add(NIC, {"location": SOURCE, "properties": {"ipConfigurations": several}})

    assert [network.id for network in (await surroundings_of(cloud)).networks] == [NETWORK]


async def test_what_an_interface_has_besides_its_primary_address_is_read_with_it(cloud: Cloud) -> None:
    """The primary configuration need not be the first."""
    named = [{"id": f"{VM_ID.group_id}/providers/Microsoft.Network/applicationSecurityGroups/{n}"} for n in ("db", "x")]
    subnet = {"id": str(NETWORK.child("subnets", "web"))}
    several = [
        {"name": "second", "properties": {"subnet": subnet, "applicationSecurityGroups": named}},
        {"name": "first", "properties": {"subnet": subnet, "primary": True, "applicationSecurityGroups": named[:1]}},
        {"name": "third", "properties": {"subnet": subnet, "applicationSecurityGroups": None}},
    ]
    cloud.add(NIC, {"location": SOURCE, "properties": {"ipConfigurations": several}})

    (nic,) = (await surroundings_of(cloud)).nics
    assert (nic.configuration, nic.secondary, nic.application_groups) == ("first", ("second", "third"), ("db", "x"))


async def test_what_a_network_has_is_read_with_it(cloud: Cloud) -> None:
    subnets = [
        {"name": "old", "properties": {"natGateway": {"id": "/x"}, "serviceEndpoints": [{"service": "Microsoft.Sql"}]}},
        {"name": "open", "properties": {"defaultOutboundAccess": True, "natGateway": None, "delegations": []}},
        {
            "name": "shut",
            "properties": {
                "defaultOutboundAccess": False,
                "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}],
            },
        },
    ]
    properties = {"subnets": subnets, "dhcpOptions": {"dnsServers": ["10.1.0.4", "10.1.0.5"]}}
    cloud.add(NETWORK, {"location": SOURCE, "properties": properties})

    (network,) = (await surroundings_of(cloud)).networks
    assert network.dns_servers == ("10.1.0.4", "10.1.0.5")
    assert network.subnets == {
        "old": Subnet(has_nat_gateway=True, service_endpoints=("Microsoft.Sql",)),
        "open": Subnet(),
        "shut": Subnet(private=True, delegated_to=("Microsoft.Web/serverFarms",)),
    }


@pytest.mark.parametrize(
    "properties",
    [
        None,
        {},
        {"addressSpace": None, "subnets": None},
        {"addressSpace": {}, "subnets": []},
        {"addressSpace": {"addressPrefixes": None}},
    ],
)
async def test_a_network_of_which_azure_reports_nothing_is_read_as_empty(
    cloud: Cloud, properties: dict[str, Any] | None
) -> None:
    cloud.add(NETWORK, {"location": SOURCE, "properties": properties})

    assert (await surroundings_of(cloud)).networks == (Network(id=NETWORK, location=SOURCE),)


@pytest.mark.parametrize(
    ("properties", "prefixes"),
    [
        (None, ()),
        ({}, ()),
        ({"addressPrefix": None, "addressPrefixes": None}, ()),
        ({"addressPrefix": None, "addressPrefixes": []}, ()),
        ({"addressPrefix": "10.1.1.0/24", "addressPrefixes": None}, ("10.1.1.0/24",)),
        ({"addressPrefix": "10.1.1.0/24", "addressPrefixes": []}, ("10.1.1.0/24",)),
        (
            {"addressPrefix": "10.1.1.0/24", "addressPrefixes": ["10.1.1.0/24", "fd00::/64"]},
            ("10.1.1.0/24", "fd00::/64"),
        ),
    ],
)
async def test_the_prefixes_of_a_subnet_are_read_however_they_are_reported(
    cloud: Cloud, properties: dict[str, Any] | None, prefixes: tuple[str, ...]
) -> None:
    subnets = [
        {"name": "web", "properties": properties},
        {"name": "db", "properties": {"addressPrefix": "10.1.2.0/24"}},
    ]
    cloud.add(NETWORK, {"location": SOURCE, "properties": {"subnets": subnets}})

    (network,) = (await surroundings_of(cloud)).networks

    assert {name: subnet.prefixes for name, subnet in network.subnets.items()} == {
        "web": prefixes,
        "db": ("10.1.2.0/24",),
    }


@pytest.mark.parametrize(
    "properties", [None, {}, {"platformFaultDomainCount": None, "platformUpdateDomainCount": None}]
)
async def test_an_availability_set_of_which_azure_reports_nothing_has_one_domain_of_each(
    cloud: Cloud, properties: dict[str, Any] | None
) -> None:
    cloud.add(AVAILABILITY_SET, {"location": SOURCE, "sku": None, "properties": properties})

    found = (await surroundings_of(cloud, availability_set_id=AVAILABILITY_SET)).availability_set

    assert found
    assert (found.fault_domains, found.update_domains, found.sku) == (1, 1, "Aligned")


async def test_an_interface_is_read_with_its_primary_configuration(cloud: Cloud) -> None:
    second = {"subnet": {"id": f"{NETWORK}/subnets/db"}, "privateIPAddress": "10.1.2.4"}
    primary = {**second, "primary": True, "privateIPAllocationMethod": "Static"}
    configurations = [ON_SUBNET | {"name": "first"}, {"name": "second", "properties": primary}]
    cloud.add(NIC, {"location": SOURCE, "properties": {"ipConfigurations": configurations}})

    (nic,) = (await surroundings_of(cloud)).nics

    subnet = NETWORK.child("subnets", "db")
    known = SourceNic(id=NIC, subnet=subnet, configuration="second", address="10.1.2.4", static=True)
    assert nic == known.with_(secondary=("first",))


async def test_what_guards_and_leads_traffic_is_read_of_both_networks(cloud: Cloud) -> None:
    subnets = [
        {"name": "web", "properties": {"networkSecurityGroup": {"id": "x"}, "routeTable": {"id": "y"}}},
        {"name": "db", "properties": {"networkSecurityGroup": None}},
    ]
    peered = {"virtualNetworkPeerings": [{"name": "hub"}]}
    cloud.add(NETWORK, {"location": "East US", "properties": {"subnets": subnets, **peered}})
    cloud.add(BY_NAME, {"location": "West US 2", "properties": {"subnets": subnets[1:]}})

    context = await surroundings_of(cloud)

    ((network,), (target,)) = context.networks, context.target_networks
    assert (network.subnets["web"].has_nsg, network.subnets["web"].has_route_table, network.peered) == (
        True,
        True,
        True,
    )
    assert (network.subnets["db"].has_nsg, network.subnets["db"].has_route_table) == (False, False)
    assert (target.id, target.location, list(target.subnets), target.peered) == (BY_NAME, TARGET, ["db"], False)


@pytest.mark.parametrize(("address", "taken"), [("10.1.1.9", ("10.1.1.9",)), ("10.1.1.10", ())])
async def test_an_address_is_checked_to_be_free_where_the_target_network_is_there(
    cloud: Cloud, address: str, taken: tuple[str, ...]
) -> None:
    cloud.taken_addresses.add("10.1.1.9")
    vm = asking(target_ip=address)

    assert (await surroundings_of(cloud, vm)).taken_addresses == ()
    cloud.add(BY_NAME, {"location": TARGET, "properties": {}})
    assert (await surroundings_of(cloud, vm)).taken_addresses == taken
    cloud.add_nic(privateIPAddress=address, privateIPAllocationMethod="Static")
    assert (await surroundings_of(cloud)).taken_addresses == taken


# What else


async def test_the_vault_s_identity_and_the_group_s_owner_are_read(cloud: Cloud) -> None:
    azure = FakeAzure(open_settings(), cloud)
    cloud.add_vault(VAULT_ID, identity={"type": "SystemAssigned"})

    context = await reader(azure, source_vm()).before_enabling(GroupRecord(SOURCE, managed_by="aks"))

    assert (context.vault_location, context.vault_has_identity, context.group_managed_by) == (TARGET, True, "aks")
    cloud.add_vault(VAULT_ID, identity={"type": "None"})
    assert not (await surroundings_of(cloud)).vault_has_identity


async def test_the_sizes_that_matter_are_read_with_zones_and_what_is_left(cloud: Cloud) -> None:
    closed = [{"type": "Zone", "restrictionInfo": {"zones": ["3"]}}]
    cloud.skus = [
        sku_body(restrictions=closed),
        sku_body("Standard_D4s_v5", capabilities=[{"name": "vCPUs", "value": "4"}]),
        sku_body("Standard_D8s_v5"),
        sku_body("Standard_D2s_v5", location=SOURCE, restrictions=[]),
        sku_body("Premium_LRS", resourceType="disks"),
    ]
    cloud.usages = [usage_body("cores", 100, 97), usage_body("standardDSv5Family", 20, 10)]

    sizes = _sizes(await surroundings_of(cloud, asking(target_size="standard_D4s_V5")))

    quotas = (Quota(name="standardDSv5Family", limit=20, used=10), Quota(name="cores", limit=100, used=97))
    assert sizes == (
        Size(name="Standard_D2s_v5", family="standardDSv5Family", cores=2, zones=("1", "2"), quotas=quotas),
        Size(name="Standard_D4s_v5", family="standardDSv5Family", cores=4, zones=("1", "2", "3"), quotas=quotas),
    )


async def test_what_a_size_takes_and_the_fault_domains_of_a_set_are_read(cloud: Cloud) -> None:
    capabilities = {"vCPUs": "2", "MemoryGB": "3.5", "MaxDataDiskCount": "4", "PremiumIO": "False"}
    domains = [{"name": "MaximumPlatformFaultDomainCount", "value": "3"}]
    cloud.skus = [
        sku_body(capabilities=[{"name": name, "value": value} for name, value in capabilities.items()]),
        sku_body("Aligned", resourceType="availabilitySets", capabilities=domains),
        sku_body("Classic", resourceType="availabilitySets", capabilities=[]),
    ]

    offer = (await surroundings_of(cloud)).offer

    assert offer
    assert offer.fault_domains == 3
    assert [(size.memory, size.data_disks, size.premium) for size in offer.sizes] == [(3.5, 4, False)]


@pytest.mark.parametrize(
    "odd", [{"capabilities": [{"name": "MemoryGB", "value": "1,75"}]}, {"restrictions": [{"reasonCode": "Other"}]}]
)
async def test_a_size_is_offered_whatever_cannot_be_read_of_it(cloud: Cloud, odd: dict[str, Any]) -> None:
    cloud.skus = [sku_body(**odd)]

    assert [(size.name, size.memory) for size in _sizes(await surroundings_of(cloud))] == [("Standard_D2s_v5", None)]


async def test_a_size_that_is_closed_to_the_subscription_is_not_offered(cloud: Cloud) -> None:
    cloud.skus = [sku_body(restrictions=[{"type": "Location", "restrictionInfo": {"locations": [TARGET]}}])]

    assert _sizes(await surroundings_of(cloud)) == ()


async def test_a_family_without_a_quota_has_that_of_the_region_alone(cloud: Cloud) -> None:
    cloud.skus = [sku_body(family="newFamily", zones=None, locationInfo=None, capabilities=None)]
    cloud.usages = [usage_body("cores", 10, 4)]

    assert _sizes(await surroundings_of(cloud)) == (
        Size(name="Standard_D2s_v5", family="newFamily", quotas=(Quota(name="cores", limit=10, used=4),)),
    )


async def test_all_that_the_list_of_sizes_tells_is_read(cloud: Cloud) -> None:
    expected = {
        "MaxNetworkInterfaces": "4",
        "CpuArchitectureType": "Arm64",
        "HyperVGenerations": "V1,V2",
        "DiskControllerTypes": "SCSI, NVMe",
        "TrustedLaunchDisabled": "True",
        "UltraSSDAvailable": "True",
    }
    ultra = [{"name": "UltraSSDAvailable", "value": "True"}]
    details = [{"name": ["2", "3"], "capabilities": ultra}, {"name": ["1"], "capabilities": []}]
    cloud.skus = [
        sku_body(
            capabilities=[{"name": name, "value": value} for name, value in expected.items()],
            locationInfo=[{"location": TARGET, "zones": ["1", "2", "3"], "zoneDetails": details}],
            restrictions=[{"type": "Zone", "restrictionInfo": {"zones": ["3"]}}],
        ),
        sku_body("Premium_LRS", resourceType="disks"),
        sku_body("Premium_LRS", resourceType="disks", size="P20"),
        sku_body("Premium_ZRS", resourceType="disks", restrictions=[{"type": "Location"}]),
    ]

    offer = (await surroundings_of(cloud)).offer

    assert offer
    (size,) = offer.sizes
    assert (size.interfaces, size.architecture, size.generations) == (4, "Arm64", ("V1", "V2"))
    assert (size.controllers, size.trusted_launch) == (("SCSI", "NVMe"), False)
    assert (size.ultra, size.ultra_zones) == (True, ("2",))
    assert offer.disk_types == ("Premium_LRS",)


async def test_locks_of_the_subscriptions_of_vm_and_vault_are_read(cloud: Cloud) -> None:
    cloud.locks = [
        lock_body(VM_ID, "ReadOnly", "vm"),
        lock_body(ResourceId(f"/subscriptions/{SUBSCRIPTION}"), name="all"),
        lock_body(ResourceId(f"/subscriptions/{ELSEWHERE}"), name="theirs"),
    ]

    locks = (await surroundings_of(cloud)).locks

    assert [(lock.name, lock.read_only) for lock in locks] == [("vm", True), ("all", False)]
    assert [lock.covers(VM_ID) for lock in locks] == [True, True]
    assert [lock.covers(ResourceId(f"{VM_ID}0")) for lock in locks] == [False, True]


async def test_disks_that_several_vms_may_have_are_reported(cloud: Cloud) -> None:
    cloud.add_disk(OS_DISK, maxShares=2)

    assert (await surroundings_of(cloud)).shared_disks == (OS_DISK,)


async def test_what_a_cache_account_serves_and_a_region_holds_is_counted_over_all_items(cloud: Cloud) -> None:
    account = str(DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT))
    for number in range(3):
        disk = {"diskId": f"{OS_DISK}-{number}", "primaryStagingAzureStorageAccountId": account.upper()}
        region = TARGET if number else "centralus"
        details = {"fabricObjectId": f"{VM_ID}{number}", "recoveryFabricLocation": region}
        body = item_body("Protected", f"item-{number}", **details, protectedManagedDisks=[disk])
        cloud.vault["replication_protected_items"].append(body)

    context = await surroundings_of(cloud)

    assert (context.cached_disks, context.replicated_disks) == ({account.lower(): 3}, 2)


@pytest.mark.parametrize(("churn", "premium"), [({}, False), ({"churn": "high"}, True)])
async def test_the_app_s_own_cache_account_is_read_as_one_that_is_named(
    cloud: Cloud, churn: dict[str, str], premium: bool
) -> None:
    own = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, premium=premium)
    kind, sku = ("BlockBlobStorage", "Premium_LRS") if premium else ("StorageV2", "Standard_LRS")
    no_keys = {"allowSharedKeyAccess": False}
    cloud.add(own.group_id, {"location": SOURCE})
    cloud.add(own, {"location": SOURCE, "kind": kind, "sku": {"name": sku}, "properties": no_keys})
    cloud.add(own.child("blobServices", "default"), {"properties": {"deleteRetentionPolicy": {"enabled": True}}})

    (found,) = (await surroundings_of(cloud, asking(**churn))).existing

    assert (found.id, found.kind, found.obstacle, found.keys_off) == (own, kind, "has soft delete on", True)


async def test_of_an_account_that_this_process_made_soft_delete_is_not_asked(cloud: Cloud) -> None:
    own = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT)
    cloud.add(own.group_id, {"location": SOURCE})
    cloud.add(own, {"location": SOURCE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
    azure = FakeAzure(open_settings(), cloud)
    azure.made.add(own)

    (found,) = (await reader(azure, source_vm()).before_enabling(None)).existing

    assert (found.id, found.obstacle) == (own, "")
    assert [read for read in cloud.reads if "blobServices" in str(read)] == []


# The name of the cache account, which may be anybody's


def own(number: int = 1, **more: Any) -> ResourceId:
    return DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, number=number, **more)


@pytest.mark.parametrize("premium", [False, True])
async def test_a_name_that_others_hold_is_passed_over_for_the_next(cloud: Cloud, premium: bool) -> None:
    names = [own(number, premium=premium) for number in (1, 2, 3)]
    cloud.taken_names = {name.name for name in names[:2]}

    context = await surroundings_of(cloud, asking(**({"churn": "high"} if premium else {})))

    assert (context.taken_accounts, context.existing) == ((names[0], names[1]), ())


async def test_the_next_name_is_used_where_it_exists(cloud: Cloud) -> None:
    cloud.taken_names = {own().name}
    cloud.add(own().group_id, {"location": SOURCE})
    cloud.add(own(2), {"location": SOURCE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})

    context = await surroundings_of(cloud)

    assert (context.taken_accounts, [each.id for each in context.existing]) == ((own(),), [own(2)])


async def test_where_all_names_are_held_the_last_one_cannot_serve(cloud: Cloud) -> None:
    cloud.taken_names = {own(number).name for number in range(1, 100)}

    context = await surroundings_of(cloud)

    (account,) = context.existing
    assert account.id == own(len(context.taken_accounts) + 1)
    assert account.obstacle.startswith("cannot be created: another subscription or tenant holds its name")
    assert len(cloud.reads) < 40


async def test_an_account_that_was_moved_is_not_replaced_by_another(cloud: Cloud) -> None:
    moved = ResourceId.of(SUBSCRIPTION, "archive", own().type, own().name)
    cloud.add(moved, {"location": SOURCE})

    context = await surroundings_of(cloud)

    assert context.taken_accounts == ()
    assert [(each.id, "resource group archive" in each.obstacle) for each in context.existing] == [(own(), True)]


async def test_an_account_that_is_being_created_is_waited_for_and_not_replaced(cloud: Cloud) -> None:
    """By another process: a read does not show it yet, the list of the subscription does."""
    cloud.add(own(), {"location": SOURCE})
    cloud.faults[str(own())] = answer(404, "ResourceNotFound")

    context = await surroundings_of(cloud)

    assert (context.taken_accounts, context.existing) == ((), ())


async def test_without_the_right_to_ask_the_first_name_is_tried(cloud: Cloud) -> None:
    cloud.taken_names = {own().name}
    cloud.faults["names"] = answer(403, "AuthorizationFailed")

    context = await surroundings_of(cloud)

    assert (context.taken_accounts, context.existing) == ((), ())


async def test_the_app_s_own_cache_account_is_not_read_where_it_is_not_used(cloud: Cloud) -> None:
    own = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT)
    cloud.add(own, {"location": SOURCE})

    assert (await surroundings_of(cloud, asking(cache_storage="theirs"))).existing == ()
    assert (await surroundings_of(Cloud())).existing == ()


async def test_the_vms_of_the_group_that_is_asked_for_are_found_by_its_name(cloud: Cloud) -> None:
    for number, option, name in (
        (1, "UserSpecified", "SHOP"),
        (2, "UserSpecified", "other"),
        (3, "AutoCreated", "shop"),
    ):
        body = item_body(
            "Protected",
            f"item-{number}",
            fabricObjectId=f"{VM_ID}{number}",
            multiVmGroupName=name,
            multiVmGroupCreateOption=option,
            primaryFabricLocation="East US",
        )
        cloud.vault["replication_protected_items"].append(body)

    (member,) = (await surroundings_of(cloud, asking(consistency_group="shop"))).group_members

    assert (member.id, member.location) == (ResourceId(f"{VM_ID}1"), SOURCE)
    assert (await surroundings_of(cloud)).group_members == ()


async def test_what_lies_outside_the_target_scope_is_not_even_read(cloud: Cloud) -> None:
    theirs = ResourceId.of(ELSEWHERE, "theirs", resource_types.ACCOUNT, "cache")
    cloud.add(theirs, {"location": SOURCE, "kind": "StorageV2"})

    context = await surroundings_of(cloud, asking(cache_storage=str(theirs)))

    assert context.existing == ()
    assert not [read for read in cloud.reads if ELSEWHERE in read]


# What is remembered, and what is read again


async def test_what_vms_share_is_read_once_and_what_is_a_vm_s_own_for_each(cloud: Cloud) -> None:
    azure = FakeAzure(open_settings(), cloud)
    cloud.add(BY_NAME, {"location": TARGET, "properties": {}})
    for number in range(3):
        await reader(azure, source_vm(id=ResourceId(f"{VM_ID}{number}"))).before_enabling(None)

    counts = {read: cloud.reads.count(read) for read in cloud.reads}
    assert {read for read, count in counts.items() if count > 1} == {str(NIC)}
    assert {"locks", "resource_skus", "usages", "disks of web", str(NETWORK), str(BY_NAME)} <= set(counts)


@pytest.mark.parametrize("stopped", ["read", "locks", "resource_skus", "usages", "disks", "eligibility"])
async def test_what_cannot_be_read_is_not_taken_for_missing(cloud: Cloud, stopped: str) -> None:
    cloud.faults[stopped] = answer(429, "TooManyRequests")

    with pytest.raises(HttpResponseError):
        await surroundings_of(cloud)


async def test_a_blocker_from_memory_is_observed_again_before_it_is_reported(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("shared.arm.ttl_cache.monotonic", lambda: now)
    azure = FakeAzure(open_settings(), cloud)
    cloud.locks = [lock_body(VM_ID, "ReadOnly")]
    assert reported((await plan_for(azure, source_vm())).blockers, "ReadOnlyLock")

    cloud.locks = []
    assert reported((await plan_for(azure, source_vm())).blockers, "ReadOnlyLock")
    now += 31
    assert (await plan_for(azure, source_vm())).blockers == ()


async def test_what_blocks_by_itself_costs_no_reads(cloud: Cloud) -> None:
    azure = FakeAzure(open_settings(), cloud)

    stopped = await plan_for(azure, source_vm(power_state="deallocated"))
    bad = await plan_for(azure, asking(target_zone="9"))

    assert ([each.code for each in stopped.blockers], [each.code for each in bad.blockers]) == (
        ["VmNotRunning"],
        ["OverrideInvalid"],
    )
    assert cloud.reads == ["resource_groups"]


async def test_a_region_that_no_vault_serves_is_reported(cloud: Cloud) -> None:
    second = ResourceId(f"{VAULT_ID}-2")
    app = open_settings(vault_ids=f"{VAULT_ID},{second}", region_map={"westus": {"vault": str(second)}})

    finding = reported((await plan_for(FakeAzure(app, cloud), source_vm())).blockers, "RegionNotMapped")

    assert finding.message == f"web-1 is in {SOURCE}, and DR_REGION_MAP names no vault for that region."


async def test_tags_of_the_resource_group_ask_for_all_its_vms(cloud: Cloud) -> None:
    cloud.add(VM_ID.group_id, {"location": SOURCE, "tags": {"dr-target-name": "web-1-dr"}})

    plan = await plan_for(FakeAzure(open_settings(), cloud), source_vm())

    assert plan.replication
    assert plan.replication.name == "web-1-dr"


# What could change an item


def item(**settings: Any) -> ProtectedItem:
    nic = ItemNic(
        id="1", source=NIC, source_network=NETWORK, subnet="web", address="10.1.1.4", configuration="ipconfig"
    )
    return protected_item(nics=(nic, ItemNic(id="2", source=ResourceId(f"{NIC}-2"))), settings=ItemSettings(**settings))


async def test_of_an_item_s_interfaces_the_item_itself_reports(cloud: Cloud) -> None:
    azure = FakeAzure(open_settings(), cloud)

    context = await reader(azure, source_vm()).of_item(item())

    (nic,) = context.nics
    assert (nic.id, nic.subnet, nic.static) == (NIC, NETWORK.child("subnets", "web"), False)
    assert [network.id for network in context.networks] == [NETWORK]
    assert str(NIC) not in cloud.reads
    assert (context.offer, context.locks, context.eligibility_errors) == (None, (), ())


async def test_the_region_of_an_item_is_its_own_and_not_the_vault_s(cloud: Cloud) -> None:
    azure = FakeAzure(open_settings(), cloud)

    assert (await reader(azure, source_vm()).of_item(item(target_location="centralus"))).target_location == "centralus"


async def test_sizes_are_read_for_an_item_only_where_one_is_asked_for(cloud: Cloud) -> None:
    azure = FakeAzure(open_settings(), cloud)

    context = await reader(azure, asking(target_size="Standard_D2s_v5")).of_item(item(target_location=TARGET))

    assert [size.name for size in _sizes(context)] == ["Standard_D2s_v5"]


def _sizes(context: PlanningContext) -> tuple[Size, ...]:
    assert context.offer
    return context.offer.sizes


# What is chosen for good, and where the target VM is to be


async def test_what_a_vm_is_enabled_with_rests_on_tags_of_its_group_that_are_no_older_than_a_poll(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("shared.arm.ttl_cache.monotonic", lambda: now)
    azure = FakeAzure(open_settings(), cloud)
    assert setting(await plan_for(azure, source_vm()), "targetZone").value == "none"
    cloud.add(VM_ID.group_id, {"location": SOURCE, "tags": {"dr-target-zone": "2"}})

    now += 31
    assert setting(await plan_for(azure, source_vm()), "targetZone").value == "2"


async def test_sizes_and_locks_are_those_of_the_subscription_of_the_target(cloud: Cloud) -> None:
    group = ResourceId.of(ELSEWHERE, "theirs")
    cloud.add(group, {"location": TARGET})
    cloud.locks = [lock_body(group, "ReadOnly")]
    app = open_settings(target_scope=f"/subscriptions/{SUBSCRIPTION},/subscriptions/{ELSEWHERE}")
    azure = FakeAzure(app, cloud)

    context = await reader(azure, asking(target_resource_group=str(group))).before_enabling(None)

    assert {path.split("/")[2] for path in cloud.paths if path.endswith(("/skus", "/usages"))} == {ELSEWHERE}
    assert [lock.scope for lock in context.locks] == [str(group)]


@pytest.mark.parametrize("stopped", ["resource_skus", "usages"])
async def test_a_region_that_there_is_not_is_reported_and_no_fault(cloud: Cloud, stopped: str) -> None:
    cloud.faults[stopped] = answer(400, "NoRegisteredProviderFound")

    plan = await plan_for(FakeAzure(open_settings(), cloud), asking(target_location="westsu2"))

    assert plan.blockers
    assert "westsu2" in str(plan.blockers)

"""Reading a VM, its NICs and networks: ARM writes what is not there as null as well as not at all."""

from typing import Any

import pytest

from shared.azure.source import read_surroundings, read_vm
from shared.domain.vm import Disk, SourceNetwork, SourceVm, Surroundings
from tests.unit.app.examples import AVAILABILITY_SET, NETWORK, NIC, OS_DISK, SOURCE, VM_ID, settings, source_vm
from tests.unit.app.fake_azure import Cloud, FakeAzure

SUBNET = {"id": f"{NETWORK}/subnets/web"}
ON_SUBNET = {"properties": {"subnet": SUBNET}}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


async def surroundings_of(cloud: Cloud, **changes: Any) -> Surroundings:
    return await read_surroundings(FakeAzure(settings(), cloud), source_vm(**changes))


async def vm_in(cloud: Cloud) -> SourceVm:
    vm = await read_vm(FakeAzure(settings(), cloud), VM_ID)
    assert vm
    return vm


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


async def test_a_configuration_without_a_subnet_does_not_hide_the_next(cloud: Cloud) -> None:
    several = [{"properties": {"subnet": None}}, {}, ON_SUBNET]
    cloud.add(NIC, {"location": SOURCE, "properties": {"ipConfigurations": several}})

    assert [network.id for network in (await surroundings_of(cloud)).networks] == [NETWORK]


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
async def test_a_network_of_which_azure_tells_nothing_is_read_as_empty(
    cloud: Cloud, properties: dict[str, Any] | None
) -> None:
    cloud.add(NETWORK, {"location": SOURCE, "properties": properties})

    assert (await surroundings_of(cloud)).networks == (SourceNetwork(id=NETWORK, address_space=(), subnets={}),)


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
async def test_the_prefixes_of_a_subnet_are_read_however_they_are_told(
    cloud: Cloud, properties: dict[str, Any] | None, prefixes: tuple[str, ...]
) -> None:
    subnets = [
        {"name": "web", "properties": properties},
        {"name": "db", "properties": {"addressPrefix": "10.1.2.0/24"}},
    ]
    cloud.add(NETWORK, {"location": SOURCE, "properties": {"subnets": subnets}})

    (network,) = (await surroundings_of(cloud)).networks

    assert network.subnets == {"web": prefixes, "db": ("10.1.2.0/24",)}


async def test_a_tag_without_a_value_is_one_of_an_empty_value(cloud: Cloud) -> None:
    cloud.add_vm()
    cloud.resources[VM_ID.key]["tags"] = {"dr": "true", "dr-hold": None, "owner": None}

    assert (await vm_in(cloud)).tags == {"dr": "true", "dr-hold": ""}


async def test_a_vm_whose_tags_are_null_has_none(cloud: Cloud) -> None:
    cloud.add_vm()
    cloud.resources[VM_ID.key]["tags"] = None

    assert (await vm_in(cloud)).tags == {}


@pytest.mark.parametrize("managed", [None, {}, {"id": None}, {"id": ""}, {"storageAccountType": "Premium_LRS"}])
async def test_a_managed_disk_without_an_id_is_no_managed_disk(cloud: Cloud, managed: dict[str, Any] | None) -> None:
    cloud.add_vm(
        storageProfile={
            "osDisk": {"managedDisk": {"id": str(OS_DISK), "storageAccountType": None}},
            "dataDisks": [{"lun": 0, "managedDisk": managed}],
        }
    )

    vm = await vm_in(cloud)

    assert (vm.disks, vm.unmanaged_disks) == ((Disk(id=OS_DISK, sku=""),), 1)


async def test_a_vm_whose_parts_are_null_is_read_all_the_same(cloud: Cloud) -> None:
    cloud.add_vm(
        storageProfile=None,
        networkProfile=None,
        instanceView=None,
        availabilitySet=None,
        virtualMachineScaleSet=None,
        provisioningState=None,
    )

    vm = await vm_in(cloud)

    assert (vm.disks, vm.unmanaged_disks, vm.nic_ids) == ((), 0, ())
    assert (vm.availability_set_id, vm.scale_set_id) == (None, None)
    assert (vm.power_state, vm.provisioning_state) == ("unknown", "Unknown")


@pytest.mark.parametrize(
    "properties", [None, {}, {"platformFaultDomainCount": None, "platformUpdateDomainCount": None}]
)
async def test_an_availability_set_of_which_azure_tells_nothing_has_one_domain_of_each(
    cloud: Cloud, properties: dict[str, Any] | None
) -> None:
    cloud.add(AVAILABILITY_SET, {"location": SOURCE, "sku": None, "properties": properties})

    found = (await surroundings_of(cloud, availability_set_id=AVAILABILITY_SET)).availability_set

    assert found
    assert (found.fault_domains, found.update_domains, found.sku) == (1, 1, "Aligned")


@pytest.mark.parametrize(
    ("disk", "obstacle"),
    [
        ({}, ""),
        ({"diffDiskSettings": {"option": "Local"}}, "an ephemeral OS disk"),
        ({"managedDisk": {"id": str(OS_DISK), "storageAccountType": "UltraSSD_LRS"}}, "an ultra disk"),
        ({"managedDisk": {"id": str(OS_DISK), "storageAccountType": "PremiumV2_LRS"}}, "a Premium SSD v2 disk"),
        (
            {"managedDisk": {"id": str(OS_DISK), "diskEncryptionSet": {"id": f"{OS_DISK}-set"}}},
            "encrypted with a customer-managed key",
        ),
    ],
)
async def test_a_disk_that_is_not_replicated_is_told_by_its_kind(
    cloud: Cloud, disk: dict[str, Any], obstacle: str
) -> None:
    os_disk = {"createOption": "FromImage", "managedDisk": {"id": str(OS_DISK), "storageAccountType": "Premium_LRS"}}
    cloud.add_vm(storageProfile={"osDisk": os_disk | disk})

    assert [found.obstacle for found in (await vm_in(cloud)).disks] == [obstacle]

"""Reading a VM: ARM writes what is not there as null as well as not at all."""

from typing import Any

import pytest

from shared.model.resource_id import ResourceId
from shared.model.vm import Disk, SourceVm
from shared.readers.virtual_machines import read_vm
from tests.unit.app.examples import OS_DISK, SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


async def vm_in(cloud: Cloud) -> SourceVm:
    vm = await read_vm(FakeAzure(settings(), cloud), VM_ID)
    assert vm
    return vm


async def test_a_tag_without_a_value_is_one_of_an_empty_value(cloud: Cloud) -> None:
    cloud.add_vm()
    cloud.resources[VM_ID.key]["tags"] = {"dr": "true", "dr-hold": None, "owner": None}

    assert (await vm_in(cloud)).tags == {"dr": "true", "dr-hold": ""}


async def test_a_tag_of_others_that_merely_begins_as_the_app_s_own_is_not_read(cloud: Cloud) -> None:
    cloud.add_vm()
    cloud.resources[VM_ID.key]["tags"] = {"DR": "true", "Dr-profile": "gold", "drupal-admin": "hunter2", "dr_": "x"}

    assert (await vm_in(cloud)).tags == {"DR": "true", "Dr-profile": "gold"}


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

    assert (vm.disks, vm.unmanaged_disks) == ((Disk(id=OS_DISK, sku="", holds_os=True),), 1)


async def test_a_vm_whose_parts_are_null_is_read_all_the_same(cloud: Cloud) -> None:
    cloud.add_vm(
        storageProfile={"osDisk": {"managedDisk": None}, "dataDisks": None},
        networkProfile=None,
        instanceView=None,
        availabilitySet=None,
        virtualMachineScaleSet=None,
        provisioningState=None,
    )

    vm = await vm_in(cloud)

    assert (vm.disks, vm.unmanaged_disks, vm.nic_ids) == ((), 1, ())
    assert (vm.availability_set_id, vm.scale_set_id) == (None, None)
    assert (vm.power_state, vm.provisioning_state) == ("unknown", "Unknown")


@pytest.mark.parametrize(
    ("disk", "obstacle"),
    [
        ({}, ""),
        ({"diffDiskSettings": {"option": "Local"}}, "an ephemeral OS disk"),
        ({"managedDisk": {"id": str(OS_DISK), "storageAccountType": "UltraSSD_LRS"}}, ""),
        ({"managedDisk": {"id": str(OS_DISK), "storageAccountType": "PremiumV2_LRS"}}, ""),
        ({"managedDisk": {"id": str(OS_DISK), "diskEncryptionSet": {"id": f"{OS_DISK}-set"}}}, ""),
    ],
)
async def test_a_disk_that_is_not_replicated_is_reported_by_its_kind(
    cloud: Cloud, disk: dict[str, Any], obstacle: str
) -> None:
    os_disk = {"createOption": "FromImage", "managedDisk": {"id": str(OS_DISK), "storageAccountType": "Premium_LRS"}}
    cloud.add_vm(storageProfile={"osDisk": os_disk | disk})

    assert [found.obstacle for found in (await vm_in(cloud)).disks] == [obstacle]


async def test_what_the_portal_s_page_asks_of_a_vm_is_read(cloud: Cloud) -> None:
    group = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/proximityPlacementGroups", "close")
    cloud.add_vm(
        hardwareProfile={"vmSize": "Standard_D8s_v5"},
        securityProfile={"securityType": "TrustedLaunch", "encryptionAtHost": True},
        proximityPlacementGroup={"id": str(group)},
    )
    cloud.resources[VM_ID.key]["zones"] = ["2"]

    vm = await vm_in(cloud)

    assert (vm.size, vm.os, vm.zone) == ("Standard_D8s_v5", "Linux", "2")
    assert (vm.security_type, vm.encryption_at_host, vm.placement_group_id) == ("TrustedLaunch", True, group)


async def test_the_key_and_the_size_of_a_disk_are_read(cloud: Cloud) -> None:
    keys = {"id": f"{OS_DISK}-set"}
    managed = {"id": str(OS_DISK), "storageAccountType": "Premium_LRS", "diskEncryptionSet": keys}
    cloud.add_vm(storageProfile={"osDisk": {"managedDisk": managed, "diskSizeGB": 127}})

    assert (await vm_in(cloud)).disks == (
        Disk(
            id=OS_DISK,
            sku="Premium_LRS",
            size_gb=127,
            encryption_set=ResourceId(f"{OS_DISK}-set"),
            holds_os=True,
        ),
    )


@pytest.mark.parametrize(
    ("properties", "encrypted"),
    [
        ({}, False),
        ({"storageProfile": {"osDisk": {"encryptionSettings": {"enabled": True}}}}, True),
        ({"storageProfile": {"osDisk": {"encryptionSettings": {"enabled": False}}}}, False),
        ({"instanceView": {"disks": [{"name": "a"}, {"encryptionSettings": [{"enabled": True}]}]}}, True),
        ({"instanceView": {"disks": [{"encryptionSettings": None}]}}, False),
    ],
)
async def test_azure_disk_encryption_shows_in_the_model_or_in_the_instance_view(
    cloud: Cloud, properties: dict[str, Any], encrypted: bool
) -> None:
    cloud.add_vm(**properties)

    assert (await vm_in(cloud)).disk_encryption is encrypted


async def test_the_accounts_of_unmanaged_disks_are_reported_by_their_addresses(cloud: Cloud) -> None:
    blobs = ["https://one.blob.core.windows.net/vhds/os.vhd", "https://one.blob.core.windows.net/vhds/data.vhd"]
    disks = [{"lun": number, "vhd": {"uri": uri}} for number, uri in enumerate([*blobs, "https://two.blob.x/a.vhd"])]
    cloud.add_vm(storageProfile={"osDisk": {"vhd": None}, "dataDisks": disks})

    vm = await vm_in(cloud)

    assert (vm.unmanaged_disks, vm.unmanaged_accounts) == (4, ("one", "two"))


def _os_profile(**changes: Any) -> dict[str, Any]:
    return {"osProfile": {"linuxConfiguration": {"provisionVMAgent": True}, "allowExtensionOperations": True} | changes}


@pytest.mark.parametrize(
    ("properties", "takes"),
    [
        (_os_profile(), True),
        (_os_profile(allowExtensionOperations=None), True),
        (_os_profile(linuxConfiguration=None), True),
        (_os_profile(allowExtensionOperations=False), False),
        (_os_profile(linuxConfiguration={"provisionVMAgent": False}), False),
        (_os_profile(linuxConfiguration=None, windowsConfiguration={"provisionVMAgent": False}), False),
        ({"osProfile": None}, None),
    ],
)
async def test_whether_a_vm_takes_extensions_is_in_its_os_profile(
    cloud: Cloud, properties: dict[str, Any], takes: bool | None
) -> None:
    cloud.add_vm(**properties)

    assert (await vm_in(cloud)).extensions is takes


async def test_the_hardware_of_a_vm_is_read(cloud: Cloud) -> None:
    host = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/hostGroups", "own").child("hosts", "one")
    managed = {"id": str(OS_DISK), "storageAccountType": "Premium_LRS"}
    cloud.add_vm(
        storageProfile={
            "osDisk": {"managedDisk": managed, "writeAcceleratorEnabled": True},
            "diskControllerType": "NVMe",
        },
        host={"id": str(host)},
        instanceView={"hyperVGeneration": "V2"},
    )
    cloud.resources[VM_ID.key]["extendedLocation"] = {"type": "EdgeZone", "name": "losangeles"}

    vm = await vm_in(cloud)

    assert (vm.disk_controller, vm.generation, vm.edge_zone) == ("NVMe", "V2", "losangeles")
    assert (vm.dedicated_host, vm.disks[0].write_accelerator) == (host, True)


async def test_a_host_group_is_a_dedicated_host_too(cloud: Cloud) -> None:
    group = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/hostGroups", "own")
    cloud.add_vm(hostGroup={"id": str(group)})

    assert (await vm_in(cloud)).dedicated_host == group

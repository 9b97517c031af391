"""New resources as their providers answer them; keys and types as in the recordings."""

from typing import Any

from local.simulator import ids
from local.simulator.ids import ResourceId, stable_guid
from local.simulator.store import Resource, VirtualMachine
from local.simulator.wire import Json

_TIERS = {
    "StandardSSD_LRS": "Standard",
    "StandardSSD_ZRS": "Standard",
    "UltraSSD_LRS": "Ultra",
    "PremiumV2_LRS": "Premium",
}


def resource(parsed: ResourceId, location: str, tags: dict[str, str] | None, properties: Json) -> Resource:
    body: Json = {"name": parsed.name, "id": parsed.text, "type": parsed.type, "location": location}
    if tags is not None:
        body["tags"] = dict(tags)
    body["properties"] = properties
    return Resource(parsed.text, parsed.type, body)


def disk(parsed: ResourceId, location: str, size: int, sku: str, time: str, **more: Any) -> Resource:
    """`more` may hold os (Linux or Windows), managed_by, zone and create_option."""
    properties: Json = {
        "creationData": {"createOption": more.get("create_option") or "Empty"},
        "diskSizeGB": size,
        "diskSizeBytes": size * 1024**3,
        "uniqueId": stable_guid("disk", parsed.text, time),
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        "diskState": "Attached" if more.get("managed_by") else "Unattached",
        "timeCreated": time,
        "provisioningState": "Succeeded",
    }
    if more.get("os"):
        properties["osType"] = more["os"]
    made = resource(parsed, location, None, properties)
    made.body["sku"] = {"name": sku, "tier": _TIERS.get(sku, sku.split("_", 1)[0])}
    if more.get("managed_by"):
        made.body["managedBy"] = more["managed_by"]
    if more.get("zone"):
        made.body["zones"] = [more["zone"]]
    return made


def interface(parsed: ResourceId, location: str, subnet: str, address: str, *, static: bool, primary: bool) -> Resource:
    etag = f'W/"{stable_guid("etag", parsed.text)}"'
    configuration = {
        "name": "ipconfig1",
        "id": f"{parsed.text}/ipConfigurations/ipconfig1",
        "etag": etag,
        "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
        "properties": {
            "provisioningState": "Succeeded",
            "privateIPAddress": address,
            "privateIPAllocationMethod": "Static" if static else "Dynamic",
            "subnet": {"id": subnet},
            "primary": True,
            "privateIPAddressVersion": "IPv4",
        },
    }
    properties: Json = {
        "provisioningState": "Succeeded",
        "ipConfigurations": [configuration],
        "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
        "enableAcceleratedNetworking": False,
        "enableIPForwarding": False,
        "primary": primary,
        "nicType": "Standard",
    }
    made = resource(parsed, location, None, properties)
    made.body["etag"] = etag
    return made


def os_disk(disk_resource: Resource, os: str, option: str = "FromImage") -> Json:
    return _attached(disk_resource, option, {"osType": os, "caching": "ReadWrite"})


def data_disk(disk_resource: Resource, lun: int, option: str = "Attach", caching: str = "None") -> Json:
    return _attached(disk_resource, option, {"lun": lun, "caching": caching, "toBeDetached": False})


def unmanaged_disk(name: str, size: int, endpoint: str) -> Json:
    """As a VM shows a page blob; `endpoint` is that of its account."""
    return {"name": name, "vhd": {"uri": f"{endpoint}vhds/{name}.vhd"}, "caching": "None", "diskSizeGB": size}


def has_managed_disks(vm: VirtualMachine) -> bool:
    return "managedDisk" in vm.properties["storageProfile"]["osDisk"]


def _attached(disk_resource: Resource, option: str, more: Json) -> Json:
    found: Json = {
        "name": disk_resource.name,
        "createOption": option,
        "managedDisk": {"storageAccountType": disk_resource.body["sku"]["name"], "id": disk_resource.id},
        "diskSizeGB": disk_resource.properties["diskSizeGB"],
        **more,
    }
    if key_set := disk_resource.properties["encryption"].get("diskEncryptionSetId"):
        found["managedDisk"]["diskEncryptionSet"] = {"id": key_set}
    if option == "Attach":
        # Shown for disks that a failover attached, not for those that an image made (CLI-A2A #50, #92).
        found["deleteOption"] = "Detach"
    return found


def virtual_machine(
    parsed: ResourceId, location: str, size: str, tags: dict[str, str] | None, storage: Json, nics: list[str], time: str
) -> VirtualMachine:
    """A running VM without OS profile; `storage` is its storageProfile, the first of `nics` its primary one."""
    properties: Json = {
        "vmId": stable_guid("vm", parsed.text, time),
        "hardwareProfile": {"vmSize": size},
        "storageProfile": storage,
        "networkProfile": {
            "networkInterfaces": [
                {"id": nic} if len(nics) == 1 else {"id": nic, "properties": {"primary": index == 0}}
                for index, nic in enumerate(nics)
            ]
        },
        "provisioningState": "Succeeded",
        "timeCreated": time,
    }
    body: Json = {"name": parsed.name, "id": parsed.text, "type": parsed.type, "location": location}
    if tags is not None:
        body["tags"] = dict(tags)
    body["properties"] = properties
    return VirtualMachine(parsed.text, "Microsoft.Compute/virtualMachines", body)


def os_profile(name: str, os: str) -> Json:
    profile: Json = {"computerName": name[:15], "adminUsername": "azureuser"}
    if os == "Windows":
        profile["windowsConfiguration"] = {
            "provisionVMAgent": True,
            "enableAutomaticUpdates": True,
            "patchSettings": {"patchMode": "AutomaticByOS", "assessmentMode": "ImageDefault"},
            "enableVMAgentPlatformUpdates": False,
        }
    else:
        profile["linuxConfiguration"] = {
            "disablePasswordAuthentication": True,
            "provisionVMAgent": True,
            "patchSettings": {"patchMode": "ImageDefault", "assessmentMode": "ImageDefault"},
        }
    return {**profile, "secrets": [], "allowExtensionOperations": True, "requireGuestProvisionSignal": True}


def image(os: str) -> Json:
    if os == "Windows":
        publisher, offer, sku = "MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2"
    else:
        publisher, offer, sku = "Canonical", "ubuntu-24_04-lts", "server"
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": "latest", "exactVersion": "24.04.202601010"}


def child(parent: str, suffix: str) -> ResourceId:
    """The parsed ID of something under an ID. Raises ValueError when that is none."""
    parsed = ids.parse(parent + suffix)
    if parsed is None:
        raise ValueError(f"not a resource ID: {parent + suffix!r}")
    return parsed

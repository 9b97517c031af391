"""New resources as their providers answer them; keys and types as in the recordings."""

from typing import Any

from local.simulator import ids
from local.simulator.ids import ResourceId, stable_guid
from local.simulator.store import Resource, VirtualMachine
from local.simulator.wire import Json


def _resource(parsed: ResourceId, location: str, tags: dict[str, str] | None, properties: Json) -> Resource:
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
        "uniqueId": stable_guid("disk", parsed.text),
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        "diskState": "Attached" if more.get("managed_by") else "Unattached",
        "timeCreated": time,
        "provisioningState": "Succeeded",
    }
    if more.get("os"):
        properties["osType"] = more["os"]
    made = _resource(parsed, location, None, properties)
    made.body["sku"] = {"name": sku, "tier": sku.split("_", 1)[0]}
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
        "resourceGuid": stable_guid("nic", parsed.text),
        "ipConfigurations": [configuration],
        "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
        "enableAcceleratedNetworking": False,
        "enableIPForwarding": False,
        "primary": primary,
        "nicType": "Standard",
    }
    made = _resource(parsed, location, None, properties)
    made.body["etag"] = etag
    return made


def network(
    parsed: ResourceId, location: str, prefixes: list[str], subnets: list[tuple[str, str]], tags: dict[str, str] | None
) -> Resource:
    """`subnets` are pairs of name and prefix."""
    properties: Json = {
        "provisioningState": "Succeeded",
        "resourceGuid": stable_guid("vnet", parsed.text),
        "addressSpace": {"addressPrefixes": prefixes},
        "subnets": [subnet(parsed.text, name, prefix) for name, prefix in subnets],
        "virtualNetworkPeerings": [],
        "enableDdosProtection": False,
    }
    made = _resource(parsed, location, tags, properties)
    made.body["etag"] = f'W/"{stable_guid("etag", parsed.text)}"'
    return made


def subnet(network_id: str, name: str, prefix: str, more: Json | None = None) -> Json:
    subnet_id = f"{network_id}/subnets/{name}"
    return {
        "name": name,
        "id": subnet_id,
        "etag": f'W/"{stable_guid("etag", subnet_id)}"',
        "properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": prefix,
            "delegations": [],
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
            **(more or {}),
        },
        "type": "Microsoft.Network/virtualNetworks/subnets",
    }


def availability_set(
    parsed: ResourceId, location: str, faults: int, updates: int, sku: str, tags: dict[str, str] | None
) -> Resource:
    properties: Json = {
        "platformUpdateDomainCount": updates,
        "platformFaultDomainCount": faults,
        "virtualMachines": [],
    }
    made = _resource(parsed, location, tags, properties)
    made.body["sku"] = {"name": sku}
    return made


def storage_account(
    parsed: ResourceId, location: str, kind: str, sku: str, tags: dict[str, str] | None, time: str
) -> Resource:
    encryption = {"keyType": "Account", "enabled": True, "lastEnabledTime": time}
    services = ("dfs", "web", "blob", "queue", "table", "file")
    zones = {"web": "z13.web"}
    properties: Json = {
        "keyCreationTime": {"key1": time, "key2": time},
        "privateEndpointConnections": [],
        "minimumTlsVersion": "TLS1_0",
        "allowBlobPublicAccess": True,
        "networkAcls": {
            "bypass": "AzureServices",
            "virtualNetworkRules": [],
            "ipRules": [],
            "defaultAction": "Allow",
        },
        "supportsHttpsTrafficOnly": True,
        "encryption": {
            "services": {"file": dict(encryption), "blob": dict(encryption)},
            "keySource": "Microsoft.Storage",
        },
        "accessTier": "Hot",
        "provisioningState": "Succeeded",
        "creationTime": time,
        "primaryEndpoints": {
            name: f"https://{parsed.name}.{zones.get(name, name)}.core.windows.net/" for name in services
        },
        "primaryLocation": location,
        "statusOfPrimary": "available",
    }
    made = _resource(parsed, location, tags if tags is not None else {}, properties)
    made.body |= {"sku": {"name": sku, "tier": sku.split("_", 1)[0]}, "kind": kind}
    return made


def vault(parsed: ResourceId, location: str, time: str, tags: dict[str, str] | None) -> Resource:
    properties: Json = {
        "provisioningState": "Succeeded",
        "privateEndpointStateForBackup": "None",
        "privateEndpointStateForSiteRecovery": "None",
        "backupStorageVersion": "Unassigned",
        "monitoringSettings": {
            "azureMonitorAlertSettings": {"alertsForAllJobFailures": "Enabled"},
            "classicAlertSettings": {"alertsForCriticalOperations": "Enabled"},
        },
        "securitySettings": {
            "immutabilitySettings": None,
            "softDeleteSettings": {"softDeleteRetentionPeriodInDays": 14, "softDeleteState": "Enabled"},
            "multiUserAuthorization": "Disabled",
        },
        "publicNetworkAccess": "Enabled",
        "restoreSettings": {"crossSubscriptionRestoreSettings": {"crossSubscriptionRestoreState": "Enabled"}},
    }
    made = _resource(parsed, location, tags, properties)
    made.body |= {"sku": {"name": "Standard"}, "etag": f"W/\"datetime'{time}'\""}
    return made


def os_disk(disk_resource: Resource, os: str, option: str = "FromImage") -> Json:
    return _attached(disk_resource, option, {"osType": os, "caching": "ReadWrite"})


def data_disk(disk_resource: Resource, lun: int, option: str = "Attach", caching: str = "None") -> Json:
    return _attached(disk_resource, option, {"lun": lun, "caching": caching, "toBeDetached": False})


def _attached(disk_resource: Resource, option: str, more: Json) -> Json:
    found: Json = {
        "name": disk_resource.name,
        "createOption": option,
        "managedDisk": {"storageAccountType": disk_resource.body["sku"]["name"], "id": disk_resource.id},
        "diskSizeGB": disk_resource.properties["diskSizeGB"],
        **more,
    }
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

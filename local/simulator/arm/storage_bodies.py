"""Bodies of storage accounts and of their blob service."""

from local.simulator.arm import bodies
from local.simulator.ids import ResourceId
from local.simulator.store import StorageAccount
from local.simulator.wire import Json

KINDS = ("StorageV2", "Storage", "BlobStorage", "FileStorage", "BlockBlobStorage")
_GEO = ("Standard_LRS", "Standard_GRS", "Standard_RAGRS")
_SKUS = {
    "StorageV2": (*_GEO, "Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS", "Premium_LRS"),
    "Storage": (*_GEO, "Standard_ZRS", "Premium_LRS"),
    "BlobStorage": _GEO,
    "FileStorage": ("Premium_LRS", "Premium_ZRS"),
    "BlockBlobStorage": ("Premium_LRS", "Premium_ZRS"),
}
_TIERED = ("StorageV2", "BlobStorage")


def are_a_pair(kind: str, sku: str) -> bool:
    """Whether a kind of account has this SKU (azure-docs, storage account overview)."""
    return sku in _SKUS.get(kind, ())


def account(
    parsed: ResourceId, location: str, kind: str, sku: str, tags: dict[str, str] | None, time: str
) -> StorageAccount:
    encryption = {"keyType": "Account", "enabled": True, "lastEnabledTime": time}
    services = ("dfs", "web", "blob", "queue", "table", "file")
    zones = {"web": "z13.web"}
    properties: Json = {
        "keyCreationTime": {"key1": time, "key2": time},
        "privateEndpointConnections": [],
        "minimumTlsVersion": "TLS1_0",
        "allowBlobPublicAccess": True,
        "networkAcls": network_rules("Allow", "AzureServices"),
        "supportsHttpsTrafficOnly": True,
        "encryption": {
            "services": {"file": dict(encryption), "blob": dict(encryption)},
            "keySource": "Microsoft.Storage",
        },
        "provisioningState": "Succeeded",
        "creationTime": time,
        "primaryEndpoints": {
            name: f"https://{parsed.name}.{zones.get(name, name)}.core.windows.net/" for name in services
        },
        "primaryLocation": location,
        "statusOfPrimary": "available",
    }
    if kind in _TIERED:
        properties["accessTier"] = "Hot"
    made = bodies.resource(parsed, location, tags if tags is not None else {}, properties)
    made.body |= {"sku": {"name": sku, "tier": sku.split("_", 1)[0]}, "kind": kind}
    return StorageAccount(made.id, made.type, made.body)


def network_rules(action: str, bypass: str) -> Json:
    return {"bypass": bypass, "virtualNetworkRules": [], "ipRules": [], "defaultAction": action}


def private_endpoint(account: str) -> Json:
    """An approved connection of an endpoint that is not in the estate."""
    endpoint = f"{account.rsplit('/providers/', 1)[0]}/providers/Microsoft.Network/privateEndpoints/blob"
    state = {"status": "Approved", "description": "Auto-Approved", "actionRequired": "None"}
    properties = {
        "provisioningState": "Succeeded",
        "privateEndpoint": {"id": endpoint},
        "privateLinkServiceConnectionState": state,
    }
    return {"id": f"{account}/privateEndpointConnections/blob", "name": "blob", "properties": properties}


def blob_service(found: StorageAccount) -> Json:
    """A retention policy that was never set is absent, except that of blobs."""
    deletion: Json = {"allowPermanentDelete": False, "enabled": found.soft_delete}
    properties: Json = {"cors": {"corsRules": []}, "deleteRetentionPolicy": deletion}
    if found.soft_delete:
        deletion["days"] = 7
        properties["containerDeleteRetentionPolicy"] = {"enabled": True, "days": 7}
    return {
        "sku": found.body["sku"],
        "id": f"{found.id}/blobServices/default",
        "name": "default",
        "type": f"{found.type}/blobServices",
        "properties": properties,
    }

"""Resources named in a tag, a profile or a request: whether they exist, and in which region."""

from shared.arm.client import Azure
from shared.arm.fields import Json, objects, part, reference, region, required, text
from shared.arm.listing import read_one
from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import AVAILABILITY_SET, POOL, PUBLIC_IP, SCALE_SET, STORAGE_API_VERSION, type_of
from shared.model.vm import Existing
from shared.readers.resource_groups import read_group


async def read_existing(azure: Azure, wanted: ResourceId, within: float, caches: set[ResourceId]) -> Existing | None:
    """The resource, or None if it does not exist; `caches` are checked as cache accounts.

    Raises HttpResponseError.
    """
    if not wanted.type:
        group = await read_group(azure, wanted)
        return Existing(id=wanted, location=group.location) if group else None
    # A pool has no region of its own: its load balancer has.
    read = wanted.parent if wanted.is_type(POOL) else wanted
    found = await azure.read(read, type_of(wanted).api_version, within)
    existing = read_one(found, f"{read}", lambda body: _existing(wanted, body)) if found else None
    if existing is None or found is None or wanted not in caches:
        return existing
    return existing.model_copy(update={"obstacle": await _cache_obstacle(azure, wanted, found, within)})


def _existing(wanted: ResourceId, found: Json) -> Existing | None:
    if wanted.is_type(POOL) and not _has_pool(found, wanted):
        return None
    sku, properties = text(part(found, "sku").get("name")), part(found, "properties")
    doubts = _doubts(wanted, properties, sku)
    return Existing(
        id=wanted,
        location=region(found.get("location")),
        kind=text(found.get("kind")),
        sku=sku,
        zones=tuple(map(text, found.get("zones") or ())) if wanted.is_type(SCALE_SET) else (),
        obstacle=_set_obstacle(wanted, sku, properties),
        keys_off=properties.get("allowSharedKeyAccess") is False,
        lets_in=_lets_in(properties),
        private_endpoint=any(map(_is_approved, objects(properties, "privateEndpointConnections"))),
        doubts=doubts,
    )


def _lets_in(account: Json) -> tuple[ResourceId, ...] | None:
    """The subnets of the firewall. Its IP rules do not hold for clients of its own region, as the VMs are."""
    if text(account.get("publicNetworkAccess")) == "Disabled":
        return ()
    rules = part(account, "networkAcls")
    if rules.get("defaultAction") != "Deny":
        return None
    return tuple(required(each.get("id")) for each in objects(rules, "virtualNetworkRules"))


def _is_approved(connection: Json) -> bool:
    state = part(part(connection, "properties"), "privateLinkServiceConnectionState")
    return state.get("status") == "Approved"


def _doubts(wanted: ResourceId, properties: Json, sku: str) -> tuple[str, ...]:
    if wanted.is_type(POOL):
        frontends = [part(each, "properties") for each in objects(properties, "frontendIPConfigurations")]
        public = any(each.get("publicIPAddress") or each.get("publicIPPrefix") for each in frontends)
        return ("is of an internet load balancer",) if public else ()
    if not wanted.is_type(PUBLIC_IP):
        return ()
    holder = reference(part(properties, "ipConfiguration").get("id"))
    attached = f"is attached to {holder.parent.name} already" if holder else ""
    basic = "is of the SKU Basic, which Azure retired on 2025-09-30" if sku.lower() == "basic" else ""
    return tuple(filter(None, (attached, basic)))


def _set_obstacle(wanted: ResourceId, sku: str, properties: Json) -> str:
    """Why the availability set or the scale set cannot serve, or ""."""
    if wanted.is_type(AVAILABILITY_SET) and sku.lower() != "aligned":
        return "is not an Aligned set, as managed disks need"
    if not wanted.is_type(SCALE_SET):
        return ""
    if text(properties.get("orchestrationMode")).lower() != "flexible":
        return "is a Uniform scale set"
    return "has a scaling profile" if properties.get("virtualMachineProfile") else ""


def _has_pool(balancer: Json, wanted: ResourceId) -> bool:
    pools = objects(part(balancer, "properties"), "backendAddressPools")
    return any(folded(str(pool.get("id"))) == wanted.key for pool in pools)


async def _cache_obstacle(azure: Azure, account: ResourceId, found: Json, within: float) -> str:
    """Why the storage account cannot serve as a cache account, or ""."""
    rules = read_one(found, f"{account}", account_obstacle)
    if rules:
        return rules
    blobs = await azure.read(account.child("blobServices", "default"), STORAGE_API_VERSION, within)
    return read_one(blobs or {}, f"the blobs of {account}", _soft_delete)


def _soft_delete(blobs: Json) -> str:
    properties = part(blobs, "properties")
    kept = [part(properties, name) for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy")]
    return "has soft delete on" if any(each.get("enabled") for each in kept) else ""


def account_obstacle(found: Json) -> str:
    """The obstacle in the properties of the account: its kind, its SKU, its firewall; or ""."""
    kind, sku = text(found.get("kind")), text(part(found, "sku").get("name"))
    rules = part(part(found, "properties"), "networkAcls")
    if kind not in {"Storage", "StorageV2", "BlockBlobStorage"} or (
        sku.startswith("Premium") and kind != "BlockBlobStorage"
    ):
        return f"is a {kind} account with {sku}: general purpose or premium block blobs are needed"
    if rules.get("defaultAction") == "Deny" and "AzureServices" not in text(rules.get("bypass")):
        return "has a firewall that shuts trusted Azure services out"
    return ""

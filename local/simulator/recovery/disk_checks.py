"""Checks of disks: whether they can be replicated, through which cache account, to which target.

Codes 150172 and 150039 are documented, and the wording of 159017 known (terraform-provider-azurerm#25880); the rest is
invented.
"""

from typing import NamedTuple

from local.simulator import ids, regions
from local.simulator.recovery import target_checks, vm_checks
from local.simulator.store import RawDisk, Resource, StorageAccount, VirtualMachine
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem, RecoveryVault
from local.simulator.wire import Json
from local.simulator.world import World

_TYPES = (
    "Standard_LRS",
    "StandardSSD_LRS",
    "StandardSSD_ZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "PremiumV2_LRS",
    "UltraSSD_LRS",
)
# Replicated with High Churn only, by the documentation of 2026-01.
_HIGH_CHURN_ONLY = ("PremiumV2_LRS", "UltraSSD_LRS")
MOST_PROTECTED = 3000
"""Disks of a subscription and a target region, by the documentation."""
_CHOSEN = ("recoveryReplicaDiskAccountType", "recoveryTargetDiskAccountType")


class Place(NamedTuple):
    """Where the target disks will be. `zone` is "" or None without one."""

    location: str
    zone: str | None


def find(
    world: World,
    vault: RecoveryVault,
    vm: VirtualMachine,
    place: Place,
    given: list[Json],
    keys: Json | None = None,
) -> Failure | None:
    """`given` are the disks of an enable or of addDisks, `keys` the encryption keys given for all of them."""
    if failure := vm_checks.accelerated(vm, {ids.key(each["diskId"]) for each in given}):
        return failure
    if _protected(world, vm, place) + len(given) > MOST_PROTECTED:
        return Failure("159085", f"The subscription has {MOST_PROTECTED} protected disks in '{place.location}'.")
    for each in given:
        source = world.store.get(each["diskId"])
        if source is None:
            return Failure("159015", f"The disk '{each['diskId']}' could not be found.")
        failure = (
            _source(source)
            or cache(world, vault, vm, each["primaryStagingAzureStorageAccountId"])
            or _churn(world, source, each)
            or account_types(each, source, place)
            or _access(each)
            or _encryption(world, source, place.location, each, keys)
        )
        if failure:
            return failure
    return None


def _protected(world: World, vm: VirtualMachine, place: Place) -> int:
    """The disks of the VM's subscription that are protected to this region, in any vault."""
    subscription = f"/{vm.id.split('/')[2].lower()}/"
    return sum(
        len(item.disks)
        for vault in world.recovery.values()
        for item in vault.items()
        if subscription in item.vm_id.lower() and item.recovery_container.fabric.location == place.location
    )


def _source(disk: Resource) -> Failure | None:
    if disk.properties["diskSizeBytes"] < 1024**3:
        return Failure(
            "150172",
            f"Protection couldn't be enabled because the disk '{disk.name}' is smaller than 1024 MB.",
            "The disk is smaller than the supported size of 1024 MB.",
            "Exclude the disk, or make it bigger, and try again.",
        )
    most = 4095 if disk.properties.get("osType") else 32 * 1024
    if disk.properties["diskSizeBytes"] > most * 1024**3:
        return Failure("159106", f"The disk '{disk.name}' is larger than the supported size of {most} GiB.")
    if isinstance(disk, RawDisk):
        return Failure(
            "150039",
            f"Azure data disk '{disk.name}' '{disk.id}' was not mapped to a corresponding disk being reported from "
            "within the VM.",
            "The data disk was attached to the VM, and it was not initialised.",
            "Initialise the data disk, and try again.",
        )
    if (disk.properties.get("maxShares") or 1) > 1:
        return Failure("159046", f"The disk '{disk.name}' is shared: it can be protected in a cluster only.")
    return None


def _access(given: Json) -> Failure | None:
    if given.get("recoveryNetworkAccessPolicy") == "AllowPrivate" and not given.get("recoveryDiskAccessId"):
        return Failure("159091", "The network access policy AllowPrivate needs a disk access of the target region.")
    return None


def account_types(given: Json, source: Resource | None, place: Place) -> Failure | None:
    """The rules of terraform-provider-azurerm 28794, 30291 and 32093, and that an OS disk is of no newer kind
    (disks-types), with codes invented. What is not given is the source's."""
    chosen = [given[field] for field in _CHOSEN if given.get(field)]
    for each in chosen:
        if each not in _TYPES:
            return Failure("159047", f"'{each}' is no type of managed disk.", "", f"Use {', '.join(_TYPES)}.")
    if given.get("recoveryReplicaDiskAccountType") in _HIGH_CHURN_ONLY:
        return Failure("159076", f"A replica cannot be of the type '{given['recoveryReplicaDiskAccountType']}'.")
    if given.get("recoveryTargetDiskAccountType") == "PremiumV2_LRS" and not place.zone:
        return Failure("159077", "A target disk of the type 'PremiumV2_LRS' needs an availability zone.")
    if source and source.properties.get("osType") and given.get("recoveryTargetDiskAccountType") in _HIGH_CHURN_ONLY:
        return Failure("159107", f"An OS disk cannot be of the type '{given['recoveryTargetDiskAccountType']}'.")
    own = [source.body["sku"]["name"]] if source and source.body["sku"]["name"].endswith("_ZRS") else []
    if own and any(not each.endswith("_ZRS") for each in chosen):
        return Failure("159078", f"Replica and target of the '{own[0]}' disk have to be zone-redundant.")
    if missing := {*own, *chosen} - {*regions.disk_types(place.location)}:
        return Failure("159079", f"There are no disks of the type '{min(missing)}' in '{place.location}'.")
    return None


def cache(world: World, vault: RecoveryVault, vm: VirtualMachine, account_id: str) -> Failure | None:
    account = world.store.get(account_id)
    if not isinstance(account, StorageAccount) or account.properties["provisioningState"] != "Succeeded":
        return Failure("159016", f"The cache storage account '{account_id}' could not be found.")
    if account.location != vm.location:
        return Failure(
            "159017",
            f"The cache storage account '{account.name}' specified must be located in the same region as the source "
            f"VM. The specific cache storage account location is : '{account.location}'.",
            "The cache storage account is not in the region of the virtual machine.",
            "Choose a cache storage account in the region of the virtual machine.",
        )
    return _account_rules(vault, account) or _reach(world, vm, account)


def _reach(world: World, vm: VirtualMachine, account: StorageAccount) -> Failure | None:
    """Whether the agent in the VM can write to the account (support matrix, azure-docs#128324). That this is noticed
    before the agent is installed is invented. The account may lie in another subscription, by API."""
    connections = account.properties["privateEndpointConnections"]
    if any(each["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved" for each in connections):
        return None
    if account.properties.get("publicNetworkAccess") == "Disabled":
        message = f"The cache storage account '{account.name}' takes no public access, and has no private endpoint."
        return Failure("159103", message)
    rules = account.properties.get("networkAcls") or {}
    let_in = {ids.key(each["id"]) for each in rules.get("virtualNetworkRules") or ()}
    if rules.get("defaultAction") == "Deny" and not let_in & set(map(ids.key, source_subnets(world, vm))):
        return Failure("159104", f"The firewall of '{account.name}' lets no subnet of '{vm.name}' in.")
    return None


def source_subnets(world: World, vm: VirtualMachine) -> list[str]:
    """The subnets of a VM's interfaces, in their order."""
    references: list[Json] = vm.properties["networkProfile"]["networkInterfaces"]
    nics = filter(None, (world.store.get(each["id"]) for each in references))
    return [nic.properties["ipConfigurations"][0]["properties"]["subnet"]["id"] for nic in nics]


def _account_rules(vault: RecoveryVault, account: StorageAccount) -> Failure | None:
    kind, sku = account.body["kind"], account.body["sku"]["name"]
    if not premium(account) and (kind not in ("Storage", "StorageV2") or not sku.startswith("Standard_")):
        message = f"A storage account of kind '{kind}' and type '{sku}' cannot be a cache account."
        return Failure("159019", message, "", "Use a standard general-purpose or a premium block blob account.")
    if account.soft_delete:
        return Failure("159048", f"Soft delete is on for the blobs of the cache storage account '{account.name}'.")
    identity = (vault.resource.body.get("identity") or {}).get("type", "None")
    if account.properties.get("allowSharedKeyAccess") is False and identity == "None":
        message = f"The cache storage account '{account.name}' refuses its keys, and the vault has no managed identity."
        return Failure("159049", message)
    rules = account.properties.get("networkAcls") or {}
    if rules.get("defaultAction") == "Deny" and "AzureServices" not in rules.get("bypass", ""):
        message = f"The firewall of the cache storage account '{account.name}' keeps trusted Azure services out."
        return Failure("159050", message)
    return None


def premium(account: Resource | None) -> bool:
    """Whether the account selects High Churn: a premium block blob account does."""
    if account is None:
        return False
    return bool(account.body["kind"] == "BlockBlobStorage" and account.body["sku"]["name"].startswith("Premium_"))


def _churn(world: World, disk: Resource, given: Json) -> Failure | None:
    types = {disk.body["sku"]["name"], *(given.get(field) for field in _CHOSEN)} & {*_HIGH_CHURN_ONLY}
    if not types or premium(world.store.get(given["primaryStagingAzureStorageAccountId"])):
        return None
    message = f"The disk '{disk.name}' of type '{min(types)}' needs a premium block blob account as its cache."
    return Failure("159051", message)


def _encryption(world: World, disk: Resource, location: str, given: Json, keys: Json | None) -> Failure | None:
    chosen = given.get("recoveryDiskEncryptionSetId")
    if chosen and (failure := target_checks.resource(world, target_checks.ENCRYPTION_SET, chosen, location)):
        return failure
    if encryption_set(disk) and not chosen:
        message = f"The disk '{disk.name}' is encrypted with a customer-managed key: it needs a disk encryption set."
        return Failure("159052", message)
    info = (given.get("diskEncryptionInfo") or keys or {}).get("diskEncryptionKeyInfo") or {}
    if encrypted(disk) and not (info.get("secretIdentifier") and info.get("keyVaultResourceArmId")):
        message = f"The disk '{disk.name}' is encrypted by Azure Disk Encryption: it needs keys of the target region."
        return Failure("159053", message)
    return None


def encryption_set(disk: Resource) -> str | None:
    found: str | None = (disk.properties.get("encryption") or {}).get("diskEncryptionSetId")
    return found


def encrypted(disk: Resource) -> bool:
    """Whether the disk is encrypted by Azure Disk Encryption, inside the VM."""
    return bool((disk.properties.get("encryptionSettingsCollection") or {}).get("enabled"))


def place_of(item: ProtectedItem) -> Place:
    return Place(item.recovery_container.fabric.location, item.settings.get("recoveryAvailabilityZone"))

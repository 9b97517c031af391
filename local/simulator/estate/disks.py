"""The disks of an estate's VM."""

from collections.abc import Callable

from local.simulator import ids
from local.simulator.arm import bodies
from local.simulator.arm.storage import TYPE as ACCOUNT
from local.simulator.estate.fields import Fields
from local.simulator.ids import ResourceId, stable_guid
from local.simulator.store import RawDisk, Resource, Store, VirtualMachine
from local.simulator.wire import Json

Add = Callable[[ResourceId, Resource, Fields], None]
_ACCESS = {
    "networkAccessPolicy": ("AllowAll", "AllowPrivate", "DenyAll"),
    "publicNetworkAccess": ("Enabled", "Disabled"),
}
_KEYS = (
    "name sizeGB sku maxShares encryptionSet azureDiskEncryption ephemeral raw storageAccount writeAccelerator "
    "networkAccessPolicy publicNetworkAccess"
)
_OF_BLOBS = {"name", "sizeGB", "storageAccount"}
_SKUS = (
    "Premium_LRS",
    "Standard_LRS",
    "StandardSSD_LRS",
    "StandardSSD_ZRS",
    "Premium_ZRS",
    "UltraSSD_LRS",
    "PremiumV2_LRS",
)
_DATA_ONLY = ("UltraSSD_LRS", "PremiumV2_LRS")


class Disks:
    def __init__(self, store: Store, time: str) -> None:
        self._store = store
        self._time = time

    def build(self, vm: VirtualMachine, os: str, fields: Fields, add: Add) -> None:
        """Adds the disks to the store and gives the VM its storage profile. Raises ValueError."""
        found = fields.parts("disks", _KEYS)
        if not found:
            raise ValueError(f"{fields.where}: a VM has at least one of disks, the first is the OS disk")
        if any(disk.get("storageAccount", str) for disk in found):
            vm.properties["storageProfile"] = self._unmanaged(vm, os, found)
            return
        made = [self._disk(vm, disk, None if index else os, add) for index, disk in enumerate(found)]
        data = [bodies.data_disk(disk, lun, "Empty") for lun, disk in enumerate(made[1:])]
        system = bodies.os_disk(made[0], os)
        if found[0].get("ephemeral", bool):
            system |= {"diffDiskSettings": {"option": "Local", "placement": "CacheDisk"}, "caching": "ReadOnly"}
        vm.properties["storageProfile"] = {"imageReference": bodies.image(os), "osDisk": system, "dataDisks": data}
        for entry, disk in zip((system, *data), found, strict=True):
            if disk.get("writeAccelerator", bool):
                entry["writeAcceleratorEnabled"] = True
        if any(disk.body["sku"]["name"] == "UltraSSD_LRS" for disk in made):
            vm.properties["additionalCapabilities"] = {"ultraSSDEnabled": True}

    def _unmanaged(self, vm: VirtualMachine, os: str, disks: list[Fields]) -> Json:
        """Page blobs in storage accounts. A VM has either these or managed disks."""
        made = []
        for disk in disks:
            account = disk.reference("storageAccount", ACCOUNT, self._store, vm.location)
            if account is None:
                raise ValueError(f"{disk.where}: of a VM with unmanaged disks each has a storageAccount")
            if others := sorted(disk.raw.keys() - _OF_BLOBS):
                raise ValueError(f"{disk.where}: an unmanaged disk has no {others[0]}")
            name, size = disk.need("name", str), disk.get("sizeGB", int, 64)
            made.append(bodies.unmanaged_disk(name, size, account.properties["primaryEndpoints"]["blob"]))
        system = {"osType": os, **made[0], "createOption": "FromImage"}
        data = [{"lun": lun, **disk, "createOption": "Empty"} for lun, disk in enumerate(made[1:])]
        return {"imageReference": bodies.image(os), "osDisk": system, "dataDisks": data}

    def _disk(self, vm: VirtualMachine, disk: Fields, os: str | None, add: Add) -> Resource:
        parsed = bodies.child(vm.id.rsplit("/", 2)[0], f"/disks/{disk.need('name', str)}")
        sku = disk.choice("sku", _SKUS)
        if os and sku in _DATA_ONLY:
            raise ValueError(f"{disk.where}: an OS disk cannot be {sku}")
        if not os and disk.get("ephemeral", bool):
            raise ValueError(f"{disk.where}: only the OS disk can be ephemeral")
        size = disk.get("sizeGB", int, 64)
        zone = next(iter(vm.body.get("zones", [])), None)
        option = "FromImage" if os else "Empty"
        made = bodies.disk(
            parsed, vm.location, size, sku, self._time, os=os, managed_by=vm.id, zone=zone, create_option=option
        )
        for name, known in _ACCESS.items():
            if disk.get(name, str):
                made.properties[name] = disk.choice(name, known)
        if disk.get("raw", bool):
            if os:
                raise ValueError(f"{disk.where}: only a data disk can be raw")
            made = RawDisk(made.id, made.type, made.body)
        shares = disk.get("maxShares", int)
        if shares is not None:
            made.properties["maxShares"] = shares
        key_set = disk.reference("encryptionSet", "Microsoft.Compute/diskEncryptionSets", self._store, vm.location)
        if key_set:
            made.properties["encryption"] = {
                "type": "EncryptionAtRestWithCustomerKey",
                "diskEncryptionSetId": key_set.id,
            }
        if disk.get("azureDiskEncryption", bool):
            made.properties["encryptionSettingsCollection"] = _settings(vm.id, parsed.name)
        add(parsed, made, disk)
        return made


def _settings(vm_id: str, disk: str) -> Json:
    """Azure Disk Encryption, version 1.1: without an application in Entra ID."""
    name = f"keys-{stable_guid('vault', vm_id)[:8]}"
    vault = f"{ids.group_id(*vm_id.split('/')[2:5:2])}/providers/Microsoft.KeyVault/vaults/{name}"
    secret = f"https://{name}.vault.azure.net/secrets/{stable_guid('secret', disk)}/{'0' * 32}"
    key = {"sourceVault": {"id": vault}, "secretUrl": secret}
    return {"enabled": True, "encryptionSettings": [{"diskEncryptionKey": key}], "encryptionSettingsVersion": "1.1"}

"""The VMs of an estate, with their disks and interfaces."""

from local.simulator import regions
from local.simulator.arm import bodies, compute_parts
from local.simulator.arm.storage import TYPE as ACCOUNT
from local.simulator.estate.disks import Add, Disks
from local.simulator.estate.fields import Fields, each
from local.simulator.estate.interfaces import Interfaces
from local.simulator.store import Store, VirtualMachine
from local.simulator.wire import Json

# Type and property of each kind of placement of a VM.
_PLACES = {
    "availabilitySet": (compute_parts.SET, "availabilitySet"),
    "proximityPlacementGroup": (compute_parts.PLACEMENT_GROUP, "proximityPlacementGroup"),
    "capacityReservationGroup": ("Microsoft.Compute/capacityReservationGroups", "capacityReservation"),
    "scaleSet": ("Microsoft.Compute/virtualMachineScaleSets", "virtualMachineScaleSet"),
    "host": ("Microsoft.Compute/hostGroups/hosts", "host"),
    "hostGroup": ("Microsoft.Compute/hostGroups", "hostGroup"),
}
_ERROR = "code message possibleCauses recommendedAction status"


class Machines:
    KEYS = (
        "id location size os tags power provisioningState zone availabilitySet proximityPlacementGroup "
        "capacityReservationGroup scaleSet host hostGroup edgeZone created diskController generation osProfile "
        "allowExtensionOperations provisionVMAgent security encryptionAtHost bootDiagnostics disks nics "
        "eligibilityErrors failEnable expect demo"
    )

    def __init__(self, store: Store, time: str) -> None:
        self._store = store
        self._time = time
        self._disks = Disks(store, time)
        self._interfaces = Interfaces(store)

    def keep_addresses(self, machines: list[Fields]) -> None:
        """Reserves static addresses. Call it before the first VM is built."""
        self._interfaces.keep_addresses(machines)

    def build(self, fields: Fields, add: Add) -> VirtualMachine:
        """Adds a VM and its parts to the store. Raises ValueError."""
        parsed = fields.id("id", "Microsoft.Compute/virtualMachines")
        location = fields.location()
        os = fields.choice("os", ("Linux", "Windows"))
        nics = self._interfaces.build(parsed, location, fields, add)
        size = fields.get("size", str, "Standard_D2s_v5")
        vm = bodies.virtual_machine(
            parsed, location, size, fields.tags(), {}, nics, fields.get("created", str, self._time)
        )
        vm.generation = fields.choice("generation", ("V2", "V1"))
        self._place(vm, fields)
        self._disks.build(vm, os, fields, add)
        self._secure(vm, fields)
        self._diagnose(vm, fields)
        if fields.get("osProfile", bool, True):
            vm.properties["osProfile"] = _os_profile(parsed.name, os, fields)
        if fields.get("diskController", str):
            controller = fields.choice("diskController", ("SCSI", "NVMe"))
            vm.properties["storageProfile"]["diskControllerType"] = controller
        vm.properties["provisioningState"] = fields.choice(
            "provisioningState", ("Succeeded", "Creating", "Updating", "Failed", "Deleting")
        )
        vm.power = fields.choice("power", ("running", "deallocated", "stopped"))
        vm.eligibility_errors = [_error(error) for error in each(fields.raw, "eligibilityErrors", _ERROR)]
        vm.fail_enable = _fail_enable(fields)
        add(parsed, vm, fields)
        return vm

    def _place(self, vm: VirtualMachine, fields: Fields) -> None:
        """Zone, availability set, scale set, proximity placement group and capacity reservation."""
        zone = fields.get("zone", str)
        if zone and zone not in regions.zones(vm.location):
            raise ValueError(f"{fields.where}: {vm.location} has no zone {zone!r}")
        if zone:
            vm.body["zones"] = [zone]
        if edge := fields.get("edgeZone", str):
            vm.body["extendedLocation"] = {"type": "EdgeZone", "name": edge}
        for name, (kind, wire) in _PLACES.items():
            found = fields.reference(name, kind, self._store, vm.location)
            if found:
                vm.properties[wire] = {"id": found.id}
        if reservation := vm.properties.get("capacityReservation"):
            vm.properties["capacityReservation"] = {"capacityReservationGroup": reservation}
        self._join(vm, fields)

    def _join(self, vm: VirtualMachine, fields: Fields) -> None:
        """A VM in an availability set has no zone, and no proximity placement group other than the set's."""
        chosen = vm.properties.get("availabilitySet", {}).get("id")
        found = self._store.get(chosen) if chosen else None
        if found is None:
            return
        if vm.body.get("zones"):
            raise ValueError(f"{fields.where}: a VM in an availability set has no zone")
        group = vm.properties.get("proximityPlacementGroup")
        if group and group != found.properties.get("proximityPlacementGroup"):
            raise ValueError(f"{fields.where}: proximityPlacementGroup is not that of the availability set")

    def _secure(self, vm: VirtualMachine, fields: Fields) -> None:
        profile: Json = {}
        if fields.get("security", str) is not None:
            kind = fields.choice("security", ("TrustedLaunch", "ConfidentialVM"))
            if not bodies.has_managed_disks(vm):
                raise ValueError(f"{fields.where}: a VM with security has managed disks")
            if vm.generation == "V1":
                raise ValueError(f"{fields.where}: a VM with security is of generation V2")
            profile = {"uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True}, "securityType": kind}
            system = vm.properties["storageProfile"]["osDisk"]["managedDisk"]
            disk = self._store.get(system["id"])
            if kind == "ConfidentialVM":
                system["securityProfile"] = {"securityEncryptionType": "VMGuestStateOnly"}
                kind = "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey"
            if disk:
                disk.properties["securityProfile"] = {"securityType": kind}
        if fields.get("encryptionAtHost", bool):
            profile["encryptionAtHost"] = True
        if profile:
            vm.properties["securityProfile"] = profile

    def _diagnose(self, vm: VirtualMachine, fields: Fields) -> None:
        asked = fields.get("bootDiagnostics", str)
        if asked is None:
            return
        diagnostics: Json = {"enabled": True}
        if asked != "managed":
            account = fields.reference("bootDiagnostics", ACCOUNT, self._store, vm.location)
            if account is None or account.body["sku"]["tier"] == "Premium":
                raise ValueError(f"{fields.where}: boot diagnostics do not go to a premium account")
            diagnostics["storageUri"] = account.properties["primaryEndpoints"]["blob"]
        vm.properties["diagnosticsProfile"] = {"bootDiagnostics": diagnostics}


def _os_profile(name: str, os: str, fields: Fields) -> Json:
    """`allowExtensionOperations` and `provisionVMAgent` as the estate has them."""
    profile = bodies.os_profile(name, os)
    profile["allowExtensionOperations"] = fields.get("allowExtensionOperations", bool, True)
    configuration = profile["windowsConfiguration" if os == "Windows" else "linuxConfiguration"]
    configuration["provisionVMAgent"] = fields.get("provisionVMAgent", bool, True)
    return profile


def _fail_enable(fields: Fields) -> Json | None:
    raw = fields.get("failEnable", dict)
    if raw is None:
        return None
    order = Fields(raw, f"{fields.where}: failEnable", "times code message possibleCauses recommendedAction")
    return {
        "times": order.get("times", int, 1),
        "code": order.need("code", str),
        "message": order.need("message", str),
        "possibleCauses": order.get("possibleCauses", str, ""),
        "recommendedAction": order.get("recommendedAction", str, ""),
    }


def _error(fields: Fields) -> Json:
    return {
        "code": fields.need("code", str),
        "message": fields.need("message", str),
        "possibleCauses": fields.get("possibleCauses", str, ""),
        "recommendedAction": fields.get("recommendedAction", str, ""),
        "status": fields.get("status", str, "Error"),
    }

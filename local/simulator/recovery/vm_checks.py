"""Checks of the VM itself in the prerequisites check of an enable job: what the support matrix says is not supported.

That Site Recovery refuses these at this step, and with what codes, is invented; the facts are the documentation's.
"""

from local.simulator.arm import bodies
from local.simulator.arm.sizes import size_of
from local.simulator.store import Resource, VirtualMachine
from local.simulator.vault.job import Failure
from local.simulator.wire import Json
from local.simulator.world import World

_MOST_DATA_DISKS = 64
_TRUSTED_LINUX_SINCE = "2024-04-01"


def find(world: World, vm: VirtualMachine) -> Failure | None:
    if not bodies.has_managed_disks(vm):
        return Failure("159068", f"The virtual machine '{vm.name}' has unmanaged disks, which Azure has retired.")
    return _security(vm) or _place(vm) or _scale_set(world, vm) or _hardware(vm) or _agent(vm) or _number(vm)


def _number(vm: VirtualMachine) -> Failure | None:
    """Another page has 100 disks: the stricter one is played."""
    if len(vm.properties["storageProfile"]["dataDisks"]) > _MOST_DATA_DISKS:
        message = f"The virtual machine '{vm.name}' has more than {_MOST_DATA_DISKS} data disks."
        return Failure("159105", message)
    return None


def _security(vm: VirtualMachine) -> Failure | None:
    kind = (vm.properties.get("securityProfile") or {}).get("securityType")
    if kind == "ConfidentialVM":
        return Failure("159054", f"The virtual machine '{vm.name}' is a confidential one, which is not supported.")
    linux = vm.properties["storageProfile"]["osDisk"]["osType"] == "Linux"
    if kind == "TrustedLaunch" and linux and vm.properties["timeCreated"] < _TRUSTED_LINUX_SINCE:
        message = f"The Linux virtual machine '{vm.name}' with trusted launch was made before {_TRUSTED_LINUX_SINCE}."
        return Failure("159069", message)
    return None


def _place(vm: VirtualMachine) -> Failure | None:
    if "host" in vm.properties or "hostGroup" in vm.properties:
        return Failure("159070", f"The virtual machine '{vm.name}' is on a dedicated host, which is not supported.")
    if "extendedLocation" in vm.body:
        return Failure("159071", f"The virtual machine '{vm.name}' is in an edge zone: a target in one is needed.")
    return None


def _scale_set(world: World, vm: VirtualMachine) -> Failure | None:
    chosen = (vm.properties.get("virtualMachineScaleSet") or {}).get("id")
    found = world.store.get(chosen) if chosen else None
    if found and scales(found):
        return Failure("159080", f"The virtual machine '{vm.name}' is in the scale set '{found.name}', which scales.")
    return None


def scales(scale_set: Resource) -> bool:
    """Whether the set is Uniform, or has a scaling profile."""
    properties = scale_set.properties
    return properties.get("orchestrationMode") != "Flexible" or bool(properties.get("virtualMachineProfile"))


def _hardware(vm: VirtualMachine) -> Failure | None:
    profile = vm.properties["storageProfile"]
    if profile.get("diskControllerType") == "NVMe":
        return Failure("159072", f"The virtual machine '{vm.name}' has an NVMe disk controller: not supported.")
    if size_of(vm.properties["hardwareProfile"]["vmSize"]).arm:
        return Failure("159073", f"The virtual machine '{vm.name}' has an ARM64 processor, which is not supported.")
    return None


def accelerated(vm: VirtualMachine, disk_ids: set[str]) -> Failure | None:
    """Whether one of these disks (lower-cased IDs) of the VM has write accelerator on."""
    profile = vm.properties["storageProfile"]
    for entry in (profile["osDisk"], *profile["dataDisks"]):
        if entry.get("writeAcceleratorEnabled") and entry["managedDisk"]["id"].lower() in disk_ids:
            return Failure("159074", f"The disk '{entry['name']}' has write accelerator on, which is not supported.")
    return None


def _agent(vm: VirtualMachine) -> Failure | None:
    """Without an OS profile nothing is known: the agent may be there."""
    profile: Json = vm.properties.get("osProfile") or {}
    configuration = profile.get("windowsConfiguration") or profile.get("linuxConfiguration") or {}
    if profile.get("allowExtensionOperations") is False or configuration.get("provisionVMAgent") is False:
        message = f"The virtual machine '{vm.name}' takes no extensions: the mobility agent cannot be installed."
        return Failure("159075", message)
    return None

"""The prerequisites check of an enable job: the first failure that it finds.

Documented codes are used where they exist. All others, and most messages, are invented, the codes in the range 1590xx.
"""

from local.simulator import ids
from local.simulator.arm.locks import LINK
from local.simulator.ids import key
from local.simulator.recovery import disk_checks, target_checks, vm_checks
from local.simulator.store import VirtualMachine
from local.simulator.vault.job import Failure
from local.simulator.vault.model import Container, Policy, RecoveryVault
from local.simulator.wire import Json
from local.simulator.world import World

_GROUP_LIMIT = 16  # VMs in a multi-VM group, by the documentation


def find(
    world: World,
    container: Container,
    vm: VirtualMachine | None,
    policy: Policy,
    target: Container | None,
    details: Json,
) -> Failure | None:
    if vm is None:
        return Failure("159001", f"The virtual machine '{details['fabricObjectId']}' could not be found.")
    return (
        _source(world, container, vm)
        or _pair(container, policy, target)
        or (_target(world, container, target, vm, details) if target else None)
        or _group(container, vm, details)
    )


def _source(world: World, container: Container, vm: VirtualMachine) -> Failure | None:
    region = container.fabric.location
    if vm.location != region:
        return Failure("159002", f"The virtual machine '{vm.name}' is in '{vm.location}', its fabric in '{region}'.")
    if container.vault.resource.location == region and not vm.body.get("zones"):
        return Failure("159003", f"The vault is in '{region}', the region of the virtual machine '{vm.name}'.")
    state = vm.properties["provisioningState"]
    if state != "Succeeded":
        return Failure(
            "150019",
            f"Replication couldn't be enabled for the virtual machine '{vm.name}': its state is '{state}'.",
            "The provisioning state of the virtual machine is not valid.",
            "Check the virtual machine, bring it to the state Succeeded and try again.",
        )
    if vm.power != "running":
        return Failure(
            "159004",
            f"The virtual machine '{vm.name}' is not running.",
            "The virtual machine is stopped or deallocated.",
            "Start the virtual machine and try again.",
        )
    if failure := vm_checks.find(world, vm):
        return failure
    if vm.eligibility_errors:
        first = vm.eligibility_errors[0]
        return Failure(first["code"], first["message"], first["possibleCauses"], first["recommendedAction"])
    return _stale_links(world, container.vault, vm)


def _stale_links(world: World, vault: RecoveryVault, vm: VirtualMachine) -> Failure | None:
    links = [link for link in world.store.under(vm.id, LINK) if link.name.lower().startswith("asr-protect-")]
    live = {key(item.id) for item in vault.items()} if links else set()
    stale = [link.name for link in links if key(link.properties["targetId"]) not in live]
    if not stale:
        return None
    return Failure(
        "150226",
        "Replication cannot be enabled because of the existing stale resource links on the VM.",
        f"The resource links {', '.join(stale)} were left by an earlier protection.",
        "Remove the stale resource links of the virtual machine and try again.",
    )


def _pair(container: Container, policy: Policy, target: Container | None) -> Failure | None:
    if target is None:
        return Failure("159005", "The recovery protection container could not be found.")
    if target.fabric is container.fabric and target is container:
        return Failure("159006", "The recovery protection container is the source container.")
    for mapping in container.mappings.values():
        if mapping.ready and mapping.target is target and mapping.policy is policy:
            return None
    return Failure(
        "159007",
        f"The containers '{container.name}' and '{target.name}' are not mapped with the policy '{policy.name}'.",
        "There is no protection container mapping of these three.",
        "Create the protection container mapping and try again.",
    )


def _target(world: World, container: Container, target: Container, vm: VirtualMachine, details: Json) -> Failure | None:
    location = target.fabric.location
    disks = details.get("vmManagedDisks") or []
    place = disk_checks.Place(location, details.get("recoveryAvailabilityZone"))
    groups = {details.get("recoveryResourceGroupId"), *(disk["recoveryResourceGroupId"] for disk in disks)} - {None, ""}
    return (
        target_checks.groups(world, vm.location, location, groups)
        or target_checks.place(world, location, details)
        or _availability(vm, details)
        or _size(world, location, vm, details)
        or _own_disks(vm, disks)
        or disk_checks.find(world, container.vault, vm, place, disks, details.get("diskEncryptionInfo"))
        or _networks(world, container, target, vm, details)
    )


def _size(world: World, location: str, vm: VirtualMachine, details: Json) -> Failure | None:
    """Checks the size in the subscription of the target group, or else of the first disk's group."""
    disks = details.get("vmManagedDisks") or [{"recoveryResourceGroupId": vm.id}]
    group = details.get("recoveryResourceGroupId") or disks[0]["recoveryResourceGroupId"]
    name = vm.properties["hardwareProfile"]["vmSize"]
    return target_checks.size(world, group, location, name, details.get("recoveryAvailabilityZone"))


def _availability(vm: VirtualMachine, details: Json) -> Failure | None:
    if details.get("recoveryVirtualMachineScaleSetId") and details.get("recoveryAvailabilitySetId"):
        return Failure("159083", "A target scale set and a target availability set exclude each other.")
    if not details.get("recoveryAvailabilitySetId"):
        return None
    if details.get("recoveryAvailabilityZone"):
        return Failure("159013", "A target availability set and a target zone exclude each other.")
    if not vm.properties.get("availabilitySet"):
        return Failure("159055", f"The virtual machine '{vm.name}' is in no availability set, so its copy is in none.")
    return None


def _own_disks(vm: VirtualMachine, given: list[Json]) -> Failure | None:
    profile = vm.properties["storageProfile"]
    if profile["osDisk"].get("diffDiskSettings"):
        return Failure("159065", f"The operating system disk of '{vm.name}' is ephemeral, which is not supported.")
    own = {key(disk["managedDisk"]["id"]) for disk in (profile["osDisk"], *profile["dataDisks"])}
    if key(profile["osDisk"]["managedDisk"]["id"]) not in {key(disk["diskId"]) for disk in given}:
        return Failure("159014", f"The operating system disk of '{vm.name}' is not among the disks to protect.")
    for disk in given:
        if key(disk["diskId"]) not in own:
            name = ids.last_segment(disk["diskId"])
            return Failure("159015", f"The disk '{name}' does not belong to the virtual machine '{vm.name}'.")
    return None


def _networks(
    world: World, container: Container, target: Container, vm: VirtualMachine, details: Json
) -> Failure | None:
    for network_id in source_networks(world, vm):
        chosen = details.get("recoveryAzureNetworkId") or mapped_network(container, target, network_id)
        if chosen is None:
            # The message is known (Azure/bicep#12904), its code is not.
            return Failure(
                "159020",
                f"Target network settings are not configured for virtual machine '{vm.name}'.",
                "There is no network mapping for its virtual network, and no target network was given.",
                "Map the network, or give a target network.",
            )
        subnet = details.get("recoverySubnetName")
        if failure := target_checks.network(world, target.fabric.location, chosen, subnet):
            return failure
    return None


def source_networks(world: World, vm: VirtualMachine) -> list[str]:
    """The virtual networks of a VM's interfaces, in their order."""
    return [subnet.rsplit("/", 2)[0] for subnet in disk_checks.source_subnets(world, vm)]


def mapped_network(container: Container, target: Container, network_id: str) -> str | None:
    """The recovery network that a source network is mapped to, or None."""
    for mapping in container.fabric.network_mappings.values():
        same = key(mapping.primary_network) == key(network_id) and mapping.recovery_fabric is target.fabric
        if same and mapping.ready:
            return mapping.recovery_network
    return None


def _group(container: Container, vm: VirtualMachine, details: Json) -> Failure | None:
    """A multi-VM group is limited to one region, one subscription and a number of VMs."""
    name = details.get("multiVmGroupName")
    if not name:
        return None
    members = [item for item in container.vault.items() if item.settings["multiVmGroupName"].lower() == name.lower()]
    if len(members) >= _GROUP_LIMIT:
        return Failure("159024", f"The multi-VM group '{name}' has {_GROUP_LIMIT} virtual machines already.")
    for item in members:
        if item.container.fabric is not container.fabric or _subscription(item.vm_id) != _subscription(vm.id):
            message = f"The multi-VM group '{name}' has virtual machines of another region or subscription."
            return Failure("159056", message)
    return None


def _subscription(vm_id: str) -> str:
    return vm_id.split("/")[2].lower()

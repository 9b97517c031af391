"""The prerequisites check of an enable job: the first thing that is wrong, as the job will tell it.

Documented codes are used where there is one. All others are invented, in the range 1590xx, because no source knows
them; so are most of the words.
"""

from local.simulator import ids
from local.simulator.arm.compute_parts import SET
from local.simulator.arm.locks import LINK
from local.simulator.arm.network import NETWORK
from local.simulator.arm.storage import TYPE as STORAGE
from local.simulator.ids import key
from local.simulator.recovery.errors import Failure
from local.simulator.recovery.model import Container, Policy, RecoveryVault
from local.simulator.store import VirtualMachine
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
        return _failure("159001", f"The virtual machine '{details['fabricObjectId']}' could not be found.")
    return (
        _source(world, container, vm)
        or _pair(container, policy, target)
        or (_place(world, target, vm, details) if target else None)
        or _disks(world, vm, details)
        or (_networks(world, container, target, vm, details) if target else None)
        or _group(container.vault, details)
    )


def _failure(code: str, message: str, causes: str = "", action: str = "") -> Failure:
    return Failure(code, message, causes, action)


def _source(world: World, container: Container, vm: VirtualMachine) -> Failure | None:
    region = container.fabric.location
    if vm.location != region:
        return _failure("159002", f"The virtual machine '{vm.name}' is in '{vm.location}', its fabric in '{region}'.")
    if container.vault.resource.location == region and not vm.body.get("zones"):
        return _failure("159003", f"The vault is in '{region}', the region of the virtual machine '{vm.name}'.")
    state = vm.properties["provisioningState"]
    if state != "Succeeded":
        return _failure(
            "150019",
            f"Replication couldn't be enabled for the virtual machine '{vm.name}': its state is '{state}'.",
            "The provisioning state of the virtual machine is not valid.",
            "Check the virtual machine, bring it to the state Succeeded and try again.",
        )
    if vm.power != "running":
        return _failure(
            "159004",
            f"The virtual machine '{vm.name}' is not running.",
            "The virtual machine is stopped or deallocated.",
            "Start the virtual machine and try again.",
        )
    if vm.eligibility_errors:
        first = vm.eligibility_errors[0]
        return _failure(first["code"], first["message"], first["possibleCauses"], first["recommendedAction"])
    return _stale_links(world, vm)


def _stale_links(world: World, vm: VirtualMachine) -> Failure | None:
    stale = [link.name for link in world.store.under(vm.id, LINK) if link.name.lower().startswith("asr-protect-")]
    if not stale:
        return None
    return _failure(
        "150226",
        "Replication cannot be enabled because of the existing stale resource links on the VM.",
        f"The resource links {', '.join(stale)} were left by an earlier protection.",
        "Remove the stale resource links of the virtual machine and try again.",
    )


def _pair(container: Container, policy: Policy, target: Container | None) -> Failure | None:
    if target is None:
        return _failure("159005", "The recovery protection container could not be found.")
    if target.fabric is container.fabric and target is container:
        return _failure("159006", "The recovery protection container is the source container.")
    for mapping in container.mappings.values():
        if mapping.ready and mapping.target is target and mapping.policy is policy:
            return None
    return _failure(
        "159007",
        f"The containers '{container.name}' and '{target.name}' are not mapped with the policy '{policy.name}'.",
        "There is no protection container mapping of these three.",
        "Create the protection container mapping and try again.",
    )


def _place(world: World, target: Container, vm: VirtualMachine, details: Json) -> Failure | None:
    """Target resource group, availability set and zone: there, and in the right place."""
    location = target.fabric.location
    groups = {details.get("recoveryResourceGroupId"), *(disk["recoveryResourceGroupId"] for disk in _managed(details))}
    for group_id in sorted(filter(None, groups)):
        group = world.store.group(group_id)
        if group is None:
            return _failure("159008", f"The target resource group '{group_id}' could not be found.")
        if group.location == vm.location and location != vm.location:
            return _failure("159009", f"The target resource group '{group.name}' is in the source region.")
    set_id = details.get("recoveryAvailabilitySetId")
    if set_id:
        found = world.store.get(set_id)
        if found is None or found.type != SET:
            return _failure("159010", f"The target availability set '{set_id}' could not be found.")
        if found.location != location:
            return _failure("159011", f"The target availability set '{found.name}' is not in '{location}'.")
        if found.body["sku"]["name"] != "Aligned":
            return _failure("159012", f"The target availability set '{found.name}' is not for managed disks (Aligned).")
        if details.get("recoveryAvailabilityZone"):
            return _failure("159013", "A target availability set and a target zone exclude each other.")
    return None


def _managed(details: Json) -> list[Json]:
    return details.get("vmManagedDisks") or []


def _disks(world: World, vm: VirtualMachine, details: Json) -> Failure | None:
    profile = vm.properties["storageProfile"]
    own = {key(disk["managedDisk"]["id"]) for disk in (profile["osDisk"], *profile["dataDisks"])}
    given = _managed(details)
    if key(profile["osDisk"]["managedDisk"]["id"]) not in {key(disk["diskId"]) for disk in given}:
        return _failure("159014", f"The operating system disk of '{vm.name}' is not among the disks to protect.")
    for disk in given:
        if key(disk["diskId"]) not in own:
            name = ids.last_segment(disk["diskId"])
            return _failure("159015", f"The disk '{name}' does not belong to the virtual machine '{vm.name}'.")
        if failure := cache_failure(world, vm, disk["primaryStagingAzureStorageAccountId"]):
            return failure
    return None


def cache_failure(world: World, vm: VirtualMachine, account_id: str) -> Failure | None:
    """What is wrong with a cache account; the wording of the second is known (terraform-provider-azurerm#25880)."""
    account = world.store.get(account_id)
    if account is None or account.type != STORAGE or account.properties["provisioningState"] != "Succeeded":
        return _failure("159016", f"The cache storage account '{account_id}' could not be found.")
    if account.location != vm.location:
        return _failure(
            "159017",
            f"The cache storage account '{account.name}' specified must be located in the same region as the source "
            f"VM. The specific cache storage account location is : '{account.location}'.",
            "The cache storage account is not in the region of the virtual machine.",
            "Choose a cache storage account in the region of the virtual machine.",
        )
    parsed, owner = ids.parse(account.id), ids.parse(vm.id)
    if parsed and owner and parsed.subscription.lower() != owner.subscription.lower():
        message = f"The cache storage account '{account.name}' is not in the subscription of the virtual machine."
        return _failure("159018", message)
    if account.body["kind"] not in ("Storage", "StorageV2", "BlockBlobStorage"):
        return _failure("159019", f"A storage account of kind '{account.body['kind']}' cannot be a cache account.")
    return None


def _networks(
    world: World, container: Container, target: Container, vm: VirtualMachine, details: Json
) -> Failure | None:
    chosen = details.get("recoveryAzureNetworkId")
    if chosen:
        return _target_network(world, target, chosen, details.get("recoverySubnetName"))
    for network_id in source_networks(world, vm):
        if mapped_network(container, target, network_id) is None:
            # The message is known (Azure/bicep#12904), its code is not.
            return _failure(
                "159020",
                f"Target network settings are not configured for virtual machine '{vm.name}'.",
                "There is no network mapping for its virtual network, and no target network was given.",
                "Map the network, or give a target network.",
            )
    return None


def _target_network(world: World, target: Container, network_id: str, subnet: str | None) -> Failure | None:
    network = world.store.get(network_id)
    if network is None or network.type != NETWORK:
        return _failure("159021", f"The target virtual network '{network_id}' could not be found.")
    if network.location != target.fabric.location:
        return _failure("159022", f"The target virtual network '{network.name}' is not in '{target.fabric.location}'.")
    names = [each["name"].lower() for each in network.properties["subnets"]]
    if subnet and ids.last_segment(subnet).lower() not in names:
        return _failure("159023", f"The target virtual network '{network.name}' has no subnet '{subnet}'.")
    return None


def source_networks(world: World, vm: VirtualMachine) -> list[str]:
    """The virtual networks of a VM's interfaces, in their order."""
    found = []
    for reference in vm.properties["networkProfile"]["networkInterfaces"]:
        nic = world.store.get(reference["id"])
        if nic is not None:
            subnet = nic.properties["ipConfigurations"][0]["properties"]["subnet"]["id"]
            found.append(subnet.rsplit("/", 2)[0])
    return found


def mapped_network(container: Container, target: Container, network_id: str) -> str | None:
    """The recovery network that a source network is mapped to, or None."""
    for mapping in container.fabric.network_mappings.values():
        same = key(mapping.primary_network) == key(network_id) and mapping.recovery_fabric is target.fabric
        if same and mapping.ready:
            return mapping.recovery_network
    return None


def _group(vault: RecoveryVault, details: Json) -> Failure | None:
    name = details.get("multiVmGroupName")
    if not name:
        return None
    members = [item for item in vault.items() if item.settings["multiVmGroupName"].lower() == name.lower()]
    if len(members) < _GROUP_LIMIT:
        return None
    return _failure("159024", f"The multi-VM group '{name}' has {_GROUP_LIMIT} virtual machines already.")

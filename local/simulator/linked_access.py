"""Linked access checks: the caller's rights on the resources that a request body names.

Of compute and network these are the join actions, which their providers document. Of Site Recovery one page tells what
is checked of who enables a VM (azure-docs, site-recovery-role-based-linked-access-control): the rights to make a VM in
the target group and the target network, and to write to the cache account. That the other resources are checked too, at
changes in place as well, and by which actions, is inferred from what is checked of who makes a VM with them.
"""

from collections.abc import Iterator
from typing import Any

from local.simulator import checks, ids
from local.simulator.access.actions import Right
from local.simulator.recovery import nic_changes, plans, recovered_vm, scope
from local.simulator.recovery.enable_checks import mapped_network
from local.simulator.recovery.item_update import NETWORKS
from local.simulator.wire import Call, Json
from local.simulator.world import World

_NETWORK = ("Microsoft.Network/virtualNetworks/read",)
_SECURITY_GROUP = ("Microsoft.Network/networkSecurityGroups/join/action",)
_SUBNET = ("Microsoft.Network/virtualNetworks/subnets/read", "Microsoft.Network/virtualNetworks/subnets/join/action")
_PUBLIC_ADDRESS = ("Microsoft.Network/publicIPAddresses/join/action",)
_POOL = ("Microsoft.Network/loadBalancers/backendAddressPools/join/action",)
_RESERVATION = ("Microsoft.Compute/capacityReservationGroups/deploy/action",)

# The field that holds an ID, or several, and what is checked there. Of Site Recovery:
_CHECKED: dict[str, tuple[str, ...]] = {
    "fabricObjectId": ("Microsoft.Compute/virtualMachines/read",),
    "recoveryResourceGroupId": (
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.Compute/virtualMachines/write",
        "Microsoft.Compute/virtualMachines/delete",
        "Microsoft.Network/networkInterfaces/read",
        "Microsoft.Network/networkInterfaces/write",
        "Microsoft.Network/networkInterfaces/delete",
        "Microsoft.Network/networkInterfaces/join/action",
    ),
    "primaryStagingAzureStorageAccountId": (
        "Microsoft.Storage/storageAccounts/read",
        "Microsoft.Storage/storageAccounts/listKeys/action",
    ),
    "recoveryAvailabilitySetId": ("Microsoft.Compute/availabilitySets/read",),
    "recoveryProximityPlacementGroupId": ("Microsoft.Compute/proximityPlacementGroups/read",),
    "recoveryCapacityReservationGroupId": _RESERVATION,
    "recoveryVirtualMachineScaleSetId": ("Microsoft.Compute/virtualMachineScaleSets/read",),
    "recoveryBootDiagStorageAccountId": ("Microsoft.Storage/storageAccounts/read",),
    "recoveryDiskEncryptionSetId": ("Microsoft.Compute/diskEncryptionSets/read",),
    "recoveryAzureNetworkId": _NETWORK,
    "selectedRecoveryAzureNetworkId": _NETWORK,
    "selectedTfoAzureNetworkId": _NETWORK,
    "primaryNetworkId": _NETWORK,
    "recoveryNetworkId": _NETWORK,
    "recoveryNetworkSecurityGroupId": _SECURITY_GROUP,
    "tfoNetworkSecurityGroupId": _SECURITY_GROUP,
    "recoveryPublicIPAddressId": _PUBLIC_ADDRESS,
    "tfoPublicIPAddressId": _PUBLIC_ADDRESS,
    "recoveryLBBackendAddressPoolIds": _POOL,
    "tfoLBBackendAddressPoolIds": _POOL,
    # Of compute and network, where it is an object with an ID:
    "subnet": ("Microsoft.Network/virtualNetworks/subnets/join/action",),
    "networkSecurityGroup": _SECURITY_GROUP,
    "routeTable": ("Microsoft.Network/routeTables/join/action",),
    "natGateway": ("Microsoft.Network/natGateways/join/action",),
    "publicIPAddress": _PUBLIC_ADDRESS,
    "loadBalancerBackendAddressPools": _POOL,
    "remoteVirtualNetwork": ("Microsoft.Network/virtualNetworks/peer/action",),
    "networkInterfaces": ("Microsoft.Network/networkInterfaces/join/action",),
    "proximityPlacementGroup": ("Microsoft.Compute/proximityPlacementGroups/write",),  # so AKS asks of its users
    "capacityReservationGroup": _RESERVATION,
}


def links(world: World, call: Call) -> Iterator[Right]:
    """The rights that the body of a call needs besides the call's own action. Raises ArmError."""
    for field, resource in _named(call.body):
        for action in _CHECKED[field]:
            yield Right(action, resource)
    yield from _subnets(world, call)


def _named(body: Any) -> Iterator[tuple[str, str]]:
    """Each checked field with each ID in it, at any depth. Names of tags are not fields."""
    if isinstance(body, list):
        for each in body:
            yield from _named(each)
    elif isinstance(body, dict):
        for field, value in body.items():
            if field in _CHECKED:
                yield from ((field, resource) for resource in _ids(value))
            elif field != "tags":
                yield from _named(value)


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _ids(each)
    elif isinstance(value, dict):
        yield from _ids(value.get("id"))
    elif value and isinstance(value, str):
        yield value


def _subnets(world: World, call: Call) -> Iterator[Right]:
    """The subnets that an item would put its VM into: no body names them by ID. That they are checked where the network
    comes from a mapping is an inference. Raises ArmError: 400 for the body, 404 for the item."""
    if call.method == "POST" and ids.last_segment(call.path).lower() == "testfailover":
        yield from _of_test_failover(world, call)
    named = {"PUT": _of_enable, "PATCH": _of_change}.get(call.method)
    if "item" in call.params and named:
        properties: Json = checks.get(checks.body(call), "properties", dict, required=True)
        for subnet in named(world, call, properties):
            yield from (Right(action, subnet) for action in _SUBNET)


def _of_enable(world: World, call: Call, properties: Json) -> Iterator[str]:
    """The subnets of an enable: in the given network or the mapped one, by the given name or the source's."""
    container = scope.container(world, call)
    given = "providerSpecificDetails"
    target = container.vault.container_by_id(checks.get(properties, f"{given}.recoveryContainerId", str) or "")
    network = checks.get(properties, f"{given}.recoveryAzureNetworkId", str)
    name = checks.get(properties, f"{given}.recoverySubnetName", str)
    vm = world.store.vm(checks.get(properties, f"{given}.fabricObjectId", str) or "")
    references: list[Json] = vm.properties["networkProfile"]["networkInterfaces"] if vm else []
    for nic in filter(None, (world.store.get(each["id"]) for each in references)):
        source, _, own = nic.properties["ipConfigurations"][0]["properties"]["subnet"]["id"].rpartition("/subnets/")
        into = network or (mapped_network(container, target, source) if target else None)
        if into:
            yield f"{into}/subnets/{name or own}"


def _of_test_failover(world: World, call: Call) -> Iterator[Right]:
    """The network of a test failover, and the subnets of the interfaces in it. Which rights Azure checks of the caller
    here no page says; these are those of an enable, where the network is named too."""
    network: str = checks.get(checks.body(call), "properties.networkId", str) or ""
    if not world.store.get(network):
        return
    plan = "plan" in call.params
    items = plans.members(scope.vault(world, call), plans.find(world, call)) if plan else [scope.item(world, call)]
    nics = (nic for item in items for nic in item.nics)
    subnets = filter(None, {recovered_vm.test_subnet_id(world, nic, network) for nic in nics})
    yield from (Right(action, network) for action in _NETWORK)
    yield from (Right(action, subnet) for subnet in sorted(subnets) for action in _SUBNET)


def _of_change(world: World, call: Call, properties: Json) -> Iterator[str]:
    """The subnets of the interfaces after a change of interfaces or of the network."""
    item = scope.item(world, call)
    networks = {prefix: checks.get(properties, name, str) for prefix, name in NETWORKS.items()}
    changes = nic_changes.parse(properties)
    if not changes and not any(networks.values()):
        return
    for nic in nic_changes.merged(world, item, changes, networks):
        for prefix, field in nic_changes.NETWORKS.items():
            for configuration in nic["ipConfigs"]:
                name = configuration[f"{prefix}SubnetName"]
                if nic[field] and name:
                    yield f"{nic[field]}/subnets/{ids.last_segment(name)}"

"""The subnets that a replicated item would put its VM into: the caller has to be one who may put something there.

No body names them by ID. That they are checked where the network comes from a mapping is an inference.
"""

from collections.abc import Iterator

from local.simulator import checks, ids
from local.simulator.access.actions import Right
from local.simulator.recovery import nic_changes, scope
from local.simulator.recovery.enable_checks import mapped_network
from local.simulator.recovery.item_update import NETWORKS
from local.simulator.wire import Call, Json
from local.simulator.world import World

_ACTIONS = ("Microsoft.Network/virtualNetworks/subnets/read", "Microsoft.Network/virtualNetworks/subnets/join/action")


def links(world: World, call: Call) -> Iterator[Right]:
    """Raises ArmError: 400 for the body, 404 for the item."""
    named = {"PUT": _of_enable, "PATCH": _of_change}.get(call.method)
    if "item" in call.params and named:
        properties: Json = checks.get(checks.body(call), "properties", dict, required=True)
        for subnet in named(world, call, properties):
            yield from (Right(action, subnet) for action in _ACTIONS)


def _of_enable(world: World, call: Call, properties: Json) -> Iterator[str]:
    """In the network that is given, else the one that the VM's is mapped to; of the name given, else of its own."""
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


def _of_change(world: World, call: Call, properties: Json) -> Iterator[str]:
    """Where the interfaces would be, if it names any, or another network for all of them."""
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

"""What uses a network, an availability set or a proximity placement group, found by the references to it."""

from collections.abc import Iterable, Iterator

from local.simulator import ids
from local.simulator.arm.addresses import INTERFACE
from local.simulator.store import Resource, Store
from local.simulator.wire import Json

_VM, _SET, _SCALE_SET = (
    f"Microsoft.Compute/{kind}" for kind in ("virtualMachines", "availabilitySets", "virtualMachineScaleSets")
)


def networks(store: Store, found: Iterable[Resource]) -> list[Json]:
    """Virtual networks as a GET shows them: each subnet with its IP configurations, if any."""
    inside = configurations(store)
    return [
        {
            **network.body,
            "properties": {
                **network.properties,
                "subnets": [_subnet(subnet, inside) for subnet in network.properties["subnets"]],
            },
        }
        for network in found
    ]


def _subnet(subnet: Json, inside: dict[str, list[str]]) -> Json:
    used = [{"id": each} for each in inside.get(ids.key(subnet["id"]), ())]
    return {**subnet, "properties": {**subnet["properties"], "ipConfigurations": used}} if used else subnet


def configurations(store: Store) -> dict[str, list[str]]:
    """The IDs of IP configurations by the key of their subnet."""
    found: dict[str, list[str]] = {}
    for interface in _all(store, INTERFACE):
        for configuration in interface.properties["ipConfigurations"]:
            found.setdefault(ids.key(configuration["properties"]["subnet"]["id"]), []).append(configuration["id"])
    return found


def availability_sets(store: Store, found: Iterable[Resource]) -> list[Json]:
    members = _members(store, _VM, "availabilitySet")
    return [_with(each, {"virtualMachines": members.get(ids.key(each.id), [])}) for each in found]


def placement_groups(store: Store, found: Iterable[Resource]) -> list[Json]:
    kinds = {"virtualMachines": _VM, "availabilitySets": _SET, "virtualMachineScaleSets": _SCALE_SET}
    members = {name: _members(store, kind, "proximityPlacementGroup") for name, kind in kinds.items()}
    return [_with(each, {name: lists.get(ids.key(each.id), []) for name, lists in members.items()}) for each in found]


def _members(store: Store, kind: str, named_by: str) -> dict[str, list[Json]]:
    """References to the resources of a type, by the ID that one of their properties names."""
    found: dict[str, list[Json]] = {}
    for resource in _all(store, kind):
        if named := resource.properties.get(named_by):
            found.setdefault(ids.key(named["id"]), []).append({"id": resource.id})
    return found


def _all(store: Store, kind: str) -> Iterator[Resource]:
    for subscription in store.subscriptions:
        yield from store.of_type(subscription, kind)


def _with(resource: Resource, properties: Json) -> Json:
    return {**resource.body, "properties": {**resource.properties, **properties}}

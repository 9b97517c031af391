"""The target network, and the settings of each network interface in it."""

from ipaddress import ip_address, ip_network
from typing import NamedTuple

from shared.model.plan import ITEM_ORIGIN, ResourcePreview
from shared.model.replication import ReplicatedNic
from shared.model.resource_id import ResourceId
from shared.model.values import parts
from shared.model.vm import Network, SourceNic, Subnet
from shared.planning.builder import OF_ITEM, PlanBuilder, origin_of
from shared.planning.catalog import finding_of
from shared.planning.network_gaps import gaps
from shared.planning.target_subnet import Place, item_nic, sent, target_subnet

# Azure reserves the first four addresses of a subnet and the last.
_RESERVED_FIRST, _RESERVED_LAST = 4, 1


_NEXT_FREE = "the next free one"


class Networks(NamedTuple):
    """`leads_to`: each of the VM's networks to its target. `chosen` is a network named in an override instead.

    `sent` is the network that the enable request names: without one the network mapping says which. `subnet` is the one
    subnet of the request: without it Site Recovery chooses that of each interface.
    """

    leads_to: dict[ResourceId, ResourceId]
    chosen: ResourceId | None
    sent: ResourceId | None
    subnet: str
    nics: tuple[ReplicatedNic, ...]


def networks(d: PlanBuilder) -> Networks:
    leads_to = {network: _by_default(d, network) for network in dict.fromkeys(nic.network for nic in d.context.nics)}
    # An existing mapping is shared by all VMs of the network: it is never edited, another network goes on the item.
    chosen = d.resource("target-vnet", None, "") if d.is_requested("target-vnet") else None
    if not d.is_requested("target-vnet"):
        for source, target in leads_to.items():
            _explain(d, source, target)
            _check_region(d, source, _there(d, target))
            _check_others(d, source, target)
    names = [nic.id.name for nic in d.context.nics]
    if d.is_requested("target-ip") and len(names) > 1 and "" in parts(d.overrides.requested["target-ip"].value):
        d.reject("target-ip", "an address for each interface, as <name>=<address>")
    wanted = {tag: d.each(tag, names) for tag in ("target-subnet", "target-ip")}
    wanted |= {tag: d.each_or_none(tag, names, has) for tag, has in _of_item(d).items()}
    nics, places = [], []
    known = {network.id: network for network in d.context.networks}
    for nic in d.context.nics:
        there = _there(d, chosen or leads_to[nic.network])
        asked = wanted["target-subnet"].get(nic.id.name, "")
        subnet = target_subnet(d, nic, asked, there)
        d.findings += gaps(nic, known.get(nic.network), there, subnet)
        places.append(Place(nic, there, subnet, bool(asked)))
        nics.append(
            ReplicatedNic(
                id=nic.id,
                subnet=subnet if chosen or nic.id.name in wanted["target-subnet"] else "",
                address=_address(d, nic, wanted["target-ip"].get(nic.id.name, ""), there, subnet),
                security_group=_referred(d, "target-nsg", wanted["target-nsg"].get(nic.id.name)),
                public_ip=_referred(d, "target-public-ip", wanted["target-public-ip"].get(nic.id.name)),
                backend_pool=_referred(d, "target-backend-pool", wanted["target-backend-pool"].get(nic.id.name)),
            )
        )
    requested = tuple(nic for nic in nics if nic != ReplicatedNic(id=nic.id))
    return Networks(leads_to, chosen, *sent(d, chosen, places), requested)


def _of_item(d: PlanBuilder) -> dict[str, dict[str, ResourceId | None]]:
    """The values of an item's interfaces, by name, of settings without a default."""
    nics = d.item.nics if d.item else ()
    return {
        "target-nsg": {nic.source.name: nic.security_group for nic in nics},
        "target-public-ip": {nic.source.name: nic.public_ip for nic in nics},
        "target-backend-pool": {nic.source.name: next(iter(nic.backend_pools), None) for nic in nics},
    }


def _by_default(d: PlanBuilder, source: ResourceId) -> ResourceId:
    """The target network: that of the item, else of an existing network mapping, else the default name."""
    for nic in d.item.nics if d.item else ():
        if nic.source_network == source and nic.network:
            return nic.network
    by_name = d.names.sibling(source)
    mapped = d.context.mapped_networks.get(source.key, by_name)
    return by_name if mapped == by_name else mapped  # Site Recovery echoes IDs lower-cased


def _explain(d: PlanBuilder, source: ResourceId, target: ResourceId) -> None:
    if d.item:
        d.record(f"targetVnet/{source.name}", target, OF_ITEM, ITEM_ORIGIN)
    elif source.key in d.context.mapped_networks:
        reason = f"the vault maps {source.name} to it already, for all its VMs"
        d.record(f"targetVnet/{source.name}", target, reason, "network mapping")
        there = {network.id for network in d.context.target_networks}
        if target in there or target != d.names.sibling(source):
            d.named.append(ResourcePreview(kind="virtual network", action="reuse", name=str(target)))
    else:
        reason = f"{d.by_template('network', source.name)}; same addresses and subnets"
        d.record(f"targetVnet/{source.name}", target, reason, origin_of(reason))


def _check_region(d: PlanBuilder, source: ResourceId, there: Network) -> None:
    """A network has one target: VMs of it with another target region need a network named in an override."""
    target = d.context.target_location
    if d.item is None and there.location and there.location != target:
        d.findings.append(
            finding_of(
                "IncompatibleTargetResource",
                f"The target of {source.name} would be {there.id}, which is in {there.location}; {d.vm.id.name} is to "
                f"go to {target}.",
                tag=d.app.tag_name,
            )
        )


def _check_others(d: PlanBuilder, source: ResourceId, target: ResourceId) -> None:
    """A network that is found by its default name may be the target of another network: one of another subscription
    whose targets go to the same. A mapping and an override say which network is meant, a name does not."""
    others = d.context.led_to.get(target.key, ())
    if others and d.item is None and source.key not in d.context.mapped_networks:
        message = f"The target of {source} would be {target}, which another network has: {others[0]}."
        d.findings.append(finding_of("NameNotUnique", message, tag=d.app.tag_name))


def _there(d: PlanBuilder, target: ResourceId) -> Network:
    """The target network as it exists, or as it will be created from the source network."""
    made = {d.names.sibling(network.id): network for network in d.context.networks}
    source = made.get(target, Network(id=target))
    carried = {
        name: Subnet(prefixes=subnet.prefixes, private=subnet.private) for name, subnet in source.subnets.items()
    }
    known = (network for network in d.context.target_networks if network.id == target)
    return next(known, Network(id=target, subnets=carried, dns_servers=source.dns_servers))


def _address(d: PlanBuilder, nic: SourceNic, requested: str, there: Network, subnet: str) -> str:
    """The address of the override, or "". Site Recovery itself preserves a static address that is free."""
    prefixes = there.subnets[subnet].prefixes if subnet in there.subnets else ()
    if not requested:
        _record_address(d, nic, there, subnet, prefixes)
    elif obstacle := _obstacle(requested, prefixes, d.context.taken_addresses):
        d.reject("target-ip", f"a free address of the subnet {subnet} ({', '.join(prefixes)}); {requested} {obstacle}")
    return requested


def _record_address(d: PlanBuilder, nic: SourceNic, there: Network, subnet: str, prefixes: tuple[str, ...]) -> None:
    name, has = f"targetIp/{nic.id.name}", item_nic(d, nic, there)
    obstacle = _obstacle(nic.address, prefixes, d.context.taken_addresses) if nic.static else ""
    if has and has.target_subnet.lower() == subnet.lower():
        d.record(name, has.target_address or _NEXT_FREE, OF_ITEM, ITEM_ORIGIN)
    elif nic.static and not obstacle:
        d.record(name, nic.address, "static, and free in the target subnet: Site Recovery keeps it")
    else:
        d.record(name, _NEXT_FREE, f"its static address {obstacle}" if obstacle else "its address is dynamic")
    if obstacle:
        d.findings.append(
            finding_of(
                "StaticIpNotPreserved",
                f"The static address {nic.address} of {nic.id.name} {obstacle} in the target subnet {subnet}: a "
                "failover gives it the next free one.",
                tag=d.app.tag_name,
            )
        )


def _obstacle(address: str, prefixes: tuple[str, ...], taken: tuple[str, ...]) -> str:
    wanted = ip_address(address)
    for prefix in prefixes:
        network = ip_network(prefix, strict=False)
        if wanted in network:
            place = int(wanted) - int(network.network_address)
            reserved = place < _RESERVED_FIRST or place >= network.num_addresses - _RESERVED_LAST
            return "is Azure's own" if reserved else "is taken or promised to another VM" if address in taken else ""
    return "does not lie in it" if prefixes else ""


_DOUBTFUL = {"target-public-ip": "TargetPublicIpUnusable", "target-backend-pool": "TargetPoolOfInternetLoadBalancer"}


def _referred(d: PlanBuilder, tag: str, value: str | None) -> ResourceId | None:
    named = d.referred(tag, value) if value else None
    found = d.checked(tag, named) if named else None
    existing = d.existing(found) if found else None
    if found and existing and existing.doubts:
        doubts = f"{found.name} {' and '.join(existing.doubts)}: a failover may not give it to {d.vm.id.name}."
        d.findings.append(finding_of(_DOUBTFUL[tag], doubts, tag=d.app.tag_name))
    return found

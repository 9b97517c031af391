"""The target resources to create before protection is enabled, in waves: the resources of a wave are independent of
each other, and depend only on earlier waves."""

from shared.model.replication import Replication
from shared.model.resource_id import ResourceId
from shared.model.target_resources import (
    AvailabilitySet,
    CacheAccount,
    Container,
    ContainerMapping,
    Fabric,
    NetworkMapping,
    PlacementGroup,
    ReplicationPolicy,
    ResourceGroup,
    TargetResource,
    VirtualNetwork,
)
from shared.model.vm import Network, Offer
from shared.planning.builder import PlanBuilder
from shared.planning.network import Networks

FAULT_DOMAINS_EVERYWHERE = 2
"""The fault domains that every region supports: for a set whose number is unknown."""

Waves = tuple[tuple[TargetResource, ...], ...]


def waves(d: PlanBuilder, replication: Replication, networks: Networks) -> Waves:
    """The resource groups; a proximity placement group; what lies in the groups, and the fabrics; the containers; the
    mappings. Resources named in overrides exist, and are not included."""
    source, target = replication.source_location, replication.target_location
    to_make = [] if networks.chosen else [each for each in d.context.networks if _is_to_be_made(d, each, networks)]
    placed = _placed(d, replication, networks, to_make)
    grouping = [each for each in placed if isinstance(each, PlacementGroup)]
    groups = {each.id.group_id for each in placed if not isinstance(each, CacheAccount)}
    if not d.is_requested("target-resource-group"):
        groups.add(replication.target_group)
    caches = [each for each in placed if isinstance(each, CacheAccount)]
    found: Waves = (
        (
            *(ResourceGroup(id=each.id.group_id, location=source, for_cache=True) for each in caches),
            *(ResourceGroup(id=group, location=target) for group in sorted(groups)),
        ),
        tuple(grouping),
        (*(each for each in placed if each not in grouping), *_chain(replication)),
        (Container(vault=replication.vault, location=source), Container(vault=replication.vault, location=target)),
        (*_container_mappings(d, replication), *_network_mappings(d, replication, networks)),
    )
    return tuple(wave for wave in found if wave)


def _is_to_be_made(d: PlanBuilder, source: Network, networks: Networks) -> bool:
    """Whether the app creates the target of a network: there is no mapping, or it maps to the default name and the
    network is gone. A missing network of another name is not created."""
    if source.id.key not in d.context.mapped_networks:
        return True
    ours = d.names.sibling(source.id)
    gone = ours not in {network.id for network in d.context.target_networks}
    return gone and networks.leads_to.get(source.id) == ours and ours in d.app.target


def _placed(
    d: PlanBuilder, replication: Replication, networks: Networks, to_make: list[Network]
) -> list[CacheAccount | VirtualNetwork | AvailabilitySet | PlacementGroup]:
    target = replication.target_location
    placed: list[CacheAccount | VirtualNetwork | AvailabilitySet | PlacementGroup] = []
    if not d.is_requested("cache-storage"):
        placed.append(
            CacheAccount(
                id=replication.cache_account, location=replication.source_location, premium=replication.high_churn
            )
        )
    placed += [
        VirtualNetwork(
            id=networks.leads_to[network.id],
            location=target,
            address_space=network.address_space,
            subnets={name: subnet.prefixes for name, subnet in network.subnets.items()},
            private_subnets=tuple(name for name, subnet in network.subnets.items() if subnet.private),
            dns_servers=network.dns_servers,
        )
        for network in to_make
    ]
    source_set, offer = d.context.availability_set, d.context.offer or Offer()
    if source_set and replication.availability_set and not d.is_requested("target-availability-set"):
        placed.append(
            AvailabilitySet(
                id=replication.availability_set,
                location=target,
                fault_domains=min(source_set.fault_domains, offer.fault_domains or FAULT_DOMAINS_EVERYWHERE),
                update_domains=source_set.update_domains,
                sku=source_set.sku,
                placement_group=replication.placement_group if source_set.placement_group_id else None,
            )
        )
    if replication.placement_group and not d.is_requested("target-ppg"):
        placed.append(PlacementGroup(id=replication.placement_group, location=target))
    return placed


def _chain(replication: Replication) -> tuple[TargetResource, ...]:
    vault = replication.vault
    return (
        Fabric(vault=vault, location=replication.source_location),
        Fabric(vault=vault, location=replication.target_location),
        ReplicationPolicy(vault=vault, policy=replication.policy),
    )


def _container_mappings(d: PlanBuilder, replication: Replication) -> list[ContainerMapping]:
    source, target = replication.source_location, replication.target_location
    return [
        ContainerMapping(
            vault=replication.vault,
            source_location=here,
            target_location=there,
            policy=replication.policy,
            automation_account=d.app.agent_automation_account,
            name=d.app.names.container_mapping_of(here, there, replication.policy.name),
        )
        for here, there in ((source, target), (target, source))
    ]


def _network_mappings(d: PlanBuilder, replication: Replication, networks: Networks) -> list[NetworkMapping]:
    """There and back. A VM whose network is chosen for itself needs none."""
    if networks.chosen:
        return []
    source, target = replication.source_location, replication.target_location
    leads_to = networks.leads_to
    # A network has one mapping per region: of several that lead to one target, the first is the way back.
    back: dict[ResourceId, ResourceId] = {there: here for here, there in reversed(leads_to.items())}
    return [
        NetworkMapping(
            vault=replication.vault,
            source_location=here,
            target_location=there,
            source_network=one,
            target_network=other,
            name=d.app.names.network_mapping_of(one, here, there),
        )
        for pairs, here, there in ((leads_to, source, target), (back, target, source))
        for one, other in pairs.items()
    ]

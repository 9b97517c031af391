"""The target settings of a VM: one rule a setting, each with its value, where it came from and why.

The defaults are those of the portal's "Enable replication" page, with two differences that make every name a function
of one source resource alone, so that VMs sharing a resource lead to one target: a network's target lies in the
counterpart of the network's own resource group, and the cache account is shared by subscription and region.
"""

from collections.abc import Iterator

from shared.domain import naming, preflight
from shared.domain.findings import Finding, blocker
from shared.domain.profiles import DEFAULT
from shared.domain.resource_id import ResourceId
from shared.domain.settings import Settings
from shared.domain.target import (
    AvailabilitySet,
    CacheAccount,
    Container,
    ContainerMapping,
    Fabric,
    NetworkMapping,
    Plan,
    Policy,
    ReplicatedDisk,
    Replication,
    ReplicationPolicy,
    ResourceGroup,
    Setting,
    TargetResource,
    VirtualNetwork,
)
from shared.domain.vm import SourceVm, Surroundings

MOST_FAULT_DOMAINS = 2
"""What an availability set may have in every region; some allow three."""
LONGEST_NETWORK_NAME = 64
LONGEST_SET_NAME = 80


def derive(vm: SourceVm, around: Surroundings, settings: Settings) -> Plan:
    """The plan for a VM. With a blocker among its findings it holds no replication and no resources."""
    findings = [
        *preflight.of_vm(vm),
        *preflight.of_tags(vm, settings),
        *preflight.of_surroundings(vm, around, settings),
    ]
    replication = _replication(vm, around, settings)
    networks = {network.id: _target_network(network.id, around) for network in around.networks}
    resources = _resources(replication, around, networks)
    findings += _out_of_target_scope(resources, settings)
    plan = Plan(
        vm=vm, findings=tuple(findings), settings=tuple(_explain(replication, networks, profile_of(vm, settings)))
    )
    if plan.blockers:
        return plan
    return plan.model_copy(
        update={"replication": replication, "resources": resources, "writes_off": settings.writes_off}
    )


def profile_of(vm: SourceVm, settings: Settings) -> str:
    """The name of the VM's profile: its tag's, if the settings know it (`preflight.of_tags` says if not)."""
    asked = (settings.tag(vm.tags, "profile") or DEFAULT).lower()
    return asked if asked in settings.profiles else DEFAULT


def policy_of(vm: SourceVm, settings: Settings) -> Policy:
    """The replication policy that the VM's profile asks for."""
    return settings.profiles[profile_of(vm, settings)].policy


def _replication(vm: SourceVm, around: Surroundings, settings: Settings) -> Replication:
    return Replication(
        vault=settings.vault,
        source_location=vm.location,
        target_location=around.vault_location,
        target_group=naming.target_group(vm.id),
        cache_account=naming.cache_account(vm.id.subscription, vm.location),
        policy=policy_of(vm, settings),
        disks=tuple(ReplicatedDisk(id=disk.id, replica_sku=disk.sku, target_sku=disk.sku) for disk in vm.disks),
        availability_set=naming.target_sibling(around.availability_set.id, LONGEST_SET_NAME)
        if around.availability_set
        else None,
    )


def _target_network(source: ResourceId, around: Surroundings) -> ResourceId:
    """An existing network mapping is shared by all VMs of the network: it wins over the default name."""
    by_name = naming.target_sibling(source, LONGEST_NETWORK_NAME)
    mapped = around.mapped_networks.get(source.key, by_name)
    return by_name if mapped == by_name else mapped  # Site Recovery echoes IDs lower-cased


def _resources(
    replication: Replication, around: Surroundings, networks: dict[ResourceId, ResourceId]
) -> tuple[tuple[TargetResource, ...], ...]:
    """In waves: the resource groups; what lies in them and the fabrics; the containers; the mappings."""
    vault, source, target = replication.vault, replication.source_location, replication.target_location
    unmapped = [network for network in around.networks if network.id.key not in around.mapped_networks]
    groups = {replication.target_group} | {networks[network.id].group_id for network in unmapped}

    placed: list[TargetResource] = [CacheAccount(id=replication.cache_account, location=source)]
    placed += [
        VirtualNetwork(
            id=networks[network.id], location=target, address_space=network.address_space, subnets=network.subnets
        )
        for network in unmapped
    ]
    if around.availability_set and replication.availability_set:
        placed.append(
            AvailabilitySet(
                id=replication.availability_set,
                location=target,
                fault_domains=min(around.availability_set.fault_domains, MOST_FAULT_DOMAINS),
                update_domains=around.availability_set.update_domains,
                sku=around.availability_set.sku,
            )
        )
    placed += [Fabric(vault=vault, location=source), Fabric(vault=vault, location=target)]
    placed.append(ReplicationPolicy(vault=vault, policy=replication.policy))

    containers = (Container(vault=vault, location=source), Container(vault=vault, location=target))
    there_and_back = ((source, target), (target, source))
    mappings: list[TargetResource] = [
        ContainerMapping(vault=vault, source_location=here, target_location=there, policy=replication.policy)
        for here, there in there_and_back
    ]
    # A network has one mapping per region: of several that lead to one target, the first is the way back.
    ways = [*networks.items(), *{target_id: network_id for network_id, target_id in reversed(networks.items())}.items()]
    mappings += [
        NetworkMapping(
            vault=vault,
            source_location=source if one in networks else target,
            target_location=target if one in networks else source,
            source_network=one,
            target_network=other,
        )
        for one, other in ways
    ]
    return (
        (
            ResourceGroup(id=replication.cache_account.group_id, location=source, for_cache=True),
            *(ResourceGroup(id=group, location=target) for group in sorted(groups, key=str)),
        ),
        tuple(placed),
        containers,
        tuple(mappings),
    )


def _out_of_target_scope(resources: tuple[tuple[TargetResource, ...], ...], settings: Settings) -> Iterator[Finding]:
    for wave in resources:
        for resource in wave:
            if isinstance(resource, ResourceGroup) and resource.id not in settings.target:
                yield blocker(
                    "TargetOutOfScope",
                    f"The resource group {resource.id} would have to be used, and lies outside DR_TARGET_SCOPE "
                    f"({settings.target}).",
                    "Add that resource group or its subscription to DR_TARGET_SCOPE.",
                )


def _explain(replication: Replication, networks: dict[ResourceId, ResourceId], profile: str) -> Iterator[Setting]:
    def default(name: str, value: object, reason: str) -> Setting:
        return Setting(name=name, value=str(value), origin="default", reason=reason)

    policy = replication.policy
    yield default("targetLocation", replication.target_location, f"the region of the vault {replication.vault.name}")
    yield default("targetResourceGroup", replication.target_group, "the VM's resource group, with -asr")
    for source, target in networks.items():
        if target != naming.target_sibling(source, LONGEST_NETWORK_NAME):
            yield Setting(
                name=f"targetNetwork/{source.name}",
                value=str(target),
                origin="network mapping",
                reason=f"the vault maps {source.name} to it already, for all its VMs",
            )
        else:
            yield default(
                f"targetNetwork/{source.name}", target, f"{source.name} with -asr, same addresses and subnets"
            )
    if replication.availability_set:
        yield default("availabilitySet", replication.availability_set, "the VM's availability set, with -asr")
    yield default("cacheStorageAccount", replication.cache_account, "one for each subscription and source region")
    origin = "default" if profile == DEFAULT else f"profile {profile}"
    points = f"{policy.app_consistent_minutes // 60} h" if policy.app_consistent_minutes else "off"
    for name, value in (
        ("replicationPolicy", policy.name),
        ("recoveryPointRetention", f"{policy.retention_minutes // 60} h"),
        ("appConsistentFrequency", points),
    ):
        yield Setting(name=name, value=value, origin=origin, reason=f"the profile {profile} asks for it")
    yield default("crashConsistentFrequency", f"{policy.crash_consistent_minutes} min", "fixed by Site Recovery")
    for disk in replication.disks:
        yield default(f"diskType/{disk.id.name}", disk.target_sku, "the source disk's type, for replica and target")

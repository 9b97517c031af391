"""The preflight checks of a drill. Pure: what was read goes in, blockers come out; what is not known blocks."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.model.drill_network import DrillNetwork, DrillSubnet
from shared.model.drill_words import APP_CONSISTENT, LATEST, LATEST_PROCESSED
from shared.model.findings import Finding
from shared.model.replicated_item import TEST_FAILOVER, ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import Lock, Quota, Size
from shared.planning.catalog import finding_of

_WAYS_OUT = {
    "gatewaysubnet": "a VPN or ExpressRoute gateway",
    "azurefirewallsubnet": "a firewall",
    "azurefirewallmanagementsubnet": "a firewall",
    "routeserversubnet": "a route server",
}
"""The resource that a subnet of this lower-cased name is reserved for."""

_STAYS_INSIDE = {"none", "vnetlocal"}
_QUOTAS_OF_A_SIZE = 2
"""Each size counts against the quota of its family and that of the region."""


@dataclass(frozen=True, kw_only=True)
class DrillItem:
    """An item as its own read shows it: what it allows now, what a test failover of it creates, and the public IP
    addresses that its test VM would get; `recovery_fabric` is where it fails over to."""

    item: ProtectedItem
    allowed: tuple[str, ...]
    test_vm: ResourceId | None
    test_disks: tuple[ResourceId, ...] | None
    public_ips: tuple[ResourceId, ...] = ()
    recovery_fabric: ResourceId | None = None


@dataclass(frozen=True, kw_only=True)
class DrillFacts:
    """What is known for a drill. `unread` says what could not be read; what it concerns is None then.

    `network_id` is None if something else says why there is no network; `size` is None if the target region does not
    offer it. `there` are the VMs and disks of the target groups.
    """

    network_id: ResourceId | None
    item: DrillItem
    in_scope: bool
    network: DrillNetwork | None
    size: Size | None
    locks: tuple[Lock, ...] = ()
    there: frozenset[ResourceId] = frozenset()
    unread: dict[str, str] = field(default_factory=dict)


def findings_of(facts: DrillFacts) -> tuple[Finding, ...]:
    """Why the drill is not begun; empty if nothing stands against it. `over_quota` is for all that begin together."""
    return (
        *(finding_of("DrillNotKnown", f"{what} could not be read: {why}") for what, why in facts.unread.items()),
        *_of_item(facts.item),
        *_of_network(facts),
        *_of_target(facts),
    )


def over_quota(together: Iterable[DrillFacts]) -> Iterator[Finding]:
    """The quotas that do not suffice for all these VMs at a time: those of one consistency group, or one VM."""
    needs: defaultdict[tuple[str, str, str], list[tuple[Size, Quota]]] = defaultdict(list)
    for facts in together:
        test_vm, where = facts.item.test_vm, facts.item.item.settings.target_location
        if size := facts.size:
            for quota in size.quotas:
                needs[test_vm.subscription if test_vm else "", where, quota.name].append((size, quota))
    for (_, where, name), sizes in needs.items():
        cores, left = sum(size.cores for size, _ in sizes), min(quota.left for _, quota in sizes)
        if left < cores:
            what = ", ".join(dict.fromkeys(size.name for size, _ in sizes))
            verb = "needs" if len(sizes) == 1 else f"for {len(sizes)} VMs of the group needs"
            text = f"{what} {verb} {cores} cores of the quota {name} in {where}: {max(left, 0)} left."
            yield finding_of("DrillQuotaExceeded", text)


def of_group(
    seen: Sequence[DrillItem], recovery_point: str, networks: Collection[ResourceId | None]
) -> Iterator[Finding]:
    """What a recovery plan of these items cannot have: it takes one kind of recovery point, one region and one network.
    `networks` are those for the test VMs, None for one that something else says about."""
    name = seen[0].item.settings.consistency_group
    if recovery_point not in {LATEST, LATEST_PROCESSED, APP_CONSISTENT}:
        text = f"The VMs of the consistency group {name} have no recovery point in common: name a kind of it."
        yield finding_of("DrillPointUnknown", text)
    if len(known := sorted(each.name for each in networks if each)) > 1:
        text = f"The VMs of the consistency group {name} would be in several networks: {', '.join(known)}. Name one."
        yield finding_of("DrillNetworkNotIsolated", text)
    ways = {(each.item.id.parent.parent, each.recovery_fabric) for each in seen}
    if len(ways) > 1 or None in {fabric for _, fabric in ways}:
        text = f"The VMs of the consistency group {name} do not tell one region that all of them fail over to."
        yield finding_of("DrillNotKnown", text)


def _of_item(seen: DrillItem) -> Iterator[Finding]:
    item = seen.item
    name = item.source.name
    if item.stage is not Stage.PROTECTED:
        shown = f"{item.state!r}, test failover {item.test_failover or 'None'!r}"
        yield finding_of("DrillNotReady", f"The replicated item of {name} is {shown}.")
    elif TEST_FAILOVER.lower() not in {each.lower() for each in seen.allowed}:
        allowed = ", ".join(seen.allowed) or "none"
        yield finding_of("DrillNotReady", f"The replicated item of {name} allows no test failover now, but: {allowed}.")
    if item.replication_health.lower() != "normal":
        errors = "; ".join(map(str, item.errors))
        text = f"The replication health of {name} is {item.replication_health or 'not known'}. {errors}"
        yield finding_of("DrillNotReady", text.strip())
    if item.job:
        yield finding_of("DrillNotReady", f"A job on the replicated item of {name} is in progress: {item.job}.")
    if seen.test_vm is None or seen.test_disks is None:
        yield finding_of("DrillNotKnown", f"The item of {name} does not tell what a test failover of it creates.")
    for address in seen.public_ips:
        text = f"The test VM of {name} would get the public IP address {address.name}, as its item says."
        yield finding_of("DrillNetworkNotIsolated", text)


def _of_network(facts: DrillFacts) -> Iterator[Finding]:
    if facts.network_id is None:
        return
    network, item, name = facts.network, facts.item.item, facts.network_id.name
    if not facts.in_scope:
        yield finding_of("DrillNetworkNotIsolated", f"{facts.network_id} lies outside DR_TARGET_SCOPE.")
    if facts.network_id in {item.settings.network, *(nic.network for nic in item.nics)}:
        text = f"{name} is the network that a failover of {item.source.name} uses: a drill needs another one."
        yield finding_of("DrillNetworkNotIsolated", text)
    if network is None:
        if not facts.unread:
            yield finding_of("DrillNetworkNotIsolated", f"There is no network {facts.network_id}.")
        return
    for text in _ways_out(network, item.settings.target_location):
        yield finding_of("DrillNetworkNotIsolated", f"The network {name} {text}.")


def _ways_out(network: DrillNetwork, target_location: str) -> Iterator[str]:
    if network.location != target_location:
        yield f"is in {network.location}, and the target region is {target_location or 'not known'}"
    if network.peerings:
        yield f"is peered: {', '.join(network.peerings)}"
    if not network.subnets:
        yield "has no subnet"
    for subnet in network.subnets:
        yield from (f"has the subnet {subnet.name}, which {text}" for text in _of_subnet(subnet))


def _of_subnet(subnet: DrillSubnet) -> Iterator[str]:
    if way := _WAYS_OUT.get(subnet.name.lower()):
        yield f"is for {way}"
    elif not subnet.private:
        yield "has outbound access by default: defaultOutboundAccess is not false"
    hops = [
        f"{route.name} to {route.next_hop}" for route in subnet.routes if route.next_hop.lower() not in _STAYS_INSIDE
    ]
    if subnet.route_table and hops:
        yield f"has the route table {subnet.route_table.name} with routes that lead out: {', '.join(hops)}"
    if subnet.nat_gateway:
        yield f"has the NAT gateway {subnet.nat_gateway.name}"
    if subnet.private_endpoints:
        yield f"has private endpoints: {', '.join(subnet.private_endpoints)}"
    if subnet.service_endpoints:
        yield f"has service endpoints: {', '.join(subnet.service_endpoints)}"


def _of_target(facts: DrillFacts) -> Iterator[Finding]:
    seen, item = facts.item, facts.item.item
    made = tuple(each for each in (seen.test_vm, *(seen.test_disks or ())) if each)
    for lock in facts.locks:
        if held := [each for each in made if lock.covers(each)]:
            text = f"The lock {lock.name} on {lock.scope} holds what the test failover makes: {_names(held)}."
            yield finding_of("DrillTargetLocked", text)
    if left := [each for each in made if each in facts.there]:
        yield finding_of("DrillLeftovers", f"There already: {_names(left)}.")
    size, where = facts.size, item.settings.target_location or "a region that is not known"
    if (size is None or len(size.quotas) < _QUOTAS_OF_A_SIZE) and not facts.unread:
        what = f"Size {item.settings.size or 'not known'} of the test VM, or its quota, in {where}"
        yield finding_of("DrillNotKnown", f"{what} is not offered or not shown to the subscription.")


def _names(resources: list[ResourceId]) -> str:
    return ", ".join(each.name for each in resources)

"""What the network of a VM has, and its target network has not: the app carries addresses, subnets, DNS servers and
outbound access to a network that it makes, and nothing else."""

from collections.abc import Callable, Iterator

from shared.model.findings import Finding
from shared.model.vm import Network, SourceNic, Subnet
from shared.planning.catalog import finding_of

_OF_SUBNET: dict[str, tuple[str, Callable[[Subnet], bool]]] = {
    "TargetSubnetWithoutNsg": ("a network security group", lambda subnet: subnet.has_nsg),
    "TargetSubnetWithoutRouteTable": ("a route table", lambda subnet: subnet.has_route_table),
    "TargetSubnetWithoutNatGateway": ("a NAT gateway", lambda subnet: subnet.has_nat_gateway),
    "TargetSubnetWithoutOutboundAccess": ("outbound access by default", lambda subnet: _reaches_out(subnet)),
}


def gaps(nic: SourceNic, source: Network | None, there: Network, subnet: str) -> Iterator[Finding]:
    """Warnings about what the VM has at its source and lacks after a failover into `subnet` of `there`."""
    yield from _of_interface(nic)
    here, target = source.subnets.get(nic.subnet.name) if source else None, there.subnets.get(subnet)
    if source is None or here is None or target is None:
        return
    place, goal = f"{nic.subnet.name} of {source.id.name}", f"{subnet} of {there.id.name}"
    for code, (what, has) in _OF_SUBNET.items():
        if has(here) and not has(target):
            yield finding_of(code, f"The subnet {place} has {what}, and {goal} has none.")
    lacking = [service for service in here.service_endpoints if service not in target.service_endpoints]
    if lacking:
        text = f"The subnet {place} has service endpoints for {', '.join(lacking)}, and {goal} has none for these."
        yield finding_of("TargetSubnetWithoutServiceEndpoints", text)
    yield from _of_network(source, there)


def _reaches_out(subnet: Subnet) -> bool:
    return not subnet.private or subnet.has_nat_gateway or subnet.has_route_table


def _of_interface(nic: SourceNic) -> Iterator[Finding]:
    for code, what, names in (
        ("ApplicationSecurityGroupsNotKept", "application security groups", nic.application_groups),
        ("SecondaryAddressesNotKept", "IP configurations besides its primary one", nic.secondary),
    ):
        if names:
            text = f"{nic.id.name} has {what} ({', '.join(names)}), which a failover does not keep."
            yield finding_of(code, text)


def _of_network(source: Network, there: Network) -> Iterator[Finding]:
    if source.peered and not there.peered:
        text = f"{source.id.name} is peered with other networks, and {there.id.name} with none: what the VM talks to "
        yield finding_of("TargetNetworkUnpeered", f"{text}there is out of reach after a failover.")
    if source.dns_servers and not there.dns_servers:
        servers = ", ".join(source.dns_servers)
        text = f"{source.id.name} has DNS servers of its own ({servers}), and {there.id.name} has none."
        yield finding_of("TargetNetworkWithoutDnsServers", text)
    delegated = [
        f"{name} to {', '.join(subnet.delegated_to)}"
        for name, subnet in source.subnets.items()
        if subnet.delegated_to and name in there.subnets and not there.subnets[name].delegated_to
    ]
    if delegated:
        text = f"{source.id.name} delegates {'; '.join(delegated)}, and {there.id.name} delegates none of these."
        yield finding_of("TargetNetworkWithoutDelegations", text)

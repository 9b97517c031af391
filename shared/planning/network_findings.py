"""The findings about the target network: what a VM gets there, and what it had at its source and gets not."""

from shared.model.findings import WARNED_IF_PROTECTED, Row, Severity
from shared.planning.support_findings import BLOCKED, WARNS

OF_NETWORK = {
    "StaticIpNotPreserved": Row(
        Severity.WARNING,
        "its static address is not available in the target subnet: a failover gives it the next free one",
        WARNS,
        "Free it, or choose another by {tag}-target-ip.",
    ),
    "TargetSubnetWithoutNsg": Row(
        Severity.WARNING,
        "its subnet has a network security group, and the target subnet has none",
        WARNS,
        "Give the target subnet a network security group before you fail over.",
    ),
    "TargetSubnetWithoutRouteTable": Row(
        Severity.WARNING,
        "its subnet has a route table, and the target subnet has none",
        WARNS,
        "Give the target subnet a route table before you fail over.",
    ),
    "TargetSubnetWithoutNatGateway": Row(
        Severity.WARNING,
        "its subnet has a NAT gateway, and the target subnet has none",
        WARNS,
        "Give the target subnet a NAT gateway before you fail over.",
    ),
    "TargetSubnetWithoutOutboundAccess": Row(
        Severity.WARNING,
        "its subnet has outbound access, and the target subnet is private, without a NAT gateway or a route table",
        WARNS,
        "Give the target subnet a NAT gateway, or set its defaultOutboundAccess, before you fail over.",
    ),
    "TargetSubnetWithoutServiceEndpoints": Row(
        Severity.WARNING,
        "its subnet has service endpoints that the target subnet lacks",
        WARNS,
        "Give the target subnet these service endpoints, and let it in where their services have rules.",
    ),
    "TargetSubnetDiffers": Row(
        Severity.WARNING,
        "the target network has no subnet of the name of its own that takes VMs: the first in alphabetical order is "
        "taken",
        WARNS,
        "Name the subnet that is right by {tag}-target-subnet.",
    ),
    "TargetSubnetUnusable": Row(
        Severity.BLOCKER,
        "the target network has no subnet that a VM can be in: they are reserved for services (GatewaySubnet, "
        "AzureBastionSubnet, AzureFirewallSubnet, …) or delegated to them; or an enable request, which has one subnet "
        "for all interfaces, would have to name two",
        BLOCKED,
        "Name a subnet by {tag}-target-subnet, or another network by {tag}-target-vnet.",
        WARNED_IF_PROTECTED,
    ),
    "TargetPublicIpUnusable": Row(
        Severity.WARNING,
        "the public IP address that it is to get is attached to another resource already, or is of the SKU Basic",
        WARNS,
        "Name a Standard one that nothing uses by {tag}-target-public-ip.",
    ),
    "TargetPoolOfInternetLoadBalancer": Row(
        Severity.WARNING,
        "the backend pool that it is to be in is of an internet load balancer, which Site Recovery does not support",
        WARNS,
        "Name a pool of an internal load balancer by {tag}-target-backend-pool, or add the VM to it in a recovery "
        "plan.",
    ),
    "ApplicationSecurityGroupsNotKept": Row(
        Severity.WARNING,
        "an interface is in application security groups, which a failover does not keep",
        WARNS,
        "Add the interface to application security groups of the target after a failover, as in a recovery plan.",
    ),
    "SecondaryAddressesNotKept": Row(
        Severity.WARNING,
        "an interface has several IP configurations: a failover keeps the primary one only",
        WARNS,
        "Add the others to the interface after a failover, as in a recovery plan.",
    ),
    "TargetNetworkWithoutDnsServers": Row(
        Severity.WARNING,
        "its network has DNS servers of its own, and the target network has none",
        WARNS,
        "Give the target network the DNS servers that VMs there shall use.",
    ),
    "TargetNetworkWithoutDelegations": Row(
        Severity.WARNING,
        "its network delegates subnets to services, and the target network does not",
        WARNS,
        "Delegate the subnets of the target network before you deploy these services there.",
    ),
    "TargetNetworkUnpeered": Row(
        Severity.WARNING,
        "its network is peered with other networks, and the target network with none",
        WARNS,
        "Peer the target network before you fail over.",
    ),
}
"""Found by the VM's own run or a plan."""

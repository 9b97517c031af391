"""The app's own network for drills: what it is to be, by the target network that it stands for."""

from shared.model import naming
from shared.model.drill_network import DrillNetwork, DrillSubnet
from shared.model.target_resources import IsolatedNetwork
from shared.model.vm import Network
from shared.planning.target_subnet import RESERVED


def isolated(target: Network) -> IsolatedNetwork:
    """With the addresses of the target network, and its subnets that VMs can be in: no service of a target network has
    a place in it, and a gateway or a firewall would be a way out."""
    subnets = {
        name: subnet.prefixes
        for name, subnet in target.subnets.items()
        if name.lower() not in RESERVED and not subnet.delegated_to
    }
    return IsolatedNetwork(
        id=naming.drill_network(target.id),
        location=target.location,
        address_space=target.address_space,
        subnets=subnets,
        private_subnets=tuple(subnets),
    )


def as_created(wanted: IsolatedNetwork) -> DrillNetwork:
    """How it will look: a plan holds it to the same checks."""
    subnets = tuple(DrillSubnet(name=name, private=name in wanted.private_subnets) for name in wanted.subnets)
    return DrillNetwork(id=wanted.id, location=wanted.location, subnets=subnets)

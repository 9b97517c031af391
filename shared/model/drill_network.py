"""A network for drills: all that could lead out of it."""

from enum import StrEnum

from shared.model.base import Model
from shared.model.resource_id import ResourceId


class NetworkChange(StrEnum):
    """What has to be done before a drill can use a network of the app's own."""

    CREATE = "create"
    UPDATE = "update"


class Route(Model):
    """A route of a route table. `next_hop` is its type, as `VirtualAppliance`."""

    name: str
    next_hop: str


class DrillSubnet(Model):
    """`private` is whether VMs in it have no outbound access by default; `routes` are those of its route table."""

    name: str
    private: bool = False
    route_table: ResourceId | None = None
    routes: tuple[Route, ...] = ()
    nat_gateway: ResourceId | None = None
    private_endpoints: tuple[str, ...] = ()
    service_endpoints: tuple[str, ...] = ()


class DrillNetwork(Model):
    """`peerings` are the names of its peerings, in whatever state."""

    id: ResourceId
    location: str
    peerings: tuple[str, ...] = ()
    subnets: tuple[DrillSubnet, ...] = ()

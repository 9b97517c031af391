"""Target resources: prerequisites of a protection, found by their key and created under their name.

How the resources of each kind are found, created and removed: `provision/`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.model import naming
from shared.model.base import Model
from shared.model.names import DEFAULT_NAMES
from shared.model.policy import Policy
from shared.model.resource_id import ResourceId
from shared.model.resource_types import (
    ACCOUNT,
    AVAILABILITY_SET,
    NETWORK,
    PLACEMENT_GROUP,
    RESOURCE_GROUP,
    ResourceType,
)


class Placed(Model):
    """A resource with an ID of its own, in one region."""

    type: ClassVar[ResourceType]

    id: ResourceId
    location: str

    @property
    def key(self) -> str:
        return self.id.key

    @property
    def name(self) -> str:
        return str(self.id)


class InVault(Model):
    """A part of the Site Recovery infrastructure of a vault: found by `key`, created as `name` if missing."""

    vault: ResourceId


class ResourceGroup(Placed):
    type = RESOURCE_GROUP
    kind: Literal["resource group"] = "resource group"
    for_cache: bool = False


class NetworkToMake(Placed):
    type = NETWORK
    address_space: tuple[str, ...]
    subnets: dict[str, tuple[str, ...]]
    private_subnets: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()


class VirtualNetwork(NetworkToMake):
    kind: Literal["virtual network"] = "virtual network"


class IsolatedNetwork(NetworkToMake):
    """A network for drills, which nothing leads out of."""

    kind: Literal["isolated network"] = "isolated network"


class AvailabilitySet(Placed):
    type = AVAILABILITY_SET
    kind: Literal["availability set"] = "availability set"
    fault_domains: int
    update_domains: int
    sku: str
    placement_group: ResourceId | None = None


class PlacementGroup(Placed):
    type = PLACEMENT_GROUP
    kind: Literal["proximity placement group"] = "proximity placement group"


class CacheAccount(Placed):
    """A cache account. `premium` is one of premium block blobs, for high churn."""

    type = ACCOUNT
    kind: Literal["cache storage account"] = "cache storage account"
    premium: bool = False


class Fabric(InVault):
    kind: Literal["fabric"] = "fabric"
    location: str

    @property
    def key(self) -> str:
        return f"fabric/{self.location}"

    @property
    def name(self) -> str:
        return naming.fabric(self.location)


class Container(InVault):
    kind: Literal["protection container"] = "protection container"
    location: str

    @property
    def key(self) -> str:
        return f"container/{self.location}"

    @property
    def name(self) -> str:
        return naming.container(self.location)


class ReplicationPolicy(InVault):
    kind: Literal["replication policy"] = "replication policy"
    policy: Policy

    @property
    def key(self) -> str:
        return f"policy/{self.policy.key}"

    @property
    def name(self) -> str:
        return self.policy.name


class ContainerMapping(InVault):
    kind: Literal["container mapping"] = "container mapping"
    source_location: str
    target_location: str
    policy: Policy
    automation_account: ResourceId | None = None
    name: str = Field(
        default_factory=lambda made: DEFAULT_NAMES.container_mapping_of(
            made["source_location"], made["target_location"], made["policy"].name
        )
    )

    @property
    def key(self) -> str:
        return f"mapping/{self.source_location}/{self.target_location}/{self.policy.key}"


class NetworkMapping(InVault):
    kind: Literal["network mapping"] = "network mapping"
    source_location: str
    target_location: str
    source_network: ResourceId
    target_network: ResourceId
    name: str = Field(
        default_factory=lambda made: DEFAULT_NAMES.network_mapping_of(
            made["source_network"], made["source_location"], made["target_location"]
        )
    )

    @property
    def key(self) -> str:
        return f"network/{self.source_network.key}/{self.target_location}"


TargetResource = Annotated[
    ResourceGroup
    | VirtualNetwork
    | IsolatedNetwork
    | AvailabilitySet
    | PlacementGroup
    | CacheAccount
    | Fabric
    | Container
    | ReplicationPolicy
    | ContainerMapping
    | NetworkMapping,
    Field(discriminator="kind"),
]

REMOVABLE: tuple[type[Placed], ...] = (AvailabilitySet, PlacementGroup, CacheAccount, VirtualNetwork, ResourceGroup)
"""The only kinds whose resources are ever removed, in this order. Disks and anything in a vault are never removed."""

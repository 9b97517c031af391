"""Target settings, each with where it came from, and the resources that have to exist before a VM can be protected."""

from typing import Annotated, Literal

from pydantic import Field

from shared.domain import naming
from shared.domain.findings import Finding, Severity
from shared.domain.model import Model
from shared.domain.resource_id import ResourceId
from shared.domain.vm import SourceVm


class Setting(Model):
    """One derived value: `origin` names the layer it came from, `reason` says why it is this one."""

    name: str
    value: str
    origin: str
    reason: str


class Policy(Model):
    """A replication policy's values; how often crash-consistent points are taken is the service's to say: 5 minutes."""

    name: str
    retention_minutes: int
    app_consistent_minutes: int
    crash_consistent_minutes: int = 5


class ReplicatedDisk(Model):
    id: ResourceId
    replica_sku: str
    target_sku: str


class Replication(Model):
    """What the enable request says of one VM, besides the VM itself."""

    vault: ResourceId
    source_location: str
    target_location: str
    target_group: ResourceId
    cache_account: ResourceId
    policy: Policy
    disks: tuple[ReplicatedDisk, ...]
    availability_set: ResourceId | None = None


class Placed(Model):
    """A resource with an ID of its own, in one region."""

    id: ResourceId
    location: str

    @property
    def key(self) -> str:
        return self.id.key

    @property
    def name(self) -> str:
        return str(self.id)


class InVault(Model):
    """A part of a vault's Site Recovery chain: found by its natural key (`key`), made under `name` if it is missing."""

    vault: ResourceId


class ResourceGroup(Placed):
    kind: Literal["resource group"] = "resource group"
    for_cache: bool = False


class VirtualNetwork(Placed):
    kind: Literal["virtual network"] = "virtual network"
    address_space: tuple[str, ...]
    subnets: dict[str, tuple[str, ...]]


class AvailabilitySet(Placed):
    kind: Literal["availability set"] = "availability set"
    fault_domains: int
    update_domains: int
    sku: str


class CacheAccount(Placed):
    kind: Literal["cache storage account"] = "cache storage account"


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
        return f"policy/{self.policy.name}"

    @property
    def name(self) -> str:
        return self.policy.name


class ContainerMapping(InVault):
    kind: Literal["container mapping"] = "container mapping"
    source_location: str
    target_location: str
    policy: Policy

    @property
    def key(self) -> str:
        return f"mapping/{self.source_location}/{self.target_location}/{self.policy.name}"

    @property
    def name(self) -> str:
        return naming.container_mapping(self.source_location, self.target_location, self.policy.name)


class NetworkMapping(InVault):
    kind: Literal["network mapping"] = "network mapping"
    source_location: str
    target_location: str
    source_network: ResourceId
    target_network: ResourceId

    @property
    def key(self) -> str:
        return f"network/{self.source_network.key}/{self.target_location}"

    @property
    def name(self) -> str:
        return naming.network_mapping(self.source_network, self.target_location)


TargetResource = Annotated[
    ResourceGroup
    | VirtualNetwork
    | AvailabilitySet
    | CacheAccount
    | Fabric
    | Container
    | ReplicationPolicy
    | ContainerMapping
    | NetworkMapping,
    Field(discriminator="kind"),
]


class ResourcePreview(Model):
    """What a plan would do about a target resource: `create` it under this name, or `reuse` the one with this ID."""

    kind: str
    action: Literal["create", "reuse"]
    name: str


class Plan(Model):
    """Everything that follows from a VM, its surroundings and the settings.

    `resources` are waves: what a wave holds is independent of each other and rests only on earlier waves. `writes_off`
    says why the app may not act on the plan now, if so.
    """

    vm: SourceVm
    findings: tuple[Finding, ...] = ()
    settings: tuple[Setting, ...] = ()
    replication: Replication | None = None
    resources: tuple[tuple[TargetResource, ...], ...] = ()
    writes_off: str = ""

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)

"""Target settings, each with where it came from, and the resources that have to exist before a VM can be protected."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field

from shared.domain import naming
from shared.domain.cost import Cost
from shared.domain.findings import Finding, Severity
from shared.domain.model import Model
from shared.domain.resource_id import ResourceId
from shared.domain.vm import SourceVm

DEFAULT_ORIGIN, ITEM_ORIGIN = "default", "replicated item"


class Setting(Model):
    """One derived value: `origin` names the layer it came from, `reason` says why it is this one."""

    name: str
    value: str
    origin: str
    reason: str


def origins_of(settings: Iterable[Setting]) -> tuple[str, ...]:
    """The layers that asked for something, each once, in order."""
    asked = (setting.origin for setting in settings if setting.origin not in {DEFAULT_ORIGIN, ITEM_ORIGIN})
    return tuple(dict.fromkeys(asked))


class Policy(Model):
    """A replication policy's values; how often crash-consistent points are taken is the service's to say: 5 minutes."""

    name: str
    retention_minutes: int
    app_consistent_minutes: int
    crash_consistent_minutes: int = 5

    @property
    def values(self) -> tuple[int, int, int]:
        """Two policies of the same values are as good, whatever their names."""
        return (self.retention_minutes, self.app_consistent_minutes, self.crash_consistent_minutes)

    @property
    def key(self) -> str:
        """What policies of several profiles have in common: they share one, under the name that came first."""
        return "-".join(map(str, self.values))

    def __str__(self) -> str:
        points = f"every {self.app_consistent_minutes} min" if self.app_consistent_minutes else "off"
        return f"{self.name} (retention {self.retention_minutes} min, app-consistent {points})"


class ReplicatedDisk(Model):
    id: ResourceId
    replica_sku: str
    target_sku: str
    encryption_set: ResourceId | None = None


class ReplicatedNic(Model):
    """What is asked for one interface of the VM, by its ID: what is not, is left to Site Recovery."""

    id: ResourceId
    subnet: str = ""
    address: str = ""
    security_group: ResourceId | None = None
    public_ip: ResourceId | None = None
    backend_pool: ResourceId | None = None


class Replication(Model):
    """What is said to Site Recovery of one VM, besides the VM itself.

    `network` is there where it is another one than the network mapping leads to; `size`, `name` and `nics` are what is
    asked for, and can be said only once the VM is protected.
    """

    vault: ResourceId
    source_location: str
    target_location: str
    target_group: ResourceId
    cache_account: ResourceId
    policy: Policy
    disks: tuple[ReplicatedDisk, ...]
    availability_set: ResourceId | None = None
    zone: str = ""
    placement_group: ResourceId | None = None
    capacity_reservation: ResourceId | None = None
    boot_diagnostics: ResourceId | None = None
    consistency_group: str = ""
    high_churn: bool = False
    network: ResourceId | None = None
    subnet: str = ""
    size: str = ""
    name: str = ""
    nics: tuple[ReplicatedNic, ...] = ()

    @property
    def named(self) -> tuple[ResourceId, ...]:
        """Every resource that the enable request names as a target: each has to lie in the target scope."""
        places = (self.availability_set, self.placement_group, self.capacity_reservation, self.boot_diagnostics)
        sets = (disk.encryption_set for disk in self.disks)
        return (self.target_group, self.cache_account, *filter(None, (*places, self.network, *sets)))


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
    placement_group: ResourceId | None = None


class PlacementGroup(Placed):
    kind: Literal["proximity placement group"] = "proximity placement group"


class CacheAccount(Placed):
    """`premium` is one of premium block blobs, for high churn."""

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

    @property
    def key(self) -> str:
        return f"mapping/{self.source_location}/{self.target_location}/{self.policy.key}"

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
    | PlacementGroup
    | CacheAccount
    | Fabric
    | Container
    | ReplicationPolicy
    | ContainerMapping
    | NetworkMapping,
    Field(discriminator="kind"),
]


class ResourcePreview(Model):
    """What a plan would do about a target resource: `create` it under this name, `reuse` the one with this ID, or
    `change in place` what the item has, as `detail` says."""

    kind: str
    action: Literal["create", "reuse", "change in place"]
    name: str
    detail: str = ""


class Difference(Model):
    """A setting of the item that is not what is asked for."""

    setting: str
    current: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.current or 'none'} → {self.wanted}"


class ItemUpdate(Model):
    """What is to be changed about a protected item by one update call; what is not set stays."""

    target_group: ResourceId | None = None
    network: ResourceId | None = None
    availability_set: ResourceId | None = None
    placement_group: ResourceId | None = None
    capacity_reservation: ResourceId | None = None
    boot_diagnostics: ResourceId | None = None
    size: str = ""
    name: str = ""
    disks: tuple[ReplicatedDisk, ...] = ()
    nics: tuple[ReplicatedNic, ...] = ()

    @property
    def named(self) -> tuple[ResourceId, ...]:
        """Every resource that the update names as a target: each has to lie in the target scope."""
        places = (self.availability_set, self.placement_group, self.capacity_reservation, self.boot_diagnostics)
        of_nics = (each for nic in self.nics for each in (nic.security_group, nic.public_ip, nic.backend_pool))
        return tuple(filter(None, (self.target_group, self.network, *places, *of_nics)))


class Changes(Model):
    """What has to be done to a protected item so that it is what is asked for: an update, and disks to add."""

    differences: tuple[Difference, ...] = ()
    update: ItemUpdate | None = None
    added_disks: tuple[ReplicatedDisk, ...] = ()

    @property
    def any(self) -> bool:
        return self.update is not None or bool(self.added_disks)

    @property
    def steps(self) -> tuple["Changes", ...]:
        """One call each: the disks first, for an update that fails must not keep data from being replicated."""
        disks = Changes(added_disks=self.added_disks)
        update = Changes(differences=self.differences, update=self.update)
        return tuple(step for step in (disks, update) if step.any)

    @property
    def key(self) -> str:
        """What is to be, whatever is now: the same key is the same call."""
        wanted = self.model_dump_json(include={"update", "added_disks"}, exclude_none=True)
        return sha256(wanted.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        disks = (f"disk to add: {disk.id.name}" for disk in self.added_disks)
        return "; ".join([*map(str, self.differences), *disks])


class Plan(Model):
    """Everything that follows from a VM, its surroundings and the settings.

    `resources` are waves: what a wave holds is independent of each other and rests only on earlier waves. `named` are
    the existing ones that somebody asks for. `writes_off`
    says why the app may not act on the plan now, if so. For a VM that is protected, `changes` holds what differs.
    """

    vm: SourceVm
    profile: str = ""
    findings: tuple[Finding, ...] = ()
    settings: tuple[Setting, ...] = ()
    replication: Replication | None = None
    resources: tuple[tuple[TargetResource, ...], ...] = ()
    named: tuple[ResourcePreview, ...] = ()
    changes: Changes = Changes()
    cost: Cost | None = None
    writes_off: str = ""

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)

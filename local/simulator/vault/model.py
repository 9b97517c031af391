"""The objects in a vault. Names are kept as given and compared without case."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.simulator import regions
from local.simulator.ids import key, stable_guid
from local.simulator.store import Resource
from local.simulator.vault.condition import Condition, TestOutcome
from local.simulator.vault.job import Job
from local.simulator.vault.phases import Phase
from local.simulator.vault.test_failover import RecoveryPoint, TestFailover, TestStage
from local.simulator.wire import Json

CONTAINER_TYPE = "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers"


@dataclass(slots=True, eq=False)
class Policy:
    vault: RecoveryVault
    name: str
    retention: int
    app_consistent: int
    crash_consistent: int
    multi_vm_sync: bool
    ready: bool = False

    @property
    def id(self) -> str:
        return f"{self.vault.id}/replicationPolicies/{self.name}"


@dataclass(slots=True, eq=False)
class Fabric:
    vault: RecoveryVault
    name: str
    location: str
    ready: bool = False
    containers: dict[str, Container] = field(default_factory=dict)
    network_mappings: dict[str, NetworkMapping] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.vault.id}/replicationFabrics/{self.name}"

    @property
    def friendly_name(self) -> str:
        return regions.display_name(self.location)


@dataclass(slots=True, eq=False)
class Container:
    fabric: Fabric
    name: str
    ready: bool = False
    mappings: dict[str, ContainerMapping] = field(default_factory=dict)
    items: dict[str, ProtectedItem] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.fabric.id}/replicationProtectionContainers/{self.name}"

    @property
    def guid(self) -> str:
        """The service's own ID of it."""
        return stable_guid("container", self.id)

    @property
    def vault(self) -> RecoveryVault:
        return self.fabric.vault


@dataclass(slots=True, eq=False)
class ContainerMapping:
    container: Container
    name: str
    target: Container
    policy: Policy
    agent: Json
    ready: bool = False

    @property
    def id(self) -> str:
        return f"{self.container.id}/replicationProtectionContainerMappings/{self.name}"


@dataclass(slots=True, eq=False)
class NetworkMapping:
    fabric: Fabric
    name: str
    recovery_fabric: Fabric
    primary_network: str
    recovery_network: str
    ready: bool = False

    @property
    def id(self) -> str:
        return f"{self.fabric.id}/replicationNetworks/azureNetwork/replicationNetworkMappings/{self.name}"


@dataclass(slots=True, eq=False)
class ProtectedDisk:
    id: str
    name: str
    size: int
    os_disk: bool
    cache_account: str
    recovery_group: str
    replica_sku: str
    target_sku: str
    encryption_set: str | None = None
    source_encryption_set: str | None = None
    # By Azure Disk Encryption; `keys` is the diskEncryptionInfo for the target.
    encrypted: bool = False
    keys: Json = field(default_factory=dict)
    # Who may reach the replica and the failover disk over the network; by default anyone.
    access: Json = field(default_factory=dict)
    failover_name: str = ""
    test_name: str = ""
    # Set for a disk added to a protected item: until then its own initial replication runs.
    replicating_until: float | None = None
    # After a reprotect: the disk of the first source, the target of the reversed replication.
    original_target: str | None = None

    @property
    def replica_id(self) -> str:
        return f"{self.recovery_group}/providers/Microsoft.Compute/disks/{self.name}-ASRReplica"


@dataclass(slots=True, eq=False)
class ProtectedItem:
    container: Container
    name: str
    vm_id: str
    vm_name: str
    os: str
    policy: Policy
    recovery_container: Container
    recovery_group: str
    disks: list[ProtectedDisk]
    settings: Json
    """What the caller chose and PATCH may change, by its wire name in the item's details."""
    phase: Phase = Phase.ENABLING
    since: float = 0.0
    replication_started: float | None = None
    pace: float = 1.0
    """What the recorded durations of its initial replication are multiplied by."""
    protected_at: float | None = None
    nics: list[Json] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    job: Job | None = None
    activity_id: str = ""
    recovery_vm: str | None = None
    test: TestFailover | None = None
    tested_at: float | None = None
    """When the job of the last successful test failover started."""
    condition: Condition = field(default_factory=Condition)
    test_outcome: TestOutcome = field(default_factory=TestOutcome)
    gone: bool = False
    # The first primary and recovery location: a reprotect swaps the containers, not these.
    initial: tuple[str, str] = ("", "")
    # What distinguishes it from an earlier item of the same name.
    made: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def id(self) -> str:
        return f"{self.container.id}/replicationProtectedItems/{self.name}"

    @property
    def vault(self) -> RecoveryVault:
        return self.container.vault

    @property
    def internal_id(self) -> str:
        return stable_guid("protection entity", self.vm_id)

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that are allowed now."""
        allowed: tuple[str, ...] = self.phase.value[4]
        if self.test is None:
            return allowed
        return ("TestFailoverCleanup",) if self.test.stage is TestStage.WAITING else ()

    def point_id(self, point: RecoveryPoint) -> str:
        """With the service's own ID of the container in place of its name, as recorded."""
        container = f"{self.container.fabric.id}/replicationProtectionContainers/{self.container.guid}"
        return f"{container}/replicationProtectedItems/{self.name}/recoveryPoints/{point.name}"

    def disk(self, disk_id: str) -> ProtectedDisk | None:
        return next((disk for disk in self.disks if key(disk.id) == key(disk_id)), None)

    def enter(self, phase: Phase, at: float) -> None:
        self.phase = phase
        self.since = at


@dataclass(slots=True, eq=False)
class RecoveryPlan:
    """`job` is that of its last test failover or cleanup, `change` what saves or deletes it; `tested_at` is when
    the last successful test started."""

    name: str
    properties: Json
    ready: bool = False
    job: Job | None = None
    change: Job | None = None
    tested_at: float | None = None

    @property
    def running(self) -> Job | None:
        return next((job for job in (self.job, self.change) if job and job.running), None)


@dataclass(slots=True, eq=False)
class RecoveryVault:
    """Site Recovery's side of a vault. `registered` is set when the first fabric is requested."""

    resource: Resource
    registered: bool = False
    fabrics: dict[str, Fabric] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    plans: dict[str, RecoveryPlan] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    requested: dict[str, Job] = field(default_factory=dict)
    """Jobs by the name under which they were accepted, where they have another one since."""
    items_by_vm: dict[str, ProtectedItem] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """With a capital S, as in all IDs that Site Recovery returns."""
        return "/Subscriptions" + self.resource.id[len("/subscriptions") :]

    def containers(self) -> Iterator[Container]:
        for fabric in self.fabrics.values():
            yield from fabric.containers.values()

    def items(self) -> Iterator[ProtectedItem]:
        for container in self.containers():
            yield from container.items.values()

    def container_mappings(self) -> Iterator[ContainerMapping]:
        for container in self.containers():
            yield from container.mappings.values()

    def network_mappings(self) -> Iterator[NetworkMapping]:
        for fabric in self.fabrics.values():
            yield from fabric.network_mappings.values()

    def container_by_id(self, container_id: str) -> Container | None:
        return next((each for each in self.containers() if key(each.id) == key(container_id)), None)

    def policy_by_id(self, policy_id: str) -> Policy | None:
        return next((each for each in self.policies.values() if key(each.id) == key(policy_id)), None)

    def add_item(self, item: ProtectedItem) -> None:
        item.container.items[item.name.lower()] = item
        self.items_by_vm[key(item.vm_id)] = item

    def remove_item(self, item: ProtectedItem) -> None:
        item.gone = True
        item.container.items.pop(item.name.lower(), None)
        if self.items_by_vm.get(key(item.vm_id)) is item:
            del self.items_by_vm[key(item.vm_id)]

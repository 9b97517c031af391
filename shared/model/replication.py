"""What is said to Site Recovery of one VM: its policy, its disks, its interfaces and where a failover puts it."""

from shared.model.base import Model
from shared.model.resource_id import ResourceId


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

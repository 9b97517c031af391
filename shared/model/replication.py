"""The input of enable protection for one VM: policy, disks, interfaces and failover target."""

from dataclasses import dataclass, fields

from shared.model.base import Model
from shared.model.policy import Policy
from shared.model.resource_id import ResourceId


class DiskAccess(Model):
    """Who may export or import a disk over the network: `policy` is AllowAll, AllowPrivate (by way of a disk access) or
    DenyAll, `public` is Enabled or Disabled."""

    policy: str = ""
    public: str = ""

    @property
    def is_private(self) -> bool:
        return self.policy.lower() in {"allowprivate", "denyall"} or self.public.lower() == "disabled"


class ReplicatedDisk(Model):
    """`access` is that of a private disk, for its replica and what a failover makes of it."""

    id: ResourceId
    replica_sku: str
    target_sku: str
    encryption_set: ResourceId | None = None
    access: DiskAccess | None = None


class ReplicatedNic(Model):
    """The requested settings of one interface, by its ID; unset ones are chosen by Site Recovery."""

    id: ResourceId
    subnet: str = ""
    address: str = ""
    security_group: ResourceId | None = None
    public_ip: ResourceId | None = None
    backend_pool: ResourceId | None = None


@dataclass(frozen=True, kw_only=True)
class TargetFields:
    """The settings of the VM after a failover that can be changed in place.

    An enable request, a replicated item and an update of one hold them under the same names, which are the `field` of
    the rows in `shared/config/override_options.py`.
    """

    __slots__ = ()

    target_group: ResourceId | None = None
    network: ResourceId | None = None
    availability_set: ResourceId | None = None
    scale_set: ResourceId | None = None
    placement_group: ResourceId | None = None
    capacity_reservation: ResourceId | None = None
    boot_diagnostics: ResourceId | None = None
    zone: str = ""
    size: str = ""
    name: str = ""

    @property
    def named(self) -> tuple[ResourceId, ...]:
        """All target resources among these: each has to be in the target scope."""
        values = (getattr(self, name) for name in _TARGET_FIELDS)
        return tuple(value for value in values if isinstance(value, ResourceId))


_TARGET_FIELDS = tuple(each.name for each in fields(TargetFields))


class TargetSettings(Model, TargetFields):
    """The same, where they are checked."""


class Replication(TargetSettings):
    """The input of enable protection for one VM, besides the VM itself.

    `network` is there where it is another one than the network mapping leads to; `size`, `name` and `nics` are what is
    requested, and can be set only once the VM is protected.
    """

    vault: ResourceId
    source_location: str
    target_location: str
    target_group: ResourceId
    cache_account: ResourceId
    policy: Policy
    disks: tuple[ReplicatedDisk, ...]
    consistency_group: str = ""
    high_churn: bool = False
    subnet: str = ""
    nics: tuple[ReplicatedNic, ...] = ()

    @property
    def named(self) -> tuple[ResourceId, ...]:
        """All target resources in the enable request: each has to be in the target scope."""
        return (*super().named, self.cache_account, *filter(None, (disk.encryption_set for disk in self.disks)))

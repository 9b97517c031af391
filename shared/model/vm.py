"""A source VM and its planning context: the properties that planning needs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.model.base import Model, Record
from shared.model.replication import DiskAccess
from shared.model.resource_id import ResourceId, folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk(Record):
    """A managed disk of a VM. `sku` is its storage type, as `Premium_LRS`; `size_gb` is known of a running VM's.

    `obstacle` says what keeps it from being replicated, if so; `encryption_set` holds the customer-managed key;
    `write_accelerator` is whether its writes are accelerated, `lun` the slot of a data disk.
    """

    id: ResourceId
    sku: str
    size_gb: int | None = None
    encryption_set: ResourceId | None = None
    obstacle: str = ""
    holds_os: bool = False
    write_accelerator: bool = False
    lun: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceVm(Record):
    """What `resolve_source` reads. `tags` are those of the app only, of `tag_count` in all; `location` is a region
    name, as `eastus`; `created_at` is when the VM was made.

    `disk_controller` is SCSI, NVMe or unknown; `generation` V1 or V2; `dedicated_host` the host or host group.
    `extensions` is whether the VM takes extensions, one of which installs the agent; None if Azure does not tell.

    `request` are the overrides of a request, by tag name: evaluated as if the VM carried them.
    """

    id: ResourceId
    location: str
    tags: dict[str, str]
    # Not in what is made of the VM's JSON: another tag of others changes nothing about its protection.
    tag_count: Annotated[int, Field(exclude=True)] = 0
    request: dict[str, str] = field(default_factory=dict)
    power_state: str
    provisioning_state: str
    size: str = ""
    os: str = ""
    zone: str = ""
    security_type: str = ""
    encryption_at_host: bool = False
    disk_encryption: bool = False
    disk_controller: str = ""
    generation: str = ""
    dedicated_host: ResourceId | None = None
    edge_zone: str = ""
    extensions: bool | None = True
    disks: tuple[Disk, ...] = ()
    unmanaged_disks: int = 0
    unmanaged_accounts: tuple[str, ...] = ()
    nic_ids: tuple[ResourceId, ...] = ()
    availability_set_id: ResourceId | None = None
    placement_group_id: ResourceId | None = None
    scale_set_id: ResourceId | None = None
    created_at: datetime | None = None

    @property
    def is_settling(self) -> bool:
        """Whether the VM is being provisioned: extensions right after creation, an update."""
        return self.provisioning_state.lower() in {"creating", "updating", "migrating"}


class SourceNic(Model):
    """A network interface. `address` is that of its primary configuration, which `configuration` names.

    `secondary` are its other IP configurations, `application_groups` its application security groups, by their names.
    """

    id: ResourceId
    subnet: ResourceId
    configuration: str = ""
    address: str = ""
    static: bool = False
    secondary: tuple[str, ...] = ()
    application_groups: tuple[str, ...] = ()

    @property
    def network(self) -> ResourceId:
        return self.subnet.parent


class Subnet(Model):
    """`has_nsg` is whether it has a network security group; so are the others. `private` is whether VMs in it have no
    outbound access by default; `delegated_to` are the services that it is delegated to."""

    prefixes: tuple[str, ...] = ()
    has_nsg: bool = False
    has_route_table: bool = False
    has_nat_gateway: bool = False
    service_endpoints: tuple[str, ...] = ()
    delegated_to: tuple[str, ...] = ()
    private: bool = False


class Network(Model):
    """A virtual network. `address_space` in CIDR; `subnets` by name; `peered` is whether it has a peering; without
    `dns_servers` of its own it uses Azure's."""

    id: ResourceId
    location: str = ""
    address_space: tuple[str, ...] = ()
    subnets: dict[str, Subnet] = {}
    peered: bool = False
    dns_servers: tuple[str, ...] = ()


class SourceAvailabilitySet(Model):
    id: ResourceId
    fault_domains: int
    update_domains: int
    sku: str
    placement_group_id: ResourceId | None = None


class EligibilityError(Model):
    """One error of the service's own check before enabling (`replicationEligibilityResults`)."""

    code: str
    message: str
    action: str = ""


class Existing(Model):
    """A named resource: type, region, zones of a scale set, and for an account its kind and incompatibilities.

    `lets_in` are the subnets that may reach an account by its public address, None if every network may;
    `private_endpoint` is whether it has one that is approved. `doubts` say why Azure may refuse the resource later.
    """

    id: ResourceId
    location: str = ""
    kind: str = ""
    sku: str = ""
    zones: tuple[str, ...] = ()
    obstacle: str = ""
    keys_off: bool = False
    lets_in: tuple[ResourceId, ...] | None = None
    private_endpoint: bool = False
    doubts: tuple[str, ...] = ()


class Lock(Model):
    """A management lock on `scope` and everything below it."""

    scope: str
    name: str
    read_only: bool = False

    def covers(self, resource: ResourceId) -> bool:
        return f"{resource.key}/".startswith(f"{folded(self.scope)}/")


REGIONAL_CORES = "cores"
"""The name of the quota for the cores of all sizes in a region."""


class Quota(Model):
    """The cores of a quota, that of a family of sizes or of the region: its limit, and how many are used."""

    name: str
    limit: int
    used: int = 0

    @property
    def left(self) -> int:
        """May be negative: a limit may have been lowered."""
        return self.limit - self.used


class Size(Model):
    """A VM size in the target region. `quotas` are those that its cores count against.

    `data_disks` and `interfaces` are how many it takes, `memory` in GiB; None, or empty for a list, where Azure does
    not tell. `premium` is whether it takes premium disks; `ultra_zones` are the zones where it takes Ultra disks, and
    `ultra` is whether it does outside of zones.
    """

    name: str
    family: str = ""
    cores: int = 0
    memory: float | None = None
    data_disks: int | None = None
    interfaces: int | None = None
    premium: bool = True
    zones: tuple[str, ...] = ()
    ultra: bool = False
    ultra_zones: tuple[str, ...] = ()
    architecture: str = ""
    generations: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()
    trusted_launch: bool = True
    quotas: tuple[Quota, ...] = ()

    @property
    def counts_against(self) -> tuple[str, str]:
        """The names of the quotas, lower-cased."""
        return self.family.lower(), REGIONAL_CORES


class Offer(Model):
    """What the target region offers: the requested sizes, types of disks (none if Azure does not tell them), and the
    fault domains of an availability set."""

    sizes: tuple[Size, ...] = ()
    disk_types: tuple[str, ...] = ()
    fault_domains: int | None = None


class GroupMember(Model):
    """A member of the requested multi-VM group."""

    id: ResourceId
    location: str


class Claim(Model):
    """What the replicated item of another VM (`by`) is to have after a failover: a `kind` of thing, by its name."""

    kind: str
    place: ResourceId
    name: str
    by: ResourceId


class PlanningContext(Model):
    """The planning context: what the protection of a VM depends on besides the VM.

    `mapped_networks`: source network (lower-cased ID) to the target network that an existing network mapping leads to.
    `led_to`: target network (lower-cased ID) to the source networks, but the VM's, that mappings or items lead there.
    `scale_set` and `networks` are those of the VM, `target_networks` those that are there already among the ones it
    would get; `existing` holds the named resources that exist; `offer` is None if the target region was not read;
    `replicated_disks` how many disks of the subscription are replicated to the target region, in the vaults of the
    settings;
    `cached_disks` how many disks each cache account serves (by lower-cased ID); `taken_accounts` are the app's cache
    accounts whose names others hold; `target_vm` is the VM that has the ID of the one that a failover is to create;
    `in_target_set` are the protected VMs whose target availability set is the VM's by default;
    `claims` is what other VMs are to have of what this one is to have.
    """

    vault_location: str
    vault_group_location: str = ""
    target_location: str = ""
    vault_has_identity: bool = False
    group_managed_by: str = ""
    eligibility_errors: tuple[EligibilityError, ...] = ()
    nics: tuple[SourceNic, ...] = ()
    networks: tuple[Network, ...] = ()
    mapped_networks: dict[str, ResourceId] = {}
    led_to: dict[str, tuple[ResourceId, ...]] = {}
    target_networks: tuple[Network, ...] = ()
    availability_set: SourceAvailabilitySet | None = None
    scale_set: Existing | None = None
    existing: tuple[Existing, ...] = ()
    offer: Offer | None = None
    cached_disks: dict[str, int] = {}
    replicated_disks: int = 0
    taken_accounts: tuple[ResourceId, ...] = ()
    taken_addresses: tuple[str, ...] = ()
    group_members: tuple[GroupMember, ...] = ()
    in_target_set: tuple[ResourceId, ...] = ()
    locks: tuple[Lock, ...] = ()
    shared_disks: tuple[ResourceId, ...] = ()
    private_disks: dict[str, DiskAccess] = {}
    target_vm: ResourceId | None = None
    claims: tuple[Claim, ...] = ()

"""A source VM as it is now: what the rules need to know of it, and nothing else."""

from shared.domain.model import Model
from shared.domain.resource_id import ResourceId


class Disk(Model):
    """A managed disk of a VM. `sku` is its storage type, as `Premium_LRS`; `obstacle` says what keeps it from being
    replicated by this app, if so."""

    id: ResourceId
    sku: str
    obstacle: str = ""


class SourceVm(Model):
    """What `resolve_source` reads. `tags` are those of the app only; `location` is a region name, as `eastus`."""

    id: ResourceId
    location: str
    tags: dict[str, str]
    power_state: str
    provisioning_state: str
    disks: tuple[Disk, ...] = ()
    unmanaged_disks: int = 0
    nic_ids: tuple[ResourceId, ...] = ()
    availability_set_id: ResourceId | None = None
    scale_set_id: ResourceId | None = None

    @property
    def is_settling(self) -> bool:
        """Whether Azure is still busy with it: extensions right after creation, an update."""
        return self.provisioning_state.lower() in {"creating", "updating", "migrating"}


class SourceNetwork(Model):
    """A virtual network that a VM is in. `address_space` in CIDR; `subnets` maps names to their prefixes.

    Both are empty for a network that an existing mapping leads from: nothing has to be made after its image.
    """

    id: ResourceId
    address_space: tuple[str, ...] = ()
    subnets: dict[str, tuple[str, ...]] = {}


class SourceAvailabilitySet(Model):
    id: ResourceId
    fault_domains: int
    update_domains: int
    sku: str


class EligibilityError(Model):
    """One error of the service's own check before enabling (`replicationEligibilityResults`)."""

    code: str
    message: str
    action: str = ""


class Surroundings(Model):
    """What a VM's protection depends on besides the VM. `mapped_networks`: source network (lower-cased ID) to the
    target network that an existing network mapping leads to."""

    vault_location: str
    group_managed_by: str = ""
    eligibility_errors: tuple[EligibilityError, ...] = ()
    networks: tuple[SourceNetwork, ...] = ()
    mapped_networks: dict[str, ResourceId] = {}
    availability_set: SourceAvailabilitySet | None = None

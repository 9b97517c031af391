"""The types of Azure resources that overrides name or that the app creates."""

from shared.model.name_rule import ANY, LOWER, NameRule
from shared.model.resource_id import ResourceId

COMPUTE_API_VERSION = "2026-04-01"
NETWORK_API_VERSION = "2026-03-01"
STORAGE_API_VERSION = "2026-09-01"


RESOURCE_TYPES: list["ResourceType"] = []
"""All types: each adds itself, so that one may be declared where its only user is."""


_USUAL = NameRule(80)


class ResourceType(str):
    """A type as it is in IDs; "" is a resource group.

    `noun` has its article, `api_version` is the one to read, create and delete with, `names` Azure's rule for
    its names.
    """

    __slots__ = ("api_version", "names", "noun")

    noun: str
    api_version: str
    names: NameRule

    def __new__(cls, name: str, noun: str, api_version: str = "", names: NameRule = _USUAL) -> "ResourceType":
        made = super().__new__(cls, name)
        made.noun, made.api_version, made.names = noun, api_version, names
        RESOURCE_TYPES.append(made)
        return made


RESOURCE_GROUP = ResourceType(
    "", "a resource group", names=NameRule(90, marks="_-.()", first="_-.()", last="_-()", letters=ANY)
)
NETWORK = ResourceType("Microsoft.Network/virtualNetworks", "a virtual network", NETWORK_API_VERSION, NameRule(64, 2))
SECURITY_GROUP = ResourceType(
    "Microsoft.Network/networkSecurityGroups", "a network security group", NETWORK_API_VERSION
)
PUBLIC_IP = ResourceType("Microsoft.Network/publicIPAddresses", "a public IP address", NETWORK_API_VERSION)
POOL = ResourceType(
    "Microsoft.Network/loadBalancers/backendAddressPools", "a load balancer's backend address pool", NETWORK_API_VERSION
)
AVAILABILITY_SET = ResourceType("Microsoft.Compute/availabilitySets", "an availability set", COMPUTE_API_VERSION)
SCALE_SET = ResourceType(
    "Microsoft.Compute/virtualMachineScaleSets", "a virtual machine scale set", COMPUTE_API_VERSION
)
PLACEMENT_GROUP = ResourceType(
    "Microsoft.Compute/proximityPlacementGroups", "a proximity placement group", COMPUTE_API_VERSION
)
RESERVATION = ResourceType(
    "Microsoft.Compute/capacityReservationGroups", "a capacity reservation group", COMPUTE_API_VERSION
)
ENCRYPTION_SET = ResourceType("Microsoft.Compute/diskEncryptionSets", "a disk encryption set", "2026-03-02")
ACCOUNT = ResourceType(
    "Microsoft.Storage/storageAccounts",
    "a storage account",
    STORAGE_API_VERSION,
    NameRule(24, 3, "", last="", letters=LOWER),
)


IN_VAULT = NameRule(128, 2, "-", last="")
"""The rule for parts of a vault: the pattern of the 2026-02-01 specification. No length is published; longer names than
this have not been seen."""


def type_of(resource: ResourceId) -> ResourceType:
    """The type of a resource or of a resource group. Raises StopIteration if it is none of these."""
    return next(each for each in RESOURCE_TYPES if resource.is_type(each))

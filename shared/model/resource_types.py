"""The types of Azure resources that overrides name or that the app creates."""

from shared.model.resource_id import ResourceId

COMPUTE_API_VERSION = "2026-04-01"
NETWORK_API_VERSION = "2026-03-01"
STORAGE_API_VERSION = "2026-09-01"


RESOURCE_TYPES: list["ResourceType"] = []
"""All types: each adds itself, so that one may be declared where its only user is."""


class ResourceType(str):
    """A type as it is in IDs; "" is a resource group.

    `noun` has its article, `api_version` is the one to read, create and delete with, `longest_name` Azure's limit.
    """

    __slots__ = ("api_version", "longest_name", "noun")

    noun: str
    api_version: str
    longest_name: int

    def __new__(cls, name: str, noun: str, api_version: str = "", longest_name: int = 80) -> "ResourceType":
        made = super().__new__(cls, name)
        made.noun, made.api_version, made.longest_name = noun, api_version, longest_name
        RESOURCE_TYPES.append(made)
        return made


RESOURCE_GROUP = ResourceType("", "a resource group", longest_name=90)
NETWORK = ResourceType("Microsoft.Network/virtualNetworks", "a virtual network", NETWORK_API_VERSION, 64)
SECURITY_GROUP = ResourceType(
    "Microsoft.Network/networkSecurityGroups", "a network security group", NETWORK_API_VERSION
)
PUBLIC_IP = ResourceType("Microsoft.Network/publicIPAddresses", "a public IP address", NETWORK_API_VERSION)
POOL = ResourceType(
    "Microsoft.Network/loadBalancers/backendAddressPools", "a load balancer's backend address pool", NETWORK_API_VERSION
)
AVAILABILITY_SET = ResourceType("Microsoft.Compute/availabilitySets", "an availability set", COMPUTE_API_VERSION)
PLACEMENT_GROUP = ResourceType(
    "Microsoft.Compute/proximityPlacementGroups", "a proximity placement group", COMPUTE_API_VERSION
)
RESERVATION = ResourceType(
    "Microsoft.Compute/capacityReservationGroups", "a capacity reservation group", COMPUTE_API_VERSION
)
ENCRYPTION_SET = ResourceType("Microsoft.Compute/diskEncryptionSets", "a disk encryption set", "2026-03-02")
ACCOUNT = ResourceType("Microsoft.Storage/storageAccounts", "a storage account", STORAGE_API_VERSION, 24)


def type_of(resource: ResourceId) -> ResourceType:
    """The type of a resource or of a resource group. Raises StopIteration if it is none of these."""
    return next(each for each in RESOURCE_TYPES if resource.is_type(each))

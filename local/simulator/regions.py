"""Azure regions: display names, which are Site Recovery's friendly names, and fault domains of availability sets."""

from local.simulator.errors import ArmError

DISPLAY_NAMES = {
    "australiacentral": "Australia Central",
    "australiaeast": "Australia East",
    "australiasoutheast": "Australia Southeast",
    "brazilsouth": "Brazil South",
    "canadacentral": "Canada Central",
    "canadaeast": "Canada East",
    "centralindia": "Central India",
    "centralus": "Central US",
    "eastasia": "East Asia",
    "eastus": "East US",
    "eastus2": "East US 2",
    "francecentral": "France Central",
    "francesouth": "France South",
    "germanynorth": "Germany North",
    "germanywestcentral": "Germany West Central",
    "israelcentral": "Israel Central",
    "italynorth": "Italy North",
    "japaneast": "Japan East",
    "japanwest": "Japan West",
    "koreacentral": "Korea Central",
    "koreasouth": "Korea South",
    "mexicocentral": "Mexico Central",
    "newzealandnorth": "New Zealand North",
    "northcentralus": "North Central US",
    "northeurope": "North Europe",
    "norwayeast": "Norway East",
    "norwaywest": "Norway West",
    "polandcentral": "Poland Central",
    "qatarcentral": "Qatar Central",
    "southafricanorth": "South Africa North",
    "southafricawest": "South Africa West",
    "southcentralus": "South Central US",
    "southeastasia": "Southeast Asia",
    "southindia": "South India",
    "spaincentral": "Spain Central",
    "swedencentral": "Sweden Central",
    "switzerlandnorth": "Switzerland North",
    "switzerlandwest": "Switzerland West",
    "uaecentral": "UAE Central",
    "uaenorth": "UAE North",
    "uksouth": "UK South",
    "ukwest": "UK West",
    "westcentralus": "West Central US",
    "westeurope": "West Europe",
    "westindia": "West India",
    "westus": "West US",
    "westus2": "West US 2",
    "westus3": "West US 3",
}
# Managed availability sets: three fault domains here, two elsewhere (azure-docs, availability sets).
_THREE_FAULT_DOMAINS = {
    "canadacentral",
    "centralus",
    "eastus",
    "eastus2",
    "northcentralus",
    "northeurope",
    "southcentralus",
    "westeurope",
    "westus",
}
# Regions with availability zones (azure-docs, list of Azure regions).
_ZONED = {
    "australiaeast",
    "brazilsouth",
    "canadacentral",
    "centralindia",
    "centralus",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "israelcentral",
    "italynorth",
    "japaneast",
    "japanwest",
    "koreacentral",
    "mexicocentral",
    "newzealandnorth",
    "northeurope",
    "norwayeast",
    "polandcentral",
    "qatarcentral",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "spaincentral",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "westeurope",
    "westus2",
    "westus3",
}


def canonical(location: str) -> str:
    """`East US 2` and `eastus2` are one place."""
    return location.replace(" ", "").lower()


def check(location: str, resource_type: str) -> str:
    """The canonical name. Raises ArmError 400 for a place that is none."""
    name = canonical(location)
    if name not in DISPLAY_NAMES:
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{resource_type}'. "
            f"List of available regions for the resource type is '{','.join(DISPLAY_NAMES)}'.",
        )
    return name


def display_name(location: str) -> str:
    return DISPLAY_NAMES.get(canonical(location), location)


def fault_domains(location: str) -> int:
    return 3 if canonical(location) in _THREE_FAULT_DOMAINS else 2


def zones(location: str) -> tuple[str, ...]:
    return ("1", "2", "3") if canonical(location) in _ZONED else ()


def disk_types(location: str) -> tuple[str, ...]:
    """The types of disks that a region has. That those without zones have no Premium SSD v2 and Ultra disks is true of
    most of them."""
    everywhere = ("Standard_LRS", "StandardSSD_LRS", "Premium_LRS")
    where_zones_are = ("StandardSSD_ZRS", "Premium_ZRS", "PremiumV2_LRS", "UltraSSD_LRS")
    return (*everywhere, *where_zones_are) if zones(location) else everywhere

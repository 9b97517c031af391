"""The support rules: what Azure Site Recovery supports or not, where Microsoft says so, and since when that is known.

Support moves: a rule that rests on a page alone (no refusal of Azure's is recorded, and the app could send the request
all the same), or that another page contradicts, is `ignorable`. A profile may list its finding in `ignore`: the blocker
is a warning then, and Azure decides.
"""

from typing import NamedTuple


class SupportRule(NamedTuple):
    """`code` is the finding that reports a breach, `says` what Azure supports, one sentence. `source` is a page of
    Microsoft's, a recording or an issue, with its `date` (year and month)."""

    code: str
    says: str
    source: str
    date: str
    ignorable: bool = False


_MATRIX = "azure-to-azure-support-matrix"
_ERRORS = "azure-to-azure-troubleshoot-errors"
_CHURN = "concepts-azure-to-azure-high-churn-support"
_POLICY = "built-in policy ac34a73f, its page"
_MAPPING = "azure-to-azure-network-mapping"
_OUTBOUND = "virtual-network, default-outbound-access (API 2025-07-01)"

RULES: tuple[SupportRule, ...] = (
    SupportRule("ClassicVm", "VMs of the classic deployment model are retired.", _MATRIX, "2025-06"),
    SupportRule("VmNotRunning", "A VM that does not run cannot be enabled.", _POLICY, "2023-12"),
    SupportRule("VmNotReady", "The provisioning state of a VM has to be Succeeded (150019).", _ERRORS, "2025-06"),
    SupportRule(
        "ScaleSetInstance",
        "VMs of Flexible scale sets are supported (`recoveryVirtualMachineScaleSetId`), unless the set has a scaling "
        "profile; those of Uniform ones are not.",
        _MATRIX,
        "2025-06",
    ),
    SupportRule(
        "TooManyDisks",
        "A VM has at most 64 data disks (another page: 100 disks).",
        f"{_MATRIX}; {_POLICY}",
        "2025-06",
        ignorable=True,
    ),
    SupportRule("UnmanagedDisks", "Unmanaged disks are retired since 2025-09-30.", _MATRIX, "2025-06"),
    SupportRule(
        "ConfidentialVm",
        "No page lists confidential VMs; Microsoft's PowerShell module has a test that protects one.",
        "azure-powershell, A2AConfidentialVmUnitTests",
        "2025-12",
        ignorable=True,
    ),
    SupportRule(
        "DiskEncryptionNeedsKeys",
        "Azure Disk Encryption needs its keys in a key vault of the target region.",
        _MATRIX,
        "2025-06",
    ),
    SupportRule(
        "TrustedLaunchLinux",
        "Linux VMs with Trusted Launch are supported if made since 2024-04-01: some distributions, in preview.",
        _MATRIX,
        "2025-06",
        ignorable=True,
    ),
    SupportRule(
        "NvmeDiskController", "VMs with an NVMe disk controller are not supported.", _MATRIX, "2026-01", ignorable=True
    ),
    SupportRule("ArmArchitecture", "VMs with ARM64 processors are not supported.", _MATRIX, "2026-01", ignorable=True),
    SupportRule("DedicatedHost", "VMs on dedicated hosts are not supported.", _MATRIX, "2026-01", ignorable=True),
    SupportRule(
        "EdgeZone",
        "A VM of an edge zone is replicated by a procedure of its own (`recoveryExtendedLocation`).",
        _MATRIX,
        "2026-01",
    ),
    SupportRule(
        "ExtensionsNotAllowed", "The agent is installed as an extension, which the VM has to take.", _MATRIX, "2026-01"
    ),
    SupportRule("VmAgentNotKnown", "The VM agent installs the agent of Site Recovery.", _MATRIX, "2026-01"),
    SupportRule(
        "WriteAcceleratorDisk", "Disks with write accelerator are not supported.", _MATRIX, "2026-01", ignorable=True
    ),
    SupportRule(
        "EncryptionAtHostNotKept",
        "A VM with encryption at host is replicated; a failover VM is without it.",
        _MATRIX,
        "2025-06",
    ),
    SupportRule(
        "TooManyReplicatedDisks",
        "At most 3,000 disks of a subscription are replicated to a target region.",
        _MATRIX,
        "2026-01",
        ignorable=True,
    ),
    SupportRule("SmallVm", "A VM has at least 2 cores and 1 GiB of memory.", _MATRIX, "2025-06"),
    SupportRule(
        "UnsupportedDisk",
        "Ephemeral disks, shared disks (but in a protection cluster), disks under 1 GiB (150172), OS disks over 4095 "
        "GiB and data disks over 32 TiB are not supported.",
        f"{_MATRIX}; {_ERRORS}",
        "2025-06",
    ),
    SupportRule(
        "DiskAccessNotKept",
        "Replicas and failover disks are public unless the request says otherwise, which it can since API 2026-02-01; "
        "a disk access is of one region.",
        "API 2026-02-01, A2AVmManagedDiskInputDetails",
        "2026-02",
    ),
    SupportRule(
        "HighChurnNeeded",
        "Premium SSD v2 and Ultra disks are replicated with high churn only, through a premium cache account (in the "
        "matrix of 2025-06, Ultra disks are not).",
        _CHURN,
        "2026-01",
    ),
    SupportRule(
        "TargetZoneNeeded",
        "A target disk of Premium SSD v2 needs an availability zone.",
        "terraform-provider-azurerm 32093",
        "2026-06",
        ignorable=True,
    ),
    SupportRule(
        "UnsupportedReplicaType",
        "A replica is a standard or premium disk of the first version, whatever the target is.",
        "terraform-provider-azurerm 30291",
        "2025-08",
        ignorable=True,
    ),
    SupportRule(
        "ZoneRedundancyLost",
        "Replica and target of a zone-redundant disk are zone-redundant.",
        "terraform-provider-azurerm 28794",
        "2025-02",
        ignorable=True,
    ),
    SupportRule(
        "DiskTypeNotInTarget",
        "The target region has to offer the types of the disks: zone-redundant ones exist where there are zones.",
        "disks-types; resource SKUs, API 2021-07-01",
        "2026-01",
    ),
    SupportRule(
        "DiskEncryptionSetNeeded",
        "A disk with a customer-managed key needs a disk encryption set in the target region.",
        _MATRIX,
        "2025-06",
    ),
    SupportRule(
        "UltraDisksNotInTarget",
        "Ultra disks exist for a size in the zones, or outside of zones, where the list of SKUs says so.",
        "disks-enable-ultra-ssd; resource SKUs, API 2021-07-01",
        "2026-01",
    ),
    SupportRule("SizeNotInTarget", "The target region has to offer the size of the VM (150097).", _ERRORS, "2025-06"),
    SupportRule(
        "TargetQuotaExceeded", "The target region has to have quota left for the VM (150097).", _ERRORS, "2025-06"
    ),
    SupportRule("StaleLink", "A link left by an earlier protection prevents the next (150226).", _ERRORS, "2025-06"),
    SupportRule("LockedVm", "A lock against deletion leaves links on the VM (150225).", _ERRORS, "2025-06"),
    SupportRule("VaultInSourceRegion", "The vault is not in the region of the VM.", _MATRIX, "2025-06"),
    SupportRule("TargetInSourceRegion", "The target group is in any region but the VM's.", _MATRIX, "2025-06"),
    SupportRule(
        "TargetGroupInSourceRegion",
        "The target resource group is in any region but the VM's.",
        "azure-to-azure-how-to-enable-replication",
        "2025-06",
    ),
    SupportRule(
        "VaultGroupInSourceRegion", "The vault's resource group should not be in the VM's region.", _MATRIX, "2025-06"
    ),
    SupportRule(
        "CacheAccountUnreachable",
        "The agent writes to the cache account: its firewall lets the VM's subnet in, or it has a private endpoint.",
        f"{_MATRIX}; azure-docs#128324",
        "2026-03",
        ignorable=True,
    ),
    SupportRule(
        "CacheAccountRolesNeeded",
        "The cache account allows access by key (another page: the vault's identity serves instead).",
        f"{_MATRIX}; azure-to-azure-enable-replication-shared-key-disabled, 2025-10",
        "2026-01",
    ),
    SupportRule(
        "TargetPublicIpUnusable",
        "A public IP address serves one interface, and its SKU is Standard.",
        "virtual-network, public-ip-addresses; public-ip-basic-upgrade-guidance",
        "2025-09",
    ),
    SupportRule(
        "TargetPoolOfInternetLoadBalancer",
        "An internet load balancer is not supported in the target region.",
        _MATRIX,
        "2025-06",
    ),
    SupportRule(
        "TargetSubnetDiffers",
        "The target subnet is that of the same name, else the first in alphabetical order.",
        f"{_MAPPING}; azure-docs#118965",
        "2025-06",
    ),
    SupportRule(
        "TargetSubnetUnusable",
        "GatewaySubnet, AzureBastionSubnet, AzureFirewallSubnet and delegated subnets hold no VM.",
        "virtual-network, virtual-network-vnet-plan-design-arm, subnet-delegation-overview",
        "2025-06",
    ),
    SupportRule(
        "StaticIpNotPreserved",
        "A static address is kept where the target subnet has it and it is free, else the next free one is taken.",
        _MAPPING,
        "2025-06",
    ),
    SupportRule(
        "SecondaryAddressesNotKept", "Of several IP configurations the primary one is kept.", _MATRIX, "2025-06"
    ),
    SupportRule(
        "ApplicationSecurityGroupsNotKept",
        "Interfaces of a failover VM are in no application security groups.",
        _MATRIX,
        "2025-06",
    ),
    SupportRule(
        "TargetSubnetWithoutOutboundAccess",
        "A subnet that is made is private, unless its defaultOutboundAccess is given.",
        _OUTBOUND,
        "2025-07",
    ),
)

IGNORABLE = {rule.code: rule for rule in RULES if rule.ignorable}
"""The rules that a profile may ignore, by their finding."""

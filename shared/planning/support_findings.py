"""The findings of the rules in `shared/config/support_rules.py`: what Azure does not support of a VM or its target."""

from shared.model.findings import WARNED_IF_PROTECTED, Case, Row, Severity

BLOCKED = "does not enable it, until the reason is gone"
WARNS = "enables it all the same"
TOO_OLD, AVAILABILITY_ONLY, REGIONAL, REDUNDANT = "too old", "availability only", "regional", "redundant"
FLEET = "fleet"

OF_VM = {
    "TooManyDisks": Row(
        Severity.BLOCKER,
        "it has more disks than an OS disk and 64 data disks",
        BLOCKED,
        "Detach disks, or join them.",
    ),
    "UnmanagedDisks": Row(
        Severity.BLOCKER,
        "it has unmanaged disks, which Azure retired on 2025-09-30",
        BLOCKED,
        "Convert the disks to managed disks.",
    ),
    "ConfidentialVm": Row(
        Severity.BLOCKER,
        "it is a confidential VM, which this app does not protect",
        BLOCKED,
        "Protect it by the means of its application.",
    ),
    "DiskEncryptionNeedsKeys": Row(
        Severity.BLOCKER,
        "it uses Azure Disk Encryption: its keys have to be copied to a key vault in the target region",
        BLOCKED,
        "Enable its replication in the portal, which copies the keys as you; the app adopts the item.",
    ),
    "TrustedLaunchLinux": Row(
        Severity.WARNING,
        "it is a Linux VM with Trusted Launch, which Site Recovery supports for some distributions, in preview",
        WARNS,
        "Check the support matrix for its distribution.",
        {
            TOO_OLD: Case(
                "it was made before 2024-04-01", Severity.BLOCKER, "Recreate the VM, or protect it by other means."
            )
        },
    ),
    "NvmeDiskController": Row(
        Severity.BLOCKER,
        "it reaches its disks by NVMe, which Site Recovery does not support",
        BLOCKED,
        "Convert it to the SCSI controller, on a size that has it.",
    ),
    "ArmArchitecture": Row(
        Severity.BLOCKER,
        "its size has an ARM64 processor, which Site Recovery does not support",
        BLOCKED,
        "Protect it by the means of its application, or move it to an x64 size.",
    ),
    "DedicatedHost": Row(
        Severity.BLOCKER,
        "it is on a dedicated host, which Site Recovery does not support",
        BLOCKED,
        "Move the VM off the dedicated host.",
    ),
    "EdgeZone": Row(
        Severity.BLOCKER,
        "it is in an edge zone, whose replication is a procedure of its own",
        BLOCKED,
        "Protect it in the portal, to the region of the edge zone; the app adopts the item.",
    ),
    "ExtensionsNotAllowed": Row(
        Severity.BLOCKER,
        "it takes no extensions (allowExtensionOperations or provisionVMAgent is false): the agent is one",
        BLOCKED,
        "Allow extension operations, and install the VM agent.",
    ),
    "VmAgentNotKnown": Row(
        Severity.NOTE,
        "it has no OS profile: Azure does not tell whether it has the VM agent, which installs that of Site Recovery",
        WARNS,
        "Install the VM agent if the enable job fails.",
    ),
    "EncryptionAtHostNotKept": Row(
        Severity.WARNING,
        "it is encrypted at host; what a failover makes of it is not",
        WARNS,
        "Turn on encryption at host after a failover.",
    ),
}
"""Found by a sweep too: they need no more than the lists that a sweep reads."""

OF_CONTEXT = {
    "ClassicVm": Row(
        Severity.BLOCKER,
        "it is a classic VM: Azure has retired those, and Site Recovery does not protect them",
        BLOCKED,
        "Migrate it to Azure Resource Manager (https://aka.ms/classicvmretirement), then tag the new VM.",
    ),
    "ScaleSetInstance": Row(
        Severity.BLOCKER,
        "its scale set is Uniform, has a scaling profile or cannot be found: such a set makes and removes its VMs",
        BLOCKED,
        "Protect stand-alone VMs, or those of a Flexible scale set without a scaling profile; create a set that scales "
        "again from its model in the other region.",
        {
            AVAILABILITY_ONLY: Case(
                "the set is Flexible and has no scaling profile",
                Severity.NOTE,
                "Nothing; or name a Flexible scale set of the target region by {tag}-target-scale-set.",
            )
        },
    ),
    "UnsupportedDisk": Row(
        Severity.BLOCKER,
        "an ephemeral or shared disk, or one smaller than 1 GiB or larger than 32 TiB (an OS disk: 4095 GiB)",
        f"{BLOCKED}; does not add the disk to an item",
        "Move its data to a disk of another kind, or protect the VM by hand.",
        WARNED_IF_PROTECTED,
    ),
    "DiskAccessNotKept": Row(
        Severity.WARNING,
        "a disk is reached by a disk access alone (AllowPrivate): its replica and failover disk get the policy DenyAll",
        WARNS,
        "Give the failover disk a disk access of the target region after a failover, if it is needed.",
    ),
    "HighChurnNeeded": Row(
        Severity.BLOCKER,
        "a disk is or becomes a Premium SSD v2 or an Ultra disk, which needs a premium cache account",
        f"{BLOCKED}; does not add the disk to an item",
        "Request it by {tag}-churn=high, if its profile allows it.",
        WARNED_IF_PROTECTED,
    ),
    "TargetZoneNeeded": Row(
        Severity.BLOCKER,
        "a disk becomes a Premium SSD v2, which needs an availability zone in the target region",
        f"{BLOCKED}; does not add the disk to an item",
        "Choose a zone by {tag}-target-zone, or another type by {tag}-target-disk-type.",
        WARNED_IF_PROTECTED,
    ),
    "UnsupportedReplicaType": Row(
        Severity.BLOCKER,
        "the replica of a disk would be a Premium SSD v2 or an Ultra disk",
        f"{BLOCKED}; does not add the disk to an item",
        "Choose another type by {tag}-replica-disk-type: by default it is Premium_LRS.",
        WARNED_IF_PROTECTED,
    ),
    "ZoneRedundancyLost": Row(
        Severity.BLOCKER,
        "a zone-redundant disk would become one that is not: its replica and its target have to be zone-redundant",
        f"{BLOCKED}; does not add the disk to an item",
        "Choose a type that ends in _ZRS, or leave the types to the default.",
        WARNED_IF_PROTECTED,
    ),
    "DiskTypeNotInTarget": Row(
        Severity.BLOCKER,
        "the target region does not offer the type of a disk, as a region without zones has no zone-redundant disks",
        f"{BLOCKED}; does not add the disk to an item",
        "Choose another region by {tag}-target-location, or another type by {tag}-target-disk-type and "
        "{tag}-replica-disk-type.",
        {
            **WARNED_IF_PROTECTED,
            REDUNDANT: Case(
                "the source disk is zone-redundant, and has to stay so",
                fix="Choose another region by {tag}-target-location.",
            ),
        },
    ),
    "DiskEncryptionSetNeeded": Row(
        Severity.BLOCKER,
        "a disk has a customer-managed key: the target needs a disk encryption set of its own",
        f"{BLOCKED}; does not add the disk to an item",
        "Make one in {target}, and name it by {tag}-target-disk-encryption-set.",
        WARNED_IF_PROTECTED,
    ),
    "WriteAcceleratorDisk": Row(
        Severity.BLOCKER,
        "a disk has write accelerator on, which Site Recovery does not support",
        f"{BLOCKED}; does not add the disk to an item",
        "Turn write accelerator off, or protect the VM by hand.",
        WARNED_IF_PROTECTED,
    ),
    "TooManyReplicatedDisks": Row(
        Severity.BLOCKER,
        "its subscription would have more than 3,000 replicated disks in the target region, in the vaults of "
        "`DR_VAULT_IDS`",
        BLOCKED,
        "Disable what need not be replicated, or choose another target region for a part of the VMs.",
    ),
    "SmallVm": Row(
        Severity.WARNING,
        "its size has less than the 2 cores and 1 GiB of memory that Site Recovery supports",
        WARNS,
        "Resize the VM if its agent cannot be installed or replication does not keep up.",
    ),
    "TargetGroupInSourceRegion": Row(
        Severity.BLOCKER,
        "its target resource group exists in the VM's own region, which Site Recovery does not take",
        BLOCKED,
        "Name a resource group of another region by {tag}-target-resource-group.",
    ),
    "VaultGroupInSourceRegion": Row(
        Severity.WARNING,
        "the resource group of the vault is in the VM's own region",
        WARNS,
        "Prefer a vault whose resource group is in the target region, as the vault is.",
    ),
    "CacheAccountUnreachable": Row(
        Severity.BLOCKER,
        "the cache account takes no public access, or its firewall lets no subnet of the VM in; and it has no private "
        "endpoint",
        BLOCKED,
        "Let the subnets of the protected VMs in by virtual network rules, or give the account a private endpoint in "
        "their network; or name another by {tag}-cache-storage.",
    ),
    "CacheAccountRolesNeeded": Row(
        Severity.WARNING,
        "the cache account has no key access: the vault's identity needs roles on it, and Microsoft's pages contradict "
        "one another on whether that is enough",
        WARNS,
        "Allow access by key; or assign the roles that the message names to the vault's identity, and check that "
        "replication starts.",
    ),
    "UltraDisksNotInTarget": Row(
        Severity.WARNING,
        "the target region has no Ultra disks for its size and zone: a failover VM with them cannot be created",
        WARNS,
        "Choose a zone that has them by {tag}-target-zone, or another type by {tag}-target-disk-type.",
    ),
    "SizeNotInTarget": Row(
        Severity.BLOCKER,
        "the target region does not offer its size to the subscription (150097)",
        BLOCKED,
        "Choose another size by {tag}-target-size, or request this one in {target}.",
    ),
    "TargetQuotaExceeded": Row(
        Severity.BLOCKER,
        "the target region has not enough cores of the size's quota left (150097)",
        BLOCKED,
        "Request more quota in {target}, or choose a size of another family by {tag}-target-size.",
        {
            **WARNED_IF_PROTECTED,
            REGIONAL: Case(
                "it is the quota of the region",
                fix="Request more regional cores in {target}, or choose a smaller size by {tag}-target-size.",
            ),
            FLEET: Case(
                "it is protected, and if all VMs failed over at once the quota would not suffice for it",
                Severity.WARNING,
                "Request more of that quota in {target}; or choose a smaller size or one of another family by "
                "{tag}-target-size; or reserve capacity there, and name it by {tag}-target-capacity-reservation. "
                "{tag}-priority says which VMs come up first.",
                recoverable=False,
            ),
        },
    ),
}
"""Found by the VM's own run or a plan, which read more."""

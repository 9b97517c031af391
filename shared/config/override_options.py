"""The override options: every setting of the portal's "Enable replication" page, for planning, tags, requests and docs.

A row with a `tag` can be chosen: by the profile, a tag of the resource group, a tag of the VM, or a request. What it is
chosen to be has to lie inside the profile's allow-list and the target scope besides (`planning/overrides.py`).
"""

from typing import Any, NamedTuple

from shared.model.resource_types import (
    ACCOUNT,
    AVAILABILITY_SET,
    ENCRYPTION_SET,
    NETWORK,
    PLACEMENT_GROUP,
    POOL,
    PUBLIC_IP,
    RESERVATION,
    RESOURCE_GROUP,
    SCALE_SET,
    SECURITY_GROUP,
    ResourceType,
)
from shared.model.values import Check, each, ip_address, listed, matching, one_of, region, resource

IN_PLACE = "update of the item"
ADDED = (
    "a disk that is attached is added, unless it is excluded; one that is replicated, and detached or excluded, is "
    "reported"
)
FIXED = "no: disable and enable"
CHOSEN = "profile, resource group's tag, VM's tag, request"

ZONE_REDUNDANT = "_zrs"
"""The end of the name of each zone-redundant disk type, lower-cased."""
REPLICA_TYPES = ("Standard_LRS", "StandardSSD_LRS", "Premium_LRS", "StandardSSD_ZRS", "Premium_ZRS")
DISK_TYPES = (*REPLICA_TYPES, "PremiumV2_LRS", "UltraSSD_LRS")
"""Those of Site Recovery's SDK 2.0.0 (`DiskAccountType`)."""
_OF_DISKS = f"{', '.join(REPLICA_TYPES)}{{}}; or disk=…, one by one"
OF_SOURCE = "source"
"""The target size that is always that of the source."""
NORMAL_CHURN, HIGH_CHURN = "normal", "high"


class Row(NamedTuple):
    """`portal` is the page's row, `azure` where Azure enforces the setting, `in_place` how it changes once protected.

    `resource_type` is that of the existing resource that the tag names, "" for a resource group, None for no resource.
    `of` is what a choice may be given by name for, one by one: `nic` or `disk`; a `listed` one takes several values,
    comma-separated. `field` holds it in a `Replication`, in
    the item's settings and in an update, `sent_as` in the enable request of the SDK, `shown_as` in the item of the API.
    """

    setting: str
    portal: str
    default: str
    allowed: str
    azure: str = "enable job"
    in_place: str = FIXED
    layers: str = CHOSEN
    tag: str = ""
    check: Check | None = None
    resource_type: ResourceType | None = None
    of: str = ""
    listed: bool = False
    field: str = ""
    sent_as: str = ""
    shown_as: str = ""

    def read(self, text: str) -> str:
        """The normalized value. Raises ValueError, which says what is allowed."""
        return self.check(text.strip()) if self.check else text


def _chosen(tag: str, check: Check, portal: str, default: str, allowed: str, **more: Any) -> Row:
    """A setting with an override: its name is that of the tag in camelCase."""
    first, *others = tag.split("-")
    return Row(
        setting=first + "".join(word.capitalize() for word in others),
        portal=portal,
        default=default,
        allowed=allowed,
        tag=tag,
        check=check,
        **more,
    )


def _named(
    tag: str, resource_type: ResourceType, portal: str, default: str, optional: bool = False, **more: Any
) -> Row:
    """A setting that names an existing resource."""
    check = resource(resource_type, optional=optional)
    allowed = f"ID or name of {resource_type.noun}" + (", or none" if optional else "")
    if more.get("of"):
        check, allowed = each(check), f"{allowed}; or {more['of']}=…, one by one"
    return _chosen(tag, check, portal, default, allowed, resource_type=resource_type, **more)


def _derived(setting: str, portal: str, default: str, allowed: str, azure: str = "-") -> Row:
    """A derived setting without an override."""
    return Row(setting, portal, default, allowed, azure, in_place="-", layers="derived")


_POLICY = "profile"
_ONCE_PROTECTED: dict[str, Any] = {"azure": "update of the item, once it is protected", "in_place": IN_PLACE}

ROWS: tuple[Row, ...] = (
    _derived("sourceLocation", "Source > Region", "the VM's", "any region but the target", azure="enable job"),
    _derived("sourceResourceGroup", "Source > Subscription, Resource group", "the VM's", "in DR_SOURCE_SCOPE"),
    _derived(
        "deploymentModel", "Source > Virtual machine deployment model", "Resource Manager", "classic VMs are refused"
    ),
    _derived(
        "betweenZones", "Source > Disaster recovery between availability zones", "no", "the target is another region"
    ),
    Row("virtualMachines", "Virtual machines", "those tagged", "`dr` = `true`", "-", "-", "VM's tag, request"),
    Row(
        "vault",
        "Recovery Services vault",
        "that of DR_REGION_MAP, else the one of DR_VAULT_IDS",
        "one of DR_VAULT_IDS",
        layers="settings: DR_REGION_MAP, DR_VAULT_IDS; profile",
    ),
    _chosen(
        "target-location",
        region,
        "Target location",
        "that of DR_REGION_MAP, else the vault's",
        "a region that is not the source's",
        azure="container mapping",
        layers=f"settings: DR_REGION_MAP; {CHOSEN}",
        field="target_location",
    ),
    _named(
        "target-resource-group",
        RESOURCE_GROUP,
        "Target subscription, Target resource group",
        "the source's name with -asr (DR_NAMES), in the subscription of the targets; made if that is in scope",
        in_place=IN_PLACE,
        field="target_group",
        shown_as="recoveryAzureResourceGroupId",
        sent_as="recovery_resource_group_id",
    ),
    _named(
        "target-vnet",
        NETWORK,
        "Failover virtual network",
        "that of the network mapping, else the source's name with -asr (DR_NAMES), its addresses and "
        "subnets; made if missing",
        in_place=IN_PLACE,
        field="network",
        shown_as="selectedRecoveryAzureNetworkId",
        sent_as="recovery_azure_network_id",
    ),
    _chosen(
        "target-subnet",
        each(matching(r"[A-Za-z0-9_](?:[\w.-]{0,78}\w)?", "the name of a subnet")),
        "Failover subnet",
        "that of the same name, else the first in alphabetical order that takes VMs",
        "name of a subnet of the target network, not one that Azure reserves; or nic=…, one by one",
        in_place=IN_PLACE,
        of="nic",
    ),
    _chosen(
        "target-ip",
        each(ip_address),
        "Network > target IP address of an interface",
        "a static address is kept where the target subnet has it and it is free; else the next free one",
        "a free IPv4 address of the target subnet; or nic=…, one by one",
        **_ONCE_PROTECTED,
        of="nic",
    ),
    _named(
        "target-nsg",
        SECURITY_GROUP,
        "Network > network security group of an interface",
        "none",
        **_ONCE_PROTECTED,
        of="nic",
    ),
    _named(
        "target-public-ip",
        PUBLIC_IP,
        "Network > public IP address of an interface",
        "none",
        **_ONCE_PROTECTED,
        of="nic",
    ),
    _chosen(
        "target-backend-pool",
        each(resource(POOL, by_name=False)),
        "Network > load balancer of an interface",
        "none",
        "ID of a load balancer's backend address pool; or nic=…, one by one",
        **_ONCE_PROTECTED,
        resource_type=POOL,
        of="nic",
    ),
    _named(
        "target-availability-set",
        AVAILABILITY_SET,
        "Availability options > availability set",
        "the source's name with -asr (DR_NAMES) if the VM is in one; made if missing",
        optional=True,
        in_place="update of the item, if it has a set",
        field="availability_set",
        shown_as="recoveryAvailabilitySet",
        sent_as="recovery_availability_set_id",
    ),
    _named(
        "target-scale-set",
        SCALE_SET,
        "Availability options > virtual machine scale set",
        "none",
        in_place="update of the item, if it has a scale set",
        field="scale_set",
        shown_as="recoveryVirtualMachineScaleSetId",
        sent_as="recovery_virtual_machine_scale_set_id",
    ),
    _chosen(
        "target-zone",
        one_of("1", "2", "3", "none"),
        "Availability options > availability zone",
        "none",
        "1, 2 or 3, where the target region offers it for the VM's size; or none",
        in_place="update of the item, if it has no set; Azure may refuse it, and is asked once a day at most",
        field="zone",
        shown_as="recoveryAvailabilityZone",
        sent_as="recovery_availability_zone",
    ),
    _named(
        "target-ppg",
        PLACEMENT_GROUP,
        "Availability options > proximity placement group",
        "the source's name with -asr (DR_NAMES) if the VM is in one; made if missing",
        optional=True,
        in_place=IN_PLACE,
        field="placement_group",
        shown_as="recoveryProximityPlacementGroupId",
        sent_as="recovery_proximity_placement_group_id",
    ),
    _named(
        "target-capacity-reservation",
        RESERVATION,
        "Availability options > capacity reservation",
        "none",
        in_place=IN_PLACE,
        field="capacity_reservation",
        shown_as="recoveryCapacityReservationGroupId",
        sent_as="recovery_capacity_reservation_group_id",
    ),
    _chosen(
        "target-size",
        matching(
            rf"[A-Za-z0-9]+_[A-Za-z0-9_-]{{1,60}}|(?i:{OF_SOURCE})", f"a VM size, as Standard_D2s_v5, or {OF_SOURCE}"
        ),
        "Compute > size of the target VM",
        "the source's when it is enabled",
        f"a size that the target region offers; or {OF_SOURCE}: the source's, also after that was resized",
        **_ONCE_PROTECTED,
        field="size",
        shown_as="recoveryAzureVMSize",
    ),
    _chosen(
        "target-name",
        matching(r"(?!(?i:none)$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?", "1 to 64 letters, digits and -"),
        "Compute > name of the target VM",
        "the source's",
        "1 to 64 letters, digits and - (15 for Windows)",
        **_ONCE_PROTECTED,
        field="name",
        shown_as="recoveryAzureVMName",
    ),
    _named(
        "target-boot-diagnostics",
        ACCOUNT,
        "Compute > boot diagnostics account",
        "none",
        in_place=IN_PLACE,
        field="boot_diagnostics",
        shown_as="recoveryBootDiagStorageAccountId",
        sent_as="recovery_boot_diag_storage_account_id",
    ),
    _chosen(
        "target-disk-type",
        each(one_of(*DISK_TYPES)),
        "Storage > target managed disk",
        "the source disk's",
        _OF_DISKS.format(", with high churn PremiumV2_LRS (in a zone) or UltraSSD_LRS"),
        in_place=IN_PLACE,
        of="disk",
    ),
    _chosen(
        "replica-disk-type",
        each(one_of(*DISK_TYPES)),
        "Storage > replica managed disk",
        "the source disk's; Premium_LRS for a Premium SSD v2 or Ultra disk",
        _OF_DISKS.format(""),
        in_place=IN_PLACE,
        of="disk",
    ),
    _named(
        "target-disk-encryption-set",
        ENCRYPTION_SET,
        "Encryption settings > disk encryption set",
        "none; needed for each disk with a customer-managed key",
        of="disk",
    ),
    _derived(
        "targetKeyVault",
        "Encryption settings > disk and key encryption key vault (Azure Disk Encryption)",
        "none",
        "none: such a VM is refused (`DiskEncryptionNeedsKeys`)",
        azure="enable job",
    ),
    _named(
        "target-storage",
        ACCOUNT,
        "Storage > target storage account",
        "the source's name with asr, for unmanaged disks (retired by Azure: such a VM is refused)",
    ),
    _named(
        "cache-storage",
        ACCOUNT,
        "Storage > cache storage",
        "one for each subscription, source region and churn, and the next when it is full; made if missing",
    ),
    _chosen(
        "churn",
        one_of(NORMAL_CHURN, HIGH_CHURN),
        "Storage > churn for the VM",
        NORMAL_CHURN,
        "normal (54 MB/s a VM), or high (100 MB/s: a premium block blob cache account)",
        azure="kind of the cache account",
        field="high_churn",
    ),
    _chosen(
        "exclude-disks",
        listed(matching(r"[0-9]|[1-5][0-9]|6[0-3]|[A-Za-z0-9][\w.-]{0,79}", "names or LUNs of data disks, or none")),
        "Storage > disks to replicate",
        "none: all disks are replicated",
        "names or LUNs of data disks, comma-separated, or none; never the OS disk",
        in_place=ADDED,
        listed=True,
    ),
    _chosen(
        "consistency-group",
        matching(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,62}[A-Za-z0-9])?", "1 to 64 letters, digits, spaces, - and _"),
        "Replication policy > Replication group (multi-VM consistency)",
        "none",
        "a name; at most 16 VMs of one subscription and region",
        field="consistency_group",
        sent_as="multi_vm_group_name",
    ),
    Row(
        "replicationPolicy",
        "Replication policy > name",
        "named by its values (DR_NAMES; policyName of a profile), one for each pair of regions and set of values",
        "found by its values, whatever its name",
        layers=_POLICY,
    ),
    Row(
        "recoveryPointRetention",
        "Replication policy > Recovery point retention",
        "24 h",
        "1 h to 15 days (1 to 72 h in the older walkthrough)",
        azure="policy (150261)",
        layers=_POLICY,
        in_place="edit of the policy, for all VMs under it, confirmed",
    ),
    Row(
        "appConsistentFrequency",
        "Replication policy > App-consistent snapshot frequency",
        "4 h (off in the portal's own policy of today)",
        "1 to 12 h, at most the retention; or off",
        azure="policy (150261)",
        layers=_POLICY,
        in_place="edit of the policy, for all VMs under it, confirmed",
    ),
    _derived("crashConsistentFrequency", "Replication policy > crash-consistent", "5 min", "5 min", "Site Recovery"),
    Row(
        "agentUpdate",
        "Extension settings > Update settings, Automation account",
        "off",
        "the ID of an automation account in the vault's subscription, or none",
        azure="container mapping",
        in_place="update of the mapping, for all VMs of the pair",
        layers="settings: DR_AGENT_AUTOMATION_ACCOUNT",
    ),
)

CHOICES: dict[str, Row] = {row.tag: row for row in ROWS if row.tag}
"""Rows by the part of the tag's name behind `dr-`."""

# Options, and the field of `Replication` and of the item's settings that holds each.
UPDATED_FIELDS = {tag: row.field for tag, row in CHOICES.items() if row.field and row.in_place != FIXED}
FIXED_FIELDS = {tag: row.field for tag, row in CHOICES.items() if row.field and row.in_place == FIXED}
ITEM_FIELDS = UPDATED_FIELDS | FIXED_FIELDS

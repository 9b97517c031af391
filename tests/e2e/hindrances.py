"""VMs with something in their way, or worth a warning, and what a plan is to report each."""

import json
from typing import Any, NamedTuple

from shared.model.names import DEFAULT_NAMES
from tests import estates
from tests.estates import GROUP, SOURCE, SUBSCRIPTION, TARGET, VAULT, resource_id

Json = dict[str, Any]

OTHER = "22222222-2222-4222-8222-222222222222"
SECOND_VAULT = resource_id("Microsoft.RecoveryServices/vaults", "locked-vault", f"{GROUP}-vaults")
LOST_VAULT = resource_id("Microsoft.RecoveryServices/vaults", "lost-vault", f"{GROUP}-vaults")
FOREIGN_VAULT = resource_id("Microsoft.RecoveryServices/vaults", "portal-vault", f"{GROUP}-vaults")
THERE = f"{GROUP}-asr"
"""The target group of the VMs' own."""
CHAINED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/chained"
LABELLED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/labelled"
SEALED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sealed"
NETWORKS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/networks"
CLAIMED = resource_id("Microsoft.Network/virtualNetworks", "vnet-claimed-asr", THERE)
"""The target of vnet-app, as an item has it, which is what vnet-claimed would be led to by its name."""
FENCED = resource_id("Microsoft.Network/virtualNetworks", "vnet-fenced", NETWORKS)
MANAGED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mc-aks"
CACHES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/asr-cache"

GUARD = resource_id("Microsoft.Network/networkSecurityGroups", "guard")
ROUTES = resource_id("Microsoft.Network/routeTables", "out")
KEYS = resource_id("Microsoft.Compute/diskEncryptionSets", "keys")
HOSTS = resource_id("Microsoft.Compute/hostGroups", "owners")
HOST = f"{HOSTS}/hosts/first"
SCALE_SET, SCALING, FLEXIBLE = (
    resource_id("Microsoft.Compute/virtualMachineScaleSets", name) for name in ("fleet", "scaling", "pair")
)
NAT = resource_id("Microsoft.Network/natGateways", "way-out")
APPLICATIONS = resource_id("Microsoft.Network/applicationSecurityGroups", "fronts")
ADDRESS = resource_id("Microsoft.Network/publicIPAddresses", "busy-address", THERE)
BALANCER = resource_id("Microsoft.Network/loadBalancers", "public", THERE)
TWINS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/twins"
HOMELY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/homely"
PLACEMENT = resource_id("Microsoft.Compute/proximityPlacementGroups", "near", THERE)
KEYLESS = resource_id("Microsoft.Storage/storageAccounts", "keyless", f"{CACHES}-{SOURCE}")
KEYLESS_TOO = resource_id("Microsoft.Storage/storageAccounts", "keylesstoo", f"{CACHES}-centralus")
SOFT = resource_id("Microsoft.Storage/storageAccounts", "softcache", f"{CACHES}-{SOURCE}")
FENCED_CACHE = resource_id("Microsoft.Storage/storageAccounts", "fencedcache", f"{CACHES}-{SOURCE}")
PRIVATE_CACHE = resource_id("Microsoft.Storage/storageAccounts", "privatecache", f"{CACHES}-{SOURCE}")
WALLED = resource_id("Microsoft.Storage/storageAccounts", "walledcache", f"{CACHES}-{SOURCE}")
SHUT, FLOODED = (
    str(DEFAULT_NAMES.cache_account(SUBSCRIPTION, region, "local", premium=premium))
    for region, premium in (("centralus", False), (SOURCE, True))
)
"""The app's own accounts: one that refuses its keys, one with soft delete."""
BLOBS = resource_id("Microsoft.Storage/storageAccounts", "oldblobs")
LOOT = resource_id("Microsoft.Storage/storageAccounts", "loot", f"/subscriptions/{OTHER}/resourceGroups/loot")

_REGIONS = (SOURCE, TARGET, "centralus", "southcentralus", "northeurope", "westeurope")
SETTINGS = {
    "DR_VAULT_IDS": f"{VAULT},{SECOND_VAULT},{LOST_VAULT}",
    "DR_TARGET_SCOPE": ",".join(
        (
            f"/subscriptions/{SUBSCRIPTION}",
            *(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/asr-cache-{region}" for region in _REGIONS),
            *(f"/subscriptions/{OTHER}/resourceGroups/{group}" for group in ("prepared", f"asr-cache-{SOURCE}")),
        )
    ),
    "DR_REGION_MAP": json.dumps(
        {
            SOURCE: {"vault": VAULT},
            TARGET: {"vault": VAULT},
            "southcentralus": {"vault": VAULT, "targetLocation": "northcentralus"},
            "centralus": {"vault": SECOND_VAULT},
            "northeurope": {"vault": LOST_VAULT},
        }
    ),
    "DR_PROFILES": json.dumps(
        {
            "open": {
                "allow": {
                    tag: ["*"]
                    for tag in (
                        *("target-location", "target-vnet", "target-nsg", "target-ppg", "target-ip", "target-size"),
                        *("cache-storage", "churn", "target-availability-set", "target-zone"),
                        *("target-disk-type", "replica-disk-type"),
                        *("target-public-ip", "target-backend-pool", "target-resource-group"),
                    )
                }
            }
        }
    ),
}


class Case(NamedTuple):
    """A VM, the finding that it gets, and what its message and its fix have to name."""

    code: str
    severity: str
    vm: Json
    names: tuple[str, ...]

    @property
    def blocks(self) -> bool:
        """Whether PUT is refused. A failover VM is no fault: it is left as it is."""
        return self.severity == "blocker" or self.code == "FailoverVm"


def _tagged(name: str, /, **tags: str) -> Json:
    """A VM of the profile that allows much, with tags of ours."""
    own = {f"dr-{tag.replace('_', '-')}": value for tag, value in tags.items()}
    return estates.vm(name) | {"tags": {"dr": "true", "dr-profile": "open", **own}}


def _disks(name: str, *disks: Json) -> Json:
    """A VM with these disks, of which the first has the operating system."""
    return estates.vm(name) | {"disks": [{"sizeGB": 64, "sku": "Premium_LRS", **disk} for disk in disks]}


def _in(group: str, name: str, **more: Any) -> Json:
    return estates.vm(name, **more) | {"id": resource_id("Microsoft.Compute/virtualMachines", name, group)}


ULTRA = _disks("ultra", {"name": "u"}, {"name": "fast", "sku": "UltraSSD_LRS"})
REDUNDANT = estates.vm("redundant", location="southcentralus", network="vnet-south") | {
    "disks": [{"name": "zonal", "sizeGB": 64, "sku": "Premium_ZRS"}]
}


def _of_the_other_vault() -> tuple[Json, Json]:
    named = _tagged("central", cache_storage="keylesstoo") | {"location": "centralus", "nics": _nic("vnet-central")}
    return estates.vm("keyless-too", location="centralus", network="vnet-central"), named


def _blockers() -> list[tuple[str, Json, tuple[str, ...]]]:
    system = {"name": "system"}
    busy = _disks("busy", system | {"name": "y"}, {"name": "v2", "sku": "PremiumV2_LRS"})
    doubled = _tagged("doubled", replica_disk_type="doubled-disk0=PremiumV2_LRS")
    frosted = estates.vm("frosted", power="deallocated")
    error = {"code": "GuestOsNotSupported", "message": "Not this one.", "recommendedAction": "Upgrade the system."}
    keyless, central = _of_the_other_vault()
    return [
        ("VmNotRunning", estates.vm("off", power="deallocated"), ("off is deallocated", "Start the VM")),
        ("VmNotRunning", estates.vm("halted", power="stopped"), ("halted is stopped",)),
        ("VmNotReady", estates.vm("broken", provisioningState="Failed"), ("broken is Failed", "Succeeded", "150019")),
        (
            "NotEligibleForReplication",
            estates.vm("ineligible", eligibilityErrors=[error]),
            ("GuestOsNotSupported: Not this one.", "Upgrade the system."),
        ),
        (
            "NameNotUnique",
            estates.vm("claimant", network="vnet-claimed"),
            ("vnet-claimed-asr, which another network has", "vnet-app.", "dr-target-vnet"),
        ),
        ("HighChurnNeeded", ULTRA, ("disk fast of ultra", "an Ultra disk", "dr-churn=high")),
        ("TargetZoneNeeded", busy, ("disk v2 of busy", f"needs an availability zone in {TARGET}")),
        ("UnsupportedReplicaType", doubled, ("replica of doubled-disk0", "a Premium SSD v2")),
        ("HighChurnNeeded", doubled, ("disk doubled-disk0", "a Premium SSD v2")),
        ("DiskTypeNotInTarget", REDUNDANT, ("disk zonal of redundant", "Premium_ZRS", "northcentralus")),
        (
            "ZoneRedundancyLost",
            _disks("narrowed", {"name": "broad", "sku": "Premium_ZRS"})
            | {"tags": {"dr": "true", "dr-profile": "open", "dr-target-disk-type": "Premium_LRS"}},
            ("disk broad of narrowed", "Premium_LRS"),
        ),
        (
            "UnsupportedDisk",
            _disks("swift", {"name": "local", "ephemeral": True}),
            ("disk local of swift", "ephemeral"),
        ),
        (
            "UnsupportedDisk",
            _disks("cluster", system | {"name": "c"}, {"name": "quorum", "maxShares": 2}),
            ("disk quorum of cluster", "a shared disk"),
        ),
        (
            "UnsupportedDisk",
            _disks("small", system | {"name": "s"}, {"name": "tiny", "sizeGB": 0}),
            ("disk tiny of small", "smaller than 1 GiB", "150172"),
        ),
        (
            "UnsupportedDisk",
            _disks("big", system | {"name": "b"}, {"name": "huge", "sizeGB": 33_000}),
            ("disk huge of big", "larger than 32 TiB"),
        ),
        (
            "UnsupportedDisk",
            _disks("grown", {"name": "system-of-grown", "sizeGB": 4096}),
            ("disk system-of-grown of grown", "an OS disk larger than 4095 GiB"),
        ),
        ("TooManyDisks", estates.vm("wide", size="Standard_M64s", disks=66), ("wide has 66 disks", "at most 65")),
        (
            "HighChurnNeeded",
            busy,
            ("disk v2", "Premium SSD v2", "dr-churn=high"),
        ),
        (
            "DiskEncryptionSetNeeded",
            _disks("keyed", {"name": "secret", "encryptionSet": KEYS}),
            ("disk secret of keyed", "keys", TARGET, "dr-target-disk-encryption-set"),
        ),
        (
            "UnmanagedDisks",
            estates.vm("old") | {"disks": [{"name": name, "storageAccount": BLOBS} for name in ("old-os", "old-data")]},
            ("old has 2 unmanaged disk(s)", "retired on 2025-09-30", "Convert the disks to managed disks"),
        ),
        (
            "DiskEncryptionNeedsKeys",
            _disks("ade", {"name": "vaulted", "azureDiskEncryption": True}),
            ("ade uses Azure Disk Encryption", "key vault", "portal"),
        ),
        (
            "ConfidentialVm",
            estates.vm("private", security="ConfidentialVM", size="Standard_DC2as_v5"),
            ("private is a confidential VM",),
        ),
        ("NvmeDiskController", estates.vm("nvme", diskController="NVMe"), ("nvme reaches its disks by NVMe",)),
        ("ArmArchitecture", estates.vm("arm", size="Standard_D2ps_v5"), ("Standard_D2ps_v5 of arm", "ARM64")),
        ("DedicatedHost", estates.vm("sole", hostGroup=HOSTS), ("sole is on the dedicated host", "owners")),
        ("DedicatedHost", estates.vm("single", host=HOST), ("single is on the dedicated host", "first")),
        ("EdgeZone", estates.vm("edgy", edgeZone="losangeles"), ("edgy is in the edge zone losangeles",)),
        ("ExtensionsNotAllowed", estates.vm("sealed-off", allowExtensionOperations=False), ("sealed-off takes no",)),
        ("ExtensionsNotAllowed", estates.vm("agentless", provisionVMAgent=False), ("agentless takes no extensions",)),
        (
            "TrustedLaunchLinux",
            estates.vm("trusted-old", security="TrustedLaunch", created="2023-05-01T00:00:00Z"),
            ("trusted-old is a Linux VM with Trusted Launch", "made on 2023-05-01", "Recreate the VM"),
        ),
        (
            "WriteAcceleratorDisk",
            _disks("rushed", system | {"name": "r"}, {"name": "log", "writeAccelerator": True}),
            ("disk log of rushed", "write accelerator"),
        ),
        ("ScaleSetInstance", estates.vm("instance", scaleSet=SCALE_SET), ("instance", "scale set fleet", "Uniform")),
        ("ScaleSetInstance", estates.vm("scaled", scaleSet=SCALING), ("scale set scaling", "has a scaling profile")),
        ("ManagedResourceGroup", _in(MANAGED, "node"), ("mc-aks", "managedClusters/aks")),
        (
            "FailoverVm",
            _in(THERE, "failed-over", location=TARGET, network="vnet-near"),
            (f"copy that a failover or test failover made of {estates.vm_id('failed-over')}",),
        ),
        ("OnHold", estates.vm("held") | {"tags": {"dr": "true", "dr-hold": "migration"}}, ("held", "tag dr-hold")),
        (
            "SizeNotInTarget",
            estates.vm("rare", size="Standard_E2s_v5"),
            ("rare", "Standard_E2s_v5", TARGET, "150097", "dr-target-size"),
        ),
        (
            "TargetQuotaExceeded",
            estates.vm("costly", size="Standard_D2s_v4"),
            ("Standard_D2s_v4 needs 2 cores", "standardDSv4Family", "1 are left", TARGET, "150097", "dr-target-size"),
        ),
        # Who asks for a plan wants to know it all.
        ("ReadOnlyLock", frosted, ("lock ice", "frosted read-only", "CanNotDelete")),
        ("VmNotRunning", frosted, ("frosted is deallocated",)),
        ("ReadOnlyLock", _in(SEALED, "sealed-1"), ("lock wax", "sealed-asr read-only")),
        (
            "ReadOnlyLock",
            estates.vm("remote", nics=[{"name": "remote-nic", "subnet": f"{FENCED}/subnets/web"}]),
            ("lock fence", "vnet-fenced-asr read-only"),
        ),
        ("ReadOnlyLock", central, ("lock of-cache", "asr-cache-centralus makes keylesstoo read-only")),
        ("ReadOnlyLock", central, ("lock of-vault", "locked-vault read-only")),
        (
            "StaleLink",
            estates.vm("linked"),
            ("ASR-Protect-old of linked", f"az resource delete --ids {estates.vm_id('linked')}/", "150226"),
        ),
        ("ProtectedElsewhere", estates.vm("elsewhere"), ("elsewhere is protected by", FOREIGN_VAULT, "DR_VAULT_IDS")),
        (
            "VaultInSourceRegion",
            estates.vm("near", location=TARGET, network="vnet-near"),
            ("dr-vault is in westus2", "DR_REGION_MAP"),
        ),
        (
            "VaultNotFound",
            estates.vm("astray", location="northeurope", network="vnet-north"),
            ("lost-vault", "DR_VAULT_IDS"),
        ),
        ("TargetConflict", estates.vm("namesake"), ("namesake", f"{THERE}/", "dr-target-name")),
        ("TargetInSourceRegion", _tagged("own", target_location="East US"), ("own", SOURCE)),
        (
            "RegionNotMapped",
            estates.vm("unmapped", location="westeurope", network="vnet-europe"),
            ("unmapped is in westeurope", "DR_REGION_MAP"),
        ),
        (
            "TargetGroupNotPrepared",
            _in(f"/subscriptions/{OTHER}/resourceGroups/app", "stranger"),
            (f"/subscriptions/{OTHER}/resourceGroups/app-asr", "DR_TARGET_RESOURCE_GROUPS prepared,app-asr && azd"),
        ),
        (
            "TargetConflict",
            _in(TWINS, "failed-over", tags=_tagged("failed-over", target_resource_group=THERE)["tags"])
            | {"disks": [{"name": "own-disk", "sizeGB": 64}]},
            ("failed-over", THERE, "dr-target-name"),
        ),
        (
            "TargetGroupInSourceRegion",
            _in(HOMELY, "homely-1"),
            (f"{HOMELY}-asr exists in {SOURCE}", "dr-target-resource-group"),
        ),
        (
            "TargetSubnetUnusable",
            estates.vm("hub", network="vnet-hub"),
            ("hub-nic of hub", "vnet-hub-asr has no subnet web", "dr-target-subnet"),
        ),
        (
            "CacheAccountUnreachable",
            _tagged("fenced", cache_storage="fencedcache"),
            ("fencedcache lets no subnet of the VM in", f"{estates.network_id('vnet-app')}/subnets/web"),
        ),
        (
            "CacheAccountUnreachable",
            _tagged("unlisted", cache_storage="privatecache"),
            ("privatecache takes no public access", "private endpoint", "dr-cache-storage"),
        ),
        # The app's own accounts are held to the rules as well.
        (
            "IncompatibleTargetResource",
            keyless,
            (SHUT, "has keys off", "the vault has no identity", "dr-cache-storage"),
        ),
        ("ReadOnlyLock", keyless, ("lock of-cache",)),
        ("ReadOnlyLock", keyless, ("lock of-vault",)),
        (
            "IncompatibleTargetResource",
            _tagged("flooded", churn="high"),
            (FLOODED, "has soft delete on", "dr-cache-storage"),
        ),
        (
            "IncompatibleTargetResource",
            estates.vm("squatted", network="vnet-taken"),
            ("vnet-taken-asr", "northeurope", TARGET),
        ),
        (
            "OverrideInvalid",
            _tagged("misspelt", target_subnett="web"),
            ("tag dr-target-subnett", "dr-target-subnet,", "Change or remove the tag"),
        ),
        ("OverrideInvalid", _tagged("loud", churn="huge"), ("tag dr-churn is 'huge'", "normal, high")),
        (
            "OverrideInvalid",
            estates.vm("platinum") | {"tags": {"dr": "true", "dr-profile": "platinum"}},
            ("tag dr-profile is 'platinum'", "open", "DR_PROFILES"),
        ),
        (
            "OverrideInvalid",
            _tagged("unguarded", target_nsg="wall"),
            ("tag dr-target-nsg is 'wall'", "a resource that exists", f"{THERE}/"),
        ),
        (
            "OverrideInvalid",
            _tagged("apart", target_ppg="near"),
            ("tag dr-target-ppg is 'near'", TARGET, "northeurope"),
        ),
        (
            "OverrideInvalid",
            _tagged("reserved", target_ip="10.1.1.3"),
            ("tag dr-target-ip is '10.1.1.3'", "10.1.1.0/24", "Azure's own"),
        ),
        (
            "OverrideInvalid",
            _tagged("twofold", target_zone="3"),
            ("tag dr-target-zone is '3'", "1, 2", "Standard_D2s_v5"),
        ),
        (
            "OverrideInvalid",
            _tagged("grouped", target_availability_set="some"),
            ("tag dr-target-availability-set is 'some'", "grouped is in no availability set"),
        ),
        (
            "OverrideInvalid",
            central,
            ("tag dr-cache-storage is 'keylesstoo'", "key access", "a vault with an identity"),
        ),
        (
            "OverrideNotAllowed",
            estates.vm("bold") | {"tags": {"dr": "true", "dr-target-size": "Standard_D4s_v5"}},
            ("tag dr-target-size requests 'Standard_D4s_v5'", "profile default allows nothing", "DR_PROFILES"),
        ),
        (
            "OverrideInvalid",
            _tagged("soft", cache_storage="softcache"),
            ("tag dr-cache-storage is 'softcache'", "soft delete on"),
        ),
        ("OverrideInvalid", _tagged("walled", cache_storage="walledcache"), ("walledcache has a firewall", "trusted")),
        (
            "OverrideInvalid",
            _tagged("cramped", target_size="Standard_A2_v2"),
            ("tag dr-target-size is 'Standard_A2_v2'", "premium"),
        ),
        (
            "OverrideNotAllowed",
            _in(LABELLED, "labelled-1"),
            ("tag dr-target-size of the resource group labelled requests 'Standard_D4s_v5'", "profile default"),
        ),
        (
            "OverrideNotAllowed",
            _tagged("thief", cache_storage=LOOT),
            ("tag dr-cache-storage", LOOT, "outside DR_TARGET_SCOPE", f"/subscriptions/{SUBSCRIPTION}"),
        ),
    ]


def _others() -> list[Case]:
    odd = estates.vm("odd", nics=_nic("vnet-odd", privateIp="10.6.1.7"))
    keyless_too, central = _of_the_other_vault()
    far = estates.vm("far", location="southcentralus", network="vnet-south")
    keyless = _tagged("keyless", cache_storage=KEYLESS)
    trusted, hosted = estates.vm("trusted", security="TrustedLaunch"), estates.vm("hosted", encryptionAtHost=True)
    unpeered = ("vnet-odd is peered", "vnet-odd-asr with none")
    rich_nic = {"secondaryIps": ["10.9.1.9"], "applicationSecurityGroups": [APPLICATIONS]}
    rich = estates.vm("rich", nics=[_nic("vnet-rich")[0] | rich_nic])
    moved = estates.vm("moved", network="vnet-renamed")
    twin = _in(TWINS, "twin", tags=_tagged("twin", target_resource_group=THERE)["tags"]) | {
        "disks": [{"name": "failed-over-disk0", "sizeGB": 64}]
    }
    exposed = _tagged("exposed", target_public_ip=ADDRESS, target_backend_pool=f"{BALANCER}/backendAddressPools/web")
    return [
        Case("TrustedLaunchLinux", "warning", trusted, ("trusted is a Linux VM with Trusted Launch",)),
        Case("ScaleSetInstance", "note", estates.vm("paired", scaleSet=FLEXIBLE), ("scale set pair", "no scale set")),
        Case("UltraDisksNotInTarget", "warning", ULTRA, ("no Ultra disks in westus2 outside a zone", "1, 2", "fast")),
        Case("VmAgentNotKnown", "note", estates.vm("imported", osProfile=False), ("imported has no OS profile",)),
        Case("EncryptionAtHostNotKept", "warning", hosted, ("hosted is encrypted at host", "after a failover")),
        Case(
            "SmallVm",
            "warning",
            estates.vm("little", size="Standard_B1ms"),
            ("B1ms of little has 1 core(s)", "2 cores"),
        ),
        Case("LockedVm", "warning", estates.vm("kept"), ("lock chain", "150225", "kept")),
        Case(
            "LockedTarget", "warning", _in(CHAINED, "chained-1"), ("lock link", "chained-asr", "disabled replication")
        ),
        Case("TargetNotVaultRegion", "warning", REDUNDANT, ("northcentralus",)),
        Case("TargetNotVaultRegion", "warning", far, ("northcentralus", "dr-vault is in westus2")),
        Case("StaticIpNotPreserved", "warning", odd, ("10.6.1.7", "odd-nic", "does not lie in it", "dr-target-ip")),
        Case("TargetSubnetWithoutNsg", "warning", odd, ("web of vnet-odd", "security group", "vnet-odd-asr")),
        Case("TargetSubnetWithoutRouteTable", "warning", odd, ("web of vnet-odd", "route table", "vnet-odd-asr")),
        Case("TargetNetworkUnpeered", "warning", odd, unpeered),
        Case("TargetSubnetWithoutNatGateway", "warning", rich, ("web of vnet-rich", "NAT gateway", "vnet-rich-asr")),
        Case("TargetSubnetWithoutServiceEndpoints", "warning", rich, ("Microsoft.Storage", "Microsoft.Sql")),
        Case("TargetNetworkWithoutDelegations", "warning", rich, ("vnet-rich delegates jobs to Microsoft.Web",)),
        Case("ApplicationSecurityGroupsNotKept", "warning", rich, ("nic-vnet-rich", "(fronts)")),
        Case("SecondaryAddressesNotKept", "warning", rich, ("nic-vnet-rich", "(ipconfig2)")),
        Case("TargetSubnetDiffers", "warning", moved, ("vnet-renamed-asr has no subnet web", "nic into apps")),
        Case("TargetNetworkWithoutDnsServers", "warning", moved, ("(10.10.0.4)", "vnet-renamed-asr has none")),
        Case(
            "TargetSubnetWithoutOutboundAccess", "warning", moved, ("web of vnet-renamed", "apps of vnet-renamed-asr")
        ),
        Case("TargetConflict", "warning", twin, ("failed-over-disk0-ASRReplica in", estates.vm_id("failed-over"))),
        Case("TargetPublicIpUnusable", "warning", exposed, ("busy-address is attached to bastion", "SKU Basic")),
        Case("TargetPoolOfInternetLoadBalancer", "warning", exposed, ("web is of an internet load balancer",)),
        Case("VaultGroupInSourceRegion", "warning", keyless_too, ("app-vaults of the vault locked-vault", "centralus")),
        Case("VaultGroupInSourceRegion", "warning", central, ("app-vaults of the vault locked-vault", "centralus")),
        Case("ItemFrozen", "warning", estates.vm("failed-over"), ("failover", "never written to")),
        Case(
            "NotManagedByApp",
            "note",
            estates.vm("failed-over"),
            ("by-hand, which this deployment did not create", "never removes"),
        ),
        Case("CacheAccountRolesNeeded", "warning", keyless, ("keyless", "Storage Blob Data Contributor", "2026-01")),
    ]


def _nic(network: str, **more: str) -> list[Json]:
    return [
        {
            "name": "odd-nic" if more else f"nic-{network}",
            "subnet": f"{estates.network_id(network)}/subnets/web",
            **more,
        }
    ]


CASES = [
    Case(code, "note" if code == "FailoverVm" else "blocker", vm, names) for code, vm, names in _blockers()
] + _others()

LASTING = {"VaultInSourceRegion", "RegionNotMapped", "TargetGroupNotPrepared", "ManagedResourceGroup", "FailoverVm"}
"""What the fixed estate has, too."""

"""Site Recovery says no to what its support matrix does not list: a job that fails, with the cause in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.simulator.recovery import disk_checks
from shared.config.support_rules import RULES
from shared.model.findings import Severity
from shared.planning.catalog import CATALOG
from tests.integration.simulator.azure import (
    CACHE,
    COMPUTE,
    TARGET_GROUP,
    VAULT_ID,
    azure,
    disk_id,
    enable_body,
    estate,
    machine,
    protected,
    ready_vault,
    why_refused,
)

REFUSED_AS = {
    "VmNotRunning": "159004",
    "VmNotReady": "150019",
    "ScaleSetInstance": "159080",
    "TooManyDisks": "159105",
    "UnmanagedDisks": "159068",
    "ConfidentialVm": "159054",
    "DiskEncryptionNeedsKeys": "159053",
    "TrustedLaunchLinux": "159069",
    "NvmeDiskController": "159072",
    "ArmArchitecture": "159073",
    "DedicatedHost": "159070",
    "EdgeZone": "159071",
    "ExtensionsNotAllowed": "159075",
    "WriteAcceleratorDisk": "159074",
    "TooManyReplicatedDisks": "159085",
    "UnsupportedDisk": "150172 159046 159065 159106",
    "HighChurnNeeded": "159051",
    "TargetZoneNeeded": "159077",
    "UnsupportedReplicaType": "159076",
    "ZoneRedundancyLost": "159078",
    "DiskTypeNotInTarget": "159079",
    "DiskEncryptionSetNeeded": "159052",
    "SizeNotInTarget": "150097",
    "TargetQuotaExceeded": "150097",
    "StaleLink": "150226",
    "VaultInSourceRegion": "159003",
    "TargetGroupInSourceRegion": "159009",
    "CacheAccountUnreachable": "159103 159104",
    "TargetSubnetUnusable": "159101",
}
"""The errors of the simulator by the rules that block."""
NOT_PLAYED = {"ClassicVm", "TargetInSourceRegion"}
"""The simulator has no classic VMs; Azure replicates between zones of one region, which this app leaves alone."""


def test_every_rule_that_blocks_is_played_and_its_refusal_tested() -> None:
    blocking = {
        rule.code
        for rule in RULES
        if Severity.BLOCKER
        in {CATALOG[rule.code].severity, *(each.severity for each in CATALOG[rule.code].cases.values())}
    }
    tested = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
    tested += Path(__file__).read_text().split("NOT_PLAYED", 1)[1]
    documented = Path("local/simulator/README.md").read_text()

    assert blocking == {*REFUSED_AS, *NOT_PLAYED}
    codes = {code for given in REFUSED_AS.values() for code in given.split()}
    assert {code for code in codes if f'"{code}"' not in tested or code not in documented} == set()


_SET: dict[str, Any] = {"id": f"{COMPUTE}/virtualMachineScaleSets/pool", "location": "eastus"}
MANY = [{"name": f"web-1-{name}"} for name in ("os", *range(65))]
_UNIFORM = _SET | {"properties": {"orchestrationMode": "Uniform"}}
_SCALING = _SET | {"properties": {"virtualMachineProfile": {"osProfile": {}}}}
_HOST_GROUP = {"id": f"{COMPUTE}/hostGroups/owners", "location": "eastus"}


@pytest.mark.parametrize(
    ("code", "vm", "more"),
    [
        ("159069", {"security": "TrustedLaunch", "created": "2024-03-31T23:00:00Z"}, {}),
        ("159070", {"hostGroup": _HOST_GROUP["id"]}, {"resources": [_HOST_GROUP]}),
        ("159080", {"scaleSet": _SET["id"]}, {"resources": [_UNIFORM]}),
        ("159080", {"scaleSet": _SET["id"]}, {"resources": [_SCALING]}),
        ("159071", {"edgeZone": "losangeles"}, {}),
        ("159072", {"diskController": "NVMe"}, {}),
        ("159073", {"size": "Standard_D4ps_v5"}, {}),
        ("159074", {"disks": [{"name": "web-1-os", "writeAccelerator": True}]}, {}),
        ("159075", {"allowExtensionOperations": False}, {}),
        ("159075", {"os": "Windows", "provisionVMAgent": False}, {}),
        ("159105", {"disks": MANY}, {}),
        ("159106", {"disks": [{"name": "web-1-os", "sizeGB": 4096}]}, {}),
        ("159003", {}, {"vaults": [{"id": VAULT_ID, "location": "eastus"}]}),
    ],
    ids=str,
)
async def test_enabling_what_is_not_supported_fails(code: str, vm: dict[str, Any], more: dict[str, Any]) -> None:
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    existing = estate(machine("web-1", **vm), siteRecovery=ready_vault(), resourceGroups=groups) | more
    async with azure(existing) as clients:
        error = await why_refused(clients, enable_body("web-1"))

    assert error["code"] == code
    assert error["message"]


@pytest.mark.parametrize(
    ("code", "sku", "chosen", "more"),
    [
        ("159051", "UltraSSD_LRS", {}, {}),
        ("159051", "Premium_LRS", {"recoveryTargetDiskAccountType": "UltraSSD_LRS"}, {}),
        ("159076", "Premium_LRS", {"recoveryReplicaDiskAccountType": "PremiumV2_LRS"}, {"premium": True}),
        ("159077", "Premium_LRS", {"recoveryTargetDiskAccountType": "PremiumV2_LRS"}, {"premium": True}),
        ("159107", "", {"recoveryTargetDiskAccountType": "PremiumV2_LRS"}, {"premium": True}),
        ("159107", "", {"recoveryTargetDiskAccountType": "UltraSSD_LRS"}, {"premium": True}),
        ("159078", "Premium_ZRS", {"recoveryTargetDiskAccountType": "Premium_LRS"}, {}),
        ("159078", "StandardSSD_ZRS", {"recoveryReplicaDiskAccountType": "StandardSSD_LRS"}, {}),
    ],
    ids=str,
)
async def test_a_disk_of_a_type_that_cannot_be_had_fails(
    code: str, sku: str, chosen: dict[str, str], more: dict[str, bool]
) -> None:
    """Without a SKU of a data disk it is the OS disk."""
    zone = None if sku else "1"
    disks = [{"name": "web-1-os"}, *([{"name": "web-1-data", "sku": sku}] if sku else [])]
    kind = {"kind": "BlockBlobStorage", "sku": "Premium_LRS"} if more.get("premium") else {}
    existing = estate(
        machine("web-1", disks=disks),
        siteRecovery=ready_vault(),
        resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}],
        storageAccounts=[{"id": f"{CACHE}2", "location": "eastus", **kind}],
    )
    (system,) = enable_body("web-1")["properties"]["providerSpecificDetails"]["vmManagedDisks"]
    system |= {"primaryStagingAzureStorageAccountId": f"{CACHE}2"}
    data = {**system, "diskId": disk_id("web-1-data"), **chosen}
    async with azure(existing) as clients:
        given = [system, data] if sku else [system | chosen]
        error = await why_refused(clients, enable_body("web-1", recoveryAvailabilityZone=zone, vmManagedDisks=given))

    assert error["code"] == code


@pytest.mark.parametrize("sku", ["Premium_ZRS", "StandardSSD_ZRS"])
async def test_a_zone_redundant_disk_does_not_go_to_a_region_without_zones(sku: str) -> None:
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    vm = machine("web-1", disks=[{"name": "web-1-os", "sku": sku}])
    zoned = json.dumps(estate(vm, siteRecovery=ready_vault(), resourceGroups=groups))
    async with azure(json.loads(zoned.replace("westus2", "westus"))) as clients:
        error = await why_refused(clients, enable_body("web-1"))

    assert error["code"] == "159079"


async def test_a_subscription_has_so_many_protected_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_checks, "MOST_PROTECTED", 1)
    machines = machine("web-1", disks=[{"name": "web-1-os"}]), machine("web-2")
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    async with azure(
        estate(*machines, siteRecovery=ready_vault([protected("web-1")]), resourceGroups=groups)
    ) as clients:
        error = await why_refused(clients, enable_body("web-2"))

    assert error["code"] == "159085"


_TARGET_SET = {"id": f"{TARGET_GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/there", "location": "westus2"}


@pytest.mark.parametrize(
    ("code", "target", "chosen"),
    [
        ("159066", None, {}),
        ("159081", _TARGET_SET | {"properties": {"orchestrationMode": "Uniform"}}, {}),
        ("159081", _TARGET_SET | {"properties": {"virtualMachineProfile": {"osProfile": {}}}}, {}),
        ("159082", _TARGET_SET | {"zones": ["1"]}, {}),
        ("159082", _TARGET_SET, {"recoveryAvailabilityZone": "1"}),
    ],
    ids=str,
)
async def test_a_target_scale_set_that_cannot_be_had_fails(
    code: str, target: dict[str, Any] | None, chosen: dict[str, str]
) -> None:
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    resources = [target] if target else []
    existing = estate(machine("web-1"), siteRecovery=ready_vault(), resourceGroups=groups, resources=resources)
    async with azure(existing) as clients:
        body = enable_body("web-1", recoveryVirtualMachineScaleSetId=_TARGET_SET["id"], **chosen)
        error = await why_refused(clients, body)

    assert error["code"] == code

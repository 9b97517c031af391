"""Site Recovery says no to what its support matrix does not list: a job that fails, with the cause in it."""

from typing import Any

import pytest

from local.simulator.recovery import disk_checks
from tests.integration.simulator.azure import (
    CACHE,
    COMPUTE,
    TARGET_GROUP,
    azure,
    disk_id,
    enable_body,
    estate,
    machine,
    protected,
    ready_vault,
    why_refused,
)

_SET: dict[str, Any] = {"id": f"{COMPUTE}/virtualMachineScaleSets/pool", "location": "eastus"}
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
    ],
    ids=str,
)
async def test_enabling_what_is_not_supported_fails(code: str, vm: dict[str, Any], more: dict[str, Any]) -> None:
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    existing = estate(machine("web-1", **vm), siteRecovery=ready_vault(), resourceGroups=groups, **more)
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
        ("159078", "Premium_ZRS", {"recoveryTargetDiskAccountType": "Premium_LRS"}, {}),
        ("159078", "StandardSSD_ZRS", {"recoveryReplicaDiskAccountType": "StandardSSD_LRS"}, {}),
    ],
    ids=str,
)
async def test_a_disk_of_a_type_that_cannot_be_had_fails(
    code: str, sku: str, chosen: dict[str, str], more: dict[str, bool]
) -> None:
    disks = [{"name": "web-1-os"}, {"name": "web-1-data", "sku": sku}]
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
        error = await why_refused(clients, enable_body("web-1", vmManagedDisks=[system, data]))

    assert error["code"] == code


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

"""Site Recovery says no to what its support matrix does not list: a job that fails, with the cause in it."""

from typing import Any

import pytest

from tests.integration.simulator.azure import (
    COMPUTE,
    TARGET_GROUP,
    azure,
    enable_body,
    estate,
    machine,
    ready_vault,
    why_refused,
)

_HOST_GROUP = {"id": f"{COMPUTE}/hostGroups/owners", "location": "eastus"}


@pytest.mark.parametrize(
    ("code", "vm", "more"),
    [
        ("159069", {"security": "TrustedLaunch", "created": "2024-03-31T23:00:00Z"}, {}),
        ("159070", {"hostGroup": _HOST_GROUP["id"]}, {"resources": [_HOST_GROUP]}),
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

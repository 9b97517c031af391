"""Who may tag a VM may not be one who may say where its disks are sent: what tags ask for beyond that is untouched."""

import json
from typing import Any
from urllib.parse import unquote

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import is_write, results, route_of, write_event
from tests.estates import GROUP, SUBSCRIPTION

FOREIGN = "33333333-3333-4333-8333-333333333333"
"""A subscription of another tenant."""
OTHER = "22222222-2222-4222-8222-222222222222"
"""One of our tenant that is no target."""
GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
PAYROLL, SHARED = f"{GROUPS}/payroll", f"{GROUPS}/shared-asr"
ACCOUNT, NETWORK = "Microsoft.Storage/storageAccounts", "Microsoft.Network/virtualNetworks"
BALANCERS = f"{GROUP}-asr/providers/Microsoft.Network/loadBalancers"

INVALID, REFUSED = "OverrideInvalid", "OverrideNotAllowed"
OPEN, NARROW = "open", "narrow"
PROFILES = {
    OPEN: {
        "allow": {
            tag: ["*"]
            for tag in (
                *("cache-storage", "target-resource-group", "target-vnet", "target-subnet", "target-ip", "target-zone"),
                *("target-size", "target-name", "target-disk-type", "consistency-group", "target-backend-pool"),
            )
        }
    },
    NARROW: {"allow": {"target-resource-group": [f"{GROUP}-asr"], "target-size": ["Standard_D4s_v5"]}},
}
SETTINGS = {
    "DR_SOURCE_SCOPE": GROUPS.rsplit("/", 1)[0],
    "DR_TARGET_SCOPE": f"{GROUP}-asr,{SHARED},{GROUPS}/asr-cache-{estates.SOURCE}",
    "DR_PROFILES": json.dumps(PROFILES),
}


def _account(subscription: str, name: str) -> str:
    return estates.resource_id(ACCOUNT, name, f"/subscriptions/{subscription}/resourceGroups/loot")


HOSTILE: list[tuple[str, str, str, str]] = [
    # Profile, tag, value, finding.
    (OPEN, "dr-cache-storage", _account(FOREIGN, "loot"), REFUSED),
    (OPEN, "dr-cache-storage", _account(OTHER, "loot"), REFUSED),
    (OPEN, "dr-cache-storage", estates.resource_id(ACCOUNT, "payrolldisks", PAYROLL), REFUSED),
    ("default", "dr-cache-storage", estates.resource_id(ACCOUNT, "loot", SHARED), REFUSED),
    (OPEN, "dr-target-resource-group", PAYROLL, REFUSED),
    (OPEN, "DR-Target-Resource-Group", PAYROLL.upper(), REFUSED),
    (OPEN, "dr-target-resource-group", "payroll", REFUSED),
    (NARROW, "dr-target-resource-group", SHARED, REFUSED),
    (NARROW, "dr-target-resource-group", f"{GROUP}-asr/../payroll", INVALID),
    (NARROW, "dr-target-size", "Standard_D64s_v5", REFUSED),
    (NARROW, "dr-target-size", "Standard_D4s_v5,Standard_D64s_v5", INVALID),
    (NARROW, "dr-target-location", "chinanorth", REFUSED),
    ("platinum", "dr-profile", "platinum", INVALID),
    ('{"recoveryPointRetentionHours":360}', "dr-profile", '{"recoveryPointRetentionHours":360}', INVALID),
    (OPEN, "dr-recovery-point-retention", "360", INVALID),
    (OPEN, "dr-replication-policy", "15-days", INVALID),
    (OPEN, "dr-vault", estates.VAULT, INVALID),
    (OPEN, "dr-target-vnet", f"{GROUP}-asr/providers/Microsoft.Network/../{NETWORK}/vnet-hub", INVALID),
    (OPEN, "dr-target-vnet", f"{GROUP}-asr/providers/{NETWORK}/..", INVALID),
    (OPEN, "dr-target-vnet", f"{GROUP}-asr/providers/{NETWORK}/%2e%2e%2f%2e%2e%2fpayroll", INVALID),
    (OPEN, "dr-target-vnet", f"{GROUP}-asr%2fproviders/{NETWORK}/vnet-hub", INVALID),
    (OPEN, "dr-target-vnet", f"{GROUP}-asr/providers/{NETWORK}/vnet-hub?api-version=1#", INVALID),
    (OPEN, "dr-target-vnet", f"{GROUP}-asr/providers/{NETWORK}/a=b,c=d", INVALID),
    (OPEN, "dr-target-vnet", f"{GROUP}-asr/providers/{ACCOUNT}/loot", INVALID),
    (OPEN, "dr-target-vnet", "../../payroll/providers/Microsoft.Network/virtualNetworks/vnet-hub", INVALID),
    (OPEN, "dr-target-vnet", "vnet-hub\nX-Injected: yes", INVALID),
    (OPEN, "dr-target-vnet", "vnet\u2215hub", INVALID),
    (OPEN, "dr-target-vnet", "vnet-hub\u202e", INVALID),
    (OPEN, "dr-target-vnet", "n" * 256, INVALID),
    (OPEN, "dr-target-backend-pool", f"{BALANCERS}/../backendAddressPools/p", INVALID),
    (OPEN, "dr-target-subnet", "web/../../payroll", INVALID),
    (OPEN, "dr-target-subnet", "a=b=c,,", INVALID),
    (OPEN, "dr-target-ip", "10.1.1.9/8", INVALID),
    (OPEN, "dr-target-ip", "\u0661\u0660.1.1.9", INVALID),
    (OPEN, "dr-target-zone", "\uff11", INVALID),
    (OPEN, "dr-target-size", "Standard_D2s_v5\nStandard_D64s_v5", INVALID),
    (OPEN, "dr-target-name", "web-1'; DROP TABLE vms; --", INVALID),
    (OPEN, "dr-target-name", "\U0001f4a9", INVALID),
    (OPEN, "dr-target-disk-type", "HDD_LRS", INVALID),
    (OPEN, "dr-consistency-group", "<script>", INVALID),
    (OPEN, "dr-churn", "", INVALID),
]  # fmt: skip


def _estate() -> dict[str, Any]:
    vms = [
        estates.vm(f"vm-{number}") | {"tags": {"dr": "true", "dr-profile": profile, tag: value}}
        for number, (profile, tag, value, _) in enumerate(HOSTILE)
    ]
    hijacked = f"{GROUPS}/hijacked"
    of_group = estates.vm("of-group", tagged=True) | {
        "id": estates.resource_id("Microsoft.Compute/virtualMachines", "of-group", hijacked)
    }
    estate = estates.estate([*vms, of_group, estates.vm("plain", tagged=False)])
    estate["subscriptions"].append({"id": OTHER, "name": "Not ours to write to"})
    estate["resourceGroups"] = [
        {"id": PAYROLL, "location": estates.TARGET},
        {"id": SHARED, "location": estates.TARGET},
        {"id": hijacked, "location": estates.SOURCE, "tags": {"dr-target-resource-group": PAYROLL}},
    ]
    estate["storageAccounts"] = [
        {"id": account, "location": estates.SOURCE, "kind": "StorageV2", "sku": "Standard_LRS"}
        for account in (_account(OTHER, "loot"), estates.resource_id(ACCOUNT, "payrolldisks", PAYROLL))
    ]
    return estate


async def test_hostile_tags_end_a_run_and_reach_nothing(start_stack: StartStack) -> None:
    estate = _estate()
    tagged = [vm["id"] for vm in estate["virtualMachines"] if vm["tags"]]
    async with start_stack(estate, settings=SETTINGS) as stack:
        answers = []
        for profile, tag, value, _ in HOSTILE:
            body = {"dr-profile": profile, tag: value}
            answers.append((body, *await stack.api("PUT", route_of(estates.vm_id("plain")), body)))
        assert await stack.instances() == []
        await stack.deliver(*map(write_event, tagged))
        ended = await results(stack, len(tagged))
        requests = await stack.app_requests()

    assert [answer for answer in answers if answer[1] != 422] == []
    assert {name: result["outcome"] for name, result in ended.items()} == dict.fromkeys(ended, "NotEligible")
    by_group = ended.pop("of-group")
    assert [finding["code"] for finding in by_group["findings"]] == [REFUSED]
    assert "tag dr-target-resource-group of the resource group hijacked" in by_group["findings"][0]["message"]
    for number, (_, tag, value, code) in enumerate(HOSTILE):
        findings = ended[f"vm-{number}"]["findings"]
        assert [finding["code"] for finding in findings] == [code], (tag, value, findings)
        assert f"tag {tag.lower()}" in findings[0]["message"]
        assert findings[0]["fix"]
        assert len(findings[0]["message"]) < 1500
    assert [request for request in requests if is_write(request)] == []
    asked = {unquote(f"{request['path']}?{request['query']}").lower() for request in requests}
    doubtful = (FOREIGN, OTHER, "payroll", "loot", "shared-asr", "..", "vnet-hub", "\n", "nnnn", "china", "15-days")
    assert [(mark, path) for mark in doubtful for path in asked if mark in path] == []

"""Subnets: which are private, which take VMs, which one Site Recovery chooses, and what is kept of an interface."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    GROUP,
    NETWORK,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT,
    VAULT_GROUP,
    Azure,
    azure,
    estate,
    machine,
    protected,
    ready_vault,
)

ITEM = (VAULT_GROUP, VAULT, "primary", "here", "item-web-1")
KEPT = [{"name": "GatewaySubnet"}, {"name": "jobs", "delegations": ["Microsoft.Web/serverFarms"]}]
FAILOVER: Any = {
    "properties": {
        "failoverDirection": "PrimaryToRecovery",
        "sourceSiteOperations": "NotRequired",
        "providerSpecificDetails": {"instanceType": "A2A"},
    }
}


def world(*subnets: dict[str, Any], vm: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A protected VM of the subnet `web`, and a target network with these subnets."""
    made = estate(vm or machine("web-1"), siteRecovery=ready_vault([protected("web-1")]), **more)
    made["networks"][1]["subnets"] = [{"prefix": f"10.1.{n}.0/24", **each} for n, each in enumerate(subnets, start=1)]
    return made


def body_of(*subnets: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    made = [
        {"name": name, "properties": {"addressPrefix": f"10.7.{number}.0/24", **properties}}
        for number, (name, properties) in enumerate(subnets)
    ]
    return {
        "location": "westus2",
        "properties": {"addressSpace": {"addressPrefixes": ["10.7.0.0/16"]}, "subnets": made, **more},
    }


async def put(clients: Azure, version: str, body: dict[str, Any]) -> dict[str, Any]:
    path = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/new?api-version={version}"
    status, found, _ = await clients.call("PUT", path, body)
    assert status in (200, 201), found
    return {each["name"]: each["properties"].get("defaultOutboundAccess") for each in found["properties"]["subnets"]}


async def test_a_new_subnet_is_private_unless_its_body_or_an_older_api_says_otherwise() -> None:
    """azure-docs, default-outbound-access: since API 2025-07-01."""
    async with azure() as clients:
        body = body_of(("silent", {}), ("open", {"defaultOutboundAccess": True}))
        assert await put(clients, "2024-05-01", body) == {"silent": None, "open": True}
        more = body_of(("silent", {}), ("open", {}), ("later", {}), dhcpOptions={"dnsServers": ["10.7.0.9"]})
        assert await put(clients, "2026-03-01", more) == {"silent": None, "open": True, "later": False}
        path = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/new?api-version=2026-03-01"
        _, found, _ = await clients.call("GET", path)
        assert found["properties"]["dhcpOptions"] == {"dnsServers": ["10.7.0.9"]}


@pytest.mark.parametrize("subnet", KEPT, ids=lambda each: each["name"])
async def test_a_subnet_that_is_kept_for_a_service_takes_no_interface(subnet: dict[str, Any]) -> None:
    async with azure(world({"name": "web"}, subnet)) as clients:
        path = f"{TARGET_GROUP}/providers/Microsoft.Network/networkInterfaces/new?api-version=2026-03-01"
        settings = {"subnet": {"id": f"{TARGET_NETWORK}/subnets/{subnet['name']}"}}
        body = {"location": "westus2", "properties": {"ipConfigurations": [{"properties": settings}]}}
        status, answer, _ = await clients.call("PUT", path, body)
        assert (status, answer["error"]["code"]) == (400, "SubnetIsReservedForService")
    source = machine("web-1", nics=[{"name": "web-1-nic", "subnet": f"{NETWORK}/subnets/{subnet['name']}"}])
    wrong = estate(source)
    wrong["networks"][0]["subnets"].append({"prefix": "10.1.9.0/24", **subnet})
    with pytest.raises(Exception, match="is kept for a service"):
        async with azure(wrong):
            pass


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["zeta", "Web"], "Web"),
        (["zeta", "alpha", "GatewaySubnet"], "alpha"),
        (["zeta", "AzureBastionSubnet"], "AzureBastionSubnet"),
    ],
)
async def test_site_recovery_chooses_the_same_name_or_the_first_in_alphabetical_order(
    names: list[str], chosen: str
) -> None:
    async with azure(world(*({"name": name} for name in names))) as clients:
        found = await clients.recovery.replication_protected_items.get(*ITEM)
        (nic,) = found.properties.provider_specific_details.vm_nics
        assert [each.recovery_subnet_name for each in nic.ip_configs] == [chosen]


@pytest.mark.parametrize("subnet", KEPT, ids=lambda each: each["name"])
async def test_a_failover_into_a_subnet_that_takes_no_vms_fails(subnet: dict[str, Any]) -> None:
    async with azure(world(subnet)) as clients:
        items = clients.recovery.replication_protected_items
        with pytest.raises(HttpResponseError):
            await (await items.begin_unplanned_failover(*ITEM, FAILOVER)).result()
        found = (await items.get(*ITEM)).properties
        assert found.protection_state == "Protected"
        status, answer, _ = await clients.call(
            "GET", f"{TARGET_GROUP}/providers/Microsoft.Compute/virtualMachines/web-1?api-version=2026-04-01"
        )
        assert (status, answer["error"]["code"]) == (404, "ResourceNotFound")


async def test_of_several_addresses_site_recovery_keeps_the_primary_one() -> None:
    group = {
        "id": f"{GROUP}/providers/Microsoft.Network/applicationSecurityGroups/front",
        "location": "eastus",
    }
    nic = {
        "name": "web-1-nic",
        "subnet": f"{NETWORK}/subnets/web",
        "privateIp": "10.1.1.20",
        "secondaryIps": ["10.1.1.21", "10.1.1.22"],
        "applicationSecurityGroups": [group["id"]],
    }
    existing = world({"name": "web"}, vm=machine("web-1", nics=[nic]), resources=[group])
    async with azure(existing) as clients:
        path = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/web-1-nic?api-version=2026-03-01"
        _, found, _ = await clients.call("GET", path)
        configurations = found["properties"]["ipConfigurations"]
        assert [each["properties"]["primary"] for each in configurations] == [True, False, False]
        assert {each["properties"]["applicationSecurityGroups"][0]["id"] for each in configurations} == {group["id"]}
        item = await clients.recovery.replication_protected_items.get(*ITEM)
        (shown,) = item.properties.provider_specific_details.vm_nics
        assert [
            (each.static_ip_address, each.recovery_static_ip_address, each.is_seleted_for_failover)
            for each in shown.ip_configs
        ] == [("10.1.1.20", "10.1.1.20", True), ("10.1.1.21", "", False), ("10.1.1.22", "", False)]

"""What a preflight reads of VMs, networks and accounts is there, as the SDKs read it."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    CACHE,
    COMPUTE,
    GROUP,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT_ID,
    Azure,
    azure,
    estate,
    machine,
    vm_id,
)

LINK = {"id": f"{vm_id('web-1')}/providers/Microsoft.Resources/links/ASR-Protect-x", "targetId": "/x"}
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces"


def other(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{GROUP}/providers/{kind}/{name}", "location": "eastus", **more}


PLACEMENT = other("Microsoft.Compute/proximityPlacementGroups", "close")
RESERVATION = other("Microsoft.Compute/capacityReservationGroups", "kept", zones=["1"])
KEYS = other("Microsoft.Compute/diskEncryptionSets", "keys")
RULES = other("Microsoft.Network/networkSecurityGroups", "rules")
WAYS = other("Microsoft.Network/routeTables", "ways", properties={"routes": [{"name": "out"}]})
BALANCER = other("Microsoft.Network/loadBalancers", "front", properties={"backendAddressPools": [{"name": "web"}]})


async def read(clients: Azure, path: str, version: str, status: int = 200) -> Any:
    sign = "&" if "?" in path else "?"
    found, body, _ = await clients.call("GET", f"{path}{sign}api-version={version}")
    assert found == status, body
    return body


async def test_a_vm_shows_how_it_is_placed_encrypted_and_secured() -> None:
    vm = machine(
        "web-1",
        zone="1",
        security="ConfidentialVM",
        encryptionAtHost=True,
        proximityPlacementGroup=PLACEMENT["id"],
        capacityReservationGroup=RESERVATION["id"],
        bootDiagnostics=CACHE,
        disks=[
            {"name": "os", "ephemeral": True, "azureDiskEncryption": True},
            {"name": "keyed", "encryptionSet": KEYS["id"], "maxShares": 2},
            {"name": "fast", "sku": "UltraSSD_LRS"},
        ],
    )
    existing = estate(vm, machine("web-2", bootDiagnostics="managed"), resources=[PLACEMENT, RESERVATION, KEYS])
    async with azure(existing) as clients:
        found = await clients.compute.virtual_machines.get("rg-app", "web-1", expand="instanceView")
        assert found.security_profile.security_type == "ConfidentialVM"
        assert found.security_profile.encryption_at_host
        assert found.proximity_placement_group.id == PLACEMENT["id"]
        assert found.capacity_reservation.capacity_reservation_group.id == RESERVATION["id"]
        assert found.diagnostics_profile.boot_diagnostics.storage_uri == "https://cacheapp.blob.core.windows.net/"
        assert found.storage_profile.os_disk.diff_disk_settings.option == "Local"
        assert found.storage_profile.data_disks[0].managed_disk.disk_encryption_set.id == KEYS["id"]
        encrypted = [bool(disk.encryption_settings) for disk in found.instance_view.disks]
        assert encrypted == [True, False, False]
        plain = await clients.compute.virtual_machines.get("rg-app", "web-2", expand="instanceView")
        assert (plain.security_profile, plain.proximity_placement_group) == (None, None)
        assert plain.diagnostics_profile.boot_diagnostics.storage_uri is None
        listed = {vm.name: vm async for vm in clients.compute.virtual_machines.list_all()}
        statuses = {vm.name: vm async for vm in clients.compute.virtual_machines.list_all(status_only="true")}
        assert set(listed) == set(statuses) == {"web-1", "web-2"}
        assert (listed["web-1"].instance_view, statuses["web-1"].storage_profile) == (None, None)
        assert (
            statuses["web-1"].instance_view.disks[0].encryption_settings
            == found.instance_view.disks[0].encryption_settings
        )
        with pytest.raises(HttpResponseError, match="with a valid"):
            [vm async for vm in clients.compute.virtual_machines.list_all(expand="instanceView")]
        disks = {disk.name: disk async for disk in clients.compute.disks.list_by_resource_group("rg-app")}
        assert disks["os"].encryption_settings_collection.enabled
        assert (disks["keyed"].encryption.disk_encryption_set_id, disks["keyed"].max_shares) == (KEYS["id"], 2)
        assert (disks["fast"].sku.name, disks["fast"].sku.tier) == ("UltraSSD_LRS", "Ultra")
        assert set(disks) == {disk.name async for disk in clients.compute.disks.list()}


async def test_subnets_name_their_rules_and_routes_and_a_put_keeps_the_peerings() -> None:
    existing = estate(resources=[RULES, WAYS, BALANCER])
    web, data = existing["networks"][0]["subnets"]
    web = {**web, "networkSecurityGroup": RULES["id"], "routeTable": WAYS["id"]}
    existing["networks"][0] |= {"subnets": [web, data], "peerings": [TARGET_NETWORK]}
    async with azure(existing) as clients:
        subnet = (await read(clients, f"{NETWORK}/subnets/web", "2026-03-01"))["properties"]
        assert (subnet["networkSecurityGroup"], subnet["routeTable"]) == ({"id": RULES["id"]}, {"id": WAYS["id"]})
        network = await read(clients, NETWORK, "2026-03-01")
        (peering,) = network["properties"]["virtualNetworkPeerings"]
        assert peering["properties"]["peeringState"] == "Connected"
        assert peering["properties"]["remoteVirtualNetwork"] == {"id": TARGET_NETWORK}
        del network["properties"]["virtualNetworkPeerings"]
        body = {"location": "eastus", "properties": network["properties"]}
        assert (await clients.call("PUT", f"{NETWORK}?api-version=2026-03-01", body))[0] == 200
        after = (await read(clients, NETWORK, "2026-03-01"))["properties"]
        assert after["virtualNetworkPeerings"] == [peering]
        assert after["subnets"][0]["properties"]["routeTable"] == {"id": WAYS["id"]}
        body["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] = {"id": RULES["id"] + "x"}
        status, refused, _ = await clients.call("PUT", f"{NETWORK}?api-version=2026-03-01", body)
        assert (status, refused["error"]["code"]) == (400, "InvalidResourceReference")
        tables = await read(
            clients, f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/routeTables", "2026-03-01"
        )
        assert tables["value"][0]["properties"]["routes"] == [{"name": "out"}]
        balancer = await read(clients, BALANCER["id"], "2026-03-01")
        assert balancer["properties"]["backendAddressPools"][0]["id"] == f"{BALANCER['id']}/backendAddressPools/web"


@pytest.mark.parametrize(
    ("address", "available", "reserved"),
    [("10.1.1.9", True, False), ("10.1.1.20", False, False), ("10.1.1.3", False, True), ("10.1.1.255", False, True)],
)
async def test_whether_an_address_is_free(address: str, available: bool, reserved: bool) -> None:
    fixed = machine("web-1", nics=[{"name": "web-1-nic", "subnet": f"{NETWORK}/subnets/web", "privateIp": "10.1.1.20"}])
    async with azure(estate(fixed)) as clients:
        found = await read(clients, f"{NETWORK}/CheckIPAddressAvailability?ipAddress={address}", "2026-03-01")
        assert (found["available"], found["isPlatformReserved"]) == (available, reserved)
        assert available or found["availableIPAddresses"] == [f"10.1.1.{last}" for last in range(4, 9)]
        nic: dict[str, Any] = {"subnet": {"id": f"{NETWORK}/subnets/web"}, "privateIPAllocationMethod": "Static"}
        body = {"location": "eastus", "properties": {"ipConfigurations": [{"properties": nic}]}}
        nic["privateIPAddress"] = address
        status, _, _ = await clients.call("PUT", f"{NIC}/new?api-version=2026-03-01", body)
        assert status == (201 if available else 400)


async def test_an_address_that_is_in_no_subnet() -> None:
    async with azure() as clients:
        for address, code in (("10.9.0.4", "PrivateIPAddressNotInAnySubnet"), ("x", "InvalidIPAddressFormat")):
            asked = f"{NETWORK}/CheckIPAddressAvailability?ipAddress={address}"
            assert (await read(clients, asked, "2026-03-01", 400))["error"]["code"] == code


async def test_dynamic_addresses_go_around_the_static_ones() -> None:
    subnet = f"{NETWORK}/subnets/web"
    fixed = machine("web-2", nics=[{"subnet": subnet, "privateIp": "10.1.1.4"}])
    async with azure(estate(machine("web-1"), fixed)) as clients:
        nic = await read(clients, f"{NIC}/web-1-nic", "2026-03-01")
        assert nic["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] == "10.1.1.5"


async def test_accounts_show_firewall_keys_and_soft_delete() -> None:
    accounts: list[dict[str, Any]] = [
        {"id": CACHE, "location": "eastus"},
        {"id": f"{CACHE}2", "location": "eastus", "kind": "BlockBlobStorage", "sku": "Premium_LRS", "softDelete": True},
        {"id": f"{CACHE}3", "location": "eastus", "sharedKeyAccess": False, "firewall": "trusted"},
        {"id": f"{CACHE}4", "location": "eastus", "firewall": "closed"},
    ]
    async with azure(estate(storageAccounts=accounts)) as clients:
        found = [(await read(clients, account["id"], "2026-09-01"))["properties"] for account in accounts]
        assert [properties.get("allowSharedKeyAccess") for properties in found] == [None, None, False, None]
        rules = [(each["networkAcls"]["defaultAction"], each["networkAcls"]["bypass"]) for each in found]
        assert rules == [("Allow", "AzureServices")] * 2 + [("Deny", "AzureServices"), ("Deny", "None")]
        services = [await read(clients, f"{each['id']}/blobServices/default", "2026-09-01") for each in accounts[:2]]
        kept = [service["properties"]["deleteRetentionPolicy"]["enabled"] for service in services]
        assert kept == [False, True]
        assert services[1]["properties"]["containerDeleteRetentionPolicy"]["enabled"]


async def test_an_account_is_made_as_its_body_says_or_refused() -> None:
    async with azure() as clients:
        path = f"{CACHE}9?api-version=2026-09-01"
        body: dict[str, Any] = {
            "location": "eastus",
            "kind": "BlockBlobStorage",
            "sku": {"name": "Premium_LRS"},
            "properties": {"allowSharedKeyAccess": False, "networkAcls": {"defaultAction": "Deny"}},
        }
        for kind, sku in (("BlockBlobStorage", "Standard_LRS"), ("StorageV2", "Premium_ZRS"), ("Cache", "Premium_LRS")):
            status, refused, _ = await clients.call("PUT", path, body | {"kind": kind, "sku": {"name": sku}})
            assert (status, refused["error"]["code"]) == (400, "InvalidValuesForRequestParameters")
        assert (await clients.call("PUT", path, body))[0] == 202
        while (await clients.call("GET", path))[0] == 404:
            pass
        made = (await read(clients, f"{CACHE}9", "2026-09-01"))["properties"]
        assert made["allowSharedKeyAccess"] is False
        assert (made["networkAcls"]["defaultAction"], made["networkAcls"]["bypass"]) == ("Deny", "AzureServices")
        service = await read(clients, f"{CACHE}9/blobServices/default", "2026-09-01")
        assert service["properties"]["deleteRetentionPolicy"]["enabled"] is False


async def test_a_vault_may_have_an_identity() -> None:
    vault = {"id": VAULT_ID, "location": "westus2", "identity": "SystemAssigned"}
    async with azure(estate(vaults=[vault, {"id": f"{VAULT_ID}2", "location": "westus2"}])) as clients:
        assert (await read(clients, VAULT_ID, "2026-07-01"))["identity"]["type"] == "SystemAssigned"
        assert "identity" not in await read(clients, f"{VAULT_ID}2", "2026-07-01")


async def test_links_and_locks_of_a_whole_subscription() -> None:
    lock = {"id": f"{GROUP}/providers/Microsoft.Authorization/locks/keep"}
    async with azure(estate(links=[LINK], locks=[lock])) as clients:
        start = f"/subscriptions/{SUBSCRIPTION}/providers"
        links = await read(clients, f"{start}/Microsoft.Resources/links", "2016-09-01")
        locks = await read(clients, f"{start}/Microsoft.Authorization/locks", "2020-05-01")
        assert [each["id"] for each in links["value"] + locks["value"]] == [LINK["id"], lock["id"]]


async def test_sizes_say_what_they_can_and_where_they_may_not_be_used() -> None:
    here = {"subscription": SUBSCRIPTION, "location": "westus2"}
    restricted = [here | {"size": "Standard_E4s_v5"}, here | {"size": "Standard_D4s_v5", "zones": ["3"]}]
    odd = machine("web-1", size="Standard_Q6ms_v9")
    async with azure(estate(odd, restrictedSizes=restricted)) as clients:
        listed = [sku async for sku in clients.compute.resource_skus.list(filter="location eq 'westus2'")]
        skus = {sku.name: sku for sku in listed}
        can = {each.name: each.value for each in skus["Standard_D2s_v5"].capabilities}
        assert (can["vCPUs"], can["MemoryGB"], can["MaxDataDiskCount"], can["PremiumIO"]) == ("2", "8", "4", "True")
        assert (skus["Standard_D2s_v5"].family, skus["Standard_D2s_v5"].restrictions) == ("standardDSv5Family", [])
        assert skus["Standard_D2s_v5"].location_info[0].zones == ["1", "2", "3"]
        assert [each.type for each in skus["Standard_E4s_v5"].restrictions] == ["Location", "Zone"]
        (zone,) = skus["Standard_D4s_v5"].restrictions
        assert (zone.type, zone.restriction_info.zones, zone.values_property) == ("Zone", ["3"], ["westus2"])
        assert zone.reason_code == "NotAvailableForSubscription"
        assert skus["Standard_Q6ms_v9"].family == "standardQMSv9Family"
        assert skus["Aligned"].capabilities[0].value == "2"
        assert sum(sku.resource_type == "virtualMachines" for sku in listed) > 50
        west = [sku async for sku in clients.compute.resource_skus.list(filter="location eq 'westus'")]
        assert {tuple(sku.location_info[0].zones) for sku in west} == {()}


async def test_quotas_are_usages_and_hold_for_a_new_vm() -> None:
    here = {"subscription": SUBSCRIPTION, "location": "eastus"}
    quotas = [here | {"name": "cores", "limit": 4}, here | {"name": "standardESv5Family", "limit": 8, "used": 7}]
    machines = [machine("web-1"), machine("web-2", power="deallocated", size="Standard_D8s_v5")]
    async with azure(estate(*machines, quotas=quotas)) as clients:
        found = {each.name.value: each async for each in clients.compute.usage.list("eastus")}
        assert (found["cores"].limit, found["cores"].current_value) == (4, 2)
        assert (found["standardESv5Family"].limit, found["standardESv5Family"].current_value) == (8, 7)
        assert (found["standardDSv5Family"].current_value, found["virtualMachines"].current_value) == (2, 2)
        for size, words in (
            ("Standard_D4s_v5", "Total Regional Cores"),
            ("Standard_E2s_v5", "standardESv5Family Cores"),
        ):
            status, body, _ = await clients.call("PUT", f"{vm_id('new')}?api-version=2026-04-01", new_vm(size))
            assert (status, body["error"]["code"]) == (409, "OperationNotAllowed")
            assert f"exceeding approved {words} quota" in body["error"]["message"]
        assert (await clients.call("GET", f"{vm_id('new')}?api-version=2026-04-01"))[0] == 404


async def test_a_vm_of_a_restricted_size_is_not_made() -> None:
    restricted = [
        {"subscription": SUBSCRIPTION, "location": "eastus", "size": "Standard_D2s_v5", "zones": ["2"]},
        {"subscription": SUBSCRIPTION, "location": "eastus", "size": "Standard_E2s_v5"},
    ]
    async with azure(estate(restrictedSizes=restricted)) as clients:
        refused = [("Standard_D2s_v5", ["2"]), ("Standard_E2s_v5", [])]
        for size, zones in refused:
            body = new_vm(size) | {"zones": zones}
            status, answer, _ = await clients.call("PUT", f"{vm_id('new')}?api-version=2026-04-01", body)
            assert (status, answer["error"]["code"]) == (409, "SkuNotAvailable")
        body = new_vm("Standard_D2s_v5") | {"zones": ["1"]}
        status, _, _ = await clients.call("PUT", f"{vm_id('new')}?api-version=2026-04-01", body)
        assert status == 201


def new_vm(size: str) -> dict[str, Any]:
    return {
        "location": "eastus",
        "properties": {
            "hardwareProfile": {"vmSize": size},
            "storageProfile": {"osDisk": {"createOption": "FromImage"}},
            "networkProfile": {"networkInterfaces": [{"id": f"{NIC}/web-1-nic"}]},
        },
    }


async def test_availability_sets_have_no_more_fault_domains_than_their_region() -> None:
    near = {**PLACEMENT, "id": f"{TARGET_GROUP}/providers/Microsoft.Compute/proximityPlacementGroups/near"}
    sets = [{"id": f"{COMPUTE}/availabilitySets/old", "location": "eastus", "proximityPlacementGroup": PLACEMENT["id"]}]
    async with azure(estate(resources=[PLACEMENT, near | {"location": "westus2"}], availabilitySets=sets)) as clients:
        found = await clients.compute.availability_sets.get("rg-app", "old")
        assert found.proximity_placement_group.id == PLACEMENT["id"]

        async def put(group: str | None, faults: int) -> tuple[int, Any]:
            properties: dict[str, Any] = {"platformFaultDomainCount": faults}
            if group:
                properties["proximityPlacementGroup"] = {"id": group}
            path = f"{TARGET_GROUP}/providers/Microsoft.Compute/availabilitySets/new?api-version=2026-04-01"
            body = {"location": "westus2", "sku": {"name": "Aligned"}, "properties": properties}
            status, answer, _ = await clients.call("PUT", path, body)
            return status, answer.get("error", {}).get("code")

        assert await put(None, 3) == (400, "InvalidParameter")
        assert await put(PLACEMENT["id"], 2) == (400, "InvalidParameter")
        assert await put(f"{PLACEMENT['id']}x", 2) == (404, "ResourceNotFound")
        assert await put(near["id"], 2) == (200, None)
        body = {"location": "westus2", "properties": {}}
        status, answer, _ = await clients.call("PUT", f"{PLACEMENT['id']}?api-version=2026-04-01", body)
        assert (status, answer["error"]["code"]) == (409, "InvalidResourceLocation")

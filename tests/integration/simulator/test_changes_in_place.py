"""What of a protected item changes in place, and what the service says no to: settings, interfaces, disks."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    CACHE,
    GROUP,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    cause,
    disk_id,
    error_code,
    estate,
    machine,
    protected,
    ready_vault,
    why_failed,
)
from tests.waiting import eventually

HERE = (VAULT_GROUP, VAULT, "primary", "here")
ITEM = (*HERE, "item-web-1")
PATH = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems"
OTHER_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-other"
VNET = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-other"
PREMIUM = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/fast"


def target(kind: str, name: str) -> str:
    return f"{TARGET_GROUP}/providers/{kind}/{name}"


PLACEMENT = target("Microsoft.Compute/proximityPlacementGroups", "close")
RESERVATION = target("Microsoft.Compute/capacityReservationGroups", "kept")
RULES = target("Microsoft.Network/networkSecurityGroups", "rules")
PUBLIC = target("Microsoft.Network/publicIPAddresses", "public")
BALANCER = target("Microsoft.Network/loadBalancers", "front")
DIAGNOSTICS = target("Microsoft.Storage/storageAccounts", "diagnostics")
SETS = [f"{TARGET_GROUP}/providers/Microsoft.Compute/availabilitySets/set-{number}" for number in (1, 2)]
SOURCE_SET = f"{GROUP}/providers/Microsoft.Compute/availabilitySets/set"


def world() -> dict[str, Any]:
    """web-1 in an availability set with two interfaces and a disk too many, web-2 in none, web-3 still replicating."""
    base = estate()
    nics = [{"name": f"nic-{name}", "subnet": f"{NETWORK}/subnets/{name}"} for name in ("web", "data")]
    disks = [{"name": f"web-1-{name}"} for name in ("os", "data", "new")]
    own = [{"name": "web-1-os"}, {"name": "web-1-data"}]
    stray = {"name": "stray", "subnet": f"{TARGET_NETWORK}/subnets/web", "privateIp": "10.1.1.50"}
    items = [
        protected("web-1", recoveryAvailabilitySet=SETS[0], disks=own),
        protected("web-2", nics=[{"name": "web-2-nic", "staticIp": "10.1.1.60"}]),
        protected("web-3", state="InitialReplicationInProgress"),
    ]
    return {
        **base,
        "resourceGroups": [{"id": OTHER_GROUP, "location": "westus2"}, {"id": TARGET_GROUP, "location": "westus2"}],
        "resources": [
            *({"id": each, "location": "westus2"} for each in (PLACEMENT, RESERVATION, RULES, PUBLIC)),
            {"id": BALANCER, "location": "westus2", "properties": {"backendAddressPools": [{"name": "web"}]}},
            {"id": RULES + "-near", "location": "eastus"},
        ],
        "networks": [
            *base["networks"],
            {
                "id": VNET,
                "location": "westus2",
                "addressSpace": ["10.9.0.0/16"],
                "subnets": [{"name": "web", "prefix": "10.9.1.0/24"}, {"name": "data", "prefix": "10.9.2.0/24"}],
            },
        ],
        "availabilitySets": [
            {"id": SOURCE_SET, "location": "eastus"},
            *({"id": each, "location": "westus2"} for each in SETS),
        ],
        "storageAccounts": [
            {"id": CACHE, "location": "eastus"},
            {"id": PREMIUM, "location": "eastus", "kind": "BlockBlobStorage", "sku": "Premium_LRS"},
            {"id": DIAGNOSTICS, "location": "westus2"},
        ],
        "virtualMachines": [
            machine("web-1", availabilitySet=SOURCE_SET, nics=nics, disks=disks),
            machine("web-2"),
            machine("web-3"),
            machine("there", location="westus2", nics=[stray]),
        ],
        "restrictedSizes": [{"subscription": SUBSCRIPTION, "location": "westus2", "size": "Standard_F4s_v2"}],
        "siteRecovery": ready_vault(items),
    }


async def read(clients: Azure, item: str = "item-web-1") -> dict[str, Any]:
    _, body, _ = await clients.call("GET", f"{PATH}/{item}")
    found: dict[str, Any] = body["properties"]["providerSpecificDetails"]
    return found


async def until(clients: Azure, item: str, there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        details = await read(clients, item)
        return details if there(details) else None

    reached: dict[str, Any] = await eventually(found, every=0.01)
    return reached


async def update(clients: Azure, item: str = "item-web-1", details: Any = None, **properties: Any) -> None:
    if details is not None:
        properties["providerSpecificDetails"] = {"instanceType": "A2A", **details}
    items = clients.recovery.replication_protected_items
    await (await items.begin_update(*HERE, item, {"properties": properties})).result()


async def change_disks(clients: Azure, verb: str, item: str = "item-web-1", **details: Any) -> None:
    items = clients.recovery.replication_protected_items
    begin = {"add": items.begin_add_disks, "remove": items.begin_remove_disks}[verb]
    body = {"properties": {"providerSpecificDetails": {"instanceType": "A2A", **details}}}
    await (await begin(*HERE, item, body)).result()


THREE = [{"name": f"nic-{number}", "subnet": f"{NETWORK}/subnets/web"} for number in range(3)]
PLAIN = [{"name": "web-1-os", "sku": "Standard_LRS"}]


def new_disk(name: str = "web-1-new", **more: Any) -> dict[str, Any]:
    found = {"primaryStagingAzureStorageAccountId": CACHE, "recoveryResourceGroupId": TARGET_GROUP}
    return {"diskId": disk_id(name), **found, **more}


async def test_settings_change_and_interfaces_that_are_not_named_stay() -> None:
    async with azure(world()) as clients:
        web, data = (await read(clients))["vmNics"]
        pool = f"{BALANCER}/backendAddressPools/web"
        configuration = {
            "ipConfigName": "ipconfig1",
            "recoverySubnetName": "data",
            "recoveryStaticIPAddress": "10.1.2.9",
            "recoveryPublicIPAddressId": PUBLIC,
            "recoveryLBBackendAddressPoolIds": [pool],
        }
        await update(
            clients,
            recoveryAvailabilitySetId=SETS[1],
            vmNics=[{"nicId": web["nicId"], "recoveryNetworkSecurityGroupId": RULES, "ipConfigs": [configuration]}],
            details={
                "recoveryResourceGroupId": OTHER_GROUP,
                "recoveryProximityPlacementGroupId": PLACEMENT,
                "recoveryCapacityReservationGroupId": RESERVATION,
                "recoveryBootDiagStorageAccountId": DIAGNOSTICS,
                "managedDiskUpdateDetails": [
                    {
                        "diskId": disk_id("web-1-data"),
                        "recoveryTargetDiskAccountType": "StandardSSD_LRS",
                        "recoveryReplicaDiskAccountType": "Standard_LRS",
                        "failoverDiskName": "data-dr",
                    }
                ],
            },
        )
        found = await read(clients)
        assert found["recoveryAvailabilitySet"] == SETS[1]
        assert found["recoveryAzureResourceGroupId"] == OTHER_GROUP
        assert found["recoveryProximityPlacementGroupId"] == PLACEMENT
        assert found["recoveryCapacityReservationGroupId"] == RESERVATION
        assert found["recoveryBootDiagStorageAccountId"] == DIAGNOSTICS
        system, disk = found["protectedManagedDisks"]
        assert system["recoveryTargetDiskAccountType"] == "Premium_LRS"
        assert (disk["recoveryTargetDiskAccountType"], disk["recoveryReplicaDiskAccountType"]) == (
            "StandardSSD_LRS",
            "Standard_LRS",
        )
        assert disk["failoverDiskName"] == "data-dr"
        changed, other = found["vmNics"]
        assert changed["recoveryNetworkSecurityGroupId"] == RULES
        shown = changed["ipConfigs"][0]
        assert {name: shown[name] for name in configuration if name in shown} == {
            name: value for name, value in configuration.items() if name in shown
        }
        assert shown["recoveryIPAddressType"] == "Static"
        assert other == data
        # Another network is the item's: every interface goes there, and an address of the old one is none of it.
        await update(clients, selectedRecoveryAzureNetworkId=VNET)
        found = await read(clients)
        assert found["selectedRecoveryAzureNetworkId"] == VNET
        assert [nic["recoveryVMNetworkId"] for nic in found["vmNics"]] == [VNET, VNET]
        moved = [nic["ipConfigs"][0] for nic in found["vmNics"]]
        assert [(each["recoverySubnetName"], each["recoveryIPAddressType"]) for each in moved] == [
            ("data", "Dynamic"),
            ("data", "Dynamic"),
        ]


async def test_a_network_chosen_while_it_replicates_is_the_one_it_gets() -> None:
    async with azure(world()) as clients:
        await update(clients, "item-web-3", selectedRecoveryAzureNetworkId=VNET)
        found = await until(clients, "item-web-3", lambda details: bool(details["vmNics"]))
        assert (found["selectedRecoveryAzureNetworkId"], found["vmNics"][0]["recoveryVMNetworkId"]) == (VNET, VNET)


def interface(**settings: Any) -> dict[str, Any]:
    """A change of the first interface; `nicId` is put in by the test."""
    return {"vmNics": [settings]}


def address(**settings: Any) -> dict[str, Any]:
    return interface(ipConfigs=[settings])


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("159060", {"providerSpecificDetails": {"instanceType": "A2A", "recoveryAvailabilityZone": "1"}}),
    ("159061", {"recoveryAzureVMName": "no name"}),
    ("159061", {"providerSpecificDetails": {"instanceType": "A2A", "tfoAzureVMName": "-"}}),
    ("150097", {"recoveryAzureVMSize": "Standard_F4s_v2"}),
    ("159008", {"providerSpecificDetails": {"instanceType": "A2A", "recoveryResourceGroupId": OTHER_GROUP + "-none"}}),
    ("159009", {"providerSpecificDetails": {"instanceType": "A2A", "recoveryResourceGroupId": GROUP}}),
    ("159010", {"recoveryAvailabilitySetId": SETS[0] + "-none"}),
    ("159011", {"recoveryAvailabilitySetId": SOURCE_SET}),
    (
        "159032",
        {"providerSpecificDetails": {"instanceType": "A2A", "recoveryProximityPlacementGroupId": PLACEMENT + "-none"}},
    ),
    (
        "159034",
        {
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "recoveryCapacityReservationGroupId": RESERVATION + "-none",
            }
        },
    ),
    ("159037", {"providerSpecificDetails": {"instanceType": "A2A", "recoveryBootDiagStorageAccountId": CACHE}}),
    ("159021", {"selectedRecoveryAzureNetworkId": VNET + "-none"}),
    ("159022", {"selectedTfoAzureNetworkId": NETWORK}),
    (
        "159062",
        {
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "managedDiskUpdateDetails": [{"diskId": disk_id("web-1-new")}],
            }
        },
    ),
    (
        "159047",
        {
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "managedDiskUpdateDetails": [
                    {"diskId": disk_id("web-1-os"), "recoveryTargetDiskAccountType": "Premium"},
                ],
            }
        },
    ),
    ("159028", {"vmNics": [{"nicId": "00000000-0000-0000-0000-000000000000"}]}),
    ("159040", interface(recoveryNetworkSecurityGroupId=RULES + "-none")),
    ("159041", interface(recoveryNetworkSecurityGroupId=RULES + "-near")),
    ("159057", address(ipConfigName="ipconfig2")),
    ("159023", address(recoverySubnetName="none")),
    ("159023", address(tfoSubnetName="web")),
    ("159042", address(recoveryPublicIPAddressId=RULES)),
    ("159044", address(recoveryLBBackendAddressPoolIds=[f"{BALANCER}-none/backendAddressPools/web"])),
    ("159044", address(recoveryLBBackendAddressPoolIds=[f"{BALANCER}/backendAddressPools/none"])),
    ("159058", address(recoverySubnetName="data", recoveryStaticIPAddress="10.1.1.9")),
    ("159058", address(recoveryStaticIPAddress="10.1.1.3")),
    ("159058", address(recoveryStaticIPAddress="10.1.1.255")),
    ("159058", address(recoveryStaticIPAddress="here")),
    ("159059", address(recoveryStaticIPAddress="10.1.1.50")),
    ("159059", address(recoveryStaticIPAddress="10.1.1.60")),
]
# In no input of the service: a change of what only a new enabling changes.
NO_INPUT: list[dict[str, Any]] = [
    {"policyId": f"{VAULT_ID}/replicationPolicies/gold"},
    {"providerSpecificDetails": {"instanceType": "A2A", "multiVmGroupName": "x"}},
    {
        "providerSpecificDetails": {
            "instanceType": "A2A",
            "managedDiskUpdateDetails": [
                {"diskId": disk_id("web-1-os"), "primaryStagingAzureStorageAccountId": PREMIUM}
            ],
        }
    },
    {"vmNics": [{"ipConfigs": []}]},
    {"vmNics": [{"nicId": "x", "recoverySubnetName": "web"}]},
    {"recoveryAzureVMSize": 4},
]


async def test_what_does_not_change_in_place_is_refused_and_nothing_changes() -> None:
    async with azure(world()) as clients:
        before = await read(clients)
        found = []
        for _, change in REFUSED:
            nics = [{"nicId": before["vmNics"][0]["nicId"], **nic} for nic in change.get("vmNics", [])]
            properties = change | ({"vmNics": nics} if nics else {})
            found.append(await cause(clients, "PATCH", f"{PATH}/item-web-1", {"properties": properties}))
        assert found == [code for code, _ in REFUSED]
        for properties in NO_INPUT:
            status, _, _ = await clients.call("PATCH", f"{PATH}/item-web-1", {"properties": properties})
            assert status == 400
        with pytest.raises(HttpResponseError) as raised:
            await update(clients, "item-web-2", recoveryAvailabilitySetId=SETS[0])
        assert error_code(raised.value) == "159060"
        moving = ("rpoInSeconds", "lastRpoCalculatedTime", "lastHeartbeat")
        assert {**await read(clients), **dict.fromkeys(moving)} == {**before, **dict.fromkeys(moving)}


@pytest.mark.parametrize(
    ("vm", "size", "lacking"),
    [
        ({"disks": [{"name": f"web-1-{number}"} for number in range(6)]}, "Standard_B2s", "data disks"),
        ({"nics": THREE}, "Standard_D2s_v5", "interfaces"),
        ({}, "Standard_D2_v3", "premium disks"),
        ({}, "Standard_D4ps_v5", "processor"),
        ({}, "Standard_D4s_v6", "disk controller"),
        ({"generation": "V1"}, "Standard_DC4as_v5", "generation"),
        ({"disks": PLAIN}, "Basic_A4", "generation"),
        ({"disks": PLAIN, "security": "TrustedLaunch", "os": "Windows"}, "Standard_A4_v2", "Trusted Launch"),
        ({"disks": PLAIN, "security": "TrustedLaunch", "os": "Windows"}, "Basic_A4", "generation, Trusted Launch"),
    ],
)
async def test_a_target_size_that_the_vm_could_not_have_is_refused(vm: dict[str, Any], size: str, lacking: str) -> None:
    source = machine("web-1", size="Standard_D4s_v5", **vm)
    vault = ready_vault([protected("web-1")])
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    async with azure(estate(source, siteRecovery=vault, resourceGroups=groups)) as clients:
        error = await why_failed(clients, update(clients, recoveryAzureVMSize=size), "159084")

    assert error["message"].endswith(f": {lacking}.")


async def test_one_change_at_a_time_and_of_interfaces_and_disks_none_before_it_is_protected() -> None:
    async with azure(world(), speed=1) as clients:
        body = {"properties": {"recoveryAzureVMName": "web-1-dr"}}
        first, _, _ = await clients.call("PATCH", f"{PATH}/item-web-1", body)
        second, refused, _ = await clients.call("PATCH", f"{PATH}/item-web-1", body)
        assert (first, second, refused["error"]["code"]) == (202, 409, "Conflict")
        with pytest.raises(HttpResponseError) as raised:
            await change_disks(clients, "add", "item-web-3", vmManagedDisks=[new_disk("web-3-os")])
        assert raised.value.status_code == 409
        await clients.call("PATCH", "/sim/clock", {"speed": 50})
        with pytest.raises(HttpResponseError) as raised:
            await update(clients, "item-web-3", vmNics=[{"nicId": "00000000-0000-0000-0000-000000000000"}])
        assert error_code(raised.value) == "159027"


async def test_disks_are_added_and_removed_while_the_vm_is_protected() -> None:
    refused: list[tuple[str, str, dict[str, Any]]] = [
        ("159026", "add", {"vmManagedDisks": [new_disk("web-1-data")]}),
        ("159015", "add", {"vmManagedDisks": [new_disk("web-2-os")]}),
        ("159016", "add", {"vmManagedDisks": [new_disk(primaryStagingAzureStorageAccountId=CACHE + "0")]}),
        ("159017", "add", {"vmManagedDisks": [new_disk(primaryStagingAzureStorageAccountId=DIAGNOSTICS)]}),
        ("159064", "add", {"vmManagedDisks": [new_disk(primaryStagingAzureStorageAccountId=PREMIUM)]}),
        ("159062", "remove", {"vmManagedDisksIds": [disk_id("web-1-new")]}),
        ("159063", "remove", {"vmManagedDisksIds": [disk_id("web-1-os")]}),
    ]
    async with azure(world()) as clients:
        for code, verb, details in refused:
            with pytest.raises(HttpResponseError) as raised:
                await change_disks(clients, verb, **details)
            assert error_code(raised.value) == code

        assert [disk["diskLunId"] for disk in (await read(clients))["unprotectedDisks"]] == [1]
        await clients.call("PATCH", "/sim/clock", {"speed": 100})
        await change_disks(clients, "add", vmManagedDisks=[new_disk(recoveryTargetDiskAccountType="Standard_LRS")])
        found = await read(clients)
        added = found["protectedManagedDisks"][2]
        assert found["unprotectedDisks"] is None
        assert (added["diskState"], added["recoveryTargetDiskAccountType"]) == (
            "InitialReplicationPending",
            "Standard_LRS",
        )
        await clients.call("PATCH", "/sim/clock", {"speed": 6000})
        disks = "protectedManagedDisks"
        await until(clients, "item-web-1", lambda details: details[disks][2]["diskState"] == "Protected")

        await change_disks(clients, "remove", vmManagedDisksIds=[disk_id("web-1-data")])
        item = (await clients.recovery.replication_protected_items.get(*ITEM)).properties
        kept = [disk.disk_name for disk in item.provider_specific_details.protected_managed_disks]
        assert kept == ["web-1-os", "web-1-new"]
        assert [error.error_code for error in item.health_errors] == ["161011", "153039"]
        with pytest.raises(HttpResponseError) as raised:
            await clients.compute.disks.get("rg-app-asr", "web-1-data-ASRReplica")
        assert raised.value.status_code == 404
        jobs = [job async for job in clients.recovery.replication_jobs.list(VAULT_GROUP, VAULT)]
        assert [job.properties.scenario_name for job in jobs[:2]] == ["RemoveDisks", "AddDisks"]

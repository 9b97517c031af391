"""The preflight checks of a drill: each says what was found, and what is not known is refused."""

from dataclasses import replace
from typing import Any

import pytest

from shared.model.drill_network import DrillNetwork, DrillSubnet, Route
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.vm import Lock, Quota, Size
from shared.planning.drill_checks import DrillFacts, DrillItem, findings_of, of_group, over_quota
from shared.site_recovery.parsing import item_of
from tests.unit.app.examples import DEPLOYMENT, NETWORK, SUBSCRIPTION, TARGET
from tests.unit.app.fake_azure import item_body

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/there"
DRILL = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/dr-drill")
TABLE = ResourceId(f"{GROUP}/providers/Microsoft.Network/routeTables/out")
GATEWAY = ResourceId(f"{GROUP}/providers/Microsoft.Network/natGateways/nat")
TEST_VM = ResourceId.of(SUBSCRIPTION, "there", VIRTUAL_MACHINE, "web-1-test")
DISK = ResourceId.of(SUBSCRIPTION, "there", "Microsoft.Compute/disks", "os-ASRtest")
SUBNET = DrillSubnet(name="drill", private=True)
ISOLATED = DrillNetwork(id=DRILL, location=TARGET, subnets=(SUBNET,))
QUOTAS = (Quota(name="f", limit=4, used=2), Quota(name="cores", limit=4, used=2))
SIZE = Size(name="Standard_D2s_v5", family="f", cores=2, quotas=QUOTAS, zones=())


def seen(state: str = "Protected", allowed: tuple[str, ...] = ("TestFailover",), **changes: Any) -> DrillItem:
    item = item_of(item_body(state, primaryFabricLocation="eastus", recoveryFabricLocation=TARGET), DEPLOYMENT)
    assert item
    own = {"replication_health": "Normal", "job": ""} | changes
    settings = own.pop("settings", {})
    item = item.with_(**own, settings=item.settings.with_(size="Standard_D2s_v5", network=NETWORK, **settings))
    return DrillItem(item=item, allowed=allowed, test_vm=TEST_VM, test_disks=(DISK,))


def facts(**changes: Any) -> DrillFacts:
    known: dict[str, Any] = {"network_id": DRILL, "item": seen(), "in_scope": True, "network": ISOLATED, "size": SIZE}
    return DrillFacts(**known | changes)


def subnet(**changes: Any) -> DrillFacts:
    return facts(network=ISOLATED.with_(subnets=(SUBNET.with_(**changes),)))


def test_nothing_stands_against_an_isolated_network_and_an_item_that_is_ready() -> None:
    assert findings_of(facts()) == ()
    inside = (Route(name="drop", next_hop="None"), Route(name="here", next_hop="VnetLocal"))
    assert findings_of(subnet(route_table=TABLE, routes=inside)) == ()


@pytest.mark.parametrize(
    ("found", "code", "named"),
    [
        (facts(item=seen("UnplannedFailoverCommitted")), "DrillNotReady", "UnplannedFailoverCommitted"),
        (facts(item=seen(test_failover="WaitingForCompletion")), "DrillNotReady", "WaitingForCompletion"),
        (facts(item=seen(allowed=("DisableProtection",))), "DrillNotReady", "DisableProtection"),
        (facts(item=seen(replication_health="Critical")), "DrillNotReady", "Critical"),
        (facts(item=seen(replication_health="")), "DrillNotReady", "not known"),
        (facts(item=seen(job="job-7")), "DrillNotReady", "job-7"),
        (facts(item=replace(seen(), test_vm=None)), "DrillNotKnown", "does not tell"),
        (facts(item=replace(seen(), test_disks=None)), "DrillNotKnown", "does not tell"),
        (facts(item=replace(seen(), public_ips=(TABLE,))), "DrillNetworkNotIsolated", "public IP address out"),
        (facts(in_scope=False), "DrillNetworkNotIsolated", "outside DR_TARGET_SCOPE"),
        (facts(network_id=NETWORK), "DrillNetworkNotIsolated", "a failover of"),
        (facts(network=None), "DrillNetworkNotIsolated", "no network"),
        (facts(network=None, unread={"The network": "403"}), "DrillNotKnown", "403"),
        (facts(network=ISOLATED.with_(location="eastus")), "DrillNetworkNotIsolated", "is in eastus"),
        (facts(network=ISOLATED.with_(peerings=("hub",))), "DrillNetworkNotIsolated", "peered: hub"),
        (facts(network=ISOLATED.with_(subnets=())), "DrillNetworkNotIsolated", "no subnet"),
        (subnet(name="GatewaySubnet"), "DrillNetworkNotIsolated", "gateway"),
        (subnet(name="AzureFirewallSubnet"), "DrillNetworkNotIsolated", "firewall"),
        (subnet(private=False), "DrillNetworkNotIsolated", "defaultOutboundAccess"),
        (
            subnet(route_table=TABLE, routes=(Route(name="all", next_hop="VirtualAppliance"),)),
            "DrillNetworkNotIsolated",
            "all to VirtualAppliance",
        ),
        (subnet(nat_gateway=GATEWAY), "DrillNetworkNotIsolated", "NAT gateway nat"),
        (subnet(private_endpoints=("sql",)), "DrillNetworkNotIsolated", "private endpoints: sql"),
        (subnet(service_endpoints=("Microsoft.Sql",)), "DrillNetworkNotIsolated", "Microsoft.Sql"),
        (facts(locks=(Lock(scope=GROUP, name="keep"),)), "DrillTargetLocked", "keep"),
        (facts(there=frozenset({DISK})), "DrillLeftovers", "os-ASRtest"),
        (facts(there=frozenset({TEST_VM})), "DrillLeftovers", "web-1-test"),
        (facts(size=None), "DrillNotKnown", "Standard_D2s_v5"),
        (facts(size=SIZE.with_(quotas=QUOTAS[:1])), "DrillNotKnown", "quota"),
        (
            facts(size=SIZE.with_(quotas=(QUOTAS[0], Quota(name="cores", limit=4, used=3)))),
            "DrillQuotaExceeded",
            "cores",
        ),
    ],
)
def test_each_hindrance_has_its_own_text(found: DrillFacts, code: str, named: str) -> None:
    reasons = (*findings_of(found), *over_quota([found]))

    assert [each.code for each in reasons] == [code]
    assert named in reasons[0].message
    assert reasons[0].fix


FABRICS = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/v/providers/Microsoft.RecoveryServices/vaults/v/replicationFabrics"
)
THERE = ResourceId(f"{FABRICS}/there")


def test_the_quotas_have_to_suffice_for_all_vms_of_a_group() -> None:
    other = facts(size=SIZE.with_(name="Standard_D1_v5", cores=1))
    reasons = list(over_quota([facts(), other]))

    assert list(over_quota([facts()])) == list(over_quota([other])) == []
    assert [each.code for each in reasons] == ["DrillQuotaExceeded"] * 2
    assert "Standard_D2s_v5, Standard_D1_v5 for 2 VMs of the group needs 3 cores of the quota f" in reasons[0].message
    elsewhere = replace(other, item=replace(seen(), test_vm=ResourceId.of(ELSEWHERE, "there", VIRTUAL_MACHINE, "w")))
    assert list(over_quota([facts(), elsewhere])) == []


ELSEWHERE = "99999999-9999-4999-8999-999999999999"


@pytest.mark.parametrize(
    ("fabrics", "point", "codes"),
    [
        ((THERE, THERE), "latest", []),
        ((THERE, THERE), "0b7f-1", ["DrillPointUnknown"]),
        ((THERE, None), "latest", ["DrillNotKnown"]),
        ((THERE, ResourceId(f"{FABRICS}/elsewhere")), "appConsistent", ["DrillNotKnown"]),
    ],
)
def test_one_plan_has_one_kind_of_point_and_one_region(
    fabrics: tuple[ResourceId | None, ...], point: str, codes: list[str]
) -> None:
    members = [replace(seen(settings={"consistency_group": "shop"}), recovery_fabric=fabric) for fabric in fabrics]
    found = list(of_group(members, point, {DRILL, None}))

    assert [each.code for each in found] == codes
    assert all("shop" in each.message for each in found)
    (apart,) = [each for each in of_group(members, "latest", {DRILL, NETWORK}) if each.code not in codes]
    assert apart.code == "DrillNetworkNotIsolated"

"""The target network and what each interface gets there."""

from typing import Any

import pytest

from shared.config import override_options
from shared.config.settings import Settings
from shared.model import resource_types
from shared.model.findings import Severity
from shared.model.plan import Plan, ResourcePreview
from shared.model.replicated_item import ItemNic
from shared.model.replication import ReplicatedNic
from shared.model.resource_id import ResourceId
from shared.model.target_resources import NetworkMapping, ResourceGroup, VirtualNetwork
from shared.model.vm import Existing, Network, SourceNic, SourceVm, Subnet
from tests.unit.app.examples import (
    ELSEWHERE,
    NETWORK,
    NIC,
    SUBSCRIPTION,
    TARGET,
    asking,
    existing,
    of_kind,
    open_settings,
    plan_of,
    planning_context,
    protected_item,
    reported,
    setting,
    settings,
    source_network,
    source_vm,
)

SECOND = ResourceId(f"{NIC}-2")
HUB = existing(resource_types.NETWORK, "hub", group="hub")
THERE = Network(id=HUB.id, location=TARGET, subnets={"Web": Subnet(prefixes=("10.9.0.0/24",)), "data": Subnet()})
BY_NAME = ResourceId.of(SUBSCRIPTION, "net-asr", NETWORK.type, "vnet-asr")
POOL = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Network/loadBalancers", "lb").child(
    "backendAddressPools", "web"
)


def nic(id_: ResourceId = NIC, subnet: str = "web", **changes: Any) -> SourceNic:
    known = SourceNic(id=id_, subnet=NETWORK.child("subnets", subnet), configuration="ipconfig", address="10.1.1.4")
    return known.with_(**changes)


def plan(vm: SourceVm | None = None, app: Settings | None = None, **context: Any) -> Plan:
    return plan_of(vm or source_vm(), planning_context(**context), app or open_settings())


def nics(found: Plan) -> dict[str, ReplicatedNic]:
    assert found.blockers == ()
    assert found.replication
    return {each.id.name: each for each in found.replication.nics}


def refused(found: Plan, tag: str) -> str:
    (finding,) = found.blockers
    assert finding.code == "OverrideInvalid"
    assert f"tag dr-{tag} is" in finding.message
    return finding.message


# The network


def test_an_existing_network_mapping_wins_over_the_default() -> None:
    hub = ResourceId.of(ELSEWHERE, "hub", NETWORK.type, "hub")
    found = plan_of(source_vm(), planning_context(mapped_networks={NETWORK.key: hub}), settings())

    assert of_kind(found, VirtualNetwork) == []
    assert {(each.source_network, each.target_network) for each in of_kind(found, NetworkMapping)} == {
        (NETWORK, hub),
        (hub, NETWORK),
    }
    told_ = setting(found, "targetVnet/vnet")
    assert (told_.value, told_.origin) == (str(hub), "network mapping")
    assert "net-asr" not in {group.id.name for group in of_kind(found, ResourceGroup)}
    assert found.named == (ResourcePreview(kind="virtual network", action="reuse", name=str(hub)),)


def test_a_mapped_network_of_our_name_that_is_gone_is_made_again() -> None:
    """The mapping stays when a sweep, or somebody, removes the network."""
    gone = plan(mapped_networks={NETWORK.key: BY_NAME})
    kept = Network(id=BY_NAME, location=TARGET, subnets={"web": Subnet()})
    there = plan(mapped_networks={NETWORK.key: BY_NAME}, target_networks=(kept,))

    assert [each.id for each in of_kind(gone, VirtualNetwork)] == [BY_NAME]
    assert BY_NAME.group_id in {group.id for group in of_kind(gone, ResourceGroup)}
    assert of_kind(there, VirtualNetwork) == []
    assert ([each.name for each in gone.named], [each.name for each in there.named]) == ([], [str(BY_NAME)])


def test_one_of_another_name_or_out_of_scope_is_not() -> None:
    """What it was no one knows; or it is not this app's to make."""
    elsewhere = open_settings(target_scope=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr")

    assert of_kind(plan(mapped_networks={NETWORK.key: HUB.id}), VirtualNetwork) == []
    assert of_kind(plan(app=elsewhere, mapped_networks={NETWORK.key: BY_NAME}), VirtualNetwork) == []


@pytest.mark.parametrize(("location", "fits"), [(TARGET, True), ("northeurope", False), ("", True)])
def test_a_target_of_that_name_in_another_region_does_not_do(location: str, fits: bool) -> None:
    found = plan(target_networks=(Network(id=BY_NAME, location=location, subnets={"web": Subnet()}),))

    assert fits or found.blockers
    for finding in found.blockers:
        assert finding.code == "IncompatibleTargetResource"
        assert f"{BY_NAME}, which is in northeurope; web-1 is to go to {TARGET}" in finding.message
        assert "dr-target-vnet" in finding.fix


def test_a_network_that_is_asked_for_goes_on_the_item_and_no_mapping_is_made_or_edited() -> None:
    mapped = {NETWORK.key: BY_NAME}
    found = plan(asking(target_vnet=str(HUB.id)), existing=(HUB,), target_networks=(THERE,), mapped_networks=mapped)

    assert found.replication
    assert (found.replication.network, found.replication.subnet) == (HUB.id, "Web")
    assert nics(found)["web-1-nic"].subnet == "Web"
    assert of_kind(found, NetworkMapping) == []
    assert of_kind(found, VirtualNetwork) == []
    assert {group.id.name for group in of_kind(found, ResourceGroup)} == {"web-asr", "asr-cache-eastus"}
    assert setting(found, "targetVnet").origin == "tag dr-target-vnet"


def test_without_a_override_nothing_is_said_of_the_network_or_the_interfaces() -> None:
    found = plan()

    assert found.replication
    assert (found.replication.network, found.replication.subnet, found.replication.nics) == (None, "", ())


def test_a_vm_in_several_networks_gets_a_target_for_each() -> None:
    other = source_network(id=ResourceId(f"{NETWORK}-2"), subnets={"db": Subnet(prefixes=("10.2.0.0/24",))})
    second = SourceNic(id=SECOND, subnet=other.id.child("subnets", "db"))
    found = plan(nics=(nic(), second), networks=(source_network(), other))

    assert [network.id.name for network in of_kind(found, VirtualNetwork)] == ["vnet-asr", "vnet-2-asr"]
    assert len(of_kind(found, NetworkMapping)) == 4
    assert setting(found, "targetSubnet/web-1-nic-2").value == "db"


def test_of_networks_that_lead_to_one_target_the_first_is_the_way_back() -> None:
    other = source_network(id=ResourceId(f"{NETWORK}-2"))
    found = plan(networks=(source_network(), other), mapped_networks={NETWORK.key: HUB.id, other.id.key: HUB.id})

    back = [each.target_network for each in of_kind(found, NetworkMapping) if each.source_network == HUB.id]
    assert back == [NETWORK]


def test_an_interface_whose_network_cannot_be_read_is_planned_all_the_same() -> None:
    assert plan(networks=()).replication


# The subnet


DELEGATED = Subnet(delegated_to=("Microsoft.Web/serverFarms",))


def into(subnets: dict[str, Subnet], vm: SourceVm | None = None, app: Settings | None = None) -> Plan:
    """The plan of a VM of the subnet `web` whose target network is there, with these subnets."""
    return plan(vm, app, target_networks=(Network(id=BY_NAME, location=TARGET, subnets=subnets),))


@pytest.mark.parametrize(
    ("subnets", "chosen", "differs", "sent"),
    [
        ({"gateway": Subnet(), "WEB": Subnet()}, "WEB", "", False),
        ({"zeta": Subnet(), "Data": Subnet(), "beta": Subnet()}, "beta", "vnet-asr has no subnet web", False),
        ({"GatewaySubnet": Subnet(), "apps": Subnet()}, "apps", "vnet-asr has no subnet web", False),
        ({"azurebastionsubnet": Subnet(), "data": Subnet()}, "data", "vnet-asr has no subnet web", True),
        ({"AzureFirewallSubnet": Subnet(), "b": Subnet()}, "b", "vnet-asr has no subnet web", True),
        ({"apps": DELEGATED, "RouteServerSubnet": Subnet(), "z": Subnet()}, "z", "vnet-asr has no subnet web", True),
        ({"web": DELEGATED, "db": Subnet()}, "db", "web of vnet-asr is delegated to a service", True),
    ],
)
def test_the_subnet_is_that_of_the_same_name_else_the_first_that_takes_vms(
    subnets: dict[str, Subnet], chosen: str, differs: str, sent: bool
) -> None:
    """azure-to-azure-network-mapping: the same name, else the first in alphabetical order. It is sent where that one is
    none that takes VMs."""
    found = into(subnets)

    assert found.replication
    assert setting(found, "targetSubnet/web-1-nic").value == chosen
    assert [f"{differs}: a failover puts web-1-nic into {chosen}" in each.message for each in found.findings] == (
        [True] if differs else []
    )
    assert [each.code for each in found.findings] == (["TargetSubnetDiffers"] if differs else [])
    assert (found.replication.network, found.replication.subnet) == ((BY_NAME, chosen) if sent else (None, ""))
    assert of_kind(found, NetworkMapping)


TWO = (nic(), nic(SECOND, "db"))


def of_two(subnets: tuple[str, ...], **tags: str) -> Plan:
    """The plan of a VM with interfaces in the subnets `web` and `db`; each network it may go to has these subnets."""
    there = tuple(
        Network(id=id_, location=TARGET, subnets=dict.fromkeys(subnets, Subnet())) for id_ in (HUB.id, BY_NAME)
    )
    return plan(asking(**tags), nics=TWO, existing=(HUB,), target_networks=there)


@pytest.mark.parametrize(
    ("tags", "subnets", "sent"),
    [
        ({"target_vnet": str(HUB.id)}, ("web", "db"), (HUB.id, "")),
        ({"target_vnet": str(HUB.id)}, ("web",), (HUB.id, "web")),
        ({"target_vnet": str(HUB.id), "target_subnet": "web-1-nic=db"}, ("web", "db"), (HUB.id, "db")),
        ({"target_vnet": str(HUB.id), "target_subnet": "web-1-nic=db,web-1-nic-2=web"}, ("web", "db"), (HUB.id, "")),
        ({"target_subnet": "web-1-nic-2=web"}, ("AzureBastionSubnet", "web"), (None, "")),
        ({}, ("AzureBastionSubnet", "work"), (BY_NAME, "work")),
    ],
)
def test_the_one_subnet_of_the_request_is_that_of_all_interfaces(
    tags: dict[str, str], subnets: tuple[str, ...], sent: tuple[ResourceId | None, str]
) -> None:
    """An enable request names one subnet for all interfaces of the VM. Without one each gets that of its own name."""
    found = of_two(subnets, **tags)

    assert found.blockers == ()
    assert found.replication
    assert (found.replication.network, found.replication.subnet) == sent


@pytest.mark.parametrize(("own", "other"), [("web", "web-1-nic-2"), ("db", "web-1-nic")])
@pytest.mark.parametrize("tags", [{}, {"target_vnet": str(HUB.id)}], ids=["default", "chosen"])
def test_interfaces_that_need_two_subnets_in_the_request_have_to_be_named(
    own: str, other: str, tags: dict[str, str]
) -> None:
    """One goes into the subnet of its name; for the other Site Recovery would choose the reserved one."""
    subnets = ("AzureBastionSubnet", "cats", own)

    finding = reported(of_two(subnets, **tags).blockers, "TargetSubnetUnusable")
    assert f"no target subnet for {other} of web-1: " in finding.message
    assert of_two(subnets, **tags, target_subnet=f"{other}=cats").blockers == ()


@pytest.mark.parametrize(
    ("subnets", "scope"),
    [
        ({"GatewaySubnet": Subnet(), "AzureFirewallManagementSubnet": Subnet()}, ""),
        ({"web": DELEGATED, "apps": DELEGATED}, ""),
        ({}, ""),
        ({"AzureBastionSubnet": Subnet(), "data": Subnet()}, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"),
    ],
)
def test_without_a_subnet_that_takes_vms_one_has_to_be_named(subnets: dict[str, Subnet], scope: str) -> None:
    """The last is one that the app may not name: Site Recovery would choose the reserved one."""
    app = open_settings(target_scope=scope) if scope else open_settings()
    finding = reported(into(subnets, app=app).blockers, "TargetSubnetUnusable")

    assert "web-1-nic of web-1" in finding.message
    assert "dr-target-subnet" in finding.fix


@pytest.mark.parametrize("name", ["GatewaySubnet", "AzureBastionSubnet"])
def test_a_reserved_subnet_is_not_to_be_had_and_a_delegated_one_only_by_name(name: str) -> None:
    subnets = {name: Subnet(), "web": Subnet(), "db": DELEGATED}

    assert "allowed: web, db: the subnets of vnet-asr that a VM can be in" in refused(
        into(subnets, asking(target_subnet=name)), "target-subnet"
    )
    assert nics(into(subnets, asking(target_subnet="db")))["web-1-nic"].subnet == "db"


@pytest.mark.parametrize(("name", "expected"), [("GatewaySubnet", True), ("data", False)])
def test_an_item_whose_vm_would_go_into_a_reserved_subnet_is_warned_of(name: str, expected: bool) -> None:
    there = ItemNic(id="1", source=NIC, source_network=NETWORK, network=BY_NAME, target_subnet=name)
    network = Network(id=BY_NAME, location=TARGET, subnets={name: Subnet(), "web": Subnet()})
    context = planning_context(target_networks=(network,))

    found = plan_of(source_vm(), context, open_settings(), protected_item(nics=(there,)))

    assert [(each.code, each.severity) for each in found.findings] == (
        [("TargetSubnetUnusable", Severity.WARNING)] if expected else []
    )
    assert setting(found, "targetSubnet/web-1-nic").value == name


def test_a_target_network_that_cannot_be_read_has_the_subnet_of_the_same_name() -> None:
    found = plan(mapped_networks={NETWORK.key: HUB.id})

    assert (setting(found, "targetSubnet/web-1-nic").value, found.findings) == ("web", ())


def test_a_subnet_is_asked_for_all_interfaces_or_for_each() -> None:
    two: dict[str, Any] = {
        "nics": (nic(), nic(SECOND)),
        "target_networks": (Network(id=BY_NAME, subnets={"a": Subnet(), "B": Subnet()}),),
    }

    for_all = nics(plan(asking(target_subnet="b"), **two))
    for_one = nics(plan(asking(target_subnet="WEB-1-nic-2=a"), **two))

    assert {name: each.subnet for name, each in for_all.items()} == {"web-1-nic": "B", "web-1-nic-2": "B"}
    assert {name: each.subnet for name, each in for_one.items()} == {"web-1-nic-2": "a"}


def test_a_subnet_of_a_network_that_is_made_is_one_of_its_image() -> None:
    subnets = {"web": Subnet(prefixes=("10.1.1.0/24",)), "db": Subnet(prefixes=("10.1.2.0/24",))}

    found = plan(asking(target_subnet="db"), networks=(source_network(subnets=subnets),))

    assert nics(found)["web-1-nic"].subnet == "db"


def test_a_subnet_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert "allowed: web: the subnets of vnet-asr that a VM can be in" in refused(
        plan(asking(target_subnet="db")), "target-subnet"
    )


@pytest.mark.parametrize("tag", ["target-subnet", "target-ip", "target-nsg", "target-public-ip"])
def test_an_interface_that_the_vm_does_not_have_is_refused_with_those_it_has(tag: str) -> None:
    given = {"target-ip": "10.1.1.9"}.get(tag, "web")
    vm = source_vm(tags={f"dr-{tag}": f"eth0={given}"})

    assert "allowed: the names of web-1-nic" in refused(plan(vm), tag)


# The address


def test_a_static_address_is_kept_by_site_recovery_where_it_can_be() -> None:
    found = plan(nics=(nic(static=True),))

    assert (found.findings, nics(found)) == ((), {})
    assert setting(found, "targetIp/web-1-nic").value == "10.1.1.4"


@pytest.mark.parametrize(
    ("address", "context", "why"),
    [
        ("10.9.9.9", {}, "does not lie in it"),
        ("10.1.1.3", {}, "is Azure's own"),
        ("10.1.1.255", {}, "is Azure's own"),
        ("10.1.1.9", {"taken_addresses": ("10.1.1.9",)}, "is taken or promised to another VM"),
    ],
)
def test_a_static_address_that_cannot_be_kept_is_a_warning_and_one_asked_for_is_refused(
    address: str, context: dict[str, Any], why: str
) -> None:
    kept = plan(nics=(nic(static=True, address=address),), **context)
    finding = reported(kept.findings, "StaticIpNotPreserved")
    assert finding.severity is Severity.WARNING
    assert f"The static address {address} of web-1-nic {why} in the target subnet web" in finding.message
    assert "dr-target-ip" in finding.fix
    told_ = setting(kept, "targetIp/web-1-nic")
    assert (told_.value, told_.reason) == ("the next free one", f"its static address {why}")

    message = refused(plan(asking(target_ip=address), **context), "target-ip")
    assert f"a free address of the subnet web (10.1.1.0/24); {address} {why}" in message


def test_an_address_that_is_dynamic_is_not_kept_and_no_one_is_warned() -> None:
    found = plan(nics=(nic(address="10.9.9.9"),))

    assert found.findings == ()
    told_ = setting(found, "targetIp/web-1-nic")
    assert (told_.value, told_.reason) == ("the next free one", "its address is dynamic")


@pytest.mark.parametrize("address", ["10.1.1.4", "10.1.1.254"])
def test_an_address_that_is_asked_for_is_fixed(address: str) -> None:
    assert nics(plan(asking(target_ip=address)))["web-1-nic"].address == address


def test_an_address_is_looked_for_in_the_subnet_that_is_asked_for() -> None:
    subnets = {"web": Subnet(prefixes=("10.1.1.0/24",)), "db": Subnet(prefixes=("fd00::/64", "10.1.2.0/24"))}
    network = source_network(subnets=subnets)

    fits = plan(asking(target_subnet="db", target_ip="10.1.2.9"), networks=(network,))
    fails = plan(asking(target_subnet="db", target_ip="10.1.1.9"), networks=(network,))

    assert nics(fits)["web-1-nic"] == ReplicatedNic(id=NIC, subnet="db", address="10.1.2.9")
    assert "does not lie in it" in refused(fails, "target-ip")


def test_two_interfaces_are_not_given_one_address() -> None:
    assert "10.1.1.9" in refused(plan(asking(target_ip="10.1.1.9"), nics=(nic(), nic(SECOND))), "target-ip")


# What else an interface may have


OF_NIC = [
    ("target-nsg", "security_group", existing(resource_types.SECURITY_GROUP, "guard")),
    ("target-public-ip", "public_ip", existing(resource_types.PUBLIC_IP, "front")),
    ("target-backend-pool", "backend_pool", Existing(id=POOL, location=TARGET)),
]


@pytest.mark.parametrize(("tag", "field", "there"), OF_NIC, ids=lambda value: value if isinstance(value, str) else "")
def test_what_an_interface_is_given_exists_in_the_target_region(tag: str, field: str, there: Any) -> None:
    vm = source_vm(tags={f"dr-{tag}": str(there.id)})

    given = nics(plan(vm, existing=(there,)))
    assert given == {"web-1-nic": ReplicatedNic(id=NIC).with_(**{field: there.id})}
    assert setting(plan(vm, existing=(there,)), f"{override_options.CHOICES[tag].setting}/web-1-nic").value == str(
        there.id
    )
    assert "there is no" in refused(plan(vm), tag)
    home = there.with_(location="eastus")
    assert f"a resource in {TARGET}" in refused(plan(vm, existing=(home,)), tag)


@pytest.mark.parametrize(
    ("tag", "there", "code"),
    [
        ("target-public-ip", OF_NIC[1][2], "TargetPublicIpUnusable"),
        ("target-backend-pool", OF_NIC[2][2], "TargetPoolOfInternetLoadBalancer"),
    ],
)
def test_what_an_interface_may_not_get_at_a_failover_is_a_warning(tag: str, there: Existing, code: str) -> None:
    doubtful = there.with_(doubts=("is odd", "is used"))
    found = plan(source_vm(tags={f"dr-{tag}": str(there.id)}), existing=(doubtful,))

    finding = reported(found.findings, code)
    assert (finding.severity, found.blockers) == (Severity.WARNING, ())
    assert f"{there.id.name} is odd and is used: a failover may not give it to web-1" in finding.message
    assert f"dr-{tag}" in finding.fix


def test_each_interface_may_be_given_its_own() -> None:
    guard, front = OF_NIC[0][2], OF_NIC[1][2]
    vm = asking(target_nsg="web-1-nic=guard", target_public_ip="web-1-nic-2=front")

    given = nics(plan(vm, nics=(nic(), nic(SECOND)), existing=(guard, front)))

    assert given == {
        "web-1-nic": ReplicatedNic(id=NIC, security_group=guard.id),
        "web-1-nic-2": ReplicatedNic(id=SECOND, public_ip=front.id),
    }


# What the target lacks


CARRIED_NOWHERE = Subnet(
    prefixes=("10.1.1.0/24",),
    has_nsg=True,
    has_route_table=True,
    has_nat_gateway=True,
    service_endpoints=("Microsoft.Storage", "Microsoft.Sql"),
)
GUARDED = source_network(
    subnets={"web": CARRIED_NOWHERE, "jobs": DELEGATED}, peered=True, dns_servers=("10.1.0.4", "10.1.0.5")
)
OF_NETWORK = {
    "TargetSubnetWithoutNsg": "The subnet web of vnet has a network security group, and web of vnet-asr has none.",
    "TargetSubnetWithoutRouteTable": "The subnet web of vnet has a route table, and web of vnet-asr has none.",
    "TargetSubnetWithoutNatGateway": "The subnet web of vnet has a NAT gateway, and web of vnet-asr has none.",
    "TargetSubnetWithoutServiceEndpoints": "The subnet web of vnet has service endpoints for Microsoft.Storage, "
    "Microsoft.Sql, and web of vnet-asr has none for these.",
    "TargetNetworkUnpeered": "vnet is peered with other networks, and vnet-asr with none: what the VM talks to there "
    "is out of reach after a failover.",
    "TargetNetworkWithoutDelegations": "vnet delegates jobs to Microsoft.Web/serverFarms, and vnet-asr delegates none "
    "of these.",
}


def test_what_the_source_s_network_has_and_the_app_does_not_carry_is_reported() -> None:
    found = plan(networks=(GUARDED,))

    assert {finding.code: finding.message for finding in found.findings} == OF_NETWORK
    assert {finding.severity for finding in found.findings} == {Severity.WARNING}
    assert reported(found.findings, "TargetSubnetWithoutNsg").fix == (
        "Give the target subnet a network security group before you fail over."
    )
    assert found.replication


def test_dns_servers_and_outbound_access_are_carried_to_a_network_that_is_made() -> None:
    subnets = {"web": Subnet(prefixes=("10.1.1.0/24",)), "jobs": Subnet(prefixes=("10.1.2.0/24",), private=True)}
    found = plan(networks=(source_network(subnets=subnets, dns_servers=("10.1.0.4",)),))

    (network,) = of_kind(found, VirtualNetwork)
    assert (network.private_subnets, network.dns_servers) == (("jobs",), ("10.1.0.4",))
    assert found.findings == ()


@pytest.mark.parametrize(
    ("more", "subnet", "code"),
    [
        ({}, {}, "TargetNetworkWithoutDnsServers"),
        ({"dns_servers": ("10.9.9.9",)}, {"private": True}, "TargetSubnetWithoutOutboundAccess"),
        ({"dns_servers": ("10.9.9.9",)}, {"private": True, "has_nat_gateway": True}, ""),
        ({"dns_servers": ("10.9.9.9",)}, {"private": True, "has_route_table": True}, ""),
    ],
)
def test_a_target_network_that_lacks_what_would_be_carried_is_reported(
    more: dict[str, Any], subnet: dict[str, Any], code: str
) -> None:
    """One that others made, or an earlier version of the app."""
    there = Network(id=BY_NAME, location=TARGET, subnets={"web": Subnet(**subnet)}, **more)
    found = plan(networks=(source_network(dns_servers=("10.1.0.4",)),), target_networks=(there,))

    assert [finding.code for finding in found.findings] == ([code] if code else [])


def test_a_target_that_has_what_the_source_has_is_not_warned_of() -> None:
    there = GUARDED.with_(id=BY_NAME, location=TARGET)

    assert plan(networks=(GUARDED,), target_networks=(there,)).findings == ()
    assert plan(target_networks=(there,)).findings == ()


def test_the_same_lack_of_two_interfaces_is_reported_once() -> None:
    found = plan(networks=(GUARDED,), nics=(nic(), nic(SECOND)))

    assert len(found.findings) == len(OF_NETWORK)


@pytest.mark.parametrize(
    ("field", "code"),
    [("application_groups", "ApplicationSecurityGroupsNotKept"), ("secondary", "SecondaryAddressesNotKept")],
)
def test_what_an_interface_loses_at_a_failover_is_reported_for_each(field: str, code: str) -> None:
    """The support matrix of 2025-06: no application security groups, and the primary address only."""
    first, second, third = nic(), nic(SECOND), nic(ResourceId(f"{NIC}-3"))
    some = first.with_(**{field: ("one", "two")}), second.with_(**{field: ("three",)}), third
    found = plan(nics=some)

    assert [(each.code, each.severity) for each in found.findings] == [(code, Severity.WARNING)] * 2
    assert [("one, two" in each.message, "three" in each.message) for each in found.findings] == [
        (True, False),
        (False, True),
    ]

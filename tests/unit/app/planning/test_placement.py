"""Where the target VM is to be, and what it is to be there: each rule, each reason to refuse, each finding."""

from typing import Any

import pytest

from shared.model import resource_types
from shared.model.changes import ItemUpdate
from shared.model.findings import Severity
from shared.model.plan import Plan
from shared.model.replicated_item import ItemSettings, ProtectedItem
from shared.model.resource_id import ResourceId, vm_id
from shared.model.target_resources import AvailabilitySet, PlacementGroup, ResourceGroup
from shared.model.vm import Disk, Existing, GroupMember, Network, Offer, Quota, Size, SourceAvailabilitySet, Subnet
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    ELSEWHERE,
    NAMES,
    NIC,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VM_ID,
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
    source_vm,
)

SET = SourceAvailabilitySet(id=AVAILABILITY_SET, fault_domains=3, update_domains=5, sku="Aligned")
PPG = ResourceId.of(SUBSCRIPTION, "web", resource_types.PLACEMENT_GROUP, "close")
D4 = Size(
    name="Standard_D4s_v5",
    family="standardDSv5Family",
    cores=4,
    zones=("1", "2"),
    quotas=(Quota(name="standardDSv5Family", limit=8),),
)
D2 = D4.with_(name="Standard_D2s_v5", cores=2)


def asked(context: dict[str, Any] | None = None, **tags: str) -> Plan:
    return plan_of(asking(**tags), planning_context(**(context or {})), open_settings())


def refused(plan: Plan, tag: str) -> str:
    """The one finding that refuses: a blocker, or a warning about an item. It names the tag."""
    (finding,) = plan.blockers or plan.findings
    assert finding.code == "OverrideInvalid"
    assert f"The tag dr-{tag} is " in finding.message
    assert plan.replication is None
    return finding.message


# The region


def test_the_target_region_is_what_is_asked_for_else_the_map_s_else_the_vault_s() -> None:
    mapped = {"region_map": {SOURCE: {"target_location": "centralus"}}}
    vm, context = asking(target_location="Sweden Central"), planning_context(target_location="swedencentral")

    by_vault = setting(plan_of(source_vm(), planning_context(), settings()), "targetLocation")
    by_map = setting(
        plan_of(source_vm(), planning_context(target_location="centralus"), settings(**mapped)), "targetLocation"
    )
    by_tag = setting(plan_of(vm, context, open_settings(**mapped)), "targetLocation")

    assert (by_vault.value, by_vault.origin) == (TARGET, "default")
    assert (by_map.value, by_map.origin) == ("centralus", "region map")
    assert f"DR_REGION_MAP says so for {SOURCE}" in by_map.reason
    assert (by_tag.value, by_tag.origin) == ("swedencentral", "tag dr-target-location")


def test_a_vault_in_the_region_of_the_vm_would_be_lost_with_it() -> None:
    plan = plan_of(source_vm(), planning_context(vault_location=SOURCE, target_location=SOURCE), settings())

    finding = reported(plan.blockers, "VaultInSourceRegion")
    assert f"The vault vault is in {SOURCE}, the region of the VM" in finding.message
    assert "DR_VAULT_IDS" in finding.fix


def test_the_target_region_is_never_the_vm_s_own() -> None:
    plan = plan_of(asking(target_location=SOURCE), planning_context(target_location=SOURCE), open_settings())

    finding = reported(plan.blockers, "TargetInSourceRegion")
    assert f"would be {SOURCE}, its own" in finding.message
    assert "between zones" in finding.fix


def test_a_target_region_without_the_vault_is_a_warning() -> None:
    plan = plan_of(asking(target_location="centralus"), planning_context(target_location="centralus"), open_settings())

    finding = reported(plan.findings, "TargetNotVaultRegion")
    assert finding.severity is Severity.WARNING
    assert f"if {TARGET} is down, a failover is not possible" in finding.message
    assert plan.replication
    assert plan.replication.target_location == "centralus"


# The resource group


def test_a_target_group_that_is_asked_for_by_name_or_id_has_to_exist_and_is_not_made() -> None:
    ours = existing("", "", group="ours")
    for given in ("ours", str(ours.id)):
        plan = asked({"existing": (ours,)}, target_resource_group=given)

        assert plan.replication
        assert plan.replication.target_group == ours.id
        assert "ours" not in {group.id.name for group in of_kind(plan, ResourceGroup)}


def test_a_target_group_that_is_not_there_is_named() -> None:
    assert "a resource that exists; there is no" in refused(
        asked(target_resource_group="theirs"), "target-resource-group"
    )


def test_a_target_group_may_lie_anywhere_but_in_the_region_of_the_vm() -> None:
    for location, fits in (("norwayeast", True), (SOURCE, False)):
        there = existing("", "", group="ours", location=location)
        plan = asked({"existing": (there,)}, target_resource_group="ours")
        if fits:
            assert plan.blockers == ()
        else:
            assert f"lies in {SOURCE}, the region of the VM" in refused(plan, "target-resource-group")


def test_what_is_named_without_its_group_is_looked_for_in_the_target_group_that_is_asked_for() -> None:
    group, close = existing("", "", group="ours"), existing(resource_types.PLACEMENT_GROUP, "near", group="ours")

    plan = asked({"existing": (group, close)}, target_resource_group="ours", target_ppg="near")

    assert plan.replication
    assert plan.replication.placement_group == close.id


# Availability


def test_an_availability_set_is_made_after_the_source_s_only_if_there_is_one() -> None:
    plan = plan_of(source_vm(), planning_context(availability_set=SET), settings())

    (made,) = of_kind(plan, AvailabilitySet)
    assert made.id == ResourceId.of(SUBSCRIPTION, "web-asr", AVAILABILITY_SET.type, "web-set-asr")
    assert (made.location, made.fault_domains, made.update_domains, made.sku) == (TARGET, 2, 5, "Aligned")
    assert plan.replication
    assert plan.replication.availability_set == made.id
    without = plan_of(source_vm(), planning_context(), settings())
    assert of_kind(without, AvailabilitySet) == []
    assert without.replication
    assert without.replication.availability_set is None


@pytest.mark.parametrize(("offered", "made"), [(None, 2), (2, 2), (3, 3), (5, 3)])
def test_a_set_has_no_more_fault_domains_than_the_source_s_and_the_region(offered: int | None, made: int) -> None:
    plan = plan_of(
        source_vm(), planning_context(availability_set=SET, offer=Offer(sizes=(D2,), fault_domains=offered)), settings()
    )

    assert [each.fault_domains for each in of_kind(plan, AvailabilitySet)] == [made]


def test_another_set_may_be_asked_for_or_none() -> None:
    other = existing(resource_types.AVAILABILITY_SET, "other")
    chosen = asked({"availability_set": SET, "existing": (other,)}, target_availability_set="other")
    none = asked({"availability_set": SET}, target_availability_set="none")

    for plan, wanted in ((chosen, other.id), (none, None)):
        assert plan.replication
        assert plan.replication.availability_set == wanted
        assert of_kind(plan, AvailabilitySet) == []
    assert setting(none, "targetAvailabilitySet").value == "none"


def test_a_set_for_a_vm_that_is_in_none_is_refused_and_none_is_not() -> None:
    assert "since web-1 is in no availability set" in refused(
        asked({"existing": (existing(resource_types.AVAILABILITY_SET, "other"),)}, target_availability_set="other"),
        "target-availability-set",
    )
    assert asked(target_availability_set="none").blockers == ()


def test_a_zone_is_taken_instead_of_the_set() -> None:
    plan = asked({"availability_set": SET, "sizes": (D2,)}, target_zone="2")

    assert plan.replication
    assert (plan.replication.zone, plan.replication.availability_set) == ("2", None)
    assert of_kind(plan, AvailabilitySet) == []
    assert setting(plan, "targetAvailabilitySet").reason == "a zone is requested"


def test_a_zone_and_a_set_are_not_to_be_had_together() -> None:
    context = {"availability_set": SET, "existing": (existing(resource_types.AVAILABILITY_SET, "other"),)}

    message = refused(asked(context, target_zone="1", target_availability_set="other"), "target-availability-set")

    assert "the tag dr-target-zone requests a zone" in message


def test_a_zone_is_one_that_the_region_offers_the_size_in() -> None:
    message = refused(asked({"offer": Offer(sizes=(D2,))}, target_zone="3"), "target-zone")

    assert f"allowed: zone 1, 2, which {TARGET} offers Standard_D2s_v5 in; not 3" in message
    nowhere = D2.with_(zones=())
    assert "allowed: zone none, which" in refused(
        asked({"offer": Offer(sizes=(nowhere,))}, target_zone="1"), "target-zone"
    )


def test_a_proximity_placement_group_is_made_after_the_source_s() -> None:
    vm = source_vm(placement_group_id=PPG)
    source_set = SET.with_(placement_group_id=PPG)
    plan = plan_of(vm, planning_context(availability_set=source_set), settings())

    (made,) = of_kind(plan, PlacementGroup)
    assert made.id == ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.PLACEMENT_GROUP, "close-asr")
    (made_set,) = of_kind(plan, AvailabilitySet)
    assert made_set.placement_group == made.id
    waves = [{type(resource) for resource in wave} for wave in plan.resources]
    assert next(i for i, wave in enumerate(waves) if PlacementGroup in wave) < next(
        i for i, wave in enumerate(waves) if AvailabilitySet in wave
    )


def test_a_placement_group_that_is_asked_for_is_used_and_none_is_possible() -> None:
    near = existing(resource_types.PLACEMENT_GROUP, "near")
    vm = asking(target_ppg="near").with_(placement_group_id=PPG)
    plan = plan_of(vm, planning_context(existing=(near,)), open_settings())
    without = asking(target_ppg="none").with_(placement_group_id=PPG)

    assert plan.replication
    assert (plan.replication.placement_group, of_kind(plan, PlacementGroup)) == (near.id, [])
    none = plan_of(without, planning_context(), open_settings()).replication
    assert none
    assert none.placement_group is None


# Size and name


def test_a_size_that_is_asked_for_is_said_once_the_vm_is_protected_and_the_vm_s_own_is_not() -> None:
    plan = asked({"offer": Offer(sizes=(D2, D4))}, target_size="standard_d4S_v5")

    assert plan.replication
    assert plan.replication.size == "standard_d4S_v5"
    own = plan_of(source_vm(), planning_context(offer=Offer(sizes=(D2,))), settings()).replication
    assert own
    assert own.size == ""


def test_a_size_that_the_target_does_not_offer_is_refused_or_reported() -> None:
    assert f"a size that {TARGET} offers to the subscription" in refused(
        asked({"offer": Offer(sizes=(D2,))}, target_size="Standard_HB120"), "target-size"
    )
    plan = plan_of(source_vm(), planning_context(offer=Offer(sizes=(D4,))), settings())
    finding = reported(plan.blockers, "SizeNotInTarget")
    assert f"{TARGET} does not offer the size Standard_D2s_v5 of web-1" in finding.message
    assert "dr-target-size" in finding.fix


def test_a_region_that_does_not_exist_is_no_matter_of_the_size() -> None:
    nowhere = asked({"offer": Offer(), "target_location": "mars"}, target_location="mars")
    assert "a region of Azure that offers VMs" in refused(nowhere, "target-location")
    small = asked(
        {"offer": Offer(disk_types=("Premium_LRS",)), "target_location": "westus3"}, target_location="westus3"
    )
    assert [each.code for each in small.blockers] == ["SizeNotInTarget"]


@pytest.mark.parametrize(
    ("left", "short"),
    [
        ({}, []),
        ({"standardDSv5Family": 2, "cores": 2}, []),
        ({"standardDSv5Family": 1, "cores": 99}, [("standardDSv5Family", 1)]),
        ({"standardDSv5Family": 0}, [("standardDSv5Family", 0)]),
        ({"standardDSv5Family": 50, "cores": -3}, [("cores", 0)]),
        ({"standardDSv5Family": 1, "cores": 0}, [("standardDSv5Family", 1), ("cores", 0)]),
    ],
)
def test_cores_have_to_be_left_of_the_family_s_quota_and_of_the_region_s(
    left: dict[str, int], short: list[tuple[str, int]]
) -> None:
    size = D2.with_(quotas=tuple(Quota(name=name, limit=cores) for name, cores in left.items()))

    blockers = plan_of(source_vm(), planning_context(offer=Offer(sizes=(size,))), settings()).blockers

    assert [finding.code for finding in blockers] == ["TargetQuotaExceeded"] * len(short)
    for finding, (quota, cores) in zip(blockers, short, strict=True):
        assert f"needs 2 cores of the quota {quota} in {TARGET}, and {cores} are left" in finding.message
        assert ("regional cores" in finding.fix) == (quota == "cores")


def test_where_azure_has_not_reported_its_sizes_nothing_is_said_of_them() -> None:
    assert plan_of(source_vm(), planning_context(offer=None), settings()).blockers == ()
    assert plan_of(source_vm(size=""), planning_context(offer=Offer(sizes=())), settings()).blockers == ()


@pytest.mark.parametrize(
    ("size", "why"),
    [
        ({"data_disks": 1}, "a size that takes 2 data disks; Standard_D4s_v5 takes 1"),
        ({"premium": False}, "a size that takes premium disks; Standard_D4s_v5 does not"),
        ({"data_disks": 2}, ""),
        ({"data_disks": None}, ""),
        ({"interfaces": 1}, "a size that takes 2 interfaces; Standard_D4s_v5 takes 1"),
        ({"interfaces": 2}, ""),
        ({"architecture": "Arm64"}, "a size that has an x64 processor; Standard_D4s_v5 has Arm64"),
        ({"architecture": "x64", "generations": ("V1", "V2"), "controllers": ("SCSI", "NVMe")}, ""),
        ({"generations": ("V1",)}, "a size that takes VMs of generation V2; Standard_D4s_v5 takes V1"),
        ({"controllers": ("NVMe",)}, "a size that has the disk controller SCSI; Standard_D4s_v5 has NVMe"),
        ({"trusted_launch": False}, "a size that supports Trusted Launch; Standard_D4s_v5 does not"),
        ({"data_disks": 1, "interfaces": 1}, "takes 1, and that takes 2 interfaces"),
    ],
)
def test_a_size_that_is_asked_for_takes_the_disks_of_the_vm(size: dict[str, Any], why: str) -> None:
    disks = tuple(Disk(id=ResourceId(f"{OS_DISK}-{number}"), sku="Premium_LRS") for number in range(3))
    hardware = {"generation": "V2", "security_type": "TrustedLaunch", "os": "Windows", "nic_ids": (NIC, NIC)}
    vm = asking(target_size="Standard_D4s_v5").with_(**{"disks": disks, **hardware})

    plan = plan_of(vm, planning_context(offer=Offer(sizes=(D4.with_(**size),))), open_settings())

    assert (why in refused(plan, "target-size")) if why else (plan.blockers == ())


@pytest.mark.parametrize(
    ("disk_type", "premium", "fits"),
    [("Premium_LRS", False, False), ("Premium_LRS", True, True), ("StandardSSD_LRS", False, True)],
)
def test_a_disk_type_that_is_asked_for_goes_with_the_size_of_the_vm(disk_type: str, premium: bool, fits: bool) -> None:
    vm = asking(target_disk_type=disk_type).with_(disks=(Disk(id=OS_DISK, sku="Standard_LRS"),))
    offer = Offer(sizes=(D4.with_(name=vm.size, premium=premium),))

    plan = plan_of(vm, planning_context(offer=offer), open_settings())

    if fits:
        assert plan.blockers == ()
        return
    allowed = f"premium disks with a size that takes premium disks; {vm.size} does not"
    assert refused(plan, "target-disk-type").endswith(f"is 'Premium_LRS'; allowed: {allowed}.")


def test_a_name_is_said_once_the_vm_is_protected_and_short_for_windows() -> None:
    plan = asked(target_name="web-1-in-the-west")
    assert plan.replication
    assert plan.replication.name == "web-1-in-the-west"
    windows = asking(target_name="web-1-in-the-west").with_(os="Windows")
    assert "at most 15 characters for Windows" in refused(
        plan_of(windows, planning_context(), open_settings()), "target-name"
    )
    own = plan_of(source_vm(os="Windows", id=vm_id(SUBSCRIPTION, "web", "x" * 40)), planning_context(), settings())
    assert own.blockers == ()


@pytest.mark.parametrize("tag", ["dr-target-size", "dr-target-name"])
def test_none_is_no_size_and_no_name(tag: str) -> None:
    assert [
        finding.code for finding in plan_of(source_vm(tags={tag: "none"}), planning_context(), open_settings()).blockers
    ] == ["OverrideInvalid"]


# The multi-VM group


def member(number: int, subscription: str = SUBSCRIPTION, location: str = SOURCE) -> GroupMember:
    return GroupMember(id=vm_id(subscription, "web", f"other-{number}"), location=location)


def test_a_group_takes_sixteen_vms_of_one_subscription_and_region() -> None:
    fits = asked({"group_members": tuple(map(member, range(15)))}, consistency_group="shop")
    assert fits.replication
    assert fits.replication.consistency_group == "shop"

    full = asked({"group_members": tuple(map(member, range(16)))}, consistency_group="shop")
    assert "fewer than 16 VMs" in refused(full, "consistency-group")


def test_a_vm_that_is_in_the_group_itself_is_not_counted() -> None:
    own = GroupMember(id=source_vm().id, location=SOURCE)

    assert asked({"group_members": (own, *map(member, range(15)))}, consistency_group="shop").blockers == ()


@pytest.mark.parametrize("stranger", [member(1, subscription=ELSEWHERE), member(1, location="northeurope")])
def test_a_group_of_another_subscription_or_region_is_refused(stranger: GroupMember) -> None:
    message = refused(asked({"group_members": (stranger,)}, consistency_group="shop"), "consistency-group")

    assert str(stranger.id) in message


# Whatever is named


NAMED = {
    "target-ppg": resource_types.PLACEMENT_GROUP,
    "target-capacity-reservation": resource_types.RESERVATION,
    "target-scale-set": resource_types.SCALE_SET,
    "target-boot-diagnostics": resource_types.ACCOUNT,
    "target-vnet": resource_types.NETWORK,
}
FIELDS = {
    "target-ppg": "placement_group",
    "target-capacity-reservation": "capacity_reservation",
    "target-scale-set": "scale_set",
    "target-boot-diagnostics": "boot_diagnostics",
    "target-vnet": "network",
}


def named(tag: str, **changes: Any) -> tuple[Plan, Existing]:
    there = existing(NAMED[tag], "it").with_(**changes)
    context = planning_context(existing=(there,) if changes.get("location") != "nowhere" else ())
    return plan_of(source_vm(tags={f"dr-{tag}": str(there.id)}), context, open_settings()), there


@pytest.mark.parametrize("tag", NAMED)
def test_what_is_named_and_fits_is_asked_of_site_recovery(tag: str) -> None:
    plan, there = named(tag)

    assert plan.replication
    assert getattr(plan.replication, FIELDS[tag]) == there.id


@pytest.mark.parametrize("tag", NAMED)
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"location": "nowhere"}, "a resource that exists; there is no"),
        ({"location": SOURCE}, f"a resource in {TARGET}"),
        ({"obstacle": "has soft delete on"}, "has soft delete on"),
    ],
)
def test_what_is_named_and_does_not_fit_is_refused_with_the_reason(tag: str, changes: dict[str, Any], why: str) -> None:
    plan, there = named(tag, **changes)

    message = refused(plan, tag)
    assert why in message
    assert str(there.id) in message


def test_what_a_profile_names_outside_the_target_scope_is_refused_too() -> None:
    theirs = ResourceId.of(ELSEWHERE, "web-asr", resource_types.PLACEMENT_GROUP, "it")
    of_app = open_settings(profiles={"default": {"values": {"target-ppg": str(theirs)}}})

    finding = reported(plan_of(source_vm(), planning_context(), of_app).blockers, "OverrideNotAllowed")

    assert "The value target-ppg of the profile default requests" in finding.message
    assert "DR_TARGET_SCOPE" in finding.message


# Together, and of items


def has(**changes: Any) -> ProtectedItem:
    return protected_item(settings=ItemSettings(target_location=TARGET, **changes))


def test_a_size_that_is_not_offered_in_the_zone_of_the_item_is_refused_and_not_the_zone() -> None:
    vm = asking(target_size="Standard_D4s_v5")

    plan = plan_of(vm, planning_context(offer=Offer(sizes=(D4,))), open_settings(), has(zone="3"))

    assert "allowed: zone 1, 2" in refused(plan, "target-size")


def test_a_quota_that_others_have_used_up_says_nothing_of_an_item_that_has_its_size() -> None:
    full = D4.with_(quotas=(Quota(name="cores", limit=0),))
    vm, context = (
        asking(target_size="Standard_D4s_v5", target_name="web-9"),
        planning_context(offer=Offer(sizes=(full,))),
    )

    assert plan_of(vm, context, open_settings(), has(size="standard_d4s_v5")).changes.update == ItemUpdate(name="web-9")
    assert reported(plan_of(vm, context, open_settings()).blockers, "TargetQuotaExceeded")


def test_a_set_is_made_in_the_target_group_that_is_asked_for() -> None:
    group = existing("", "", group="ours")

    plan = asked({"availability_set": SET, "existing": (group,)}, target_resource_group="ours")

    (made,) = of_kind(plan, AvailabilitySet)
    assert made.id.group_id == group.id
    assert plan.replication
    assert plan.replication.availability_set == made.id


def test_a_set_of_another_group_than_the_target_s_is_refused() -> None:
    other = existing(resource_types.AVAILABILITY_SET, "other", group="sets")

    plan = asked({"availability_set": SET, "existing": (other,)}, target_availability_set=str(other.id))

    assert "is not in" in refused(plan, "target-availability-set")


def test_the_group_of_an_item_is_not_changed_without_its_set() -> None:
    group, own = existing("", "", group="ours"), existing(resource_types.AVAILABILITY_SET, "own").id
    item = has(availability_set=own, target_group=own.group_id)

    plan = plan_of(asking(target_resource_group="ours"), planning_context(existing=(group,)), open_settings(), item)

    assert f"{own} is not in {group.id}" in refused(plan, "target-resource-group")


def test_all_of_the_target_vm_is_in_one_subscription() -> None:
    both = f"/subscriptions/{SUBSCRIPTION},/subscriptions/{ELSEWHERE}"
    group = Existing(id=ResourceId.of(ELSEWHERE, "theirs"), location=TARGET)
    hub = Existing(id=ResourceId.of(ELSEWHERE, "theirs", resource_types.NETWORK, "hub"), location=TARGET)
    network = Network(id=hub.id, location=TARGET, subnets={"web": Subnet()})
    there = planning_context(existing=(group, hub), target_networks=(network,))
    app, alone = open_settings(target_scope=both), asking(target_resource_group=str(group.id))

    without_network = plan_of(alone, there, app)
    assert "one subscription" in refused(without_network, "target-resource-group")
    assert "or name a network in that subscription by dr-target-vnet" in without_network.blockers[0].fix
    assert "one subscription" in refused(plan_of(asking(target_vnet=str(hub.id)), there, app), "target-vnet")
    together = asking(target_resource_group=str(group.id), target_vnet=str(hub.id))
    assert plan_of(together, there, app).blockers == ()


@pytest.mark.parametrize(("location", "code"), [(SOURCE, "TargetGroupInSourceRegion"), (TARGET, ""), ("uksouth", "")])
def test_a_target_group_is_in_any_region_but_the_vm_s(location: str, code: str) -> None:
    """azure-to-azure-how-to-enable-replication, 2025-06: the default group as one that a tag names."""
    group = Existing(id=NAMES.group(VM_ID), location=location)
    named = asking(target_resource_group=group.id.name)
    elsewhere = asking(target_resource_group="other")
    other = Existing(id=ResourceId.of(SUBSCRIPTION, "other"), location=TARGET)
    context = planning_context(existing=(group, other))

    by_default = plan_of(source_vm(), context, open_settings())
    assert [finding.code for finding in by_default.findings] == ([code] if code else [])
    if code:
        finding = reported(by_default.blockers, code)
        assert f"{group.id} exists in {SOURCE}" in finding.message
        assert "dr-target-resource-group" in finding.fix
    assert bool(plan_of(named, context, open_settings()).blockers) == bool(code)
    assert plan_of(elsewhere, context, open_settings()).blockers == ()


@pytest.mark.parametrize(("location", "expected"), [(SOURCE, True), (TARGET, False), ("", False)])
def test_a_vault_whose_group_is_in_the_vm_s_region_is_a_warning(location: str, expected: bool) -> None:
    plan = plan_of(source_vm(), planning_context(vault_group_location=location), open_settings())

    assert [(each.code, each.severity) for each in plan.findings] == (
        [("VaultGroupInSourceRegion", Severity.WARNING)] if expected else []
    )


def test_the_casing_of_a_subscription_makes_no_other_group() -> None:
    letters = "abcdefab-cdef-abcd-efab-cdefabcdefab"
    other = GroupMember(id=vm_id(letters, "web", "other-1"), location=SOURCE)
    own = source_vm(id=vm_id(letters.upper(), "web", "web-1"), tags={"dr-consistency-group": "shop"})
    app = open_settings(target_scope=f"/subscriptions/{SUBSCRIPTION},/subscriptions/{letters}")

    plan = plan_of(own, planning_context(group_members=(other,)), app)

    assert "consistency-group" not in str(plan.blockers)


@pytest.mark.parametrize(
    ("zones", "tags", "context", "why"),
    [
        ((), {}, {}, ""),
        (("1", "2"), {"target_zone": "2"}, {}, ""),
        (("1", "2"), {"target_zone": "3"}, {}, "a set in the zone of the target VM (3); it has 1, 2"),
        (("1",), {}, {}, "a set in the zone of the target VM (none); it has 1"),
        ((), {"target_zone": "1"}, {}, "a set in the zone of the target VM (1); it has none"),
        ((), {}, {"availability_set": SET}, "none, since the target VM is in the availability set web-set-asr"),
    ],
    ids=str,
)
def test_a_target_scale_set_is_in_the_zone_of_the_vm_and_not_beside_an_availability_set(
    zones: tuple[str, ...], tags: dict[str, str], context: dict[str, Any], why: str
) -> None:
    flexible = existing(resource_types.SCALE_SET, "flexible", zones=zones)

    plan = asked({"existing": (flexible,), **context}, target_scale_set="flexible", **tags)

    if why:
        assert why in refused(plan, "target-scale-set")
    else:
        assert plan.replication
        assert plan.replication.scale_set == flexible.id


@pytest.mark.parametrize(
    ("size", "tags", "found"),
    [
        ({"ultra_zones": ("2",)}, {"target_zone": "2"}, False),
        ({"ultra_zones": ("2",)}, {"target_zone": "1"}, True),
        ({"ultra_zones": ("2",)}, {}, True),
        ({"ultra": True}, {}, False),
        ({}, {}, True),
    ],
    ids=str,
)
def test_ultra_disks_are_warned_of_where_the_size_has_none(
    size: dict[str, Any], tags: dict[str, str], found: bool
) -> None:
    vm = asking(churn="high", **tags).with_(disks=(Disk(id=OS_DISK, sku="UltraSSD_LRS"),))
    offer = Offer(sizes=(D2.with_(**{**size, "zones": ("1", "2")}),))

    plan = plan_of(vm, planning_context(offer=offer), open_settings())

    assert plan.blockers == ()
    assert [finding.code for finding in plan.findings] == ["UltraDisksNotInTarget"] * found


@pytest.mark.parametrize(
    ("vm", "size", "code"),
    [
        ({}, {"architecture": "Arm64"}, "ArmArchitecture"),
        ({}, {"controllers": ("NVMe",)}, "NvmeDiskController"),
        ({"disk_controller": "SCSI"}, {"controllers": ("NVMe",)}, ""),
        ({}, {"architecture": "x64", "controllers": ("SCSI", "NVMe")}, ""),
    ],
)
def test_the_list_of_sizes_tells_of_the_vm_s_own_hardware(vm: dict[str, Any], size: dict[str, Any], code: str) -> None:
    offer = Offer(sizes=(D2.with_(**size),))

    plan = plan_of(source_vm(**vm), planning_context(offer=offer), settings())

    assert [finding.code for finding in plan.blockers] == [code] * bool(code)

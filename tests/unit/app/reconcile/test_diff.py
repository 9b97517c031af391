"""Where what protects a VM is not what is asked for: changed in place where Azure can, reported where it cannot."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, event, given

from shared.config import override_options
from shared.config.profiles import DEFAULT, Profile
from shared.model import naming, resource_types
from shared.model.changes import Changes, ItemUpdate, Refusal
from shared.model.findings import Severity
from shared.model.plan import Plan
from shared.model.replicated_item import Agent, ItemDisk, ItemNic, ItemSettings, ProtectedItem
from shared.model.replication import ReplicatedDisk, ReplicatedNic
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import Disk, Existing, Network, SourceAvailabilitySet, SourceVm, Subnet
from shared.planning.derive import derive
from shared.planning.overrides import overrides_of
from shared.reconcile.diff import Mismatch, mismatches, with_changes
from shared.reconcile.drift import detached_disks
from tests import properties
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    CONTAINER,
    DATA_DISK,
    DEPLOYMENT,
    NETWORK,
    NIC,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    VM_ID,
    asking,
    existing,
    open_settings,
    plan_of,
    planning_context,
    protected_item,
    reported,
    setting,
    settings,
    source_vm,
)
from tests.unit.app.situations import Situation, item_made_from, situations

BY_NAME = ResourceId.of(SUBSCRIPTION, "net-asr", NETWORK.type, "vnet-asr")
THERE = Network(
    id=BY_NAME,
    location=TARGET,
    subnets={"web": Subnet(prefixes=("10.1.1.0/24",)), "db": Subnet(prefixes=("10.1.2.0/24",))},
)
POOL = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Network/loadBalancers", "lb").child(
    "backendAddressPools", "web"
)
OURS = CONTAINER.child("replicationProtectedItems", naming.item_name(VM_ID, DEPLOYMENT))
SET = SourceAvailabilitySet(id=AVAILABILITY_SET, fault_domains=2, update_domains=5, sku="Aligned")
HAS = ItemSettings(
    target_group=ResourceId.of(SUBSCRIPTION, "web-asr"),
    network=BY_NAME,
    size="Standard_D2s_v5",
    name="web-1",
    source_location=SOURCE,
    target_location=TARGET,
)
NAMED = {
    "target-resource-group": existing("", "", group="ours"),
    "target-vnet": existing(resource_types.NETWORK, "hub"),
    "target-availability-set": existing(resource_types.AVAILABILITY_SET, "other"),
    "target-ppg": existing(resource_types.PLACEMENT_GROUP, "near"),
    "target-capacity-reservation": existing(resource_types.RESERVATION, "kept"),
    "target-boot-diagnostics": existing(resource_types.ACCOUNT, "diag", kind="StorageV2"),
    "target-nsg": existing(resource_types.SECURITY_GROUP, "guard"),
    "target-public-ip": existing(resource_types.PUBLIC_IP, "front"),
    "target-backend-pool": Existing(id=POOL, location=TARGET),
}


def an_item(settings: dict[str, Any] | None = None, nic: dict[str, Any] | None = None, **changes: Any) -> ProtectedItem:
    """The item of the VM, with the portal's settings."""
    known = ItemNic(
        id="1",
        source=NIC,
        source_network=NETWORK,
        network=BY_NAME,
        configuration="ipconfig",
        subnet="web",
        target_subnet="web",
    )
    found = protected_item(settings=HAS.with_(**settings or {}), nics=(known.with_(**nic or {}),))
    return found.with_(**changes)


def again(
    item: ProtectedItem | None = None, vm: Any = None, context: dict[str, Any] | None = None, **tags: str
) -> Plan:
    known = {"existing": tuple(NAMED.values()), "target_networks": (THERE,)}
    return plan_of(
        vm or asking(**tags), planning_context(**{**known, **(context or {})}), open_settings(), item or an_item()
    )


def changed(plan: Plan) -> ItemUpdate:
    assert plan.findings == ()
    assert plan.changes.update
    assert plan.changes.added_disks == ()
    return plan.changes.update


def test_what_an_item_has_stays_as_it_is_unless_somebody_asks_for_another() -> None:
    """The portal's own choices are no mistakes: a default is for making."""
    by_hand = {
        "size": "Standard_E8",
        "name": "other",
        "zone": "3",
        "network": NAMED["target-vnet"].id,
        "high_churn": True,
    }
    disks = (ItemDisk(id=OS_DISK, replica_sku="Standard_LRS", target_sku="StandardSSD_LRS"),)
    item = an_item(by_hand, {"target_subnet": "db", "target_address": "10.1.2.7"}, disks=disks)

    plan = again(item)

    assert [(each.code, each.severity) for each in plan.findings] == [("TargetMismatch", Severity.NOTE)]
    assert plan.changes == Changes()
    assert plan.resources == ()


def test_what_the_interfaces_and_disks_of_an_item_have_is_reported_as_its_own() -> None:
    guard, front = NAMED["target-nsg"].id, NAMED["target-public-ip"].id
    nic = {"target_address": "10.1.1.7", "security_group": guard, "public_ip": front, "backend_pools": (POOL,)}
    keys = ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.ENCRYPTION_SET, "keys")
    disks = (ItemDisk(id=OS_DISK, replica_sku="Premium_LRS", target_sku="Premium_LRS", encryption_set=keys),)
    plan = again(an_item(nic=nic, disks=disks))

    assert plan.findings == ()
    told_ = {name: setting(plan, name) for name in TOLD_OF_PARTS}
    assert {name: each.value for name, each in told_.items()} == {
        "targetIp/web-1-nic": "10.1.1.7",
        "targetNsg/web-1-nic": str(guard),
        "targetPublicIp/web-1-nic": str(front),
        "targetBackendPool/web-1-nic": str(POOL),
        "targetDiskEncryptionSet/web-1-os": str(keys),
    }
    assert {each.origin for each in told_.values()} == {"replicated item"}


def test_an_address_does_not_go_along_to_another_subnet_and_is_not_reported_to() -> None:
    plan = again(an_item(nic={"target_address": "10.1.1.7"}), target_subnet="db")

    assert (setting(plan, "targetIp/web-1-nic").value, plan.findings) == ("the next free one", ())


TOLD_OF_PARTS = (
    *("targetIp/web-1-nic", "targetNsg/web-1-nic", "targetPublicIp/web-1-nic", "targetBackendPool/web-1-nic"),
    "targetDiskEncryptionSet/web-1-os",
)


# In place


ITEM_FIELDS = {
    "target-resource-group": "target_group",
    "target-vnet": "network",
    "target-ppg": "placement_group",
    "target-capacity-reservation": "capacity_reservation",
    "target-boot-diagnostics": "boot_diagnostics",
}


@pytest.mark.parametrize(("tag", "field"), ITEM_FIELDS.items())
def test_a_resource_that_is_asked_for_is_changed_by_an_update_of_the_item(tag: str, field: str) -> None:
    wanted = NAMED[tag].id
    vm = source_vm(tags={f"dr-{tag}": str(wanted)})
    item = an_item({}, {"network": BY_NAME})
    subnets = {"web": Subnet(prefixes=("10.1.1.0/24",))}
    context = {"target_networks": (THERE, Network(id=NAMED["target-vnet"].id, subnets=subnets))}

    plan = again(item, vm, context)

    assert changed(plan) == ItemUpdate(**{field: wanted})
    (difference,) = plan.changes.differences
    assert str(difference).startswith(f"{override_options.CHOICES[tag].setting}: ")
    assert str(difference).endswith(f" → {wanted}")
    done = an_item({field: wanted}, {"network": wanted} if tag == "target-vnet" else {})
    assert again(done, vm, context).changes == Changes()


@pytest.mark.parametrize(
    ("tag", "value", "field"), [("target-size", "Standard_D4s_v5", "size"), ("target-name", "web-1-dr", "name")]
)
def test_size_and_name_are_changed_by_an_update_of_the_item(tag: str, value: str, field: str) -> None:
    vm = source_vm(tags={f"dr-{tag}": value})

    assert changed(again(vm=vm)) == ItemUpdate(**{field: value})
    assert again(an_item({field: value.upper()}), vm).changes == Changes()


def test_a_scale_set_is_exchanged_for_another_and_never_given() -> None:
    own, other = (existing(resource_types.SCALE_SET, name) for name in ("own", "other"))
    context = {"existing": (own, other)}

    exchanged = again(an_item({"scale_set": own.id}), None, context, target_scale_set="other")
    given = again(an_item(), None, context, target_scale_set="other")

    assert changed(exchanged) == ItemUpdate(scale_set=other.id)
    assert given.changes == Changes()
    assert reported(given.findings, "TargetMismatch").severity is Severity.WARNING


def test_a_set_is_exchanged_for_another_and_never_given_or_taken() -> None:
    own = ResourceId.of(SUBSCRIPTION, "web-asr", AVAILABILITY_SET.type, "web-set-asr")
    other = NAMED["target-availability-set"].id
    context = {"availability_set": SET}

    exchanged = again(an_item({"availability_set": own}), None, context, target_availability_set="other")
    given = again(an_item(), None, context, target_availability_set="other")
    taken = again(an_item({"availability_set": own}), None, context, target_availability_set="none")

    assert changed(exchanged) == ItemUpdate(availability_set=other)
    for plan in (given, taken):
        assert plan.changes == Changes()
        assert reported(plan.findings, "TargetMismatch").severity is Severity.WARNING


OF_NIC = [
    ("target-subnet", "db", {"subnet": "db"}, {"target_subnet": "DB"}),
    ("target-ip", "10.1.1.9", {"address": "10.1.1.9"}, {"target_address": "10.1.1.9"}),
    ("target-nsg", "guard", {"security_group": NAMED["target-nsg"].id}, {"security_group": NAMED["target-nsg"].id}),
    (
        "target-public-ip",
        "front",
        {"public_ip": NAMED["target-public-ip"].id},
        {"public_ip": NAMED["target-public-ip"].id},
    ),
    ("target-backend-pool", str(POOL), {"backend_pool": POOL}, {"backend_pools": (ResourceId(f"{POOL}-2"), POOL)}),
]


@pytest.mark.parametrize(("tag", "value", "wanted", "has"), OF_NIC)
def test_what_an_interface_is_given_is_changed_with_it(
    tag: str, value: str, wanted: dict[str, Any], has: dict[str, Any]
) -> None:
    vm = source_vm(tags={f"dr-{tag}": value})

    plan = again(vm=vm)

    assert changed(plan) == ItemUpdate(nics=(ReplicatedNic(id=NIC, **wanted),))
    (difference,) = plan.changes.differences
    assert difference.setting == f"{override_options.CHOICES[tag].setting}/web-1-nic"
    assert again(an_item(nic=has), vm).changes == Changes()


def test_all_that_is_asked_of_an_interface_is_said_with_what_differs_of_it() -> None:
    vm = asking(target_subnet="db", target_ip="10.1.2.9")

    update = changed(again(an_item(nic={"target_subnet": "db"}), vm))

    assert update.nics == (ReplicatedNic(id=NIC, subnet="db", address="10.1.2.9"),)


def test_an_interface_that_the_item_does_not_know_is_left_out() -> None:
    assert again(an_item(nics=()), target_ip="10.1.1.9").changes == Changes()


def test_disk_types_are_changed_and_what_is_not_asked_for_stays_what_the_item_has() -> None:
    disks = (ItemDisk(id=OS_DISK, replica_sku="StandardSSD_LRS", target_sku="Premium_LRS"),)

    plan = again(an_item(disks=disks), target_disk_type="Standard_LRS")

    assert changed(plan).disks == (
        ReplicatedDisk(id=OS_DISK, replica_sku="StandardSSD_LRS", target_sku="Standard_LRS"),
    )
    assert [str(each) for each in plan.changes.differences] == ["targetDiskType/web-1-os: Premium_LRS → Standard_LRS"]
    replica = again(an_item(disks=disks), replica_disk_type="web-1-os=premium_lrs")
    assert changed(replica).disks == (ReplicatedDisk(id=OS_DISK, replica_sku="Premium_LRS", target_sku="Premium_LRS"),)
    assert again(an_item(disks=disks), replica_disk_type="standardssd_lrs").changes == Changes()


def test_an_os_disk_that_was_exchanged_is_never_added() -> None:
    vm = source_vm(disks=(Disk(id=ResourceId(f"{OS_DISK}-2"), sku="Premium_LRS", holds_os=True), LATE))

    plan = again(an_item(id=OURS, is_ours=True), vm)

    assert [disk.id for disk in plan.changes.added_disks] == [LATE.id]


def test_a_disk_that_was_attached_later_is_added_and_one_that_was_removed_is_reported() -> None:
    late = Disk(id=DATA_DISK, sku="StandardSSD_LRS", size_gb=128)
    vm = source_vm(disks=(*source_vm().disks, late))

    assert again(an_item(id=OURS, is_ours=True), vm).changes == Changes(
        added_disks=(ReplicatedDisk(id=DATA_DISK, replica_sku="StandardSSD_LRS", target_sku="StandardSSD_LRS"),)
    )
    gone = an_item(disks=(ItemDisk(id=OS_DISK), ItemDisk(id=DATA_DISK)))
    (finding,) = detached_disks(source_vm(), gone)
    assert (finding.code, finding.severity) == ("DiskRemoved", Severity.WARNING)
    assert finding.message == "The disk web-1-data is replicated, and no longer attached to web-1."
    assert "its recovery points go with it" in finding.fix
    assert detached_disks(source_vm(), an_item()) == ()


def test_a_disk_that_is_added_gets_the_types_that_are_asked_for() -> None:
    late = Disk(id=DATA_DISK, sku="StandardSSD_LRS", size_gb=128)
    vm = asking(target_disk_type="web-1-data=Premium_LRS").with_(disks=(*source_vm().disks, late))

    (added,) = again(an_item(id=OURS, is_ours=True), vm).changes.added_disks

    assert (added.target_sku, added.replica_sku) == ("Premium_LRS", "StandardSSD_LRS")


LATE = Disk(id=DATA_DISK, sku="StandardSSD_LRS", size_gb=128)


@pytest.mark.parametrize(
    ("late", "context", "code"),
    [
        ({"obstacle": "an ephemeral OS disk"}, {}, "UnsupportedDisk"),
        ({"size_gb": 0}, {}, "UnsupportedDisk"),
        ({"size_gb": 32768 + 1}, {}, "UnsupportedDisk"),
        ({}, {"shared_disks": (DATA_DISK,)}, "UnsupportedDisk"),
        ({"sku": "PremiumV2_LRS"}, {}, "HighChurnNeeded"),
        ({"encryption_set": ResourceId(f"{DATA_DISK}-set")}, {}, "DiskEncryptionSetNeeded"),
    ],
    ids=str,
)
def test_a_late_disk_that_cannot_be_replicated_is_reported_and_keeps_nothing_else_from_being_changed(
    late: dict[str, Any], context: dict[str, Any], code: str
) -> None:
    unfit = LATE.with_(**late)
    fit = LATE.with_(id=ResourceId(f"{DATA_DISK}-2"))
    vm = asking(target_size="Standard_D4s_v5").with_(disks=(*source_vm().disks, unfit, fit))

    plan = again(an_item(id=OURS, is_ours=True), vm, context)

    assert reported(plan.findings, code).severity is Severity.WARNING
    assert plan.blockers == ()
    assert plan.changes.update == ItemUpdate(size="Standard_D4s_v5")
    assert [disk.id for disk in plan.changes.added_disks] == [fit.id]


def test_a_disk_that_needs_high_churn_is_added_to_an_item_that_has_it_whatever_is_asked_for() -> None:
    late = LATE.with_(sku="PremiumV2_LRS")
    vm = source_vm(disks=(*source_vm().disks, late))

    assert [
        disk.id
        for disk in again(an_item({"high_churn": True, "zone": "1"}, id=OURS, is_ours=True), vm).changes.added_disks
    ] == [late.id]
    asks = asking(churn="high").with_(disks=vm.disks)
    assert again(an_item(id=OURS, is_ours=True), asks).changes.added_disks == ()


def test_no_disk_is_added_to_an_item_of_others() -> None:
    """Who made it may have left the disk out on purpose."""
    assert again(vm=source_vm(disks=(*source_vm().disks, LATE))).changes == Changes()


def test_a_subnet_that_an_operator_chose_in_the_network_that_is_asked_for_is_kept() -> None:
    there = Network(id=NAMED["target-vnet"].id, location=TARGET, subnets={"web": Subnet(), "app": Subnet()})
    has = an_item({"network": there.id}, {"network": there.id, "target_subnet": "app"})

    assert again(has, context={"target_networks": (there,)}, target_vnet="hub").changes == Changes()


# Not in place


def cache(kind: str = "StorageV2") -> Existing:
    return existing(resource_types.ACCOUNT, "ours", group=f"asr-cache-{SOURCE}", location=SOURCE, kind=kind)


KEYS = existing(resource_types.ENCRYPTION_SET, "keys")
FOR_GOOD: list[tuple[str, str, str, dict[str, Any]]] = [
    ("target-location", "centralus", f"targetLocation of web-1 is {TARGET}, and centralus", {}),
    ("consistency-group", "shop", "consistencyGroup of web-1 is none, and shop", {}),
    ("churn", "high", "churn of web-1 is normal, and high", {}),
    ("cache-storage", "ours", "cacheStorage/web-1-os of web-1 is none, and /subscriptions", {"existing": (cache(),)}),
    (
        "target-disk-encryption-set",
        "keys",
        "targetDiskEncryptionSet/web-1-os of web-1 is none, and /subscriptions",
        {"existing": (KEYS,)},
    ),
]


@pytest.mark.parametrize(("tag", "value", "message", "context"), FOR_GOOD)
def test_what_site_recovery_does_not_change_is_reported_with_what_it_would_cost(
    tag: str, value: str, message: str, context: dict[str, Any]
) -> None:
    plan = again(None, source_vm(tags={f"dr-{tag}": value}), context)

    assert plan.changes == Changes()
    (finding,) = plan.findings
    code = "ConsistencyGroupMismatch" if tag == "consistency-group" else "TargetMismatch"
    assert (finding.code, finding.severity) == (code, Severity.WARNING)
    assert finding.message.startswith(message)
    assert "its recovery points are lost then" in finding.fix


@pytest.mark.parametrize(
    ("tag", "value", "has", "code"),
    [
        ("target-zone", "none", {"zone": "2"}, "TargetMismatch"),
        ("consistency-group", "none", {"consistency_group": "shop"}, "ConsistencyGroupMismatch"),
        ("target-ppg", "none", {"placement_group": NAMED["target-ppg"].id}, "TargetMismatch"),
        ("churn", "normal", {"high_churn": True}, "TargetMismatch"),
    ],
)
def test_what_an_item_has_is_not_taken_away(tag: str, value: str, has: dict[str, Any], code: str) -> None:
    plan = again(an_item(has), source_vm(tags={f"dr-{tag}": value}))

    assert plan.changes == Changes()
    assert [finding.code for finding in plan.findings] == [code]


def test_what_can_be_changed_is_although_something_else_cannot() -> None:
    plan = again(target_size="Standard_D4s_v5", churn="high")

    assert plan.changes.update == ItemUpdate(size="Standard_D4s_v5")
    assert [finding.code for finding in plan.findings] == ["TargetMismatch"]


NO = Error(code="159060", message="The availability type cannot be changed.")


@pytest.mark.parametrize(
    ("has", "requested", "attempts", "update"),
    [
        ({}, "2", [], ItemUpdate(zone="2")),
        ({"zone": "1"}, "2", [], ItemUpdate(zone="2")),
        ({"zone": "1"}, "2", ["zone 3", "agent 9.1"], ItemUpdate(zone="2")),
        ({"zone": "1"}, "2", ["zone 2"], None),
        ({"zone": "2"}, "2", ["zone 2"], None),
        ({"availability_set": NAMED["target-availability-set"].id}, "2", [], None),
    ],
)
def test_a_zone_is_tried_in_place_and_not_again_once_it_is_refused(
    has: dict[str, Any], requested: str, attempts: list[str], update: ItemUpdate | None
) -> None:
    vm, item = asking(target_zone=requested), an_item(has)
    refusals = [Refusal(attempt=each, error=NO, at=datetime.now(UTC)) for each in attempts]
    overrides = overrides_of(vm, {}, open_settings())

    plan = with_changes(plan_of(vm, planning_context(), open_settings(), item), overrides, item, refusals=refusals)

    assert plan.changes.update == update
    refused = [finding for finding in plan.findings if "159060" in finding.message]
    assert bool(refused) is (has == {"zone": "1"} and update is None)
    assert all("availability type" in finding.fix and finding.code == "TargetMismatch" for finding in refused)


@pytest.mark.parametrize(
    ("agent", "power", "profile", "attempts", "old"),
    [
        ({"outdated": True}, "running", True, [], "9.52"),
        ({"outdated": True, "version": ""}, "running", True, [], "unknown"),
        ({"outdated": True}, "running", True, ["agent 9.51"], "9.52"),
        ({"outdated": True}, "running", True, ["agent 9.52"], ""),
        ({"outdated": True}, "running", False, [], ""),
        ({"outdated": True}, "deallocated", True, [], ""),
        ({"certificate_outdated": True}, "running", True, [], ""),
    ],
)
def test_an_outdated_agent_is_updated_where_the_profile_says_so_and_once(
    agent: dict[str, Any], power: str, profile: bool, attempts: list[str], old: str
) -> None:
    vm, item = source_vm(power_state=power), an_item().with_(agent=Agent(**{"version": "9.52", **agent}))
    app = settings(profiles={DEFAULT: Profile(update_agents=profile)})
    refusals = [Refusal(attempt=each, error=NO, at=datetime.now(UTC)) for each in attempts]
    overrides = overrides_of(vm, {}, app)

    plan = with_changes(plan_of(vm, planning_context(), app, item), overrides, item, refusals=refusals)

    assert plan.changes.old_agent == old
    assert [finding.code for finding in plan.findings] == (["AgentOutdated"] if attempts == ["agent 9.52"] else [])


# Wishes that are not to be had, and what is none of an item's business


def test_with_a_override_that_is_not_to_be_had_nothing_is_changed() -> None:
    plan = again(target_size="Standard_D4s_v5", target_nsg="missing")

    assert plan.changes == Changes()
    assert (plan.replication, plan.blockers) == (None, ())
    assert [(finding.code, finding.severity) for finding in plan.findings] == [("OverrideInvalid", Severity.WARNING)]
    assert setting(plan, "targetSize").value == "Standard_D4s_v5"


def test_what_keeps_a_vm_from_being_enabled_is_not_said_of_one_that_is() -> None:
    stopped = asking(target_size="Standard_D4s_v5").with_(power_state="deallocated")
    at_home = {"vault_location": SOURCE, "group_managed_by": "aks"}

    assert changed(again(None, stopped, at_home)) == ItemUpdate(size="Standard_D4s_v5")


@pytest.mark.parametrize(
    "disk",
    [
        Disk(id=OS_DISK, sku="PremiumV2_LRS"),
        Disk(id=OS_DISK, sku="Premium_LRS", encryption_set=ResourceId(f"{OS_DISK}-set")),
    ],
)
def test_an_item_that_the_portal_enabled_with_keys_or_high_churn_is_right_as_it_is(disk: Disk) -> None:
    own = ItemDisk(id=OS_DISK, replica_sku=disk.sku, target_sku=disk.sku, encryption_set=KEYS.id)

    assert again(an_item({"high_churn": True}, disks=(own,)), source_vm(disks=(disk,))).findings == ()


# One comparison, with nothing read: of a sweep and of a plan


def found(vm: SourceVm, item: ProtectedItem) -> tuple[Mismatch, ...]:
    return mismatches(vm, overrides_of(vm, {}, open_settings()), item)


def done(item: ProtectedItem, update: ItemUpdate) -> ProtectedItem:
    """The item once the update was made."""
    fields = {name: getattr(update, name) for name in override_options.UPDATED_FIELDS.values()}
    disks, nics = {disk.id: disk for disk in update.disks}, {nic.id: nic for nic in update.nics}
    names = {"subnet": "target_subnet", "address": "target_address"}
    return item.with_(
        settings=item.settings.with_(**{name: value for name, value in fields.items() if value}),
        disks=tuple(
            disk.with_(**disks[disk.id].model_dump(include={"replica_sku", "target_sku"})) if disk.id in disks else disk
            for disk in item.disks
        ),
        nics=tuple(
            nic.with_(
                **{"network": update.network or nic.network}
                | {
                    names.get(name, name): value
                    for name, value in (nics.get(nic.source) or ())
                    if name not in {"id", "backend_pool"}
                }
                | {"backend_pools": tuple(filter(None, [nics[nic.source].backend_pool]))}
                if nic.source in nics
                else {"network": update.network or nic.network}
            )
            for nic in item.nics
        ),
    )


@properties.examples(150)
@given(situations(fitting=True))
def test_what_a_plan_writes_ends_every_difference_that_can_be_changed_in_place(situation: Situation) -> None:
    """The VM was protected before anything was asked for; whatever is asked for since can be had."""
    vm = situation.vm.with_(nic_ids=tuple(nic.id for nic in situation.context.nics))
    before = situation._replace(vm=vm.with_(tags={"dr": "true"}, request={}), group_tags={})
    assume(before.plan().replication is not None)
    item = item_made_from(before, before.plan())
    plan = situation._replace(vm=vm).plan(item)
    assume(plan.replication is not None)
    overrides = overrides_of(vm, situation.group_tags, situation.app)

    differing = mismatches(vm, overrides, item)
    left = mismatches(vm, overrides, done(item, plan.changes.update or ItemUpdate()))

    event(f"{min(len(differing), 3)} mismatches")
    assert plan.changes.differences == tuple(each.difference for each in differing if each.in_place)
    assert left == tuple(each for each in differing if not each.in_place)


def test_an_interface_that_moves_to_another_network_is_given_a_subnet_of_it() -> None:
    hub = Network(id=NAMED["target-vnet"].id, location=TARGET, subnets={"app": Subnet()})

    plan = again(context={"target_networks": (THERE, hub)}, target_vnet="hub")

    assert [each.code for each in plan.findings] == ["TargetSubnetDiffers"]
    assert plan.changes.update == ItemUpdate(network=hub.id, nics=(ReplicatedNic(id=NIC, subnet="app"),))
    assert [each.setting for each in plan.changes.differences] == ["targetVnet"]


def test_a_name_stands_for_the_resource_in_the_target_group_and_no_other() -> None:
    theirs = ResourceId.of(SUBSCRIPTION, "others", NETWORK.type, "vnet-dr")
    ours = ResourceId.of(SUBSCRIPTION, "web-asr", NETWORK.type, "VNET-DR")

    (differing,) = found(asking(target_vnet="vnet-dr"), an_item({}, {"network": theirs}))

    assert (differing.code, differing.difference.current, differing.in_place) == ("NetworkMismatch", str(theirs), True)
    assert differing.difference.wanted.lower() == ours.key
    assert found(asking(target_vnet="vnet-dr"), an_item({}, {"network": ours})) == ()


@pytest.mark.parametrize(
    "tags",
    [
        {"target_subnet": "web-1-nic=web"},
        {"target_subnet": "other-nic=db"},
        {"target_disk_type": "web-1-data=Standard_LRS"},
        {"target_zone": "none"},
        {"consistency_group": "none"},
        {"churn": "normal"},
        {"target_resource_group": str(HAS.target_group).upper().replace("/RESOURCEGROUPS/", "/resourcegroups/")},
    ],
)
def test_what_the_item_has_or_the_vm_has_not_is_no_mismatch(tags: dict[str, str]) -> None:
    assert found(asking(**tags), an_item()) == ()


def test_an_interface_or_a_disk_that_was_removed_is_not_compared() -> None:
    item = an_item(disks=(ItemDisk(id=DATA_DISK, target_sku="Premium_LRS"),))
    vm = asking(target_disk_type="Standard_LRS", target_subnet="db").with_(
        nic_ids=(), disks=(Disk(id=OS_DISK, sku=""),)
    )

    assert found(vm, item) == ()


@pytest.mark.parametrize(("size", "changed"), [("Standard_D16s_v5", True), ("standard_d2s_V5", False), ("", False)])
@pytest.mark.parametrize("tags", [{"dr-target-size": "source"}, {"dr-target-size": "Source"}, {}])
def test_only_if_a_profile_or_a_tag_says_so_the_target_follows_a_vm_that_was_resized(
    tags: dict[str, str], size: str, changed: bool
) -> None:
    profile = Profile(values={} if tags else {"target-size": "source"}, allow={"target-size": ("*",)})
    app = settings(profiles={DEFAULT: profile})
    vm = source_vm(tags={"dr": "true", **tags}, size=size)
    item = protected_item(id=OURS, settings=HAS.with_(size="Standard_D2s_v5"))
    overrides = overrides_of(vm, {}, app)
    context = planning_context(offer=None)

    (*differing,) = mismatches(vm, overrides, item)
    changes = with_changes(derive(vm, context, overrides, app, VAULT_ID, item), overrides, item).changes

    assert [(each.in_place, each.finding(vm).code) for each in differing] == [(True, "TargetMismatch")] * changed
    assert (changes.update.size if changes.update else "") == (size if changed else "")


def test_one_address_is_asked_for_no_one_where_there_are_several_interfaces() -> None:
    other = ResourceId(f"{NIC}-2")
    nics = (ItemNic(id="1", source=NIC), ItemNic(id="2", source=other))
    vm = asking(target_ip="10.1.1.9")

    assert found(vm.with_(nic_ids=(NIC, other)), an_item(nics=nics)) == ()
    assert [each.difference.setting for each in found(vm, an_item())] == ["targetIp/web-1-nic"]


# A VM that was resized


@pytest.mark.parametrize(
    ("size", "has", "tags", "notes"),
    [
        ("Standard_D16s_v5", "Standard_D2s_v5", {}, 1),
        ("Standard_D1_v2", "Standard_D2s_v5", {}, 1),
        ("standard_d2s_V5", "Standard_D2s_v5", {}, 0),
        ("Standard_D16s_v5", "", {}, 0),
        ("", "Standard_D2s_v5", {}, 0),
        # A tag says which: the item has that size, or is changed.
        ("Standard_D16s_v5", "Standard_D2s_v5", {"dr-target-size": "Standard_D2s_v5"}, 0),
    ],
)
def test_a_vm_that_was_resized_is_noted_and_its_item_left_as_it_is(
    size: str, has: str, tags: dict[str, str], notes: int
) -> None:
    vm = source_vm(tags={"dr": "true", **tags}, size=size)
    item = protected_item(id=OURS, settings=HAS.with_(size=has))

    found = mismatches(vm, overrides_of(vm, {}, open_settings()), item)

    findings = [each.finding(vm) for each in found]
    assert [(each.code, each.severity) for each in findings] == [("TargetMismatch", Severity.NOTE)] * notes
    assert all(size in each.message and has in each.message and each.fix for each in findings)
    assert not any(each.in_place for each in found)

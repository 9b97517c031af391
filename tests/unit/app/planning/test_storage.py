"""Disks, their keys, and the cache account."""

from typing import Any

import pytest

from shared.model import resource_types
from shared.model.findings import Severity
from shared.model.names import DEFAULT_NAMES
from shared.model.plan import Plan
from shared.model.replicated_item import ItemDisk
from shared.model.resource_id import ResourceId
from shared.model.target_resources import CacheAccount, ResourceGroup
from shared.model.vm import Disk, Existing, Offer, Size
from shared.planning.storage import MOST_CACHED_DISKS, unmanaged
from tests.unit.app.examples import (
    DATA_DISK,
    DEPLOYMENT,
    ELSEWHERE,
    NETWORK,
    OS_DISK,
    SOURCE,
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
    source_vm,
)

FIRST = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT)
TWO = (Disk(id=OS_DISK, sku="Premium_LRS", size_gb=64), Disk(id=DATA_DISK, sku="StandardSSD_LRS", size_gb=128))


def account(kind: str = "StorageV2", name: str = "ours", **changes: Any) -> Existing:
    known: dict[str, Any] = {"kind": kind, "location": SOURCE}
    return existing(resource_types.ACCOUNT, name, group="caches", **{**known, **changes})


def asked(context: dict[str, Any] | None = None, disks: tuple[Disk, ...] = TWO, **tags: str) -> Plan:
    vm = asking(**tags).with_(disks=disks)
    return plan_of(vm, planning_context(**(context or {})), open_settings())


def refused(plan: Plan, tag: str) -> str:
    (finding,) = plan.blockers
    assert finding.code == "OverrideInvalid"
    assert f"tag dr-{tag} is" in finding.message
    return finding.message


def types(plan: Plan) -> list[tuple[str, str]]:
    assert plan.replication
    return [(disk.replica_sku, disk.target_sku) for disk in plan.replication.disks]


# Types


def test_each_disk_keeps_its_own_type_as_replica_and_target() -> None:
    assert types(asked()) == [("Premium_LRS", "Premium_LRS"), ("StandardSSD_LRS", "StandardSSD_LRS")]


def test_types_are_asked_for_all_disks_or_for_each() -> None:
    plan = asked(target_disk_type="Standard_LRS", replica_disk_type="WEB-1-data=premium_lrs")

    assert types(plan) == [("Premium_LRS", "Standard_LRS"), ("Premium_LRS", "Standard_LRS")]
    assert setting(plan, "targetDiskType/web-1-os").origin == "tag dr-target-disk-type"
    assert setting(plan, "replicaDiskType/web-1-os").origin == "default"
    assert setting(plan, "replicaDiskType/web-1-data").value == "Premium_LRS"


def test_a_disk_that_the_vm_does_not_have_is_refused_with_those_it_has() -> None:
    assert "the names of web-1-os, web-1-data" in refused(asked(target_disk_type="c=Premium_LRS"), "target-disk-type")


@pytest.mark.parametrize(
    ("disks", "tags"),
    [
        ((Disk(id=OS_DISK, sku="PremiumV2_LRS"),), {}),
        ((Disk(id=OS_DISK, sku="PremiumV2_LRS"),), {"target_disk_type": "Premium_LRS"}),
        (TWO, {"target_disk_type": "PremiumV2_LRS"}),
        ((TWO[0], Disk(id=DATA_DISK, sku="UltraSSD_LRS")), {}),
        (TWO, {"target_disk_type": "web-1-data=UltraSSD_LRS"}),
    ],
)
def test_the_newer_kinds_of_disks_need_high_churn(disks: tuple[Disk, ...], tags: dict[str, Any]) -> None:
    plan = asked(disks=disks, target_zone="1", **tags)

    finding = next(finding for finding in plan.blockers if finding.code == "HighChurnNeeded")
    kind = "an Ultra disk" if "Ultra" in f"{disks}{tags}" else "a Premium SSD v2"
    assert f"is or becomes {kind}, which needs a premium cache account" in finding.message
    assert "dr-churn=high" in finding.fix
    assert asked(disks=disks, churn="high", target_zone="1", **tags).blockers == ()


@pytest.mark.parametrize("sku", ["PremiumV2_LRS", "UltraSSD_LRS"])
def test_an_os_disk_is_of_no_newer_kind(sku: str) -> None:
    """disks-types: Premium SSD v2 and Ultra disks are data disks only."""
    disks = TWO[0].with_(holds_os=True), TWO[1]

    message = refused(asked(disks=disks, target_disk_type=sku, churn="high", target_zone="1"), "target-disk-type")
    assert "the OS disk web-1-os cannot be" in message
    named = asked(disks=disks, target_disk_type=f"web-1-data={sku}", churn="high", target_zone="1")
    assert [target for _, target in types(named)] == ["Premium_LRS", sku]


@pytest.mark.parametrize("sku", ["PremiumV2_LRS", "UltraSSD_LRS"])
def test_the_replica_of_a_newer_kind_of_disk_is_a_premium_ssd(sku: str) -> None:
    disk = Disk(id=OS_DISK, sku=sku)

    plan = asked(disks=(disk,), churn="high", target_zone="1")

    assert types(plan) == [("Premium_LRS", sku)]
    assert setting(plan, "replicaDiskType/web-1-os").reason == "Premium SSD: a replica is of no newer kind"
    (finding,) = asked(disks=(disk,), churn="high", target_zone="1", replica_disk_type=sku).blockers
    assert finding.code == "UnsupportedReplicaType"


@pytest.mark.parametrize(
    ("disk", "tags", "codes"),
    [
        ("PremiumV2_LRS", {"churn": "high"}, ["TargetZoneNeeded"]),
        ("Premium_LRS", {"churn": "high", "target_disk_type": "PremiumV2_LRS"}, ["TargetZoneNeeded"]),
        ("PremiumV2_LRS", {"churn": "high", "target_disk_type": "Premium_LRS"}, []),
        ("UltraSSD_LRS", {"churn": "high"}, []),
    ],
)
def test_a_target_of_premium_v2_needs_a_zone(disk: str, tags: dict[str, Any], codes: list[str]) -> None:
    plan = asked(disks=(Disk(id=OS_DISK, sku=disk),), **tags)

    assert [finding.code for finding in plan.blockers] == codes


_LOCAL = ("Standard_LRS", "StandardSSD_LRS", "Premium_LRS")
_ALL = (*_LOCAL, "StandardSSD_ZRS", "Premium_ZRS", "PremiumV2_LRS", "UltraSSD_LRS")


@pytest.mark.parametrize(
    ("disk", "tags", "offered", "codes"),
    [
        ("Premium_ZRS", {}, _LOCAL, ["DiskTypeNotInTarget"]),
        ("StandardSSD_ZRS", {}, _LOCAL, ["DiskTypeNotInTarget"]),
        ("Premium_ZRS", {}, _ALL, []),
        ("Premium_ZRS", {}, (), []),
        ("", {}, _LOCAL, []),  # Azure does not tell it: of a stopped VM, say
        ("Premium_LRS", {"target_disk_type": "Premium_ZRS"}, _LOCAL, ["DiskTypeNotInTarget"]),
        ("Premium_LRS", {"target_disk_type": "Premium_ZRS"}, _ALL, []),
        ("Premium_LRS", {"target_disk_type": "UltraSSD_LRS", "churn": "high"}, _LOCAL, ["DiskTypeNotInTarget"]),
        (
            "Premium_ZRS",
            {"target_disk_type": "Premium_LRS", "replica_disk_type": "Premium_LRS"},
            _LOCAL,
            ["ZoneRedundancyLost", "DiskTypeNotInTarget"],
        ),
        ("Premium_ZRS", {"target_disk_type": "Premium_LRS"}, _ALL, ["ZoneRedundancyLost"]),
        ("Premium_ZRS", {"replica_disk_type": "StandardSSD_LRS"}, _ALL, ["ZoneRedundancyLost"]),
        ("Premium_ZRS", {"target_disk_type": "StandardSSD_ZRS"}, _ALL, []),
    ],
)
def test_the_target_region_has_to_have_the_types_of_the_disks(
    disk: str, tags: dict[str, str], offered: tuple[str, ...], codes: list[str]
) -> None:
    size = Size(name=source_vm().size)
    plan = asked({"offer": Offer(sizes=(size,), disk_types=offered)}, (Disk(id=OS_DISK, sku=disk),), **tags)

    assert [finding.code for finding in plan.blockers] == codes
    for finding in plan.blockers:
        assert disk in finding.message or tags["target_disk_type"] in finding.message
        if finding.code == "DiskTypeNotInTarget":  # another type for a zone-redundant disk would be refused as well
            assert ("disk-type" in finding.fix) == (not disk.endswith("_ZRS"))
            assert "dr-target-location" in finding.fix


def test_the_types_of_a_replicated_disk_are_changed_within_the_same_rules() -> None:
    item = protected_item(disks=(ItemDisk(id=OS_DISK, replica_sku="Premium_LRS", target_sku="Premium_LRS"),))
    vm = asking(target_disk_type="PremiumV2_LRS")

    plan = plan_of(vm, planning_context(), open_settings(), item)

    assert {finding.code for finding in plan.findings} >= {"HighChurnNeeded", "TargetZoneNeeded"}
    assert plan.blockers == ()
    assert (plan.replication, plan.changes.update) == (None, None)


# Keys


def test_a_disk_with_a_key_of_the_customer_needs_a_set_in_the_target() -> None:
    keyed = Disk(id=OS_DISK, sku="Premium_LRS", encryption_set=ResourceId(f"{OS_DISK}-set"))

    finding = reported(asked(disks=(keyed, TWO[1])).blockers, "DiskEncryptionSetNeeded")

    assert "The disk web-1-os of web-1 is encrypted with a customer-managed key (web-1-os-set)" in finding.message
    assert f"Make one in {TARGET}" in finding.fix
    assert "dr-target-disk-encryption-set" in finding.fix


def test_a_set_is_asked_for_all_disks_or_for_each_and_has_to_exist_there() -> None:
    there = existing(resource_types.ENCRYPTION_SET, "keys")
    keyed = Disk(id=OS_DISK, sku="Premium_LRS", encryption_set=ResourceId(f"{OS_DISK}-set"))
    context = {"existing": (there,)}

    for_all = asked(context, (keyed, TWO[1]), target_disk_encryption_set="keys").replication
    for_one = asked(context, (keyed, TWO[1]), target_disk_encryption_set=f"web-1-os={there.id}").replication
    missing = asked({}, (keyed,), target_disk_encryption_set="keys")
    home = asked({"existing": (there.with_(location=SOURCE),)}, (keyed,), target_disk_encryption_set="keys")

    assert for_all
    assert for_one
    assert [disk.encryption_set for disk in for_all.disks] == [there.id, there.id]
    assert [disk.encryption_set for disk in for_one.disks] == [there.id, None]
    assert "there is no" in refused(missing, "target-disk-encryption-set")
    assert f"a resource in {TARGET}" in refused(home, "target-disk-encryption-set")


def test_a_set_for_one_disk_does_not_serve_another_that_needs_one() -> None:
    there = existing(resource_types.ENCRYPTION_SET, "keys")
    both = tuple(disk.with_(encryption_set=ResourceId(f"{OS_DISK}-set")) for disk in TWO)

    plan = asked({"existing": (there,)}, both, target_disk_encryption_set="web-1-os=keys")

    assert [finding.code for finding in plan.blockers] == ["DiskEncryptionSetNeeded"]


# The cache account


def test_the_cache_is_the_first_of_ours_that_has_room() -> None:
    room = MOST_CACHED_DISKS - 2
    second = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, number=2)
    third = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, number=3)

    for counts, wanted in (
        ({}, FIRST),
        ({FIRST.key: room}, FIRST),
        ({FIRST.key: room + 1}, second),
        ({FIRST.key: 400, second.key: room + 1}, third),
        ({second.key: 400}, FIRST),
    ):
        plan = asked({"cached_disks": counts})
        assert plan.replication
        assert plan.replication.cache_account == wanted
        assert [cache.id for cache in of_kind(plan, CacheAccount)] == [wanted]


def test_a_name_that_others_hold_is_passed_over() -> None:
    second = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, number=2)

    plan = asked({"taken_accounts": (FIRST,)})

    assert plan.replication
    assert plan.replication.cache_account == second
    assert [cache.id for cache in of_kind(plan, CacheAccount)] == [second]


def test_an_account_whose_name_is_held_is_a_blocker_that_names_the_way_out() -> None:
    plan = asked({"existing": (Existing(id=FIRST, obstacle="cannot be created: others hold its name"),)})

    (finding,) = plan.blockers
    assert finding.code == "IncompatibleTargetResource"
    assert FIRST.name in finding.message
    assert "dr-cache-storage" in finding.fix


def test_high_churn_has_a_premium_account_of_its_own() -> None:
    plan = asked(churn="high")

    (cache,) = of_kind(plan, CacheAccount)
    assert cache.premium
    assert cache.id == DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, premium=True) != FIRST
    assert plan.replication
    assert plan.replication.high_churn


def test_an_account_that_is_asked_for_is_used_and_neither_it_nor_its_group_made() -> None:
    ours = account()
    plan = asked({"existing": (ours,)}, cache_storage=str(ours.id))

    assert plan.replication
    assert (plan.replication.cache_account, plan.replication.high_churn) == (ours.id, False)
    assert of_kind(plan, CacheAccount) == []
    assert not [group for group in of_kind(plan, ResourceGroup) if group.for_cache]


def test_an_account_by_its_name_is_one_in_the_app_s_own_group() -> None:
    ours = existing(resource_types.ACCOUNT, "ours", group=f"asr-cache-{SOURCE}", location=SOURCE, kind="StorageV2")

    plan = asked({"existing": (ours,)}, cache_storage="ours")

    assert plan.replication
    assert plan.replication.cache_account == ours.id


def test_a_premium_account_makes_the_churn_high() -> None:
    fast = account("BlockBlobStorage")
    plan = asked({"existing": (fast,)}, cache_storage=str(fast.id))

    assert plan.replication
    assert plan.replication.high_churn


@pytest.mark.parametrize(
    ("kind", "churn", "allowed"), [("StorageV2", "high", "normal"), ("BlockBlobStorage", "normal", "high")]
)
def test_a_churn_that_the_account_cannot_take_is_refused(kind: str, churn: str, allowed: str) -> None:
    message = refused(asked({"existing": (account(kind),)}, cache_storage=str(account().id), churn=churn), "churn")

    assert f"allowed: {allowed}: ours is a {kind} account" in message


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ({"location": TARGET}, f"a resource in {SOURCE}"),
        ({"obstacle": "has soft delete on"}, "has soft delete on"),
        (None, "there is no"),
    ],
)
def test_an_account_that_cannot_serve_is_refused_with_the_reason(there: dict[str, Any] | None, why: str) -> None:
    found = () if there is None else (account(**there),)

    assert why in refused(asked({"existing": found}, cache_storage=str(account().id)), "cache-storage")


def test_an_account_of_another_subscription_serves() -> None:
    """By API; the portal and PowerShell do not offer it."""
    theirs = account(id=ResourceId.of(ELSEWHERE, "caches", resource_types.ACCOUNT, "ours"))
    scope = f"/subscriptions/{SUBSCRIPTION},/subscriptions/{ELSEWHERE}"
    plan = plan_of(
        asking(cache_storage=str(theirs.id)), planning_context(existing=(theirs,)), open_settings(target_scope=scope)
    )

    assert plan.findings == ()
    assert plan.replication
    assert plan.replication.cache_account == theirs.id


OWN_SUBNET, OTHER_SUBNET = NETWORK.child("subnets", "WEB"), NETWORK.child("subnets", "db")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({}, ""),
        ({"lets_in": (OTHER_SUBNET, OWN_SUBNET)}, ""),
        ({"lets_in": (), "private_endpoint": True}, ""),
        ({"lets_in": (OTHER_SUBNET,), "private_endpoint": True}, ""),
        ({"lets_in": (OTHER_SUBNET,)}, f"lets no subnet of the VM in ({NETWORK}/subnets/web), and has no private"),
        ({"lets_in": ()}, "takes no public access, or lets no subnet in, and has no private endpoint"),
    ],
)
def test_the_vm_has_to_reach_the_account(named: bool, rules: dict[str, Any], why: str) -> None:
    """Its agent writes there: azure-docs#128324. Those of the app may have been given a firewall."""
    there = account(**rules) if named else account(id=FIRST, **rules)
    plan = plan_of(
        asking(**({"cache_storage": str(there.id)} if named else {})),
        planning_context(existing=(there,)),
        open_settings(),
    )

    assert [each.code for each in plan.findings] == (["CacheAccountUnreachable"] if why else [])
    assert all(why in each.message and "dr-cache-storage" in each.fix for each in plan.findings)
    assert bool(plan.blockers) == bool(why)


def test_an_account_without_keys_needs_a_vault_with_an_identity_and_its_roles() -> None:
    shut = account(keys_off=True)

    assert "an account with key access, or a vault with an identity; ours has keys off" in refused(
        asked({"existing": (shut,)}, cache_storage=str(shut.id)), "cache-storage"
    )
    for kind, role in (("StorageV2", "Contributor"), ("BlockBlobStorage", "Owner")):
        there = account(kind, keys_off=True)
        plan = asked({"existing": (there,), "vault_has_identity": True}, cache_storage=str(there.id))
        finding = reported(plan.findings, "CacheAccountRolesNeeded")
        assert finding.severity is Severity.WARNING
        assert f"Contributor and Storage Blob Data {role} on it" in finding.message
        assert "the support matrix of 2026-01 demands" in finding.message
        assert plan.replication


@pytest.mark.parametrize(
    ("there", "identity", "why"),
    [
        ({"obstacle": "has soft delete on"}, True, "has soft delete on"),
        ({"keys_off": True}, False, "has keys off, and the vault has no identity to go by"),
    ],
)
def test_the_app_s_own_account_is_held_to_the_same_rules(there: dict[str, Any], identity: bool, why: str) -> None:
    """Somebody, or Azure Policy, may have changed it since it was made."""
    own = account(id=FIRST, **there)
    finding = reported(
        asked({"existing": (own,), "vault_has_identity": identity}).blockers, "IncompatibleTargetResource"
    )

    assert finding.message == f"The cache account {FIRST} {why}: Site Recovery cannot use it."
    assert "dr-cache-storage" in finding.fix


def test_the_app_s_own_account_without_keys_serves_a_vault_with_an_identity_once_that_has_its_roles() -> None:
    plan = asked({"existing": (account(id=FIRST, keys_off=True),), "vault_has_identity": True})

    assert FIRST.name in reported(plan.findings, "CacheAccountRolesNeeded").message
    assert [cache.id for cache in of_kind(plan, CacheAccount)] == [FIRST]
    assert plan.named == ()


# The rest


def test_boot_diagnostics_are_kept_by_the_account_that_is_asked_for() -> None:
    there = existing(resource_types.ACCOUNT, "diag", kind="StorageV2")
    plan = asked({"existing": (there,)}, target_boot_diagnostics="diag")

    assert plan.replication
    assert plan.replication.boot_diagnostics == there.id


def test_boot_diagnostics_are_kept_by_no_premium_account() -> None:
    there = existing(resource_types.ACCOUNT, "diag", kind="BlockBlobStorage", sku="Premium_LRS")

    message = refused(asked({"existing": (there,)}, target_boot_diagnostics="diag"), "target-boot-diagnostics")

    assert "allowed: a standard account; diag is Premium_LRS" in message


def test_the_accounts_that_unmanaged_disks_would_go_to_are_reported_although_the_vm_is_refused() -> None:
    vm = source_vm(unmanaged_disks=1, unmanaged_accounts=("webdata", "x" * 24))
    plan = plan_of(vm, planning_context(), settings())

    assert {each.name: each.value for each in unmanaged(vm)} == {
        "targetStorage/webdata": "webdataasr",
        f"targetStorage/{'x' * 24}": "x" * 21 + "asr",
    }
    assert set(unmanaged(vm)) <= set(plan.settings)
    assert [finding.code for finding in plan.blockers] == ["UnmanagedDisks"]


def test_the_account_that_is_asked_for_unmanaged_disks_is_reported_in_their_place() -> None:
    there = existing(resource_types.ACCOUNT, "chosen", kind="StorageV2")
    vm = asking(target_storage="chosen").with_(unmanaged_disks=1, unmanaged_accounts=("webdata",))
    plan = plan_of(vm, planning_context(existing=(there,)), open_settings())

    reported = [(each.name, each.value, each.origin) for each in plan.settings if each.name.startswith("targetStorage")]
    assert reported == [("targetStorage", str(there.id), "tag dr-target-storage")]
    assert [finding.code for finding in plan.blockers] == ["UnmanagedDisks"]


@pytest.mark.parametrize("tag", ["cache-storage", "target-resource-group", "target-vnet", "target-disk-encryption-set"])
def test_what_a_vm_cannot_be_protected_without_is_never_none(tag: str) -> None:
    """No one is reported "none" and given the default."""
    plan = plan_of(source_vm(tags={f"dr-{tag}": "none"}), planning_context(), open_settings())

    assert "is 'none'" in refused(plan, tag)

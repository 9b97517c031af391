"""What no one needs any more of what this app created, and what keeps a resource all the same: rule by rule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.config.profiles import DEFAULT, Profile
from shared.config.settings import Create, Settings
from shared.model import naming
from shared.model.names import DEFAULT_NAMES
from shared.model.origin import Origin
from shared.model.replicated_item import ItemDisk, ItemNic, ItemSettings, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.resource_types import ACCOUNT, AVAILABILITY_SET, NETWORK, PLACEMENT_GROUP
from shared.model.vm import Lock, SourceVm
from shared.reconcile.orphans import (
    ReferencedResources,
    ResourceUsage,
    digest_of,
    named_by,
    notes_of,
    notes_of_plans,
    reason_to_keep,
    references_of,
    stays_for,
    unneeded,
)
from tests.unit.app.examples import (
    AVAILABILITY_SET as SOURCE_SET,
)
from tests.unit.app.examples import (
    DEPLOYMENT,
    ELSEWHERE,
    NAMES,
    NIC,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    VAULT_ID,
    VM_ID,
    asking,
    open_settings,
    protected_item,
    settings,
    source_vm,
)
from tests.unit.app.examples import NETWORK as SOURCE_NETWORK

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GROUP = NAMES.group(VM_ID)
SET = NAMES.in_group(GROUP, SOURCE_SET)
SOURCE_PLACEMENT = ResourceId.of(SUBSCRIPTION, "place", PLACEMENT_GROUP, "near")
PLACEMENT = NAMES.sibling(SOURCE_PLACEMENT)
VNET = NAMES.sibling(SOURCE_NETWORK)
CACHE = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT)
MADE = (GROUP, SET, PLACEMENT, PLACEMENT.group_id, VNET, VNET.group_id, CACHE, CACHE.group_id)
ELSEWHERE_CACHE = ResourceId.of(SUBSCRIPTION, "caches", "Microsoft.Storage/storageAccounts", "ofothers")
IN_SET = {"availability_set_id": SOURCE_SET, "placement_group_id": SOURCE_PLACEMENT}


def referenced(
    *vms: SourceVm, items: tuple[ProtectedItem, ...] = (), app: Settings | None = None
) -> ReferencedResources:
    return references_of(vms, items, {}, app or settings())


def left(*vms: SourceVm, items: tuple[ProtectedItem, ...] = (), app: Settings | None = None) -> set[ResourceId]:
    app = app or settings()
    return set(unneeded(MADE, referenced(*vms, items=items, app=app).needed | named_by(items), app))


def nic(network: ResourceId | None = VNET) -> ItemNic:
    return ItemNic(id="n", source=NIC, source_network=SOURCE_NETWORK, network=network)


# Who needs what


def test_with_no_one_left_everything_is_left_over_leaves_first() -> None:
    assert unneeded(MADE, frozenset(), settings()) == (
        SET,
        PLACEMENT,
        CACHE,
        VNET,
        CACHE.group_id,
        VNET.group_id,
        PLACEMENT.group_id,
        GROUP,
    )


def test_a_tagged_vm_needs_what_its_run_would_make() -> None:
    """But for its network, which no list tells: that is asked of the network itself."""
    assert left(source_vm(**IN_SET)) == {VNET, VNET.group_id}
    assert referenced(source_vm()).interfaces == {NIC.key}


@pytest.mark.parametrize("tags", [{}, {"dr": "false"}, {"dr-hold": "true"}])
def test_a_vm_that_no_one_tags_needs_nothing(tags: dict[str, str]) -> None:
    assert left(source_vm(tags=tags, **IN_SET)) == set(MADE)
    assert referenced(source_vm(tags=tags)) == ReferencedResources()


def test_a_vm_that_is_on_hold_or_cannot_be_protected_needs_it_all_the_same() -> None:
    held = source_vm(tags={"dr": "true", "dr-hold": "1"}, power_state="deallocated", **IN_SET)
    assert left(held) == {VNET, VNET.group_id}


def test_all_cache_accounts_of_a_tagged_vm_s_region_stay() -> None:
    others = [
        DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, premium=True),
        DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, number=2),
    ]
    far = DEFAULT_NAMES.cache_account(SUBSCRIPTION, "norwayeast", DEPLOYMENT)

    wanted = referenced(source_vm()).needed
    assert unneeded([CACHE, *others, far, far.group_id], wanted, settings()) == (far, far.group_id)


@pytest.mark.parametrize(
    ("accounts", "stays"), [((), True), ((None,), True), ((ELSEWHERE_CACHE, None), True), ((ELSEWHERE_CACHE,), False)]
)
def test_an_item_that_does_not_name_the_caches_of_its_disks_may_use_each_of_its_region(
    accounts: tuple[ResourceId | None, ...], stays: bool
) -> None:
    disks = tuple(ItemDisk(id=OS_DISK, cache_account=account) for account in accounts)
    item = protected_item(disks=disks, settings=ItemSettings(source_location=SOURCE))

    assert ({CACHE, CACHE.group_id} <= left(items=(item,))) is not stays


def test_what_a_tag_or_the_group_s_tag_names_is_needed() -> None:
    app = open_settings()
    set_of_ours = ResourceId.of(SUBSCRIPTION, "other-asr", AVAILABILITY_SET, "set-asr")
    vnet_of_ours = ResourceId.of(SUBSCRIPTION, "other-asr", NETWORK, "vnet-asr")
    vm = asking(target_availability_set=str(set_of_ours))

    group_tags = {VM_ID.group_id.key: {"dr-target-vnet": str(vnet_of_ours)}}
    wanted = references_of([vm], (), group_tags, app).needed

    assert {set_of_ours.key, vnet_of_ours.key, vnet_of_ours.group_id.key} <= wanted
    assert NAMES.group(VM_ID).key in wanted


def test_with_another_target_group_the_set_is_looked_for_there() -> None:
    vm = asking(target_resource_group="payments").with_(**IN_SET)
    wanted = referenced(vm, app=open_settings()).needed

    group = ResourceId.of(SUBSCRIPTION, "payments")
    assert NAMES.in_group(group, SOURCE_SET).key in wanted
    assert SET.key not in wanted


@pytest.mark.parametrize("state", ["Protected", "UnplannedFailoverCommitted", "DisablingProtection", "EnablingFailed"])
def test_what_an_item_names_is_in_use_whatever_its_state_and_any_client_made_it(state: str) -> None:
    item = protected_item(
        state=state,
        disks=(ItemDisk(id=OS_DISK, cache_account=CACHE),),
        nics=(nic(),),
        settings=ItemSettings(target_group=GROUP, availability_set=SET, placement_group=PLACEMENT),
    )
    assert left(items=(item,)) == set()


@pytest.mark.parametrize("name", ["boot_diagnostics", "capacity_reservation", "network"])
def test_every_place_where_an_item_names_something_counts(name: str) -> None:
    item = protected_item(settings=ItemSettings().with_(**{name: VNET}))
    assert {VNET.key, VNET.group_id.key} <= named_by([item])


def test_so_do_its_interfaces_and_the_copies_that_a_failover_made() -> None:
    copy = ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-1-test")
    pool = ResourceId.of(SUBSCRIPTION, "lb-asr", "Microsoft.Network/loadBalancers", "lb").child(
        "backendAddressPools", "p"
    )
    guard = ResourceId.of(SUBSCRIPTION, "nsg-asr", "Microsoft.Network/networkSecurityGroups", "nsg")
    address = ResourceId.of(SUBSCRIPTION, "ip-asr", "Microsoft.Network/publicIPAddresses", "ip")
    more = {"security_group": guard, "public_ip": address, "backend_pools": (pool,)}
    item = protected_item(failover_vms=(copy,), nics=(nic().with_(**more),))

    assert {each.group_id.key for each in (copy, pool, guard, address)} <= named_by([item])


def test_an_item_that_reports_its_network_settles_that_of_its_vm() -> None:
    assert referenced(source_vm(), items=(protected_item(nics=(nic(),)),)).interfaces == frozenset()


@pytest.mark.parametrize("vm", [source_vm(), source_vm(tags={})], ids=["tagged", "untagged"])
@pytest.mark.parametrize("nics", [(), (nic(None),)])
def test_of_an_item_that_does_not_yet_the_vm_is_asked(vm: SourceVm, nics: tuple[ItemNic, ...]) -> None:
    assert referenced(vm, items=(protected_item(nics=nics),)).interfaces == {NIC.key}


def test_and_if_that_vm_is_gone_no_one_knows() -> None:
    item = protected_item()
    assert referenced(items=(item,)).unclear == str(item.id)
    assert referenced(source_vm(), items=(item,)).unclear == ""


# What is never a orphan


@pytest.mark.parametrize(
    "resource",
    [
        ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/disks", "web-1-os-ASRReplica"),
        ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/disks", "ms-asr-1"),
        ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/disks", "os-asr"),
        ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-1-asr"),
        ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Network/networkInterfaces", "nic-asr"),
        VAULT_ID,
        VAULT_ID.child("replicationFabrics", "east-asr"),
        VNET.child("subnets", "web-asr"),
        ResourceId.of(SUBSCRIPTION, "web-asr", AVAILABILITY_SET, "theirs"),
        ResourceId.of(SUBSCRIPTION, "web-asr", ACCOUNT, "asrcache1"),
        ResourceId.of(SUBSCRIPTION, "asr-cache-eastus", ACCOUNT, "somebodys"),
        ResourceId.of(SUBSCRIPTION, "web"),
        ResourceId.of(ELSEWHERE, "web-asr"),
    ],
    ids=str,
)
def test_other_kinds_other_names_and_other_scopes(resource: ResourceId) -> None:
    assert unneeded([resource], frozenset(), settings()) == ()


def test_what_could_not_be_made_again_is_not_removed() -> None:
    assert unneeded(MADE, frozenset(), settings(target_creation=Create.NONE)) == ()
    assert set(unneeded(MADE, frozenset(), settings(target_creation=Create.CACHE))) == {CACHE, CACHE.group_id}


def test_what_the_settings_name_stays() -> None:
    profile = Profile(
        values={"target-availability-set": SET.name},
        allow={"target-vnet": (str(VNET),), "target-resource-group": (PLACEMENT.resource_group,)},
    )
    app = settings(profiles={DEFAULT: profile}, target_scope=f"/subscriptions/{SUBSCRIPTION},{GROUP}")

    assert set(unneeded(MADE, frozenset(), app)) == {PLACEMENT, CACHE, CACHE.group_id, VNET.group_id}


# What a resource reports itself

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
TAGS = {naming.MADE_BY: naming.maker(DEPLOYMENT), naming.MADE_AT: MADE_AT.isoformat()}
WITHOUT_GUID = {"incarnation": "", "content": ""}


def kept(
    app: Settings | None = None, locks: tuple[Lock, ...] = (), record: dict[str, Any] | None = None, **changes: Any
) -> str:
    """`record` are changes to the record of origin, the others to the resource."""
    found = ResourceUsage(**{"id": VNET, "tags": TAGS, "content": "abc", "incarnation": "guid-1", **changes})
    known = {"intended_at": MADE_AT, "proven_at": MADE_AT, "incarnation": "guid-1", "content": "abc"}
    origin = Origin(resource=found.id, **{**known, **(record or {})})
    return reason_to_keep(found, origin, locks, NOW, app or settings())


def test_one_that_is_as_it_was_made_and_that_nothing_uses_may_go() -> None:
    assert kept() == ""
    assert kept(tags={name.upper(): value for name, value in TAGS.items()}) == ""
    assert kept(id=GROUP, created_at=MADE_AT, record=WITHOUT_GUID, incarnation="", content="") == ""


@pytest.mark.parametrize(
    "tags", [{}, {**TAGS, "dr-made-by": "azure-vm-dr-autoprotect/other"}, {naming.MADE_BY: TAGS[naming.MADE_BY]}]
)
def test_one_that_does_not_carry_its_tags_any_more_stays(tags: dict[str, str]) -> None:
    assert "does not carry the tag dr-made-" in kept(tags=tags)


@pytest.mark.parametrize(
    ("record", "found", "why"),
    [
        ({"proven_at": None}, {}, "was never confirmed"),
        ({}, {"incarnation": "guid-2"}, "others have made it again since"),
        ({}, {"incarnation": ""}, "others have made it again since"),
        (WITHOUT_GUID, {**WITHOUT_GUID, "created_at": MADE_AT + timedelta(days=9)}, "others have made it again since"),
        (WITHOUT_GUID, {**WITHOUT_GUID, "created_at": MADE_AT - timedelta(days=9)}, "others have made it again since"),
        (WITHOUT_GUID, WITHOUT_GUID, "Azure does not tell whether it is the one"),
    ],
)
def test_one_of_which_the_record_does_not_prove_that_this_deployment_made_it_stays(
    record: dict[str, Any], found: dict[str, Any], why: str
) -> None:
    """Its tags are right: anybody may have written them."""
    assert why in kept(record=record, **found)


def test_a_young_one_stays_for_the_grace_whatever_its_tag_says() -> None:
    at = NOW - timedelta(hours=71)
    young, tags = {"intended_at": at, "proven_at": at}, {**TAGS, naming.MADE_AT: at.isoformat()}

    assert kept(tags=tags, record=young) == "it was created at 2026-05-29 13:00 UTC, less than 72 h ago"
    assert kept(settings(untag_grace_hours=70), tags=tags, record=young) == ""
    assert "does not carry the tag dr-made-at" in kept(record=young)


def test_and_without_one_as_long_as_a_run_may_take_over_its_target() -> None:
    assert stays_for(settings(untag_grace_hours=0)) == timedelta(hours=1)
    assert stays_for(settings(untag_grace_hours=0, poll_seconds=0.5)) == timedelta(minutes=1)


@pytest.mark.parametrize(
    "scope", [f"/subscriptions/{SUBSCRIPTION}", VNET.group_id, str(VNET).upper(), VNET.child("subnets", "web")]
)
def test_a_lock_above_or_below_it_keeps_it(scope: object) -> None:
    assert f"the lock keep on {scope} is in the way" == kept(locks=(Lock(scope=str(scope), name="keep"),))


def test_a_lock_beside_it_does_not() -> None:
    beside = (Lock(scope=f"{VNET}-2", name="keep"), Lock(scope=str(GROUP), name="keep"))
    assert kept(locks=beside) == ""


def test_one_that_is_in_use_stays_with_every_reason() -> None:
    assert kept(use=("its subnet web has ipConfigurations", "it has peerings")) == (
        "its subnet web has ipConfigurations; it has peerings"
    )


def test_one_that_somebody_has_changed_stays() -> None:
    assert "was changed since it was created" in kept(content="xyz")


def test_the_digest_of_a_network_knows_no_order_and_no_case() -> None:
    known = digest_of(["10.1.0.0/16", "FD00::/48"], {"web": ["10.1.1.0/24", "fd00::/64"], "Data": ["10.1.2.0/24"]})

    assert known == digest_of(
        ["fd00::/48", "10.1.0.0/16"], {"data": ("10.1.2.0/24",), "WEB": ("FD00::/64", "10.1.1.0/24")}
    )
    assert known != digest_of(["10.1.0.0/16", "fd00::/48"], {"web": ["10.1.1.0/24", "fd00::/64"]})
    assert known != digest_of(["10.1.0.0/16"], {"web": ["10.1.1.0/24", "fd00::/64"], "data": ["10.1.2.0/24"]})


def test_a_report_names_as_many_as_it_has_room_for() -> None:
    many = {ResourceId.of(SUBSCRIPTION, f"g-{number}-asr"): "it is young" for number in range(23)}

    *named, rest = notes_of(many)

    assert len(named) == 20
    assert all(note.code == "OrphanedTarget" and note.message.endswith("It is kept: it is young.") for note in named)
    assert rest.message == "3 more resources with the tag dr-made-by are kept."
    assert notes_of({}) == ()


def test_the_same_holds_for_recovery_plans_of_drills() -> None:
    many = [VAULT_ID.child("replicationRecoveryPlans", f"dr-drill-{number}") for number in range(23)]

    *named, rest = notes_of_plans(many)

    assert len(named) == 20
    assert [note.message.startswith(f"{plan} is named") for note, plan in zip(named, many, strict=False)] == [True] * 20
    assert (rest.code, rest.message[:22]) == ("OrphanedPlan", "3 more recovery plans ")
    assert len(notes_of_plans(many[:20])) == 20
    assert notes_of_plans([]) == ()

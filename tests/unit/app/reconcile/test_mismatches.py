"""What a sweep says of settings without reading anything, against what the VM's own run would find and do."""

from collections import Counter

import pytest
from hypothesis import assume, event, given

from shared.model.replicated_item import ItemDisk, ItemNic, ItemSettings, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.vm import Disk, SourceVm
from shared.planning.overrides import overrides_of
from shared.reconcile.mismatches import Mismatch, mismatches
from tests.properties import examples
from tests.unit.app.examples import (
    DATA_DISK,
    NETWORK,
    NIC,
    OS_DISK,
    SUBSCRIPTION,
    asking,
    open_settings,
    protected_item,
)
from tests.unit.app.situations import Situation, item_made_from, situations

GROUP = ResourceId.of(SUBSCRIPTION, "web-asr")


def found(vm: SourceVm, item: ProtectedItem) -> tuple[Mismatch, ...]:
    return mismatches(vm, overrides_of(vm, {}, open_settings()), item)


def item_of(**changes: object) -> ProtectedItem:
    known = {
        "settings": ItemSettings(target_group=GROUP, network=NETWORK, size="Standard_D2s_v5"),
        "disks": (ItemDisk(id=OS_DISK, target_sku="Premium_LRS"),),
        "nics": (ItemNic(id="1", source=NIC, target_subnet="web"),),
    }
    return protected_item(**{**known, **changes})


@examples(150)
@given(situations(fitting=True))
def test_what_is_reported_without_reading_is_what_the_run_would_change(situation: Situation) -> None:
    """The VM was protected before anything was asked for; whatever is asked for since can be had."""
    vm = situation.vm.model_copy(update={"nic_ids": tuple(nic.id for nic in situation.context.nics)})
    before = situation._replace(vm=vm.model_copy(update={"tags": {"dr": "true"}, "request": {}}), group_tags={})
    assume(before.plan().replication is not None)
    item = item_made_from(before, before.plan())
    plan = situation._replace(vm=vm).plan(item)
    assume(not plan.blockers)

    reported = mismatches(vm, overrides_of(vm, situation.group_tags, situation.app), item)

    event(f"{min(len(reported), 3)} mismatches")
    in_place = Counter((each.setting, each.wanted.lower()) for each in reported if each.in_place)
    assert in_place == Counter((each.setting, each.wanted.lower()) for each in plan.changes.differences)
    for_good = [finding for finding in plan.findings if finding.code == "SettingNeedsReenable"]
    assert len(for_good) == len([each for each in reported if not each.in_place])


def test_a_name_stands_for_the_resource_in_the_target_group_and_no_other() -> None:
    theirs = ResourceId.of(SUBSCRIPTION, "others", NETWORK.type, "vnet-dr")
    ours = ResourceId.of(SUBSCRIPTION, "web-asr", NETWORK.type, "VNET-DR")

    (reported,) = found(asking(target_vnet="vnet-dr"), item_of(settings=ItemSettings(network=theirs)))

    assert (reported.code, reported.current, reported.in_place) == ("NetworkMismatch", str(theirs), True)
    assert reported.wanted.lower() == ours.key
    assert found(asking(target_vnet="vnet-dr"), item_of(settings=ItemSettings(network=ours))) == ()


@pytest.mark.parametrize(
    "tags",
    [
        {"target_subnet": "web-1-nic=web"},
        {"target_subnet": "other-nic=db"},
        {"target_disk_type": "web-1-data=Standard_LRS"},
        {"target_zone": "none"},
        {"consistency_group": "none"},
        {"churn": "normal"},
        {"target_resource_group": str(GROUP).upper().replace("/RESOURCEGROUPS/", "/resourcegroups/")},
    ],
)
def test_what_the_item_has_or_the_vm_has_not_is_no_mismatch(tags: dict[str, str]) -> None:
    assert found(asking(**tags), item_of()) == ()


def test_an_interface_or_a_disk_that_was_removed_is_not_compared() -> None:
    item = item_of(disks=(ItemDisk(id=DATA_DISK, target_sku="Premium_LRS"),))
    vm = asking(target_disk_type="Standard_LRS", target_subnet="db").model_copy(
        update={"nic_ids": (), "disks": (Disk(id=OS_DISK, sku=""),)}
    )

    assert found(vm, item) == ()


def test_one_address_is_asked_for_no_one_where_there_are_several_interfaces() -> None:
    other = ResourceId(f"{NIC}-2")
    nics = (ItemNic(id="1", source=NIC), ItemNic(id="2", source=other))
    vm = asking(target_ip="10.1.1.9").model_copy(update={"nic_ids": (NIC, other)})

    assert found(vm, item_of(nics=nics)) == ()
    assert [each.setting for each in found(asking(target_ip="10.1.1.9"), item_of())] == ["targetIp/web-1-nic"]


def test_what_an_item_has_is_not_taken_away_by_an_update() -> None:
    has = ItemSettings(
        zone="1",
        consistency_group="shop",
        placement_group=ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/proximityPlacementGroups", "p"),
    )
    vm = asking(target_zone="none", consistency_group="none", target_ppg="none")

    reported = found(vm, item_of(settings=has))

    assert [(each.code, each.in_place) for each in reported] == [
        ("TargetMismatch", False),
        ("ConsistencyGroupMismatch", False),
        ("TargetMismatch", False),
    ]
    assert str(reported[0]) == "targetZone: 1, requested none"

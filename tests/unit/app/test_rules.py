"""The target settings of any VM: what holds for all of them, and what the defaults are."""

from collections.abc import Callable
from enum import StrEnum, auto
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from shared.domain.profiles import Profile
from shared.domain.resource_id import ResourceId, vm_id
from shared.domain.rules import derive
from shared.domain.settings import Settings
from shared.domain.target import (
    AvailabilitySet,
    CacheAccount,
    Container,
    ContainerMapping,
    Fabric,
    NetworkMapping,
    Placed,
    Plan,
    ReplicationPolicy,
    ResourceGroup,
    TargetResource,
    VirtualNetwork,
)
from shared.domain.vm import Disk, EligibilityError, SourceAvailabilitySet, SourceNetwork, SourceVm, Surroundings
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    DATA_DISK,
    ELSEWHERE,
    NETWORK,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    settings,
    source_vm,
    surroundings,
)

Situation = tuple[SourceVm, Surroundings, Settings]

groups = st.sampled_from(["web", "WEB", "db", "net", "x" * 90])
subscriptions = st.sampled_from([SUBSCRIPTION, ELSEWHERE])
skus = st.sampled_from(["Premium_LRS", "StandardSSD_LRS", "PremiumV2_LRS", ""])

disks = st.lists(st.builds(Disk, id=st.sampled_from([OS_DISK, DATA_DISK]), sku=skus), max_size=3).map(tuple)


class Obstacle(StrEnum):
    """Each blocks a VM, so that about half of all situations end in a plan to act upon."""

    STOPPED = auto()
    BROKEN = auto()
    UNMANAGED_DISK = auto()
    MANAGED_GROUP = auto()
    NOT_ELIGIBLE = auto()
    VAULT_AT_HOME = auto()
    NARROW_SCOPE = auto()


@st.composite
def source_vms(draw: st.DrawFn, obstacle: Obstacle | None) -> SourceVm:
    return source_vm(
        id=vm_id(draw(subscriptions), draw(groups), draw(st.sampled_from(["web-1", "db-1"]))),
        location=draw(st.sampled_from(["eastus", "westus2"])),
        power_state="deallocated" if obstacle is Obstacle.STOPPED else "running",
        provisioning_state="Failed" if obstacle is Obstacle.BROKEN else "Succeeded",
        disks=draw(disks),
        unmanaged_disks=1 if obstacle is Obstacle.UNMANAGED_DISK else 0,
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """A VM, what surrounds it, and the settings of the app that it came to."""
    obstacle = draw(st.none() | st.sampled_from(Obstacle))
    vm = draw(source_vms(obstacle))
    network_ids = draw(
        st.lists(
            st.builds(
                lambda group, name: ResourceId.of(vm.id.subscription, group, NETWORK.type, name),
                groups,
                st.sampled_from(["vnet", "vnet-2", "v" * 64]),
            ),
            max_size=3,
            unique=True,
        )
    )
    mapped = draw(st.sets(st.sampled_from(network_ids))) if network_ids else set()
    source_set = SourceAvailabilitySet(
        # Azure wants a VM in the resource group of its set.
        id=ResourceId.of(vm.id.subscription, vm.id.resource_group, AVAILABILITY_SET.type, "s" * 80),
        fault_domains=2,
        update_domains=5,
        sku="Aligned",
    )
    around = Surroundings(
        vault_location=vm.location if obstacle is Obstacle.VAULT_AT_HOME else "centralus",
        group_managed_by="aks" if obstacle is Obstacle.MANAGED_GROUP else "",
        eligibility_errors=(EligibilityError(code="1", message="No."),) if obstacle is Obstacle.NOT_ELIGIBLE else (),
        networks=tuple(SourceNetwork(id=each, address_space=("10.0.0.0/8",)) for each in network_ids),
        mapped_networks={each.key: ResourceId.of(ELSEWHERE, "hub", NETWORK.type, "hub") for each in mapped},
        availability_set=draw(st.sampled_from([None, source_set])),
    )
    everywhere = f"/subscriptions/{SUBSCRIPTION},/subscriptions/{ELSEWHERE}"
    one_group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"
    scope = one_group if obstacle is Obstacle.NARROW_SCOPE else everywhere
    return vm, around, settings(target_scope=scope, mode=draw(st.sampled_from(["protect", "report"])))


enough = examples(max_examples=40, deadline=None)


def of_kind(plan: Plan, kind: type[Any]) -> list[Any]:
    return [resource for wave in plan.resources for resource in wave if isinstance(resource, kind)]


def rests_on(resource: TargetResource) -> set[str]:
    """The keys of the target resources that this one cannot be made without."""
    if isinstance(resource, ResourceGroup | Fabric | ReplicationPolicy):
        return set()
    if isinstance(resource, Container):
        return {f"fabric/{resource.location}"}
    if isinstance(resource, ContainerMapping):
        ends = (resource.source_location, resource.target_location)
        return {*(f"container/{end}" for end in ends), f"policy/{resource.policy.name}"}
    if isinstance(resource, NetworkMapping):
        return {f"fabric/{resource.source_location}", f"fabric/{resource.target_location}"}
    return {resource.id.group_id.key}


@enough
@given(situations())
def test_the_same_situation_gives_the_same_plan(situation: Situation) -> None:
    assert derive(*situation) == derive(*situation)


@enough
@given(situations())
def test_a_plan_survives_the_way_to_an_activity_and_back(situation: Situation) -> None:
    plan = derive(*situation)

    assert Plan.load(plan.dump()) == plan


@enough
@given(situations())
def test_a_plan_either_blocks_or_holds_all_that_is_needed(
    situation: Situation,
) -> None:
    plan = derive(*situation)

    if plan.blockers:
        assert plan.replication is None
        assert plan.resources == ()
    else:
        assert plan.replication
        assert all(plan.resources)


@enough
@given(situations())
def test_nothing_is_ever_protected_into_its_own_region(
    situation: Situation,
) -> None:
    vm, around, _ = situation
    plan = derive(*situation)

    if around.vault_location == vm.location:
        assert "VaultInSourceRegion" in {finding.code for finding in plan.blockers}
    elif plan.replication:
        assert plan.replication.target_location == around.vault_location != vm.location
        assert all(placed.location == around.vault_location for placed in of_kind(plan, VirtualNetwork))


@enough
@given(situations())
def test_every_resource_lies_in_the_target_scope_or_the_vm_is_blocked(
    situation: Situation,
) -> None:
    *_, of_app = situation
    plan = derive(*situation)

    assert all(placed.id in of_app.target for placed in of_kind(plan, Placed))
    if plan.replication:
        assert plan.replication.target_group in of_app.target
        assert plan.replication.cache_account in of_app.target


@enough
@given(situations())
def test_each_wave_rests_on_earlier_waves_alone(situation: Situation) -> None:
    made: set[str] = set()
    for wave in derive(*situation).resources:
        for resource in wave:
            assert rests_on(resource) <= made
        made |= {resource.key for resource in wave}


@enough
@given(situations())
def test_nothing_is_in_a_plan_twice(situation: Situation) -> None:
    keys = [resource.key for resource in chain.from_iterable(derive(*situation).resources)]

    assert len(keys) == len(set(keys))


@enough
@given(situations())
def test_containers_and_networks_are_mapped_there_and_back(
    situation: Situation,
) -> None:
    plan = derive(*situation)
    ways = {(each.source_location, each.target_location) for each in of_kind(plan, ContainerMapping)}
    pairs = {(each.source_location, each.source_network, each.target_network) for each in of_kind(plan, NetworkMapping)}

    if plan.replication:
        there = (plan.replication.source_location, plan.replication.target_location)
        assert ways == {there, there[::-1]}
        for network in situation[1].networks:
            (target,) = {other for here, one, other in pairs if (here, one) == (there[0], network.id)}
            (back,) = {other for here, one, other in pairs if (here, one) == (there[1], target)}
            assert (there[0], back, target) in pairs


@enough
@given(situations())
def test_every_value_says_where_it_came_from_and_why(situation: Situation) -> None:
    plan = derive(*situation)

    explained = [setting.name for setting in plan.settings]
    assert all(setting.origin and setting.reason for setting in plan.settings)
    assert all(setting.value for setting in plan.settings if not setting.name.startswith("diskType/"))
    assert {f"targetNetwork/{network.id.name}" for network in situation[1].networks} <= set(explained)
    assert {f"diskType/{disk.id.name}" for disk in situation[0].disks} <= set(explained)
    assert ("availabilitySet" in explained) is (situation[1].availability_set is not None)


@enough
@given(situations())
def test_the_plan_knows_whether_it_may_be_acted_upon(situation: Situation) -> None:
    plan = derive(*situation)

    if not plan.blockers:
        assert plan.writes_off == situation[2].writes_off


def test_the_defaults_are_those_of_the_portal_s_page() -> None:
    plan = derive(source_vm(), surroundings(), settings())

    assert plan.findings == ()
    values = {setting.name: setting.value for setting in plan.settings}
    target_group = ResourceId.of(SUBSCRIPTION, "web-asr")
    assert values["targetLocation"] == TARGET
    assert values["targetResourceGroup"] == str(target_group)
    assert values["targetNetwork/vnet"].endswith(
        "/resourceGroups/net-asr/providers/Microsoft.Network/virtualNetworks/vnet-asr"
    )
    assert values["recoveryPointRetention"] == "24 h"
    assert values["appConsistentFrequency"] == "4 h"
    assert values["crashConsistentFrequency"] == "5 min"
    assert values["diskType/web-1-os"] == "Premium_LRS"
    assert "availabilitySet" not in values
    assert plan.replication
    assert plan.replication.vault == VAULT_ID
    assert plan.replication.policy == Profile().policy
    assert plan.replication.target_group == target_group


def test_the_policy_holds_its_values_in_minutes() -> None:
    assert (Profile().policy.retention_minutes, Profile().policy.app_consistent_minutes) == (24 * 60, 4 * 60)
    assert Profile().policy.crash_consistent_minutes == 5


def test_the_target_network_is_the_image_of_the_source_s() -> None:
    (network,) = of_kind(derive(source_vm(), surroundings(), settings()), VirtualNetwork)

    assert network.location == TARGET
    assert network.address_space == ("10.1.0.0/16",)
    assert network.subnets == {"web": ("10.1.1.0/24",)}


def test_the_cache_is_in_the_source_region_with_its_group() -> None:
    plan = derive(source_vm(), surroundings(), settings())
    (cache,) = of_kind(plan, CacheAccount)

    assert cache.location == SOURCE
    assert {group.id.name: group.location for group in of_kind(plan, ResourceGroup)} == {
        "web-asr": TARGET,
        "net-asr": TARGET,
        f"asr-cache-{SOURCE}": SOURCE,
    }


def test_an_existing_network_mapping_wins_over_the_default() -> None:
    hub = ResourceId.of(ELSEWHERE, "hub", NETWORK.type, "hub")
    plan = derive(source_vm(), surroundings(mapped_networks={NETWORK.key: hub}), settings())

    assert of_kind(plan, VirtualNetwork) == []
    assert {(each.source_network, each.target_network) for each in of_kind(plan, NetworkMapping)} == {
        (NETWORK, hub),
        (hub, NETWORK),
    }
    (setting,) = [setting for setting in plan.settings if setting.name == "targetNetwork/vnet"]
    assert (setting.value, setting.origin) == (str(hub), "network mapping")
    assert "net-asr" not in {group.id.name for group in of_kind(plan, ResourceGroup)}


def test_an_availability_set_is_made_after_the_source_s_only_if_there_is_one() -> None:
    around = surroundings(
        availability_set=SourceAvailabilitySet(id=AVAILABILITY_SET, fault_domains=2, update_domains=5, sku="Aligned")
    )
    plan = derive(source_vm(), around, settings())

    (made,) = of_kind(plan, AvailabilitySet)
    assert made.id == ResourceId.of(SUBSCRIPTION, "web-asr", AVAILABILITY_SET.type, "web-set-asr")
    assert (made.location, made.fault_domains, made.update_domains, made.sku) == (TARGET, 2, 5, "Aligned")
    assert plan.replication
    assert plan.replication.availability_set == made.id
    without = derive(source_vm(), surroundings(), settings())
    assert of_kind(without, AvailabilitySet) == []
    assert without.replication
    assert without.replication.availability_set is None


def test_each_disk_keeps_its_own_type_as_replica_and_target() -> None:
    vm = source_vm(disks=(Disk(id=OS_DISK, sku="Premium_LRS"), Disk(id=DATA_DISK, sku="StandardSSD_LRS")))
    plan = derive(vm, surroundings(), settings())

    assert plan.replication
    assert [(disk.id, disk.replica_sku, disk.target_sku) for disk in plan.replication.disks] == [
        (OS_DISK, "Premium_LRS", "Premium_LRS"),
        (DATA_DISK, "StandardSSD_LRS", "StandardSSD_LRS"),
    ]


def test_vms_of_one_network_and_region_share_everything_but_their_groups() -> None:
    one = derive(source_vm(), surroundings(), settings())
    other = derive(source_vm(id=vm_id(SUBSCRIPTION, "db", "db-1")), surroundings(), settings())
    keys = [{resource.key for resource in chain.from_iterable(plan.resources)} for plan in (one, other)]

    assert {key.rsplit("/", 1)[-1] for key in keys[0] ^ keys[1]} == {"web-asr", "db-asr"}


@pytest.mark.parametrize(
    "change",
    [
        lambda around: around.model_copy(update={"group_managed_by": "aks"}),
        lambda around: around.model_copy(update={"vault_location": SOURCE}),
        lambda around: around.model_copy(update={"eligibility_errors": (EligibilityError(code="1", message="No."),)}),
    ],
)
def test_a_blocked_vm_still_shows_what_its_settings_would_be(change: Callable[[Surroundings], Surroundings]) -> None:
    plan = derive(source_vm(), change(surroundings()), settings())

    assert len(plan.blockers) == 1
    assert "targetResourceGroup" in {setting.name for setting in plan.settings}


def test_what_lies_outside_the_target_scope_is_named() -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"
    plan = derive(source_vm(), surroundings(), settings(target_scope=scope))

    assert {finding.code for finding in plan.blockers} == {"TargetOutOfScope"}
    named = " ".join(finding.message for finding in plan.blockers)
    assert "net-asr" in named
    assert f"asr-cache-{SOURCE}" in named
    assert str(ResourceId.of(SUBSCRIPTION, "web-asr")) + " would" not in named

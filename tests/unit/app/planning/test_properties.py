"""What holds for every VM, its surroundings, and whatever anybody asks for."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from shared.config.override_options import CHOICES
from shared.model.plan import Plan
from shared.model.resource_id import ResourceId
from shared.model.target_resources import (
    AvailabilitySet,
    CacheAccount,
    Container,
    ContainerMapping,
    Fabric,
    NetworkMapping,
    Placed,
    ReplicationPolicy,
    ResourceGroup,
    TargetResource,
)
from tests.properties import examples
from tests.unit.app.examples import of_kind, plan_of, planning_context, protected_item, settings, source_vm
from tests.unit.app.situations import Situation, hostile, item_made_from, situations

enough = examples(40)


def rests_on(resource: TargetResource) -> set[str]:
    """The keys of the target resources that this one cannot be made without."""
    if isinstance(resource, ResourceGroup | Fabric | ReplicationPolicy):
        return set()
    if isinstance(resource, Container):
        return {f"fabric/{resource.location}"}
    if isinstance(resource, ContainerMapping):
        ends = (resource.source_location, resource.target_location)
        return {*(f"container/{end}" for end in ends), f"policy/{resource.policy.key}"}
    if isinstance(resource, NetworkMapping):
        return {f"fabric/{resource.source_location}", f"fabric/{resource.target_location}"}
    return {resource.id.group_id.key}


def ids_in(value: Any) -> Iterator[ResourceId]:
    """Every resource that is named anywhere in it."""
    if isinstance(value, dict):
        for each in value.values():
            yield from ids_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from ids_in(each)
    elif isinstance(value, str) and value.startswith("/"):
        yield ResourceId(value)


def written_by(plan: Plan) -> dict[str, Any]:
    """What may get into a write."""
    return plan.model_dump(mode="json", include={"replication", "resources", "changes"})


@enough
@given(situations())
def test_the_same_situation_gives_the_same_plan(situation: Situation) -> None:
    plan = situation.plan()

    event("blocked" if plan.blockers else "to be done")
    assert situation.plan() == plan


@enough
@given(situations())
def test_a_plan_survives_the_way_to_an_activity_and_back(situation: Situation) -> None:
    plan = situation.plan()

    assert Plan.load(plan.dump()) == plan


@enough
@given(situations())
def test_a_plan_either_blocks_or_holds_all_that_is_needed(situation: Situation) -> None:
    plan = situation.plan()

    assert plan.writes_disabled == situation.app.writes_disabled
    if plan.blockers:
        assert plan.replication is None
        assert plan.resources == ()
    else:
        assert plan.replication
        assert all(plan.resources)
    assert not plan.changes.any


@enough
@given(situations())
def test_nothing_is_ever_protected_into_its_own_region_or_by_a_vault_there(situation: Situation) -> None:
    vm, context = situation.vm, situation.context
    plan = situation.plan()

    if vm.location in {context.vault_location, context.target_location}:
        assert {"VaultInSourceRegion", "TargetInSourceRegion"} & {finding.code for finding in plan.blockers}
    elif plan.replication:
        assert plan.replication.target_location == context.target_location
        for placed in of_kind(plan, Placed):
            of_cache = isinstance(placed, CacheAccount) or (isinstance(placed, ResourceGroup) and placed.for_cache)
            assert placed.location == (vm.location if of_cache else context.target_location)


@enough
@given(situations(), st.booleans())
def test_nothing_outside_the_target_scope_is_ever_named_in_a_write(situation: Situation, protected: bool) -> None:
    vm, context, app, _ = situation
    plan = situation.plan(protected_item(source=vm.id) if protected else None)

    # What is read and named as the source, and where the vault's own mappings lead: an operator's doing.
    known = {vm.id, *(disk.id for disk in vm.disks), *(nic.id for nic in context.nics), *app.vault_ids}
    known |= {network.id for network in context.networks} | set(context.mapped_networks.values())
    named = written_by(plan) if not protected else written_by(plan)["changes"]
    assert {named_id for named_id in ids_in(named) if named_id not in app.target} <= known


@enough
@given(situations())
def test_retention_and_frequency_are_what_site_recovery_takes(situation: Situation) -> None:
    plan = situation.plan()

    if plan.replication:
        policy = plan.replication.policy
        assert 60 <= policy.retention_minutes <= 15 * 24 * 60
        assert 0 <= policy.app_consistent_minutes <= min(12 * 60, policy.retention_minutes)


@enough
@given(situations())
def test_what_the_allow_list_does_not_cover_blocks(situation: Situation) -> None:
    plan = situation.plan()
    given_by_others = {*situation.vm.tags, *situation.vm.request, *situation.group_tags} & {
        f"dr-{tag}" for tag in CHOICES
    }

    if given_by_others and not situation.app.profiles["default"].allow:
        assert plan.blockers


@enough
@given(st.sampled_from(sorted(CHOICES)), hostile, st.sampled_from(["tags", "request", "group"]))
def test_whatever_is_written_it_is_refused_in_words_and_gets_nowhere(tag: str, text: str, layer: str) -> None:
    given_ = {f"dr-{tag}": text}
    vm = source_vm(**{layer: {"dr": "true", **given_}}) if layer != "group" else source_vm()
    group_tags = given_ if layer == "group" else {}

    for item in (None, protected_item()):
        plan = plan_of(vm, planning_context(), settings(), item, **group_tags)

        refused = [finding for finding in plan.findings if finding.code in {"OverrideInvalid", "OverrideNotAllowed"}]
        assert refused
        assert plan.blockers == (() if item else tuple(refused))
        assert all(len(finding.message) < 1500 and finding.fix for finding in refused)
        assert written_by(plan) == written_by(Plan(vm=vm))


@enough
@given(situations(), st.sampled_from(sorted(CHOICES)), hostile)
def test_even_with_everything_allowed_no_odd_text_gets_into_a_write(situation: Situation, tag: str, text: str) -> None:
    vm = situation.vm.with_(tags={"dr": "true", f"dr-{tag}": text}, request={})
    app = situation.app.model_copy(update={"profiles": {"default": situation.app.profiles["gold"]}})

    plan = plan_of(vm, situation.context.with_(group_members=()), app)

    for named in ids_in(written_by(plan)):
        assert named.text.isascii()
        assert not set(named.text) & set("\\?#%&<>\"'; \n\x00")
        assert not {".", ".."} & set(named.text.split("/"))


@enough
@given(situations(fitting=True))
def test_what_a_plan_makes_and_then_finds_is_not_changed_a_second_time(situation: Situation) -> None:
    plan = situation.plan()
    assume(plan.replication is not None)
    item = item_made_from(situation, plan)

    again = situation.plan(item)

    event(f"{len(plan.replication.nics) if plan.replication else 0} interfaces")
    assert again.changes.any is False
    assert again.changes.differences == ()
    assert not [finding for finding in again.findings if finding.code.endswith("Mismatch")]


@enough
@given(situations())
def test_each_wave_rests_on_earlier_waves_alone(situation: Situation) -> None:
    made: set[str] = set()
    for wave in situation.plan().resources:
        for resource in wave:
            assert rests_on(resource) <= made
            if isinstance(resource, AvailabilitySet) and resource.placement_group:
                theirs = {existing.id.key for existing in situation.context.existing}
                assert resource.placement_group.key in made | theirs
        made |= {resource.key for resource in wave}


@enough
@given(situations())
def test_nothing_is_in_a_plan_twice(situation: Situation) -> None:
    keys = [resource.key for resource in chain.from_iterable(situation.plan().resources)]

    assert len(keys) == len(set(keys))


@enough
@given(situations())
def test_containers_and_networks_are_mapped_there_and_back(situation: Situation) -> None:
    plan = situation.plan()
    ways = {(each.source_location, each.target_location) for each in of_kind(plan, ContainerMapping)}
    pairs = {(each.source_location, each.source_network, each.target_network) for each in of_kind(plan, NetworkMapping)}

    if plan.replication:
        there = (plan.replication.source_location, plan.replication.target_location)
        assert ways == {there, there[::-1]}
        assert not (plan.replication.network and pairs)
        for network in situation.context.networks if plan.replication.network is None else ():
            (target,) = {other for here, one, other in pairs if (here, one) == (there[0], network.id)}
            (back,) = {other for here, one, other in pairs if (here, one) == (there[1], target)}
            assert (there[0], back, target) in pairs


@enough
@given(situations())
def test_names_are_no_longer_than_azure_takes(situation: Situation) -> None:
    longest = {"resource group": 90, "virtual network": 64, "cache storage account": 24}

    for placed in of_kind(situation.plan(), Placed):
        assert len(placed.id.name) <= longest.get(placed.kind, 80)


@enough
@given(situations())
def test_every_value_says_where_it_came_from_and_why(situation: Situation) -> None:
    plan = situation.plan()

    explained = [setting.name for setting in plan.settings]
    assert all(setting.origin and setting.reason for setting in plan.settings)
    assert all(setting.value for setting in plan.settings if "DiskType/" not in setting.name)
    excluded = {setting.value for setting in plan.settings if setting.name == "excludeDisks"}
    replicated = [disk for disk in situation.vm.disks if disk.holds_os or not {disk.id.name, str(disk.lun)} & excluded]
    assert {f"targetDiskType/{disk.id.name}" for disk in replicated} <= set(explained)
    assert {"targetLocation", "targetResourceGroup", "cacheStorage", "recoveryPointRetention"} <= set(explained)
    assert any(name.startswith("targetVnet") for name in explained)


@pytest.mark.parametrize("kind", ["vm", "context"])
def test_a_situation_of_nothing_is_planned_all_the_same(kind: str) -> None:
    bare = {"vm": source_vm(disks=(), nic_ids=(), size="", os=""), "context": source_vm()}[kind]

    assert plan_of(bare, planning_context(nics=(), networks=()), settings()).replication

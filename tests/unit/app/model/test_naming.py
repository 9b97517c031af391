"""Names: within Azure's limits for any input, and different where the inputs differ."""

import re
import string
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.model import naming
from shared.model.names import DEFAULT_NAMES
from shared.model.resource_id import ResourceId, vm_id
from shared.model.resource_types import NETWORK
from tests.unit.app.examples import DEPLOYMENT, ELSEWHERE, NAMES, SOURCE, SUBSCRIPTION, VM_ID

LETTERS = string.ascii_letters + string.digits
subscriptions = st.uuids().map(str)
groups = st.text(LETTERS + "-_()", min_size=1, max_size=90)
names = st.text(LETTERS + "-_", min_size=1, max_size=80)
vms = st.builds(vm_id, subscriptions, groups, names)
networks = st.builds(
    ResourceId.of, subscriptions, groups, st.just("Microsoft.Network/virtualNetworks"), names.map(lambda n: n[:64])
)
regions = st.sampled_from(["eastus", "westus2", "germanywestcentral", "southeastasia"])


@given(vms)
def test_an_instance_id_fits_durable_functions(vm: ResourceId) -> None:
    assert re.fullmatch(r"[a-z0-9_.()-]{1,100}", naming.instance_id(vm))


@given(vms, vms)
def test_every_vm_has_an_instance_id_and_an_item_name_of_its_own(one: ResourceId, other: ResourceId) -> None:
    assume(one != other)

    assert naming.instance_id(one) != naming.instance_id(other)
    assert naming.item_name(one, DEPLOYMENT) != naming.item_name(other, DEPLOYMENT)


def test_vms_of_one_name_in_two_groups_or_subscriptions_are_two_instances() -> None:
    named_alike = [vm_id(s, g, "web-1") for s in (SUBSCRIPTION, ELSEWHERE) for g in ("a", "b")]

    assert len({naming.instance_id(vm) for vm in named_alike}) == 4


@given(vms)
def test_casing_changes_no_name_that_is_a_lock_or_a_key(vm: ResourceId) -> None:
    shouted = ResourceId(str(vm).upper())

    assert naming.instance_id(shouted) == naming.instance_id(vm)
    assert naming.item_name(shouted, DEPLOYMENT) == naming.item_name(vm, DEPLOYMENT)
    assert NAMES.group(shouted) == NAMES.group(vm)
    assert DEFAULT_NAMES.cache_account(shouted.subscription, "eastus", DEPLOYMENT) == DEFAULT_NAMES.cache_account(
        vm.subscription, "eastus", DEPLOYMENT
    )


def test_the_names_of_what_runs_in_production_never_change() -> None:
    assert naming.instance_id(VM_ID) == "protect-web-1-d9d1fb3ebd8d73531f5f"
    assert naming.item_name(VM_ID, DEPLOYMENT) == "f0b28801-0244-5d7a-8297-01e3faf2636d"
    assert DEFAULT_NAMES.cache_account(SUBSCRIPTION, "eastus", DEPLOYMENT).name == "asrcached8ad30e8607afcee"


@given(vms)
def test_an_item_name_is_a_guid_as_the_portal_s_are(vm: ResourceId) -> None:
    assert str(UUID(naming.item_name(vm, DEPLOYMENT))) == naming.item_name(vm, DEPLOYMENT)


@given(subscriptions, regions)
def test_a_cache_account_has_a_name_that_storage_takes(subscription: str, location: str) -> None:
    account = DEFAULT_NAMES.cache_account(subscription, location, DEPLOYMENT)

    assert re.fullmatch(r"[a-z0-9]{3,24}", account.name)
    assert account.is_type("Microsoft.Storage/storageAccounts")
    assert account.subscription == subscription


def test_every_subscription_and_region_has_a_cache_account_of_its_own() -> None:
    accounts = {
        DEFAULT_NAMES.cache_account(subscription, location, DEPLOYMENT).name
        for subscription in (SUBSCRIPTION, ELSEWHERE)
        for location in ("eastus", "eastus2", "westus2")
    }

    assert len(accounts) == 6


def test_what_the_portal_names_is_named_as_the_portal_does() -> None:
    assert naming.fabric("eastus") == "asr-a2a-default-eastus"
    assert naming.container("eastus") == "asr-a2a-default-eastus-container"
    assert DEFAULT_NAMES.container_mapping_of("eastus", "westus2", "daily") == "eastus-westus2-daily"


def test_policies_of_other_values_have_other_names() -> None:
    assert len({DEFAULT_NAMES.policy_of(*hours) for hours in ((24, 4), (24, 0), (72, 4))}) == 3


@pytest.mark.parametrize(
    ("taken", "free"), [([], "gold"), (["silver"], "gold"), (["Gold"], "gold-2"), (["gold", "GOLD-2"], "gold-3")]
)
def test_a_name_that_others_have_taken_gets_a_number(taken: list[str], free: str) -> None:
    assert naming.free("gold", taken) == free


def test_cache_accounts_of_one_region_differ_by_churn_and_number() -> None:
    made = [
        DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT, premium=premium, number=number).name
        for premium in (False, True)
        for number in (1, 2, 3)
    ]

    assert len(set(made)) == 6
    assert all(re.fullmatch("[a-z0-9]{3,24}", name) for name in made)
    assert made[0] == DEFAULT_NAMES.cache_account(SUBSCRIPTION.upper(), SOURCE, DEPLOYMENT).name


@pytest.mark.parametrize(("name", "target"), [("webdata", "webdataasr"), ("x" * 24, "x" * 21 + "asr")])
def test_the_target_of_a_storage_account_has_the_portal_s_suffix_and_fits(name: str, target: str) -> None:
    assert naming.target_account(name) == target


@given(networks, networks)
def test_every_target_network_has_a_network_for_drills_beside_it_with_a_name_that_azure_takes(
    one: ResourceId, other: ResourceId
) -> None:
    assume(one != other)
    made = [naming.drill_network(each) for each in (one, other)]

    assert made[0] != made[1]
    assert [each.group_id for each in made] == [one.group_id, other.group_id]
    assert all(NETWORK.names.allows(each.name) and naming.is_drill_network(each) for each in made)
    assert naming.drill_network(ResourceId(str(one).upper())) == made[0]
    assert not naming.is_drill_network(ResourceId.of(one.subscription, one.resource_group, NETWORK, "dr-drill"))

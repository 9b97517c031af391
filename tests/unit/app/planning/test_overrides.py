"""Who asked for what: the later layer wins, within allow-list and target scope, and nothing is passed over."""

from typing import Any

import pytest

from shared.config.override_options import CHOICES
from shared.config.profiles import Profile
from shared.config.settings import Settings
from shared.model.findings import Severity
from shared.model.resource_id import ResourceId
from shared.planning.overrides import Override, Overrides, overrides_of
from tests.unit.app.examples import (
    ELSEWHERE,
    NETWORK,
    SUBSCRIPTION,
    asking,
    open_settings,
    reported,
    settings,
    source_vm,
)

GROUP = "tag dr-{} of the resource group web"
HUB = str(ResourceId.of(SUBSCRIPTION, "hub", NETWORK.type, "hub"))
TENANTS = str(ResourceId.of(ELSEWHERE, "hub", NETWORK.type, "hub"))


def profile(**changes: Any) -> Settings:
    return settings(profiles={"default": Profile(**changes)})


def allowing(tag: str, *allowed: str) -> Settings:
    return profile(allow={tag: allowed})


def asks(overrides: Overrides, tag: str) -> Override:
    assert overrides.findings == ()
    return overrides.requested[tag]


# The order of the layers


def test_no_one_asks_for_anything() -> None:
    assert overrides_of(source_vm(), {}, settings()) == Overrides("default", Profile())


def test_the_later_layer_wins_and_is_named() -> None:
    of_profile = settings(
        profiles={"default": Profile(values={"target-size": "Standard_A1"}, allow={"target-size": ("*",)})}
    )
    group_tags = {"dr-target-size": "Standard_A2"}
    tagged = asking(target_size="Standard_A3")
    requested = tagged.with_(request={"dr-target-size": "Standard_A4"})

    of_group = GROUP.format("target-size")
    assert asks(overrides_of(source_vm(), {}, of_profile), "target-size") == Override(
        "Standard_A1", "profile default", "value target-size of the profile default"
    )
    assert asks(overrides_of(source_vm(), group_tags, of_profile), "target-size") == Override(
        "Standard_A2", of_group, of_group
    )
    assert asks(overrides_of(tagged, group_tags, of_profile), "target-size") == Override(
        "Standard_A3", "tag dr-target-size", "tag dr-target-size"
    )
    assert asks(overrides_of(requested, group_tags, of_profile), "target-size") == Override(
        "Standard_A4", "request", "field dr-target-size of the request"
    )


def test_layers_ask_for_different_things_side_by_side() -> None:
    overrides = overrides_of(
        asking(target_zone="2"), {"dr-target-size": "Standard_A2", "owner": "alice"}, open_settings()
    )

    assert overrides.findings == ()
    assert {tag: asked.value for tag, asked in overrides.requested.items()} == {
        "target-zone": "2",
        "target-size": "Standard_A2",
    }


def test_names_of_tags_know_no_case_and_values_are_brought_into_one_form() -> None:
    vm = source_vm(tags={"DR-Target-Location": " East US 2 "})

    assert asks(overrides_of(vm, {}, open_settings()), "target-location").value == "eastus2"


@pytest.mark.parametrize(
    ("group", "vm", "request_", "name"),
    [
        ({}, {}, {}, "default"),
        ({"dr-profile": "gold"}, {}, {}, "gold"),
        ({"dr-profile": "gold"}, {"dr-profile": "silver"}, {}, "silver"),
        ({"dr-profile": "gold"}, {"dr-profile": "silver"}, {"dr-profile": " Gold"}, "gold"),
    ],
)
def test_the_profile_is_the_last_layer_s(
    group: dict[str, str], vm: dict[str, str], request_: dict[str, str], name: str
) -> None:
    of_app = settings(profiles={"default": Profile(), "gold": Profile(), "silver": Profile()})

    assert overrides_of(source_vm(tags=vm, request=request_), group, of_app).profile_name == name


def test_a_profile_that_no_one_defined_names_the_layer_and_what_is_there() -> None:
    of_app = settings(profiles={"default": Profile(), "gold": Profile()})

    overrides = overrides_of(asking(profile="15-days"), {"dr-profile": "gold"}, of_app)

    finding = reported(overrides.findings, "OverrideInvalid")
    assert finding.severity is Severity.BLOCKER
    assert finding.message == "The tag dr-profile is '15-days'; allowed: default, gold."
    assert "DR_PROFILES" in finding.fix
    assert overrides.profile == Profile()


def test_a_profile_may_set_what_it_does_not_allow_others_to_set() -> None:
    overrides = overrides_of(source_vm(), {}, profile(values={"target-vnet": HUB}))

    assert asks(overrides, "target-vnet") == Override(
        HUB, "profile default", "value target-vnet of the profile default"
    )


@pytest.mark.parametrize(
    ("group", "vm", "request_", "priority"),
    [
        ({}, {}, {}, Override("low", "profile default", "profile default")),
        ({"dr-priority": "High"}, {}, {}, Override("high", *2 * (GROUP.format("priority"),))),
        ({"dr-priority": "high"}, {"dr-priority": "normal"}, {}, Override("normal", *2 * ("tag dr-priority",))),
        (
            {"dr-priority": "high"},
            {"dr-priority": "normal"},
            {"dr-priority": "high"},
            Override("high", "request", "field dr-priority of the request"),
        ),
    ],
)
def test_the_priority_is_the_last_layer_s_and_no_allow_list_holds_for_it(
    group: dict[str, str], vm: dict[str, str], request_: dict[str, str], priority: Override
) -> None:
    overrides = overrides_of(source_vm(tags=vm, request=request_), group, profile(priority="LOW"))

    assert (overrides.priority, overrides.findings) == (priority, ())


def test_a_priority_that_is_none_is_a_blocker_and_the_profile_s_is_used() -> None:
    overrides = overrides_of(asking(priority="urgent"), {"dr-priority": "high"}, profile(priority="low"))

    assert overrides.priority.value == "low"
    assert reported(overrides.findings, "OverrideInvalid").message == (
        "The tag dr-priority is 'urgent'; allowed: high, normal, low."
    )


# The schedule of drills

DRILL = {"everyDays": 30, "window": "22-04", "network": HUB, "maxCores": 8}


@pytest.mark.parametrize(
    ("group", "vm", "drilled"),
    [
        ({}, {}, True),
        ({"dr-drill": "off"}, {}, False),
        ({}, {"dr-drill": "OFF"}, False),
        ({"dr-drill": "off"}, {"dr-drill": "on"}, True),
    ],
)
def test_the_schedule_of_a_profile_drills_its_vms_but_those_left_out(
    group: dict[str, str], vm: dict[str, str], drilled: bool
) -> None:
    overrides = overrides_of(source_vm(tags=vm), group, profile(drill=DRILL))

    assert (overrides.drilled, overrides.findings) == (drilled, ())
    assert not overrides_of(source_vm(tags=vm), group, profile()).drilled


def test_a_drill_tag_that_is_no_word_is_a_blocker_and_leaves_the_vm_out() -> None:
    overrides = overrides_of(asking(drill="never"), {}, profile(drill=DRILL))

    assert not overrides.drilled
    assert reported(overrides.findings, "OverrideInvalid").message == "The tag dr-drill is 'never'; allowed: on, off."


# What is not known


@pytest.mark.parametrize("name", ["dr-target-siz", "dr-", "dr-recovery-point-retention", "DR-Vault", "dr-made-by-me"])
def test_a_tag_of_ours_that_no_one_knows_is_a_blocker_that_lists_those_known(name: str) -> None:
    finding = reported(overrides_of(source_vm(tags={name: "x"}), {}, open_settings()).findings, "OverrideInvalid")

    assert finding.severity is Severity.BLOCKER
    assert f"The tag {name.lower()} is unknown" in finding.message
    for known in ("dr-profile", "dr-hold", *(f"dr-{tag}" for tag in CHOICES)):
        assert known in finding.message


def test_an_unknown_tag_of_the_resource_group_is_reported_with_its_place() -> None:
    finding = reported(overrides_of(source_vm(), {"dr-cache": "x"}, open_settings()).findings, "OverrideInvalid")

    assert GROUP.format("cache") in finding.message


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_hold_on_the_resource_group_is_not_passed_over(value: str) -> None:
    """It holds no VM: who set it is reported, and nothing is written to the VMs meanwhile."""
    finding = reported(overrides_of(source_vm(), {"dr-hold": value}, open_settings()).findings, "OverrideInvalid")

    assert f"The {GROUP.format('hold')} is unknown; allowed: dr-profile, " in finding.message
    assert "dr-hold" not in finding.message.split("allowed:")[1]


@pytest.mark.parametrize(
    "tags",
    [
        {"dr-made-by": "azure-vm-dr-autoprotect/func-1", "dr-made-at": "2026-05-01T12:00:00+00:00"},
        {"DR-Made-By": "x"},
    ],
)
def test_the_tag_that_the_app_itself_writes_asks_for_nothing(tags: dict[str, str]) -> None:
    assert overrides_of(source_vm(), tags, settings()) == Overrides("default", Profile())
    assert overrides_of(source_vm(tags=tags), {}, settings()) == Overrides("default", Profile())


@pytest.mark.parametrize("tags", [{"dr": "true"}, {"drill": "x"}, {"xdr-target-size": "x"}, {"owner": "dr-x"}])
def test_tags_of_others_and_those_that_the_app_reads_elsewhere_ask_for_nothing(tags: dict[str, str]) -> None:
    assert overrides_of(source_vm(tags={**tags, "dr-hold": "x"}), tags, settings()).findings == ()


def test_the_tags_have_the_prefix_of_the_settings() -> None:
    vm = source_vm(tags={"backup-target-size": "Standard_A1", "dr-target-size": "Standard_A2"})
    overrides = overrides_of(vm, {}, open_settings(tag_name="Backup"))

    assert asks(overrides, "target-size").value == "Standard_A1"
    assert asks(overrides, "target-size").where == "tag Backup-target-size"


def test_a_bad_value_names_the_tag_what_was_given_and_what_is_allowed() -> None:
    overrides = overrides_of(asking(target_zone="9"), {"dr-target-ip": "10.1"}, open_settings())

    assert [(finding.code, finding.severity) for finding in overrides.findings] == [
        ("OverrideInvalid", Severity.BLOCKER)
    ] * 2
    assert [finding.message for finding in overrides.findings] == [
        f"The {GROUP.format('target-ip')} is '10.1'; allowed: an IPv4 address.",
        "The tag dr-target-zone is '9'; allowed: 1, 2, 3, none.",
    ]
    assert overrides.requested == {}


@pytest.mark.parametrize(
    "given", [{"dr-churn": "huge"}, {"dr-churns": "high"}, {"dr-profile": "platinum"}], ids=lambda given: str(given)
)
def test_a_bad_request_names_its_field(given: dict[str, str]) -> None:
    overrides = overrides_of(source_vm(request=given), {}, open_settings())

    (name,) = given
    message = reported(overrides.findings, "OverrideInvalid").message
    assert name.removeprefix("dr-") in message.partition("allowed:")[0]
    assert "request" in message


def test_a_long_value_does_not_make_a_long_message() -> None:
    finding = reported(overrides_of(asking(target_zone="9" * 300), {}, open_settings()).findings, "OverrideInvalid")

    assert len(finding.message) < 300


# What is allowed


def test_nothing_is_allowed_that_the_profile_does_not_allow() -> None:
    finding = reported(overrides_of(asking(target_size="Standard_A1"), {}, settings()).findings, "OverrideNotAllowed")

    assert finding.severity is Severity.BLOCKER
    assert finding.message == (
        "The tag dr-target-size requests 'Standard_A1'; the profile default allows nothing for target-size."
    )
    assert "DR_PROFILES" in finding.fix


@pytest.mark.parametrize(
    ("tag", "allowed", "given"),
    [
        ("target-size", "*", "Standard_A1"),
        ("target-size", "standard_a1", "Standard_A1"),
        ("target-vnet", "*", HUB),
        ("target-vnet", HUB.upper(), HUB),
        ("target-vnet", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/HUB", HUB),
        ("target-vnet", f"/subscriptions/{SUBSCRIPTION}", HUB),
        ("target-vnet", "hub", "hub"),
        ("target-resource-group", f"/subscriptions/{SUBSCRIPTION}", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/a"),
        ("target-ip", "10.1.0.0/16", "10.1.1.9"),
        ("target-ip", "10.1.0.0/16", "nic-1=10.1.1.9, nic-2=10.1.2.9"),
        ("target-disk-type", "Premium_LRS", "os=premium_lrs,data=PREMIUM_LRS"),
        ("target-availability-set", "none", "None"),
    ],
)
def test_an_allow_list_covers_a_value_a_place_or_a_network(tag: str, allowed: str, given: str) -> None:
    vm = source_vm(tags={f"dr-{tag}": given})

    assert overrides_of(vm, {}, allowing(tag, allowed)).findings == ()


@pytest.mark.parametrize(
    ("tag", "allowed", "given", "refused"),
    [
        ("target-size", "Standard_A", "Standard_A1", "Standard_A1"),
        ("target-location", "westus2", "westus", "westus"),
        ("target-vnet", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/hu", HUB, HUB),
        ("target-vnet", HUB, "hub", "hub"),
        ("target-vnet", HUB.rsplit("/", 1)[0] + "/hub-2", HUB, HUB),
        ("target-vnet", "hub", HUB, HUB),
        ("target-vnet", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/hub", "hub", "hub"),
        ("target-ip", "10.1.0.0/16", "10.2.1.9", "10.2.1.9"),
        ("target-ip", "10.1.0.0/16", "nic-1=10.1.1.9, nic-2=10.2.1.9", "10.2.1.9"),
        ("target-disk-type", "Premium_LRS", "os=Premium_LRS, data=Standard_LRS", "Standard_LRS"),
        ("target-availability-set", f"/subscriptions/{SUBSCRIPTION}", "none", "none"),
    ],
)
def test_what_an_allow_list_does_not_cover_is_refused_value_by_value(
    tag: str, allowed: str, given: str, refused: str
) -> None:
    vm = source_vm(tags={f"dr-{tag}": given})

    finding = reported(overrides_of(vm, {}, allowing(tag, allowed)).findings, "OverrideNotAllowed")

    assert f"{refused!r}" in finding.message
    assert allowed in finding.message


def test_an_open_allow_list_does_not_reach_beyond_the_target_scope() -> None:
    overrides = overrides_of(asking(target_vnet=TENANTS), {}, open_settings())

    finding = reported(overrides.findings, "OverrideNotAllowed")
    assert TENANTS in finding.message
    assert f"DR_TARGET_SCOPE (/subscriptions/{SUBSCRIPTION})" in finding.message


def test_an_allow_list_of_another_profile_opens_nothing() -> None:
    of_app = settings(profiles={"default": Profile(), "open": Profile(allow={"target-zone": ("*",)})})

    assert reported(overrides_of(asking(target_zone="1"), {}, of_app).findings, "OverrideNotAllowed")
    assert overrides_of(asking(target_zone="1", profile="open"), {}, of_app).findings == ()


def test_each_layer_is_held_to_the_allow_list() -> None:
    vm = asking(target_zone="2").with_(request={"dr-target-zone": "3"})

    findings = overrides_of(vm, {"dr-target-zone": "1"}, allowing("target-zone", "3")).findings

    assert [finding.code for finding in findings] == ["OverrideNotAllowed"] * 2

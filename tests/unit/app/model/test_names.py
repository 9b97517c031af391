"""Templates of names: whatever Azure allows for a source becomes a name that it allows for what is made."""

import re
from collections.abc import Callable
from typing import Any
from unicodedata import category

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.model.name_templates import TEMPLATES
from shared.model.names import DEFAULT_NAMES, Names, PairNames
from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import AVAILABILITY_SET, NETWORK, PLACEMENT_GROUP, RESOURCE_GROUP, ResourceType
from tests.properties import examples
from tests.unit.app.examples import DEPLOYMENT, NAMES, SUBSCRIPTION, VAULT_ID

LETTERS: Any = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")


def is_group(name: str) -> bool:
    """Azure's naming table: Char.IsLetterOrDigit of .NET, and _-.(), not ending in a period; up to 90."""
    letters = all(letter in "_-.()" or (category(letter) in LETTERS and letter <= "\uffff") for letter in name)
    return 1 <= len(name) <= 90 and letters and not name.endswith(".")


# The network, compute, storage and Site Recovery providers' own patterns.
IS_NETWORK = re.compile(r"(?=.{2,64}$)[0-9a-zA-Z]([0-9a-zA-Z_.-]{0,62}[0-9a-zA-Z_])?")
IS_OF_COMPUTE = re.compile(r"[^_\W][\w.-]{0,79}(?<![-.])", re.ASCII)
IS_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
IS_IN_VAULT = re.compile(r"(?=.{2,128}$)[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]")
LEGAL: dict[ResourceType, Callable[[str], object]] = {
    RESOURCE_GROUP: is_group,
    NETWORK: IS_NETWORK.fullmatch,
    AVAILABILITY_SET: IS_OF_COMPUTE.fullmatch,
    PLACEMENT_GROUP: IS_OF_COMPUTE.fullmatch,
}

ascii_names = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?\Z") | st.sampled_from(
    ["aa", "x" * 64, "x" * 80, "vnet_prod.eastus", "a-_.-_", "a._", "x" * 63 + "_", "a" + "." * 62 + "z"]
)
groups = st.text(
    st.characters(categories=LETTERS, max_codepoint=0xFFFF, include_characters="_-.()"), min_size=1, max_size=90
).filter(is_group) | st.sampled_from(["(", "-", "_", "x" * 90, "é" * 90, ")" * 90, "a.(b)-_", "\u212a", "x" * 89 + "("])
SOURCES = {
    RESOURCE_GROUP: groups,
    NETWORK: ascii_names.filter(IS_NETWORK.fullmatch),
    AVAILABILITY_SET: ascii_names,
    PLACEMENT_GROUP: ascii_names,
}
regions = st.sampled_from(["eastus", "uksouth", "germanywestcentral", "australiasoutheast"])
profiles = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,29}\Z", alphabet="abz09-") | st.sampled_from(
    ["a-", "gold--", "x" * 30]
)
OTHERS = Names.model_validate(
    {
        "environment": "prod",
        "resourceGroup": "rg.{source}_{environment}-{targetRegion}",
        "network": "{targetRegion}.{source}",
        "availabilitySet": "{source}_",
        "placementGroup": "ppg-{environment}-{source}-from-{sourceRegion}",
        "cacheGroup": "({environment})cache.{sourceRegion}",
        "policy": "asr{forProfile}-{environment}-{retention}h-{appConsistent}",
        "containerMapping": "{policy}-{sourceRegion}-{targetRegion}",
        "networkMapping": "{digest}-{targetRegion}-{source}",
    }
)
ALL = pytest.mark.parametrize("names", [DEFAULT_NAMES, OTHERS], ids=["default", "other"])
KINDS = pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.noun)


def made(pair: PairNames, kind: ResourceType, name: str) -> str:
    """The name of the counterpart of a source of that name."""
    if kind == RESOURCE_GROUP:
        return pair.group(ResourceId.of(SUBSCRIPTION, name)).resource_group
    return pair.sibling(ResourceId.of(SUBSCRIPTION, "web", kind, name)).name


@ALL
@KINDS
@examples(400)
@given(st.data())
def test_any_legal_name_of_a_source_gives_a_legal_name_of_its_own(
    names: Names, kind: ResourceType, data: st.DataObject
) -> None:
    one, other = data.draw(SOURCES[kind]), data.draw(SOURCES[kind])
    pair = names.between(data.draw(regions), data.draw(regions))

    name = made(pair, kind, one)

    assert LEGAL[kind](name), name
    assert name == made(pair, kind, one)
    assert folded(name) == folded(made(pair, kind, folded(one)))
    assume(folded(one) != folded(other))
    assert folded(name) != folded(made(pair, kind, other))


@ALL
@examples(200)
@given(SOURCES[NETWORK], groups, groups, regions, regions, profiles)
def test_parts_of_a_vault_have_legal_names(
    names: Names, network: str, group: str, other: str, here: str, there: str, profile: str
) -> None:
    source = ResourceId.of(SUBSCRIPTION, group, NETWORK, network)
    policy = names.policy_of(360, 12, profile)
    mapping = names.network_mapping_of(source, here, there)

    for name in (policy, names.container_mapping_of(here, there, policy), mapping):
        assert IS_IN_VAULT.fullmatch(name), name
        VAULT_ID.child("replicationPolicies", name)
    assert names.network_mapping_of(ResourceId(source.key), here, there) == folded(mapping)
    assume(folded(group) != folded(other))
    assert names.network_mapping_of(ResourceId.of(SUBSCRIPTION, other, NETWORK, network), here, there) != mapping


@ALL
@examples(100)
@given(profiles, profiles, st.sampled_from([(24, 4), (360, 0), (72, 12)]))
def test_the_name_of_a_policy_tells_its_profile(names: Names, one: str, other: str, hours: tuple[int, int]) -> None:
    name = names.policy_of(*hours, one)

    assert names.is_policy_of(name, one)
    assert names.is_policy_of(name.upper(), one)
    assert names.is_policy_of(name, other) is (one == other)


@pytest.mark.parametrize(
    ("name", "is_own"), [("Gold-24h", True), ("gold-24h-2", True), ("gold-24h-x", False), ("gold-24", False)]
)
def test_a_profile_may_name_its_policy_itself(name: str, is_own: bool) -> None:
    assert DEFAULT_NAMES.is_policy_of(name, "gold", "gold-24h") is is_own


@ALL
@examples(100)
@given(groups, SOURCES[NETWORK], SOURCES[NETWORK], regions, regions)
def test_what_the_app_made_is_recognised_whatever_its_regions(
    names: Names, group: str, network: str, other: str, here: str, there: str
) -> None:
    source = ResourceId.of(SUBSCRIPTION, group, NETWORK, network)
    target, cache = names.between(here, there).sibling(source), names.cache_group_of(SUBSCRIPTION, here)

    assert names.may_be_made(target)
    assert names.may_be_made(target.group_id)
    assert names.may_be_made(cache)
    assert names.is_cache_group(cache)
    assert names.may_lead_to(source, target)
    assert names.may_lead_to(source, target.group_id)
    assert DEFAULT_NAMES.may_be_made(NAMES.sibling(source))
    assume(folded(network) != folded(other))
    assert not names.may_lead_to(ResourceId.of(SUBSCRIPTION, group, NETWORK, other), target)


@pytest.mark.parametrize("name", ["web", "web-asr-2", "asr"])
def test_a_name_that_the_app_gives_nothing_is_recognised_too(name: str) -> None:
    assert not OTHERS.may_be_made(ResourceId.of(SUBSCRIPTION, name))
    assert not OTHERS.may_be_made(ResourceId.of(SUBSCRIPTION, "web", NETWORK, name))


def test_a_cache_account_in_a_group_of_another_name_is_another_account() -> None:
    """Its name is unique in all of Azure: the one in the earlier group keeps it."""
    one, other = (names.cache_account(SUBSCRIPTION, "eastus", DEPLOYMENT) for names in (DEFAULT_NAMES, OTHERS))

    assert one.name == "asrcached8ad30e8607afcee"
    assert one.name != other.name
    assert IS_ACCOUNT.fullmatch(other.name)
    assert other.resource_group == "(prod)cache.eastus"


@pytest.mark.parametrize("length", [60, 61, 64])
def test_a_name_that_is_too_long_is_cut_with_a_digest_before_its_end(length: int) -> None:
    name = made(NAMES, NETWORK, "n" * length)

    assert name == f"{'n' * length}-asr" if length == 60 else re.fullmatch(r"n{53}-[0-9a-f]{6}-asr", name)


@pytest.mark.parametrize(
    ("field", "template", "expected"),
    [
        ("network", "{source}{x}", "placeholder {x}; allowed: {source}, {sourceRegion}, {targetRegion}, {environment}"),
        ("network", "dr-network", "has no {source}"),
        ("network", "{source}.", "gives 'xx-5dde89.' for source 'xx'; allowed: 2 to 64 letters and digits and _.-"),
        ("availabilitySet", "-{source}", "beginning with letters or digits"),
        ("network", "{source", "is no template"),
        ("network", "{source!r}", "placeholder {source!r}"),
        ("resourceGroup", "{source:>100}", "placeholder {source:>100}"),
        ("resourceGroup", "{0}-{source}", "placeholder {0}"),
        ("resourceGroup", "{source}-{environment}", "environment has no value"),
        ("resourceGroup", "{source}\u00b2", "1 to 90 letters and digits of any alphabet and _-.()"),
        ("resourceGroup", "{source}{source}", "{source} twice"),
        ("placementGroup", "p" * 80 + "{source}", "allowed: 1 to 80"),
        ("cacheGroup", "cache", "has no {sourceRegion}"),
        ("policy", "{retention}-{appConsistent}", "has no {forProfile}"),
        ("policy", "{retention}_{appConsistent}{forProfile}", "2 to 128 letters and digits and -"),
        ("containerMapping", "{policy}", "has no {sourceRegion}"),
        ("networkMapping", "{source}-{targetRegion}", "has no {digest}"),
        ("environment", "a b", "should match pattern"),
        ("subnet", "{source}", "not permitted"),
    ],
)
def test_a_template_that_is_wrong_is_refused_with_what_is_allowed(field: str, template: str, expected: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Names.model_validate({field: template})

    problem: Any = refused.value.errors()[0]
    assert expected in problem["msg"]
    assert field in f"{problem['loc']} {problem['msg']}"


def test_every_template_has_its_default_s_placeholders_only() -> None:
    assert TEMPLATES.keys() | {"environment"} == Names.model_fields.keys()
    assert Names.model_validate(DEFAULT_NAMES.dump()) == DEFAULT_NAMES

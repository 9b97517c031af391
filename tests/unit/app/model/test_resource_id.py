"""Resource IDs: what is one, what is none, and when two are the same."""

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.naming import instance_id
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, VIRTUAL_MACHINE, ResourceId, folded, vm_id
from shared.model.scope import Scope
from tests.unit.app.examples import AVAILABILITY_SET, CONTAINER, NETWORK, SUBSCRIPTION, VM_ID

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"

subscriptions = st.uuids().map(str)
groups = st.text(string.ascii_letters + string.digits + "-_().", min_size=1, max_size=90).filter(
    lambda name: not name.endswith(".") and ".." not in name
)
names = st.text(string.ascii_letters + string.digits + "-_.ä", min_size=1, max_size=64).filter(
    lambda name: name.strip(".") and ".." not in name
)
types = st.lists(st.sampled_from(["virtualNetworks", "subnets", "vaults", "x9"]), min_size=1, max_size=4)


@given(subscriptions, groups, types, st.lists(names, min_size=4, max_size=4))
def test_an_id_built_from_parts_is_read_back_into_the_same_parts(
    subscription: str, group: str, of_types: list[str], of_names: list[str]
) -> None:
    built = ResourceId.of(subscription, group, f"Microsoft.Network/{of_types[0]}", of_names[0])
    for of_type, name in zip(of_types[1:], of_names[1:], strict=False):
        built = built.child(of_type, name)

    read = ResourceId(str(built))

    assert read == built
    assert (read.subscription, read.resource_group) == (subscription, group)
    assert read.type == "/".join(["Microsoft.Network", *of_types])
    assert read.name == of_names[len(of_types) - 1]


@given(subscriptions, groups, names)
def test_casing_makes_no_other_id(subscription: str, group: str, name: str) -> None:
    one = vm_id(subscription, group, name)
    other = ResourceId(str(one).upper().replace("Ä", "ä"))

    assert one == other
    assert hash(one) == hash(other)
    assert other.is_type(VIRTUAL_MACHINE)


@given(st.text())
def test_any_text_is_an_id_or_a_value_error(text: str) -> None:
    for candidate in (text, f"{GROUP}{text}", f"{COMPUTE}/virtualMachines/{text}"):
        try:
            read = ResourceId(candidate)
        except ValueError:
            continue
        assert candidate.rstrip("/") == str(read)
        assert not set(str(read)) & set("\\?#%&<>\"'\n\r\t\0 ")
        assert not {".", "..", ""} & set(str(read).split("/")[1:])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "web-1",
        "/subscriptions/",
        "/subscriptions/not-a-guid",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ends-in-a-dot.",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{91 * 'x'}",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/we b",
        f"{GROUP}/virtualMachines/web-1",
        f"{COMPUTE}/virtualMachines/web-\ud800",
        f"{GROUP}/providers",
        f"{COMPUTE}/virtualMachines",
        f"{COMPUTE}/virtualMachines//web-1",
        f"{COMPUTE}/virtualMachines/../../../vaults/v",
        f"{COMPUTE}/virtualMachines/..",
        f"{COMPUTE}/virtualMachines/%2e%2e",
        f"{COMPUTE}/virtualMachines/web-1?api-version=1",
        f"{COMPUTE}/virtualMachines/web-1#",
        f"{COMPUTE}/virtualMachines/web\\1",
        f"{COMPUTE}/virtualMachines/web\n1",
        f"{COMPUTE}/virtualMachines/web-1\n",
        f"{COMPUTE}/virtualMachines/web\0",
        f"https://management.azure.com{COMPUTE}/virtualMachines/web-1",
    ],
)
def test_what_is_no_resource_is_refused_with_what_was_given_and_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="/subscriptions/<guid>") as refused:
        ResourceId(text)

    assert repr(text)[:100] in str(refused.value)


def test_a_name_of_one_dot_is_refused_since_it_vanishes_from_an_address() -> None:
    with pytest.raises(ValueError, match="not an Azure resource ID"):
        vm_id(SUBSCRIPTION, "web", ".")


def test_a_provider_without_a_resource_is_refused() -> None:
    with pytest.raises(ValueError, match="not an Azure resource ID"):
        ResourceId(COMPUTE)


def test_a_long_text_is_not_repeated_whole_in_the_error() -> None:
    with pytest.raises(ValueError, match="not an Azure resource ID") as refused:
        ResourceId("x" * 1_000_000)

    assert len(str(refused.value)) < 500


def test_a_trailing_slash_is_no_part_of_an_id() -> None:
    assert ResourceId(f"{VM_ID}/") == VM_ID


def test_subscription_group_and_resource_are_distinguished() -> None:
    subscription, group = ResourceId(f"/subscriptions/{SUBSCRIPTION}"), ResourceId(GROUP)

    assert (subscription.name, subscription.type, subscription.resource_group) == (SUBSCRIPTION, "", "")
    assert (group.name, group.type, group.resource_group) == ("web", "", "web")
    assert VM_ID.group_id == group
    assert not VM_ID.is_type(CLASSIC_VIRTUAL_MACHINE)


def test_a_child_leads_back_to_its_parent() -> None:
    subnet = NETWORK.child("subnets", "web")

    assert subnet.parent == NETWORK
    assert subnet.is_type("Microsoft.Network/virtualNetworks/subnets")


def test_an_id_is_equal_to_no_text() -> None:
    assert str(VM_ID) != VM_ID
    assert repr(VM_ID) == f"ResourceId('{VM_ID}')"


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
@pytest.mark.parametrize("given", [VM_ID, NETWORK.child("subnets", "web"), CONTAINER, AVAILABILITY_SET, VM_ID.group_id])
def test_everything_but_names_is_written_in_azure_s_casing(given: ResourceId, change: Callable[[str], str]) -> None:
    other = ResourceId(change(str(given)))

    assert (other, other.type, other.subscription) == (given, given.type, SUBSCRIPTION)
    assert other.name == change(given.name)
    assert str(other).split("/")[3:6:2] == str(given).split("/")[3:6:2]


def test_a_type_that_is_not_known_keeps_its_casing() -> None:
    assert ResourceId(f"{GROUP}/providers/Contoso.Odd/someThings/X").type == "Contoso.Odd/someThings"


# Letters that `str.lower` makes ASCII (Kelvin, dotted I), doubles, or writes by what stands around them.
PAIRS = [
    ("Straße", "STRAßE"),
    ("ΟΔΟΣ", "οδος"),
    ("ÄÖ", "äö"),
    ("Дом", "дОМ"),
    ("日本", "日本"),
    ("Ǆ", "ǆ"),
    ("web", "WEB"),
]
STRANGERS = [
    ("dr-\u212a", "dr-k"),
    ("\u0130st", "ist"),
    ("\u0131", "i"),
    ("\u017f", "s"),
    ("STRASSE", "straße"),
    ("ẞ", "ß"),
    ("\u00c5", "\u212b"),
]


@pytest.mark.parametrize("given", sorted({name for pair in PAIRS + STRANGERS for name in pair}))
def test_a_group_may_have_any_alphabet(given: str) -> None:
    group = ResourceId.of(SUBSCRIPTION, given)

    assert group.resource_group == given
    assert len(group.key) == len(str(group))
    assert group in Scope([ResourceId(str(group))])
    assert vm_id(SUBSCRIPTION, given, "web-1") in Scope([group])


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_letters_of_any_alphabet_are_compared_without_case(one: str, other: str) -> None:
    assert ResourceId.of(SUBSCRIPTION, one) == ResourceId.of(SUBSCRIPTION, other)


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_a_letter_is_no_other_that_only_looks_like_it(one: str, other: str) -> None:
    """As .NET's OrdinalIgnoreCase, by which Azure Resource Manager compares."""
    assert ResourceId.of(SUBSCRIPTION, one) != ResourceId.of(SUBSCRIPTION, other)
    assert vm_id(SUBSCRIPTION, one, "web-1") not in Scope([ResourceId.of(SUBSCRIPTION, other)])
    assert instance_id(vm_id(SUBSCRIPTION, one, "web-1")) != instance_id(vm_id(SUBSCRIPTION, other, "web-1"))


@given(st.characters(exclude_categories=["Cs"]))
def test_a_folded_letter_is_one_letter_that_stays_as_it_is(letter: str) -> None:
    assert len(folded(letter)) == 1
    assert folded(folded(letter)) == folded(letter)
    assert folded(letter).isascii() == letter.isascii()


@pytest.mark.parametrize("word", ["/\u017fubscriptions/", "/\u212aubscriptions/", "/subscript\u0131ons/"])
def test_the_words_of_a_path_are_ascii(word: str) -> None:
    with pytest.raises(ValueError, match="not an Azure resource ID"):
        ResourceId(GROUP.replace("/subscriptions/", word))

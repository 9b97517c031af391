"""What people write into tags, profiles and requests: brought into one form, or refused with what is allowed."""

import pytest
from hypothesis import given

from shared.model import resource_types
from shared.model.resource_id import ResourceId
from shared.model.values import Check, each, ip_address, matching, one_of, parts, region, resource
from tests.unit.app.examples import NETWORK, SUBSCRIPTION
from tests.unit.app.situations import hostile

network = resource(resource_types.NETWORK)


def refusal(check: Check, text: str) -> str:
    with pytest.raises(ValueError, match=r".+") as refused:
        check(text)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("web", {"": "web"}),
        (" web ", {"": "web"}),
        ("", {"": ""}),
        ("nic-1=web", {"nic-1": "web"}),
        ("NIC-1 = web , nic-2=data", {"nic-1": "web", "nic-2": "data"}),
    ],
)
def test_a_value_is_for_all_or_for_each_by_name(text: str, read: dict[str, str]) -> None:
    assert parts(text) == read


@pytest.mark.parametrize("text", ["=", "a=", "=b", "a=b,", "a=b,c", "a=b,A=c", ",a=b", " = "])
def test_names_without_values_and_names_given_twice_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="each name once"):
        parts(text)


def test_what_is_given_one_by_one_is_checked_one_by_one() -> None:
    check = each(one_of("Premium_LRS", "Standard_LRS"))

    assert check("premium_lrs") == "Premium_LRS"
    assert check("OS=premium_lrs,data = STANDARD_LRS") == "os=Premium_LRS, data=Standard_LRS"
    assert check(check("a=premium_lrs,b=standard_lrs")) == "a=Premium_LRS, b=Standard_LRS"
    assert refusal(check, "os=Premium_LRS,data=fast") == "Premium_LRS, Standard_LRS"


@pytest.mark.parametrize("text", ["vnet", "_net", "a", "a.b", "a-b_c", "x" * 90, str(NETWORK), f"{NETWORK}/"])
def test_a_resource_is_named_by_id_or_name(text: str) -> None:
    assert network(text) == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a.",
        "-a",
        "a b",
        "a/b",
        "x" * 91,
        f"/subscriptions/{SUBSCRIPTION}",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/net",
        str(NETWORK.child("subnets", "web")),
        str(NETWORK).replace("virtualNetworks", "publicIPAddresses"),
        "none",
        "NONE",
    ],
)
def test_anything_else_is_no_resource_of_that_type(text: str) -> None:
    assert refusal(network, text) == "the ID or the name of a virtual network"


def test_a_resource_group_has_no_type() -> None:
    group = resource(resource_types.RESOURCE_GROUP)

    assert group("web-asr") == "web-asr"
    assert group(str(NETWORK.group_id)) == str(NETWORK.group_id)
    assert refusal(group, str(NETWORK)) == "the ID or the name of a resource group"
    assert refusal(group, f"/subscriptions/{SUBSCRIPTION}") == "the ID or the name of a resource group"


def test_some_resources_may_be_done_without_and_some_are_named_by_id_alone() -> None:
    optional, by_id = (
        resource(resource_types.NETWORK, optional=True),
        resource(resource_types.NETWORK, by_name=False),
    )

    assert optional(" none".strip()) == optional("None") == "none"
    assert refusal(optional, "a b") == "the ID or the name of a virtual network, or none"
    assert by_id(str(NETWORK)) == str(NETWORK)
    assert refusal(by_id, "vnet") == "the ID of a virtual network"


@given(hostile)
def test_whatever_is_taken_for_a_resource_is_a_plain_name_or_an_id_of_that_type(text: str) -> None:
    try:
        taken = network(text)
    except ValueError:
        return
    if taken.startswith("/"):
        assert ResourceId(taken).is_type(resource_types.NETWORK)
    else:
        assert taken.isascii()
        assert not set(taken) & set("/\\?#%&=, \n\x00")
        assert not taken.endswith(".")
        assert ResourceId.of(SUBSCRIPTION, "web", resource_types.NETWORK, taken).name == taken


@given(hostile)
def test_every_check_is_stable_and_never_raises_anything_else(text: str) -> None:
    for check in (region, ip_address, network, each(network), one_of("a", "b"), matching("[a-z]+", "letters")):
        try:
            once = check(text)
        except ValueError:
            continue
        assert check(once) == once


def test_a_word_is_one_of_those_known_whatever_its_case() -> None:
    check = one_of("normal", "high")

    assert (check("HIGH"), check("normal")) == ("high", "normal")
    assert refusal(check, "higher") == "normal, high"


def test_a_pattern_covers_the_whole_text_and_ascii_alone() -> None:
    check = matching(r"\w+", "letters")

    assert check("abc") == "abc"
    for text in ("abc ", "abc\n", "äbc", ""):
        assert refusal(check, text) == "letters"


@pytest.mark.parametrize("text", ["westus2", "West US 2", "WESTUS2", "East US 2 EUAP"])
def test_a_region_is_written_as_arm_writes_it(text: str) -> None:
    assert region(text) == text.replace(" ", "").lower()


@pytest.mark.parametrize(
    "text", ["", "2", "west-us", "westus2/..", "westus222", "none", "None", "w", "x" * 40, "wéstus"]
)
def test_what_is_no_region_s_name_is_refused(text: str) -> None:
    assert "westus2" in refusal(region, text)


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.256", "10.0.0.1/24", "fd00::1", "010.0.0.1", "10.0.0.1 "])
def test_an_address_is_one_of_ipv4(text: str) -> None:
    assert ip_address("10.1.1.9") == "10.1.1.9"
    assert refusal(ip_address, text) == "an IPv4 address"

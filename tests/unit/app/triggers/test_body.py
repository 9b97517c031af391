"""The body of PUT and plan: what a VM's tags would say, read strictly; and the query beside it."""

import json
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.override_options import CHOICES
from tests.unit.app.examples import settings
from triggers.body import LONGEST_VALUE, request_model, tags_in
from triggers.problems import Problem
from triggers.requests import flags_of, tags_of

APP = settings(profiles='{"gold": {}}')
NETWORK = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/net/providers/Microsoft.Network/{}"

# A value that each choice takes. One that is added to the table has to be added here.
GOOD = {
    "profile": "gold",
    "priority": "high",
    "target-location": "West US 3",
    "target-resource-group": "web-dr",
    "target-vnet": NETWORK.format("virtualNetworks/vnet-dr"),
    "target-subnet": "nic-1=web, nic-2=data",
    "target-ip": "10.1.1.4",
    "target-nsg": "guard",
    "target-public-ip": "web-ip",
    "target-backend-pool": NETWORK.format("loadBalancers/lb/backendAddressPools/web"),
    "target-availability-set": "none",
    "target-scale-set": "flexible",
    "target-zone": "2",
    "target-ppg": "near",
    "target-capacity-reservation": "reserved",
    "target-size": "Standard_D4s_v5",
    "target-name": "web-1-dr",
    "target-boot-diagnostics": "bootdiag",
    "target-disk-type": "StandardSSD_LRS",
    "replica-disk-type": "web-1-os=Standard_LRS",
    "target-disk-encryption-set": "keys",
    "target-storage": "targetasr",
    "cache-storage": "cache",
    "churn": "high",
    "consistency-group": "shop",
    "exclude-disks": "web-1-data, 5",
}


def errors_of(body: Any) -> dict[str, tuple[str, str]]:
    """What is wrong with a body: by field what was given and what is allowed."""
    with pytest.raises(Problem) as problem:
        tags_in(APP, body)
    document = problem.value.document
    assert (problem.value.status, document["code"]) == (422, "InvalidBody")
    assert all(error["field"] in document["detail"] for error in document["errors"])
    return {error["field"]: (error["given"], error["allowed"]) for error in document["errors"]}


def test_every_choice_and_the_profile_can_be_asked_for_under_the_tags_name() -> None:
    assert set(GOOD) == {"profile", "priority", *CHOICES}
    body = {f"dr-{name}": value for name, value in GOOD.items()}

    assert tags_in(APP, body) == body


def test_the_members_are_called_as_the_tags_of_the_settings_are() -> None:
    app = settings(tag_name="recovery")

    assert tags_in(app, {"recovery-target-zone": "2"}) == {"recovery-target-zone": "2"}
    with pytest.raises(Problem):
        tags_in(app, {"dr-target-zone": "2"})


def test_what_is_not_asked_for_is_no_tag() -> None:
    assert tags_in(APP, {}) == {}


def test_a_value_is_kept_as_it_was_given_but_for_the_blanks_around_it() -> None:
    assert tags_in(APP, {"dr-target-location": " West US 3 "}) == {"dr-target-location": "West US 3"}


@pytest.mark.parametrize(
    ("name", "value", "shown", "allowed"),
    [
        ("target-zone", "4", "4", "1, 2, 3, none"),
        ("target-zone", 2, "2", "a string of 1 to 256 characters"),
        ("target-zone", None, "null", "a string"),
        ("target-zone", ["1"], "an array", "a string"),
        ("target-zone", {"a": 1}, "an object", "a string"),
        ("target-zone", True, "true", "a string"),
        ("target-zone", "", "", "a string of 1 to"),
        ("target-zone", "   ", "   ", "a string of 1 to"),
        ("target-ip", "10.1.1.999", "10.1.1.999", "an IPv4 address"),
        ("target-ip", "nic-1=10.1.1.4, nic-1=10.1.1.5", "nic-1=", "each name once"),
        ("target-subnet", "\ud800", "\ud800", "a string"),
        ("target-vnet", "../../other", "../../other", "virtualNetwork"),
        ("target-name", "x" * (LONGEST_VALUE + 1), "x" * 80, "256"),
        ("cache-storage", NETWORK.format("virtualNetworks/vnet"), "/subscriptions", "storageAccount"),
        ("profile", "platinum", "platinum", "gold"),
    ],
)
def test_a_bad_value_is_reported_with_what_was_given_and_what_is_allowed(
    name: str, value: Any, shown: str, allowed: str
) -> None:
    ((field, reported),) = errors_of({f"dr-{name}": value}).items()

    assert field == f"dr-{name}"
    assert reported[0].startswith(shown)
    assert allowed.replace(" ", "").lower() in reported[1].replace(" ", "").lower()


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    body = {"dr-target-zone": "9", "dr-churn": "low", "dr-hold": "true", "dr": "true", "DR-Profile": "gold"}

    errors = errors_of(body)

    assert set(errors) == set(body)
    assert "dr-target-zone" in errors["DR-Profile"][1]


@pytest.mark.parametrize(
    ("body", "given"), [([], "an array"), (None, "null"), (3, "3"), ("text", "text"), (True, "true")]
)
def test_a_body_that_is_no_object_is_refused(body: Any, given: str) -> None:
    assert errors_of(body) == {"body": (given, "an object")}


def test_ten_thousand_wrong_members_are_not_all_repeated() -> None:
    assert len(errors_of({f"m{number}": 1 for number in range(10_000)})) == 100


@given(st.dictionaries(st.sampled_from([f"dr-{name}" for name in GOOD] + ["x"]), st.text() | st.none(), max_size=4))
def test_whatever_is_given_is_read_or_refused_as_a_document(body: dict[str, Any]) -> None:
    refused: list[str] = []
    tags: dict[str, str] = {}
    try:
        tags = tags_in(APP, body)
    except Problem as problem:
        refused = [error["field"] for error in json.loads(problem.response().get_body())["errors"]]

    assert set(refused) <= set(body)
    assert refused or tags.keys() == body.keys()
    assert all(value.encode() and len(value) <= LONGEST_VALUE for value in tags.values())


def test_the_model_is_made_once_for_all_requests() -> None:
    assert request_model(APP) is request_model(settings(profiles='{"gold": {}}'))


# As it comes over HTTP


def request(body: bytes = b"", /, **query: str) -> func.HttpRequest:
    headers = {"Content-Type": "application/json"}
    return func.HttpRequest("PUT", "https://app.example/api/x", headers=headers, params=query, body=body)


@pytest.mark.parametrize(
    "body",
    [b'{"dr-churn": "high", "dr-churn": "normal"}', b'{"dr-churn": {"a": 1, "a": 2}}', b'{"a": 1} {}', b"{'a': 1}"],
)
def test_a_body_that_can_be_read_in_two_ways_is_not_read(body: bytes) -> None:
    with pytest.raises(Problem) as problem:
        tags_of(APP, request(body))

    assert (problem.value.status, problem.value.document["code"]) == (400, "MalformedBody")


@pytest.mark.parametrize("header", ["Transfer-Encoding", "transfer-encoding"])
def test_of_a_body_in_chunks_only_what_the_host_has_dropped_is_refused(header: str) -> None:
    headers = {"Content-Type": "application/json", header: "chunked"}
    dropped, whole = (
        func.HttpRequest("PUT", "https://app.example/api/x", headers=headers, body=body)
        for body in (b"", b'{"dr-profile": "gold"}')
    )

    with pytest.raises(Problem) as problem:
        tags_of(APP, dropped)

    assert (problem.value.status, problem.value.document["code"]) == (411, "LengthRequired")
    assert "Content-Length" in problem.value.document["detail"]
    assert tags_of(APP, whole) == {"dr-profile": "gold"}


def test_the_query_says_what_is_wanted() -> None:
    asked = request(targetsOnly="true", confirm="false", code="s3cret", clientId="default")

    assert flags_of(asked, "targetsOnly", "confirm") == {"targetsOnly"}


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ({"confirm": "yes"}, "true, false"),
        ({"confirm": "1"}, "true, false"),
        ({"confirm": "true,false"}, "true, false"),
        ({"Confirm": "true"}, "targetsOnly, confirm"),
        ({"force": "true"}, "targetsOnly, confirm"),
    ],
)
def test_a_query_that_is_not_known_is_refused_by_name(query: dict[str, str], allowed: str) -> None:
    with pytest.raises(Problem) as problem:
        flags_of(request(**query, code="s3cret"), "targetsOnly", "confirm")

    document = problem.value.document
    ((name, value),) = query.items()
    assert (problem.value.status, document["code"]) == (400, "InvalidQuery")
    assert [(error["field"], error["given"]) for error in document["errors"]] == [(name, value)]
    assert allowed in document["errors"][0]["allowed"]
    assert name in document["detail"]
    assert "s3cret" not in str(document)

"""A recording fits together after it was scrubbed, and tells nothing of whose it was."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.livecheck.scrub import Scrubber

SUBSCRIPTION = "5c1d6f4e-9d0a-4b53-8f3e-0d8a2b1c7e11"
TENANT = "0f0e0d0c-1111-4222-8333-444455556666"
PERSON = "jane.doe@contoso.example"
SANDBOX = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dr-live-1"
OTHER = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/payroll/providers/Microsoft.Compute/virtualMachines/secret-1"


@pytest.fixture
def scrubber() -> Scrubber:
    return Scrubber([SUBSCRIPTION, TENANT, PERSON], ["dr-live-1"])


def test_the_url_of_an_operation_is_the_same_in_the_header_and_when_it_is_asked(scrubber: Scrubber) -> None:
    path = f"/Subscriptions/{SUBSCRIPTION.upper()}/providers/Microsoft.Network/locations/eastus/operations/1"
    signature = "&t=638&c=MII%2B&s=abc-_x&h=9Q"

    reported = scrubber.headers({"Azure-AsyncOperation": f"https://eastus.arm.example{path}?api-version=1{signature}"})
    asked = scrubber.url(f"https://localhost:8443{path}?api-version=1{signature}")

    assert reported == {"azure-asyncoperation": asked}
    assert asked == asked.replace(SUBSCRIPTION.upper(), "")
    assert asked.startswith("https://management.azure.com/Subscriptions/00000000-0000-4000-8000-")
    assert asked.endswith("/operations/1?api-version=1")


def test_of_the_headers_only_those_stay_that_tell_how_to_go_on(scrubber: Scrubber) -> None:
    reported = scrubber.headers(
        {
            "Retry-After": "30",
            "Set-Cookie": "a=b",
            "WWW-Authenticate": TENANT,
            "x-ms-ratelimit-remaining-subscription-reads": "249",
            "x-ms-request-id": f"/Subscriptions/{SUBSCRIPTION}/x",
        }
    )

    assert reported.pop("x-ms-request-id").startswith("/Subscriptions/00000000-")
    assert reported == {"retry-after": "30", "x-ms-ratelimit-remaining-subscription-reads": "249"}


def test_of_a_list_what_lies_in_other_resource_groups_is_left_out(scrubber: Scrubber) -> None:
    sizes = {"name": "Standard_D2s_v5"}

    reported = scrubber.body(
        {"value": [{"id": f"{SANDBOX}/x", "name": "mine"}, {"id": OTHER, "name": "secret-1"}, sizes]}
    )

    assert [each["name"] for each in reported["value"]] == ["mine", "Standard_D2s_v5"]


@pytest.mark.parametrize(
    "body",
    [
        {"properties": {"adminPassword": "P4ssw0rd!"}},
        {"primaryKey": "P4ssw0rd!"},
        {"systemData": {"createdBy": "P4ssw0rd!"}},
        {"uri": "https://st.blob.example/c?sv=2&sig=P4ssw0rd!"},
        {"identity": {"principalId": TENANT, "tenantId": TENANT}},
        [f"asked by {PERSON.upper()} of {TENANT}"],
        {f"/subscriptions/{SUBSCRIPTION}/identities/x": {}},
    ],
)
def test_nothing_that_opens_or_reports_of_anybody_stays(scrubber: Scrubber, body: Any) -> None:
    reported = json.dumps(scrubber.body(body)).lower()

    assert not any(each.lower() in reported for each in ("P4ssw0rd!", TENANT, PERSON, SUBSCRIPTION))


def test_a_name_that_is_a_part_of_other_words_replaces_none_of_these(scrubber: Scrubber) -> None:
    assert scrubber.body({"createdBy": "net", "type": "Microsoft.Network/networkInterfaces"}) == {
        "createdBy": "(removed)",
        "type": "Microsoft.Network/networkInterfaces",
    }


texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([SUBSCRIPTION, PERSON, TENANT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(body=texts, others=st.lists(st.uuids(version=4), max_size=3))
def test_whatever_the_body_no_id_of_a_subscription_stays_and_each_has_one_stand_in(
    body: Any, others: list[uuid.UUID]
) -> None:
    scrubber = Scrubber([SUBSCRIPTION, TENANT, PERSON], [])
    ids = [f"/subscriptions/{each}" for each in (SUBSCRIPTION, *others)]

    first, second = (json.dumps(scrubber.body([body, ids, " ".join(ids).upper()])) for _ in range(2))

    assert first == second
    assert not any(str(each) in first.lower() for each in (SUBSCRIPTION, TENANT, PERSON, *others))
    stand_ins = json.loads(first)[1]
    assert len(set(stand_ins)) == len(set(ids))
    assert json.loads(first)[2].lower() == " ".join(stand_ins)

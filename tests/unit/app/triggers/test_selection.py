"""Which VMs a request is about: exactly one way to say so, within the source scope, each VM once, and not too many."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from tests.unit.app.asking import post, problem_of
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer
from tests.unit.app.triggers.test_body import GOOD
from triggers.selection import LARGEST_BODY, Selected, selected

MOST = 500
BY_GROUP = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "web"}


def vm(name: str, group: str = "web", subscription: str = SUBSCRIPTION) -> ResourceId:
    return ResourceId.of(subscription, group, VIRTUAL_MACHINE, name)


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm({"Env": "prod"}, vm=vm("b"))
    cloud.add_vm({"env": "Prod"}, vm=vm("a"))
    cloud.add_vm({"env": "prod", "owner": "alice"}, vm=vm("c", "other"))
    cloud.add_vm({"env": "prod"}, vm=vm("d", "web", ELSEWHERE))
    return cloud


async def choose(cloud: Cloud, body: Any, most: int = MOST, **app: Any) -> Selected:
    return await selected(FakeAzure(settings(**app), cloud), post("protections", body), most)


async def refused(cloud: Cloud, body: Any, most: int = MOST, **app: Any) -> tuple[int, dict[str, Any]]:
    async def answered() -> Any:
        return await choose(cloud, body, most, **app)

    return await problem_of(answered())


def names(found: Selected) -> str:
    return "".join(each.name for each in found.vms)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (BY_GROUP, "ab"),
        ({**BY_GROUP, "resourceGroup": "WEB"}, "ab"),
        ({**BY_GROUP, "subscriptionId": SUBSCRIPTION.upper()}, "ab"),
        ({"tag": {"name": "ENV", "value": "prod"}}, "cb"),
        ({"tag": {"name": "env", "value": "Prod"}}, "a"),
        ({"tag": {"name": "owner", "value": "alice"}}, "c"),
        ({"virtualMachines": [str(vm("z")), str(vm("y"))]}, "yz"),
    ],
)
async def test_they_are_found_by_id_by_group_or_by_any_tag_in_the_source_scope(
    cloud: Cloud, body: Any, found: str
) -> None:
    assert names(await choose(cloud, body)) == found


async def test_what_is_named_twice_counts_once(cloud: Cloud) -> None:
    twice = [str(vm("a")), str(vm("a")).upper().replace("RESOURCEGROUPS", "resourceGroups"), f"{vm('a')}/"]

    assert len((await choose(cloud, {"virtualMachines": twice}, most=1)).vms) == 1


async def test_a_scope_of_groups_bounds_what_a_tag_finds(cloud: Cloud) -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"

    found = await choose(cloud, {"tag": {"name": "env", "value": "prod"}}, source_scope=scope)

    assert names(found) == "c"


async def test_what_is_asked_for_beside_is_read_as_a_put_would_read_it(cloud: Cloud) -> None:
    tags = {f"dr-{name}": value for name, value in GOOD.items()}

    found = await choose(cloud, {**BY_GROUP, "protection": tags}, profiles='{"gold": {}}')
    nothing = await choose(cloud, {**BY_GROUP, "protection": {}})

    assert (found.tags, nothing.tags) == (tags, {})


class Wrong(NamedTuple):
    body: Any
    field: str
    given: str
    allowed: str


ONE_WAY = "exactly one of virtualMachines, subscriptionId with resourceGroup, tag"


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong({}, "body", "none of them", ONE_WAY),
        Wrong([], "body", "an array", "an object"),
        Wrong("all", "body", "all", "an object"),
        Wrong({"all": True}, "body", "all", ONE_WAY),
        Wrong({**BY_GROUP, "tag": {"name": "a", "value": "b"}}, "body", "subscriptionId, resourceGroup, tag", ONE_WAY),
        Wrong({"resourceGroup": "web"}, "subscriptionId", "nothing", "it is required"),
        Wrong({**BY_GROUP, "subscriptionId": "prod"}, "subscriptionId", "prod", "the GUID of a subscription"),
        Wrong({**BY_GROUP, "resourceGroup": "a/b"}, "resourceGroup", "a/b", "the name of a resource group"),
        Wrong({**BY_GROUP, "resourceGroup": "web."}, "resourceGroup", "web.", "the name of a resource group"),
        Wrong({**BY_GROUP, "resourceGroup": 7}, "resourceGroup", "7", "a string"),
        Wrong({**BY_GROUP, "subscriptionId": ELSEWHERE}, "resourceGroup", "/subscriptions/2222", "DR_SOURCE_SCOPE"),
        Wrong({**BY_GROUP, "region": "eastus"}, "region", "eastus", "subscriptionId, resourceGroup, protection"),
        Wrong({"virtualMachines": []}, "virtualMachines", "an array", "at least one"),
        Wrong({"virtualMachines": "web-1"}, "virtualMachines", "web-1", "an array"),
        Wrong({"virtualMachines": ["web-1"]}, "virtualMachines.0", "web-1", "the ID of a VM"),
        Wrong({"virtualMachines": [str(vm("a")), None]}, "virtualMachines.1", "null", "a string"),
        Wrong({"virtualMachines": [f"{vm('a')}/extensions/x"]}, "virtualMachines.0", "/sub", "the ID of a VM"),
        Wrong({"virtualMachines": [f"{vm('a').group_id}"]}, "virtualMachines.0", "/sub", "the ID of a VM"),
        Wrong({"virtualMachines": [f"{vm('a')}/../b"]}, "virtualMachines.0", "/sub", "the ID of a VM"),
        Wrong({"virtualMachines": [str(vm("a", "web", ELSEWHERE))]}, "virtualMachines.0", "/sub", "DR_SOURCE_SCOPE"),
        Wrong({"tag": "env=prod"}, "tag", "env=prod", "an object"),
        Wrong({"tag": {"name": "env"}}, "tag.value", "nothing", "it is required"),
        Wrong({"tag": {"name": "", "value": "x"}}, "tag.name", "", "a string"),
        Wrong({"tag": {"name": "a", "value": "b", "c": 1}}, "tag.c", "1", "name, value"),
        Wrong({**BY_GROUP, "protection": None}, "protection", "null", "an object"),
        Wrong({**BY_GROUP, "protection": {"dr-target-zone": "9"}}, "protection.dr-target-zone", "9", "1, 2, 3"),
        Wrong({**BY_GROUP, "protection": {"dr": "true"}}, "protection.dr", "true", "dr-profile"),
    ],
)
async def test_what_cannot_be_taken_is_reported_and_nothing_is_read(cloud: Cloud, wrong: Wrong) -> None:
    status, problem = await refused(cloud, wrong.body)

    (error,) = problem["errors"]
    assert (status, problem["code"], error["field"]) == (422, "InvalidBody", wrong.field)
    assert error["given"].startswith(wrong.given)
    assert wrong.allowed in error["allowed"]
    assert cloud.reads == []


async def test_everything_that_is_wrong_is_reported_at_once(cloud: Cloud) -> None:
    body = {"virtualMachines": ["x", str(vm("a")), "y"], "protection": {"dr-churn": "low"}}

    _, problem = await refused(cloud, body)

    assert [error["field"] for error in problem["errors"]] == [
        "virtualMachines.0",
        "virtualMachines.2",
        "protection.dr-churn",
    ]


async def test_what_is_missing_is_told_apart_from_what_is_wrong(cloud: Cloud) -> None:
    _, problem = await refused(cloud, {"tag": {"name": "env", "x": 1}})
    _, other = await refused(cloud, {"tag": {"name": "env"}})

    assert problem["detail"] == "The body lacks tag.value. The body has members or values that are not allowed: tag.x."
    assert other["detail"] == "The body lacks tag.value."


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["virtualMachines", "subscriptionId", "resourceGroup", "tag", "name", "value", "protection", "x"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
async def test_whatever_is_sent_is_a_problem_that_names_a_field(body: Any) -> None:
    status, problem = await refused(Cloud(), body)

    assert status in {404, 422}
    assert status == 404 or all(error["allowed"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ({"subscriptionId": SUBSCRIPTION, "resourceGroup": "unknown"}, "resource group unknown"),
        ({"tag": {"name": "env", "value": "test"}}, "tagged env=test"),
    ],
)
async def test_where_there_is_none_it_is_said(cloud: Cloud, body: Any, reported: str) -> None:
    status, problem = await refused(cloud, body)

    assert (status, problem["code"]) == (404, "NoVmFound")
    assert reported in problem["detail"]


@pytest.mark.parametrize("body", [{"virtualMachines": [str(vm(f"vm-{number}")) for number in range(7)]}, BY_GROUP])
async def test_more_than_is_allowed_is_refused_with_the_numbers(cloud: Cloud, body: Any) -> None:
    count = len(body.get("virtualMachines", "ab"))

    status, problem = await refused(cloud, body, most=count - 1)

    assert (status, problem["code"]) == (422, "TooManyVms")
    assert f"{count} VMs" in problem["detail"]
    assert f"at most {count - 1}" in problem["detail"]


async def test_the_ids_of_as_many_as_are_allowed_fit_into_a_body_however_long_they_are(cloud: Cloud) -> None:
    ids = [str(vm(f"{number:064}", "g" * 90)) for number in range(MOST)]

    assert len((await choose(cloud, {"virtualMachines": ids})).vms) == MOST


async def test_a_body_that_is_too_large_is_refused(cloud: Cloud) -> None:
    status, problem = await refused(cloud, b'{"virtualMachines": ["' + b"x" * LARGEST_BODY + b'"]}')

    assert (status, problem["code"]) == (413, "BodyTooLarge")


@pytest.mark.parametrize(("fault", "status"), [(answer(403, "No"), 502), (answer(429, "TooManyRequests"), 503)])
async def test_what_azure_does_not_tell_is_a_problem(cloud: Cloud, fault: Exception, status: int) -> None:
    cloud.faults["graph"] = fault

    assert (await refused(cloud, BY_GROUP))[0] == status


async def test_what_has_no_proper_id_is_passed_over(cloud: Cloud) -> None:
    cloud.add_vm(vm=vm("odd"))
    cloud.resources[vm("odd").key]["id"] = "/subscriptions/x/odd"

    assert names(await choose(cloud, BY_GROUP)) == "ab"


async def test_a_part_of_the_vms_is_not_taken_for_all_of_them(cloud: Cloud) -> None:
    cloud.untold = 1

    status, problem = await refused(cloud, BY_GROUP)

    assert (status, problem["code"]) == (502, "ListTruncated")

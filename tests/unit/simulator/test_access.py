"""Which action a request takes and where, what a role allows, and what an assignment covers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.access.actions import Right, required
from local.simulator.access.control import Access
from local.simulator.access.roles import Role

SUBSCRIPTION = "/subscriptions/11111111-1111-4111-8111-111111111111"
GROUP = f"{SUBSCRIPTION}/resourceGroups/app"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web-1"
VAULT = f"{GROUP}/providers/Microsoft.RecoveryServices/vaults/dr"
ITEM = f"{VAULT}/replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/i"
GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
ITEMS = "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/cache"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", VM, "Microsoft.Compute/virtualMachines/read", VM),
        ("HEAD", VM, "Microsoft.Compute/virtualMachines/read", VM),
        ("PUT", VM, "Microsoft.Compute/virtualMachines/write", VM),
        ("PATCH", f"{VM}/", "Microsoft.Compute/virtualMachines/write", VM),
        ("DELETE", VM, "Microsoft.Compute/virtualMachines/delete", VM),
        ("POST", f"{VM}/start", "Microsoft.Compute/virtualMachines/start/action", VM),
        ("GET", f"{VM}/instanceView", "Microsoft.Compute/virtualMachines/instanceView/read", f"{VM}/instanceView"),
        ("PUT", f"{VM}/extensions/x", "Microsoft.Compute/virtualMachines/extensions/write", f"{VM}/extensions/x"),
        (
            "PATCH",
            f"{VM}/providers/Microsoft.Resources/tags/default",
            "Microsoft.Resources/tags/write",
            f"{VM}/providers/Microsoft.Resources/tags/default",
        ),
        (
            "GET",
            f"{VM}/providers/Microsoft.RecoveryServices/replicationEligibilityResults/default",
            "Microsoft.RecoveryServices/replicationEligibilityResults/read",
            f"{VM}/providers/Microsoft.RecoveryServices/replicationEligibilityResults/default",
        ),
        ("PUT", ITEM, f"{ITEMS}/write", ITEM),
        ("DELETE", ITEM, f"{ITEMS}/delete", ITEM),
        ("POST", f"{ITEM}/remove", f"{ITEMS}/remove/action", ITEM),
        ("POST", f"{ITEM}/addDisks", f"{ITEMS}/addDisks/action", ITEM),
        ("GET", f"{ITEM}/recoveryPoints", f"{ITEMS}/recoveryPoints/read", f"{ITEM}/recoveryPoints"),
        ("GET", f"{ITEM}/operationresults/1", f"{ITEMS}/operationresults/read", f"{ITEM}/operationresults/1"),
        ("GET", f"{VAULT}/replicationJobs", "Microsoft.RecoveryServices/vaults/replicationJobs/read", None),
        ("GET", f"{VAULT}/replicationOperationStatus/1", None, f"{VAULT}/replicationOperationStatus/1"),
        ("POST", f"{ACCOUNT}/listKeys", "Microsoft.Storage/storageAccounts/listKeys/action", ACCOUNT),
        ("GET", f"{ACCOUNT}/blobServices/default", "Microsoft.Storage/storageAccounts/blobServices/read", None),
        (
            "GET",
            f"{ACCOUNT}/blobServices/default/containers",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            None,
        ),
        ("GET", f"{NETWORK}/subnets/web", "Microsoft.Network/virtualNetworks/subnets/read", f"{NETWORK}/subnets/web"),
        (
            "GET",
            f"{NETWORK}/CheckIPAddressAvailability",
            "Microsoft.Network/virtualNetworks/CheckIPAddressAvailability/read",
            None,
        ),
        (
            "GET",
            f"{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines",
            "Microsoft.Compute/virtualMachines/read",
            None,
        ),
        ("GET", f"{SUBSCRIPTION}/providers/Microsoft.Compute/skus", "Microsoft.Compute/skus/read", None),
        (
            "GET",
            f"{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westus2/usages",
            "Microsoft.Compute/locations/usages/read",
            None,
        ),
        (
            "GET",
            f"{SUBSCRIPTION}/providers/Microsoft.Network/locations/westus2/operations/1",
            "Microsoft.Network/locations/operations/read",
            None,
        ),
        ("GET", f"{SUBSCRIPTION}/providers/Microsoft.Authorization/locks", "Microsoft.Authorization/locks/read", None),
        ("GET", f"{SUBSCRIPTION}/providers/Microsoft.Resources/links", "Microsoft.Resources/links/read", None),
        ("GET", SUBSCRIPTION, "Microsoft.Resources/subscriptions/read", SUBSCRIPTION),
        ("GET", f"{SUBSCRIPTION}/locations", "Microsoft.Resources/subscriptions/locations/read", SUBSCRIPTION),
        ("GET", f"{SUBSCRIPTION}/resources", "Microsoft.Resources/subscriptions/resources/read", SUBSCRIPTION),
        ("GET", f"{SUBSCRIPTION}/resourceGroups", f"{GROUPS}/read", SUBSCRIPTION),
        ("GET", GROUP, f"{GROUPS}/read", GROUP),
        ("PUT", GROUP, f"{GROUPS}/write", GROUP),
        ("DELETE", GROUP, f"{GROUPS}/delete", GROUP),
        ("GET", f"{GROUP}/resources", f"{GROUPS}/resources/read", GROUP),
        (
            "GET",
            f"{SUBSCRIPTION}/providers/Microsoft.Compute",
            "Microsoft.Resources/subscriptions/providers/read",
            f"{SUBSCRIPTION}/providers/Microsoft.Compute",
        ),
        ("POST", f"{SUBSCRIPTION}/providers/Microsoft.Compute/register", "Microsoft.Compute/register/action", None),
    ],
)
def test_a_request_takes_an_action(method: str, path: str, action: str | None, scope: str | None) -> None:
    """Where a column is None, it follows from what the others show."""
    found = required(method, path)

    assert found
    assert action in (None, found.action)
    assert scope in (None, found.scope)
    assert f"{path}/".startswith(f"{found.scope}/")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/subscriptions"), ("GET", "/tenants"), ("POST", "/providers/Microsoft.ResourceGraph/resources")],
)
def test_what_shows_to_each_what_he_may_see_takes_none(method: str, path: str) -> None:
    assert required(method, path) is None


@pytest.mark.parametrize(
    ("pattern", "action", "allowed"),
    [
        ("Microsoft.Compute/virtualMachines/read", "microsoft.compute/VIRTUALMACHINES/read", True),
        ("Microsoft.Compute/virtualMachines/read", "Microsoft.Compute/virtualMachines/write", False),
        ("Microsoft.Compute/virtualMachines/read", "Microsoft.Compute/virtualMachines/read/action", False),
        ("Microsoft.Compute/virtualMachines/read", "MicrosoftxCompute/virtualMachines/read", False),
        ("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachines/extensions/write", True),
        ("Microsoft.RecoveryServices/*/read", "Microsoft.RecoveryServices/vaults/replicationJobs/read", True),
        ("Microsoft.RecoveryServices/*/read", "Microsoft.RecoveryServices/vaults/replicationJobs/write", False),
        ("*/read", "Microsoft.Compute/disks/read", True),
        ("*/read", "Microsoft.Storage/storageAccounts/listKeys/action", False),
        ("*", "Microsoft.Storage/storageAccounts/listKeys/action", True),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_does(pattern: str, action: str, *, allowed: bool) -> None:
    assert Role("r", (pattern,)).allows(action) is allowed


def access(scope: str = SUBSCRIPTION, *actions: str) -> dict[str, Any]:
    return {
        "roles": {"some": {"name": "Some", "actions": list(actions) or ["*"]}},
        "assignments": [{"principal": "p", "role": "some", "scope": scope}],
    }


NAMES = st.text("aB-.", min_size=1, max_size=4).filter(lambda name: name.strip("."))


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4), st.lists(st.tuples(NAMES, NAMES), max_size=4))
def test_an_assignment_covers_its_scope_and_what_is_in_it(
    at: list[tuple[str, str]], asked: list[tuple[str, str]]
) -> None:
    def scope(pairs: list[tuple[str, str]]) -> str:
        return "".join(f"/{kind}/{name}" for kind, name in pairs)

    control = Access()
    control.load(access(scope(at)))
    inside = [(kind.lower(), name.lower()) for kind, name in asked[: len(at)]]

    for below in (scope(at), scope(at + asked), scope(at).upper()):
        assert control.may("p", Right("any/thing/read", below))
    expected = inside == [(kind.lower(), name.lower()) for kind, name in at]
    assert control.may("p", Right("any/thing/read", scope(asked))) is expected
    assert control.may("somebody else", Right("any/thing/read", scope(asked)))


def test_several_assignments_add_up_and_none_reaches_beyond_its_own_scope() -> None:
    given = access(GROUP, "Microsoft.Compute/virtualMachines/read")
    given["roles"]["keys"] = {"actions": {"Microsoft.Storage/storageAccounts/listKeys/action": "the reason"}}
    given["assignments"].append({"principal": "p", "role": "keys", "scope": ACCOUNT})
    control = Access()
    control.load(given)

    assert control.may("p", Right("Microsoft.Compute/virtualMachines/read", VM))
    assert control.may("p", Right("Microsoft.Storage/storageAccounts/listKeys/action", ACCOUNT))
    assert not control.may("p", Right("Microsoft.Compute/virtualMachines/read", f"{GROUP}-2/x/y"))
    assert not control.may("p", Right("Microsoft.Compute/virtualMachines/read", SUBSCRIPTION))
    assert not control.may("p", Right("Microsoft.Storage/storageAccounts/listKeys/action", f"{ACCOUNT}2"))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ([], "access must be an object"),
        ({"roles": {}}, "access has roles, assignments, and nothing else"),
        ({**access(), "more": 1}, "access has roles, assignments, and nothing else"),
        ({**access(), "roles": []}, "roles must be an object"),
        ({**access(), "roles": {"some": {"actions": "*"}}}, "actions must be a list"),
        ({**access(), "roles": {"some": {"actions": [1]}}}, "actions must be a list"),
        ({**access(), "roles": {"some": {"actions": ["read"]}}}, "'read' is no action"),
        ({**access(), "roles": {"some": {"actions": ["*"], "notActions": ["a/b"]}}}, "notActions are not served"),
        ({**access(), "assignments": {}}, "assignments must be a list"),
        ({**access(), "assignments": [{"principal": "p", "role": "some"}]}, "an assignment has principal, role, scope"),
        (
            {**access(), "assignments": [{"principal": "p", "role": "other", "scope": "/"}]},
            "there is no role 'other'; there are some",
        ),
        ({**access(), "assignments": [{"principal": "", "role": "some", "scope": "/"}]}, "principal must be a text"),
        (access("subscriptions/s"), "'subscriptions/s' is no scope"),
        (access("/subscriptions"), "'/subscriptions' is no scope"),
    ],
)
def test_access_that_is_wrong_is_refused_and_changes_nothing(raw: Any, why: str) -> None:
    control = Access()
    control.load(access())
    before = control.body()

    with pytest.raises(ValueError, match=why.replace("(", "\\(")):
        control.load(raw)

    assert control.body() == before

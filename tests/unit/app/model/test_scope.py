"""Scopes: what lies in one, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from shared.model.resource_id import ResourceId, vm_id
from shared.model.scope import ManagementGroup, Scope
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, VM_ID

subscriptions = st.sampled_from([SUBSCRIPTION, ELSEWHERE])
groups = st.sampled_from(["web", "web-2", "we", "WEB", "db"])
members = st.lists(
    st.builds(lambda subscription: ResourceId(f"/subscriptions/{subscription}"), subscriptions)
    | st.builds(ResourceId.of, subscriptions, groups),
    max_size=4,
)


@given(members, subscriptions, groups)
def test_a_vm_lies_in_a_scope_that_names_its_subscription_or_its_group(
    of: list[ResourceId], subscription: str, group: str
) -> None:
    named = any(
        member.subscription == subscription and (member.resource_group.lower() in {"", group.lower()}) for member in of
    )

    assert (vm_id(subscription, group, "web-1") in Scope(of)) is named
    assert (ResourceId.of(subscription, group) in Scope(of)) is named


def test_a_group_that_begins_like_a_member_is_another_group() -> None:
    scope = Scope([ResourceId.of(SUBSCRIPTION, "we")])

    assert VM_ID not in scope


def test_a_subscription_is_not_in_the_scope_of_one_of_its_groups() -> None:
    assert ResourceId(f"/subscriptions/{SUBSCRIPTION}") not in Scope([VM_ID.group_id])


def test_casing_does_not_matter() -> None:
    assert ResourceId(str(VM_ID).upper()) in Scope([VM_ID.group_id])


def test_a_scope_reads_as_its_members() -> None:
    one, other = VM_ID.group_id, ResourceId(f"/subscriptions/{ELSEWHERE}")

    assert str(Scope([one, other])) == f"{one}, {other}"


GROUP = "/providers/Microsoft.Management/managementGroups/corp"


def test_a_management_group_has_no_subscription_until_it_is_resolved() -> None:
    other = vm_id(SUBSCRIPTION, "other", "web-1")
    scope = Scope([ManagementGroup(GROUP), VM_ID.group_id])
    everywhere = scope.resolved({"corp": (ResourceId(f"/subscriptions/{VM_ID.subscription}"),)})

    assert (scope.is_resolved, everywhere.is_resolved) == (False, True)
    assert (VM_ID in scope, other in scope, other in everywhere) == (True, False, True)
    assert everywhere.empty_groups == ()
    assert [group.name for group in scope.resolved({}).empty_groups] == ["corp"]
    assert str(everywhere) == f"{GROUP}, {VM_ID.group_id}"

"""Which policy may be edited for a profile that was changed, and what is said of it before."""

import pytest

from shared.config.profiles import Profile
from shared.model.names import DEFAULT_NAMES
from shared.model.policy import Policy
from shared.planning.policy_update import edit_of
from tests.unit.app.examples import VAULT_ID


def policy(retention: int, app_consistent: int, profile: str = "default") -> Policy:
    asked = Profile(recovery_point_retention_hours=retention, app_consistent_frequency_hours=app_consistent)
    return asked.policy_for(profile)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (DEFAULT_NAMES.policy_of(24, 4), True),
        (DEFAULT_NAMES.policy_of(360, 0), True),
        (DEFAULT_NAMES.policy_of(24, 4).upper(), True),  # Site Recovery echoes IDs in whatever case
        ("24-hour-retention-policy", False),
        ("24-hour-retention-0-hour-app-consistent-policy", False),
        ("024-hour-retention-4-hour-app-consistent-policy", False),
        ("24-hour-retention-4-hour-app-consistent-policy-2", True),
        ("my-24-hour-retention-4-hour-app-consistent-policy", False),
        ("²4-hour-retention-4-hour-app-consistent-policy", False),
    ],
)
def test_a_policy_is_ours_by_a_name_that_the_app_could_have_given(name: str, ours: bool) -> None:
    wanted = policy(48, 4)

    edit = edit_of(VAULT_ID.child("replicationPolicies", name), (24 * 60, 240), "default", wanted, 3, [wanted])

    assert (edit is not None) is ours


@pytest.mark.parametrize(
    ("made_for", "asks", "edited"),
    [
        ("default", "default", True),
        ("gold", "gold", True),
        ("default", "gold", False),
        ("gold", "default", False),
        ("gold", "golden", False),
    ],
)
@pytest.mark.parametrize("number", ["", "-3"])
def test_a_policy_is_edited_for_the_profile_alone_that_it_was_made_for(
    made_for: str, asks: str, edited: bool, number: str
) -> None:
    """Any client that gives one VM another profile does not change all the others' policy."""
    wanted = policy(72, 1, asks)
    # Behind a profile's name a number is the profile's own.
    name = DEFAULT_NAMES.policy_of(24, 4, made_for) + (number if made_for == "default" else "")

    edit = edit_of(VAULT_ID.child("replicationPolicies", name), (24 * 60, 240), asks, wanted, 500, [wanted])

    assert (edit is not None) is edited


@pytest.mark.parametrize(("asks", "edited"), [("gold-2", True), ("gold", False)])
def test_a_profile_may_end_in_a_number(asks: str, edited: bool) -> None:
    wanted = policy(72, 1, asks)
    name = DEFAULT_NAMES.policy_of(24, 4, "gold-2")

    edit = edit_of(VAULT_ID.child("replicationPolicies", name), (24 * 60, 240), asks, wanted, 500, [wanted])

    assert (edit is not None) is edited


def test_a_policy_that_has_the_values_is_not_edited() -> None:
    wanted = policy(48, 4)

    assert (
        edit_of(
            VAULT_ID.child("replicationPolicies", DEFAULT_NAMES.policy_of(24, 4)),
            (48 * 60, 240),
            "default",
            wanted,
            3,
            [wanted],
        )
        is None
    )


def test_a_policy_whose_values_another_profile_asks_for_is_not_edited() -> None:
    """A VM whose owner chose another profile does not take the others' policy with it."""
    old, wanted = policy(24, 4), policy(48, 4)

    assert (
        edit_of(VAULT_ID.child("replicationPolicies", old.name), (24 * 60, 240), "default", wanted, 3, [old, wanted])
        is None
    )


def test_a_policy_that_was_edited_before_is_ours_still_though_its_name_reports_other_values() -> None:
    wanted = policy(72, 0)

    edit = edit_of(
        VAULT_ID.child("replicationPolicies", DEFAULT_NAMES.policy_of(24, 4)),
        (48 * 60, 240),
        "default",
        wanted,
        3,
        [wanted],
    )

    assert edit is not None
    assert edit.preview.detail == (
        "retention 48 h → 72 h, app-consistent points every 4 h → off: for all 3 item(s) under it, "
        "by PUT with confirm=true"
    )
    assert edit.preview.name == str(edit.policy_id)


def test_only_what_changes_is_reported() -> None:
    wanted = policy(24, 8)

    edit = edit_of(
        VAULT_ID.child("replicationPolicies", DEFAULT_NAMES.policy_of(24, 4)),
        (24 * 60, 240),
        "default",
        wanted,
        1,
        [wanted],
    )

    assert edit is not None
    assert edit.preview.detail.startswith("app-consistent points every 4 h → 8 h: for all 1 item(s)")

"""One decision: the run of a VM, which reads that VM, and the sweep, which reads lists, decide alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from hypothesis import given
from hypothesis import strategies as st

from shared.config.settings import Intent, Mode, Settings
from shared.model.decision import Action, Decision, State
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.observe.vm import observe
from shared.reconcile.compliance import assess
from shared.reconcile.decide import Facts, decide, needs_protection
from shared.reconcile.inventory import Inventory, VmStatus
from shared.site_recovery.parsing import item_of
from tests.unit.app.examples import DEPLOYMENT, SUBSCRIPTION, VM_ID, settings, source_vm
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ORIGINAL = ResourceId.of(SUBSCRIPTION, "elsewhere", VIRTUAL_MACHINE, "original")
CLEANUP = settings(mode=Mode.CLEANUP)
STATES = (
    "Protected",
    "InitialReplicationInProgress",
    "EnablingProtection",
    "EnablingFailed",
    "DisablingProtection",
    "UnplannedFailoverCommitted",
    "SomethingNew",
)

tags = st.builds(
    lambda intent, held: intent | held,
    st.sampled_from([{}, {"dr": "true"}, {"DR": "True"}, {"dr": "false"}, {"dr": "off"}, {"dr": "ture"}, {"dr": ""}]),
    st.sampled_from(
        [
            {},
            {},
            *({"dr-hold": value} for value in ("since Monday", "until=2020-01-01", "until=2999-01-01; x", "until=?")),
        ]
    ),
)
items = st.none() | st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "name": st.sampled_from([our_item_name(), "made-in-the-portal"]),
        "lastRpoCalculatedTime": st.sampled_from([None, "2026-05-01T10:00:00Z"]),
    }
)


def sweep(vm_tags: dict[str, str] | None, bodies: list[dict[str, Any]], app: Settings, *, unread: bool) -> VmStatus:
    """The status of the VM (None: it does not exist) in a sweep that reads these items."""
    found = tuple(item for item in (item_of(body, DEPLOYMENT) for body in bodies) if item)
    estate = Inventory(
        vms=() if vm_tags is None else (source_vm(tags=vm_tags),),
        items=found,
        read_at=datetime.now(UTC),
        elsewhere={},
        policies={},
        groups={},
        regions={},
        items_unread=unread,
        absent=frozenset({VM_ID}) if vm_tags is None else frozenset(),
    )
    return next(each for each in assess(estate, app) if each.vm_id == VM_ID)


@given(
    vm_tags=st.none() | tags,
    item=items,
    is_copy=st.booleans(),
    unread=st.booleans(),
    confirmed=st.booleans(),
    mode=st.sampled_from(Mode),
)
async def test_run_and_sweep_decide_alike(
    vm_tags: dict[str, str] | None,
    item: dict[str, Any] | None,
    is_copy: bool,
    unread: bool,
    confirmed: bool,
    mode: Mode,
) -> None:
    """A confirmation permits the run of a VM what the mode `cleanup` does, without the grace."""
    cloud = Cloud()
    if vm_tags is not None:
        cloud.add_vm(tags=vm_tags)
    bodies = [item_body(**item)] if item else []
    if is_copy:
        marked = item_body("Protected", "of-the-original", fabricObjectId=str(ORIGINAL))
        marked["properties"]["providerSpecificDetails"]["recoveryFabricObjectId"] = str(VM_ID)
        bodies.append(marked)
    cloud.vault["replication_protected_items"] += bodies
    if unread:
        cloud.faults["replication_protected_items"] = answer(403, "AuthorizationFailed")
    app = settings(mode=Mode.CLEANUP if confirmed else mode)

    try:
        run = await observe(FakeAzure(settings(mode=mode), cloud), VM_ID, confirmed=confirmed)
    except HttpResponseError:
        assert unread, "only an answer of the vault can be missing"
        return
    if vm_tags is None and (item is None or unread):
        assert run.decision.action is Action.NONE
        return
    if confirmed and run.decision.state is State.UNKNOWN:
        assert unread, "only a caller confirms: to a sweep the VM is not tagged"
        return
    status = sweep(vm_tags, [] if unread else bodies, app, unread=unread)

    facts = Facts(VM_ID, run.vm, datetime.now(UTC), intent=app.intent_of(vm_tags or {}), confirmed=confirmed)
    _assert_alike(run.decision, status, item_was_read=needs_protection(facts, settings(mode=mode)))
    assert run.decision.grace_seconds == 0 or not confirmed


def _assert_alike(decision: Decision, status: VmStatus, *, item_was_read: bool) -> None:
    if item_was_read:
        assert decision.state is status.state
        assert {each.code for each in decision.findings} <= {each.code for each in status.findings}
        severities = {each.code: each.severity for each in status.findings}
        assert all(each.severity is severities[each.code] for each in decision.findings)
    else:
        # An untagged VM that may not be disabled costs the run one read.
        assert decision.state in {State.NOT_TAGGED, State.NOT_ELIGIBLE, State.SOURCE_GONE}
        assert status.action is Action.NONE
    # The sweep starts no run for what is in progress, nor for an item without a difference.
    may_be_none = {Action.FOLLOW, Action.CHANGE}
    assert status.action is decision.action or (status.action is Action.NONE and decision.action in may_be_none)


def test_what_is_not_known_to_protect_a_vm_is_not_absent_for_a_confirmed_disable_either() -> None:
    vm = source_vm(tags={"dr": "false"})
    facts = Facts(VM_ID, vm, NOW, intent=Intent.NO, item_unread="The row x could not be read.")

    asked, confirmed = decide(facts, settings()), decide(facts._replace(confirmed=True), settings())

    assert (asked.state, asked.action) == (State.NOT_TAGGED, Action.NONE)
    assert "is not known" in asked.findings[0].message
    assert (confirmed.state, confirmed.rejects) == (State.UNKNOWN, True)
    assert [finding.code for finding in confirmed.findings] == ["ProtectionNotRead"]


@pytest.mark.parametrize(
    ("value", "state", "action", "codes", "text"),
    [
        ("migration", State.NOT_ELIGIBLE, Action.NONE, ["OnHold"], "without an end (migration)"),
        (
            "until=2026-05-01T12:01Z; move",
            State.NOT_ELIGIBLE,
            Action.NONE,
            ["OnHold"],
            "until 2026-05-01 12:01 UTC (move)",
        ),
        ("until=2026-05-01", State.NOT_ELIGIBLE, Action.NONE, ["OnHold"], "until 2026-05-01 23:59 UTC"),
        (
            "until=2026-05-01T12:00Z; move",
            State.UNPROTECTED,
            Action.ENABLE,
            ["HoldExpired"],
            "2026-05-01 12:00 UTC (move)",
        ),
        ("until=1 June; move", State.NOT_ELIGIBLE, Action.NONE, ["OnHold", "HoldDateInvalid"], "without an end (move)"),
        ("false", State.UNPROTECTED, Action.ENABLE, [], ""),
    ],
)
def test_a_hold_holds_until_its_time_as_observed_and_without_one_for_good(
    value: str, state: State, action: Action, codes: list[str], text: str
) -> None:
    facts = Facts(VM_ID, source_vm(tags={"dr": "true", "dr-hold": value}), NOW, intent=Intent.YES)

    decision = decide(facts, settings())

    assert (decision.state, decision.action, decision.held) == (state, action, action is Action.NONE)
    assert [finding.code for finding in decision.findings] == codes
    assert text in "".join(finding.message for finding in decision.findings[:1])
    if "HoldDateInvalid" in codes:
        assert "until=1 June, which is no time. Allowed: a date" in decision.findings[1].message


def test_a_hold_that_has_expired_has_no_effect_on_what_a_run_reads() -> None:
    untagged = Facts(VM_ID, source_vm(tags={"dr-hold": "until=2026-05-01T12:00Z"}), NOW)

    assert needs_protection(untagged, CLEANUP)
    assert not needs_protection(untagged._replace(observed_at=NOW - timedelta(seconds=1)), CLEANUP)


def test_the_old_item_of_a_moved_vm_is_disabled_by_a_confirmation_alone() -> None:
    item = item_of(item_body("Protected", our_item_name()), DEPLOYMENT)
    facts = Facts(VM_ID, None, NOW, item, moved_to=ORIGINAL)

    alone, confirmed = decide(facts, CLEANUP), decide(facts._replace(confirmed=True), settings())

    assert (alone.action, confirmed.action, confirmed.grace_seconds) == (Action.NONE, Action.DISABLE, 0)
    assert [finding.code for finding in alone.findings] == ["SourceMoved"]

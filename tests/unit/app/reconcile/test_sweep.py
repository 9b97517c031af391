"""A sweep, window by window: no one is forgotten or come to twice, and no bound is ever exceeded."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.decision import Action, State
from shared.model.naming import instance_id
from shared.model.resource_id import ResourceId
from shared.planning.catalog import finding_of
from shared.reconcile import sweep_window
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reconcile.run_state import Phase, RunOutcome, RunResult
from shared.reconcile.sweep import Summary, Sweep, SweepReport, held_until, limit_findings
from shared.reconcile.sweep_window import (
    PER_VAULT,
    Work,
    next_window,
    occupies_slot,
    region_pair_of,
    vault_of,
    waits,
)
from tests.findings import note, warning
from tests.properties import examples
from tests.unit.app.examples import CONTAINER, SUBSCRIPTION, VAULT_ID, VM_ID, settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VAULTS = (VAULT_ID, ResourceId.of(SUBSCRIPTION, "dr", VAULT_ID.type, "vault-2"))
ITEM = CONTAINER.child("replicationProtectedItems", "i")
LOTS = 10_000


def vm_status(number: int, action: Action = Action.ENABLE, **changes: Any) -> VmStatus:
    """An enable is of a VM that has no item, the others of one that has."""
    known = {
        "vm_id": ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"web-{number:03}"),
        "state": State.UNPROTECTED if action is Action.ENABLE else State.PROTECTED,
        "action": action,
        "location": "eastus",
        "vault": VAULT_ID,
        "item_id": None if action is Action.ENABLE else ITEM,
        "fingerprint": "so",
    }
    return VmStatus(**{**known, **changes})


def compliance_report(*vm_statuses: VmStatus, gaps: tuple[str, ...] = ()) -> ComplianceReport:
    return ComplianceReport(
        vm_statuses=tuple(sorted(vm_statuses, key=lambda each: each.vm_id.key)), read_at=NOW, gaps=gaps
    )


def work(of: VmStatus, *, requested: bool = False) -> Work:
    return Work(instance=instance_id(of.vm_id), pair=region_pair_of(of), action=of.action, requested=requested)


def window(
    of: ComplianceReport, under_way: tuple[Work, ...] = (), enables: int = LOTS, disables: int = LOTS
) -> sweep_window.Window:
    return next_window(of, {}, under_way, enables, disables)


def names(vm_statuses: list[VmStatus]) -> list[str]:
    return [each.vm_id.name for each in vm_statuses]


READY = vm_status(999, Action.NONE, item_id=ITEM, made_by_app=True)


# The state that it carries


def test_the_state_that_durable_functions_keep_does_not_grow_with_the_estate() -> None:
    sizes = [len(json.dumps(state_of(count).dump())) for count in (1_000, 5_000)]

    assert sizes[1] <= sizes[0] + 2 * PER_VAULT, "the numbers in the names have a digit more"
    assert sizes[1] < 500 * PER_VAULT


def state_of(count: int) -> Sweep:
    """After a window in which every VM of the estate waits, one vault protects all, and two regions have as many."""
    vms = [vm_status(number, location=("eastus", "northeurope")[number % 2]) for number in range(count)]
    ready = [READY.with_(location=location) for location in ("eastus", "northeurope")]
    found = window(compliance_report(*vms, *ready))
    assert len(found.chosen) == PER_VAULT
    report = SweepReport(read_at=NOW, summary=Summary.of(vms))
    return Sweep(poll_seconds=30, report=report, after=found.after, under_way=tuple(map(work, found.chosen)))


# One window


def test_those_that_need_something_come_in_order() -> None:
    found = window(compliance_report(vm_status(2), vm_status(1), vm_status(3, Action.NONE), READY))

    assert names(found.chosen) == ["web-001", "web-002"]


def test_in_a_pair_where_nothing_is_protected_one_goes_first() -> None:
    vms = [vm_status(number) for number in range(3)]
    elsewhere = vm_status(5, location="northeurope")
    whole = compliance_report(*vms, elsewhere)

    first = next_window(whole, {}, (), LOTS, LOTS)
    assert names(first.chosen) == ["web-000", "web-005"]

    leading = (work(vms[0]), work(elsewhere))
    assert next_window(whole, first.after, leading, LOTS, LOTS).chosen == []

    asked = (work(vms[0], requested=True), work(elsewhere))
    assert names(next_window(whole, first.after, asked, LOTS, LOTS).chosen) == ["web-001", "web-002"]


def test_one_that_ended_without_making_anything_holds_no_one_up() -> None:
    whole = compliance_report(*(vm_status(number) for number in range(3)))

    first = next_window(whole, {}, (), LOTS, LOTS)

    assert names(next_window(whole, first.after, (), LOTS, LOTS).chosen) == ["web-001", "web-002"]


def test_enables_that_may_still_be_needed_are_waited_for_and_those_used_up_are_not() -> None:
    whole = compliance_report(READY, *(vm_status(number) for number in range(4)))
    first = next_window(whole, {}, (), 2, LOTS)
    assert (names(first.chosen), first.left) == (["web-000", "web-001"], {})

    one_has_asked = (work(vm_status(0), requested=True), work(vm_status(1)))
    held = next_window(whole, first.after, one_has_asked, 1, LOTS)
    assert (held.chosen, held.left, held.after) == ([], {}, first.after)

    needed_none = next_window(whole, first.after, (), 1, LOTS)
    assert names(needed_none.chosen) == ["web-002"]

    used_up = next_window(whole, first.after, (), 0, LOTS)
    assert (used_up.chosen, used_up.left) == ([], {"enable": 2})
    assert not waits(whole, used_up.after)


def test_changes_do_not_need_what_enables_and_disables_lack() -> None:
    whole = compliance_report(vm_status(0), vm_status(1, Action.DISABLE), vm_status(2, Action.CHANGE))

    found = window(whole, enables=0, disables=0)

    assert names(found.chosen) == ["web-002"]
    assert found.left == {"enable": 1, "disable": 1}


def test_from_what_was_not_read_in_full_nothing_is_disabled() -> None:
    whole = compliance_report(
        vm_status(0, Action.DISABLE), vm_status(1, Action.CHANGE), gaps=("The jobs could not be read.",)
    )

    assert names(window(whole).chosen) == ["web-001"]


# A whole sweep


actions = st.sampled_from([Action.NONE, Action.ENABLE, Action.ENABLE, Action.CHANGE, Action.DISABLE])


@st.composite
def surveys(draw: st.DrawFn) -> ComplianceReport:
    return compliance_report(
        *(
            vm_status(number, action, location=draw(st.sampled_from(["eastus", "uksouth"])), vault=vault)
            for number, action in enumerate(draw(st.lists(actions, max_size=25)))
            for vault in [draw(st.sampled_from([*VAULTS, None]))]
        )
    )


@examples(200)
@given(surveys(), st.data())
def test_everyone_is_come_to_once_and_no_bound_is_exceeded(whole: ComplianceReport, data: st.DataObject) -> None:
    """Runs go on, ask and end as they like; each that asks for an enable uses one up."""
    per_pair, per_vault = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 8))
    enables, disables = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 4))
    after: dict[str, str] = {}
    under_way: list[Work] = []
    chosen: list[VmStatus] = []
    left: Counter[str] = Counter()
    asked_for = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_window, "PER_PAIR", per_pair)
        patch.setattr(sweep_window, "PER_VAULT", per_vault)
        for _ in range(200):
            if not waits(whole, after):
                break
            disabled = sum(each.action is Action.DISABLE for each in chosen)
            found = next_window(whole, after, under_way, enables - asked_for, disables - disabled)
            assert found.chosen or found.left or under_way, "it would wait for nothing"
            after = found.after
            chosen += found.chosen
            left += found.left
            under_way += map(work, found.chosen)
            assert max(Counter(each.pair for each in under_way).values(), default=0) <= per_pair
            assert max(Counter(vault_of(each.pair) for each in under_way).values(), default=0) <= per_vault
            still = []
            for each in under_way:
                moved = data.draw(st.sampled_from(["stays", "asks", "ends"]))
                asks = moved == "asks" and not each.requested
                asked_for += asks and each.action is Action.ENABLE
                if moved != "ends":
                    still.append(each.with_(requested=each.requested or asks))
            under_way = still
        else:
            # Any client that stays for ever may hold others up; that the sweep goes on for ever is not its doing.
            under_way = []
    needing = [each for each in whole.vm_statuses if each.action is not Action.NONE]
    assert len({each.vm_id for each in chosen}) == len(chosen)
    assert set(names(chosen)) <= set(names(needing))
    assert len(chosen) + left.total() == len(needing) or waits(whole, after)
    assert sum(each.action is Action.DISABLE for each in chosen) <= disables
    assert asked_for <= enables
    assert not (left["enable"] and asked_for < enables)


# What a run has met with


RESULT = RunResult(outcome=RunOutcome.NOT_ELIGIBLE, vm_id=VM_ID, fingerprint="so")
UNREAD = finding_of("ProtectionNotRead", "A row.")


@pytest.mark.parametrize(
    ("action", "result", "hours", "unchanged"),
    [
        (Action.ENABLE, {}, 1, True),
        (Action.ENABLE, {}, 5.9, True),
        (Action.ENABLE, {}, 6.1, False),
        (Action.ENABLE, {"outcome": RunOutcome.FAILED, "attempts": 3}, 23.9, True),
        (Action.ENABLE, {"outcome": RunOutcome.FAILED, "attempts": 3}, 24.1, False),
        (Action.ENABLE, {"outcome": RunOutcome.FAILED, "acted": True, "attempts": 1}, 1, False),
        (Action.DISABLE, {"outcome": RunOutcome.FAILED, "attempts": 3}, 23.9, True),
        (Action.DISABLE, {"outcome": RunOutcome.FAILED, "acted": True}, 1, False),
        (Action.ENABLE, {"outcome": RunOutcome.FAILED}, 1, False),
        (Action.CHANGE, {"outcome": RunOutcome.FAILED}, 1, False),
        (Action.ENABLE, {"outcome": RunOutcome.NOT_TAGGED}, 1, False),
        (Action.ENABLE, {"outcome": RunOutcome.GONE}, 1, False),
        (Action.CHANGE, {"outcome": RunOutcome.NOT_TAGGED}, 1, False),
        (Action.ENABLE, {"findings": (UNREAD,)}, 1, False),
        (Action.ENABLE, {"findings": (finding_of("VmNotReady", "Levitating."),)}, 1, False),
        (Action.ENABLE, {"findings": (finding_of("ClassicVm", "Old."),)}, 1, True),
        (Action.ENABLE, {"fingerprint": "other"}, 1, False),
        (Action.ENABLE, {"fingerprint": ""}, 1, False),
        (Action.ENABLE, {"outcome": RunOutcome.PROTECTED}, 1, False),
        (Action.CHANGE, {"outcome": RunOutcome.PROTECTED}, 1, True),
        (Action.CHANGE, {"outcome": RunOutcome.PROTECTED, "changed": True}, 1, False),
        (Action.DISABLE, {"outcome": RunOutcome.NOT_TAGGED}, 1, True),
        (Action.DISABLE, {"outcome": RunOutcome.NOT_TAGGED, "findings": (UNREAD,)}, 1, False),
        (Action.DISABLE, {"outcome": RunOutcome.PROTECTED}, 1, False),
        (Action.DISABLE, {"outcome": RunOutcome.DISABLED}, 1, False),
        (Action.FOLLOW, {"outcome": RunOutcome.PROTECTED}, 1, False),
        (Action.ENABLE, {"outcome": RunOutcome.TARGETS_READY}, 1, False),
    ],
)
def test_a_vm_is_left_alone_for_a_while_after_its_run_could_do_nothing_about_the_very_same(
    action: Action, result: dict[str, Any], hours: float, unchanged: bool
) -> None:
    last = RESULT.with_(**result)
    ended = NOW - timedelta(hours=hours)

    held = held_until(vm_status(1, action), last, ended, 30)

    assert (held is not None and held > NOW) is unchanged


# What it tells


@pytest.mark.parametrize(
    ("status", "crowded"),
    [
        ({}, True),
        ({"phase": Phase.OBSERVE}, True),
        ({"phase": Phase.FOLLOW, "job": "j"}, True),
        ({"phase": Phase.FOLLOW, "job": ""}, False),
        ({"phase": Phase.FOLLOW, "job": "j", "percent": 0}, False),
        ({"phase": Phase.OBSERVE, "lastError": {}}, False),
        ({"phase": Phase.OBSERVE, "disableAt": "2026-06-01"}, False),
    ],
)
def test_a_run_that_waits_for_something_slow_crowds_no_one(status: dict[str, Any], crowded: bool) -> None:
    assert occupies_slot(status) is crowded


def test_an_estate_in_numbers() -> None:
    whole = [
        vm_status(0),
        vm_status(1, Action.NONE, findings=(note("NotManagedByApp", "It is."),)),
        vm_status(2, Action.CHANGE, findings=(warning("TargetMismatch", "A."), warning("TargetMismatch", "B."))),
        vm_status(3, Action.NONE, state=State.NOT_TAGGED, item_id=None),
        vm_status(4, Action.DISABLE, state=State.UNTAGGED),
    ]

    found = Summary.of(whole)

    assert (found.total, found.required, found.compliant) == (5, 3, 1)
    assert found.by_state == {"NotTagged": 1, "Protected": 2, "Unprotected": 1, "Untagged": 1}
    assert found.by_finding == {"NotManagedByApp": 1, "TargetMismatch": 1}
    assert found.by_action == {"change in place": 1, "disable": 1, "enable": 1}


@pytest.mark.parametrize(
    ("report", "codes"),
    [
        ({}, []),
        ({"gaps": ("Some.",)}, ["InventoryIncomplete"]),
        ({"left": {"enable": 3}}, ["DailyEnableLimitReached"]),
        ({"left": {"enable": 3, "disable": 2}}, ["DailyEnableLimitReached", "DailyDisableLimitReached"]),
    ],
)
def test_a_report_says_why_it_left_vms_and_what_it_takes_to_go_on(report: dict[str, Any], codes: list[str]) -> None:
    found = limit_findings(
        SweepReport(read_at=NOW, **report), settings(max_enables_per_day=50, max_disable_percent_per_day=2.5)
    )

    assert [finding.code for finding in found] == codes
    for finding in found:
        assert finding.fix
        if finding.code == "DailyEnableLimitReached":
            assert "3 VMs" in finding.message
            assert "50" in finding.message
        if finding.code == "DailyDisableLimitReached":
            assert "2 VMs" in finding.message
            assert "2.5 %" in finding.message
            assert "confirm=true" in finding.fix

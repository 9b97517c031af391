"""Which causes begin and which are resolved: once each, whatever sweeps lie between, and nothing that is not known."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.acknowledgement import Acknowledgement
from shared.model.decision import State
from shared.model.findings import Finding, Severity
from shared.model.resource_id import ResourceId
from shared.planning.catalog import finding_of
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reporting.transitions import Cause, Causes, Comparison, Kind, Open, compare
from tests.findings import blocker, note, warning
from tests.unit.app.examples import VM_ID

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
VMS = [ResourceId(f"{VM_ID}-{number}") for number in range(3)]
WEB = VMS[0]
LATE, RPO = warning("DiskNotProtected", "A disk is not replicated."), warning("RpoBreached", "It is late.")
MISSING = Finding(code="MissingProtection", severity=Severity.WARNING, message="Nothing.", recoverable=False)
GONE = finding_of("TargetMissing", "Its group does not exist.", others="dr-target-resource-group")
WORSE = blocker(RPO.code, "Nothing arrives any more.")
HELD, OWNED = blocker("OnHold", "It is on hold."), blocker("ManagedResourceGroup", "AKS owns it.")
Row = tuple[State, tuple[Finding, ...]]


def report(rows: dict[ResourceId, Row], at: datetime = NOW, *, gaps: bool = False) -> ComplianceReport:
    vm_statuses = tuple(VmStatus(vm_id=vm, state=state, findings=found) for vm, (state, found) in rows.items())
    return ComplianceReport(vm_statuses=vm_statuses, read_at=at, gaps=("The VMs could not be read.",) if gaps else ())


def seen(*found: Finding, state: State = State.PROTECTED) -> dict[ResourceId, Row]:
    return {WEB: (state, found)}


ALONE = seen(MISSING, state=State.UNPROTECTED)


def shown(compared: Comparison) -> list[str]:
    return [f"{each.kind} {each.cause.code} {each.cause.vm.name}" for each in compared.transitions]


def after(*reports: ComplianceReport, acknowledged: tuple[Acknowledgement, ...] = ()) -> list[list[str]]:
    """What each of these sweeps, one after the other, publishes."""
    causes: Causes = {}
    found = []
    for each in reports:
        compared = compare(causes, each, acknowledged)
        causes, acknowledged = compared.causes, compared.acknowledged
        found.append([line.removesuffix(f" {WEB.name}") for line in shown(compared)])
    return found


@pytest.mark.parametrize(
    ("first", "second", "begins", "ends"),
    [
        (seen(LATE), seen(LATE), ["unhealthy DiskNotProtected"], []),
        (seen(LATE), seen(), ["unhealthy DiskNotProtected"], ["resolved DiskNotProtected"]),
        (seen(LATE), seen(RPO), ["unhealthy DiskNotProtected"], ["unhealthy RpoBreached", "resolved DiskNotProtected"]),
        (seen(GONE), seen(), ["notRecoverable TargetMissing"], ["resolved TargetMissing"]),
        (seen(blocker("VmNotRunning", "x"), state=State.NOT_ELIGIBLE), seen(), ["failed VmNotRunning"], None),
        # A note is no cause, nor is what says only that there is another one.
        (seen(note("NotTagged", "x")), seen(), [], []),
        (seen(MISSING, RPO, state=State.FAILED), seen(MISSING, state=State.FAILED), ["failed RpoBreached"], None),
        # A VM that was just tagged is protected by its own run, or is published by the next sweep.
        (ALONE, seen(), [], []),
        (ALONE, ALONE, [], ["failed MissingProtection"]),
        # What is on hold is silent; so is what AKS owns.
        (seen(HELD, LATE), seen(HELD, LATE), [], []),
        (seen(HELD, LATE), seen(LATE), [], ["unhealthy DiskNotProtected"]),
        (seen(LATE), seen(HELD), ["unhealthy DiskNotProtected"], []),
        (seen(OWNED, state=State.NOT_ELIGIBLE), seen(), [], []),
        # Not known is not resolved.
        (seen(LATE), seen(state=State.UNKNOWN), ["unhealthy DiskNotProtected"], []),
        (seen(LATE), seen(state=State.DRILLING), ["unhealthy DiskNotProtected"], []),
        (seen(LATE), {}, ["unhealthy DiskNotProtected"], ["resolved DiskNotProtected"]),
        # What gets worse is published again, and what gets better is not.
        (seen(RPO), seen(WORSE), ["unhealthy RpoBreached"], ["unhealthy RpoBreached"]),
        (seen(RPO), seen(RPO, WORSE), ["unhealthy RpoBreached"], ["unhealthy RpoBreached"]),
        (seen(WORSE), seen(RPO), ["unhealthy RpoBreached"], []),
        (seen(RPO, WORSE), seen(WORSE, RPO), ["unhealthy RpoBreached"], []),
    ],
)  # fmt: skip
def test_what_two_sweeps_publish(
    first: dict[ResourceId, Row], second: dict[ResourceId, Row], begins: list[str], ends: list[str] | None
) -> None:
    one, two = after(report(first), report(second, NOW + HOUR))

    assert one == begins
    assert ends is None or two == ends
    if begins:
        partial = after(report(first), report({}, gaps=True), report(first))
        assert partial == [begins, [], []]


@pytest.mark.parametrize(
    ("until", "published"),
    [
        (None, [[], [], [], []]),
        (NOW + HOUR, [[], ["unhealthy DiskNotProtected"], [], ["resolved DiskNotProtected"]]),
    ],
)
def test_what_is_acknowledged_is_silent_until_then(until: datetime | None, published: list[list[str]]) -> None:
    known = Acknowledgement(vm_id=WEB, cause="DiskNotProtected", until=until, at=NOW)
    sweeps = [report(seen(LATE), NOW + HOUR * number) for number in range(3)]

    assert after(*sweeps, report(seen(), NOW + HOUR * 3), acknowledged=(known,)) == published


def test_what_gets_worse_is_published_once_and_not_while_it_is_acknowledged() -> None:
    sweeps = [report(seen(each), NOW + HOUR * hour) for hour, each in enumerate((RPO, WORSE, RPO, WORSE))]
    known = Acknowledgement(vm_id=WEB, cause=RPO.code, at=NOW)

    assert after(*sweeps) == [["unhealthy RpoBreached"], ["unhealthy RpoBreached"], [], []]
    begun = compare({}, sweeps[0], ())
    silent = compare(begun.causes, sweeps[1], (known,))
    assert (shown(silent), shown(compare(silent.causes, sweeps[3], ()))) == ([], [f"unhealthy RpoBreached {WEB.name}"])


def test_an_acknowledgement_is_over_with_its_cause_and_not_before_that_is_known() -> None:
    known = Acknowledgement(vm_id=WEB, cause="DiskNotProtected", at=NOW)
    begun = compare({}, report(seen(LATE)), ())
    for rows, gaps, left in (
        (seen(LATE), False, 1),
        (seen(HELD), False, 1),
        (seen(state=State.UNKNOWN), False, 1),
        ({}, True, 1),
        (seen(), False, 0),
        ({}, False, 0),
    ):
        compared = compare(begun.causes, report(rows, NOW + HOUR, gaps=gaps), (known,))
        assert len(compared.acknowledged) == left, (rows, gaps)
        # So does one of a cause that no sweep has seen yet.
        unseen = compare({}, report(rows, NOW + HOUR, gaps=gaps), (known,))
        assert len(unseen.acknowledged) == left, (rows, gaps)
        # That it is resolved is published: who has heard that it began hears that it has ended.
        assert [each.kind for each in compared.transitions] == ([] if left else [Kind.RESOLVED])


def test_what_begins_while_nothing_is_published_is_published_once_something_is() -> None:
    silent = compare({}, report(seen(LATE)), (), publishes=False)
    assert shown(silent) == []
    assert shown(compare(silent.causes, report(seen(LATE)), ())) == [f"unhealthy DiskNotProtected {WEB.name}"]
    assert shown(compare(silent.causes, report(seen()), ())) == []


rows = st.tuples(
    st.sampled_from([State.PROTECTED, State.UNPROTECTED, State.UNKNOWN, State.DRILLING, State.FROZEN]),
    st.sets(st.sampled_from([LATE, RPO, WORSE, MISSING, HELD, OWNED, note("NotTagged", "x")])).map(tuple),
)
sweeps = st.lists(st.tuples(st.dictionaries(st.sampled_from(VMS), rows), st.booleans()), max_size=12)
acknowledgements = st.dictionaries(
    st.tuples(st.sampled_from(VMS), st.sampled_from([LATE.code, MISSING.code])), st.none() | st.integers(0, 12)
)


@given(sweeps, acknowledgements)
def test_each_cause_begins_once_for_each_severity_and_is_resolved_once(
    played: list[tuple[dict[ResourceId, Row], bool]], acknowledged: dict[tuple[ResourceId, str], int | None]
) -> None:
    """So it begins again only if it is worse than ever. But for one whose acknowledgement has come to its date: it is
    published again then."""
    known = tuple(
        Acknowledgement(vm_id=vm, cause=code, until=None if hour is None else NOW + HOUR * hour, at=NOW)
        for (vm, code), hour in acknowledged.items()
    )
    dated = {Cause(code, vm) for (vm, code), hour in acknowledged.items() if hour is not None}
    causes: Causes = {}
    published: dict[Cause, set[Severity]] = {}
    repeated: set[Cause] = set()
    # At the end all is as it should be, and known to be.
    last: dict[ResourceId, Row] = dict.fromkeys(VMS, (State.PROTECTED, ()))
    for hour, (found, gaps) in enumerate([*played, (last, False)]):
        compared = compare(causes, report(found, NOW + HOUR * hour, gaps=gaps), known)
        known, causes = compared.acknowledged, compared.causes
        for each in compared.transitions:
            state, findings = found.get(each.cause.vm, (State.SOURCE_GONE, ()))
            codes = {finding.code for finding in findings}
            assert HELD.code not in codes
            if each.kind is Kind.RESOLVED:
                assert each.cause in published
                assert each.cause.code not in codes
                assert state in {State.PROTECTED, State.UNPROTECTED, State.SOURCE_GONE}
                assert not gaps
                del published[each.cause]
                continue
            assert each.cause.code in codes
            assert OWNED.code not in codes
            assert each.finding
            sent = published.setdefault(each.cause, set())
            if sent & {each.finding.severity, Severity.BLOCKER}:
                assert each.cause in dated - repeated
                repeated.add(each.cause)
            sent.add(each.finding.severity)
    assert (published, causes, known) == ({}, {}, ())


@given(sweeps)
def test_what_two_sweeps_show_is_published_however_it_came_about(
    played: list[tuple[dict[ResourceId, Row], bool]],
) -> None:
    """What is shown twice by full sweeps at the end is known to all who have followed, and nothing else is."""
    causes: Causes = {}
    published = set[Cause]()
    last = played[-1][0] if played else {}
    for found, gaps in [*played, (last, False), (last, False)]:
        compared = compare(causes, report(found, gaps=gaps), ())
        causes = compared.causes
        for each in compared.transitions:
            (published.add if each.begins else published.remove)(each.cause)
    for vm, (state, findings) in last.items():
        codes = {each.code for each in findings}
        own = codes - {HELD.code, "NotTagged"}
        shown_now = {cause.code for cause in published if cause.vm == vm}
        if codes & {HELD.code, OWNED.code}:
            continue
        assert own - ({MISSING.code} if len(own) > 1 else set()) <= shown_now
        if state in {State.PROTECTED, State.UNPROTECTED}:
            assert shown_now <= own


@pytest.mark.parametrize("publishes", [True, False])
@pytest.mark.parametrize("found", [(MISSING, RPO), (MISSING, OWNED), (RPO,)])
def test_what_was_published_is_resolved_whatever_was_acknowledged_or_switched_off_since(
    found: tuple[Finding, ...], publishes: bool
) -> None:
    """It is acknowledged after its beginning was published, and the acknowledgement ends while it is not published."""
    begun = {Cause(MISSING.code, WEB): Open(0, published=1)}
    known = Acknowledgement(vm_id=WEB, cause=MISSING.code, until=NOW, at=NOW)
    meanwhile = compare(begun, report(seen(*found, state=State.UNPROTECTED), NOW + HOUR), (known,), publishes=publishes)
    last = compare(meanwhile.causes, report(seen(), NOW + 2 * HOUR), meanwhile.acknowledged)

    both = [*meanwhile.transitions, *last.transitions]
    ended = [each.kind for each in both if each.cause.code == MISSING.code]
    assert (ended, last.causes, last.acknowledged) == ([Kind.RESOLVED], {}, ())


def test_an_acknowledgement_that_ends_while_nothing_is_published_is_not_forgotten() -> None:
    begun = {Cause(RPO.code, WEB): Open(0, published=1)}
    known = Acknowledgement(vm_id=WEB, cause=RPO.code, until=NOW, at=NOW)
    silent = compare(begun, report(seen(RPO), NOW), (known,), publishes=False)

    again = compare(silent.causes, report(seen(RPO), NOW + HOUR), silent.acknowledged)
    assert shown(again) == [f"unhealthy RpoBreached {WEB.name}"]
    assert (again.acknowledged, shown(compare(again.causes, report(seen(RPO)), ()))) == ((), [])

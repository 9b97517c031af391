"""The quotas of the target regions, held against the failovers of all VMs at once, and of one region's alone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.capacity import Capacity, Need, Place, RegionOffer, Reserved
from shared.model.decision import State
from shared.model.findings import Severity
from shared.model.priority import Priority
from shared.model.resource_id import ResourceId
from shared.model.vm import Quota, Size
from shared.planning.catalog import finding_of
from shared.reconcile.fleet import judge, losses, with_quotas
from shared.reconcile.inventory import Prospect, Recovery, VmStatus
from tests.unit.app.examples import SOURCE, SUBSCRIPTION, TARGET, VM_ID, need

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HERE = need().place
ELSEWHERE = Place(HERE.subscription, "northeurope")
GROUP = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/capacityReservationGroups", "reserved")
SIZES = {
    name.lower(): Size(name=name, family=family, cores=cores)
    for name, family, cores in (
        ("Standard_D2s_v5", "standardDSv5Family", 2),
        ("Standard_D4s_v5", "standardDSv5Family", 4),
        ("Standard_E4s_v5", "standardESv5Family", 4),
        ("Standard_X2", "newFamily", 2),
    )
}
D2, D4, E4, NEW = (size.name for size in SIZES.values())


def offer(complete: bool = True, /, **limits: int) -> RegionOffer:
    """The sizes, and these quotas, of which nothing is used."""
    names = {"cores": "cores", "ds": "standardDSv5Family", "es": "standardESv5Family"}
    quotas = {names[each].lower(): Quota(name=names[each], limit=limit) for each, limit in limits.items()}
    return RegionOffer(SIZES, quotas, complete)


def of(offered: RegionOffer, *reserved: Reserved) -> Capacity:
    return Capacity({HERE: offered}, {GROUP: reserved})


def vm(name: str) -> ResourceId:
    return ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, name)


def needs(**given: Need) -> dict[ResourceId, Need]:
    return {vm(name): each for name, each in given.items()}


def names(vms: Mapping[ResourceId, Any]) -> str:
    return "".join(sorted(vm.name for vm in vms))


def days(ago: int) -> datetime:
    return NOW - timedelta(days=ago)


FOUR = needs(a=need(since=days(4)), b=need(since=days(3)), c=need(since=days(2)), d=need(since=days(1)))
"""Of two cores each."""
RESERVED = {vm: replace(each, reservation=GROUP) for vm, each in FOUR.items()}


@pytest.mark.parametrize(
    ("wanted", "capacity", "over"),
    [
        (FOUR, of(offer(cores=8, ds=8)), ""),
        # The latest protected first; without a job, that is the oldest.
        (FOUR, of(offer(cores=100, ds=4)), "cd"),
        (FOUR | needs(e=need()), of(offer(cores=100, ds=4)), "bcd"),
        # The lowest priority first.
        (FOUR | needs(a=need(since=days(4), priority=Priority.LOW)), of(offer(cores=100, ds=6)), "a"),
        (FOUR | needs(d=need(since=days(1), priority=Priority.HIGH)), of(offer(cores=100, ds=4)), "bc"),
        # Each family by itself, and the region's total of what they leave.
        (needs(a=need(size=E4), b=need(size=D2), c=need(size=D2)), of(offer(cores=100, ds=2, es=4)), "c"),
        (needs(a=need(size=E4), b=need(size=D2), c=need(size=D2)), of(offer(cores=6, ds=100, es=100)), "c"),
        (needs(a=need(size=E4), b=need(size=D2), c=need(size=D2)), of(offer(cores=4, ds=2, es=4)), "bc"),
        (needs(a=need(size=E4), b=need(size=D2)), of(offer(cores=2, ds=100, es=2)), "a"),
        # A family that has no quota of its own counts for the region.
        (needs(a=need(size=NEW), b=need(size=NEW)), of(offer(cores=2, ds=0)), "b"),
        # A limit that was lowered below what is used.
        (needs(a=need()), of(offer(cores=100, ds=-3)), "a"),
        # Quotas of a place hold there alone.
        (needs(a=need(), b=need(place=ELSEWHERE)), Capacity({HERE: offer(cores=0), ELSEWHERE: offer(cores=2)}), "a"),
        # What is reserved needs nothing: of its size and zone, as many as are free, the first in the order.
        (RESERVED, of(offer(cores=4), Reserved(D2.lower(), "", 2)), ""),
        (RESERVED, of(offer(cores=2), Reserved(D2.lower(), "", 2)), "d"),
        (RESERVED, of(offer(cores=8), Reserved(D2.lower(), "1", 9), Reserved(D4.lower(), "", 9)), ""),
        (RESERVED, of(offer(cores=6), Reserved(D2.lower(), "1", 9), Reserved(D4.lower(), "", 9)), "d"),
        (FOUR, of(offer(cores=6), Reserved(D2.lower(), "", 9)), "d"),
    ],
)
def test_what_is_over_a_quota_is_named_by_priority_and_age(
    wanted: dict[ResourceId, Need], capacity: Capacity, over: str
) -> None:
    judgement = judge(wanted, capacity)

    assert (names(judgement.over), judgement.unknown) == (over, {})


def test_a_load_says_what_is_needed_reserved_and_left() -> None:
    quotas = {"cores": Quota(name="cores", limit=20, used=7), "standarddsv5family": Quota(name="DSv5", limit=10)}
    wanted = needs(a=need(reservation=GROUP), b=need(size=D4), c=need(size=NEW))

    judgement = judge(wanted, of(RegionOffer(SIZES, quotas), Reserved(D2.lower(), "", 1)))

    family, total = judgement.loads
    assert (family.quota, family.needed, family.reserved, family.limit, family.used) == ("DSv5", 4, 2, 10, 0)
    assert (total.quota, total.needed, total.reserved, total.left) == ("cores", 6, 2, 13)
    assert (total.subscription, total.region) == HERE


@pytest.mark.parametrize(
    ("changes", "capacity", "word"),
    [
        ({}, Capacity(), "could not be read"),
        ({"place": Place("", TARGET)}, of(offer(cores=0)), "could not be read"),
        ({"size": "Standard_Huge"}, of(offer(cores=0)), "Standard_Huge"),
        ({"size": ""}, of(offer(cores=0)), "its size"),
        ({"reservation": GROUP}, Capacity({HERE: offer(cores=0)}), "reservations"),
        ({}, of(offer(ds=0)), "in full"),
        ({}, of(offer(False, cores=0)), "in full"),
        ({}, of(RegionOffer({D2.lower(): Size(name=D2)}, offer(cores=0).quotas)), "how many cores"),
    ],
)
def test_what_is_not_known_is_neither_enough_nor_exceeded_and_says_so(
    changes: dict[str, Any], capacity: Capacity, word: str
) -> None:
    """The second VM is of a size that is known wherever the first's is not."""
    status = VmStatus(vm_id=VM_ID, state=State.PROTECTED, location=SOURCE, rpo_seconds=60, need=need(**changes))

    (judged,) = with_quotas([status], capacity, "dr").vm_statuses

    (finding,) = judged.findings
    assert (finding.code, finding.severity) == ("TargetQuotaUnknown", Severity.NOTE)
    assert word in finding.message
    assert (judged.compliant, judged.prospect) == (True, Prospect(Recovery.UNKNOWN, "TargetQuotaUnknown"))


def test_who_is_over_the_quota_is_warned_and_is_not_compliant() -> None:
    """Four VMs of two cores under a quota of four."""
    statuses = [
        VmStatus(vm_id=vm, state=State.PROTECTED, location=SOURCE, rpo_seconds=60, need=each)
        for vm, each in FOUR.items()
    ]

    judged = with_quotas(statuses, of(offer(cores=100, ds=4)), "dr").vm_statuses

    assert [each.compliant for each in judged] == [True, True, False, False]
    (finding,) = judged[3].findings
    assert (finding.code, finding.severity, finding.recoverable) == ("TargetQuotaExceeded", Severity.WARNING, False)
    assert "need 8 cores of the quota standardDSv5Family in westus2" in finding.message
    assert "4 of 4 are left: d, of priority normal, is" in finding.message
    assert "dr-priority" in finding.fix
    assert all("westus2" in each.fix for each in judged[3].findings)


def test_each_region_is_lost_alone() -> None:
    """Each fits by itself, and both at once do not."""
    statuses = [
        VmStatus(vm_id=vm(name), state=State.PROTECTED, location=region, rpo_seconds=60, need=need())
        for name, region in (("a", SOURCE), ("b", "northeurope"), ("c", ""))
    ]
    capacity = of(offer(cores=2))

    alone, at_once = losses(statuses, capacity, "dr"), with_quotas(statuses, capacity, "dr")

    assert {region: [each.needed for each in loss.cores] for region, loss in alone.items()} == {
        SOURCE: [2],
        "northeurope": [2],
    }
    assert [each.findings for loss in alone.values() for each in loss.vm_statuses] == [(), ()]
    assert [len(each.findings) for each in at_once.vm_statuses] == [0, 1, 1]


ILL = finding_of("OsDiskReplaced", "Another disk.")
MISSING = finding_of("MissingProtection", "Nothing.")
FROZEN = finding_of("ItemFrozen", "Failed over.")
NOT_READ = finding_of("SourceNotRead", "Not read.")
TRIED, UNFIT = finding_of("EnableFailed", "It failed."), finding_of("NotEligible", "It cannot be.")
FOREIGN, OPEN = finding_of("ProtectedElsewhere", "Another vault."), finding_of("TargetNotRead", "Not read.")
KNOWN = {"rpo_seconds": 60, "replication_health": "Normal"}
UNKNOWN_HEALTH = Prospect(Recovery.UNKNOWN, "HealthUnknown")
OPEN_TARGET = Prospect(Recovery.UNKNOWN, "TargetNotRead")


@pytest.mark.parametrize(
    ("state", "more", "prospect"),
    [
        (State.PROTECTED, {"need": need(), **KNOWN}, Prospect(Recovery.YES, "")),
        (State.PROTECTED, {"need": need(), **KNOWN, "replication_health": "Warning"}, Prospect(Recovery.YES, "")),
        (State.PROTECTED, {"need": need(), **KNOWN, "replication_health": "None"}, UNKNOWN_HEALTH),
        (State.PROTECTED, {"need": need(), **KNOWN, "replication_health": ""}, UNKNOWN_HEALTH),
        (State.UNTAGGED, {"need": need(), **KNOWN}, Prospect(Recovery.YES, "")),
        (State.PROTECTED, {"need": need()}, Prospect(Recovery.UNKNOWN, "RpoUnknown")),
        (State.PROTECTED, {"need": need(), "findings": (ILL,)}, Prospect(Recovery.NO, "OsDiskReplaced")),
        (State.UNPROTECTED, {"findings": (MISSING,)}, Prospect(Recovery.NO, "MissingProtection")),
        (State.UNPROTECTED, {"findings": (MISSING, TRIED)}, Prospect(Recovery.NO, "EnableFailed")),
        (State.NOT_ELIGIBLE, {"findings": (UNFIT, FOREIGN)}, Prospect(Recovery.NO, "ProtectedElsewhere")),
        (State.NOT_ELIGIBLE, {"findings": (UNFIT,)}, Prospect(Recovery.NO, "NotEligible")),
        (State.PROTECTED, {"need": need(), "rpo_seconds": 60, "findings": (OPEN,)}, OPEN_TARGET),
        (State.PROTECTED, {"need": need(), "findings": (OPEN, ILL)}, Prospect(Recovery.NO, "OsDiskReplaced")),
        (State.PROTECTING, {}, Prospect(Recovery.NO, "Protecting")),
        (State.FROZEN, {"findings": (FROZEN,)}, Prospect(Recovery.NO, "ItemFrozen")),
        (State.FROZEN, {"findings": (FROZEN,), "failed_over": True}, Prospect(Recovery.UNKNOWN, "ItemFrozen")),
        (State.UNKNOWN, {"need": need(), "findings": (NOT_READ,)}, Prospect(Recovery.UNKNOWN, "SourceNotRead")),
        (State.UNTAGGED, {}, None),
        (State.NOT_TAGGED, {}, None),
        (State.FAILOVER_VM, {}, None),
        (State.SOURCE_GONE, {}, None),
    ],
)
def test_whether_a_vm_would_come_up(state: State, more: dict[str, Any], prospect: Prospect | None) -> None:
    assert VmStatus(vm_id=VM_ID, state=state, **more).prospect == prospect


places = st.sampled_from([HERE, ELSEWHERE])
fleet = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3).map(vm),
    st.builds(
        Need,
        place=places,
        size=st.sampled_from([*(size.name for size in SIZES.values()), "Standard_Huge"]),
        reservation=st.sampled_from([None, None, GROUP]),
        priority=st.sampled_from(Priority),
        since=st.sampled_from([None, days(9), days(1)]),
    ),
    max_size=12,
)
limits = st.integers(-2, 40)
offers = st.builds(lambda cores, ds, es: offer(cores=cores, ds=ds, es=es), limits, limits, limits)


@given(
    fleet,
    offers,
    offers,
    st.lists(st.builds(Reserved, st.sampled_from(sorted(SIZES)), st.just(""), st.integers(0, 3)), max_size=2),
    st.randoms(use_true_random=False),
)
def test_whatever_the_order_the_same_vms_are_named_and_the_others_fit(
    wanted: dict[ResourceId, Need], here: RegionOffer, there: RegionOffer, reserved: list[Reserved], random: Any
) -> None:
    capacity = Capacity({HERE: here, ELSEWHERE: there}, {GROUP: tuple(reserved)})
    shuffled = list(wanted.items())
    random.shuffle(shuffled)

    judgement = judge(wanted, capacity)

    assert judge(dict(shuffled), capacity) == judgement
    assert {vm for vm, each in wanted.items() if each.size == "Standard_Huge"} == set(judgement.unknown)
    assert not judgement.over.keys() & judgement.unknown.keys()
    if all(load.needed <= load.left for load in judgement.loads):
        assert judgement.over == {}
    else:
        assert judgement.over
    rest = judge({vm: each for vm, each in wanted.items() if vm not in judgement.over}, capacity)
    assert rest.over == {}
    for load in rest.loads:
        assert load.needed <= load.left

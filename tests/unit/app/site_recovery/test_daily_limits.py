"""A fleet that loses its tags, hour by hour, with restarts in between: never more disables in a day than the share."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from activities.disable_protection import disable_protection
from shared.config.settings import Mode
from shared.model import naming
from shared.model.activity_io import VmRequest
from shared.model.resource_id import ResourceId, vm_id
from shared.model.step_result import Pending, Ready
from shared.site_recovery import daily_limits
from shared.site_recovery.vault import vaults_of
from tests.properties import examples
from tests.unit.app.examples import DEPLOYMENT, SUBSCRIPTION, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, job_body

START = datetime(2026, 6, 1, tzinfo=UTC)
HOURS = range(0, 30, 3)


class Day(NamedTuple):
    """`lost` are VMs that are gone, by the hour in which they went; `confirmed` those that somebody has disabled."""

    protected: int
    share: float
    lost: dict[int, int]
    confirmed: set[int]
    restarts: set[int]


@st.composite
def days(draw: st.DrawFn) -> Day:
    protected = draw(st.integers(1, 24))
    vms = st.integers(0, protected - 1)
    return Day(
        protected=protected,
        share=draw(st.sampled_from([0, 1, 5, 10, 50, 100])),
        lost=draw(st.dictionaries(vms, st.sampled_from(HOURS), max_size=12)),
        confirmed=draw(st.sets(vms, max_size=3)),
        restarts=draw(st.sets(st.sampled_from(HOURS), max_size=3)),
    )


def vm_of(number: int) -> ResourceId:
    return vm_id(SUBSCRIPTION, "web", f"vm-{number:02}")


def item_of(number: int) -> dict[str, Any]:
    vm = vm_of(number)
    points = {"fabricObjectId": str(vm), "lastRpoCalculatedTime": "2026-05-01T12:00:00Z"}
    return item_body("Protected", naming.item_name(vm, DEPLOYMENT), **points)


async def live_through(day: Day, monkeypatch: pytest.MonkeyPatch) -> list[tuple[datetime, bool]]:
    """When each VM was disabled, and whether somebody had confirmed it."""
    cloud = Cloud()
    cloud.vault["replication_protected_items"] += [item_of(number) for number in range(day.protected)]
    azure = cleaning(cloud, day)
    disabled: list[tuple[datetime, bool]] = []
    for hour in HOURS:
        now = START + timedelta(hours=hour)
        monkeypatch.setattr(daily_limits, "datetime", _clock_at(now))
        if hour in day.restarts:
            azure = cleaning(cloud, day)
        for vault in vaults_of(azure):
            vault.items.forget()
            vault.jobs.forget()
        there = {body["name"] for body in cloud.vault["replication_protected_items"]}
        waiting = [
            number
            for number, at in day.lost.items()
            if at <= hour and naming.item_name(vm_of(number), DEPLOYMENT) in there
        ]
        requests = [VmRequest(vm_id=vm_of(each), confirmed=each in day.confirmed) for each in waiting]
        # All at once: none of them sees the jobs of the others in a list.
        outcomes = await asyncio.gather(*(disable_protection(azure, request) for request in requests))
        for request, outcome in zip(requests, outcomes, strict=True):
            if isinstance(outcome, Pending):
                assert outcome.error
                assert outcome.error.code == "DailyDisableLimitReached"
                continue
            assert isinstance(outcome, Ready)
            disabled.append((now, request.confirmed))
            gone = naming.item_name(request.vm_id, DEPLOYMENT)
            items = cloud.vault["replication_protected_items"]
            items[:] = [body for body in items if body["name"] != gone]
            stamp = {"startTime": now.isoformat(), "targetObjectName": request.vm_id.name}
            job = job_body("Succeeded", outcome.value["job"], "DisableDr", **stamp)
            cloud.vault["replication_jobs"].append(job)
    return disabled


def cleaning(cloud: Cloud, day: Day) -> FakeAzure:
    return FakeAzure(settings(mode=Mode.CLEANUP, max_disable_percent_per_day=day.share, untag_grace_hours=0), cloud)


def _clock_at(now: datetime) -> Any:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return now.astimezone(tz)

    return Clock


@examples(60)
@given(days())
def test_in_no_24_hours_more_than_the_share_whatever_is_lost_and_restarted(day: Day) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        disabled = asyncio.run(live_through(day, monkeypatch))

    event(f"{min(len(disabled), 5)} or more disabled")
    most = max(1, int(day.protected * day.share / 100)) if day.share else 0
    for at in {when for when, was_confirmed in disabled if not was_confirmed}:
        # What somebody has confirmed is not held back; but it counts.
        before = [when for when, _ in disabled if at - timedelta(hours=24) < when < at]
        now = [when for when, was_confirmed in disabled if when == at and not was_confirmed]
        assert len(before) + len(now) <= most
    confirmed = [number for number in day.lost if number in day.confirmed]
    assert sum(1 for _, was_confirmed in disabled if was_confirmed) == len(confirmed)
    unconfirmed = len(day.lost) - len(confirmed)
    if day.share == 100:
        assert len(disabled) == len(day.lost)
    if day.share and unconfirmed and not confirmed:
        assert disabled

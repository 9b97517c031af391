"""How many VMs may be enabled and disabled in any 24 hours: counted from the vaults' own jobs, and from what this
process has requested since they were listed.

A list of jobs is seconds old when it is read, and a hundred VMs may read the same one: a request is reserved
before it is sent. (With a list of 15 s alone, a cap of 50 let 200 through.)
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import ThrottledError
from shared.config.intervals import FIRST_LIMIT_RETRY, LONGEST_LIMIT_RETRY
from shared.model.replicated_item import DISABLE, ENABLE, Job, Stage
from shared.site_recovery.vault import vaults_of

log = logging.getLogger("dr.limits")

_WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Budget:
    """A daily limit. `wait` is in seconds: 0 if one was left, which is then reserved."""

    wait: float = 0
    reason: str = ""
    action: str = ""


@asynccontextmanager
async def enables_left(azure: Azure) -> AsyncIterator[Budget]:
    """Reserves one of the daily enables during the request, or says how long to wait for one. Raises NotKnownError if a
    job could not be read: it may be one of them, or be enabling the same VM."""
    jobs = await _jobs(azure, ENABLE, complete=True)
    most = azure.settings.max_enables_per_day
    async with _reserved(azure, ENABLE, jobs, most) as (used, wait):
        yield Budget(
            wait,
            f"{used} VMs have been enabled in 24 hours; DR_MAX_ENABLES_PER_DAY allows {most}.",
            "Increase DR_MAX_ENABLES_PER_DAY if so many are intended, or wait: the run continues by itself.",
        )


async def enables_unused(azure: Azure) -> int:
    """How many daily enables are left. Reserves none. 0 if that is not known: one bad list does not stop a sweep."""
    return await _unused(azure, ENABLE)


@asynccontextmanager
async def disables_left(azure: Azure) -> AsyncIterator[Budget]:
    """Reserves one of the daily disables, likewise."""
    jobs = await _jobs(azure, DISABLE, complete=True)
    most, protected = await _share(azure, jobs)
    async with _reserved(azure, DISABLE, jobs, most) as (used, wait):
        yield Budget(
            wait,
            f"{used} VMs have been disabled in 24 hours; DR_MAX_DISABLE_PERCENT_PER_DAY allows {most}, "
            f"{azure.settings.max_disable_percent_per_day:g} % of {protected}.",
            "Find out why so many are to be disabled. If they are: DELETE .../protection?confirm=true disables one at "
            "once, and a larger DR_MAX_DISABLE_PERCENT_PER_DAY more; else tag them again.",
        )


async def disables_unused(azure: Azure) -> int:
    """How many daily disables are left, likewise."""
    return await _unused(azure, DISABLE)


async def _unused(azure: Azure, scenario: str) -> int:
    try:
        jobs = await _jobs(azure, scenario)
        most = azure.settings.max_enables_per_day if scenario == ENABLE else (await _share(azure, jobs))[0]
    except (ThrottledError, HttpResponseError):
        raise  # it passes: the sweep tries again
    except Exception as fault:
        log.warning("How many of %s are left could not be read: %s", scenario, fault)
        return 0
    return max(0, most - _used(azure, scenario, jobs)[0])


async def _share(azure: Azure, disables: list[Job]) -> tuple[int, int]:
    """The daily limit of disables, and the number of VMs it is a percentage of: those protected 24 hours ago."""
    held = [item for vault in vaults_of(azure) for item in await vault.items.get() if item.stage is not Stage.FAILED]
    protected, share = len(held) + len(disables), azure.settings.max_disable_percent_per_day
    return (max(1, int(protected * share / 100)) if share else 0), protected


async def _jobs(azure: Azure, scenario: str, *, complete: bool = False) -> list[Job]:
    """The jobs of the last 24 hours; with `complete`, all of them. Raises NotKnownError."""
    since = datetime.now(UTC) - _WINDOW
    lists = [await vault.jobs.get() for vault in vaults_of(azure)]
    for each in lists if complete else ():
        each.listing.check_complete()
    found = [job for jobs in lists for job in jobs if job.scenario == scenario]
    return [job for job in found if job.started is None or job.started > since]


@asynccontextmanager
async def _reserved(azure: Azure, scenario: str, listed: list[Job], most: int) -> AsyncIterator[tuple[int, float]]:
    """How many of `most` are used, and the seconds to wait for another: 0 if one was reserved.

    Nothing is awaited between the count and the reservation, so two never take the same one.
    """
    ledger = azure.recent_writes[scenario]
    used, first = _used(azure, scenario, listed)
    if used >= most:
        poll = azure.settings.poll_seconds
        frees = (first + _WINDOW - datetime.now(UTC)).total_seconds()
        yield used, min(max(frees, FIRST_LIMIT_RETRY * poll), LONGEST_LIMIT_RETRY * poll)
        return
    ledger.in_flight += 1
    try:
        yield used, 0
    finally:
        ledger.in_flight -= 1


def _used(azure: Azure, scenario: str, listed: list[Job]) -> tuple[int, datetime]:
    """How many are used, and the time of the first."""
    ledger, now = azure.recent_writes[scenario], datetime.now(UTC)
    ledger.requested = {name: at for name, at in ledger.requested.items() if at > now - _WINDOW}
    started = {job.name: job.started or now for job in listed} | ledger.requested
    return len(started) + ledger.in_flight, min(started.values(), default=now)


def requested(azure: Azure, scenario: str, job: str) -> None:
    """Records a request that Azure accepted: its job counts before any list shows it."""
    azure.recent_writes[scenario].requested[job] = datetime.now(UTC)

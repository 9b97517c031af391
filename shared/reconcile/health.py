"""Findings about the replication of a VM: failed attempts, the initial replication, health, and age."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from shared.config.profiles import Profile
from shared.model.findings import Finding
from shared.model.policy import Policy
from shared.model.replicated_item import HealthError, Job, JobStage, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import SourceVm
from shared.planning.catalog import NEVER_TESTED, NEWER_AGENT, RECOMMENDED, WARNED, finding_of
from shared.reconcile.drift import detached_disks, other_policy, unprotected_disks

_INITIAL_REPLICATION = timedelta(hours=24)
_RENEWAL = timedelta(days=30)

NO_ERRORS: Mapping[Any, Error] = MappingProxyType({})

# No successful test failover; disks that could be protected: each has a finding of its own.
_UNTESTED, _MORE_DISKS = "161011", "153039"


def of_attempts(
    name: str, enables: Iterable[Job], item: ProtectedItem | None = None, errors: Mapping[str, Error] = NO_ERRORS
) -> Iterator[Finding]:
    """A finding if the last attempt to enable the VM failed. The failed item names the cause, the list of jobs does
    not: `errors` are those of jobs that were read by name."""
    last = last_of(enables)
    failed = last if last and last.stage is JobStage.FAILED else None
    if item:
        cause = "; ".join(map(str, item.errors)) or item.state_description or item.state
        yield finding_of("EnableFailed", f"Enabling {name} failed: {cause}", failed.ended if failed else None)
    elif failed and (error := errors.get(failed.name)):
        text = f"Enabling {name} failed: {error.code}: {error.message}"
        yield finding_of("EnableFailed", text, failed.ended, RECOMMENDED if error.action else "", action=error.action)
    elif failed:
        yield finding_of(
            "EnableFailed", f"Enabling {name} failed: see the job {failed.name} in the vault.", failed.ended
        )


def of_replicating(name: str, enables: Iterable[Job], item: ProtectedItem, now: datetime) -> Iterator[Finding]:
    last = last_of(job for job in enables if job.stage is JobStage.SUCCEEDED)
    if last and last.ended and now - last.ended >= _INITIAL_REPLICATION:
        come = "" if item.percent is None else f", and has reached {item.percent} %"
        text = f"{name} has been replicating since {last.ended:%Y-%m-%d %H:%M}{come}."
        yield finding_of("InitialReplicationStalled", text, last.ended)
    yield from _of_health(name, item)


def of_protected(
    vm: SourceVm,
    item: ProtectedItem,
    profile: Profile,
    policy: Policy | None,
    wanted: Policy,
    now: datetime,
    failed: Mapping[ResourceId, Error] = NO_ERRORS,
    left_out: Mapping[ResourceId, str] = MappingProxyType({}),
    protected_since: datetime | None = None,
) -> tuple[Finding, ...]:
    """Findings about a protected VM, without those about its settings. `policy` is the policy of the item; `failed` are
    the disks that could not be added, with the error, `left_out` those that are not to be replicated, with the reason.
    `protected_since` is None if that is not known.
    """
    return (
        *_of_health(vm.id.name, item),
        *of_failover_health(vm.id.name, item),
        *_of_rpo(vm.id.name, item, profile, now),
        *unprotected_disks(vm, item, failed, left_out),
        *detached_disks(vm, item),
        *other_policy(vm, policy, wanted),
        *_of_agent(vm.id.name, item, now),
        *of_tests(vm.id.name, item, profile, now, protected_since),
    )


_CRITICAL = "critical"
_ILL = {"warning", _CRITICAL}


def _of_health(name: str, item: ProtectedItem) -> Iterator[Finding]:
    if item.replication_health.lower() not in _ILL:
        return
    elsewhere = {*_of_failover(item), *(error for error in item.errors if error.code in {_UNTESTED, _MORE_DISKS})}
    errors = [error for error in item.errors if error not in elsewhere]
    if not errors and item.errors:
        return
    text = f"The replication of {name} is in health {item.replication_health}: {_causes(errors)}."
    yield finding_of("Unhealthy", text, _first(errors))


def of_failover_health(name: str, item: ProtectedItem) -> Iterator[Finding]:
    """A finding if the service says that a failover would meet with something, apart from that none was ever tested."""
    errors, health = _of_failover(item), item.failover_health
    untested = any(error.code == _UNTESTED for error in item.errors)
    # That none was tested makes a Warning of it, and never more.
    if health.lower() not in _ILL or (untested and not errors and health.lower() != _CRITICAL):
        return
    text = f"The failover of {name} is in health {health}: {_causes(errors)}."
    advice = " ".join(dict.fromkeys(error.action for error in errors if error.action))
    case = "" if health.lower() == _CRITICAL else WARNED
    yield finding_of("FailoverNotReady", text, _first(errors), case, action=advice)


def _of_failover(item: ProtectedItem) -> list[HealthError]:
    """The errors that are reported of its failover: those of an item whose failover is in health."""
    if item.failover_health.lower() not in _ILL:
        return []
    return [error for error in item.errors if error.of_failover and error.code != _UNTESTED]


def _causes(errors: Iterable[HealthError]) -> str:
    return "; ".join(map(str, errors)) or "the service names no error"


def _first(errors: Iterable[HealthError]) -> datetime | None:
    return min((error.since for error in errors if error.since), default=None)


def _of_rpo(name: str, item: ProtectedItem, profile: Profile, now: datetime) -> Iterator[Finding]:
    limit = timedelta(minutes=profile.rpo_limit_minutes)
    rpo = timedelta(seconds=item.rpo_seconds or 0)
    # The service calculates the RPO every few minutes; a stale figure is as bad as an old recovery point.
    age = now - item.rpo_at if item.rpo_at else timedelta()
    if rpo > limit:
        text = f"The last recovery point of {name} is {_minutes(rpo)} min old; its profile allows {_minutes(limit)}."
        yield finding_of("RpoBreached", text, item.rpo_at - rpo + limit if item.rpo_at else None)
    elif age > 2 * limit:
        text = f"The recovery point objective of {name} was last calculated {_minutes(age)} min ago."
        yield finding_of("RpoBreached", text, item.rpo_at)


def _of_agent(name: str, item: ProtectedItem, now: datetime) -> Iterator[Finding]:
    agent = item.agent
    if agent.expires and agent.expires - now < _RENEWAL:
        yield finding_of("AgentOutdated", f"The mobility agent of {name} is supported until {agent.expires:%Y-%m-%d}.")
    elif agent.certificate_outdated:
        yield finding_of("AgentOutdated", f"The certificate of the mobility agent of {name} has to be renewed.")
    elif agent.outdated:
        text = f"There is a newer mobility agent than {agent.version or 'the one'} of {name}."
        yield finding_of("AgentOutdated", text, case=NEWER_AGENT)


def of_tests(
    name: str, item: ProtectedItem, profile: Profile, now: datetime, protected_since: datetime | None
) -> Iterator[Finding]:
    """A finding if the last test failover is longer ago than the profile allows. The days of a VM that was never tested
    count from its protection."""
    days, counted_from = profile.test_failover_days, item.tested_at or protected_since
    if days == 0:
        return
    overdue = counted_from is not None and now - counted_from > timedelta(days=days)
    if overdue and item.tested_at:
        text = f"The last test failover of {name} was on {item.tested_at:%Y-%m-%d}; its profile allows {days} days."
        yield finding_of("TestFailoverOverdue", text, item.tested_at)
    elif overdue and protected_since:
        text = f"No test failover of {name} has succeeded since it was protected on {protected_since:%Y-%m-%d}; its "
        yield finding_of("TestFailoverOverdue", f"{text}profile allows {days} days.", protected_since)
    elif any(error.code == _UNTESTED for error in item.errors):
        text = f"No test failover of {name} has succeeded so far ({_UNTESTED})."
        yield finding_of("TestFailoverOverdue", text, case=NEVER_TESTED)


def last_of(jobs: Iterable[Job]) -> Job | None:
    """The job that was started last, or None."""
    started = ((job.started, job) for job in jobs if job.started)
    return max(started, key=lambda pair: pair[0], default=(None, None))[1]


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)

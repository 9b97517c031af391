"""Findings about the replication of a VM: failed attempts, the initial replication, health, and age."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from shared.config.profiles import Profile
from shared.model.findings import Finding
from shared.model.replicated_item import Job, JobStage, ProtectedItem
from shared.model.replication import Policy
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import SourceVm
from shared.planning.catalog import NEVER_TESTED, NEWER_AGENT, RECOMMENDED, finding_of
from shared.reconcile.drift import detached_disks, other_policy, unprotected_disks

_INITIAL_REPLICATION = timedelta(hours=24)
# Microsoft's advice is a drill every six months.
_TEST_FAILOVER = timedelta(days=180)
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
) -> tuple[Finding, ...]:
    """Findings about a protected VM, without those about its settings. `policy` is the policy of the item; `failed` are
    the disks that could not be added, with the error, `left_out` those that are not to be replicated, with the reason.
    """
    return (
        *_of_health(vm.id.name, item),
        *_of_rpo(vm.id.name, item, profile, now),
        *unprotected_disks(vm, item, failed, left_out),
        *detached_disks(vm, item),
        *other_policy(vm, policy, wanted),
        *_of_agent(vm.id.name, item, now),
        *_of_tests(vm.id.name, item, now),
    )


def _of_health(name: str, item: ProtectedItem) -> Iterator[Finding]:
    if item.replication_health.lower() not in {"warning", "critical"}:
        return
    errors = [error for error in item.errors if error.code not in {_UNTESTED, _MORE_DISKS}]
    if not errors and item.errors:
        return
    causes = "; ".join(map(str, errors)) or "the service names no error"
    since = min((error.since for error in errors if error.since), default=None)
    yield finding_of("Unhealthy", f"The replication of {name} is in health {item.replication_health}: {causes}.", since)


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


def _of_tests(name: str, item: ProtectedItem, now: datetime) -> Iterator[Finding]:
    if item.tested_at and now - item.tested_at > _TEST_FAILOVER:
        text = f"The last test failover of {name} was on {item.tested_at:%Y-%m-%d}."
        yield finding_of("TestFailoverOverdue", text, item.tested_at)
    elif any(error.code == _UNTESTED for error in item.errors):
        text = f"No test failover of {name} has succeeded so far ({_UNTESTED})."
        yield finding_of("TestFailoverOverdue", text, case=NEVER_TESTED)


def last_of(jobs: Iterable[Job]) -> Job | None:
    """The job that was started last, or None."""
    started = ((job.started, job) for job in jobs if job.started)
    return max(started, key=lambda pair: pair[0], default=(None, None))[1]


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)

"""A sweep over the estate: the state that it carries from pass to pass, and what it reports at its end."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from shared.domain.estate import Action, Standing, State, Survey
from shared.domain.findings import Finding
from shared.domain.model import Model
from shared.domain.outcome import Error
from shared.domain.resource_id import ResourceId
from shared.domain.run import Phase

PER_PAIR, PER_VAULT = 200, 400
"""VMs that are enabled at once by a sweep. Site Recovery has published no limit; the portal takes ten at a time."""


class Summary(Model):
    """An estate in numbers. `required` VMs are those that are tagged and no copies; of them `compliant` ones need
    nothing. `by_state` leaves out what nobody asked for; `by_finding` counts VMs by finding."""

    total: int = 0
    required: int = 0
    compliant: int = 0
    by_state: dict[str, int] = {}
    by_finding: dict[str, int] = {}

    @classmethod
    def of(cls, standings: Iterable[Standing]) -> Self:
        every = tuple(standings)
        required = [standing for standing in every if standing.counts]
        codes = (code for standing in every for code in {finding.code for finding in standing.findings})
        return cls(
            total=len(every),
            required=len(required),
            compliant=sum(standing.compliant for standing in required),
            by_state=dict(sorted(Counter(standing.state.value for standing in every).items())),
            by_finding=dict(sorted(Counter(codes).items())),
        )


class Work(Model):
    """A VM whose run the sweep has started. `pair` names its vault and its region."""

    vm_id: ResourceId
    pair: str


class SweepReport(Model):
    """What a sweep found and did. `started` counts the runs it started, by action; `stopped` says what it left for
    another time, and why; with `gaps` it has not seen everything."""

    read_at: datetime
    ended_at: datetime | None = None
    summary: Summary = Summary()
    started: dict[str, int] = {}
    stopped: tuple[Finding, ...] = ()
    gaps: tuple[str, ...] = ()
    writes_off: str = ""
    error: Error | None = None


class Sweep(Model):
    """Whatever runs for a VM's event has the way before it. `after` is how far it has come in each pair (the last VM's
    lower-cased ID); `under_way` are the VMs that crowd their vault now; `passed_over` counts those that the day's
    enables do not suffice for. Times are absolute, in UTC."""

    poll_seconds: float
    wake_at: datetime | None = None
    after: dict[str, str] = {}
    under_way: tuple[Work, ...] = ()
    passed_over: int = 0
    report: SweepReport | None = None
    faults: int = 0
    done: bool = False
    in_background: Literal[True] = True

    def but(self, **changes: Any) -> Self:
        return self.model_copy(update=changes)

    def status(self) -> dict[str, Any]:
        """The custom status: what an operator wants to see while it runs."""
        started = sum(self.report.started.values()) if self.report else 0
        required = self.report.summary.required if self.report else 0
        return {"required": required, "started": started, "underWay": len(self.under_way), "faults": self.faults}


def unhealthy(survey: Survey) -> tuple[Standing, ...]:
    """The VMs that somebody has to be told of: protected, and not as they should be."""
    return tuple(each for each in survey.standings if each.state is State.PROTECTED and not each.compliant)


def pair_of(standing: Standing) -> str:
    """The vault and the region of a VM: what is made once for all its like."""
    return f"{standing.vault.key if standing.vault else ''}|{standing.location}"


def vault_of(pair: str) -> str:
    return pair.split("|", 1)[0]


def crowds(status: Mapping[str, Any]) -> bool:
    """Whether the run with this custom status keeps its vault busy, or is about to: not while it waits for the end of
    its initial replication, of somebody's grace, or of what went wrong."""
    replicates = status.get("phase") == Phase.FOLLOW and not status.get("job")
    return not (replicates or "lastError" in status or "disableAt" in status)


def ready_pairs(survey: Survey) -> set[str]:
    """Those in which something is protected already: what their VMs share is there."""
    return {pair_of(standing) for standing in survey.standings if standing.item_id}


@dataclass(frozen=True)
class Window:
    """The VMs whose runs are to be started now, how far the sweep has come with them, and how many it passed over."""

    chosen: tuple[Standing, ...]
    after: dict[str, str]
    passed_over: int


def next_window(survey: Survey, after: Mapping[str, str], under_way: Mapping[str, int], enables: int) -> Window:
    """The next VMs in the order of their IDs, pair by pair: as many as their pair and its vault have room for, and of
    those to be enabled at most `enables`.

    In a pair where nothing is protected yet one VM goes first, and makes what all of them share. `under_way` counts by
    pair.
    """
    ready, in_vault, passed_over = ready_pairs(survey), Counter[str](), 0
    for pair, count in under_way.items():
        in_vault[vault_of(pair)] += count
    chosen: list[Standing] = []
    come = dict(after)
    for pair, waiting in _waiting(survey, after).items():
        busy = under_way.get(pair, 0)
        room = min(PER_PAIR - busy, PER_VAULT - in_vault[vault_of(pair)])
        if pair not in ready:
            room = 1 if pair not in after else 0 if busy else room
        for standing in waiting:
            lacking = standing.action is Action.ENABLE and enables <= 0
            if room <= 0 and not lacking:
                break
            come[pair] = standing.vm_id.key
            if lacking:
                passed_over += 1
                continue
            enables -= standing.action is Action.ENABLE
            room -= 1
            in_vault[vault_of(pair)] += 1
            chosen.append(standing)
    return Window(tuple(chosen), come, passed_over)


def _waiting(survey: Survey, after: Mapping[str, str]) -> dict[str, list[Standing]]:
    """Those for which something is to be done and that this sweep has not come to yet, by pair, in order.

    What was not read in full says nothing of what is not there: then nothing is disabled.
    """
    found: dict[str, list[Standing]] = {}
    for standing in survey.standings:
        if standing.action is Action.NONE or (standing.action is Action.DISABLE and survey.gaps):
            continue
        pair = pair_of(standing)
        if standing.vm_id.key > after.get(pair, ""):
            found.setdefault(pair, []).append(standing)
    return found


def waits(survey: Survey, after: Mapping[str, str]) -> bool:
    """Whether there are VMs that this sweep has not come to yet."""
    return bool(_waiting(survey, after))

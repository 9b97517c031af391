"""A sweep over the estate: the state that it carries from pass to pass, and what it reports at its end."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from shared.domain.estate import Action, Standing, State, Survey
from shared.domain.findings import Finding
from shared.domain.model import Model
from shared.domain.outcome import Error
from shared.domain.resource_id import ResourceId


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
    summary: Summary
    started: dict[str, int] = {}
    stopped: tuple[Finding, ...] = ()
    gaps: tuple[str, ...] = ()
    writes_off: str = ""
    error: Error | None = None


class Sweep(Model):
    """`after` is how far it has come in each pair (the last VM's lower-cased ID); `under_way` are the VMs that crowd
    their vault now. Times are absolute, in UTC."""

    poll_seconds: float
    wake_at: datetime | None = None
    after: dict[str, str] = {}
    under_way: tuple[Work, ...] = ()
    report: SweepReport | None = None
    faults: int = 0
    done: bool = False

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


def work_of(survey: Survey) -> dict[str, list[Standing]]:
    """The VMs for which something is to be done, by pair, each list in the order of their IDs."""
    found: dict[str, list[Standing]] = {}
    for standing in survey.standings:
        if standing.action is not Action.NONE:
            found.setdefault(pair_of(standing), []).append(standing)
    return found

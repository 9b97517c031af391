"""The end of a run as it is published: whether to publish it, and when two ends are equal."""

from datetime import datetime

from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.plan import origins_of
from shared.model.resource_id import ResourceId
from shared.reconcile.run_state import RunOutcome, RunResult, RunState

_NOTABLE = {RunOutcome.FAILED, RunOutcome.NOT_ELIGIBLE, RunOutcome.DISABLED}

_UNTAGGED = {"ClassicVm", "FailoverVm", "OutOfScope"}
"""Blockers of VMs that do not request protection: their tags were not read, or are those of the original."""


class RunSummary(Model):
    """How a run ended, `at` which time (UTC), and whether the end is `notable` that subscribers get.

    The result carries no settings; `origins` are the layers that requested some of them. `publish_attempts` counts the
    failed attempts to publish the summary. `asked_by` goes to the archive only.
    """

    result: RunResult
    at: datetime
    notable: bool = False
    vault: ResourceId | None = None
    origins: tuple[str, ...] = ()
    disabling: bool = False
    asked_by: tuple[Caller, ...] = ()
    publish_attempts: int = 0

    @property
    def content(self) -> str:
        """The digest of the end: a run does not publish the same content twice."""
        code = self.result.error.code if self.result.error else ""
        return "|".join((self.result.outcome, code, *sorted(finding.code for finding in self.result.findings)))


def summary_of(run: RunState, at: datetime) -> RunSummary | None:
    """The summary, or None if the run has not ended, or if the VM neither requests protection nor has it."""
    result = run.result
    if result is None or (result.outcome in {RunOutcome.NOT_TAGGED, RunOutcome.GONE} and result.item_id is None):
        return None
    return RunSummary(
        result=result.with_(settings=()),
        at=at,
        notable=_is_notable(run, result),
        vault=run.vault,
        origins=origins_of(result.settings),
        disabling=run.disabling,
        asked_by=run.asked_by,
        publish_attempts=run.publish_attempts,
    )


def _is_notable(run: RunState, result: RunResult) -> bool:
    """Whether subscribers get the end: not for a run that changed nothing, nor for one of target resources only."""
    if run.targets_only:
        return False
    if result.outcome is RunOutcome.PROTECTED:
        return run.followed or bool(run.attempted_changes)
    return result.outcome in _NOTABLE and not any(finding.code in _UNTAGGED for finding in result.findings)

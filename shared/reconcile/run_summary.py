"""The end of a run, as others are told of it: when it is news, and what makes two ends the same."""

from datetime import datetime

from shared.model.base import Model
from shared.model.plan import origins_of
from shared.model.resource_id import ResourceId
from shared.reconcile.run_state import RunOutcome, RunResult, RunState

_NEWS = {RunOutcome.FAILED, RunOutcome.NOT_ELIGIBLE, RunOutcome.DISABLED}

_UNASKED = {"ClassicVm", "FailoverVm", "OutOfScope"}
"""Blockers of VMs whose protection nobody asks for: their tags were not read, or are the original's."""


class RunSummary(Model):
    """How a run ended, `at` which time (UTC), and whether the end is `news` that subscribers get.

    The result carries no settings; `origins` are the layers that requested some of them. `publish_attempts` counts the
    failed attempts to publish the summary.
    """

    result: RunResult
    at: datetime
    news: bool = False
    vault: ResourceId | None = None
    origins: tuple[str, ...] = ()
    disabling: bool = False
    publish_attempts: int = 0

    @property
    def content(self) -> str:
        """What there is to tell: one run does not tell the same twice."""
        code = self.result.error.code if self.result.error else ""
        return "|".join((self.result.outcome, code, *sorted(finding.code for finding in self.result.findings)))


def summary_of(run: RunState, at: datetime) -> RunSummary | None:
    """None if it has not ended, or if nothing asks for the VM's protection and nothing protects it: then nothing was
    decided."""
    result = run.result
    if result is None or (result.outcome in {RunOutcome.NOT_TAGGED, RunOutcome.GONE} and result.item_id is None):
        return None
    return RunSummary(
        result=result.model_copy(update={"settings": ()}),
        at=at,
        news=_is_news(run, result),
        vault=run.vault,
        origins=origins_of(result.settings),
        disabling=run.disabling,
        publish_attempts=run.publish_attempts,
    )


def _is_news(run: RunState, result: RunResult) -> bool:
    """That a VM is protected is news if this run had a part in it. Target resources alone are told to who asked."""
    if run.targets_only:
        return False
    if result.outcome is RunOutcome.PROTECTED:
        return run.followed or bool(run.attempted_changes)
    return result.outcome in _NEWS and not any(finding.code in _UNASKED for finding in result.findings)

"""The run of one VM, from its current state to Protected. Read `protect_vm` top to bottom: it is the product.

One instance for each VM at a time; its ID is a function of the ID of the VM and serves as the lock. It runs in passes,
one per generation. A pass publishes its status, waits for a timer or for `changed`, does the next missing step, and
continues as new with a small state. So a parked instance holds nothing but the wait: a deployment with other steps
finds its history compatible, the history stays short over hours of replication, and an early event costs nothing.

An event is a hint: `changed` sends the pass back to observing the VM, and may carry an order. The sender of an order
repeats it until the custom status or the result shows its token.

The run ends only after observing the VM, never on a wait, so that a change during the run is noticed before the end.
The result is published before the run completes; if an event arrives meanwhile, the VM is observed again, and another
result is published again.
"""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.disable import disable, outcome_of
from orchestrators.passes import late_events, wait
from orchestrators.publish import publish_end
from orchestrators.steps import Step, call_activity, named, not_ready, show, unexpected
from shared.config.intervals import FIRST_FOLLOW, FOLLOW_DRILL
from shared.model.activity_io import (
    ChangeRequest,
    EnableRequest,
    Failures,
    JobRequest,
    Observation,
    ObserveRequest,
    Remaining,
    ResourcesRequest,
    VmRequest,
)
from shared.model.decision import Action, Decision, State
from shared.model.order import hint_in
from shared.model.plan import Plan, origins_of
from shared.model.replicated_item import ProtectedItem
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.model.vm import SourceVm
from shared.planning.catalog import finding_of
from shared.reconcile.drift import not_changed
from shared.reconcile.run_state import CHANGED, MOST_CHANGES, WRITES_DISABLED, Phase, RunOutcome, RunState


def protect_vm(context: Context) -> Generator[Any, Any, dict[str, Any] | None]:
    """One pass. Returns the `RunResult` when the run has ended, else continues as new."""
    run = RunState.load(context.get_input())
    show(context, run.status())
    changed = context.wait_for_external_event(CHANGED)

    due = yield from wait(context, run, changed)
    heeded = 0
    if changed.is_completed:
        run, changed = _heed(run, changed), context.wait_for_external_event(CHANGED)
        due, heeded = True, 1
    if due and not run.result:
        try:
            run = yield from _pass(context, run)
        except Exception as fault:
            run = run.back_off(context.current_utc_datetime, unexpected(fault))
    if due and run.result:
        run = yield from publish_end(context, run)

    yield from late_events(context, changed, heeded)
    if changed.is_completed:
        run = _heed(run, changed)
    if run.result and run.resume_at is None:
        show(context, run.status())
        return run.result.dump()
    context.continue_as_new(run.dump())
    return None


def _heed(run: RunState, changed: Any) -> RunState:
    """The state after the event: the VM is observed at once, with the order that the event may carry."""
    return run.take_up(hint_in(changed.result))


def _pass(context: Context, run: RunState) -> Step:
    if run.phase is Phase.FOLLOW:
        return (yield from _follow(context, run))
    if run.phase is Phase.TARGETS:
        run = yield from _create_targets(context, run)
        return run if run.remaining or run.result else run.requeue()
    return (yield from _observe(context, run))


def _observe(context: Context, run: RunState) -> Step:
    """Observes the VM and its item, and does the next step, if any."""
    request = ObserveRequest(
        vm_id=run.vm_id,
        as_if_tagged=run.targets_only,
        confirmed=run.confirmed,
        plans=not run.job,
        may_settle=run.may_settle(context.current_utc_datetime),
        failures=Failures(failed_disks=run.failed_disks, refusals=run.refusals, retry_disks=bool(run.orders)),
    )
    outcome = yield from call_activity(context, run, "resolve_source", request)
    if not isinstance(outcome, Ready):
        return not_ready(context, run, outcome)
    observation = Observation.load(outcome.value)
    decision, vm, item = observation.decision, observation.vm, observation.item
    if vm:
        run = run.with_(vm_id=vm.id)  # an event may write it in another casing than Azure
    if item:
        run = run.with_(item_id=item.id, vault=item.vault)
    if decision.wanted:
        # A confirmation counts for one disable only: the VM is tagged again.
        run = run.with_(disable_at=None, disabling=False, confirmed=False)
        if item and run.targets_only:
            return run.finish(RunOutcome.TARGETS_READY)
    if decision.action is Action.DISABLE:
        return (yield from disable(context, run, decision))
    if decision.action is Action.FOLLOW:
        return _follow_item(context, run, decision, item)
    if decision.action is Action.CHANGE and item and vm:
        return (yield from _keep(context, run, observation, vm))
    if decision.action is Action.ENABLE and vm:
        return (yield from _enable(context, run, observation, vm))
    return run.finish(outcome_of(run, decision, item), decision.findings)


def _follow_item(context: Context, run: RunState, decision: Decision, item: ProtectedItem | None) -> RunState:
    """Site Recovery is enabling or disabling the item, or replicates it for the first time; or a drill of it runs."""
    now = context.current_utc_datetime
    if decision.state is State.DRILLING:
        # What ends the drill signals this run.
        return run.sleep(now, FOLLOW_DRILL * run.poll_seconds, "Waiting until the drill is cleaned up", job="")
    if decision.state is not State.DISABLING:
        return run.follow(now, 0)
    if run.job and run.disabling:
        return run.follow(now, run.poll_seconds, step=run.step)
    disabling = item is not None and item.is_ours and not decision.wanted
    return run.sleep(now, run.poll_seconds, "Waiting until replication is disabled", job="", disabling=disabling)


def _enable(context: Context, run: RunState, observation: Observation, vm: SourceVm) -> Step:
    """The VM is not protected, or enabling it failed: waits for what is in progress, removes the failed item, and
    enables."""
    now = context.current_utc_datetime
    if run.job:
        return run.follow(now, 0 if observation.item else run.poll_seconds)
    if observation.item:
        outcome = yield from call_activity(context, run, "remove_failed_item", VmRequest(vm_id=run.vm_id))
        if not isinstance(outcome, Ready):
            return not_ready(context, run, outcome)
        return run.sleep(now, run.poll_seconds, "Removing the failed item")
    if vm.is_settling and run.may_settle(now):
        return run.wait_to_settle(now, vm)
    if observation.planning is None:
        # When the VM was observed, it was not old enough, or had time left to settle.
        return run.wait_until(now, observation.decision.not_before or now, "Waiting until the VM is old enough")
    return (yield from _protect(context, run.with_(settling=None), observation.planning))


def _keep(context: Context, run: RunState, observation: Observation, vm: SourceVm) -> Step:
    """The VM is protected: changes differences from the plan in place, one job at a time."""
    now = context.current_utc_datetime
    if observation.planning is None:
        return run.follow(now, run.poll_seconds if run.changing else 0, step=run.step)
    if not isinstance(observation.planning, Ready):
        return _not_planned(context, run, observation.planning)
    plan = Plan.load(observation.planning.value)
    run = run.with_(settings=plan.settings)
    findings = tuple(dict.fromkeys((*observation.decision.findings, *plan.findings, *run.enabled_with)))
    if not plan.changes.any:
        changed = run.changed and not (run.failed_disks or run.refusals)
        return run.with_(changed=changed).finish(RunOutcome.PROTECTED, findings)
    if plan.writes_disabled:
        disabled = finding_of(WRITES_DISABLED, f"{plan.writes_disabled}. {plan.changes}")
        return run.finish(RunOutcome.PROTECTED, (*findings, disabled))
    step = next((step for step in plan.changes.steps if step.key not in run.attempted_changes), None)
    if step is None or len(run.attempted_changes) >= MOST_CHANGES + len(vm.disks):
        findings = (*findings, not_changed(vm, plan.changes, run.last_error))
        return run.with_(changed=False).finish(RunOutcome.PROTECTED, findings)
    change = ChangeRequest(vm_id=run.vm_id, changes=step, origins=origins_of(plan.settings))
    outcome = yield from call_activity(context, run, "change_protection", change)
    adding = next((disk.id for disk in step.added_disks), None)
    tried = run.with_(attempted_changes=(*run.attempted_changes, step.key), adding=adding, attempt=step.attempt)
    if isinstance(outcome, Failed):
        remembered = {"adding": None, "attempt": ""} if outcome.by_settings else {}
        return tried.with_(**remembered).change_ended(now, outcome.error)
    if not isinstance(outcome, Ready):
        return not_ready(context, run, outcome)
    run = tried.with_(changing=True)
    return run.follow(now, run.poll_seconds, outcome.value["job"], "Changing the settings of the replicated item")


def _not_planned(context: Context, run: RunState, planning: StepResult) -> RunState:
    return not_ready(context, run, named(planning, "Planning the protection"))


def _protect(context: Context, run: RunState, planning: StepResult) -> Step:
    """The VM is not protected: creates missing target resources of its plan, and enables replication.

    If the target resources are not ready at once, the run observes the VM again before it enables.
    """
    if not isinstance(planning, Ready):
        return _not_planned(context, run, planning)
    plan = Plan.load(planning.value)
    run = run.with_(settings=plan.settings, changing=False, changed=False, attempted_changes=())
    if plan.blockers or plan.replication is None:
        return run.finish(RunOutcome.NOT_ELIGIBLE, plan.findings)
    if plan.writes_disabled:
        return run.finish(RunOutcome.REPORTED, (*plan.findings, finding_of(WRITES_DISABLED, plan.writes_disabled)))
    run = yield from _create_targets(context, run.with_(remaining=plan.resources, vault=plan.replication.vault))
    if run.remaining or run.result:
        return run
    if run.targets_only:
        return run.finish(RunOutcome.TARGETS_READY, plan.findings)
    request = EnableRequest(vm_id=run.vm_id, replication=plan.replication, origins=origins_of(plan.settings))
    outcome = yield from call_activity(context, run, "enable_protection", request)
    if not isinstance(outcome, Ready):
        return not_ready(context, run, outcome)
    run = run.with_(enabled_with=plan.findings)
    return run.follow(context.current_utc_datetime, FIRST_FOLLOW * run.poll_seconds, outcome.value["job"])


def _create_targets(context: Context, run: RunState) -> Step:
    """The run with the resources that remain; it waits for them, or has failed. With none, it continues."""
    remaining, obstacle = run.remaining, None
    if remaining:
        outcome = yield from call_activity(context, run, "create_target_resources", ResourcesRequest(waves=remaining))
        if isinstance(outcome, Ready):
            left = Remaining.load(outcome.value) if outcome.value else None
            remaining, obstacle = (left.waves, left.obstacle) if left else ((), None)
        else:
            obstacle = outcome
    if isinstance(obstacle, Pending):
        return run.wait_for_targets(context.current_utc_datetime, obstacle, remaining)
    if isinstance(obstacle, Failed):
        return run.fail(obstacle)
    return run.with_(remaining=(), targets_wait=None)


def _follow(context: Context, run: RunState) -> Step:
    """Follows the enable job, then the initial replication; observing the VM afterwards decides what comes next."""
    # The pass that observes is due since the same time, so that runs which end together read together.
    due = run.due(context.current_utc_datetime)
    run = run.with_(followed=True, published_digest="")
    elapsed = run.enabling_for(context.current_utc_datetime)
    request = JobRequest(vm_id=run.vm_id, job=run.job, vault=run.vault, elapsed=elapsed)
    outcome = yield from call_activity(context, run, "monitor_job", request)
    if not isinstance(outcome, Ready):
        return not_ready(context, run, outcome)
    error = Error.load(outcome.value["error"]) if "error" in outcome.value else None
    if run.changing:
        return run.change_ended(context.current_utc_datetime, error)
    if error:
        return run.attempt_failed(context.current_utc_datetime, error)
    return run.with_(job="", phase=Phase.OBSERVE, resume_at=due)

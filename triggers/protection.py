"""GET and PUT of one VM's protection over HTTP."""

from http import HTTPStatus
from typing import Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.model.activity_io import Decision, Observation
from shared.model.replicated_item import Stage
from shared.model.step_result import first_line
from shared.observe.preview import Planned, blockers_of, planned, write_tags
from shared.observe.vm import observe, plan_for
from shared.orchestrations import RUNNING, instance_of, last_change_of, status_of
from shared.reconcile.run_state import RunState
from shared.site_recovery.item_details import read_details
from shared.site_recovery.policies import edit, find_edit
from triggers.handing_over import hand_over_and_respond
from triggers.problems import FieldError, Problem
from triggers.requests import flags_of, no_such_vm, require_writes, tags_of, translate_azure_errors, vm_of
from triggers.routes import CONFIRM, TARGETS_ONLY
from triggers.views import ProtectionView


async def put_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Enable: plans, writes `dr` and the tags of the body in one call, and hands the order to the run. `targetsOnly`
    writes no tag, and has the target resources made and nothing else; `confirm` edits the policy of a profile that was
    changed.

    Raises Problem; then nothing was written, but the tags with `RunNotStarted`, and what was confirmed if a tag fails.
    """
    vm = vm_of(azure.settings, request)
    flags = flags_of(request, TARGETS_ONLY, CONFIRM)
    tags = tags_of(azure.settings, request)
    targets_only = TARGETS_ONLY in flags
    if targets_only:
        _reject_body_without_tags(flags, tags)
    require_writes(azure.settings)
    observation = await translate_azure_errors(observe(azure, vm, as_if_tagged=True, request=tags))
    if observation.decision is Decision.GONE or observation.vm is None:
        raise no_such_vm(vm)
    found = await translate_azure_errors(planned(azure, observation))
    _reject_blocked(observation, found)
    if CONFIRM in flags:
        await _edit_policy(azure, observation, found)
    if not targets_only:
        await translate_azure_errors(write_tags(azure, observation.vm, tags))
    run = RunState(vm_id=vm, poll_seconds=azure.settings.poll_seconds, targets_only=targets_only)
    done = "No tag was to be written" if targets_only else "The tag is written"
    return await hand_over_and_respond(azure.settings, client, request, run, done)


async def get_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """The details of the item that protects the VM, and the state or result of its run; with `targetsOnly` of the run
    that creates the target resources. Raises Problem."""
    vm = vm_of(azure.settings, request)
    flags = flags_of(request, TARGETS_ONLY)
    # `confirmed` includes the item of an untagged or deleted VM.
    observation = await translate_azure_errors(observe(azure, vm, as_if_tagged=True, confirmed=True))
    try:
        status = await status_of(client, instance_of(vm, targets_only=TARGETS_ONLY in flags))
    except Exception as error:
        detail = f"The state of the run cannot be read: {error}"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "StatusNotRead", detail, retry_after=10) from None
    if observation.decision is Decision.GONE and observation.item is None and status.runtime_status is None:
        raise no_such_vm(vm)
    plan = None
    if (
        observation.vm
        and observation.decision is Decision.PROTECT
        and observation.item
        and observation.item.stage is Stage.PROTECTED
    ):
        plan = await translate_azure_errors(plan_for(azure, observation.vm, observation.item))
    details = await translate_azure_errors(read_details(azure, observation.item)) if observation.item else None
    running = status.runtime_status in RUNNING
    return ProtectionView(
        vm_id=vm,
        exists=observation.vm is not None,
        tagged=observation.vm is not None and azure.settings.requests_protection(observation.vm.tags),
        item=observation.item,
        details=details,
        settings=plan.settings if plan else (),
        findings=(*observation.findings, *(plan.findings if plan else ())),
        running=running,
        run=status.custom_status if running else _without_stack(status.output),
        last_change=last_change_of(status),
    ).response()


def _without_stack(output: Any) -> Any:
    """The result of a run; of one that failed by itself, a text, what it says before the stack trace."""
    return first_line(output) if isinstance(output, str) else output


def _reject_body_without_tags(flags: set[str], tags: dict[str, str]) -> None:
    """A run of target resources only takes its overrides from the tags of the VM: a body has no place to be stored."""
    if CONFIRM in flags:
        error = FieldError(field=CONFIRM, given="true", allowed=f"nothing beside {TARGETS_ONLY}=true")
        detail = f"{CONFIRM} edits a policy; {TARGETS_ONLY} creates the target resources and nothing else."
        raise Problem(HTTPStatus.BAD_REQUEST, "InvalidQuery", detail, errors=(error,))
    if tags:
        errors = tuple(
            FieldError(field=name, given=value[:80], allowed=f"nothing beside {TARGETS_ONLY}=true")
            for name, value in tags.items()
        )
        detail = (
            f"With {TARGETS_ONLY}=true no tag is written, and the body would be stored nowhere: tag the VM "
            "first, or leave the body out. POST .../plan tries a body without writing anything."
        )
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "BodyNeedsTags", detail, errors=errors)


def _reject_blocked(observation: Observation, found: Planned) -> None:
    """Raises Problem for blockers of the run, before anything is written."""
    blockers = blockers_of(observation, found)
    if blockers:
        detail = " ".join(finding.message for finding in blockers)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "NotEligible", detail, findings=blockers)


async def _edit_policy(azure: Azure, observation: Observation, found: Planned) -> None:
    plan = found.plan
    if (
        observation.item is None
        or observation.item.stage is not Stage.PROTECTED
        or plan is None
        or plan.replication is None
    ):
        raise _nothing_to_confirm("the VM is not protected yet")
    wanted = plan.replication.policy
    if await translate_azure_errors(find_edit(azure, observation.item, plan.profile, wanted, refresh=True)) is None:
        why = "the policy matches, this app did not create it for this profile, or a profile still requests its values"
        raise _nothing_to_confirm(why)
    error = await translate_azure_errors(edit(azure, observation.item, plan.profile, wanted))
    if error:
        raise Problem(HTTPStatus.BAD_GATEWAY, error.code, f"The policy was not edited, no tag was written: {error}")


def _nothing_to_confirm(why: str) -> Problem:
    detail = f"There is no policy to be edited: {why}. Nothing was written; the plan says what {CONFIRM} would do."
    return Problem(HTTPStatus.CONFLICT, "NothingToConfirm", detail)

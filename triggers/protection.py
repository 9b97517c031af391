"""GET and PUT of one VM's protection over HTTP."""

from http import HTTPStatus

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.arm.tags import write_tags
from shared.config.settings import Intent, Settings
from shared.instance_status import RUNNING, last_change_of, last_run_of, output_of
from shared.model.activity_io import Observation
from shared.model.decision import Action
from shared.model.findings import Finding
from shared.model.plan import Plan
from shared.model.replicated_item import Stage
from shared.model.resource_id import ResourceId
from shared.observe.preview import Planned, blockers_of, planned
from shared.observe.readiness import readiness_of
from shared.observe.vm import observe, plan_for
from shared.orchestrations import instance_of, status_of
from shared.reconcile.inventory import VmStatus
from shared.reconcile.last_run import LastRun
from shared.reconcile.reason import Reason, reason_of
from shared.reconcile.run_state import RunState
from shared.site_recovery.item_details import read_details
from shared.site_recovery.policies import edit, find_edit
from triggers.handing_over import hand_over_and_respond
from triggers.operations import ON_READ, describe, flag, of_protection, with_body
from triggers.problems import FieldError, Problem, status_not_read
from triggers.requests import flags_of, no_such_vm, require_writes, tags_of, translate_azure_errors, vm_of
from triggers.routes import CONFIRM, TARGETS_ONLY
from triggers.views import Accepted, ProtectionView


@describe(
    "Enable: plans, writes the VM's tags, and starts its run",
    Accepted,
    "Accepted",
    {
        **with_body(),
        HTTPStatus.CONFLICT: "WritesDisabled: report mode, or paused; NothingToConfirm; or another setting forbids the "
        "write",
        HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidBody, BodyNeedsTags (see `errors`); NotEligible: `findings` say why. "
        "Nothing was written",
        HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or RunNotStarted: the tags are "
        "written, and no run has accepted the request",
    },
    status=HTTPStatus.ACCEPTED,
    query=lambda _: [
        flag(TARGETS_ONLY, "Creates the target resources and nothing else. Writes no tag, and takes no body."),
        flag(
            CONFIRM,
            "Edits the policy that the VM is under, for all VMs under it, as the plan shows it. After a failover whose "
            "replication was disabled: this VM is the one to protect.",
        ),
    ],
    body=of_protection,
)
async def put_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Enables the VM: plans, writes `dr` and the tags of the body in one call, and hands the order to the run.

    `targetsOnly` writes no tag: the run creates the target resources and nothing else. `confirm` also edits the policy
    of the VM if its profile has changed; after a failover it confirms that this VM is to be protected, and not the
    other one.

    Raises Problem. Nothing was written then, with two exceptions: with `RunNotStarted` the tags are written, and if the
    tags cannot be written, an edited policy stays edited.
    """
    vm = vm_of(azure.settings, request)
    flags = flags_of(request, TARGETS_ONLY, CONFIRM)
    tags = tags_of(azure.settings, request)
    targets_only = TARGETS_ONLY in flags
    if targets_only:
        _reject_body_without_tags(flags, tags)
    require_writes(azure.settings)
    observation = await translate_azure_errors(
        observe(azure, vm, intent=Intent.YES, request=tags, released=CONFIRM in flags)
    )
    if observation.vm is None:
        raise no_such_vm(vm)
    found = await translate_azure_errors(planned(azure, observation, tagging=not targets_only))
    _reject_blocked(observation, found)
    if CONFIRM in flags and observation.failover:
        await translate_azure_errors(azure.failovers.confirm(observation.failover))
    elif CONFIRM in flags:
        await _edit_policy(azure, observation, found)
    if not targets_only:
        await translate_azure_errors(write_tags(azure, observation.vm, tags))
    run = RunState(vm_id=observation.vm.id, poll_seconds=azure.settings.poll_seconds, targets_only=targets_only)
    done = "No tag was to be written" if targets_only else "The tag is written"
    return await hand_over_and_respond(azure.settings, client, request, run, done)


@describe(
    "What protects the VM now, in detail, and the state of its run or the result of the last one",
    ProtectionView,
    "The VM's protection",
    ON_READ,
    query=lambda _: [flag(TARGETS_ONLY, "Shows the run that creates the target resources only.")],
)
async def get_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """The details of the item that protects the VM, and the state or result of its run. `targetsOnly` selects the run
    that only creates the target resources. Raises Problem."""
    vm = vm_of(azure.settings, request)
    flags = flags_of(request, TARGETS_ONLY)
    observation = await translate_azure_errors(observe(azure, vm, thorough=True))
    try:
        status = await status_of(client, instance_of(vm, targets_only=TARGETS_ONLY in flags))
    except Exception as error:
        raise status_not_read("the run", error) from None
    if observation.vm is None and observation.item is None and status.runtime_status is None:
        raise no_such_vm(vm)
    plan, decision = None, observation.decision
    if observation.vm and observation.item and observation.item.stage is Stage.PROTECTED and not decision.rejects:
        plan = await translate_azure_errors(plan_for(azure, observation.vm, observation.item))
    ready = await translate_azure_errors(readiness_of(azure, plan, observation.item))
    details = await translate_azure_errors(read_details(azure, observation.item)) if observation.item else None
    running, shown = status.runtime_status in RUNNING, observation.vm.id if observation.vm else vm
    return ProtectionView(
        vm_id=shown,
        exists=observation.vm is not None,
        tagged=observation.vm is not None and azure.settings.requests_protection(observation.vm.tags),
        item=observation.item,
        details=details,
        settings=plan.settings if plan else (),
        cost=plan.cost if plan else None,
        findings=(*decision.findings, *(plan.findings if plan else ()), *ready),
        running=running,
        run=status.custom_status if running else output_of(status),
        last_change=last_change_of(status),
        reason=_reason(azure.settings, shown, observation, plan, ready, last_run_of(status)),
    ).response()


def _reason(
    settings: Settings,
    vm: ResourceId,
    observation: Observation,
    plan: Plan | None,
    ready: tuple[Finding, ...],
    last: LastRun | None,
) -> Reason | None:
    """The reason, as a sweep would give it that finds what this observation shows."""
    decision = observation.decision
    changes = plan is not None and plan.changes.any
    idle = decision.action is Action.FOLLOW or (decision.action is Action.CHANGE and not changes)
    vm_status = VmStatus(
        vm_id=vm,
        state=decision.state,
        action=Action.NONE if idle else decision.action,
        findings=(*decision.findings, *(plan.findings if plan else ()), *ready),
        fingerprint=(last and last.result and last.result.fingerprint) or "unknown",
    )
    return reason_of(vm_status, last, settings.poll_seconds)


def _reject_body_without_tags(flags: set[str], tags: dict[str, str]) -> None:
    """Raises Problem for a body or `confirm` beside `targetsOnly`: that run reads its overrides from the VM's tags, and
    a body would be stored nowhere."""
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

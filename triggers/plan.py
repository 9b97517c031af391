"""POST of a plan: the dry run of PUT."""

import azure.functions as func

from shared.arm.client import Azure
from shared.config.settings import Intent
from shared.observe.preview import planned
from shared.observe.readiness import readiness_of
from shared.observe.vm import observe
from triggers.operations import describe, of_protection, with_body
from triggers.requests import flags_of, no_such_vm, tags_of, translate_azure_errors, vm_of
from triggers.views import PlanView


@describe("What PUT would do; nothing is written", PlanView, "The plan", with_body(), body=of_protection)
async def post_plan(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Every value with its origin and reason, every target resource with what would become of it, every finding; the
    body is tried as if the VM carried it as tags.

    Reads only, in any mode. Raises Problem.
    """
    vm = vm_of(azure.settings, request)
    flags_of(request)
    tags = tags_of(azure.settings, request)
    observation = await translate_azure_errors(observe(azure, vm, intent=Intent.YES, request=tags))
    if observation.vm is None:
        raise no_such_vm(vm)
    found = await translate_azure_errors(planned(azure, observation))
    ready = await translate_azure_errors(readiness_of(azure, found.plan, observation.item))
    return PlanView(
        vm_id=observation.vm.id,
        tagged=azure.settings.requests_protection(observation.vm.tags),
        blocked=bool(found.blockers),
        findings=(*found.findings, *ready),
        settings=found.plan.settings if found.plan else (),
        resources=found.resources,
        changes=found.changes,
        cost=found.plan.cost if found.plan else None,
        item=observation.item,
        writes_disabled=azure.settings.writes_disabled,
    ).response()

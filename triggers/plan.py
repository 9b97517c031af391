"""POST of a plan: what PUT would do, said and not done."""

import azure.functions as func

from shared.arm.client import Azure
from shared.model.activity_io import Verdict
from shared.observe.preview import planned
from shared.observe.vm import look_at
from triggers.requests import asked, flags_of, no_such_vm, tags_of, vm_of
from triggers.views import PlanView


async def post_plan(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Every value with its origin and reason, every target resource with what would become of it, every finding; the
    body is tried as if the VM carried it as tags.

    Reads only, in any mode. Raises Problem.
    """
    vm = vm_of(azure.settings, request)
    flags_of(request)
    tags = tags_of(azure.settings, request)
    source = await asked(look_at(azure, vm, as_if_tagged=True, request=tags))
    if source.verdict is Verdict.GONE or source.vm is None:
        raise no_such_vm(vm)
    found = await asked(planned(azure, source))
    return PlanView(
        vm_id=vm,
        tagged=azure.settings.asks_for_protection(source.vm.tags),
        blocked=bool(found.blockers),
        findings=found.findings,
        settings=found.plan.settings if found.plan else (),
        resources=found.resources,
        changes=found.changes,
        cost=found.plan.cost if found.plan else None,
        item=source.item,
        writes_disabled=azure.settings.writes_disabled,
    ).response()

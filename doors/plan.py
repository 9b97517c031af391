"""POST of a plan: what PUT would do, said and not done."""

import json
from typing import Any

import azure.functions as func

from doors.requests import asked, body_of, no_such_vm, vm_of
from shared.azure.gateway import Azure
from shared.azure.look import look_at, plan_for, preview
from shared.domain.findings import Finding, Severity
from shared.domain.messages import Verdict
from shared.domain.vm import SourceVm


async def post_plan(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Every value with its origin and reason, every target resource with `create` or `reuse`, every finding.

    Reads only, in any mode. Raises Problem.
    """
    vm = vm_of(azure.settings, request)
    body_of(request)
    source = await asked(look_at(azure, vm, as_if_tagged=True))
    if source.verdict is Verdict.GONE or source.vm is None:
        raise no_such_vm(vm)
    if source.verdict is Verdict.PROTECT and source.item is None:
        shown = await asked(_planned(azure, source.vm))
    else:
        shown = _shown(source.findings) | {"item": source.item.dump() if source.item else None}
    view = {"vmId": str(vm), "tagged": azure.settings.asks_for_protection(source.vm.tags), **shown}
    return func.HttpResponse(json.dumps(view | {"writesOff": azure.settings.writes_off}), mimetype="application/json")


async def _planned(azure: Azure, vm: SourceVm) -> dict[str, Any]:
    plan = await plan_for(azure, vm)
    resources, unfit = await preview(azure, plan)
    return _shown((*plan.findings, *unfit)) | {
        "settings": [setting.dump() for setting in plan.settings],
        "resources": [resource.dump() for resource in resources],
    }


def _shown(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """What every plan holds, whatever else it does."""
    return {
        "blocked": any(finding.severity is Severity.BLOCKER for finding in findings),
        "findings": [finding.dump() for finding in findings],
        "settings": [],
        "resources": [],
        "item": None,
    }

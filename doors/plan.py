"""POST of a plan: what PUT would do, said and not done."""

import json
from typing import Any

import azure.functions as func

from doors.requests import asked, body_of, no_such_vm, vm_of
from shared.azure.gateway import Azure
from shared.azure.look import look_at, plan_for, preview
from shared.domain.drift import frozen, unprotected_disks
from shared.domain.findings import Finding, Severity
from shared.domain.messages import Verdict
from shared.domain.protected_item import ProtectedItem, Stage
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
    if source.verdict is not Verdict.PROTECT:
        shown = _shown(source.findings)
    elif source.item:
        shown = _shown(_of_item(source.vm, source.item)) | {"item": source.item.dump()}
    else:
        shown = await asked(_planned(azure, source.vm))
    view = {"vmId": str(vm), "tagged": azure.settings.asks_for_protection(source.vm.tags), **shown}
    return func.HttpResponse(json.dumps(view | {"writesOff": azure.settings.writes_off}), mimetype="application/json")


async def _planned(azure: Azure, vm: SourceVm) -> dict[str, Any]:
    plan = await plan_for(azure, vm)
    resources, unfit = await preview(azure, plan)
    return _shown((*plan.findings, *unfit)) | {
        "settings": [setting.dump() for setting in plan.settings],
        "resources": [resource.dump() for resource in resources],
    }


def _of_item(vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    return (frozen(item),) if item.stage is Stage.FROZEN else unprotected_disks(vm, item)


def _shown(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """What every plan holds, whatever else it does."""
    return {
        "blocked": any(finding.severity is Severity.BLOCKER for finding in findings),
        "findings": [finding.dump() for finding in findings],
        "settings": [],
        "resources": [],
        "item": None,
    }

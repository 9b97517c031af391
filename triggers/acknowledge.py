"""PUT and DELETE of an acknowledgement: somebody knows of a cause of a VM, and no message about it is published."""

from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field

from shared.arm.archive import ArchiveError
from shared.arm.client import Azure
from shared.arm.message_files import acknowledgements, keep_order
from shared.model.acknowledgement import Acknowledgement
from shared.model.hold import ALLOWED, read_until
from shared.model.resource_id import ResourceId
from shared.model.values import one_of
from shared.observe.inventory import compliance_report
from shared.planning.catalog import CODES
from shared.reporting.message_state import ACKNOWLEDGED, ENDED
from shared.reporting.transitions import causes_of
from triggers.body import invalid_body, validated
from triggers.callers import caller_of
from triggers.estate_views import AcknowledgedCause
from triggers.hold import Reason, Until
from triggers.operations import ON_READ, describe, document_body, query, reference, with_body
from triggers.problems import FieldError, Problem
from triggers.requests import LARGEST_BODY, body_of, flags_of, query_of, translate_azure_errors, vm_of
from triggers.views import View

_CAUSE = "cause"


class AcknowledgeRequest(BaseModel):
    """Which cause of the VM is known: no message about it is published until it is resolved, or until a time."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    cause: str = Field(description="The code of a finding that the VM has, and that is no note.")
    until: Until = Field("", description=f"In the future: {ALLOWED}. Without it until the cause is resolved.")
    reason: Reason = Field("", description="Why.")


class AcknowledgementsView(View):
    """What is acknowledged of the VM now."""

    vm_id: ResourceId
    value: tuple[AcknowledgedCause, ...]


_EXAMPLES = {
    "until": ("For a while", {"cause": "RpoBreached", "until": "2030-12-24", "reason": "a migration of its disks"}),
    "open": ("Until it is resolved", {"cause": "TargetQuotaExceeded", "reason": "more quota is requested"}),
}
_ERRORS = {
    HTTPStatus.CONFLICT: "ArchiveNotSet: without DR_ARCHIVE there is nothing to keep it in",
    HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or ArchiveNotWritable",
}


@describe(
    "Acknowledge a cause of the VM: no message about it until it is resolved, or until a time",
    AcknowledgementsView,
    "What is acknowledged of the VM",
    {
        **with_body(),
        HTTPStatus.NOT_FOUND: "OutOfScope, for a VM that this app does not manage; or CauseNotOpen",
        **_ERRORS,
        HTTPStatus.SERVICE_UNAVAILABLE: f"{_ERRORS[HTTPStatus.SERVICE_UNAVAILABLE]}; or EstateNotRead: what could not "
        "be read may have the cause",
    },
    body=lambda _: document_body(reference(AcknowledgeRequest), _EXAMPLES, required=True),
)
async def put_acknowledge(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Replaces an earlier one of the same cause. It is kept in the archive, with who has asked. Raises Problem."""
    vm_id = vm_of(azure.settings, request)
    flags_of(request)
    given, now = validated(AcknowledgeRequest, body_of(request, LARGEST_BODY)), datetime.now(UTC)
    until = read_until(given.until) if given.until else None
    if until and until <= now:
        allowed = f"a time after {now:%Y-%m-%dT%H:%MZ}"
        raise invalid_body([FieldError(field="until", given=given.until, allowed=allowed)])
    _require_archive(azure)
    found = await translate_azure_errors(compliance_report(azure))
    of_vm = next((each for each in found.vm_statuses if each.vm_id == vm_id), None)
    open_now = sorted(causes_of(of_vm)) if of_vm else []
    if given.cause not in open_now and found.gaps:
        detail = f"{vm_id.name} may have the cause or not: {'; '.join(found.gaps[:5])}."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "EstateNotRead", detail, retry_after=30)
    if given.cause not in open_now:
        others = f"the open ones are {', '.join(open_now)}" if open_now else "it has no open cause"
        detail = f"{vm_id.name} does not have the cause {given.cause[:80]!r} now: {others}."
        raise Problem(HTTPStatus.NOT_FOUND, "CauseNotOpen", detail)
    known = Acknowledgement(vm_id=vm_id, cause=given.cause, until=until, reason=given.reason, at=now)
    return await _kept(azure, request, ACKNOWLEDGED, vm_id, [known])


@describe(
    "End an acknowledgement of the VM, or all of them",
    AcknowledgementsView,
    "What is still acknowledged of the VM",
    {**ON_READ, HTTPStatus.NOT_FOUND: "OutOfScope, for a VM that this app does not manage", **_ERRORS},
    query=lambda _: [query(_CAUSE, "Which: all of the VM's by default.", enum=sorted(CODES))],
)
async def delete_acknowledge(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Without an acknowledgement nothing is written. Raises Problem."""
    vm_id = vm_of(azure.settings, request)
    cause = query_of(request, {_CAUSE: one_of(*sorted(CODES))}).get(_CAUSE)
    _require_archive(azure)
    try:
        known = (await acknowledgements(azure, within=0)).get(vm_id, ())
    except ArchiveError as fault:
        raise _not_writable(fault) from None
    return await _kept(azure, request, ENDED, vm_id, [each for each in known if cause in {None, each.cause}])


async def _kept(
    azure: Azure, request: func.HttpRequest, what: str, vm_id: ResourceId, orders: Iterable[Acknowledgement]
) -> func.HttpResponse:
    """Keeps the orders, and returns what counts then. Raises Problem."""
    caller = caller_of(request)
    try:
        for each in orders:
            await keep_order(azure.archive, what, each, caller)
        left = (await acknowledgements(azure, within=0)).get(vm_id, ())
    except ArchiveError as fault:
        raise _not_writable(fault) from None
    return AcknowledgementsView(vm_id=vm_id, value=tuple(map(AcknowledgedCause.of, left))).response()


def _require_archive(azure: Azure) -> None:
    if not azure.archive:
        detail = "DR_ARCHIVE is not set: without an archive no message is published, and nothing keeps what is known."
        raise Problem(HTTPStatus.CONFLICT, "ArchiveNotSet", detail)


def _not_writable(fault: ArchiveError) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "ArchiveNotWritable", f"{fault}.", retry_after=30)

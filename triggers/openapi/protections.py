"""The operations on many protections at once."""

from http import HTTPStatus
from typing import Any

from shared.config.settings import Settings
from shared.reconcile.batch import MOST_VMS
from triggers.batch_views import BatchAccepted, BatchView, PlansView
from triggers.openapi.parts import Json, accepted, answer, body, in_path, reference, refusals, with_body
from triggers.protections import BATCH_PATTERN
from triggers.protections_plan import MOST_PLANNED
from triggers.routes import BATCH, PROTECTIONS, PROTECTIONS_PLAN
from triggers.selection import LARGEST_BODY, selection_models

_EXAMPLE_VM = (
    "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/web/providers/Microsoft.Compute/"
    "virtualMachines/web-1"
)
_ON_GET = {
    HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter",
    HTTPStatus.NOT_FOUND: "BatchNotFound",
    HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead",
}


def paths(settings: Settings) -> Json:
    batch = in_path("batch", "The batch, as POST returned it", BATCH_PATTERN, f"batch-{'0123456789abcdef' * 2}")
    return {
        f"/{PROTECTIONS}": {"post": _post(settings)},
        f"/{PROTECTIONS_PLAN}": {"post": _plan(settings)},
        f"/{BATCH}": {"parameters": [batch], "get": _get()},
    }


def _post(settings: Settings) -> Json:
    reasons = {
        **_on_post(MOST_VMS),
        HTTPStatus.CONFLICT: "WritesDisabled: report mode, or paused",
        HTTPStatus.SERVICE_UNAVAILABLE: "Azure asks to come back later; or NotStarted. Nothing was written",
    }
    return {
        "operationId": "post_protections",
        "summary": f"Enable at most {MOST_VMS} VMs: each is planned and tagged, and its run started, as by a PUT",
        "requestBody": _body(settings),
        "responses": {"202": accepted(BatchAccepted), **refusals(reasons)},
    }


def _plan(settings: Settings) -> Json:
    return {
        "operationId": "post_protections_plan",
        "summary": f"The dry run of that for at most {MOST_PLANNED} VMs",
        "requestBody": _body(settings),
        "responses": {"200": answer("The plans, in short", PlansView), **refusals(_on_post(MOST_PLANNED))},
    }


def _get() -> Json:
    return {
        "operationId": "get_batch",
        "summary": "Where a batch stands, and how each of its VMs does",
        "responses": {"200": answer("The batch", BatchView), **refusals(_ON_GET)},
    }


def _on_post(most: int) -> dict[HTTPStatus, str]:
    return {
        **with_body(LARGEST_BODY),
        HTTPStatus.BAD_REQUEST: "InvalidQuery, MalformedBody: what cannot be read",
        HTTPStatus.NOT_FOUND: "NoVmFound: the group or the tag has none in the source scope",
        HTTPStatus.UNPROCESSABLE_ENTITY: f"InvalidBody (see `errors`); TooManyVms: at most {most}",
        HTTPStatus.BAD_GATEWAY: "Azure refused, or did not respond, or returned only a part of the VMs (ListTruncated)",
    }


def _body(settings: Settings) -> Json:
    profile = {f"{settings.tag_name}-profile": "default"}
    examples: dict[str, tuple[str, Any]] = {
        "virtualMachines": ("By their IDs", {"virtualMachines": [_EXAMPLE_VM]}),
        "resourceGroup": (
            "All of a resource group",
            {"subscriptionId": _EXAMPLE_VM.split("/")[2], "resourceGroup": "web"},
        ),
        "tag": (
            "All that carry a tag, as PUT of each with this body",
            {"tag": {"name": "env", "value": "prod"}, "protection": profile},
        ),
    }
    return body({"oneOf": [reference(model) for model in selection_models(settings)]}, examples, required=True)

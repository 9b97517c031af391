"""The OpenAPI 3.1 document of the HTTP doors, made of the models that read requests and write answers."""

import json
from http import HTTPStatus
from typing import Any

import azure.functions as func
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from doors.body import request_model
from doors.problems import ProblemDocument
from doors.requests import LARGEST_BODY, flags_of
from doors.routes import CONFIRM, OPENAPI, PLAN, PROTECTION, TARGETS_ONLY
from doors.views import Accepted, PlanView, ProtectionView, RunStatus
from shared.domain.run import Result
from shared.domain.settings import Settings

Json = dict[str, Any]

_REFERENCE = "#/components/schemas/{model}"
_GUID = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
_ANSWERED = (Accepted, PlanView, ProtectionView, RunStatus, Result, ProblemDocument)

_ON_READ = {
    HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery: a name or a query parameter that cannot be",
    HTTPStatus.NOT_FOUND: "VmNotFound; or OutOfScope, for a VM that this app does not look after",
    HTTPStatus.BAD_GATEWAY: "Azure refused, or did not answer; the code is Azure's",
    HTTPStatus.SERVICE_UNAVAILABLE: "Azure asks to come back later; the code is Azure's",
}
_WITH_BODY = {
    **_ON_READ,
    HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery, MalformedBody: what cannot be read",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"BodyTooLarge: at most {LARGEST_BODY} bytes",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "NotJson: a body is application/json",
    HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidBody: `errors` name every member that cannot be taken",
}
_ON_PUT = {
    **_WITH_BODY,
    HTTPStatus.CONFLICT: "WritesOff: report mode, or paused; or another setting forbids the write",
    HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidBody, BodyNeedsTags (see `errors`); NotEligible: `findings` say why. "
    "Nothing was written",
    HTTPStatus.SERVICE_UNAVAILABLE: "Azure asks to come back later; or NotWoken: tags are written, the run not begun",
}


_NO_KEY = {"description": "The function key is missing or wrong"}
_RETRY_AFTER = {"description": "Seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}
_EXAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "nothing": ("As the settings, the profile and the VM's tags say", {}),
    "profile": ("By a profile of the settings", {"profile": "default"}),
    "place": (
        "Somewhere else, as far as the profile allows it",
        {
            "target-resource-group": "web-dr",
            "target-vnet": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/net-dr/providers/"
            "Microsoft.Network/virtualNetworks/vnet-dr",
            "target-subnet": "web",
            "target-zone": "2",
        },
    ),
    "interfaces": (
        "By the names of interfaces and disks",
        {"target-ip": "web-1-nic=10.1.1.4", "target-disk-type": "web-1-os=Premium_LRS, web-1-data=StandardSSD_LRS"},
    ),
}


class _Schemas(GenerateJsonSchema):
    """Of an answer everything that has a value is there. Titles that repeat a name, and defaults, say nothing more."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "validation":
            return super().field_is_required(field, total)
        schema = field["schema"]
        return bool((schema["schema"] if schema["type"] == "default" else schema)["type"] != "nullable")

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: Any) -> Json:
        return self.generate_inner(schema["schema"])


def get_openapi(settings: Settings, request: func.HttpRequest) -> func.HttpResponse:
    """Raises Problem."""
    flags_of(request)
    return func.HttpResponse(json.dumps(document(settings)), mimetype="application/json")


def document(settings: Settings) -> Json:
    """The names of the body's members, and the profiles, are those of the settings."""
    key = {"type": "apiKey", "description": "A key of the function app"}
    vm = {"parameters": _vm()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Protection of Azure VMs by Site Recovery",
            "version": "0.1.0",
            "description": "Errors are problem documents (RFC 9457): `code` says which of those listed it is.",
        },
        "servers": [{"url": "/api"}],
        "security": [{"header": []}, {"query": []}],
        "paths": {
            f"/{PROTECTION}": {**vm, "get": _get(), "put": _put(settings)},
            f"/{PLAN}": {**vm, "post": _plan(settings)},
            f"/{OPENAPI}": {"get": _openapi()},
        },
        "components": {
            "schemas": _schemas(settings),
            "securitySchemes": {
                "header": {**key, "in": "header", "name": "x-functions-key"},
                "query": {**key, "in": "query", "name": "code"},
            },
        },
    }


def _get() -> Json:
    return {
        "operationId": "get_protection",
        "summary": "What protects the VM now, and where its run stands or how it ended",
        "parameters": [_flag(TARGETS_ONLY, "Shows the run that makes the target resources alone.")],
        "responses": {"200": _answer("The VM's protection", ProtectionView), **_refusals(_ON_READ)},
    }


def _put(settings: Settings) -> Json:
    headers = {
        "Location": {"description": "Where to look", "required": True, "schema": {"type": "string"}},
        "Retry-After": _RETRY_AFTER,
    }
    return {
        "operationId": "put_protection",
        "summary": "Enable: plans, writes the VM's tags, and wakes its run",
        "parameters": [
            _flag(TARGETS_ONLY, "Makes the target resources and nothing else. Writes no tag, and takes no body."),
            _flag(CONFIRM, "Edits the policy that the VM is under, for all VMs under it, as the plan shows it."),
        ],
        "requestBody": _body(settings),
        "responses": {"202": {**_answer("Under way", Accepted), "headers": headers}, **_refusals(_ON_PUT)},
    }


def _plan(settings: Settings) -> Json:
    return {
        "operationId": "post_plan",
        "summary": "What PUT would do, and nothing of it",
        "requestBody": _body(settings),
        "responses": {"200": _answer("The plan", PlanView), **_refusals(_WITH_BODY)},
    }


def _openapi() -> Json:
    answer = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    refusals = _refusals({HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter"})
    return {"operationId": "get_openapi", "summary": "This document", "responses": {"200": answer, **refusals}}


def _vm() -> list[Json]:
    named = {
        "subscription": (_GUID, "The VM's subscription", "11111111-1111-4111-8111-111111111111"),
        "group": (r"^[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]$", "Its resource group", "web"),
        "name": (r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$", "Its name", "web-1"),
    }
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": about,
            "schema": {"type": "string", "pattern": pattern},
            "example": example,
        }
        for name, (pattern, about, example) in named.items()
    ]


def _flag(name: str, about: str) -> Json:
    return {"name": name, "in": "query", "description": about, "schema": {"type": "boolean", "default": False}}


def _body(settings: Settings) -> Json:
    examples = {
        name: {"summary": summary, "value": {f"{settings.tag_name}-{tag}": value for tag, value in values.items()}}
        for name, (summary, values) in _EXAMPLES.items()
    }
    schema = {"$ref": _REFERENCE.format(model="ProtectionRequest")}
    return {"required": False, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _answer(about: str, view: type[BaseModel], media_type: str = "application/json") -> Json:
    schema = {"$ref": _REFERENCE.format(model=view.__name__)}
    return {"description": about, "content": {media_type: {"schema": schema}}}


def _refusals(reasons: dict[HTTPStatus, str]) -> Json:
    refusals: Json = {"401": _NO_KEY}
    for status, about in sorted(reasons.items()):
        refusals[str(status.value)] = _answer(about, ProblemDocument, "application/problem+json")
        if status >= HTTPStatus.BAD_GATEWAY:
            refusals[str(status.value)]["headers"] = {"Retry-After": {**_RETRY_AFTER, "required": False}}
    return refusals


def _schemas(settings: Settings) -> Json:
    _, answered = models_json_schema(
        [(model, "serialization") for model in _ANSWERED], ref_template=_REFERENCE, schema_generator=_Schemas
    )
    schemas: Json = answered["$defs"]
    for view in (Accepted, PlanView, ProtectionView):
        schemas[view.__name__]["required"] = list(schemas[view.__name__]["properties"])
    runs = [{"$ref": _REFERENCE.format(model=model.__name__)} for model in (RunStatus, Result)]
    about = "While it runs where it stands, then its result; a text if the run itself broke; null if there was none"
    schemas["ProtectionView"]["properties"]["run"] = {
        "anyOf": [*runs, {"type": "string"}, {"type": "null"}],
        "description": about,
    }
    request = request_model(settings)
    schemas[request.__name__] = request.model_json_schema(schema_generator=_Schemas)
    return schemas

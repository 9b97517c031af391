"""The OpenAPI 3.1 document of the HTTP triggers, generated from the table of routes, their handlers and models."""

import json
import re
from http import HTTPStatus
from importlib import import_module

import azure.functions as func

from shared.arm.client import Azure
from shared.config.environment import authentication_is_on
from shared.config.settings import Settings
from shared.reconcile.batch import PREFIX
from shared.reconcile.drill_batch import PREFIX as DRILLS_PREFIX
from triggers import names
from triggers.openapi.schemas import schemas
from triggers.operations import OPERATIONS, Json, describe
from triggers.requests import flags_of
from triggers.routes import ROUTES
from triggers.status_views import VERSION

_IN_PATH = {
    "subscriptions": ("The VM's subscription", names.GUID, "11111111-1111-4111-8111-111111111111"),
    "resourceGroups": ("Its resource group", names.GROUP, "web"),
    "virtualMachines": ("Its name", names.VM, "web-1"),
    "protections": ("The batch, as POST returned it", names.batch(PREFIX), f"{PREFIX}{'0123456789abcdef' * 2}"),
    "drills": (
        "The batch of drills, as POST returned it",
        names.batch(DRILLS_PREFIX),
        f"{DRILLS_PREFIX}{'0123456789abcdef' * 2}",
    ),
}
"""The parameters in a path, by the segment before them."""


@describe("This document", None, "This document", {HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter"})
async def get_openapi(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Raises Problem."""
    flags_of(request)
    return func.HttpResponse(json.dumps(document(azure.settings)), mimetype="application/json")


def document(settings: Settings) -> Json:
    """The document for these settings: member names, profiles and authentication are those of the deployment."""
    key = {"type": "apiKey", "description": "A key of the function app"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Protection of Azure VMs by Site Recovery",
            "version": VERSION,
            "description": "Errors are problem documents (RFC 9457): `code` says which of those listed it is.",
        },
        "servers": [{"url": "/api"}],
        "security": [{"token": []}] if authentication_is_on() else [{"header": []}, {"query": []}],
        "paths": _paths(settings),
        "components": {
            "schemas": schemas(settings),
            "securitySchemes": {
                "header": {**key, "in": "header", "name": "x-functions-key"},
                "query": {**key, "in": "query", "name": "code"},
                "token": {"type": "http", "scheme": "bearer", "description": "An Entra token for this app"},
            },
        },
    }


def _paths(settings: Settings) -> Json:
    paths: Json = {}
    for route in ROUTES:
        import_module(route.module)  # the handlers in it describe themselves
        parameters = [_in_path(*found) for found in re.findall(r"(\w+)/{(\w+)}", route.path)]
        path = paths.setdefault(f"/{route.path}", {"parameters": parameters} if parameters else {})
        path[route.method.lower()] = OPERATIONS[route.name].document(route.name, settings)
    return paths


def _in_path(segment: str, name: str) -> Json:
    about, pattern, example = _IN_PATH[segment]
    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema, "example": example}

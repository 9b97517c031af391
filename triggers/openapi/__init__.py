"""The OpenAPI 3.1 document of the HTTP triggers, generated from the models of requests and responses."""

import json
from http import HTTPStatus

import azure.functions as func

from shared.config.settings import Settings, authentication_is_on
from triggers.openapi import estate, protection, protections
from triggers.openapi.parts import Json, refusals
from triggers.openapi.schemas import schemas
from triggers.requests import flags_of
from triggers.routes import OPENAPI


async def get_openapi(settings: Settings, request: func.HttpRequest) -> func.HttpResponse:
    """Raises Problem."""
    flags_of(request)
    return func.HttpResponse(json.dumps(document(settings)), mimetype="application/json")


def document(settings: Settings) -> Json:
    """The document for these settings: member names, profiles and authentication are those of the deployment."""
    key = {"type": "apiKey", "description": "A key of the function app"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Protection of Azure VMs by Site Recovery",
            "version": "0.1.0",
            "description": "Errors are problem documents (RFC 9457): `code` says which of those listed it is.",
        },
        "servers": [{"url": "/api"}],
        "security": [{"token": []}] if authentication_is_on() else [{"header": []}, {"query": []}],
        "paths": {
            **protection.paths(settings),
            **protections.paths(settings),
            **estate.paths(settings),
            f"/{OPENAPI}": {"get": _openapi()},
        },
        "components": {
            "schemas": schemas(settings),
            "securitySchemes": {
                "header": {**key, "in": "header", "name": "x-functions-key"},
                "query": {**key, "in": "query", "name": "code"},
                "token": {"type": "http", "scheme": "bearer", "description": "An Entra token for this app"},
            },
        },
    }


def _openapi() -> Json:
    answer = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    errors = refusals({HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter"})
    return {"operationId": "get_openapi", "summary": "This document", "responses": {"200": answer, **errors}}

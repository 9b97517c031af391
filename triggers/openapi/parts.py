"""Building blocks of the operations in the document."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from triggers.problems import ProblemDocument
from triggers.requests import LARGEST_BODY

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"

ON_READ = {
    HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery: a name or a query parameter that cannot be",
    HTTPStatus.NOT_FOUND: "VmNotFound; or OutOfScope, for a VM that this app does not look after",
    HTTPStatus.BAD_GATEWAY: "Azure refused, or did not respond; the code is Azure's",
    HTTPStatus.SERVICE_UNAVAILABLE: "Azure takes no call for now: Throttled, or Azure's own code",
}


def with_body(largest: int = LARGEST_BODY) -> dict[HTTPStatus, str]:
    """The error responses of an operation with a body."""
    return {
        **ON_READ,
        HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery, MalformedBody: what cannot be read",
        HTTPStatus.LENGTH_REQUIRED: "LengthRequired: a body in chunks; it needs a Content-Length",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"BodyTooLarge: at most {largest} bytes",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "NotJson: a body is application/json",
        HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidBody: `errors` name every member that cannot be taken",
    }


_NO_CALLER = {"description": "The function key is missing or wrong; or the token, if tokens are required"}
_NO_ROLE = "RoleMissing: the token lacks the app role, if tokens are required"
_RETRY_AFTER = {"description": "Seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}
ACCEPTED_HEADERS = {
    "Location": {
        "description": "Where to look: a relative reference",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": _RETRY_AFTER,
}


def reference(model: type[BaseModel]) -> Json:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def answer(about: str, view: type[BaseModel], media_type: str = "application/json") -> Json:
    return {"description": about, "content": {media_type: {"schema": reference(view)}}}


def accepted(view: type[BaseModel]) -> Json:
    return {**answer("Under way", view), "headers": ACCEPTED_HEADERS}


def refusals(reasons: Mapping[HTTPStatus, str]) -> Json:
    responses: Json = {"401": _NO_CALLER}
    for status, about in sorted({**reasons, HTTPStatus.FORBIDDEN: _NO_ROLE}.items()):
        responses[str(status.value)] = answer(about, ProblemDocument, "application/problem+json")
        if status >= HTTPStatus.BAD_GATEWAY:
            responses[str(status.value)]["headers"] = {"Retry-After": {**_RETRY_AFTER, "required": False}}
    return responses


def flag(name: str, about: str) -> Json:
    return query(name, about, type="boolean", default=False)


def query(name: str, about: str, **schema: Any) -> Json:
    """A query parameter: a string, unless its schema says otherwise."""
    return {"name": name, "in": "query", "description": about, "schema": {"type": "string", **schema}}


def in_path(name: str, about: str, pattern: str, example: str) -> Json:
    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema, "example": example}


def body(schema: Json, examples: Mapping[str, tuple[str, Any]], *, required: bool) -> Json:
    """A request body. `examples` map a name to a summary and a body."""
    shown = {name: {"summary": summary, "value": value} for name, (summary, value) in examples.items()}
    return {"required": required, "content": {"application/json": {"schema": schema, "examples": shown}}}

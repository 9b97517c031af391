"""What the OpenAPI document says of a route, beside its handler: summary, query, body, responses."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from shared.config.settings import Settings
from triggers.body import examples_for, request_model
from triggers.problems import ProblemDocument
from triggers.requests import LARGEST_BODY
from triggers.views import View

Json = dict[str, Any]
Handler = TypeVar("Handler", bound=Callable[..., Any])

REFERENCE = "#/components/schemas/{model}"

ON_READ = {
    HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery: a name or a query parameter that is not allowed",
    HTTPStatus.NOT_FOUND: "VmNotFound; or OutOfScope, for a VM that this app does not manage",
    HTTPStatus.BAD_GATEWAY: "Azure refused, or did not respond; the code is Azure's",
    HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: the rate limit is reached; retry later",
}

_NO_CALLER = {"description": "The function key is missing or wrong; or the token, if tokens are required"}
_NO_ROLE = "RoleMissing: the token lacks the app role, if tokens are required"
_RETRY_AFTER = {"description": "Seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}
_ON_ACCEPTED = {
    "Location": {
        "description": "Where to follow it: a relative reference",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": _RETRY_AFTER,
}


class Operation(NamedTuple):
    """`response` and `about` are those of success, `errors` the codes of problem documents by status.

    `query` and `body` make the parameters and the request body for the settings of a deployment.
    """

    summary: str
    response: type[View] | None
    about: str
    errors: Mapping[HTTPStatus, str]
    status: HTTPStatus = HTTPStatus.OK
    query: Callable[[Settings], list[Json]] = lambda _: []
    body: Callable[[Settings], Json] | None = None
    more: Json = {}

    def document(self, name: str, settings: Settings) -> Json:
        """The operation in the document."""
        schema = reference(self.response) if self.response else {"type": "object"}
        success = {"description": self.about, "content": {"application/json": {"schema": schema}}} | self.more
        if self.status is HTTPStatus.ACCEPTED:
            success["headers"] = _ON_ACCEPTED
        responses: Json = {str(self.status.value): success, "401": _NO_CALLER}
        for status, about in sorted({**self.errors, HTTPStatus.FORBIDDEN: _NO_ROLE}.items()):
            content = {"application/problem+json": {"schema": reference(ProblemDocument)}}
            responses[str(status.value)] = {"description": about, "content": content}
            if status >= HTTPStatus.BAD_GATEWAY:
                responses[str(status.value)]["headers"] = {"Retry-After": {**_RETRY_AFTER, "required": False}}
        made = {"operationId": name, "summary": self.summary, "responses": responses}
        parameters = self.query(settings)
        return (
            made
            | ({"parameters": parameters} if parameters else {})
            | ({"requestBody": self.body(settings)} if self.body else {})
        )


OPERATIONS: dict[str, Operation] = {}
"""By the names of the handlers, once their modules are imported."""


def describe(*about: Any, **more: Any) -> Callable[[Handler], Handler]:
    """Gives a handler its operation; the arguments are those of `Operation`."""

    def add(handler: Handler) -> Handler:
        OPERATIONS[handler.__name__] = Operation(*about, **more)
        return handler

    return add


def with_body(largest: int = LARGEST_BODY) -> dict[HTTPStatus, str]:
    """The error responses of an operation with a body."""
    return {
        **ON_READ,
        HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery, MalformedBody: what cannot be parsed",
        HTTPStatus.LENGTH_REQUIRED: "LengthRequired: a body in chunks; it needs a Content-Length",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"BodyTooLarge: at most {largest} bytes",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "NotJson: a body is application/json",
        HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidBody: `errors` name every member that is not allowed",
    }


def reference(model: type[BaseModel]) -> Json:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def of_protection(settings: Settings) -> Json:
    """The body of PUT and of plan."""
    return document_body(reference(request_model(settings)), examples_for(settings), required=False)


def flag(name: str, about: str) -> Json:
    return query(name, about, type="boolean", default=False)


def query(name: str, about: str, **schema: Any) -> Json:
    """A query parameter: a string, unless its schema says otherwise."""
    return {"name": name, "in": "query", "description": about, "schema": {"type": "string", **schema}}


def document_body(schema: Json, examples: Mapping[str, tuple[str, Any]], *, required: bool) -> Json:
    """A request body. `examples` map a name to a summary and a body."""
    shown = {name: {"summary": summary, "value": value} for name, (summary, value) in examples.items()}
    return {"required": required, "content": {"application/json": {"schema": schema, "examples": shown}}}

"""Errors as RFC 9457 problem documents: what was given, and what is allowed."""

import json
from http import HTTPStatus
from typing import Any

import azure.functions as func

from shared.model.base import Model
from shared.model.findings import Finding
from shared.model.step_result import first_line


class FieldError(Model):
    """`field` names a member of the body or a query parameter, `given` is what it was, `allowed` what it may be."""

    field: str
    given: str
    allowed: str


class ProblemDocument(Model):
    """`code` is for programs, `detail` for people. `findings` are blockers of the VM, `errors` invalid fields."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    findings: tuple[Finding, ...] | None = None
    errors: tuple[FieldError, ...] | None = None


class Problem(Exception):
    """An error response. `more` are the further members of the document."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, retry_after: float | None = None, **more: Any):
        super().__init__(detail)
        self.status = status
        self.retry_after = retry_after
        self.document = ProblemDocument(
            title=status.phrase, status=status.value, code=code, detail=detail, **more
        ).dump()

    def response(self) -> func.HttpResponse:
        headers = {"Retry-After": str(max(1, round(self.retry_after)))} if self.retry_after else {}
        if self.status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return func.HttpResponse(
            json.dumps(self.document), status_code=self.status, headers=headers, mimetype="application/problem+json"
        )


def status_not_read(what: str, error: Exception) -> Problem:
    """Durable Functions do not show the state of `what`."""
    detail = f"The state of {what} cannot be read: {first_line(str(error)) or type(error).__name__}"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "StatusNotRead", detail, retry_after=10)

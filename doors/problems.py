"""Errors as RFC 9457 problem documents: what was given, what is allowed, and nothing half-done."""

import json
from http import HTTPStatus
from typing import Any

import azure.functions as func


class Problem(Exception):
    """Ends a request. `code` is for programs, `detail` for people; `more` adds members of its own, as findings."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, retry_after: float | None = None, **more: Any):
        super().__init__(detail)
        self.status = status
        self.retry_after = retry_after
        self.document = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": detail,
            **more,
        }

    def response(self) -> func.HttpResponse:
        headers = {"Retry-After": str(max(1, round(self.retry_after)))} if self.retry_after else {}
        return func.HttpResponse(
            json.dumps(self.document), status_code=self.status, headers=headers, mimetype="application/problem+json"
        )

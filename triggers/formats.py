"""The formats of a list: JSON page by page, and others that hold every row."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import azure.functions as func

from triggers.paging import AFTER, TOP
from triggers.problems import FieldError, Problem

FORMAT, JSON, CSV, HTML = "format", "json", "csv", "html"
_TYPES = {"text/csv": CSV, "text/html": HTML}


def format_of(request: func.HttpRequest, query: Mapping[str, Any], formats: tuple[str, ...] = (JSON, CSV)) -> str:
    """The format of the response: by `format`, or else by the first type in Accept. Raises Problem for a page of one
    that has none."""
    accepted = (request.headers.get("Accept") or "").split(",", 1)[0].split(";", 1)[0].strip().lower()
    wanted = _TYPES.get(accepted, JSON)
    chosen: str = query.get(FORMAT, wanted if wanted in formats else JSON)
    paging = {TOP, AFTER} & set(query)
    if chosen != JSON and paging:
        allowed = f"nothing with {FORMAT}={chosen}: it holds every row"
        given = dict(request.params)
        errors = tuple(FieldError(field=name, given=given[name][:80], allowed=allowed) for name in sorted(paging))
        detail = f"A {chosen.upper()} file has no pages: {allowed}."
        raise Problem(HTTPStatus.BAD_REQUEST, "InvalidQuery", detail, errors=errors)
    return chosen

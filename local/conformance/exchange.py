"""One request to Azure Resource Manager with its answer, and where such pairs are read from."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

# The URLs in the headers of a 202: no SDK has a route for them, its poller uses them as they are.
_OPERATION_STATUS = re.compile(
    r"/subscriptions/.+/(replicationOperationStatus|operationStatus|operations)/[^/]+", re.IGNORECASE
)
_OPERATION_RESULT = re.compile(r"/subscriptions/.+/(operationresults|asyncoperations)/[^/]+", re.IGNORECASE)


@dataclass(frozen=True)
class Exchange:
    """`url` may be a whole one or a path with a query. Bodies are parsed JSON, None if empty.

    Header names are in lower case. `response_headers` is None where they were not kept; `body_omitted` says the same of
    a response body too large for a log.
    """

    number: int
    method: str
    url: str
    request_body: Any
    status: int
    response_body: Any
    response_headers: Mapping[str, str] | None = None
    body_omitted: bool = False

    @property
    def path(self) -> str:
        # The generic client puts a slash before an id that has one: its paths may begin with two.
        return "/" + re.sub(r"^https?://[^/]+", "", self.url).partition("?")[0].lstrip("/")

    @property
    def asks_operation_status(self) -> bool:
        return _OPERATION_STATUS.fullmatch(self.path) is not None

    @property
    def asks_operation_result(self) -> bool:
        return _OPERATION_RESULT.fullmatch(self.path) is not None

    @property
    def api_version(self) -> str:
        return next(iter(parse_qs(urlsplit(self.url).query).get("api-version", ())), "")


def read_recording(file: Path) -> list[Exchange]:
    """Reads JSON lines with `i, method, url, requestBody, status, responseHeaders, responseBody`, in the order of time.

    Raises ValueError, naming the line, for anything else.
    """
    exchanges = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            exchanges.append(_recorded(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file}, line {number} is not a recorded exchange: {error!r}") from error
    return exchanges


def logged_exchange(entry: Mapping[str, Any]) -> Exchange:
    """One entry of `GET /sim/requests` of the simulator."""
    return Exchange(
        number=entry["n"],
        method=entry["method"],
        url=f"{entry['path']}?api-version={entry['apiVersion'] or ''}",
        request_body=_body(entry["requestBody"]),
        status=entry["status"],
        response_body=_body(entry["responseBody"]),
        body_omitted=entry.get("responseBodyOmitted", False),
    )


def _recorded(line: Mapping[str, Any]) -> Exchange:
    return Exchange(
        number=int(line["i"]),
        method=line["method"],
        url=line["url"],
        request_body=_body(line["requestBody"]),
        status=int(line["status"]),
        response_body=_body(line["responseBody"]),
        response_headers={name.lower(): value for name, value in line["responseHeaders"].items()},
    )


def _body(body: Any) -> Any:
    """An empty body is written as an empty string; `{}` is a body."""
    return None if body == "" else body

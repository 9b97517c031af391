"""Requests over HTTP as the platform hands them to a door, and the problems that they come to."""

import json
from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import azure.functions as func
import pytest

from tests.unit.app.examples import SUBSCRIPTION, VM_ID
from triggers.problems import Problem

KEY = "s3cret-key"
PATH = f"/api{VM_ID}/protection"
URL = f"https://app.example{PATH}"


def get(path: str, accept: str = "*/*", **query: str | int) -> func.HttpRequest:
    """A GET with a function key in its query."""
    params = {"code": KEY, **{name: str(value) for name, value in query.items()}}
    url = f"https://app.example/api/{path}?{urlencode(params)}"
    route = {"batch": path.rsplit("/", 1)[-1]}
    return func.HttpRequest("GET", url, headers={"Accept": accept}, params=params, route_params=route, body=b"")


def post(path: str, body: Any, content_type: str = "application/json", **query: str) -> func.HttpRequest:
    """A POST of JSON, or of bytes as they are."""
    params = {"code": KEY, **query}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"https://app.example/api/{path}?{urlencode(params)}"
    return func.HttpRequest("POST", url, headers={"Content-Type": content_type}, params=params, body=raw)


def request(
    body: bytes = b"",
    content_type: str = "application/json",
    subscription: str = SUBSCRIPTION,
    group: str = "web",
    name: str = "web-1",
    **query: str,
) -> func.HttpRequest:
    """A request for the protection of a VM."""
    route = {"subscription": subscription, "group": group, "name": name}
    headers = {"Content-Type": content_type} if content_type else {}
    params = {"code": KEY, **query}
    url = f"{URL}?{urlencode(params)}"
    return func.HttpRequest("PUT", url, headers=headers, params=params, route_params=route, body=body)


def follow(link: str) -> func.HttpRequest:
    """A GET of a link that was answered, by somebody who has a key. It is relative, and has none itself."""
    address = urlsplit(link)
    assert (address.scheme, address.netloc) == ("", "")
    assert KEY not in link
    query: dict[str, Any] = dict(parse_qsl(address.query))
    return get(address.path.removeprefix("/api/"), **query)


async def answer_to(call: Awaitable[func.HttpResponse], status: int = 200) -> dict[str, Any]:
    response = await call
    assert response.status_code == status
    body: dict[str, Any] = json.loads(response.get_body())
    return body


async def problem_of(call: Awaitable[func.HttpResponse]) -> tuple[int, dict[str, Any]]:
    with pytest.raises(Problem) as problem:
        await call
    response = problem.value.response()
    return response.status_code, json.loads(response.get_body())

"""What comes over the wire in place of an answer: the app's own lists and the SDKs' pagers, over real connections."""

import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, web
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import AioHttpTransport

from shared.arm import client
from shared.arm.client import Azure
from shared.arm.errors import MalformedResponseError, to_step_result
from shared.arm.resource_graph import query
from shared.model.step_result import Pending
from tests.unit.app.examples import SUBSCRIPTION, VM_ID, settings

ARM = "https://management.azure.com"
LOCKS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/locks"
GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourcegroups"
JSON = "application/json; charset=utf-8"

Answer = tuple[int, dict[str, str], bytes]


def page(*rows: Any, **more: Any) -> Answer:
    return 200, {"Content-Type": JSON}, json.dumps({"value": rows, **more}).encode()


class Wire(AioHttpTransport):  # type: ignore[misc]
    """Sends every request to a server of the test, and remembers its URL and whether it carries a token."""

    def __init__(self, port: int) -> None:
        super().__init__(session=ClientSession(auto_decompress=False))
        self._port = port
        self.sent: list[tuple[str, bool]] = []

    async def send(self, request: Any, **options: Any) -> Any:
        self.sent.append((request.url, "Authorization" in request.headers))
        url = urlsplit(request.url)
        request.url = f"http://127.0.0.1:{self._port}{url.path}?{url.query}"
        return await super().send(request, **options)


class Token:
    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("secret", 2**40)

    async def close(self) -> None:
        """Holds nothing."""


class Wired(Azure):
    """The gateway as it is, in front of a server that answers what the test wants."""

    def __init__(self, port: int) -> None:
        super().__init__(settings(poll_seconds=0.3))
        self.wire = Wire(port)
        self.answer: Callable[[str], Answer] = lambda _: page()

    def _credential(self) -> Any:
        return Token()

    def _shared_transport(self) -> AioHttpTransport:
        return self.wire

    async def rows(self) -> list[Any]:
        return [row async for row in self.list(LOCKS, "2020-05-01")]

    async def pager(self) -> list[Any]:
        """A list by the SDK."""
        return [group async for group in self.resources(SUBSCRIPTION).resource_groups.list()]


@pytest.fixture
async def azure() -> AsyncIterator[Wired]:
    async def handle(request: web.Request) -> web.Response:
        status, headers, body = wired.answer(str(request.rel_url))
        return web.Response(status=status, headers=headers, body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    wired = Wired(runner.addresses[0][1])
    try:
        yield wired
    finally:
        await wired.close()
        await wired.wire.close()
        await runner.cleanup()


MALFORMED = {
    "html": ("text/html", b"<html><title>Sign in</title></html>"),
    "html called JSON": (JSON, b"<html>"),
    "null": (JSON, b"null"),
    "a list": (JSON, b"[]"),
    "a text": (JSON, b'"value"'),
    "nothing": (JSON, b""),
    "no value": (JSON, b"{}"),
    "a null value": (JSON, b'{"value": null}'),
    "an object as value": (JSON, b'{"value": {}}'),
    "invalid UTF-8": (JSON, b'{"value": ["\xff\xfe"]}'),
    "half of it": (JSON, b'{"value": [{"id": 1}'),
    "a bottomless one": (JSON, b'{"value": ' + b"[" * 100_000),
    "an odd nextLink": (JSON, b'{"value": [], "nextLink": {"a": 1}}'),
}


@pytest.mark.parametrize("kind", MALFORMED)
async def test_what_is_no_answer_is_an_error_that_passes(azure: Wired, kind: str) -> None:
    content, body = MALFORMED[kind]
    azure.answer = lambda _: (200, {"Content-Type": content}, body)

    with pytest.raises(MalformedResponseError) as error:
        await azure.rows()
    assert LOCKS in str(error.value)


@pytest.mark.parametrize("kind", [kind for kind in MALFORMED if "value" not in kind and "nextLink" not in kind])
async def test_so_is_one_about_a_single_resource_and_its_step_waits(azure: Wired, kind: str) -> None:
    content, body = MALFORMED[kind]
    azure.answer = lambda _: (200, {"Content-Type": content}, body)

    outcome = await to_step_result(azure.get(str(VM_ID), "2026-04-01"), 30)  # type: ignore[arg-type]

    assert isinstance(outcome, Pending)
    assert outcome.error
    assert outcome.error.code == "MalformedResponseError"


# Pages


async def test_pages_are_followed_to_the_last(azure: Wired) -> None:
    def answer(url: str) -> Answer:
        number = int(url.rpartition("p=")[2] or 0) if "p=" in url else 0
        more = {"nextLink": f"{ARM}{LOCKS}?api-version=2020-05-01&q=%7Bx%7D&p={number + 1}"} if number < 3 else {}
        return page(number, **more)

    azure.answer = answer
    assert await azure.rows() == [0, 1, 2, 3]


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_a_next_link_that_repeats_is_an_error_that_names_it(azure: Wired, length: int) -> None:
    numbers = itertools.count(1)
    azure.answer = lambda _: page("row", nextLink=f"{ARM}{LOCKS}?api-version=1&p={next(numbers) % length}")

    with pytest.raises(MalformedResponseError, match=rf"{LOCKS}\?api-version=1&p=\d repeats"):
        await azure.rows()
    assert len(azure.wire.sent) <= length + 1


async def test_pages_without_end_are_bounded(azure: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_PAGES", 5)
    numbers = itertools.count(1)
    azure.answer = lambda _: page(nextLink=f"{ARM}{LOCKS}?api-version=1&p={next(numbers)}")

    with pytest.raises(MalformedResponseError, match="more than 5 pages"):
        await azure.rows()
    assert len(azure.wire.sent) == 5


async def test_a_token_of_resource_graph_that_repeats_is_an_error(azure: Wired) -> None:
    body = json.dumps({"data": [{"id": "x"}], "totalRecords": 9, "$skipToken": "again"}).encode()
    azure.answer = lambda _: (200, {"Content-Type": JSON}, body)

    with pytest.raises(MalformedResponseError, match="again"):
        _ = [row async for row in query(azure, "resources", [SUBSCRIPTION])]
    assert len(azure.wire.sent) == 2


# Hosts

FOREIGN = [
    "https://evil.example",
    "https://management.azure.com.evil.example",
    "https://management.azure.com@evil.example",
    "https://evil.example\\@management.azure.com",
    "https://management.azure.com:8443",
    "http://management.azure.com",
    "//evil.example",
    "https://[",
]


def of_arm(url: str) -> bool:
    return url.startswith(f"{ARM}/")


@pytest.mark.parametrize("host", FOREIGN)
async def test_a_next_link_on_another_host_is_refused_in_the_app_s_own_lists(azure: Wired, host: str) -> None:
    azure.answer = lambda _: page(nextLink=f"{host}{LOCKS}?api-version=1")

    with pytest.raises(MalformedResponseError, match="not on the host of ARM"):
        await azure.rows()
    assert [of_arm(url) for url, _ in azure.wire.sent] == [True]


@pytest.mark.parametrize("host", [host for host in FOREIGN if "[" not in host and not host.startswith("//")])
async def test_and_in_the_sdk_s_pagers_which_send_it_no_token(azure: Wired, host: str) -> None:
    azure.answer = lambda _: page(nextLink=f"{host}{GROUPS}?api-version=1")

    with pytest.raises(AzureError, match="not on the host of ARM"):
        await azure.pager()
    assert [(of_arm(url), token) for url, token in azure.wire.sent] == [(True, True)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirection_is_not_followed(azure: Wired, status: int) -> None:
    azure.answer = lambda _: (status, {"Location": f"https://evil.example{LOCKS}"}, b"")

    with pytest.raises(AzureError):
        await azure.rows()
    assert [of_arm(url) for url, _ in azure.wire.sent] == [True]

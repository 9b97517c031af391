"""The recorder between a client and Azure Resource Manager, each over HTTPS."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import ClientSession, TCPConnector, web

from local.livecheck.recorder import Recorder
from local.livecheck.scrub import Scrubber

TOKEN = "the-operators-token"
PATH = "/subscriptions/5c1d6f4e-9d0a-4b53-8f3e-0d8a2b1c7e11/resourceGroups/a%20b"


class Azure:
    """Says what it was asked, and answers what it is reported to."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.answer: dict[str, Any] = {"status": 200, "text": "{}"}

    async def handle(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"]
        self.asked.append((request.method, request.raw_path, token, await request.read()))
        return web.Response(**self.answer)


@asynccontextmanager
async def azure(monkeypatch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Azure]:
    authority, served = trustme.CA(), Azure()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "azure-ca.pem"))
    trusted = ssl.create_default_context(cafile=folder / "azure-ca.pem")
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusted)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    served.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        yield served
    finally:
        await runner.cleanup()


@asynccontextmanager
async def recording(endpoint: str, folder: Path) -> AsyncIterator[tuple[Recorder, ClientSession]]:
    async def token() -> str:
        return TOKEN

    async with Recorder(endpoint, token, folder / "record.jsonl", Scrubber([], ["a%20b"]), folder) as recorder:
        connector = TCPConnector(ssl=ssl.create_default_context(cafile=recorder.ca_file))
        async with ClientSession(connector=connector) as session:
            yield recorder, session


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "record.jsonl").read_text().splitlines()]


async def test_only_who_has_the_recorders_token_comes_through_and_with_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with azure(monkeypatch, tmp_path) as served, recording(served.url, tmp_path) as (recorder, session):
        url = f"{recorder.url}{PATH}?api-version=1"
        for stranger in ({}, {"Authorization": f"Bearer {TOKEN}"}):
            assert (await session.get(url, headers=stranger)).status == 401
        assert (await session.get(recorder.identity_endpoint)).status == 401
        identity = await session.get(
            recorder.identity_endpoint, headers={"X-IDENTITY-HEADER": recorder.identity_header}
        )
        own = (await identity.json())["access_token"]

        assert (await session.put(url, json={"a": 1}, headers={"Authorization": f"Bearer {own}"})).status == 200

    assert served.asked == [("PUT", f"{PATH}?api-version=1", f"Bearer {TOKEN}", b'{"a": 1}')]
    assert [(line["method"], line["requestBody"], line["status"]) for line in lines(tmp_path)] == [
        ("PUT", {"a": 1}, 200)
    ]
    assert own not in (tmp_path / "record.jsonl").read_text()
    assert TOKEN not in (tmp_path / "record.jsonl").read_text()


async def test_what_leads_on_leads_through_the_recorder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with azure(monkeypatch, tmp_path) as served, recording(served.url, tmp_path) as (recorder, session):
        following = "https://management.azure.com:443/subscriptions/x/y?api-version=1&t=9"
        served.answer = {"status": 202, "text": "", "headers": {"Location": following, "Retry-After": "7"}}
        begun = await session.post(recorder.url + PATH, headers={"Authorization": recorder.authorization})
        page = json.dumps({"value": [], "nextLink": following})
        served.answer = {"status": 200, "text": page, "content_type": "application/json"}
        listed = await session.get(recorder.url + PATH, headers={"Authorization": recorder.authorization})

        assert begun.headers["Location"] == f"{recorder.url}/subscriptions/x/y?api-version=1&t=9"
        assert begun.headers["Retry-After"] == "7"
        assert (await listed.json())["nextLink"] == begun.headers["Location"]

    assert lines(tmp_path)[0]["responseHeaders"]["location"] == (
        "https://management.azure.com/subscriptions/x/y?api-version=1"
    )
    assert [line["i"] for line in lines(tmp_path)] == [0, 1]
    assert lines(tmp_path)[0]["responseBody"] == ""


async def test_an_azure_that_cannot_be_reached_is_said_and_not_recorded(tmp_path: Path) -> None:
    async with recording("https://localhost:9", tmp_path) as (recorder, session):
        answer = await session.get(recorder.url + PATH, headers={"Authorization": recorder.authorization})

        assert answer.status == 502
        assert (await answer.json())["error"]["code"] == "NoAnswer"
    assert lines(tmp_path) == []


async def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "record.jsonl").write_text("an earlier one")

    with pytest.raises(FileExistsError):
        async with recording("https://localhost:9", tmp_path):
            pass

    assert (tmp_path / "record.jsonl").read_text() == "an earlier one"

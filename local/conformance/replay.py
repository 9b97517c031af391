"""Replays a recording against the simulator, exchange by exchange, and compares the answers.

Times are not compared. The simulator's clock almost stands still, so that an operation runs while the recording shows
it running; where the recording shows more progress, the clock is sped up until the simulator has reached it.
"""

import asyncio
import dataclasses
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from local.conformance.comparison import OPERATION_HEADERS, Answer, Difference, Documented, compare
from local.conformance.estate import derive_estate
from local.conformance.exchange import Exchange
from local.conformance.known import STAND_INS, explain, out_of_scope

# Real seconds. At the fast speed they are more than any state lasted in a recording.
_DEADLINE = 20.0
_POLL = 0.005
# The shortest state to be caught lasts five minutes: more than a second at this speed, a hundred polls and more.
_FAST = 200
# The shortest operation takes a second: ten here, in which the next request is long sent, however slow the machine.
_HELD = 0.1
_SERVICE = 1

# Properties that show the progress of an asynchronous change.
_PROGRESS = (
    ("status",),
    ("properties", "protectionState"),
    ("properties", "provisioningState"),
    ("properties", "state"),
)
_ENDED = frozenset({"Succeeded", "Failed", "Canceled", "Cancelled", "CompletedWithInformation"})
# What an element of a list comes to be, and then stays for a while.
_SETTLED = _ENDED | {"Protected", "Paired"}
# Recorded and simulated status: what is being made is not there yet, what is being removed still is.
_NOT_YET = frozenset({(200, 404), (200, 202), (204, 202), (404, 200), (404, 204)})


@dataclass
class Report:
    """What a replay found. An exchange that was not replayed is listed with the reason."""

    replayed: int = 0
    differences: list[Difference] = field(default_factory=list)
    explained: list[tuple[Difference, str]] = field(default_factory=list)
    not_replayed: list[tuple[Exchange, str]] = field(default_factory=list)
    retry_after: int = 0

    def add(self, difference: Difference) -> None:
        reason = explain(difference)
        if reason is None:
            self.differences.append(difference)
        else:
            self.explained.append((difference, reason))


class Client:
    """Talks to a simulator as the app does: a token from the identity endpoint, TLS by a CA file."""

    def __init__(self, url: str, ca_file: Path, identity_endpoint: str, identity_header: str) -> None:
        self.url = url
        self._identity = identity_endpoint, identity_header
        self._tls = ssl.create_default_context(cafile=ca_file)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls))
        try:
            endpoint, secret = self._identity
            query = {"resource": self.url, "api-version": "2019-08-01"}
            async with self._session.get(endpoint, params=query, headers={"X-IDENTITY-HEADER": secret}) as response:
                response.raise_for_status()
                token = (await response.json())["access_token"]
        except BaseException:
            await self._session.close()
            raise
        self._session.headers["Authorization"] = f"Bearer {token}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, method: str, url: str, body: Any = None) -> Answer:
        async with self._session.request(method, url, json=body) as response:
            text = await response.text()
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, json.loads(text) if text else None)

    async def control(self, method: str, path: str, body: Any) -> None:
        """One of the simulator's own controls under /sim. Raises ValueError with its error message."""
        answer = await self.send(method, f"{self.url}/sim/{path}", body)
        if answer.status >= 400:
            raise ValueError(f"the simulator refused {method} /sim/{path}: {answer.body}")


async def replay(exchanges: list[Exchange], client: Client) -> Report:
    """Loads the recording's estate into the simulator, in place of what it held, and replays the recording.

    The clock is left at speed 1. Raises ValueError where the estate cannot be derived or loaded.
    """
    exchanges = [_with_stand_ins(exchange) for exchange in exchanges]
    await client.control("POST", "estate", derive_estate(exchanges))
    await client.control("PATCH", "clock", {"speed": _HELD})
    report = await _Replay(exchanges, client).run()
    await client.control("PATCH", "clock", {"speed": _SERVICE})
    return report


class _Replay:
    def __init__(self, exchanges: list[Exchange], client: Client) -> None:
        self.exchanges = exchanges
        self.client = client
        self.documented = Documented(exchanges)
        self.report = Report()
        # The simulator names its operations itself: recorded poll URL and operation name to simulated ones.
        self.urls: dict[str, str] = {}
        self.operations: dict[str, str] = {}
        # Names of operations, and paths of resources, that calls out of scope would have made; with the reason.
        self.never_made: dict[str, str] = {}

    async def run(self) -> Report:
        for exchange in self.exchanges:
            reason = self.out_of_scope(exchange)
            if reason is not None:
                self.report.not_replayed.append((exchange, reason))
            elif exchange.asks_operation_status and exchange.url not in self.urls:
                nowhere = Difference(exchange, "unreachable", "url", "polled", "no operation was given to poll")
                self.report.add(nowhere)
            else:
                await self.exchange(exchange)
        return self.report

    def out_of_scope(self, exchange: Exchange) -> str | None:
        """Why an exchange cannot be replayed: by itself, or because it shows what another would have made."""
        seen = f"{exchange.path} {json.dumps(exchange.response_body)}".lower()
        inherited = (reason for made, reason in self.never_made.items() if made in seen)
        reason = out_of_scope(exchange) or next(inherited, None)
        if reason is not None:
            if exchange.method == "PUT":
                self.never_made[exchange.path.lower()] = reason
            urls = ((exchange.response_headers or {}).get(name) for name in OPERATION_HEADERS)
            self.never_made |= {_last_segment(url).lower(): reason for url in urls if url}
        return reason

    async def exchange(self, recorded: Exchange) -> None:
        url = self.translate(recorded.url)
        answer = await self.client.send(recorded.method, url, recorded.request_body)
        if recorded.method in ("GET", "HEAD") and not _caught_up(recorded, answer):
            answer = await self.catch_up(recorded, url, answer)
        self.report.replayed += 1
        self.report.retry_after += "retry-after" in answer.headers
        self.remember(recorded, answer)
        for difference in [*compare(recorded, answer, self.documented), *_state_differences(recorded, answer)]:
            self.report.add(difference)

    async def catch_up(self, recorded: Exchange, url: str, answer: Answer) -> Answer:
        """Speeds the clock up until the simulator has come as far as the recording, but not beyond the deadline."""
        await self.client.control("PATCH", "clock", {"speed": _FAST})
        try:
            async with asyncio.timeout(_DEADLINE):
                while not _caught_up(recorded, answer):
                    await asyncio.sleep(_POLL)
                    answer = await self.client.send(recorded.method, url)
        except TimeoutError:
            pass  # The difference in state is reported.
        finally:
            await self.client.control("PATCH", "clock", {"speed": _HELD})
        return answer

    def translate(self, url: str) -> str:
        if url in self.urls:
            return self.urls[url]
        path = "/" + url.split("://", 1)[-1].partition("/")[2]
        for recorded, simulated in self.operations.items():
            path = path.replace(recorded, simulated)
        return self.client.url + path

    def remember(self, recorded: Exchange, answer: Answer) -> None:
        for name in OPERATION_HEADERS:
            ours, theirs = (recorded.response_headers or {}).get(name), answer.headers.get(name)
            if ours and theirs:
                self.urls[ours] = theirs
                self.operations[_last_segment(ours)] = _last_segment(theirs)


def _with_stand_ins(exchange: Exchange) -> Exchange:
    bodies = json.dumps([exchange.request_body, exchange.response_body])
    for region, stand_in in STAND_INS.items():
        bodies = bodies.replace(f'"{region}"', f'"{stand_in}"')
    request_body, response_body = json.loads(bodies)
    return dataclasses.replace(exchange, request_body=request_body, response_body=response_body)


def _last_segment(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _progress(body: Any) -> Iterator[tuple[str, Any]]:
    for keys in _PROGRESS:
        value = body
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            yield ".".join(("$", *keys)), value


def _caught_up(recorded: Exchange, answer: Answer) -> bool:
    """Whether there is nothing to wait for: the same progress, an end, or another kind of answer."""
    if recorded.status != answer.status:
        return (recorded.status, answer.status) not in _NOT_YET
    if (lists := _lists(recorded, answer)) is not None:
        ours, theirs = lists
        return bool(ours) == bool(theirs) and _settled(theirs) >= _settled(ours)
    progress = dict(_progress(recorded.response_body)), dict(_progress(answer.body))
    return progress[0] == progress[1] or progress[0].keys() != progress[1].keys() or _has_ended(progress[1])


def _has_ended(progress: dict[str, Any]) -> bool:
    return not _ENDED.isdisjoint(progress.values())


def _lists(recorded: Exchange, answer: Answer) -> tuple[list[Any], list[Any]] | None:
    """The elements of a list of Site Recovery, in which something comes, goes or changes while one waits."""
    if "/replication" not in recorded.path:
        return None
    ours, theirs = (
        body.get("value") if isinstance(body, dict) else None for body in (recorded.response_body, answer.body)
    )
    return (ours, theirs) if isinstance(ours, list) and isinstance(theirs, list) else None


def _settled(elements: list[Any]) -> int:
    """How many elements have reached their final state."""
    return sum(not _SETTLED.isdisjoint(dict(_progress(element)).values()) for element in elements)


def _state_differences(recorded: Exchange, answer: Answer) -> Iterator[Difference]:
    if recorded.status != answer.status:
        return
    if (lists := _lists(recorded, answer)) is not None:
        if not _caught_up(recorded, answer):
            shown = [f"{_settled(each)} of {len(each)} settled" for each in lists]
            yield Difference(recorded, "state", "$.value[]", *shown)
        return
    theirs = dict(_progress(answer.body))
    for where, ours in _progress(recorded.response_body):
        if where in theirs and theirs[where] != ours:
            yield Difference(recorded, "state", where, ours, f"{theirs[where]} in {str(answer.body)[:300]}")

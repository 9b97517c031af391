"""Calls Azure Resource Manager as an operator: one request, or a request and the wait for its operation."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

_ENDED = {"Succeeded", "Failed", "Canceled"}
_PASSING = {429, 500, 502, 503, 504}
_TRIES = 5


class ArmError(RuntimeError):
    """Azure rejected a request, or its operation failed: the text is code and message."""


@dataclass(frozen=True)
class Answer:
    """`body` is parsed JSON, None if empty; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Arm:
    """A client of the Azure Resource Manager at `url`. `session` trusts its certificate and sends the access token."""

    def __init__(self, session: ClientSession, url: str, poll_seconds: float) -> None:
        self._session = session
        self._url = url
        self._poll_seconds = poll_seconds

    async def call(self, method: str, path: str, version: str, body: Any = None) -> Answer:
        """`path` may be the URL of an operation: then `version` is not used. Raises ArmError, except for a 404."""
        url = path if path.startswith("https://") else f"{self._url}{path}?api-version={version}"
        for attempt in range(_TRIES):
            async with self._session.request(method, url, json=body) as response:
                text = await response.text()
                headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(response.status, headers, json.loads(text) if text else None)
            if answer.status not in _PASSING:
                break
            await asyncio.sleep(self._poll_seconds * attempt)
        if answer.status >= 400 and answer.status != 404:
            raise ArmError(f"{method} {path.split('?')[0]}: {_error(answer)}")
        return answer

    async def finish(self, method: str, path: str, version: str, body: Any = None) -> None:
        """Sends a request and waits for the end of its operation. Raises ArmError."""
        answer = await self.call(method, path, version, body)
        if (url := answer.headers.get("azure-asyncoperation")) is not None:
            while True:
                body = (await self.call("GET", url, "")).body or {}
                if body.get("status") in _ENDED:
                    break
                await asyncio.sleep(self._poll_seconds)
            if body["status"] != "Succeeded":
                error = body.get("error") or {}
                raise ArmError(f"{method} {path}: {error.get('code', body['status'])}: {error.get('message', '')}")
        elif (url := answer.headers.get("location")) is not None and answer.status == 202:
            while (await self.call("GET", url, "")).status == 202:  # noqa: ASYNC110 - it happens in Azure
                await asyncio.sleep(self._poll_seconds)

    async def list(self, path: str, version: str) -> list[dict[str, Any]]:
        """All pages of a list; an empty list for a 404. Raises ArmError."""
        found: list[dict[str, Any]] = []
        following: str = path
        while following:
            page = (await self.call("GET", following, version)).body or {}
            found += page.get("value") or ()
            following = page.get("nextLink") or ""
        return found


def _error(answer: Answer) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    if not isinstance(error, dict):
        return f"{answer.status} {answer.body}"
    return f"{answer.status} {error.get('code')}: {error.get('message')}"

"""The app on the local host, called through its HTTP API as an operator does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from local.processes import APP, Processes
from local.stack import protection


class RunError(RuntimeError):
    """The app rejected a request, or a run did not end as expected; the text is the reason."""


class BusyError(RunError):
    """Azure or the app is throttled or unavailable; retry."""


class App:
    """One VM's protection."""

    def __init__(self, session: ClientSession, url: str, vm: str) -> None:
        self._session = session
        self._url = f"{url}/api/{protection(vm)}"

    async def ask(self, method: str, more: str = "") -> dict[str, Any]:
        """The response to a request. Raises RunError."""
        async with self._session.request(method, self._url + more) as answer:
            body: dict[str, Any] = await answer.json(content_type=None)
            if answer.status >= 400:
                kind = BusyError if answer.status == 429 or answer.status >= 500 else RunError
                raise kind(f"The app answered {answer.status} {body.get('code', '')}: {body.get('detail', body)}")
        return body

    async def follow(self, outcome: str, say: Callable[[str], None], poll_seconds: float) -> dict[str, Any]:
        """Prints each step of the run until it has ended, and returns its output. Raises RunError if it failed."""
        said = ""
        while True:
            try:
                body = await self.ask("GET")
            except BusyError as error:
                step = str(error)
            else:
                run = body["run"] or {}
                if not body["running"]:
                    break
                step = _step(run)
            if step != said:
                say(step)
                said = step
            await asyncio.sleep(poll_seconds)
        if run.get("outcome") != outcome:
            reasons = [_said(run["error"])] if run.get("error") else []
            reasons += [_said(finding) for finding in run.get("findings", ())]
            raise RunError(f"The run ended as {run.get('outcome', run)}, not as {outcome}: {' '.join(reasons)}")
        return run


def _step(run: Mapping[str, Any]) -> str:
    percent = "" if run.get("percent") is None else f" ({run['percent']} %)"
    fault = f"; {_said(run['lastError'])}" if run.get("lastError") else ""
    return f"{run.get('step', 'Starting')}{percent}{fault}"


def _said(body: Mapping[str, Any]) -> str:
    return f"{body['code']}: {body['message']}"


@asynccontextmanager
async def serving(folder: Path, settings: Mapping[str, str], vm: str) -> AsyncIterator[App]:
    """Starts the host with the app, which gets nothing but these settings, and stops it. Raises StackError."""
    processes = Processes(folder)
    try:
        await processes.start_process("host", settings, "--app", str(APP))
        keys = json.loads((folder / "host" / "keys.json").read_text())
        headers = {"x-functions-key": keys["function"]["default"]}
        async with ClientSession(headers=headers) as session:
            yield App(session, processes.ready("host")["url"], vm)
    finally:
        await processes.stop_process("host")

"""Runs the simulator and the host as two processes, for the demo, the bench and the tests.

Each process has its own folder; only loopback is used.
"""

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientSession, TCPConnector

from local import deployed, rights
from local.processes import APP, Processes, Spawn, StackError
from local.settings import TOPIC, app_settings

__all__ = ["APP", "Stack", "StackError", "protection"]

_CONTINUATION = "x-ms-continuation-token"
"""A list of instances comes in pages: what an answer says here goes into the next request."""

_ONCE_A_YEAR = "0 0 0 1 1 *"


class Stack(Processes):
    """`async with Stack(folder, estate) as stack:` starts both. `settings` are added to the app's environment, in which
    a topic of the simulator receives the outcomes of the app. The app has the rights of infra/, or those of `roles`,
    which are written as infra/permissions.json is, on the scopes in its settings. The resource groups of its target
    scope are there, as infra/ makes them.

    `speed` is that of the simulator's clock: 60 makes a minute of Azure last a second. The app sweeps on demand;
    with `sweeps` also by its own schedule. `python` runs the host, which it finds in `host_root`, and the
    app in `app`.
    """

    def __init__(
        self,
        folder: Path,
        estate: Mapping[str, Any],
        *,
        speed: float = 1,
        sweeps: bool = False,
        settings: Mapping[str, str] | None = None,
        roles: Mapping[str, Any] | None = None,
        simulator_options: tuple[str, ...] = (),
        port: int = 0,
        simulator_port: int = 0,
        app: Path = APP,
        python: str = sys.executable,
        host_root: Path = APP,
        spawn: Spawn = asyncio.create_subprocess_exec,
    ) -> None:
        super().__init__(folder, spawn)
        self.estate = estate
        self.speed = speed
        self.sweeps = sweeps
        self.app = app
        self.settings = dict(settings or {})
        self.roles = rights.load() if roles is None else roles
        self._simulator_options = simulator_options
        self._python, self._host_root = python, host_root
        self._ports = {"simulator": simulator_port, "host": port}
        self._session: ClientSession | None = None
        self._operator = ""

    @property
    def simulator_url(self) -> str:
        return str(self.ready("simulator")["url"])

    @property
    def host_url(self) -> str:
        return str(self.ready("host")["url"])

    @property
    def host_pid(self) -> int:
        return self.pid_of("host")

    @property
    def keys(self) -> dict[str, Any]:
        """The host's keys: `master`, `function`, `system`."""
        keys: dict[str, Any] = json.loads((self.folder / "host" / "keys.json").read_text())
        return keys

    @property
    def page_url(self) -> str:
        """The operators' page, signed in: the key is in the fragment, which no request holds."""
        return f"{self.host_url}/api/ui/#key={self.keys['function']['default']}"

    @property
    def webhook(self) -> str:
        """The URL to which Event Grid delivers events."""
        code = self.keys["system"]["eventgrid_extension"]
        return f"{self.host_url}/runtime/webhooks/EventGrid?functionName=on_vm_event&code={code}"

    async def __aenter__(self) -> Self:
        try:
            await self.start_simulator()
            await self.start_host()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start_simulator(self) -> None:
        file = self.folder / "simulator" / "estate.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        targets = self.settings.get("DR_TARGET_SCOPE") or deployed.scopes(self.estate)["DR_TARGET_SCOPE"]
        self.estate = deployed.with_groups(self.estate, targets)
        file.write_text(json.dumps(self.estate))
        options = ("--speed", str(self.speed), "--estate", str(file), *self._simulator_options)
        await self.start_process("simulator", {}, *options, port=self._ports["simulator"])
        self.connect()

    def connect(self) -> None:
        """Opens the session for all calls, which trusts the simulator."""
        trusted = ssl.create_default_context(cafile=self.ready("simulator")["caFile"])
        self._session = ClientSession(connector=TCPConnector(ssl=trusted))

    async def start_host(self, name: str = "host", **settings: str) -> None:
        """Starts the host on the existing history. `settings` are added for this start only.

        With another name, it is an additional host. With DURABLE_HOST and DURABLE_HUB in the stack's settings, the
        hosts share the work of one task hub. Requests and events go to the first.
        """
        environment = self.app_settings() | settings
        scoped = rights.expanded(environment, self.estate["subscriptions"])
        access = rights.assigned(self.roles, scoped, self.ready("simulator")["principalId"])
        await self.sim("POST", "access", access)
        await self.start_process(
            name,
            environment,
            *("--app", str(self.app)),
            module="host",
            port=self._ports.get(name, 0),
            python=self._python,
            root=self._host_root,
        )
        # Event Grid delivers to this address, so a restarted host must use the same one.
        self._ports["host"] = urlsplit(self.host_url).port or 0

    async def stop(self) -> None:
        if self._session:
            await self._session.close()
        for name in [*reversed(self._running)]:
            await self.stop_process(name)

    async def kill_host(self, name: str = "host") -> None:
        """Kills the host, as when a machine fails."""
        await self.kill_process(name)

    async def sim(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the simulator's own controls, as `sim("PATCH", "clock", {"speed": 60})`."""
        return await self._call(method, f"{self.simulator_url}/sim/{path}", body, {})

    async def draw_latencies(self, seed: int) -> None:
        """Draws the durations of Azure's operations by this seed, from half to twice the recorded; 0 as recorded."""
        await self.sim("PATCH", "behaviour", {"latencySeed": seed})

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Calls an HTTP function of the app with its key. Returns the status and the JSON."""
        headers = {"x-functions-key": self.keys["function"]["default"]}
        return await self._answer(method, f"{self.host_url}/api/{path}", body, headers)

    async def run_timer(self, function: str) -> None:
        """Runs a timer function through the admin API."""
        headers = {"x-functions-key": self.keys["master"]}
        await self._call("POST", f"{self.host_url}/admin/functions/{function}", {"input": ""}, headers)

    async def arm(self, method: str, resource: str, api_version: str, body: Any = None) -> Any:
        """Calls Azure Resource Manager as an operator, with another identity than the app's."""
        headers = {"Authorization": f"Bearer {await self._operator_token()}"}
        return await self._call(method, f"{self.simulator_url}{resource}?api-version={api_version}", body, headers)

    async def tag(self, vm: str, **tags: str) -> None:
        """Adds tags with the Tags API, as the portal does."""
        body = {"operation": "Merge", "properties": {"tags": tags}}
        await self.arm("PATCH", f"{vm}/providers/Microsoft.Resources/tags/default", "2025-04-01", body)

    async def subscribe(self, **options: Any) -> None:
        """Subscribes the app's Event Grid trigger to events of VMs, with Azure's handshake."""
        await self.sim("POST", "events", {"endpoint": self.webhook, **options})

    async def deliver(self, *events: Mapping[str, Any]) -> int:
        """Delivers events to the app as Event Grid does. Returns the status."""
        status, _ = await self._answer("POST", self.webhook, list(events), {"aeg-event-type": "Notification"})
        return status

    async def published(self) -> dict[str, Any]:
        """What the app published to its topic: the number of `calls`, and the `events` in order."""
        topic: dict[str, Any] = await self.sim("GET", f"topics/{TOPIC}")
        return topic

    async def instances(self) -> list[dict[str, Any]]:
        """Every orchestration instance, read page by page from the durable HTTP API."""
        found: list[dict[str, Any]] = []
        token: str | None = ""
        while token is not None:
            url = self._durable_url("instances", "showInput=true")
            headers = {_CONTINUATION: token} if token else {}
            async with self._connections().get(url, headers=headers) as answer:
                answer.raise_for_status()
                found += await answer.json()
                token = answer.headers.get(_CONTINUATION) or None
        return found

    async def start(self, orchestration: str, instance: str, state: Any) -> None:
        """Starts an instance through the durable HTTP API."""
        await self._call("POST", self._durable_url(f"orchestrators/{orchestration}/{instance}"), state, {})

    async def manage(self, instance: str, operation: str, reason: str = "test") -> None:
        """Suspends, resumes or terminates an instance through the durable HTTP API."""
        url = self._durable_url(f"instances/{instance}/{operation}", urlencode({"reason": reason}))
        await self._call("POST", url, None, {})

    async def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The ARM requests that the simulator served after the given one."""
        found: list[dict[str, Any]] = await self.sim("GET", f"requests?after={after}")
        return found

    async def app_requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The requests of the app: all but those of `arm` and `tag`, which act as the operator."""
        operator = _object_id(await self._operator_token())
        return [request for request in await self.requests(after) if request["principal"] != operator]

    def app_settings(self) -> dict[str, str]:
        """The settings of the app: what leads to the simulator, and those that were given."""
        return {
            **app_settings(self.ready("simulator"), self.estate, self.folder),
            **({} if self.sweeps else {"DR_RECONCILE_SCHEDULE": _ONCE_A_YEAR}),
            **self.settings,
        }

    def _connections(self) -> ClientSession:
        if self._session is None:
            raise StackError("The simulator has not been started.")
        return self._session

    async def _operator_token(self) -> str:
        if not self._operator:
            tenant = self.estate.get("tenantId", "organizations")
            form = {"grant_type": "client_credentials", "client_id": "0a0a0a0a-0000-4000-8000-00000000000a"}
            form |= {"client_secret": "any", "scope": f"{self.simulator_url}/.default"}
            url = f"{self.simulator_url}/{tenant}/oauth2/v2.0/token"
            async with self._connections().post(url, data=form) as answer:
                self._operator = str((await answer.json())["access_token"])
        return self._operator

    def _durable_url(self, path: str, query: str = "") -> str:
        code = self.keys["system"]["durabletask_extension"]
        return f"{self.host_url}/runtime/webhooks/durabletask/{path}?code={code}&{query}"

    async def _call(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Any:
        status, answer = await self._answer(method, url, body, headers)
        if status >= 400:
            raise StackError(f"{method} {url.split('?')[0]} answered {status}: {answer}")
        return answer

    async def _answer(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        async with self._connections().request(method, url, json=body, headers=dict(headers)) as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text


def protection(vm: str) -> str:
    """The path of a VM's protection in the app's API."""
    return f"{_in_api(vm)}/protection"


def drill(vm: str) -> str:
    """The path of a VM's drill."""
    return f"{_in_api(vm)}/drill"


def _in_api(vm: str) -> str:
    return vm.removeprefix("/").replace("/providers/Microsoft.Compute", "")


def _object_id(token: str) -> str:
    """The object ID in a token, which the simulator logs as the principal of a call."""
    claims = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return str(decoded["oid"])

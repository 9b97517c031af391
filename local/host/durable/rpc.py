"""The HTTP API of Durable Functions: for the client in the app (`/durabletask/`) and in public under a system key."""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from local.host.durable.backend import PUBLIC_PATH
from local.host.durable.engine import AlreadyExistsError, Engine
from local.host.durable.events import EventType, from_iso
from local.host.durable.functions import unknown
from local.host.durable.status import history_events, status
from local.host.durable.store import Instance, Selection

RPC_PATH = "/durabletask"
RETRY_AFTER = "5"

_OPERATIONS = {
    "terminate": EventType.EXECUTION_TERMINATED,
    "suspend": EventType.EXECUTION_SUSPENDED,
    "resume": EventType.EXECUTION_RESUMED,
}
_INVALID_ID = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_MAX_ID_LENGTH = 100
_PORTION = 200

_Handler = Callable[[web.Request], Awaitable[web.Response]]


class DurableApi:
    """Routes and links. `base_url` is the host's own address, known once it listens."""

    def __init__(self, engine: Engine, hub: str, system_key: str) -> None:
        self._engine = engine
        self._store = engine.store
        self._hub = hub
        self._code = urlencode({"code": system_key})
        self._query = f"taskHub={hub}&connection=Storage&{self._code}"
        self.base_url = ""

    def routes(self) -> list[web.RouteDef]:
        """Relative to where the API is mounted."""
        return [
            web.post("/orchestrators/{name}", self._start),
            web.post("/orchestrators/{name}/{id}", self._start),
            web.get("/instances", self._list),
            web.get("/instances/", self._list),
            web.delete("/instances", self._purge_many),
            web.delete("/instances/", self._purge_many),
            web.get("/instances/{id}", self._status),
            web.delete("/instances/{id}", self._purge),
            web.post("/instances/{id}/raiseEvent/{name}", self._raise_event),
            web.post("/instances/{id}/restart", self._restart),
            web.post("/instances/{id}/{operation:terminate|suspend|resume}", self._operate),
            web.post("/instances/{id}/rewind", _refuse("rewind")),
            web.route("*", "/entities{rest:.*}", _refuse("Durable Entities")),
        ]

    def client_binding(self, rpc_url: str) -> str:
        """The value of a `durableClient` binding: JSON text."""
        orchestrators = f"{self.base_url}{PUBLIC_PATH}/orchestrators/{{functionName}}[/{{instanceId}}]"
        return json.dumps(
            {
                "taskHubName": self._hub,
                "connectionName": None,
                "creationUrls": {
                    "createNewInstancePostUri": f"{orchestrators}?{self._code}",
                    "createAndWaitOnNewInstancePostUri": f"{orchestrators}?timeout={{timeoutInSeconds}}"
                    f"&pollingInterval={{intervalInSeconds}}&{self._code}",
                },
                "managementUrls": self._links("INSTANCEID"),
                "baseUrl": f"{self.base_url}{PUBLIC_PATH}",
                "requiredQueryStringParameters": self._code,
                "rpcBaseUrl": f"{rpc_url}{RPC_PATH}/",
                "httpBaseUrl": None,
            }
        )

    def _links(self, instance_id: str) -> dict[str, str]:
        instance = f"{self.base_url}{PUBLIC_PATH}/instances/{instance_id}"
        reason = f"reason={{text}}&{self._query}"
        return {
            "id": instance_id,
            "statusQueryGetUri": f"{instance}?{self._query}",
            "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{self._query}",
            "terminatePostUri": f"{instance}/terminate?{reason}",
            "rewindPostUri": f"{instance}/rewind?{reason}",
            "purgeHistoryDeleteUri": f"{instance}?{self._query}",
            "restartPostUri": f"{instance}/restart?{self._query}",
            "suspendPostUri": f"{instance}/suspend?{reason}",
            "resumePostUri": f"{instance}/resume?{reason}",
        }

    # Starting

    async def _start(self, request: web.Request) -> web.Response:
        instance_id = request.match_info.get("id") or uuid.uuid4().hex
        text = (await request.text()).strip() or None
        if text is not None and not _is_json(text):
            return _bad_request("The request body is not JSON.")
        return self._start_instance(request.match_info["name"], instance_id, text, request.query.get("version"))

    def _start_instance(self, name: str, instance_id: str, text: str | None, version: str | None) -> web.Response:
        if problem := _id_problem(instance_id):
            return _bad_request(problem)
        if name.lower() not in self._engine.orchestrators:
            return _bad_request(unknown(name, "orchestrator", self._engine.orchestrators))
        try:
            self._engine.start_instance(name, instance_id, text, version)
        except AlreadyExistsError as error:
            return _problem(500, str(error), "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException")
        links = self._links(instance_id)
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": RETRY_AFTER}
        return web.json_response(links, status=202, headers=headers)

    async def _restart(self, request: web.Request) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            return _not_found()
        if request.query.get("restartWithNewInstanceId", "true").lower() == "true":
            return self._start_instance(instance.name, uuid.uuid4().hex, instance.input, instance.version)
        if not instance.ended:
            return web.json_response(None, status=410)
        return self._start_instance(instance.name, instance.id, instance.input, instance.version)

    # Looking

    async def _status(self, request: web.Request) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            return _not_found()
        body = status(instance, show_input=_flag(request, "showInput", default=True))
        if _flag(request, "showHistory"):
            history = self._store.history(instance.id)
            body["historyEvents"] = history_events(history, show_output=_flag(request, "showHistoryOutput"))
        if instance.status == "Failed" and _flag(request, "returnInternalServerErrorOnFailure"):
            return web.json_response(body, status=500)
        if instance.ended:
            return web.json_response(body)
        headers = {"Location": self._links(instance.id)["statusQueryGetUri"], "Retry-After": RETRY_AFTER}
        return web.json_response(body, status=202, headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        try:
            instances = self._store.instances(_selection(request))
        except ValueError as error:
            return _bad_request(str(error))
        show_input = _flag(request, "showInput", default=True)
        return web.json_response([status(instance, show_input=show_input) for instance in instances])

    # Changing

    async def _raise_event(self, request: web.Request) -> web.Response:
        text = (await request.text()).strip() or None
        if request.content_type != "application/json" or (text is not None and not _is_json(text)):
            return _bad_request("Only application/json request content is supported")
        name = request.match_info["name"]
        return self._send(request, EventType.EVENT_RAISED, Name=name, Input=text)

    async def _operate(self, request: web.Request) -> web.Response:
        return self._send(request, _OPERATIONS[request.match_info["operation"]], Input=request.query.get("reason"))

    def _send(self, request: web.Request, kind: EventType, **fields: Any) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            return _not_found()
        if instance.ended:
            return web.json_response(None, status=410)
        self._engine.send(instance.id, kind, **fields)
        return web.json_response(None, status=202)

    async def _purge(self, request: web.Request) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            return _not_found()
        self._store.purge([instance.id])
        return web.json_response({"instancesDeleted": 1})

    async def _purge_many(self, request: web.Request) -> web.Response:
        """Portion by portion, so that turns go on meanwhile."""
        if "createdTimeFrom" not in request.query:
            return _bad_request("Please provide value for 'createdTimeFrom' parameter.")
        try:
            chosen = _selection(request)
        except ValueError as error:
            return _bad_request(str(error))
        purged = 0
        while portion := self._store.purge_ended(chosen, _PORTION):
            purged += portion
            await asyncio.sleep(0)
        return web.json_response({"instancesDeleted": purged}) if purged else _not_found()

    def _instance(self, request: web.Request) -> Instance | None:
        return self._store.instance(request.match_info["id"])


def _selection(request: web.Request) -> Selection:
    """Raises ValueError for what is no time."""
    query = request.query
    created_to = query.get("createdTimeTo")
    return Selection(
        created_from=from_iso(query.get("createdTimeFrom", "1970-01-01T00:00:00Z")),
        created_to=from_iso(created_to) if created_to else None,
        statuses=tuple(item for item in query.get("runtimeStatus", "").split(",") if item),
        prefix=query.get("instanceIdPrefix", ""),
    )


def _id_problem(instance_id: str) -> str | None:
    if not 1 <= len(instance_id) <= _MAX_ID_LENGTH:
        return f"Instance IDs must have 1 to {_MAX_ID_LENGTH} characters; this one has {len(instance_id)}."
    if instance_id.startswith("@"):
        return "Orchestration instance ids must not start with @."
    if _INVALID_ID.search(instance_id):
        return "Instance IDs must not contain /, \\, #, ?, or control characters."
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    return request.query.get(name, str(default)).lower() == "true"


def _refuse(what: str) -> _Handler:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response(f"The local host does not support {what}.", status=501)

    return refuse


def _bad_request(message: str) -> web.Response:
    return _problem(400, message, "System.ArgumentException")


def _problem(code: int, message: str, kind: str) -> web.Response:
    body = {
        "Message": "Something went wrong while processing your request",
        "ExceptionMessage": message,
        "ExceptionType": kind,
        "StackTrace": None,
    }
    return web.json_response(body, status=code)


def _not_found() -> web.Response:
    return web.json_response(None, status=404)

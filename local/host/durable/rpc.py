"""The HTTP API of Durable Functions: for the app's client (`/durabletask/`), and public with a system key."""

import asyncio
import base64
import json
import uuid
from dataclasses import replace
from urllib.parse import quote, urlencode

from aiohttp import web

from local.host.durable.backend import PUBLIC_PATH
from local.host.durable.engine import AlreadyExistsError, Engine
from local.host.durable.events import EventType, from_iso
from local.host.durable.functions import Functions
from local.host.durable.status import history_events, status
from local.host.durable.store import Instance, Selection

RPC_PATH = "/durabletask"
_OPERATIONS = {
    "terminate": EventType.EXECUTION_TERMINATED,
    "suspend": EventType.EXECUTION_SUSPENDED,
    "resume": EventType.EXECUTION_RESUMED,
}
_STATUSES = {"Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended"}
_PAGE = 100
_CONTINUATION = "x-ms-continuation-token"
_NO_ENTITIES = Functions("entity", {})
_PORTION = 200

_WRONG = "Something went wrong while processing your request"


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
        """The routes, relative to the path of the API."""
        return [
            web.post("/orchestrators/{name}", self._start),
            web.post("/orchestrators/{name}/", self._start),
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
            web.post("/instances/{id}/rewind", self._rewind),
            web.get("/entities", _no_entities),
            web.get("/entities/", _no_entities),
            web.post("/entities/{name}/{key}", _signal_entity),
            web.route("*", "/{path:(?s:.*)}", _not_found),
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
        instance = self._address(instance_id)
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

    def _address(self, instance_id: str) -> str:
        return f"{self.base_url}{PUBLIC_PATH}/instances/{quote(instance_id, safe='')}"

    # Starting

    async def _start(self, request: web.Request) -> web.Response:
        instance_id = request.match_info.get("id") or uuid.uuid4().hex
        if "/" in instance_id:
            return await _not_found(request)
        text = (await request.text()).strip() or None
        if text is not None and (problem := _json_problem(text)):
            return problem
        return await self._start_instance(request.match_info["name"], instance_id, text, request.query.get("version"))

    async def _start_instance(self, name: str, instance_id: str, text: str | None, version: str | None) -> web.Response:
        """Starts an instance, also of an unknown orchestrator: that instance fails."""
        try:
            await self._engine.start_instance(name, instance_id, text, version)
        except AlreadyExistsError as error:
            return web.json_response({"Message": str(error)}, status=409)
        links = {name: link for name, link in self._links(instance_id).items() if name != "rewindPostUri"}
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    async def _restart(self, request: web.Request) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            reason = f"No instance with ID '{request.match_info['id']}' was found. (Parameter 'instanceId')"
            message = "InstanceId does not match a valid orchestration instance."
            return _problem(400, message, reason, "System.ArgumentException")
        if request.query.get("restartWithNewInstanceId", "true").lower() == "true":
            return await self._start_instance(instance.name, uuid.uuid4().hex, instance.input, instance.version)
        if not instance.ended:
            reason = f"An Orchestration instance with the status {instance.status} already exists."
            message = "A non-terminal instance with this instance ID already exists."
            return _problem(409, message, reason, "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException")
        return await self._start_instance(instance.name, instance.id, instance.input, instance.version)

    # Reading

    async def _status(self, request: web.Request) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            return await _not_found(request)
        body = status(instance, show_input=_flag(request, "showInput", default=True))
        if _flag(request, "showHistory"):
            history = self._store.history(instance.id)
            body["historyEvents"] = history_events(history, show_output=_flag(request, "showHistoryOutput"))
        if instance.status == "Failed" and _flag(request, "returnInternalServerErrorOnFailure"):
            return web.json_response(body, status=500)
        if instance.ended:
            return web.json_response(body)
        headers = {"Location": f"{self._address(instance.id)}?{self._code}", "Retry-After": "5"}
        return web.json_response(body, status=202, headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        """One page of instances; a header has the continuation token if there are more."""
        token = request.headers.get(_CONTINUATION, "")
        top = request.query.get("top", "")
        most = int(top) if top.isdecimal() else _PAGE
        found = self._store.instances(_selection(request), base64.b64decode(token).decode(), most + 1)
        more = base64.b64encode(found[most].id.encode()).decode() if len(found) > most else ""
        return web.json_response([status(instance) for instance in found[:most]], headers={_CONTINUATION: more})

    # Changing

    async def _raise_event(self, request: web.Request) -> web.Response:
        text = (await request.text()).strip() or None
        instance = self._instance(request)
        if instance is None or instance.ended:
            return web.Response(status=410 if instance else 404)
        if request.content_type != "application/json":
            return web.json_response({"Message": "Only application/json request content is supported"}, status=400)
        if text is not None and (problem := _json_problem(text)):
            return problem
        self._engine.send(instance.id, EventType.EVENT_RAISED, Name=request.match_info["name"], Input=text)
        return web.Response(status=202)

    async def _operate(self, request: web.Request) -> web.Response:
        operation = request.match_info["operation"]
        instance = self._instance(request)
        if instance is None or instance.ended:
            return web.Response(status=410 if instance else 404)
        if operation != "terminate" and (instance.status == "Suspended") != (operation == "resume"):
            reason = (
                f"Cannot {operation} the orchestration instance {instance.id} because instance is in the "
                f"{instance.status} state."
            )
            return _problem(500, _WRONG, reason, "System.InvalidOperationException")
        self._engine.send(instance.id, _OPERATIONS[operation], Input=request.query.get("reason"))
        return web.Response(status=202)

    async def _rewind(self, request: web.Request) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            text = f'No orchestration with instance ID "${request.match_info["id"]}" found.'
            return web.json_response(text, status=404)
        if instance.status != "Failed":
            text = (
                f"This orchestration has status {instance.status}, but only orchestrations in the "
                '"Failed" state can be rewound.'
            )
            return web.json_response(text, status=412)
        return web.json_response("The local host does not support rewind.", status=501)

    async def _purge(self, request: web.Request) -> web.Response:
        instance = self._instance(request)
        if instance is None:
            return await _not_found(request)
        if not instance.ended:
            text = (
                "Only orchestrations in a terminal state can be purged, but the orchestration with instance ID "
                f"{instance.id} has status {instance.status}"
            )
            return web.json_response(text, status=412)
        self._store.purge([instance.id])
        return web.json_response({"instancesDeleted": 1})

    async def _purge_many(self, request: web.Request) -> web.Response:
        """Purges all instances created in the time span with one of the statuses, running ones too. Turns continue
        meanwhile, because it works in portions. A prefix of IDs is ignored."""
        if _time(request, "createdTimeFrom") is None:
            return web.json_response("Please provide value for 'createdTimeFrom' parameter.", status=400)
        chosen, purged = replace(_selection(request), prefix=""), 0
        while portion := self._store.purge_chosen(chosen, _PORTION):
            purged += portion
            await asyncio.sleep(0)
        return web.json_response({"instancesDeleted": purged}) if purged else await _not_found(request)

    def _instance(self, request: web.Request) -> Instance | None:
        return self._store.instance(request.match_info["id"])


def _selection(request: web.Request) -> Selection:
    """The filter of a query. Invalid times and statuses are ignored."""
    query = request.query
    return Selection(
        created_from=_time(request, "createdTimeFrom") or 0,
        created_to=_time(request, "createdTimeTo"),
        statuses=tuple(item for item in query.get("runtimeStatus", "").split(",") if item in _STATUSES),
        prefix=query.get("instanceIdPrefix", ""),
    )


def _time(request: web.Request, name: str) -> float | None:
    try:
        return from_iso(request.query[name])
    except (KeyError, ValueError):
        return None


def _json_problem(text: str) -> web.Response | None:
    try:
        json.loads(text)
    except ValueError as error:
        return _problem(400, "Invalid JSON content", str(error), "Newtonsoft.Json.JsonReaderException")
    return None


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    text = request.query.get(name, "").lower()
    return text == "true" if text in ("true", "false") else default


def _problem(code: int, message: str, reason: str, kind: str) -> web.Response:
    body = {"Message": message, "ExceptionMessage": reason, "ExceptionType": kind, "StackTrace": None}
    return web.json_response(body, status=code)


async def _not_found(_: web.Request) -> web.Response:
    return web.Response(status=404)


async def _no_entities(_: web.Request) -> web.Response:
    return web.json_response([], headers={_CONTINUATION: ""})


async def _signal_entity(request: web.Request) -> web.Response:
    return web.json_response({"Message": _NO_ENTITIES.unknown(request.match_info["name"])}, status=400)

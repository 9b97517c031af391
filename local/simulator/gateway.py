"""The entry point of ARM: token, rate limits, routes, api-versions, parents, faults, and the request log."""

import asyncio
import json
import logging
import re
import uuid
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from local.simulator import errors, identity, ids, linked_access, versions
from local.simulator.arm import locks
from local.simulator.errors import ArmError
from local.simulator.faults import Fault, Faults
from local.simulator.graph import service as resource_graph
from local.simulator.request_log import RequestLog
from local.simulator.routing import Router
from local.simulator.throttling import Throttle
from local.simulator.wire import Answer, Call
from local.simulator.world import World

_LOG = logging.getLogger(__name__)
_SLASHES = re.compile("/{2,}")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WITH_BODY = ("PUT", "PATCH", "POST")


class Gateway:
    def __init__(self, world: World, router: Router) -> None:
        self.world = world
        self.router = router
        self.faults = Faults()
        self.throttle = Throttle(world.clock)
        self.log = RequestLog()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call = Call(
            method=request.method,
            path=_SLASHES.sub("/", request.path),
            query=request.query,
            base_url=f"https://{request.host}",
            request_id=request.headers.get("x-ms-client-request-id", ""),
        )
        self.world.clock.advance()
        fault = self.faults.hit(call.method, call.path, raw, call.api_version)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.detail.get("seconds", 5))
        if fault and fault.kind == "reset":
            return self._drop(request, call, raw)
        answer = self._answer(call, raw, request.headers.get("Authorization", ""), fault)
        correlation = request.headers.get("x-ms-correlation-request-id")
        response = self._respond(call, answer, correlation)
        self._write_log(call, answer.status, response.body, fault)
        if fault and fault.kind == "lost-response":
            return self._drop(request)
        if fault and fault.mutation:
            url = f"{call.base_url}{request.path_qs}"
            return self._respond(call, fault.mutation.apply(answer, url), correlation)
        return response

    def _answer(self, call: Call, raw: bytes, authorization: str, fault: Fault | None) -> Answer:
        limits: dict[str, str] = {}
        try:
            call.claims = identity.read(authorization)
            call.principal = str(call.claims.get("oid") or call.claims.get("appid") or "")
            if fault and fault.kind in ("status", "throttle"):
                raise self.planned(fault)
            if fault and fault.kind == "fail-operation":
                call.doomed = fault.detail
            limits = self._take(call)
            self.throttle.take_of_service(call.method, call.path, self._scope(call.path), call.principal)
            answer = self._dispatch(call, raw)
        except ArmError as error:
            if call.body is None:
                call.body = _readable(raw)  # rejected before it was parsed: the log has it all the same
            answer = error.answer()
        except Exception:
            _LOG.exception("%s %s failed", call.method, call.path)
            answer = ArmError(500, "InternalServerError", "The simulator failed; its log has the reason.").answer()
        answer.headers |= limits
        return answer

    def _dispatch(self, call: Call, raw: bytes) -> Answer:
        routes, call.params = self.router.match(call.path)
        if call.method not in routes:
            # What is not served here is there in Azure, which first says no to a caller without the right to it.
            self.world.access.check(call)
        if not routes:
            raise ArmError(404, "InvalidResourceType", f"The resource type of '{call.path}' could not be found.")
        route = routes.get(call.method)
        if route is None:
            raise ArmError(405, "MethodNotAllowed", f"The HTTP method {call.method} is not allowed on this resource.")
        versions.check(route.api, call.api_version, call.path.rsplit("/providers/", 1)[-1])
        self._check_subscription(call.path)
        self.world.access.check(call)
        self._check_group(call.method, call.path)
        if call.method not in ("GET", "HEAD"):
            locks.check(self.world, call.method, call.path)
        if call.method in ("PUT", "PATCH"):
            self.world.limits.check_policy(call.path)
        if raw and call.method in _WITH_BODY:
            try:
                call.body = json.loads(raw)
            except ValueError as error:
                raise errors.invalid_content(f"not JSON: {error}") from None
        if call.body is not None:
            self.world.access.check_linked(call, linked_access.links(self.world, call))
        answer = route.handler(self.world, call)
        if call.method not in ("GET", "HEAD"):
            self.world.changed(call.path)
        return answer

    def _check_subscription(self, path: str) -> None:
        parts = path.strip("/").split("/")
        if parts[0].lower() != "subscriptions" or len(parts) < 2:
            return
        if not _GUID.fullmatch(parts[1]):
            message = f"The provided subscription identifier '{parts[1]}' is malformed or invalid."
            raise ArmError(400, "InvalidSubscriptionId", message)
        if self.world.store.subscription(parts[1]) is None:
            raise errors.subscription_not_found(parts[1])

    def _check_group(self, method: str, path: str) -> None:
        """The resource group of the path must exist, except for its own routes. A group that is being deleted rejects
        PUT."""
        parts = path.strip("/").split("/")
        if len(parts) < 4 or parts[2].lower() != "resourcegroups":
            return
        group = self.world.store.group(ids.group_id(parts[1], parts[3]))
        if group is None and len(parts) > 4:
            raise errors.group_not_found(parts[3])
        if group and group.state == "Deleting" and method == "PUT":
            message = f"The resource group '{group.name}' is in deprovisioning state and cannot perform this operation."
            raise ArmError(409, "ResourceGroupBeingDeleted", message)

    def _take(self, call: Call) -> dict[str, str]:
        if call.path.lower() == resource_graph.PATH.lower():
            return self.throttle.take_query(call.principal)
        return self.throttle.take(call.method, self._scope(call.path), call.principal)

    def _scope(self, path: str) -> str:
        parts = path.strip("/").split("/")
        if parts[0].lower() == "subscriptions" and len(parts) > 1:
            return f"subscription/{parts[1]}"
        return f"tenant/{self.world.store.tenant_id}"

    def planned(self, fault: Fault) -> ArmError:
        """The error of a fault of the kind `status` or `throttle`."""
        detail = fault.detail
        headers = {"Retry-After": f"{detail['retryAfter']:g}"} if "retryAfter" in detail else {}
        if fault.kind == "throttle":
            headers.setdefault("Retry-After", self.world.clock.throttled_for(5))
            return ArmError(429, "TooManyRequests", detail.get("message", "Too many requests."), headers=headers)
        status = detail.get("status", 500)
        code = detail.get("code", "InternalServerError")
        return ArmError(status, code, detail.get("message", "The server made a planned error."), headers=headers)

    def _respond(self, call: Call, answer: Answer, correlation: str | None) -> web.Response:
        request_id = str(uuid.uuid4())
        headers: CIMultiDict[str] = CIMultiDict(
            {
                "x-ms-request-id": request_id,
                "x-ms-correlation-request-id": correlation or request_id,
                "x-ms-routing-request-id": f"LOCAL:{self.world.clock.stamp()}:{request_id}",
                "Cache-Control": "no-cache",
            }
            | answer.headers
        )
        if answer.status == 202 and "x-ms-request-id" in answer.headers:
            # Site Recovery's own is there twice (recorded).
            headers.add("x-ms-request-id", answer.headers["x-ms-request-id"])
        if answer.body is None or call.method == "HEAD":
            return web.Response(status=answer.status, headers=headers)
        headers.setdefault("Content-Type", answer.content_type)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        return web.Response(status=answer.status, headers=headers, body=body)

    def _drop(self, request: web.Request, call: Call | None = None, raw: bytes = b"") -> web.Response:
        """Closes the connection. With `call`, also logs the request with status 0."""
        if call is not None:
            call.body = _readable(raw)
            self._write_log(call, 0, None)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _write_log(self, call: Call, status: int, body: Any, fault: Fault | None = None) -> None:
        """A mutated answer is logged as it was before, because it may not be JSON."""
        line = {
            "time": self.world.clock.stamp(),
            "method": call.method,
            "path": call.path,
            "query": {name: value for name, value in call.query.items() if name not in ("t", "c", "s", "h")},
            "apiVersion": call.api_version,
            "status": status,
            "principal": call.principal,
        }
        if fault and fault.mutation:
            line["mutated"] = True
        self.log.add(line, call.body, body if isinstance(body, bytes) else b"")


def _readable(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None

"""The simulator's own controls, under /sim. They are not part of Azure, need no token and are not logged."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from local.simulator import estate, scenes, state
from local.simulator.estate.limits import read_limits
from local.simulator.events.grid import parse_subscription
from local.simulator.gateway import Gateway
from local.simulator.graph import index
from local.simulator.identity import Identity
from local.simulator.recovery import lists
from local.simulator.topics import Topics
from local.simulator.wire import Json

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def readable_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turns a ValueError of a control into a 400 with its text."""
    try:
        return await handler(request)
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)


class Controls:
    def __init__(self, gateway: Gateway, identity: Identity, topics: Topics) -> None:
        self.gateway = gateway
        self.identity = identity
        self.topics = topics
        self.world = gateway.world

    def add_routes(self, app: web.Application) -> None:
        control = web.Application(middlewares=[readable_errors])
        control.add_routes(
            [
                web.get("/requests", self.get_requests),
                web.delete("/requests", self.delete_requests),
                web.post("/estate", self.post_estate),
                web.get("/state", self.get_state),
                web.get("/clock", self.get_clock),
                web.patch("/clock", self.patch_clock),
                web.get("/behaviour", self.get_behaviour),
                web.patch("/behaviour", self.patch_behaviour),
                web.get("/access", self.get_access),
                web.post("/access", self.post_access),
                web.patch("/access", self.patch_access),
                web.delete("/access", self.delete_access),
                web.patch("/quotas", self.patch_quotas),
                web.post("/move", self.post_move),
                web.get("/overrides", self.get_overrides),
                web.post("/overrides", self.post_overrides),
                web.delete("/overrides", self.delete_overrides),
                web.post("/test-failovers", self.post_test_outcomes),
                web.get("/faults", self.get_faults),
                web.post("/faults", self.post_faults),
                web.delete("/faults", self.delete_faults),
                web.get("/events", self.get_events),
                web.post("/events", self.post_events),
                web.delete("/events", self.delete_events),
            ]
        )
        self.topics.add_controls(control)
        app.add_subapp("/sim", control)

    def load(self, raw: Any) -> Json:
        """Replaces everything that exists with an estate. Raises ValueError, and then nothing has changed."""
        announce = bool(raw.pop("announce", False)) if isinstance(raw, dict) else False
        estate.load(self.world, raw)
        self._follow()
        self.identity.tenant = self.world.store.tenant_id
        vms = state.virtual_machines(self.world)
        if announce:
            for vm in vms:
                self.world.raise_event(vm, "write")
        return {"virtualMachines": len(vms), "subscriptions": len(self.world.store.subscriptions)}

    def _follow(self) -> None:
        """Rebuilds the snapshots of lists that lag."""
        index.follow(self.world)
        lists.follow(self.world)

    async def get_requests(self, request: web.Request) -> web.Response:
        body = self.gateway.log.text(int(request.query.get("after", "0")))
        return web.Response(body=body, content_type="application/json")

    async def delete_requests(self, _request: web.Request) -> web.Response:
        self.gateway.log.clear()
        return web.Response(status=204)

    async def post_estate(self, request: web.Request) -> web.Response:
        return web.json_response(self.load(await _json(request)))

    async def get_state(self, _request: web.Request) -> web.Response:
        self.world.clock.advance()
        return web.json_response(state.everything(self.world))

    async def get_clock(self, _request: web.Request) -> web.Response:
        return web.json_response({"speed": self.world.clock.speed, "now": self.world.clock.now()})

    async def patch_clock(self, request: web.Request) -> web.Response:
        body = await _json(request)
        speed = body.get("speed") if isinstance(body, dict) else None
        if not isinstance(speed, (int, float)) or isinstance(speed, bool):
            raise ValueError('the clock takes {"speed": <number>}')
        self.world.clock.set_speed(speed)
        return await self.get_clock(request)

    async def get_behaviour(self, _request: web.Request) -> web.Response:
        return web.json_response(self.world.behaviour.body())

    async def patch_behaviour(self, request: web.Request) -> web.Response:
        self.world.behaviour.patch(await _json(request))
        self._follow()
        return web.json_response(self.world.behaviour.body())

    async def get_access(self, _request: web.Request) -> web.Response:
        return web.json_response(self.world.access.body())

    async def post_access(self, request: web.Request) -> web.Response:
        self.world.access.load(await _json(request))
        return await self.get_access(request)

    async def patch_access(self, request: web.Request) -> web.Response:
        """Takes read rights away, or gives them back."""
        self.world.access.lose(await _json(request))
        return await self.get_access(request)

    async def delete_access(self, _request: web.Request) -> web.Response:
        self.world.access.lift()
        return web.Response(status=204)

    async def patch_quotas(self, request: web.Request) -> web.Response:
        changed = read_limits({"quotas": await _json(request)}, self.world.store).quotas
        for quota in changed:
            self.world.limits.set_quota(quota)
        return web.json_response({"quotas": len(changed)})

    async def post_move(self, request: web.Request) -> web.Response:
        """Moves a resource to another resource group at once. Site Recovery keeps its old ID."""
        body = await _json(request)
        new_id = scenes.move(self.world, body)
        return web.json_response({"id": new_id})

    async def get_overrides(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.world.overrides))

    async def post_overrides(self, request: web.Request) -> web.Response:
        scenes.override(self.world, await _json(request))
        return await self.get_overrides(request)

    async def delete_overrides(self, _request: web.Request) -> web.Response:
        self.world.overrides.clear()
        return web.Response(status=204)

    async def post_test_outcomes(self, request: web.Request) -> web.Response:
        scenes.test_outcome(self.world, await _json(request))
        return web.Response(status=204)

    async def get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response([rule.shown() for rule in self.gateway.faults.rules])

    async def post_faults(self, request: web.Request) -> web.Response:
        """One rule, or an array of rules."""
        body = await _json(request)
        for rule in body if isinstance(body, list) else [body]:
            self.gateway.faults.add(rule)
        return await self.get_faults(request)

    async def delete_faults(self, _request: web.Request) -> web.Response:
        self.gateway.faults.rules.clear()
        return web.Response(status=204)

    async def get_events(self, _request: web.Request) -> web.Response:
        return web.json_response(self.world.events.body())

    async def post_events(self, request: web.Request) -> web.Response:
        await self.world.events.subscribe(parse_subscription(await _json(request)))
        return web.json_response(self.world.events.body())

    async def delete_events(self, _request: web.Request) -> web.Response:
        self.world.events.subscription = None
        return web.Response(status=204)


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from None

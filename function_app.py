"""The function app: HTTP and event triggers. A trigger names a VM and signals or starts its run.

`orchestrators/protect_vm.py` does the rest.

- `on_vm_event`: Event Grid reports that a VM was written, started, tagged or deleted.
- `reconcile`: the timer of the sweep, which finds the VMs missed by events and starts their runs.
- HTTP, by the table of `triggers/routes.py`: `get_protection`, `put_protection`, `delete_protection`, `post_plan`,
  `put_hold`, `delete_hold`, `put_acknowledge`, `delete_acknowledge`, `get_timeline` for one VM; `get_drill`,
  `post_drill`, `delete_drill`, `post_drill_plan` for its drill; `get_drills`, `post_drills`, `post_drills_plan`,
  `get_drill_batch`, `delete_drills` for drills of many VMs; `post_protections`, `post_protections_plan`, `get_batch`
  for many VMs; `get_compliance`, `get_report`, `get_jobs` for the whole estate; `get_status`, `get_runs`, `post_sweep`
  for the app and what it does now; `get_openapi` for the OpenAPI document.
- `get_page`: the operators' page, the files of `ui/`.
- The activities and orchestrators of Durable Functions, by the tables of `activities/functions.py` and
  `orchestrators/functions.py`.

The settings are read first: with an invalid or missing setting the app does not start, and logs why. What only a call
needs is imported by it: a cold start pays for the list of functions alone.
"""

import asyncio
import gc
import logging
import os
from contextlib import suppress
from importlib import import_module
from typing import Any

# A cold start is spared what it would do in vain: the garbage collector would look through all that is imported, which
# stays, and pydantic through the metadata of every installed package for a plugin, of which there is none.
gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

import azure.durable_functions as df
import azure.functions as func

import activities.functions
import orchestrators.functions
from shared.config.environment import load_settings
from shared.model.scope import Scope
from triggers.roles import auth_level
from triggers.routes import ROUTES, Route

gc.freeze()
gc.enable()

settings = load_settings()
log = logging.getLogger("dr")
# The SDKs log every request at level INFO: only the lines of decisions are readable. But on Python 3.13 the worker logs
# as `azure.functions` (before as `azure_functions_worker`): its lines keep the default level.
logging.getLogger("azure").setLevel(logging.WARNING)
logging.getLogger("azure.functions").setLevel(logging.getLogger().level)

app = df.DFApp(http_auth_level=auth_level())
app.register_functions(orchestrators.functions.blueprint)
app.register_functions(activities.functions.blueprint)


@app.event_grid_trigger(arg_name="event")
@app.durable_client_input(client_name="client")
async def on_vm_event(event: func.EventGridEvent, client: df.DurableOrchestrationClient) -> None:
    from triggers.events import CloudEventsNotSupportedError, NotAboutAVmError, caller_of_event, vm_of

    try:
        vm = vm_of(event, await _source())
    except NotAboutAVmError as reason:
        log.info("Event %r ignored: %s", str(event.id)[:64], reason)
        return
    except CloudEventsNotSupportedError as reason:
        log.error("Event %r refused: %s", str(event.id)[:64], reason)
        raise
    from shared.orchestrations import signal_or_start
    from shared.reconcile.run_state import RunState

    asked_by = (caller_of_event(event),)
    await signal_or_start(client, RunState(vm_id=vm, poll_seconds=settings.poll_seconds, asked_by=asked_by))


async def _source() -> Scope:
    """The source scope. An event pays for a client of Azure only if management groups have to be resolved."""
    if not settings.source.management_groups:
        return settings.source
    from shared.arm.client import gateway
    from shared.readers.management_groups import resolve_scope

    await resolve_scope(gateway())
    return gateway().settings.source


def _serve(route: Route) -> None:
    async def respond(req: func.HttpRequest, *client: df.DurableOrchestrationClient) -> func.HttpResponse:
        from shared.arm.client import gateway
        from shared.readers.management_groups import resolve_scope
        from triggers.callers import handle
        from triggers.requests import translate_azure_errors

        async def answer() -> func.HttpResponse:
            await translate_azure_errors(resolve_scope(gateway()))
            handler = getattr(import_module(route.module), route.name)
            response: func.HttpResponse = await handler(gateway(), *client, req)
            return response

        return await handle(req, route.role, answer)

    async def with_client(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        return await respond(req, client)

    async def without_client(req: func.HttpRequest) -> func.HttpResponse:
        return await respond(req)

    function: Any = with_client if route.needs_client else without_client
    function.__name__ = function.__qualname__ = route.name
    if route.needs_client:
        function = app.durable_client_input(client_name="client")(function)
    app.route(route=route.path, methods=[route.method])(function)


for each in ROUTES:
    _serve(each)


@app.route(route="ui/{*path}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_page(req: func.HttpRequest) -> func.HttpResponse:
    from triggers.page import page

    return page(settings, req)


@app.timer_trigger(schedule=settings.reconcile_schedule, arg_name="timer")
@app.durable_client_input(client_name="client")
async def reconcile(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    from shared.sweeps import start_sweep

    if timer.past_due:
        log.info("This sweep is late: the app was not running when it was due")
    if not await start_sweep(client, settings.poll_seconds):
        log.warning("The previous sweep is still in progress: this one is skipped")


async def _import_ahead() -> None:
    """What every trigger needs, while the worker waits for its first call: the functions can be listed without it."""
    for module in ("triggers.events", "shared.orchestrations"):
        await asyncio.to_thread(import_module, module)


with suppress(RuntimeError):  # No loop is running: this was imported by something else than a worker.
    # The reference keeps the task.
    _ahead = asyncio.get_running_loop().create_task(_import_ahead())

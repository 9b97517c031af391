"""The function app: HTTP and event triggers. A trigger names a VM and signals or starts its run.

`orchestrators/protect_vm.py` does the rest.

- `on_vm_event`: Event Grid reports that a VM was written, started, tagged or deleted.
- `put_protection`, `get_protection`, `delete_protection`, `post_plan`: one VM over HTTP.
- `post_protections`, `get_batch`, `post_protections_plan`: many VMs at once.
- `get_compliance`, `get_jobs`: the status of the estate, and the jobs of Site Recovery.
- `get_openapi`: the OpenAPI document of these routes.
- `reconcile`: the timer of the sweep, which finds the VMs missed by events and starts their runs.

The settings are read first: with an invalid or missing setting the app does not start, and logs why.
"""

import logging

import azure.durable_functions as df
import azure.functions as func

import activities.functions
import orchestrators.functions
from shared.config.settings import load_settings
from shared.orchestrations import signal_or_start, start_if_idle
from shared.reconcile.run_state import RunState
from triggers.callers import Role, auth_level, handle
from triggers.events import CloudEventsNotSupportedError, NotAboutAVmError, vm_of
from triggers.routes import BATCH, COMPLIANCE, JOBS, OPENAPI, PLAN, PROTECTION, PROTECTIONS, PROTECTIONS_PLAN

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
    try:
        vm = vm_of(event, settings.source)
    except NotAboutAVmError as reason:
        log.info("Event %r ignored: %s", str(event.id)[:64], reason)
        return
    except CloudEventsNotSupportedError as reason:
        log.error("Event %r refused: %s", str(event.id)[:64], reason)
        raise
    await signal_or_start(client, RunState(vm_id=vm, poll_seconds=settings.poll_seconds))


@app.route(route=PROTECTION, methods=["PUT"])
@app.durable_client_input(client_name="client")
async def put_protection(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import protection

    return await handle(req, Role.ENABLE, lambda: protection.put_protection(gateway(), client, req))


@app.route(route=PROTECTION, methods=["GET"])
@app.durable_client_input(client_name="client")
async def get_protection(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import protection

    return await handle(req, Role.READ, lambda: protection.get_protection(gateway(), client, req))


@app.route(route=PROTECTION, methods=["DELETE"])
@app.durable_client_input(client_name="client")
async def delete_protection(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import disabling

    return await handle(req, Role.DISABLE, lambda: disabling.delete_protection(gateway(), client, req))


@app.route(route=PLAN, methods=["POST"])
async def post_plan(req: func.HttpRequest) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import plan

    return await handle(req, Role.READ, lambda: plan.post_plan(gateway(), req))


@app.route(route=PROTECTIONS, methods=["POST"])
@app.durable_client_input(client_name="client")
async def post_protections(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import protections

    return await handle(req, Role.ENABLE, lambda: protections.post_protections(gateway(), client, req))


@app.route(route=BATCH, methods=["GET"])
@app.durable_client_input(client_name="client")
async def get_batch(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    from triggers import protections

    return await handle(req, Role.READ, lambda: protections.get_batch(client, req))


@app.route(route=PROTECTIONS_PLAN, methods=["POST"])
async def post_protections_plan(req: func.HttpRequest) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import protections_plan

    return await handle(req, Role.READ, lambda: protections_plan.post_protections_plan(gateway(), req))


@app.route(route=COMPLIANCE, methods=["GET"])
async def get_compliance(req: func.HttpRequest) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import compliance

    return await handle(req, Role.READ, lambda: compliance.get_compliance(gateway(), req))


@app.route(route=JOBS, methods=["GET"])
async def get_jobs(req: func.HttpRequest) -> func.HttpResponse:
    from shared.arm.client import gateway
    from triggers import jobs

    return await handle(req, Role.READ, lambda: jobs.get_jobs(gateway(), req))


@app.route(route=OPENAPI, methods=["GET"])
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    from triggers import openapi

    return await handle(req, Role.READ, lambda: openapi.get_openapi(settings, req))


@app.timer_trigger(schedule=settings.reconcile_schedule, arg_name="timer")
@app.durable_client_input(client_name="client")
async def reconcile(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    from shared.reconcile.sweep import Sweep

    sweep = Sweep(poll_seconds=settings.poll_seconds)
    if timer.past_due:
        log.info("This sweep is late: the app was not running when it was due")
    if not await start_if_idle(client, "reconcile", "reconcile_estate", sweep.dump(), sweep.poll_seconds):
        log.warning("The previous sweep is still in progress: this one is skipped")

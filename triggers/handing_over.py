"""The end of PUT and DELETE: hand the order to the run of the VM, and return where to follow it."""

from http import HTTPStatus

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.config.settings import Settings
from shared.model.order import Order
from shared.orchestrations import SignalError, hand_over, instance_of
from shared.reconcile.run_state import RunState
from triggers.callers import caller_of
from triggers.problems import Problem
from triggers.requests import path_of
from triggers.routes import TARGETS_ONLY
from triggers.views import Accepted


async def hand_over_and_respond(
    settings: Settings,
    client: DurableOrchestrationClient,
    request: func.HttpRequest,
    run: RunState,
    done: str,
    *,
    confirmed: bool = False,
) -> func.HttpResponse:
    """202 once a run has accepted the order. `done` describes what was written before, for the Problem that is raised
    if no run accepts the order in time."""
    order = Order.new(caller_of(request), confirmed=confirmed)
    try:
        await hand_over(client, run, order, settings.accept_timeout_seconds)
    except SignalError as error:
        detail = f"{done}, and no run has accepted the order: {error}. Repeating the request is safe."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "RunNotStarted", detail, retry_after=10) from None
    of_vm = path_of(request).rstrip("/").rpartition("/")[0]
    where = f"{of_vm}/protection" + (f"?{TARGETS_ONLY}=true" if run.targets_only else "")
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    accepted = Accepted(vm_id=run.vm_id, instance_id=instance, order=order.token)
    return accepted.response(HTTPStatus.ACCEPTED, {"Location": where, "Retry-After": "10"})

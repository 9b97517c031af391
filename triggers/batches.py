"""What batches of protections and batches of drills have in common: how one is started, found and read."""

import re
from http import HTTPStatus
from secrets import token_hex
from typing import Any, TypeVar

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.config.settings import Settings
from shared.instance_status import RUNNING, json_in, output_of
from shared.model.step_result import Error
from shared.orchestrations import SignalError, start_and_see
from shared.reconcile.batch import BatchOf
from triggers import names
from triggers.problems import Problem, status_not_read

Batch = TypeVar("Batch", bound=BatchOf[Any])


async def start_batch(
    client: DurableOrchestrationClient,
    settings: Settings,
    orchestrator: str,
    prefix: str,
    batch: BatchOf[Any],
    done: str,
) -> str:
    """Starts the batch and returns its name. Raises Problem, which says that nothing was `done`."""
    name = f"{prefix}{token_hex(16)}"
    try:
        await start_and_see(client, orchestrator, name, batch.dump(), settings.accept_timeout_seconds)
    except SignalError as error:
        detail = f"Nothing was {done} by this request: {error}. Repeating it is safe."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "NotStarted", detail, retry_after=10) from None
    return name


async def find_batch(client: DurableOrchestrationClient, request: func.HttpRequest, prefix: str) -> tuple[str, Any]:
    """The name in the path, and its status with the input: that of a running batch is its state. Raises Problem."""
    name = request.route_params["batch"]
    if re.fullmatch(names.batch(prefix), name):
        try:
            status = await client.get_status(name, show_input=True)
        except Exception as error:
            raise status_not_read("the batch", error) from None
        if status.runtime_status is not None:
            return name, status
    detail = f"There is no batch {name[:80]!r}: {prefix}<32 hexadecimal digits> is allowed, as POST returned it."
    raise Problem(HTTPStatus.NOT_FOUND, "BatchNotFound", detail)


def read_batch(model: type[Batch], status: Any) -> tuple[Batch, bool, Error | None]:
    """The batch, whether it is running, and the error if it neither is nor has ended as it should. Raises Problem."""
    if status.runtime_status is OrchestrationRuntimeStatus.Completed:
        return state_in(model, status.output), False, None
    batch = state_in(model, status.input_)
    if status.runtime_status in RUNNING:
        return batch, True, None
    message = f"It ended as {status.runtime_status.name}: {output_of(status)}"[:1000]
    return batch, False, Error(code="BatchFailed", message=message)


def state_in(model: type[Batch], given: Any) -> Batch:
    """The state in an input or output. Raises Problem."""
    try:
        return model.load(json_in(given))
    except ValueError as error:
        raise status_not_read("the batch", error) from None

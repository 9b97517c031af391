"""An app that only orchestrates: the bench runs it to measure the speed of the host."""

# mypy: disallow-untyped-decorators=False

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="start/{count}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    for _ in range(int(req.route_params["count"])):
        await client.start_new("chain")
    return func.HttpResponse()


@app.route(route="hello", methods=["GET"])
async def hello(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    return func.HttpResponse("Hello")


@app.event_grid_trigger(arg_name="event")
@app.durable_client_input(client_name="client")
async def on_vm_event(
    event: func.EventGridEvent,  # noqa: ARG001
    client: df.DurableOrchestrationClient,
) -> None:
    await client.start_new("chain")


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Generator[Any, Any, int]:
    total = 0
    for _ in range(5):
        total = yield context.call_activity("add_one", total)
    return total


@app.activity_trigger(input_name="number")
def add_one(number: int) -> int:
    return number + 1

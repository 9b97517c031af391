# mypy: ignore-errors
"""Work that outlasts its host. EXTRA_STEP changes the code between two runs of it."""

import os
import time
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
EXTRA_STEP = bool(os.environ.get("EXTRA_STEP"))


@app.route(route="binding", methods=["GET"])
@app.generic_input_binding(arg_name="client", type="durableClient")
def binding(req: func.HttpRequest, client: str) -> str:  # noqa: ARG001
    return client


@app.activity_trigger(input_name="number")
def work(number: int) -> int:
    time.sleep(0.01)
    return number + 1


@app.activity_trigger(input_name="number")
def extra(number: int) -> int:
    return number


@app.activity_trigger(input_name="text")
def hold(text: str) -> str:
    """Runs until the test says so. The test sees that it runs."""
    folder = Path(os.environ["HOLD"])
    (folder / "running").write_text(text)
    while not (folder / "go").exists():
        time.sleep(0.01)
    return text


@app.orchestration_trigger(context_name="context")
def steps(context: df.DurableOrchestrationContext):
    number = 0
    for _ in range(5):
        number = yield context.call_activity("work", number)
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=200))
    numbers = yield context.task_all([context.call_activity("work", number) for _ in range(3)])
    child = yield context.call_sub_orchestrator("child", sum(numbers))
    return child


@app.orchestration_trigger(context_name="context")
def child(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("work", context.get_input()))


@app.orchestration_trigger(context_name="context")
def held(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("hold", "held"))


@app.orchestration_trigger(context_name="context")
def waits_first(context: df.DurableOrchestrationContext):
    timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=30))
    winner = yield context.task_any([timer, context.wait_for_external_event("changed")])
    if winner != timer:
        timer.cancel()
    if EXTRA_STEP:
        yield context.call_activity("extra", 1)
    yield context.call_activity("work", 1)
    if context.get_input() < 2:
        context.continue_as_new(context.get_input() + 1)
        return None
    return "three generations"


@app.orchestration_trigger(context_name="context")
def waits_last(context: df.DurableOrchestrationContext):
    if EXTRA_STEP:
        yield context.call_activity("extra", 1)
    yield context.call_activity("work", 1)
    yield context.wait_for_external_event("changed")
    return "done"

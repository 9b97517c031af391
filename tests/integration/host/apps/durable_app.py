# mypy: ignore-errors
"""Orchestrations of every shape that the host must carry. The tests start them through the real client."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="binding", methods=["GET"])
@app.generic_input_binding(arg_name="client", type="durableClient")
def binding(req: func.HttpRequest, client: str) -> str:  # noqa: ARG001
    """The raw value of the binding: with it the tests use the real client from outside."""
    return client


@app.activity_trigger(input_name="number")
async def add_one(number: int) -> int:
    return number + 1


@app.activity_trigger(input_name="number")
def add_one_in_thread(number: int) -> int:
    return number + 1


@app.activity_trigger(input_name="text")
def fail(text: str) -> None:
    raise ValueError(text)


@app.activity_trigger(input_name="name")
@app.durable_client_input(client_name="client")
async def start_another(name: str, client: df.DurableOrchestrationClient) -> str:
    return await client.start_new("chain", name, 40)


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    number = context.get_input()
    for _ in range(2):
        number = yield context.call_activity(add_one, number)
    return number


@app.orchestration_trigger(context_name="context")
def fan_out(context: df.DurableOrchestrationContext):
    numbers = yield context.task_all(
        [context.call_activity("add_one_in_thread", number) for number in range(context.get_input())]
    )
    return sum(numbers)


@app.orchestration_trigger(context_name="context")
def first_of(context: df.DurableOrchestrationContext):
    """Waits for an event or a timer; cancels the timer when it loses."""
    context.set_custom_status("waiting")
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
    changed = context.wait_for_external_event("changed")
    winner = yield context.task_any([timer, changed])
    if winner == timer:
        return "timer"
    timer.cancel()
    return changed.result


@app.orchestration_trigger(context_name="context")
def leaves_timer_open(context: df.DurableOrchestrationContext):
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=3))
    yield context.task_any([timer, context.call_activity("add_one", 1)])
    return "done"


@app.orchestration_trigger(context_name="context")
def generations(context: df.DurableOrchestrationContext):
    left = context.get_input()
    context.set_custom_status({"left": left})
    yield context.call_activity("add_one", left)
    if left:
        context.continue_as_new(left - 1)
        return None
    return context.version


@app.orchestration_trigger(context_name="context")
def looks_again(context: df.DurableOrchestrationContext):
    """The app's own pattern: wait first, once per generation, work, continue as new."""
    wakes = context.get_input()
    context.set_custom_status({"wakes": wakes})
    timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=30))
    changed = context.wait_for_external_event("changed")
    stop = context.wait_for_external_event("stop")
    winner = yield context.task_any([timer, changed, stop])
    if winner != timer:
        timer.cancel()
    yield context.call_activity("add_one", wakes)
    if winner == stop:
        return wakes
    context.continue_as_new(wakes + 1)


@app.orchestration_trigger(context_name="context")
def event_again(context: df.DurableOrchestrationContext):
    """Nothing is awaited between the cancelled timer and continue_as_new: in Azure the event comes again."""
    count = context.get_input()
    timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=30))
    winner = yield context.task_any([timer, context.wait_for_external_event("changed")])
    if winner != timer:
        timer.cancel()
    if count == 5:
        return "five wake-ups"
    context.continue_as_new(count + 1)


@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    children = [context.call_sub_orchestrator("chain", number) for number in range(3)]
    numbers = yield context.task_all(children)
    named = yield context.call_sub_orchestrator("chain", 10, f"{context.instance_id}-child")
    return [*numbers, named]


@app.orchestration_trigger(context_name="context")
def parent_of_failure(context: df.DurableOrchestrationContext):
    try:
        yield context.call_sub_orchestrator("raises", "the reason")
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def raises(context: df.DurableOrchestrationContext):
    yield context.call_activity("add_one", 1)
    raise RuntimeError(context.get_input())


@app.orchestration_trigger(context_name="context")
def activity_fails(context: df.DurableOrchestrationContext):
    yield context.call_activity("fail", context.get_input())


@app.orchestration_trigger(context_name="context")
def retries(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=3)
    try:
        yield context.call_activity_with_retry("fail", options, "always")
    except Exception as error:
        number = yield context.call_activity("add_one", 1)
        return f"{number}: {str(error).splitlines()[0]}"


@app.orchestration_trigger(context_name="context")
def unknown_activity(context: df.DurableOrchestrationContext):
    yield context.call_activity("nowhere", 1)


@app.orchestration_trigger(context_name="context")
def unknown_child(context: df.DurableOrchestrationContext):
    yield context.call_sub_orchestrator("nowhere", 1)


@app.orchestration_trigger(context_name="context")
def says_much(context: df.DurableOrchestrationContext):
    """Its status is so many characters of its input's last one."""
    length, character = context.get_input()
    context.set_custom_status(character * length)
    yield context.call_activity("add_one", 1)
    yield context.wait_for_external_event("go")
    return "said"


@app.orchestration_trigger(context_name="context")
def repeats(context: df.DurableOrchestrationContext):
    return context.get_input()


@app.orchestration_trigger(context_name="context")
def calls_http(context: df.DurableOrchestrationContext):
    yield context.call_http("GET", "http://127.0.0.1:1/")


@app.orchestration_trigger(context_name="context")
def starts_another(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("start_another", context.get_input()))

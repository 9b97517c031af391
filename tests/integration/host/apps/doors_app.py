# mypy: ignore-errors
"""HTTP, Event Grid and timer functions. What came in by Event Grid and timer is written to the folder SEEN."""

import asyncio
import json
import os
import threading
import uuid
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()
LOOPS: set[int] = set()


def seen(kind: str, body) -> None:
    """The file appears whole: a test reads it as soon as it is there."""
    written = Path(os.environ["SEEN"], uuid.uuid4().hex)
    written.write_text(json.dumps(body))
    written.rename(written.with_name(f"{kind}-{written.name}"))


@app.route(route="echo/{first:int}/{second?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    body = {
        "method": req.method,
        "url": req.url,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("X-Test"),
        "framed": req.headers.get("Transfer-Encoding"),
        "body": req.get_body().decode(errors="backslashreplace"),
        "function": context.function_name,
        "invocation": context.invocation_id,
        "thread": threading.current_thread() is not threading.main_thread(),
    }
    headers = {"Set-Cookie": "a=b; Path=/", "X-Answer": "yes"}
    return func.HttpResponse(json.dumps(body), status_code=201, mimetype="application/json", headers=headers)


@app.route(route="echo/literal/path", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def literal(req: func.HttpRequest) -> str:  # noqa: ARG001
    LOOPS.add(id(asyncio.get_running_loop()))
    return f"{len(LOOPS)} loop"


@app.route(route="files/{*path}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def files(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "nothing")


@app.route(methods=["GET"])
def with_function_key(req: func.HttpRequest) -> str:  # noqa: ARG001
    return "function"


@app.route(methods=["GET"], auth_level=func.AuthLevel.ADMIN)
def with_master_key(req: func.HttpRequest) -> str:  # noqa: ARG001
    return "admin"


@app.route(methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def breaks(req: func.HttpRequest) -> str:  # noqa: ARG001
    raise RuntimeError("a secret text")


@app.route(methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def empty(req: func.HttpRequest):  # noqa: ARG001
    return None


@app.route(methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def switched_off(req: func.HttpRequest) -> str:  # noqa: ARG001
    return "switched on"


@app.event_grid_trigger(arg_name="event")
async def on_event(event: func.EventGridEvent) -> None:
    if event.get_json() == "break":
        raise RuntimeError("this event breaks it")
    seen("event", {"id": event.id, "subject": event.subject, "data": event.get_json()})


@app.event_grid_trigger(arg_name="event")
def on_cloud_event(event: func.CloudEvent) -> None:
    seen("cloud", {"id": event.id, "type": event.type, "data": event.get_json()})


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def on_timer(timer: func.TimerRequest) -> None:
    seen("timer", {"past_due": timer.past_due, "next": timer.schedule_status["Next"]})


@app.timer_trigger(arg_name="timer", schedule="0 0 3 1 1 *")
def yearly(timer: func.TimerRequest) -> None:  # noqa: ARG001
    seen("yearly", {})

"""Apps of a few lines: what Microsoft's worker library makes of each is what the local host has to make of it."""

_HEAD = """import typing, collections.abc, dataclasses, enum
from typing import *
import azure.functions as func
import azure.durable_functions as df
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""
_HTTP = "@app.route()\ndef f({}){}:\n    {}\n"
_ACTIVITY = "@app.activity_trigger(input_name='x')\ndef f({}){}:\n    return None\n"
_TIMER = "@app.timer_trigger(arg_name='t', schedule='0 0 0 1 1 *')\ndef f({}){}:\n    return None\n"
_EVENT = "@app.event_grid_trigger(arg_name='e')\ndef f({}){}:\n    return None\n"
_ORCHESTRATOR = "@app.orchestration_trigger(context_name='context')\ndef f({}){}:\n    yield\n"


def _http(parameters: str = "req: func.HttpRequest", returns: str = "", body: str = "return 'a'") -> str:
    return _HEAD + _HTTP.format(parameters, returns and f" -> {returns}", body)


def _of(template: str, parameters: str, returns: str = "", before: str = "") -> str:
    return _HEAD + before + template.format(parameters, returns and f" -> {returns}")


APPS = {
    # Annotations of what an activity gets
    "no annotation": _of(_ACTIVITY, "x"),
    "str": _of(_ACTIVITY, "x: str"),
    "int": _of(_ACTIVITY, "x: int"),
    "dict": _of(_ACTIVITY, "x: dict"),
    "dict[str, Any]": _of(_ACTIVITY, "x: dict[str, Any]"),
    "list[int]": _of(_ACTIVITY, "x: list[int]"),
    "Dict[str, Any]": _of(_ACTIVITY, "x: Dict[str, Any]"),
    "Dict": _of(_ACTIVITY, "x: Dict"),
    "List[int]": _of(_ACTIVITY, "x: List[int]"),
    "Mapping of typing": _of(_ACTIVITY, "x: typing.Mapping[str, int]"),
    "Mapping of collections": _of(_ACTIVITY, "x: collections.abc.Mapping[str, int]"),
    "Any": _of(_ACTIVITY, "x: Any"),
    "Optional": _of(_ACTIVITY, "x: Optional[str]"),
    "Union by a bar": _of(_ACTIVITY, "x: str | None"),
    "Tuple": _of(_ACTIVITY, "x: Tuple[int, str]"),
    "Literal": _of(_ACTIVITY, "x: Literal['a']"),
    "Annotated": _of(_ACTIVITY, "x: Annotated[str, 'a']"),
    "None as annotation": _of(_ACTIVITY, "x: None"),
    "a dataclass": _of(_ACTIVITY, "x: P", before="@dataclasses.dataclass\nclass P:\n    a: int\n"),
    "a TypedDict": _of(_ACTIVITY, "x: P", before="class P(TypedDict):\n    a: int\n"),
    "a NewType": _of(_ACTIVITY, "x: P", before="P = NewType('P', str)\n"),
    "a TypeVar": _of(_ACTIVITY, "x: P", before="P = TypeVar('P')\n"),
    "a generic class": _of(_ACTIVITY, "x: P[int]", before="T = TypeVar('T')\nclass P(Generic[T]):\n    a: T\n"),
    "text as annotation": _of(_ACTIVITY, "x: 'Dict[str, int]'"),
    "text that names nothing": _of(_ACTIVITY, "x: 'Nothing'"),
    "annotations postponed": "from __future__ import annotations\n" + _of(_ACTIVITY, "x: dict[str, Any]"),
    "a return that is no type": _of(_ACTIVITY, "x", "dict[str, Any]"),
    "Out for an input": _of(_ACTIVITY, "x: func.Out[str]"),
    # Other triggers
    "HTTP with str": _http("req: str"),
    "HTTP with dict": _http("req: dict"),
    "HTTP without annotation": _http("req"),
    "timer": _of(_TIMER, "t: func.TimerRequest", "None"),
    "timer with int": _of(_TIMER, "t: int"),
    "timer with str": _of(_TIMER, "t: str"),
    "timer by context": _of(_TIMER, "t: func.TimerRequest, context: func.Context"),
    "event": _of(_EVENT, "e: func.EventGridEvent"),
    "event in a list": _of(_EVENT, "e: List[func.EventGridEvent]"),
    "event with HttpRequest": _of(_EVENT, "e: func.HttpRequest"),
    "orchestrator": _of(_ORCHESTRATOR, "context: df.DurableOrchestrationContext"),
    "orchestrator with int": _of(_ORCHESTRATOR, "context: int"),
    # Returns of an HTTP function: these are called, too
    "returns str": _http(returns="str"),
    "returns HttpResponse": _http(returns="func.HttpResponse", body="return func.HttpResponse('b', status_code=418)"),
    "returns None": _http(body="return None"),
    "returns a dictionary": _http(body="return {}"),
    "returns bytes": _http(body="return b'a'"),
    "returns an empty text": _http(body="return ''"),
    "raises": _http(body="raise ValueError('two\\nlines')"),
    "None as return annotation": _http(returns="None"),
    "int as return annotation": _http(returns="int"),
    "a union as return annotation": _http(returns="func.HttpResponse | str"),
    "Out as return annotation": _http(returns="func.Out[str]"),
    "coroutine": _http().replace("def f", "async def f"),
    "generator": _http(body="yield 'a'"),
    # Parameters and names
    "context": _http("req: func.HttpRequest, context: func.Context", body="return context.function_name"),
    "context without annotation": _http("req: func.HttpRequest, context", body="return context.function_name"),
    "context with int": _http("req: func.HttpRequest, context: int"),
    "context with text": _http("req: func.HttpRequest, context: 'func.Context'"),
    "a parameter too many": _http("req: func.HttpRequest, other: str"),
    "a parameter with default": _http("req: func.HttpRequest, other: str = ''"),
    "any parameters": _http("req: func.HttpRequest, *others"),
    "no parameter": _http(""),
    "another name": _http("request: func.HttpRequest"),
    "keyword only": _http("*, req: func.HttpRequest"),
    "a name by decorator": _HEAD + "@app.function_name('g')\n" + _http()[len(_HEAD) :],
    "a name twice": _http() + "@app.route(route='g')\ndef f(req):\n    return ''\n",
    "two triggers": _HEAD + "@app.route()\n" + _of(_TIMER, "t, req")[len(_HEAD) :],
    "no trigger": _HEAD + "@app.durable_client_input(client_name='c')\nasync def f(c):\n    pass\n",
    "a blueprint": _HEAD
    + "b = func.Blueprint()\n"
    + _http()[len(_HEAD) :].replace("@app", "@b")
    + "app.register_functions(b)\n",
    "a client": _HEAD
    + "@app.route()\n@app.durable_client_input(client_name='c')\nasync def f(req, c):\n    return ''\n",
    "a return that comes in": _HEAD
    + "@app.generic_input_binding(arg_name='$return', type='durableClient')\n"
    + _http()[len(_HEAD) :],
    # Broken
    "no app": "app = None\n",
    "two apps": _http() + "other = func.FunctionApp()\n",
    "a module that is not there": "import nowhere_to_be_found\n" + _http(),
    "a name that is not there": "from typing import Nowhere\n" + _http(),
    "no Python": "app = (\n",
    "an error at import": "raise RuntimeError('set A\\nset B')\n",
    "an error without text": "raise KeyError\n",
}

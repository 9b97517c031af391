"""Finds the functions of an app as the platform's Python worker does: import, one app object, bindings, parameters."""

import importlib
import inspect
import json
import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from local.host.config import HostError

log = logging.getLogger(__name__)

SCRIPT = "function_app.py"

TRIGGERS = {"httpTrigger", "timerTrigger", "eventGridTrigger", "orchestrationTrigger", "activityTrigger"}
INPUTS = {"durableClient"}
RETURN = "$return"

Binding = dict[str, Any]


@dataclass(frozen=True)
class HostFunction:
    """One function of the app. Bindings are dictionaries as in function.json."""

    name: str
    code: Callable[..., Any]
    trigger: Binding
    inputs: list[Binding]
    wants_context: bool
    is_async: bool
    directory: str

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])


def load_functions(app: Path) -> list[HostFunction]:
    """Imports function_app.py and reads its functions. Raises HostError with one message."""
    if not (app / SCRIPT).is_file():
        raise HostError(f"{app / SCRIPT} is missing")
    sys.path.insert(0, str(app))
    try:
        module = importlib.import_module(Path(SCRIPT).stem)
    except (Exception, SystemExit) as error:
        log.debug("The import of %s failed", SCRIPT, exc_info=True)
        raise HostError(f"{SCRIPT} cannot be imported: {_where(error, app)}{type(error).__name__}: {error}") from error
    try:
        functions = _app_object(vars(module)).get_functions()
    except (ValueError, TypeError) as error:
        raise HostError(f"{SCRIPT}: {error}") from error
    if not functions:
        raise HostError(f"{SCRIPT}: no functions found")
    found = [_read(function, app) for function in functions]
    _check_unique(found)
    return found


def _where(error: BaseException, app: Path) -> str:
    """The last line of the app that the error passed through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(app)]
    return f"{Path(frames[-1].filename).relative_to(app)}, line {frames[-1].lineno}: " if frames else ""


def _app_object(names: dict[str, Any]) -> func.FunctionRegister:
    apps = {id(value): value for value in names.values() if isinstance(value, func.FunctionRegister)}
    if not apps:
        raise ValueError("there is no top-level FunctionApp or DFApp")
    if len(apps) > 1:
        raise ValueError("there is more than one top-level FunctionApp or DFApp")
    return next(iter(apps.values()))


def _read(function: func.Function, app: Path) -> HostFunction:
    name = function.get_function_name() or ""
    if function.get_setting("retry_policy"):
        raise HostError(f"function '{name}': the local host does not support retry policies")
    bindings: list[Binding] = [json.loads(text) for text in function.get_raw_bindings()]
    trigger_name = function.get_trigger().name  # type: ignore[union-attr]
    trigger = next(binding for binding in bindings if binding["name"] == trigger_name)
    inputs = []
    for binding in bindings:
        kind = binding.get("type")
        if binding is trigger:
            supported = kind in TRIGGERS
        elif kind in INPUTS:
            supported = True
            inputs.append(binding)
        else:
            supported = kind == "http" and binding["name"] == RETURN
        if not supported:
            raise HostError(f"function '{name}': the local host does not support bindings of type {kind!r}")
    code = function.get_user_function()
    wants_context = _check_parameters(name, code, {binding["name"] for binding in (trigger, *inputs)})
    return HostFunction(name, code, trigger, inputs, wants_context, inspect.iscoroutinefunction(code), str(app))


def _check_parameters(name: str, code: Callable[..., Any], bound: set[str]) -> bool:
    """Parameters and bindings must agree; `context` without a binding asks for the invocation's context."""
    parameters = set(inspect.signature(code).parameters)
    wants_context = "context" in parameters - bound
    parameters -= {"context"} if wants_context else set()
    if unbound := parameters - bound:
        raise HostError(f"function '{name}': parameters without a binding: {', '.join(sorted(unbound))}")
    if missing := bound - parameters:
        raise HostError(f"function '{name}': bindings without a parameter: {', '.join(sorted(missing))}")
    return wants_context


def _check_unique(functions: list[HostFunction]) -> None:
    seen: set[str] = set()
    for function in functions:
        if function.name.lower() in seen:
            raise HostError(f"there is more than one function named '{function.name}' (case does not matter)")
        seen.add(function.name.lower())

"""Finds the functions of an app: Microsoft's worker library imports, indexes and checks it, with its own errors.
This module rejects what the local host does not support."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure_functions_runtime import functions_metadata_request, worker_init_request

from local.host import messages
from local.host.config import HostError, is_disabled
from local.host.messages import Message, StatusResult

TRIGGERS = {"httpTrigger", "timerTrigger", "eventGridTrigger", "orchestrationTrigger", "activityTrigger"}
INPUTS = {"durableClient"}
# The capability that the library reports if the app streams HTTP responses.
_STREAMS = "HttpUri"

Binding = dict[str, Any]


@dataclass(frozen=True)
class HostFunction:
    """One function of the app. Bindings are as in function.json; the library knows the function by `id`."""

    id: str
    name: str
    trigger: Binding
    inputs: list[Binding]
    disabled: bool

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])


async def load_functions(app: Path) -> list[HostFunction]:
    """Indexes the app's script, once in a process. Raises HostError with the error of Microsoft's library."""
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not (app / script).is_file():
        raise HostError(f"{app / script} is missing")
    sys.path.insert(0, str(app))
    start = Message(capabilities={}, function_app_directory=str(app))
    request = Message(request=Message(worker_init_request=start), properties={"host": "127.0.0.1", "protos": messages})
    try:
        response = await worker_init_request(request)
    except SystemExit as error:
        raise HostError(f"{script} has ended the process: SystemExit: {error}") from error
    if response.result.status != StatusResult.Success:
        fault = response.result.exception
        raise HostError(f"{fault.message}\nStack: {fault.stack_trace}")
    if _STREAMS in response.capabilities:
        raise HostError("the local host does not support HTTP streams")
    functions = [_read(found) for found in (await functions_metadata_request(request)).function_metadata_results or ()]
    if not functions:
        raise HostError(f"{script}: no functions found")
    _check_unique(functions)
    return functions


def _read(found: Message) -> HostFunction:
    """Raises HostError for what the local host does not support."""
    if found.retry_options:
        raise HostError(f"function '{found.name}': the local host does not support retry policies")
    triggers: list[Binding] = []
    inputs: list[Binding] = []
    for binding in map(json.loads, found.raw_bindings):
        kind = binding["type"]
        if kind in TRIGGERS:
            triggers.append(binding)
        elif kind in INPUTS:
            inputs.append(binding)
        elif (kind, binding["name"]) != ("http", "$return"):
            raise HostError(f"function '{found.name}': the local host does not support bindings of type {kind!r}")
    return HostFunction(found.function_id, found.name, triggers[0], inputs, is_disabled(found.name))


def _check_unique(functions: list[HostFunction]) -> None:
    seen: set[str] = set()
    for function in functions:
        if function.name.lower() in seen:
            raise HostError(f"there is more than one function named '{function.name}' (case does not matter)")
        seen.add(function.name.lower())

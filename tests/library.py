"""Microsoft's worker library called directly, once in a process: `python -m tests.library FOLDER` prints the names of
the app's functions, or how the library words its refusal; with --call also what its one HTTP function answers."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

from azure_functions_runtime import start_threadpool_executor
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.handle_event import _functions
from azure_functions_runtime.loader import index_function_app, process_indexed_function
from azure_functions_runtime.native_invocation import invocation_request_native


def index(app: Path) -> dict[str, str]:
    """The IDs of the functions by their names. Raises what the library raises."""
    protos = Mock()
    protos.BindingInfo.out, protos.BindingInfo.inout, protos.BindingInfo.undefined = 1, 2, 0
    sys.path.insert(0, str(app))
    load_binding_registry()
    functions = index_function_app(str(app / "function_app.py"))
    process_indexed_function(protos, _functions, functions, str(app))
    return {found.name: found.function_id for found in _functions._functions.values()}


def call(function_id: str, parameter: str = "req") -> Any:
    """What an HTTP function returns to `GET /`, as the library encodes it; None when it has failed."""
    request = {
        "method": Datum("GET", "string"),
        "url": Datum("http://localhost/", "string"),
        "headers": {},
        "query": {},
        "params": {},
        "body": Datum(b"", "bytes"),
    }
    start_threadpool_executor()
    inputs = [(parameter, Datum(request, "http"))]
    succeeded, value, *_ = asyncio.run(invocation_request_native("an-id", function_id, inputs, {}))
    return value if succeeded else None


def _answer(function_id: str) -> tuple[int, str]:
    """What the Functions host makes of the value: 500 without text where the function has failed."""
    if (value := call(function_id)) is None:
        return 500, ""
    if value.type == "string":
        return 200, value.value
    return int(value.value["status_code"].value), value.value["body"].value.decode()


def main(arguments: list[str]) -> int:
    outcome: dict[str, Any]
    try:
        functions = index(Path(arguments[0]))
    except Exception as error:
        # As the worker tells it to the host.
        outcome = {"refused": f"{type(error).__name__}: {error}"}
    else:
        outcome = {"functions": sorted(functions)}
        if "--call" in arguments:
            outcome["answer"] = _answer(*functions.values())
    sys.stdout.write(json.dumps(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

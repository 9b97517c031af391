"""Runs one invocation: bindings in through azure.functions' converters, coroutine or thread, return value out."""

import asyncio
import logging
import os
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from local.host.indexing import HostFunction

log = logging.getLogger(__name__)

_LOCAL = threading.local()


class InvocationContext(func.Context):
    """What a function gets that asks for `context`. There is no distributed tracing and no retry policy here."""

    def __init__(self, invocation_id: str, function: HostFunction) -> None:
        self._invocation_id = invocation_id
        self._function = function

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return _LOCAL

    @property
    def function_name(self) -> str:
        return self._function.name

    @property
    def function_directory(self) -> str:
        return self._function.directory

    @property
    def trace_context(self) -> Any:
        return None

    @property
    def retry_context(self) -> Any:
        return None


class Invoker:
    """Coroutines run on the event loop that calls, plain functions in the pool, as in the platform's worker."""

    def __init__(self) -> None:
        self.client_binding = ""
        self._converters = func.get_binding_registry()  # type: ignore[no-untyped-call]
        self._pool = ThreadPoolExecutor(_thread_count(), thread_name_prefix="function")

    def close(self) -> None:
        """Waits for nothing: a thread cannot be stopped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def invoke(self, function: HostFunction, trigger: Datum) -> Any:
        """The function's return value; raises what the function or a converter raises."""
        invocation_id, started = str(uuid.uuid4()), time.monotonic()
        outcome = "Failed"
        try:
            arguments = self._arguments(function, trigger, invocation_id)
            if function.is_async:
                result = await function.code(**arguments)
            else:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(self._pool, lambda: function.code(**arguments))
            outcome = "Succeeded"
            return result
        except SystemExit as error:
            raise RuntimeError(f"the function called sys.exit({error.code!r})") from error
        finally:
            milliseconds = (time.monotonic() - started) * 1000
            log.debug("Executed '%s' (%s, Id=%s, %.0f ms)", function.name, outcome, invocation_id, milliseconds)

    def encode(self, kind: str, value: Any) -> Datum:
        """A return value as the binding type `kind` hands it to the host. Raises ValueError or NotImplementedError."""
        datum: Datum = self._converters.get(kind).encode(value, expected_type=None)
        return datum

    def _arguments(self, function: HostFunction, trigger: Datum, invocation_id: str) -> Mapping[str, Any]:
        arguments = {function.trigger["name"]: self._decode(function.trigger["type"], trigger)}
        for binding in function.inputs:
            # The Durable library annotates it as a text, and the worker gives a text as it is, whatever the binding.
            arguments[binding["name"]] = self.client_binding
        if function.wants_context:
            arguments["context"] = InvocationContext(invocation_id, function)
        return arguments

    def _decode(self, kind: str, datum: Datum) -> Any:
        return self._converters.get(kind).decode(datum, trigger_metadata={})


def _thread_count() -> int | None:
    """PYTHON_THREADPOOL_THREAD_COUNT, or None for Python's own default, which the worker takes too."""
    text = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    return int(text) if text.isdecimal() and int(text) > 0 else None

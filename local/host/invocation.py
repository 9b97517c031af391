"""Runs one invocation: Microsoft's worker library converts the arguments, calls the function, on the event loop or in
its thread pool, and encodes what is returned."""

import logging
import time
import uuid

from azure_functions_runtime import get_threadpool_executor, invocation_request, start_threadpool_executor

from local.host.durable.functions import FunctionFailedError
from local.host.indexing import HostFunction
from local.host.messages import Message, ParameterBinding, StatusResult, TypedData

log = logging.getLogger(__name__)

_NO_TRACE = Message(trace_parent="", trace_state="", attributes={})
_NO_RETRY = Message(retry_count=0, max_retry_count=0, exception=None)


class Invoker:
    """One for each process: the library has one thread pool. `client_binding` is what a `durableClient` input gets."""

    def __init__(self) -> None:
        self.client_binding = ""
        start_threadpool_executor()

    def close(self) -> None:
        """Closes without waiting: a thread cannot be stopped."""
        get_threadpool_executor().shutdown(wait=False, cancel_futures=True)

    async def invoke(self, function: HostFunction, trigger: TypedData) -> TypedData | None:
        """The return value as the worker sends it. Raises FunctionFailedError for any error."""
        invocation_id, started = str(uuid.uuid4()), time.monotonic()
        outcome = "Failed"
        client = TypedData(string=self.client_binding)
        values = [(function.trigger["name"], trigger), *((binding["name"], client) for binding in function.inputs)]
        call = Message(
            invocation_id=invocation_id,
            function_id=function.id,
            input_data=[ParameterBinding(name=name, data=value) for name, value in values],
            trigger_metadata={},
            trace_context=_NO_TRACE,
            retry_context=_NO_RETRY,
        )
        try:
            response = await invocation_request(Message(request=Message(invocation_request=call)))
            if response.result.status != StatusResult.Success:
                error = response.result.exception
                raise FunctionFailedError(error.message, error.stack_trace)
            outcome = "Succeeded"
            value: TypedData | None = response.return_value
            return value
        except SystemExit as error:
            raise FunctionFailedError(text := f"SystemExit: {error}", text) from error
        finally:
            milliseconds = (time.monotonic() - started) * 1000
            log.debug("Executed '%s' (%s, Id=%s, %.0f ms)", function.name, outcome, invocation_id, milliseconds)

"""The messages between Functions host and Python worker, as plain objects: Microsoft's library gets this module
as `protos`, in place of generated protobuf classes. Names and fields are those of FunctionRpc.proto."""

from types import SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """A message with the fields that it is created with."""


FunctionMetadataResponse = InvocationResponse = RpcException = RpcFunctionMetadata = RpcRetryOptions = Message
NullableBool = NullableDouble = NullableString = NullableTimestamp = Timestamp = Message
WorkerInitResponse = WorkerMetadata = Message


class BindingInfo(Message):
    """A binding of a function; the values are those of its `direction` and of its `data_type`."""

    out, inout = 1, 2
    undefined = 0


class StatusResult(Message):
    Failure, Success = 0, 1


class RpcHttp(Message):
    """A request or a response of an HTTP function."""


class RpcHttpCookie(Message):
    SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


class ParameterBinding(Message):
    """The value of a parameter: `name` and `data`."""

    def WhichOneof(self, group: str) -> str:  # noqa: ARG002, N802
        return "data"


_KINDS: dict[str, type] = {"string": str, "json": str, "bytes": bytes, "http": RpcHttp}


class TypedData(Message):
    """One value under the name of its kind: `TypedData(json="{}")`. Raises TypeError where protobuf does."""

    def __init__(self, **value: Any) -> None:
        if any(not isinstance(content, _KINDS[kind]) for kind, content in value.items()):
            raise TypeError("bad argument type for built-in operation")
        super().__init__(**value)

    def WhichOneof(self, group: str) -> str | None:  # noqa: ARG002, N802
        return next(iter(vars(self)), None)

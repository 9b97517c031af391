"""The base of all serialized models: orchestration state, activity input and output, HTTP bodies."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


def well_formed(text: str) -> str:
    """The text, without halves of surrogate pairs: JSON may name them, and no file, request or model can hold one."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Model(BaseModel):
    """Immutable, camelCase on the wire as Azure's own JSON is.

    Unknown fields are ignored: an orchestration that waits for days is read back by a newer or an older version of
    the app. What people type (HTTP bodies, settings) forbids them instead.
    """

    # Validators are built at first use: a cold start for an event does not build all of them.
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", defer_build=True
    )

    def with_(self, **changes: Any) -> Self:
        """A copy with these fields."""
        return self.model_copy(update=changes)

    @classmethod
    def load(cls, data: Any) -> Self:
        """Reads what `dump` wrote. Raises pydantic.ValidationError."""
        return cls.model_validate(data)

    def dump(self) -> dict[str, Any]:
        """Plain JSON data, without unset fields: orchestration history is billed by size."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Record:
    """The base of what an estate holds by the ten thousand: dataclasses with slots, in a sixth of a Model's memory.

    As a part of a Model they are read, checked and written as Models are; their own constructor checks nothing.
    """

    __pydantic_config__: ClassVar[ConfigDict] = Model.model_config

    def with_(self, **changes: Any) -> Self:
        """A copy with these fields."""
        return replace(self, **changes)

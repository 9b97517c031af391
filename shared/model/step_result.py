"""The result of an activity. Activities do not raise Azure errors: they return one of three.

- `Ready`: the step is complete; `value` holds what was found.
- `Pending`: requested and not complete yet; retry after `retry_after` seconds.
- `Failed`: Azure or a setting refused, and the same request would be refused again.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter

from shared.model.base import Model, well_formed


def cut_to(longest: int) -> BeforeValidator:
    """A validator of a text of a service: it cuts a longer one."""

    return BeforeValidator(lambda given: shortened(given, longest) if isinstance(given, str) else given)


def shortened(given: str, longest: int) -> str:
    """The text of a service, cut if it is longer."""
    text = well_formed(given)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


LONGEST_CODE, LONGEST_MESSAGE, LONGEST_ACTION = 100, 2000, 1000


def first_line(text: str) -> str:
    """The first line of a failure: its message without the stack trace."""
    return text.strip().split("\n", 1)[0].rstrip()


class Error(Model):
    """Why something failed, with the message of the service. `action` is what the service recommends.

    Azure's texts may be of any length, and orchestrations carry errors in their state: long texts are cut.
    """

    code: Annotated[str, cut_to(LONGEST_CODE)]
    message: Annotated[str, cut_to(LONGEST_MESSAGE)]
    action: Annotated[str, cut_to(LONGEST_ACTION)] = ""

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.code}: {self.message}", self.action) if part)


class Ready(Model):
    status: Literal["ready"] = "ready"
    value: dict[str, Any] = {}


class Pending(Model):
    """`percent` is the progress of the step, if the service reports it. Runs that wait with a `tick`, in seconds, go on
    at whole multiples of it, near to `retry_after`: at the same times, so that they share their reads."""

    status: Literal["pending"] = "pending"
    retry_after: float
    step: str = ""
    percent: int | None = None
    error: Error | None = None
    tick: float = 0


class Failed(Model):
    """`by_settings`: a rule or a limit refused, not a fault: one of the app's settings, or one of Azure's that only a
    person can change."""

    status: Literal["failed"] = "failed"
    error: Error
    by_settings: bool = False


StepResult = Ready | Pending | Failed

_OUTCOME: TypeAdapter[StepResult] = TypeAdapter(
    Annotated[StepResult, Field(discriminator="status")], config=ConfigDict(defer_build=True)
)


def load_step_result(data: Any) -> StepResult:
    """Reads what an activity returned. Raises pydantic.ValidationError."""
    return _OUTCOME.validate_python(data)

"""The body of PUT and of plan: a typed model made of the table of choices, its members called as the VM's tags are."""

import json
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from doors.problems import FieldError, Problem
from shared.domain.choices import CHOICES, Row
from shared.domain.layers import PROFILE
from shared.domain.settings import Settings

# What Azure allows the value of a tag.
LONGEST_VALUE = 256

_TEXT = f"a string of 1 to {LONGEST_VALUE} characters"
_MOST_ERRORS = 100
_KINDS = {dict: "an object", list: "an array", type(None): "null"}


def tags_in(settings: Settings, body: Any) -> dict[str, str]:
    """The tags that a body asks for. Raises Problem, which names every member that cannot be taken."""
    model = request_model(settings)
    try:
        return model.model_validate(body).model_dump(by_alias=True, exclude_unset=True)
    except ValidationError as error:
        known = ", ".join(str(field.alias) for field in model.model_fields.values())
        errors = tuple(_error(each, known) for each in error.errors()[:_MOST_ERRORS])
    fields = ", ".join(each.field for each in errors)
    detail = f"The body has members or values that are not allowed: {fields}."
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidBody", detail, errors=errors)


def request_model(settings: Settings) -> type[BaseModel]:
    return _request_model(settings.tag_name, tuple(settings.profiles))


@cache
def _request_model(tag_name: str, profiles: tuple[str, ...]) -> type[BaseModel]:
    known = f"one of the profiles {', '.join(profiles)}"

    def check_profile(text: str) -> str:
        if text.lower() not in profiles:
            raise ValueError(known)
        return text

    fields: dict[str, Any] = {PROFILE: _field(f"{tag_name}-{PROFILE}", check_profile, f"Allowed: {known}.")}
    for choice, row in CHOICES.items():
        about = f"{row.portal}. Allowed: {row.allowed}. Default: {row.default}."
        fields[choice.replace("-", "_")] = _field(f"{tag_name}-{choice}", _check(row), about)
    config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    about = "What the VM's tags would say, under their names: nothing has to be given."
    return create_model("ProtectionRequest", __config__=config, __doc__=about, **fields)


def _check(row: Row) -> Callable[[str], str]:
    """The text is kept as it was given: a tag says what its owner wrote."""

    def check(text: str) -> str:
        row.read(text)
        return text

    return check


def _field(alias: str, check: Callable[[str], str], about: str) -> Any:
    # A factory, since a default that is no allowed value would stand in the document.
    limits = Field(default_factory=str, alias=alias, min_length=1, max_length=LONGEST_VALUE, description=about)
    return Annotated[str, limits, AfterValidator(check)]


def _error(error: Any, known: str) -> FieldError:
    given = error["input"]
    if error["type"] == "extra_forbidden":
        allowed = known
    elif error["type"] == "value_error":
        allowed = str(error["ctx"]["error"])
    else:
        allowed = _TEXT if error["loc"] else "an object"
    shown = given if isinstance(given, str) else _KINDS.get(type(given)) or json.dumps(given)
    return FieldError(
        field="".join(map(str, error["loc"]))[:LONGEST_VALUE] or "body", given=shown[:80], allowed=allowed
    )

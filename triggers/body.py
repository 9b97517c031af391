"""The body of PUT and of plan: a typed model made from the override options, with the names of the tags."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from shared.config.override_options import CHOICES
from shared.config.profiles import PRIORITY, priority_of
from shared.config.settings import Settings
from shared.model.priority import Priority
from shared.model.values import comparable
from shared.planning.overrides import PROFILE
from triggers.problems import FieldError, Problem

# The longest tag value that Azure allows.
LONGEST_VALUE = 256

_REQUIRED = "a value: it is required"
_MOST_ERRORS = 100
_KINDS = {dict: "an object", list: "an array", type(None): "null"}
# What is allowed where a value has the wrong type, by the type of the error; else a string is required.
_WANTED = {
    "missing": _REQUIRED,
    "model_type": "an object",
    "too_short": "at least one",
    "list_type": "an array",
}

_EXAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "nothing": ("As the settings, the profile and the VM's tags say", {}),
    "profile": ("By a profile of the settings", {"profile": "default"}),
    "place": (
        "Somewhere else, as far as the profile allows it",
        {
            "target-resource-group": "web-dr",
            "target-vnet": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/net-dr/providers/"
            "Microsoft.Network/virtualNetworks/vnet-dr",
            "target-subnet": "web",
            "target-zone": "2",
        },
    ),
    "interfaces": (
        "By the names of interfaces and disks",
        {"target-ip": "web-1-nic=10.1.1.4", "target-disk-type": "web-1-os=Premium_LRS, web-1-data=StandardSSD_LRS"},
    ),
}

Body = TypeVar("Body", bound=BaseModel)


def tags_in(settings: Settings, body: Any) -> dict[str, str]:
    """The overrides in a body, as tags. Raises Problem, which names every invalid member."""
    return tags_from(validated(request_model(settings), body))


def tags_from(request: BaseModel) -> dict[str, str]:
    """The members that were set in a body of the `request_model`, as tags."""
    return request.model_dump(by_alias=True, exclude_unset=True)


def validated(model: type[Body], body: Any) -> Body:
    """The body, validated. Raises Problem, which names every invalid member."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise invalid_body(_error(model, each) for each in error.errors()[:_MOST_ERRORS]) from None


def invalid_body(errors: Iterable[FieldError]) -> Problem:
    fields = tuple(errors)
    missing = ", ".join(each.field for each in fields if each.allowed == _REQUIRED)
    wrong = ", ".join(each.field for each in fields if each.allowed != _REQUIRED)
    lacks = f"The body lacks {missing}. " if missing else ""
    has = f"The body has members or values that are not allowed: {wrong}." if wrong else ""
    detail = f"{lacks}{has}".strip()
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidBody", detail, errors=fields)


def request_model(settings: Settings) -> type[BaseModel]:
    return _request_model(settings.tag_name, tuple(settings.profiles))


@cache
def _request_model(tag_name: str, profiles: tuple[str, ...]) -> type[BaseModel]:
    known = f"one of the profiles {', '.join(profiles)}"

    def check_profile(text: str) -> str:
        if comparable(text) not in profiles:
            raise ValueError(known)
        return text

    fields: dict[str, Any] = {PROFILE: _field(f"{tag_name}-{PROFILE}", check_profile, f"Allowed: {known}.")}
    of_quota = f"Where a quota does not suffice for all VMs: high ones first. Allowed: {', '.join(Priority)}."
    fields[PRIORITY] = _field(f"{tag_name}-{PRIORITY}", _check(priority_of), of_quota)
    for choice, row in CHOICES.items():
        about = f"{row.portal}. Allowed: {row.allowed}. Default: {row.default}."
        fields[choice.replace("-", "_")] = _field(f"{tag_name}-{choice}", _check(row.read), about)
    config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    about = "What the VM's tags would say, under their names: nothing has to be given."
    return create_model("ProtectionRequest", __config__=config, __doc__=about, **fields)


def examples_for(settings: Settings) -> dict[str, tuple[str, dict[str, str]]]:
    """Bodies for the OpenAPI document: a summary and a body by name."""
    return {
        name: (summary, {f"{settings.tag_name}-{tag}": value for tag, value in values.items()})
        for name, (summary, values) in _EXAMPLES.items()
    }


def whole_number(least: int, most: int) -> Callable[[Any], int]:
    """A validator of a member: neither a text nor a number with a point is taken for a whole one."""

    def check(given: Any) -> int:
        if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return given

    return check


def _check(read: Callable[[str], object]) -> Callable[[str], str]:
    """Validates the text and keeps it as given: a tag holds what its owner wrote."""

    def check(text: str) -> str:
        read(text)
        return text

    return check


def _field(alias: str, check: Callable[[str], str], about: str) -> Any:
    # A factory: the document would show a default that is not an allowed value.
    limits = Field(default_factory=str, alias=alias, min_length=1, max_length=LONGEST_VALUE, description=about)
    return Annotated[str, limits, AfterValidator(check)]


def _error(model: type[BaseModel], error: Any) -> FieldError:
    place = error["loc"]
    if error["type"] == "extra_forbidden":
        allowed = ", ".join(_members(model, place[:-1]))
    elif error["type"] == "value_error":
        allowed = str(error["ctx"]["error"])
    else:
        allowed = _WANTED.get(error["type"], f"a string of 1 to {LONGEST_VALUE} characters")
    field = ".".join(map(str, place))[:LONGEST_VALUE] or "body"
    given = "nothing" if error["type"] == "missing" else shown(error["input"])
    return FieldError(field=field, given=given, allowed=allowed)


def _members(model: type[BaseModel], place: tuple[Any, ...]) -> dict[str, Any]:
    """The members of a model, or of a nested one, by name."""
    members: dict[str, Any] = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    return _members(members[place[0]], place[1:]) if place else members


def shown(given: Any) -> str:
    """The given value, shortened."""
    text = given if isinstance(given, str) else _KINDS.get(type(given)) or json.dumps(given)
    return text[:80]

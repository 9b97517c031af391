"""VM selectors of a request: by ID, by resource group or by tag."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import azure.functions as func
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from shared.arm.client import Azure
from shared.config.settings import Settings
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.values import comparable
from shared.planning.overrides import tag_names
from shared.readers.selection import find_vms
from triggers import names
from triggers.body import invalid_body, request_model, shown, tags_from, validated
from triggers.operations import Json, document_body, reference, with_body
from triggers.problems import FieldError, Problem
from triggers.requests import body_of, translate_azure_errors

LARGEST_BODY = 256 * 1024
"""Bytes. Holds the longest IDs of the most VMs in a batch."""

_ID = f"/subscriptions/<guid>/resourceGroups/<group>/providers/{VIRTUAL_MACHINE}/<name>"
_WAYS = "exactly one of virtualMachines, subscriptionId with resourceGroup, tag"


def _is_vm(text: str) -> str:
    try:
        if ResourceId(text).is_type(VIRTUAL_MACHINE):
            return text
    except ValueError:
        pass
    raise ValueError(f"the ID of a VM, {_ID}")


def _pattern(pattern: str) -> Any:
    """A pattern for the OpenAPI document only: the validator rejects invalid values, with a better message."""
    return Field(json_schema_extra={"pattern": f"^{pattern}$"})


Vm = Annotated[
    str,
    AfterValidator(_is_vm),
    _pattern(f"/subscriptions/{names.GUID}/resourceGroups/{names.GROUP}/providers/{VIRTUAL_MACHINE}/{names.VM}"),
]
Subscription = Annotated[str, AfterValidator(names.read_subscription), _pattern(names.GUID)]
Group = Annotated[str, AfterValidator(names.read_group), _pattern(names.GROUP)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, str_strip_whitespace=True)


class Tag(_Strict):
    """A tag. Names are compared without case, and so are values of the app's own tags; values of other tags with case,
    as Azure compares them."""

    name: str = Field(min_length=1, max_length=512)
    value: str = Field(max_length=256)


class ByIds(_Strict):
    """These VMs, without duplicates."""

    virtual_machines: list[Vm] = Field(min_length=1)


class ByGroup(_Strict):
    """All VMs of a resource group."""

    subscription_id: Subscription
    resource_group: Group


class ByTag(_Strict):
    """All VMs in the source scope that carry a tag, of the app or any other."""

    tag: Tag


class Selected(NamedTuple):
    """The selected VMs in the order of their IDs; `tags` are the overrides of the request."""

    vms: tuple[ResourceId, ...]
    tags: dict[str, str]


Models = Mapping[type[BaseModel], type[BaseModel]]
"""The models of a body by the way that it selects VMs."""


def models_of(prefix: str, members: Mapping[str, Any]) -> Models:
    """The models of a body that selects VMs, each with these further members."""
    return {
        way: create_model(f"{prefix}{way.__name__}", __base__=way, __doc__=way.__doc__, **members)
        for way in (ByIds, ByGroup, ByTag)
    }


@cache
def _models(protection: type[BaseModel]) -> Models:
    member: Any = (protection, Field(default_factory=protection, description="What PUT of each of them would be sent"))
    return models_of("Protections", {"protection": member})


def selection_models(settings: Settings) -> tuple[type[BaseModel], ...]:
    """The models of a body: one of these."""
    return tuple(_models(request_model(settings)).values())


def on_selection(most: int) -> dict[HTTPStatus, str]:
    """The error responses of an operation on at most so many VMs."""
    return {
        **with_body(LARGEST_BODY),
        HTTPStatus.BAD_REQUEST: "InvalidQuery, MalformedBody: what cannot be parsed",
        HTTPStatus.NOT_FOUND: "NoVmFound: the group or the tag has none in the source scope",
        HTTPStatus.UNPROCESSABLE_ENTITY: f"InvalidBody (see `errors`); TooManyVms: at most {most}",
        HTTPStatus.BAD_GATEWAY: "Azure refused, or did not respond, or returned only a part of the VMs (ListTruncated)",
    }


def of_selection(settings: Settings) -> Json:
    """The body, for the OpenAPI document."""
    protection = {"protection": {f"{settings.tag_name}-profile": "default"}}
    return selection_body(selection_models(settings), ", as PUT of each with this body", protection)


def selection_body(models: Iterable[type[BaseModel]], about: str, members: Json) -> Json:
    """The body of one of the models; the example by a tag has the further members, which are `about` something."""
    subscription = "11111111-1111-4111-8111-111111111111"
    vm = f"/subscriptions/{subscription}/resourceGroups/web/providers/{VIRTUAL_MACHINE}/web-1"
    examples: dict[str, tuple[str, Any]] = {
        "virtualMachines": ("By their IDs", {"virtualMachines": [vm], **members}),
        "resourceGroup": (
            "All of a resource group",
            {"subscriptionId": subscription, "resourceGroup": "web", **members},
        ),
        "tag": (f"All that carry a tag{about}", {"tag": {"name": "env", "value": "prod"}, **members}),
    }
    return document_body({"oneOf": [reference(model) for model in models]}, examples, required=True)


async def selected(azure: Azure, request: func.HttpRequest, most: int) -> Selected:
    """The VMs that the body selects: at least one, and not more than `most`. Raises Problem: 4xx, or 502 and 503 if
    Azure cannot be read."""
    vms, chosen = await chosen_vms(azure, request, most, _models(request_model(azure.settings)))
    return Selected(vms, tags_from(chosen.protection))


async def chosen_vms(
    azure: Azure, request: func.HttpRequest, most: int, models: Models
) -> tuple[tuple[ResourceId, ...], Any]:
    """The VMs that a body of one of the models selects, in the order of their IDs, and the body. Raises as `selected`
    does."""
    body = body_of(request, LARGEST_BODY)
    chosen: Any = validated(models[_way(body)], body)
    vms = await _vms(azure, chosen)
    if not vms:
        raise Problem(HTTPStatus.NOT_FOUND, "NoVmFound", f"There is no VM in DR_SOURCE_SCOPE that is {_said(chosen)}.")
    if len(vms) > most:
        detail = f"{len(vms)} VMs are selected; at most {most} are allowed in one request: split it."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "TooManyVms", detail)
    return tuple(sorted(vms, key=lambda vm: vm.key)), chosen


def _way(body: Any) -> type[BaseModel]:
    if not isinstance(body, dict):
        raise invalid_body([FieldError(field="body", given=shown(body), allowed="an object")])
    members: dict[str, type[BaseModel]] = {
        "virtualMachines": ByIds,
        "subscriptionId": ByGroup,
        "resourceGroup": ByGroup,
        "tag": ByTag,
    }
    ways = {way for member, way in members.items() if member in body}
    if len(ways) != 1:
        given = ", ".join(body) or "none of them"
        raise invalid_body([FieldError(field="body", given=shown(given), allowed=_WAYS)])
    return ways.pop()


async def _vms(azure: Azure, chosen: Any) -> set[ResourceId]:
    source = azure.settings.source
    within = f"what lies in DR_SOURCE_SCOPE ({source})"
    if isinstance(chosen, ByIds):
        vms = [ResourceId(text) for text in chosen.virtual_machines]
        outside = [(f"virtualMachines.{place}", vm) for place, vm in enumerate(vms) if vm not in source]
        if outside:
            raise invalid_body(FieldError(field=name, given=shown(str(vm)), allowed=within) for name, vm in outside)
        return set(vms)
    if isinstance(chosen, ByGroup):
        group = ResourceId.of(chosen.subscription_id, chosen.resource_group)
        if group not in source:
            raise invalid_body([FieldError(field="resourceGroup", given=shown(str(group)), allowed=within)])
        return await _found(azure, lambda vm, _: vm.group_id == group)
    tag, own = chosen.tag, comparable(chosen.tag.name) in map(comparable, tag_names(azure.settings))
    return await _found(azure, lambda _, tags: _carries(tags, tag, own=own))


async def _found(azure: Azure, wanted: Callable[[ResourceId, Mapping[str, str]], bool]) -> set[ResourceId]:
    return set(await translate_azure_errors(find_vms(azure, wanted)))


def _carries(tags: Mapping[str, str], tag: Tag, *, own: bool) -> bool:
    given = [value for name, value in tags.items() if comparable(name) == comparable(tag.name)]
    return comparable(tag.value) in map(comparable, given) if own else tag.value in given


def _said(chosen: Any) -> str:
    if isinstance(chosen, ByTag):
        return f"tagged {chosen.tag.name}={chosen.tag.value}"
    return f"in the resource group {chosen.resource_group} of {chosen.subscription_id}"

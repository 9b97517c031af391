"""Validates and normalizes values of tags, profiles and requests.

Each check takes a text and returns it as the app goes on with it; its ValueError says what is allowed. Nothing is read:
whether a resource of that name exists is seen later.
"""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address

from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import RESOURCE_GROUP, ResourceType

Check = Callable[[str], str]

NONE = "none"
"""The value that disables a derived setting."""

# The characters that names of all resource types allow (groups: of any alphabet): nothing else can get into an ID.
_NAME = re.compile(r"[A-Za-z0-9_](?:[\w.()-]{0,88}[\w()-])?", re.ASCII)


def comparable(text: str) -> str:
    """The form in which values are compared, wherever somebody writes them: without case and surrounding space."""
    return folded(text.strip())


def parts(text: str) -> dict[str, str]:
    """`web` is for all, as {"": "web"}; `nic-1=web, nic-2=data` for each by name (lower-cased). Raises ValueError."""
    if "=" not in text:
        return {"": text.strip()}
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not name or not equals or not value or name.lower() in found:
            raise ValueError("one value for all, or <name>=<value>, comma-separated, each name once")
        found[name.lower()] = value
    return found


def each(check: Check) -> Check:
    """A value for all, or one for each by name."""

    def checked(text: str) -> str:
        return ", ".join(f"{name}={check(value)}" if name else check(value) for name, value in parts(text).items())

    return checked


def listed(check: Check) -> Check:
    """Values, comma-separated, or `none`."""

    def checked(text: str) -> str:
        return NONE if comparable(text) == NONE else ", ".join(check(value.strip()) for value in text.split(","))

    return checked


def resource(resource_type: ResourceType, *, optional: bool = False, by_name: bool = True) -> Check:
    """The ID of a resource of that type, or its name."""
    allowed = f"the ID {'or the name ' if by_name else ''}of {resource_type.noun}" + (
        f", or {NONE}" if optional else ""
    )

    def checked(text: str) -> str:
        if comparable(text) == NONE:
            if optional:
                return NONE
            raise ValueError(allowed)
        if by_name and (
            RESOURCE_GROUP.names.allows(text) if resource_type == RESOURCE_GROUP else _NAME.fullmatch(text)
        ):
            return text
        try:
            found = ResourceId(text)
        except ValueError:
            raise ValueError(allowed) from None
        names = found.text.split("/")[8::2]
        if not (found.resource_group and found.is_type(resource_type)) or not all(map(_NAME.fullmatch, names)):
            raise ValueError(allowed)
        return found.text

    return checked


def one_of(*allowed: str) -> Check:
    """One of these words, in whatever case."""
    known = {comparable(word): word for word in allowed}

    def checked(text: str) -> str:
        if comparable(text) not in known:
            raise ValueError(", ".join(allowed))
        return known[comparable(text)]

    return checked


def matching(pattern: str, allowed: str) -> Check:
    compiled = re.compile(pattern, re.ASCII)

    def checked(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(allowed)
        return text

    return checked


def region(text: str) -> str:
    """As ARM writes it: `East US 2` is `eastus2`."""
    name = text.replace(" ", "").lower()
    if name == NONE or not re.fullmatch(r"[a-z]{2,30}[0-9]{0,2}(?:euap|stage)?", name, re.ASCII):
        raise ValueError("the name of an Azure region, as westus2")
    return name


def ip_address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise ValueError("an IPv4 address") from None

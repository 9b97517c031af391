"""Resource IDs: compared without case, kept in the casing they were written in."""

import uuid
from dataclasses import dataclass


def key(resource_id: str) -> str:
    """The form in which equal IDs compare as equal: letter by letter, as Azure Resource Manager's OrdinalIgnoreCase.

    So a group `\u212a` (the Kelvin sign) is not the group `k`, which `str.lower` makes of it.
    """
    text = resource_id.rstrip("/")
    return text.lower() if text.isascii() else "".join(map(_key, text))


def lowered(resource_id: str) -> str:
    """As Site Recovery writes many IDs. What it makes of a letter whose lower case is ASCII is not known: here it
    stays, since the ID would be that of another resource."""
    lower = ((letter, letter.lower()) for letter in resource_id)
    return "".join(to if len(to) == 1 and to.isascii() == letter.isascii() else letter for letter, to in lower)


def _key(letter: str) -> str:
    upper = letter.upper()
    if letter.isascii():
        return letter.lower()
    return upper if len(upper) == 1 and not upper.isascii() else letter


@dataclass(frozen=True, slots=True)
class ResourceId:
    """`type` is `Microsoft.Compute/virtualMachines/extensions`; `parent` is the ID above it."""

    text: str
    subscription: str
    group: str
    type: str
    name: str
    parent: str


def parse(text: str) -> ResourceId | None:
    """None for a text that is not a resource ID. `group` is empty for a resource at subscription level."""
    parts = text.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    if len(parts) < 6 or lowered[0] != "subscriptions" or "providers" not in lowered or "" in parts:
        return None
    last = len(lowered) - 1 - lowered[::-1].index("providers")
    tail = parts[last + 1 :]
    if len(tail) < 3 or len(tail) % 2 == 0:
        return None
    parent = parts[:last] if len(tail) == 3 else parts[:-2]
    return ResourceId(
        text="/" + "/".join(parts),
        subscription=parts[1],
        group=parts[3] if lowered[2] == "resourcegroups" else "",
        type="/".join([tail[0], *tail[1::2]]),
        name=tail[-1],
        parent="/" + "/".join(parent),
    )


def group_id(subscription: str, group: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def last_segment(resource_id: str) -> str:
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def stable_guid(*parts: str) -> str:
    """The service derives many of its internal IDs from names: version-5 UUIDs in the recordings."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(parts).lower()))

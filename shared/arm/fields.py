"""Fields of Azure's JSON, whatever is in them.

An optional field that cannot be read counts as absent; the other fields are still read. A reference, or a part that may
hold one, raises ValueError instead: otherwise the resource that it names would count as absent, or as unused.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from math import isfinite
from typing import Any

from shared.model.base import well_formed
from shared.model.resource_id import ResourceId

Json = dict[str, Any]

_FIRST_YEAR = 1970
_US_TIME = "%m/%d/%Y %I:%M:%S %p"


@lru_cache(10_000)
def _once(given: str) -> str:
    """The equal text that was seen first. Not `sys.intern`: Python 3.12 keeps what that is given for ever."""
    return well_formed(given)


def text(given: object) -> str:
    """The text, or "". Most are those of many rows, and are kept once."""
    return _once(given) if isinstance(given, str) else ""


def state(given: object) -> str:
    """The text of a state, "" if there is none. Anything else becomes a text as well: an unknown state."""
    return _once(given) if isinstance(given, str) else "" if given is None else f"unknown: {given!r}"


_LARGEST = 1e12
"""No number of Azure that the app reads is larger: seconds, sizes, percentages."""


def number(given: object) -> float | None:
    """The number; None if the field is not one."""
    try:
        found = None if isinstance(given, bool) else float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found is not None and isfinite(found) and abs(found) < _LARGEST else None


def whole(given: object) -> int | None:
    """The number, rounded down; None if the field is not a number."""
    found = number(given)
    return None if found is None else int(found)


def address(given: object) -> str:
    """The IP address, or ""."""
    try:
        return str(ip_address(text(given)))
    except ValueError:
        return ""


def region(location: str | None) -> str:
    """A region's name as ARM's own IDs write it: `East US 2` is `eastus2`. Raises ValueError."""
    if location and not isinstance(location, str):
        raise ValueError(f"{location!r} is no region")
    return _region(location) if location else ""


@lru_cache(1000)
def _region(location: str) -> str:
    name = location.replace(" ", "").lower()
    if name and not name.isalnum():
        raise ValueError(f"{location!r} is no region")
    return name


def time_of(given: object) -> datetime | None:
    """A time in UTC, or None. Azure writes some without their zone (`agentExpiryDate`), some as
    `11/29/2026 7:50:46 AM`, and the years 1 and 1753 for never."""
    try:
        return _time(given)
    except (TypeError, ValueError, OverflowError):
        return None


def has_happened(given: object) -> bool:
    """Whether the field holds a time other than "never". A time that cannot be read counts as one."""
    try:
        return _time(given) is not None
    except (TypeError, ValueError, OverflowError):
        return True


def _time(given: object) -> datetime | None:
    if given is None or given == "":
        return None
    try:
        found = datetime.fromisoformat(given)  # type: ignore[arg-type]
    except ValueError:
        found = datetime.strptime(given, _US_TIME)  # type: ignore[arg-type]  # noqa: DTZ007 (UTC, below)
    if found.year < _FIRST_YEAR:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def reference(given: object) -> ResourceId | None:
    """The ID, or None if there is none. Raises ValueError for anything else."""
    return None if given is None or given == "" else _shared(given) if isinstance(given, str) else required(given)


@lru_cache(10_000)
def _shared(given: str) -> ResourceId:
    """Of ten thousand VMs, many refer to one network, policy or account."""
    return ResourceId(given)


def required(given: object) -> ResourceId:
    """The ID. Raises ValueError."""
    if not isinstance(given, str):
        raise ValueError(f"{given!r} is no resource ID")
    return ResourceId(given)


def part(body: Json, name: str) -> Json:
    """A member that is an object; {} if Azure leaves it out or writes null. Raises ValueError."""
    found = body.get(name)
    if found is not None and not isinstance(found, dict):
        raise ValueError(f"{name} is {str(found)[:80]!r}, not an object")
    return found or {}


def objects(body: Json, name: str) -> Sequence[Json]:
    """A member that is a list of objects; empty if Azure leaves it out or writes null. Raises ValueError."""
    found = body.get(name)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"{name} is {str(found)[:80]!r}, not a list of objects")
    return found


def incarnation_of(body: Json) -> str:
    """What tells a resource from one of the same ID that is made later, or "" where Azure has nothing of the kind.

    A network has a GUID, an account and what compute keeps the time of their creation, a resource group neither.
    """
    properties = part(body, "properties")
    return str(properties.get("resourceGuid") or properties.get("creationTime") or _created(body) or "")


def created_at_of(body: Json) -> datetime | None:
    """The creation time of a resource, where Azure tells it."""
    return time_of(part(body, "properties").get("creationTime") or _created(body))


def _created(body: Json) -> object:
    return part(body, "systemData").get("createdAt")

"""The value of the hold tag: how it is read and written."""

import re
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from shared.model.values import comparable

ALLOWED = "a date or a time of ISO 8601, as 2026-12-24 (that day included) or 2026-12-24T06:00Z; UTC without an offset"
"""What `until` may be."""

_UNTIL = re.compile(r"until\s*=([^;]*)(?:;(.*))?", re.IGNORECASE | re.DOTALL)
_NO_REASON = {"", "true"}


class Hold(NamedTuple):
    """A VM is on hold until a time (UTC), or without an end. `unreadable` is what stands in the place of the time, and
    is none: the hold has no end then."""

    until: datetime | None = None
    reason: str = ""
    unreadable: str = ""

    def holds_at(self, now: datetime) -> bool:
        return self.until is None or now < self.until

    def __str__(self) -> str:
        when = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "without an end"
        return f"{when} ({self.reason})" if self.reason else when


def read_hold(value: str) -> Hold | None:
    """`until=<date>; <reason>`; any other value is the reason of a hold without an end, but `false`: None."""
    found = _UNTIL.fullmatch(value.strip())
    if found is None:
        word = comparable(value)
        return None if word == "false" else Hold(reason="" if word in _NO_REASON else value.strip())
    given, reason = found[1].strip(), (found[2] or "").strip()
    try:
        return Hold(read_until(given), reason)
    except ValueError:
        return Hold(None, reason, given or "nothing")


def read_until(text: str) -> datetime:
    """A day is held to its end. Raises ValueError."""
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(ALLOWED) from None


def write_hold(until: str, reason: str) -> str:
    """The value of the tag, either of which may be "". Raises ValueError for a reason that would be read otherwise."""
    value = f"until={until}; {reason}" if until and reason else f"until={until}" if until else reason or "true"
    if read_hold(value) != Hold(read_until(until) if until else None, reason):
        raise ValueError("no `true`, `false` or `until=...`: a hold tag with this value says something else")
    return value

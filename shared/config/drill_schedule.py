"""The schedule of drills that a profile may set: how often, at which hours, where, and how much at a time."""

import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from shared.model.base import Model
from shared.model.drill_words import CREATE, LONGEST_KEEP
from shared.model.resource_id import ResourceId
from shared.model.resource_types import NETWORK

_WINDOW = re.compile(r"([01][0-9]|2[0-3])-([01][0-9]|2[0-4])")


def _window(given: Any) -> Any:
    """Raises ValueError, which says what is allowed."""
    match = _WINDOW.fullmatch(given) if isinstance(given, str) else None
    if match is None or int(match[1]) == int(match[2]) % 24:
        raise ValueError(f"{given!r} is no window; allowed: two different hours of UTC, as 22-04")
    return given


def drill_network(text: str) -> str:
    """The ID of a virtual network, or `create`. Raises ValueError, which says what is allowed."""
    if text == CREATE:
        return text
    with suppress(ValueError):
        if ResourceId(text).is_type(NETWORK):
            return text
    raise ValueError(f"the resource ID of a virtual network, or {CREATE}")


def _network(given: Any) -> Any:
    try:
        return drill_network(str(given))
    except ValueError as allowed:
        raise ValueError(f"{given!r} is no network; allowed: {allowed}") from None


class DrillSchedule(Model):
    """Each VM of the profile is drilled every so many days, at hours of UTC within the window, which may pass midnight.

    `network` is the ID of an isolated network in the target region, or `create`: the app's own. `at_once` and
    `max_cores` bound what is under way at the same time, of all VMs of the profile.
    """

    model_config = ConfigDict(extra="forbid")

    every_days: int = Field(ge=1, le=365)
    window: Annotated[str, BeforeValidator(_window)]
    network: Annotated[ResourceId | Literal["create"], BeforeValidator(_network)]
    keep_minutes: int = Field(0, ge=0, le=LONGEST_KEEP)
    at_once: int = Field(1, ge=1, le=50)
    max_cores: int = Field(ge=1)

    def is_open(self, now: datetime) -> bool:
        """Whether a drill may begin at that time, in UTC."""
        first, end = map(int, self.window.split("-"))
        return first <= now.hour < end if first < end else now.hour >= first or now.hour < end

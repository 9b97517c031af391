"""NCRONTAB: six fields from seconds to days of the week, or a TimeSpan `hh:mm:ss`. All times are UTC."""

import re
from datetime import datetime, timedelta

from local.host.config import HostError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# Name, first and last value, names of the values.
_FIELDS: list[tuple[str, int, int, list[str]]] = [
    ("second", 0, 59, []),
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
]
# The calendar repeats its 29th of February on every weekday within 40 years.
_HORIZON = timedelta(days=40 * 366)


class Schedule:
    """The schedule of a timer. Raises HostError for an invalid expression, or one that never fires."""

    def __init__(self, expression: str) -> None:
        self._interval: timedelta | None = None
        if found := re.fullmatch(r"(\d+):([0-5]?\d):([0-5]?\d)", expression.strip()):
            first, second, third = map(int, found.groups())
            # From 24 on, the platform reads days, hours and minutes.
            days = timedelta(days=first, hours=second, minutes=third)
            self._interval = timedelta(hours=first, minutes=second, seconds=third) if first < 24 else days
            if not self._interval:
                raise HostError(f"schedule '{expression}' is no time at all")
            return
        fields = expression.split()
        if len(fields) == 5:
            fields.insert(0, "0")
        if len(fields) != 6:
            raise HostError(f"schedule '{expression}' is neither NCRONTAB (6 fields) nor a TimeSpan (hh:mm:ss)")
        try:
            parsed = [_field(text, *field) for text, field in zip(fields, _FIELDS, strict=True)]
            self._seconds, self._minutes, self._hours, self._days, self._months, self._weekdays = parsed
            self.next_after(datetime(2000, 1, 1))  # noqa: DTZ001
        except ValueError as error:
            raise HostError(f"schedule '{expression}': {error}") from error

    def next_after(self, moment: datetime) -> datetime:
        """The first time later than the moment. Day and day of the week must both fit (unlike in cron)."""
        if self._interval:
            return moment + self._interval
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        while day - moment < _HORIZON:
            if self._fits(day) and (found := self._first_of(day, start)):
                return found
            day += timedelta(days=1)
        raise ValueError("never fires")

    def _first_of(self, day: datetime, start: datetime) -> datetime | None:
        """The first match on that day at or after the start."""
        for hour in self._hours:
            if day + timedelta(hours=hour + 1) > start:
                for minute in self._minutes:
                    if day + timedelta(hours=hour, minutes=minute + 1) > start:
                        for second in self._seconds:
                            if (found := day + timedelta(hours=hour, minutes=minute, seconds=second)) >= start:
                                return found
        return None

    def _fits(self, day: datetime) -> bool:
        return day.month in self._months and day.day in self._days and day.isoweekday() % 7 in self._weekdays


def _field(text: str, name: str, low: int, high: int, names: list[str]) -> list[int]:
    """The sorted values of one field: lists of `*`, values and ranges, each with a step."""

    def value(part: str) -> int:
        number = names.index(part.lower()) + low if part.lower() in names else int(part) if part.isdecimal() else -1
        if not low <= number <= high:
            raise ValueError(f"'{part}' is no {name} ({low}-{high})")
        return number

    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step)):
            raise ValueError(f"'{part}' has no valid step")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = value(first)
            end = value(last) if dash else high if slash else start
        if start > end:
            raise ValueError(f"'{part}' runs backwards")
        values.update(range(start, end + 1, int(step or 1)))
    return sorted(values)

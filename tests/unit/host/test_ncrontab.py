from datetime import UTC, datetime

import pytest

from local.host.config import HostError
from local.host.ncrontab import Schedule

START = datetime(2026, 11, 23, 4, 13, 59, 500_000, UTC)  # a Monday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-11-23T04:14:00"),
        ("*/15 * * * * *", "2026-11-23T04:14:00"),
        ("30 * * * * *", "2026-11-23T04:14:30"),
        ("0 */5 * * * *", "2026-11-23T04:15:00"),
        ("0 5/20 * * * *", "2026-11-23T04:25:00"),
        ("0 0 * * * *", "2026-11-23T05:00:00"),
        ("59 13 4 * * *", "2026-11-23T04:13:59"),
        ("0 30 9-17/4 * * 1-5", "2026-11-23T09:30:00"),
        ("0 0 3 * * Sun", "2026-11-29T03:00:00"),
        ("0 0 3 * * sat,WED", "2026-11-25T03:00:00"),
        ("0 0 0 1 Jan *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 13 * 5", "2027-08-13T00:00:00"),  # day and day of the week must both fit
        ("0 0 0 31 * *", "2026-12-31T00:00:00"),
        ("*/5 * * * *", "2026-11-23T04:15:00"),  # five fields: the second is 0
        ("00:30:00", "2026-11-23T04:43:59.500000"),
        ("24:01:02", "2026-12-17T05:15:59.500000"),
    ],
)
def test_next(expression: str, expected: str) -> None:
    moment = START if "59 13" not in expression else START.replace(second=58)
    assert Schedule(expression).next_after(moment) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_time_is_not_its_own_next() -> None:
    at = datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC)
    assert Schedule("0 0 0 1 1 *").next_after(at) == at.replace(year=2027)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", "neither NCRONTAB"),
        ("* * * *", "neither NCRONTAB"),
        ("60 * * * * *", "'60' is no second (0-59)"),
        ("0 0 24 * * *", "'24' is no hour (0-23)"),
        ("0 0 0 0 * *", "'0' is no day (1-31)"),
        ("0 0 0 * * 7", "'7' is no day of week (0-6)"),
        ("0 0 0 * Foo *", "'Foo' is no month"),
        ("0 5-1 * * * *", "runs backwards"),
        ("0 */0 * * * *", "no valid step"),
        ("0 , * * * *", "is no minute"),
        ("0 0 0 30 2 *", "never fires"),
        ("00:00:00", "no time at all"),
    ],
)
def test_bad_expressions(expression: str, expected: str) -> None:
    with pytest.raises(HostError, match=r".+") as error:
        Schedule(expression)
    assert expected in str(error.value)

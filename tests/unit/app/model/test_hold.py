"""The hold tag: what its value says, and that what is written is read again."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.hold import Hold, read_hold, read_until, write_hold

DAY = datetime(2026, 12, 24, 23, 59, 59, 999999, UTC)


@pytest.mark.parametrize(
    ("value", "hold"),
    [
        *((value, Hold()) for value in ("", "true", " TRUE ")),
        *((value, None) for value in ("false", " False")),
        ("until the migration is over", Hold(reason="until the migration is over")),
        ("no", Hold(reason="no")),
        ("until=2026-12-24", Hold(DAY)),
        (" Until = 2026-12-24 ;  a;b; ", Hold(DAY, "a;b;")),
        ("until=2026-12-24T06:00Z; x", Hold(datetime(2026, 12, 24, 6, tzinfo=UTC), "x")),
        ("until=2026-12-24 06:00", Hold(datetime(2026, 12, 24, 6, tzinfo=UTC))),
        ("until=2026-12-24T06:00+02:00", Hold(datetime(2026, 12, 24, 4, tzinfo=UTC))),
        ("until=9999-12-31", Hold(datetime.max.replace(tzinfo=UTC))),
        ("until=9999-12-31T23:00-12:00;x", Hold(None, "x", "9999-12-31T23:00-12:00")),
        ("until=24.12.2026; x", Hold(None, "x", "24.12.2026")),
        ("until=2026-02-30", Hold(None, "", "2026-02-30")),
        ("until=; x", Hold(None, "x", "nothing")),
        ("until=false", Hold(None, "", "false")),
    ],
)
def test_what_a_value_says(value: str, hold: Hold | None) -> None:
    assert read_hold(value) == hold


times = st.datetimes(timezones=st.just(UTC) | st.timedeltas(-timedelta(hours=14), timedelta(hours=14)).map(timezone))
untils = times.map(datetime.isoformat) | st.dates().map(lambda day: day.isoformat())


@given(until=st.just("") | untils | st.text(), reason=st.text().map(str.strip))
def test_what_is_written_is_read_again_or_refused(until: str, reason: str) -> None:
    try:
        value = write_hold(until, reason)
    except ValueError:
        return
    assert read_hold(value) == Hold(read_until(until) if until else None, reason)


@given(st.text(), times)
def test_any_value_but_false_holds_unless_its_time_is_over(value: str, now: datetime) -> None:
    hold = read_hold(value)

    if hold is None:
        assert value.strip().lower() == "false"
    elif not hold.holds_at(now):
        assert hold.until
        assert hold.until <= now
    assert hold is None or str(hold)


@pytest.mark.parametrize("reason", ["true", "False", "until=2026-12-24", "UNTIL = x", ""])
def test_a_reason_that_would_be_read_otherwise_is_refused_only_without_a_time(reason: str) -> None:
    assert read_hold(write_hold("2026-12-24", reason)) == Hold(DAY, reason)
    if reason:
        with pytest.raises(ValueError, match="says something else"):
            write_hold("", reason)

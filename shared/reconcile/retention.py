"""How long the histories of completed orchestrations are kept, and the time windows in which they are purged."""

from collections.abc import Iterator
from datetime import datetime, timedelta

KEPT = timedelta(days=30)
"""For this time `GET .../protection` shows how the last run of a VM ended."""

_WINDOWS = 16


def purge_windows(before: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Time windows (from, to), the latest first: one hour, then each as long as all before it, 3.7 years in total.

    With a sweep every hour, only the first window has content. After a pause the other windows catch up, without one
    call that purges everything at once.
    """
    end = before
    for doubling in range(_WINDOWS):
        begin = before - timedelta(hours=2**doubling)
        yield begin, end
        end = begin

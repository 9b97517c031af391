"""How long the histories of orchestrations that have ended are kept, and in which portions they are purged."""

from collections.abc import Iterator
from datetime import datetime, timedelta

KEPT = timedelta(days=30)
"""So long `GET .../protection` can say how the last run of a VM ended."""

_WINDOWS = 16


def purge_windows(before: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Spans of time, from and to, the latest first: an hour, and then each as long as all before it, 3.7 years in all.

    Where sweeps come every hour the first holds what an hour brought, and the others nothing. After a pause they catch
    up, without one call that purges everything at once.
    """
    end = before
    for doubling in range(_WINDOWS):
        begin = before - timedelta(hours=2**doubling)
        yield begin, end
        end = begin

"""Every interval of the app, in poll intervals (DR_POLL_SECONDS) unless it says otherwise; comments say the default.

They scale together: against a simulator that is 60 times as fast as Azure, all of them are 60 times as short.
"""

from datetime import datetime, timedelta

POLL_SECONDS = 30
"""The default poll interval, in seconds. Durations in recorded traffic of Azure are scaled by it."""

# Runs. Waits for Azure count the time in which the app ran.
SETTLING = 60  # 30 min for a VM that Azure is still busy with
LONGEST_FOR_TARGETS = 120  # 1 h for the target resources
FIRST_BACKOFF = 10  # 5 min after a failed enable, then doubled
LONGEST_BACKOFF = timedelta(hours=1)
LONGEST_WAIT = 120  # 1 h, and never longer
# A job to enable takes five minutes at least, and the initial replication that follows it does not wait for its poll.
# Only the last poll delays anything: of an item whose first recovery point is all that is missing.
FIRST_FOLLOW = 4  # 2 min: a job to enable that is to fail has often failed by then
FOLLOW_ENABLE = 10  # 5 min: until a job to enable can have succeeded, and to the poll after one that ran still
FOLLOW_JOB = 2  # 1 min for all other jobs
COPYING, LONGEST_COPYING = 10, 20  # 5 to 10 min between two polls of an initial replication
NEARLY_PROTECTED, LONGEST_NEARLY_PROTECTED = 1.5, 4  # 45 s to 2 min once only the first recovery point is missing
# Runs that follow go on at the same times, to share their reads: every 30 s, and 30 s more for each 4 others, to 3 min.
FOLLOWED_PER_TICK, LONGEST_TICK = 4, 6
LONGEST_PUBLISH_WAIT = 10  # 5 min between two attempts to publish an outcome
FIRST_LIMIT_RETRY, LONGEST_LIMIT_RETRY = 20, 120  # 10 to 60 min while a daily limit is reached

# The lease of a run: a live run shows activity at least every hour, so after 2 h its lease expired. That is judged only
# by a process that has run for 15 min: in an app that was stopped, every run is silent until its overdue timer has
# fired, and its messages are shown again 5 min after a crash.
LEASE, CATCH_UP = 240, 30
SHORTEST_LEASE = 10.0  # seconds

# Drills.
LONGEST_DRILL_START = 60  # 30 min until a test failover that Azure keeps refusing is given up
LONGEST_BOOT = 60  # 30 min until the agent of a test VM is ready
LOOK_AT_TEST_VM = 1  # 30 s between two looks at a test VM, 45 s at first: its recovery time is no more exact
FOLLOW_DRILL = 20  # 10 min between two looks of the VM's own run at a drill that it waits for
CLEAN_WITHIN = 4  # 2 min until the lists of a target group no longer show what a cleanup has removed
COUNTED_WITHIN = 2  # 1 min until Azure's usage certainly has a test VM that was seen running
HELD_CLEANUP = 10  # 5 min between two attempts while DR_PAUSED holds a cleanup

# Sweeps and batches.
FOLLOW_BATCH = 4  # 2 min
BETWEEN_WINDOWS = 2  # 1 min between two windows of a sweep
# How long a sweep does not start the run of a VM again whose findings are unchanged: 6 h, and 24 h after its jobs
# failed, because each of them counts against the daily limit.
AGAIN, AGAIN_AFTER_FAILURE = 720, 2880

# The archive: a sweep speaks for the time since the one before it, 2 h at most; what is longer is a gap.
SPEAKS_FOR = 240

# Reads of Azure.
TTL_SLOW = 20  # 10 min: the lifetime of slowly changing data
TTL_TARGETS = 120  # 1 h: of target resources that exist; after a failed attempt to enable all are read again
TTL_STATIC = 240  # 2 h: of nearly static data (VM sizes of a region, locks)
NEW_FABRIC = 6  # 3 min in which a fabric that the app has created holds only what the app puts into it
# Seconds in which an observation that leads to a write may serve the checks of that write, too. Harmless: after its
# checks a write may wait as long for its rate limit, and others may write meanwhile. The service then refuses.
FRESH_FOR = 2.0
# Seconds for which a read is held up, for each other one of its kind within a second, and at most: readers then share a
# list. In real time, as calls take it.
GATHERING, LONGEST_GATHERING = 0.05, 0.25
# A run that is due may wait for its turn while others go on: for so long, 2 min, what they ask for meanwhile serves it.
LONGEST_TURN = 4
LONGEST_CALL_WAIT = 1 / 6  # 5 s that a call may wait for the rate limit inside an activity
EARLY = 1 / 30  # 1 s: a timer of Durable Functions may fire so much early, because it is hidden for whole seconds
LONGEST_WRITE_WAIT = 1 / 30  # 1 s for a write: the reads that led to it must not become stale


def until_next_look(elapsed: float, poll_seconds: float, *, nearly_protected: bool) -> float:
    """Seconds until the next look at a replication that was requested `elapsed` seconds ago.

    In proportion to that: what takes long is looked at rarely, and Protected is seen late by a small part of it. The
    last phase took about a quarter of the whole in recorded traffic, and must not pass between two looks. Of 4,000
    drawn replications, half as long to twice as long as recorded, these shares see Protected 2.4 % late at the median,
    with 8.5 looks. A look every minute at the job and every two at the item: 3.8 %, with 18.
    """
    share = 0.04 if nearly_protected else 0.3
    least, most = (NEARLY_PROTECTED, LONGEST_NEARLY_PROTECTED) if nearly_protected else (COPYING, LONGEST_COPYING)
    return min(max(elapsed * share, least * poll_seconds), most * poll_seconds)


def until_tick(now: datetime, seconds: float, tick: float) -> float:
    """The seconds until the multiple of the tick that is next to the end of the wait; never until the present one."""
    begun = now.timestamp()
    return max(round((begun + seconds) / tick), (begun + tick / 100) // tick + 1) * tick - begun


def longest_timer(poll_seconds: float) -> timedelta:
    """The longest timer. A longer wait is a chain of timers, so that a live run shows activity."""
    return min(timedelta(seconds=LONGEST_WAIT * poll_seconds), timedelta(hours=1))


def back_off(faults: int, poll_seconds: float, at_least: float = 0) -> timedelta:
    """The wait after so many failures in a row: exponential, and an hour at most, so that a live run shows activity."""
    return min(timedelta(seconds=max(poll_seconds * 2**faults, at_least)), LONGEST_BACKOFF)

"""ARM's token buckets: per subscription, principal and kind of operation (azure-docs, ARM throttling, since 2024).

Site Recovery's set calls (all that writes) have a limit of their own, 200 in a minute: so says Microsoft's script for
agent updates. Whether that counts by subscription, by vault or by caller is not known, nor are the refusal's words.

Microsoft.Compute has limits for all callers together (azure-compute-docs, compute-throttling-limits): 300 lists of VMs
in a minute, 900 at once. They count by region, too, and a list is of all regions: here by subscription alone. Of one VM
12 reads in a minute, 36 at once, its instance view and its extensions among them.

Resource Graph has a limit of its own (azure-docs, guidance-for-throttled-requests): 15 queries in a window of 5 s.
"""

import math
import re
from dataclasses import dataclass
from datetime import timedelta

from local.simulator.clock import Clock
from local.simulator.errors import ArmError
from local.simulator.graph.errors import refusal


@dataclass(frozen=True, slots=True)
class Limit:
    """`size` tokens, refilled at `per_second` of service time."""

    kind: str
    size: float
    per_second: float


_LIMITS = {
    "GET": Limit("reads", 250, 25),
    "HEAD": Limit("reads", 250, 25),
    "DELETE": Limit("deletes", 200, 10),
}
_WRITES = Limit("writes", 200, 10)
# The limit shared by all principals, as a multiple: its header showed 3,749 beside 249.
_GLOBAL = 15
_SETS = Limit("Site Recovery set", 200, 200 / 60)
_VM_LISTS = Limit("VM lists", 900, 300 / 60)
_VM_READS = Limit("VM reads", 36, 12 / 60)
_VMS = "/providers/microsoft.compute/virtualmachines"
# Not of what other services hold about it, as its tags.
_VM = re.compile(f"(.*{_VMS}/[^/]+)(?!.*/providers/)")
_SITE_RECOVERY = re.compile("/providers/microsoft.recoveryservices/vaults/[^/]+/replication")
_QUERIES = 15
_QUERY_WINDOW = 5.0


def limit_of(method: str) -> Limit:
    """The token bucket of a method."""
    return _LIMITS.get(method, _WRITES)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


@dataclass(slots=True)
class _Window:
    ends: float
    left: int = _QUERIES


class Throttle:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}
        self._windows: dict[str, _Window] = {}

    def take(self, method: str, scope: str, principal: str) -> dict[str, str]:
        """Takes one token and returns the rate-limit headers. Raises ArmError 429 with Retry-After when none is left.

        `scope` is `subscription` or, for calls outside of one, `tenant`, then a slash and its ID.
        """
        limit = limit_of(method)
        level, _, owner = scope.partition("/")
        bucket = self._bucket(scope, principal, limit)
        name = f"x-ms-ratelimit-remaining-{level}-"
        if bucket.tokens < 1:
            wait = (1 - bucket.tokens) / limit.per_second
            raise ArmError(
                429,
                "SubscriptionRequestsThrottled",
                f"Number of '{limit.kind}' requests for {level} '{owner}' actor '{principal}' exceeded. "
                "Please try again after additional tokens are available. Refer to https://aka.ms/arm-throttling "
                "for additional information.",
                headers={"Retry-After": self._clock.throttled_for(wait), name + limit.kind: "0"},
            )
        bucket.tokens -= 1
        left = int(bucket.tokens)
        return {name + limit.kind: str(left), f"{name}global-{limit.kind}": str(int(_GLOBAL * limit.size) - 1)}

    def take_of_service(self, method: str, path: str, scope: str, principal: str) -> None:
        """Takes one token of the service's own limit: of Site Recovery's set calls, of lists of VMs, of one VM's reads.

        Raises ArmError 429.
        """
        is_read = limit_of(method).kind == "reads"
        if not is_read and _SITE_RECOVERY.search(path.lower()):
            message = "Too many requests to Site Recovery: at most 200 set calls are accepted in a minute."
            self._take(scope, principal, _SETS, "TooManyRequests", message)
        message = "The server rejected the request because too many requests have been received for this {}."
        if is_read and path.lower().endswith(_VMS):
            self._take(scope, "all", _VM_LISTS, "OperationNotAllowed", message.format("subscription"))
        if is_read and (vm := _VM.match(path.lower())):
            self._take(vm[1], "all", _VM_READS, "OperationNotAllowed", message.format("resource"))

    def _take(self, scope: str, principal: str, limit: Limit, code: str, message: str) -> None:
        bucket = self._bucket(scope, principal, limit)
        if bucket.tokens < 1:
            wait = self._clock.throttled_for((1 - bucket.tokens) / limit.per_second)
            raise ArmError(429, code, message, headers={"Retry-After": wait})
        bucket.tokens -= 1

    def _bucket(self, scope: str, principal: str, limit: Limit) -> _Bucket:
        """The bucket, refilled."""
        now = self._clock.now()
        bucket = self._buckets.setdefault((scope.lower(), principal, limit.kind), _Bucket(limit.size, now))
        bucket.tokens = min(limit.size, bucket.tokens + (now - bucket.filled) * limit.per_second)
        bucket.filled = now
        return bucket

    def take_query(self, principal: str) -> dict[str, str]:
        """The same for a query of Resource Graph. A window begins with its first query."""
        now = self._clock.now()
        window = self._windows.get(principal)
        if window is None or now >= window.ends:
            window = self._windows[principal] = _Window(now + _QUERY_WINDOW)
        refused = window.left == 0
        window.left -= not refused
        wait = self._clock.throttled_for(math.ceil(window.ends - now))
        headers = {
            "x-ms-user-quota-remaining": str(window.left),
            # hh:mm:ss, with a fraction where a fast clock leaves less than a second.
            "x-ms-user-quota-resets-after": f"0{timedelta(seconds=float(wait))}",
        }
        if refused:
            message = (
                "Client application has been throttled and should not attempt to repeat the request until an amount of "
                "time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help."
            )
            details = [{"code": "RateLimiting", "message": message}]
            raise refusal(self._clock.stamp(), 429, "RateLimiting", details, headers | {"Retry-After": wait})
        return headers

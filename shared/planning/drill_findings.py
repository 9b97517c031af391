"""The findings of drills: why one is refused, by its preflight checks."""

from shared.model.findings import Row, Severity

_REFUSED = "does not begin the drill"

OF_DRILL = {
    "DrillNotReady": Row(
        Severity.BLOCKER,
        "its replicated item is not Protected, healthy and idle, or its state allows no test failover",
        _REFUSED,
        "See GET .../protection: a drill begins once the item is protected and healthy, and no job is in progress.",
    ),
    "DrillNetworkNotIsolated": Row(
        Severity.BLOCKER,
        "the network of the drill is not one that nothing leads out of: the test VM would meet what is live",
        _REFUSED,
        "Use a network of its own for drills, in the target region: no peering, gateway, firewall or NAT, no routes or "
        "endpoints, and defaultOutboundAccess false on each subnet.",
    ),
    "DrillNetworkTaken": Row(
        Severity.BLOCKER,
        "the app would make a network for drills, and one of that name exists that it did not make, is broken or is in "
        "another region",
        f"{_REFUSED}, and leaves that network as it is",
        "Rename or remove that network if nothing uses it, or name a network for drills by its ID.",
    ),
    "DrillPointUnknown": Row(
        Severity.BLOCKER,
        "the item has no recovery point of that kind or ID",
        _REFUSED,
        "GET .../protection lists the recovery points; latest and latestProcessed need no ID.",
    ),
    "DrillQuotaExceeded": Row(
        Severity.BLOCKER,
        "the target region has not enough cores left for the test VM",
        _REFUSED,
        "Request more quota in the target region, or drill fewer VMs at once.",
    ),
    "DrillTargetLocked": Row(
        Severity.BLOCKER,
        "a lock on the target group forbids to create the test VM, or to delete it afterwards",
        _REFUSED,
        "Remove the lock for the time of the drill.",
    ),
    "DrillLeftovers": Row(
        Severity.BLOCKER,
        "something of an earlier test failover is still there",
        _REFUSED,
        "Clean up that test failover, and delete what is left of it.",
    ),
    "DrillsDisabled": Row(
        Severity.BLOCKER,
        "`DR_DRILLS` is not true",
        _REFUSED,
        "Set DR_DRILLS=true, and assign the roles for drills: docs/drills.md.",
    ),
    "DrillNotKnown": Row(
        Severity.BLOCKER,
        "something that a drill depends on could not be read: that it is as it has to be is not known",
        _REFUSED,
        "Let the app read it: the message names the resource and Azure's error.",
    ),
}
"""By code. They are found by `drill_checks`, and about the app's own network by `observe/drill_network.py`."""

"""The decision about one VM: its state, and what its run may do now."""

from datetime import datetime
from enum import StrEnum

from shared.model.base import Model
from shared.model.findings import Finding


class State(StrEnum):
    """The state of a VM."""

    PROTECTED = "Protected"
    PROTECTING = "Protecting"
    UNPROTECTED = "Unprotected"
    FAILED = "Failed"
    NOT_ELIGIBLE = "NotEligible"
    FROZEN = "Frozen"
    DISABLING = "Disabling"
    DRILLING = "Drilling"
    UNTAGGED = "Untagged"
    SOURCE_GONE = "SourceGone"
    FAILOVER_VM = "FailoverVm"
    NOT_TAGGED = "NotTagged"
    UNKNOWN = "Unknown"


class Action(StrEnum):
    """What the run of the VM would do now, in a mode that allows it. It follows what is already in progress."""

    NONE = "none"
    ENABLE = "enable"
    FOLLOW = "follow"
    CHANGE = "change in place"
    DISABLE = "disable"


class Decision(Model):
    """`wanted` is whether the VM exists and its tag requests protection, `held` whether it carries the hold tag.

    Replication is disabled `grace_seconds` after the decision was first made; it is enabled `not_before` that time,
    when the VM is old enough.
    """

    state: State
    action: Action = Action.NONE
    findings: tuple[Finding, ...] = ()
    wanted: bool = False
    held: bool = False
    grace_seconds: float = 0
    not_before: datetime | None = None

    @property
    def rejects(self) -> bool:
        """Whether the findings are why the VM is not protected, or left as it is."""
        return self.held or self.state in {State.NOT_ELIGIBLE, State.FAILOVER_VM, State.UNKNOWN}

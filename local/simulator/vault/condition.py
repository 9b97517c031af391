"""The condition of an item, as an estate may set it: states that take days or a broken VM to occur."""

from dataclasses import dataclass
from typing import Self

from local.simulator.clock import Clock
from local.simulator.wire import Json

AGENT_VERSION, LATEST_AGENT = "9.52.6522.1", "9.66.7568.1"
# No end of support (CLI-A2A #68): without a zone, as recorded.
_NO_EXPIRY = "9999-12-31T23:59:59.9999999"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A health error, and its age in wall hours. `category` is one of the SDK's `HealthErrorCategory`."""

    code: str
    message: str
    recommended_action: str = ""
    hours: int = 0
    category: str = "Replication"


BOOTS = ("ready", "no-agent", "stopped", "fails")
CLEANUPS = ("done", "leaves", "leaves-disks")


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """How test failovers of an item go: one of BOOTS, one of CLEANUPS. `slow` multiplies the durations of both jobs.
    Without `points` the item shows no recovery points; without `diagnostics` those of the boot are in error, if the
    item asks for them."""

    boot: str = "ready"
    cleanup: str = "done"
    slow: float = 1.0
    points: bool = True
    diagnostics: bool = True

    @classmethod
    def parse(cls, raw: Json) -> Self:
        """From an object with some of these keys. Raises ValueError."""
        found = cls(**raw)
        if found.boot not in BOOTS or found.cleanup not in CLEANUPS:
            raise ValueError(f"boot is one of {BOOTS}, cleanup one of {CLEANUPS}: {raw}")
        if not all(type(each) is bool for each in (found.points, found.diagnostics)):
            raise ValueError(f"points and diagnostics are true or false: {raw}")
        if type(found.slow) not in (int, float) or not found.slow > 0:
            raise ValueError(f"slow must be a number greater than 0, not {found.slow!r}")
        return found


@dataclass(frozen=True, slots=True)
class Condition:
    """The simulator computes what is None. Ages are wall time, as are time stamps in bodies."""

    health: str = ""
    failover_health: str = ""
    troubles: tuple[Trouble, ...] = ()
    rpo_seconds: int | None = None
    rpo_calculated_hours: int | None = None
    agent_version: str = AGENT_VERSION
    agent_expires_days: int | None = None
    agent_update: bool = False
    certificate_update: bool = False
    stalled_hours: int | None = None

    def agent(self, clock: Clock) -> Json:
        expires = _NO_EXPIRY
        if self.agent_expires_days is not None:
            expires = clock.stamp(ago(clock, -24 * self.agent_expires_days))
        return {
            "agentVersion": self.agent_version,
            "agentExpiryDate": expires,
            "isReplicationAgentUpdateRequired": self.agent_update,
            "isReplicationAgentCertificateUpdateRequired": self.certificate_update,
        }


def ago(clock: Clock, hours: float) -> float:
    """The service time that was `hours` of wall time ago."""
    return clock.now() - hours * 3600 * clock.speed

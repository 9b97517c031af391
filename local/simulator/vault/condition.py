"""How an item fares, as an estate may have it: what takes days or a broken VM to come about."""

from dataclasses import dataclass

from local.simulator.clock import Clock
from local.simulator.wire import Json

AGENT_VERSION = "9.52.6522.1"
# No end of support (CLI-A2A #68): without a zone, as recorded.
_NO_EXPIRY = "9999-12-31T23:59:59.9999999"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A health error, and for how many hours of the wall it has been so."""

    code: str
    message: str
    recommended_action: str = ""
    hours: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """What is None is as the simulator moves it. Ages are of the wall: the stamps in bodies are."""

    health: str = ""
    troubles: tuple[Trouble, ...] = ()
    rpo_seconds: int | None = None
    reckoned_hours: int | None = None
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
    """The moment of service time that many hours of the wall ago."""
    return clock.now() - hours * 3600 * clock.speed

"""The values of a replication policy."""

from shared.model.base import Model


class Policy(Model):
    """The values of a replication policy. The service fixes the interval of crash-consistent points: 5 minutes."""

    name: str
    retention_minutes: int
    app_consistent_minutes: int
    crash_consistent_minutes: int = 5

    @property
    def values(self) -> tuple[int, int, int]:
        """The values that make two policies equal, whatever their names."""
        return (self.retention_minutes, self.app_consistent_minutes, self.crash_consistent_minutes)

    @property
    def key(self) -> str:
        """The key under which several profiles share a policy, with the name of the first."""
        return "-".join(map(str, self.values))

    def __str__(self) -> str:
        points = f"every {self.app_consistent_minutes} min" if self.app_consistent_minutes else "off"
        return f"{self.name} (retention {self.retention_minutes} min, app-consistent {points})"

"""Profiles: named sets of what a VM's owner may choose by the tag `dr-profile`. Only the app's settings define them.

Retention and frequency belong to a replication policy, and a policy to a profile: Site Recovery takes the policy of an
item when it is enabled, and never changes it afterwards.
"""

import json
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from shared.domain import naming
from shared.domain.model import Model
from shared.domain.target import Policy

DEFAULT = "default"


class Profile(Model):
    """Hours. Retention of managed disks may be up to 15 days; 0 takes no app-consistent points (Site Recovery's own
    default today), else at least one within the retention."""

    model_config = ConfigDict(extra="forbid")

    recovery_point_retention_hours: int = Field(24, ge=1, le=360)
    app_consistent_frequency_hours: int = Field(4, ge=0, le=12)

    @model_validator(mode="after")
    def _frequency_within_retention(self) -> Self:
        if self.app_consistent_frequency_hours > self.recovery_point_retention_hours:
            raise ValueError(
                f"appConsistentFrequencyHours is {self.app_consistent_frequency_hours}: at most "
                f"recoveryPointRetentionHours ({self.recovery_point_retention_hours}) is allowed"
            )
        return self

    @property
    def policy(self) -> Policy:
        return Policy(
            name=naming.policy(self.recovery_point_retention_hours, self.app_consistent_frequency_hours),
            retention_minutes=self.recovery_point_retention_hours * 60,
            app_consistent_minutes=self.app_consistent_frequency_hours * 60,
        )


def parse_profiles(given: Any) -> Any:
    """The setting's JSON object, with the built-in default profile where it does not define its own."""
    if not isinstance(given, str):
        return given
    try:
        parsed = json.loads(given)
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise ValueError("it is no JSON object")
    return {DEFAULT: {}, **parsed}

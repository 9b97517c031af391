"""Profiles: named sets of settings that the owner of a VM selects by the tag `dr-profile`, defined in the settings.

Retention and frequency belong to a replication policy, and a policy to a profile: Site Recovery takes the policy of an
item when it is enabled, and never changes it afterwards. Everything else a profile may set itself (`values`), or leave
to the owners of VMs within limits (`allow`): anyone who can tag a VM could otherwise choose where its disks are sent.
"""

from ipaddress import IPv4Network
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from shared.config.drill_schedule import DrillSchedule
from shared.config.override_options import CHOICES
from shared.config.region_map import parse_object
from shared.config.support_rules import IGNORABLE
from shared.model.base import Model
from shared.model.names import DEFAULT_NAMES, DEFAULT_PROFILE, Names
from shared.model.policy import Policy
from shared.model.priority import Priority
from shared.model.resource_id import ResourceId
from shared.model.resource_types import IN_VAULT
from shared.model.values import comparable, one_of

DEFAULT = DEFAULT_PROFILE
ANY = "*"
"""The entry of an allow-list that covers every value."""

PRIORITY = "priority"


def priority_of(text: Any) -> Priority:
    """The priority that a word means. Raises ValueError, which says what is allowed."""
    return Priority(one_of(*Priority)(str(text)))


class Profile(Model):
    """Hours. Retention of managed disks may be up to 15 days; 0 takes no app-consistent points (Site Recovery's own
    default today), else at least one within the retention. `rpo_limit_minutes`: with recovery points older than that a
    VM is out of compliance; so it is without a successful test failover for `test_failover_days`, of which 0 is no
    limit. `policy_name`: that of the policy that is created for the profile if the vault has none of
    its values; if another has that name, `policy_name-2` and so on.

    `values` and `allow` go by the tags' names without `dr-`. Nothing is allowed that is not listed: a value, `*` for
    any, for a resource also the subscription or the resource group it has to lie in, for an address a network (CIDR).
    `priority` is that of its VMs where a quota does not suffice for all, unless a tag says otherwise.
    With `update_agents` the app has outdated mobility agents updated.
    With `drill` its VMs are drilled by that schedule.
    `ignore` are findings of support rules that only warn: Azure is to decide.
    """

    model_config = ConfigDict(extra="forbid")

    recovery_point_retention_hours: int = Field(24, ge=1, le=360)
    app_consistent_frequency_hours: int = Field(4, ge=0, le=12)
    rpo_limit_minutes: int = Field(30, ge=1, le=1440)
    test_failover_days: int = Field(180, ge=0, le=3650)  # Microsoft's advice is a drill every six months
    update_agents: bool = False
    priority: Annotated[Priority, BeforeValidator(priority_of)] = Priority.NORMAL
    policy_name: str = ""
    vault: ResourceId | None = None
    values: dict[str, str] = {}
    allow: dict[str, tuple[str, ...]] = {}
    ignore: tuple[str, ...] = ()
    drill: DrillSchedule | None = None

    @field_validator("ignore")
    @classmethod
    def _may_be_ignored(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_ignorable, given))

    @field_validator("values", "allow")
    @classmethod
    def _are_choices(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name in given:
            if comparable(name) not in CHOICES:
                raise ValueError(f"{name!r} is none of {', '.join(CHOICES)}")
        return by_name(given)

    @field_validator("values")
    @classmethod
    def _are_well_formed(cls, given: dict[str, str]) -> dict[str, str]:
        for name, value in given.items():
            try:
                CHOICES[name].read(value)
            except ValueError as error:
                raise ValueError(f"{name} is {value!r}; allowed: {error}") from None
        return given

    @model_validator(mode="after")
    def _frequency_within_retention(self) -> Self:
        if self.app_consistent_frequency_hours > self.recovery_point_retention_hours:
            raise ValueError(
                f"appConsistentFrequencyHours is {self.app_consistent_frequency_hours}: at most "
                f"recoveryPointRetentionHours ({self.recovery_point_retention_hours}) is allowed"
            )
        return self

    @field_validator("policy_name")
    @classmethod
    def _is_name(cls, given: str) -> str:
        if given and not IN_VAULT.allows(given):
            raise ValueError(f"{given!r} is no name of a policy; allowed: {IN_VAULT}")
        return given

    @field_validator("allow")
    @classmethod
    def _cover_something(cls, given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {name: tuple(_entry(name, entry) for entry in entries) for name, entries in given.items()}

    def policy_for(self, name: str, names: Names = DEFAULT_NAMES) -> Policy:
        """The replication policy of the profile of that name."""
        hours = (self.recovery_point_retention_hours, self.app_consistent_frequency_hours)
        return Policy(
            name=self.policy_name or names.policy_of(*hours, name),
            retention_minutes=self.recovery_point_retention_hours * 60,
            app_consistent_minutes=self.app_consistent_frequency_hours * 60,
        )


def _ignorable(code: str) -> str:
    """The code of a finding that may be ignored, in its own casing. Raises ValueError."""
    try:
        return one_of(*IGNORABLE)(code)
    except ValueError as can_be:
        raise ValueError(f"{code!r} cannot be ignored; what can: {can_be}") from None


def _entry(name: str, entry: str) -> str:
    """An entry of an allow-list, in the form that values have. Raises ValueError."""
    row = CHOICES[name]
    if entry == ANY:
        return entry
    try:
        if name == "target-ip" and "/" in entry:
            return str(IPv4Network(entry, strict=False))
        if row.resource_type is not None and entry.startswith("/") and ResourceId(entry).type == "":
            return ResourceId(entry).text
        return row.read(entry)
    except ValueError as error:
        raise ValueError(f"{name} allows {entry!r}; an entry is {ANY} or {error}") from None


def parse_profiles(given: Any) -> Any:
    """The setting's JSON object, with the built-in default profile where it does not define its own."""
    parsed = parse_object(given)
    return {DEFAULT: {}, **by_name(parsed)} if isinstance(parsed, dict) else parsed


def by_name(given: dict[str, Any]) -> dict[str, Any]:
    """The members by their names as they are compared. Raises ValueError if two are the same then."""
    found = {comparable(name): value for name, value in given.items()}
    if len(found) < len(given):
        raise ValueError(f"a name is given twice: {', '.join(given)}")
    return found

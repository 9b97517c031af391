"""The app's settings: a field for each, with its default and what is allowed, and the rules over several of them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)

from shared.config.intervals import POLL_SECONDS
from shared.config.prices import Prices
from shared.config.profiles import DEFAULT, Profile, parse_profiles
from shared.config.region_map import Region, RegionTarget, parse_object, parse_region_map
from shared.model.hold import Hold, read_hold
from shared.model.names import Names as NameTemplates
from shared.model.resource_id import AUTOMATION_ACCOUNT, VAULT, ResourceId, folded
from shared.model.resource_types import ACCOUNT
from shared.model.scope import ManagementGroup, Scope, resolve
from shared.model.values import comparable, one_of


class Mode(StrEnum):
    """The permitted actions: report only, protect and change in place, or disable and remove as well."""

    REPORT = "report"
    PROTECT = "protect"
    CLEANUP = "cleanup"


class Intent(StrEnum):
    """What the tag of a VM requests. A missing tag, or a value that means neither yes nor no, may be a mistake."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    NONE = "none"


REFUSALS = ("false", "no", "0", "off")
"""The values of the tag that refuse protection; the first is the one that the app writes."""


def _comma_separated(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    parts = tuple(part.strip() for part in given.split(","))
    if not all(parts):
        # It may stand for a value that was lost on the way: a scope must not become another one unnoticed.
        raise ValueError("an entry is empty: is there a comma too many?")
    return parts


def _scope(given: str, resource_type: str = "") -> ResourceId | ManagementGroup:
    """A scope, or a resource of that type."""
    if ManagementGroup.is_one(given):
        return ManagementGroup(given)
    scope = ResourceId(given)
    if scope.type and not scope.is_type(resource_type):
        raise ValueError(f"{scope} is a resource: a management group, a subscription or a resource group is allowed")
    return scope


def _word_of(words: type[StrEnum]) -> Callable[[Any], Any]:
    return lambda given: one_of(*words)(given) if isinstance(given, str) else given


def _as_set(given: Any) -> Any:
    return frozenset(_comma_separated(folded(given))) if isinstance(given, str) else given


Ids = Annotated[tuple[ResourceId, ...], BeforeValidator(_comma_separated), Field(min_length=1)]
Scopes = Annotated[
    tuple[ResourceId | ManagementGroup, ...],
    PlainValidator(lambda given: tuple(_scope(str(each)) for each in _comma_separated(given))),
]
TargetScopes = Annotated[
    tuple[ResourceId | ManagementGroup, ...],
    PlainValidator(lambda given: tuple(_scope(str(each), ACCOUNT) for each in _comma_separated(given))),
]
Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated), Field(min_length=1)]


def _name_value_pairs(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    pairs = [part.partition("=") for part in _comma_separated(given)]
    for name, equals, _ in pairs:
        if not name.strip() or not equals:
            raise ValueError(f"{name!r} is no name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}


Tags = Annotated[dict[str, str], BeforeValidator(_name_value_pairs), Field(max_length=10)]


Profiles = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$")], Profile],
    BeforeValidator(parse_profiles),
]


RegionMap = Annotated[dict[Region, RegionTarget], BeforeValidator(parse_region_map)]


class Create(StrEnum):
    """Which target resources may be created outside the vault. Those in the vault always may."""

    ALL = "all"
    CACHE = "cache"
    NONE = "none"


_PORTALS = {
    "management.azure.com": "https://portal.azure.com",
    "management.usgovcloudapi.net": "https://portal.azure.us",
    "management.chinacloudapi.cn": "https://portal.azure.cn",
}


class Settings(BaseModel):
    """Each field is the environment variable `DR_<FIELD>`; its description says what is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vault_ids: Ids = Field(
        description="resource IDs of Recovery Services vaults, comma-separated; several need DR_REGION_MAP"
    )
    source_scope: Scopes = Field(
        description="IDs of management groups, subscriptions or resource groups, comma-separated: only VMs in them are "
        "managed"
    )
    target_scope: TargetScopes = Field(
        (),
        description="IDs of management groups, subscriptions or resource groups, comma-separated: resources are made "
        "only in them; and of storage accounts that may be named as cache accounts",
    )
    deployment: str = Field(
        pattern=r"^[\w ./:()-]+$",  # a bounded repetition of such a class costs 50 ms of each start
        max_length=200,
        description="the name of this deployment, which everything it makes carries: what carries another is never "
        "changed or removed; at most 200 letters, digits and ./:()-; in Azure by default the name of the function app",
    )
    origin_store: str = Field(
        pattern=r"^(https://\S+|/.*)$",
        description="where the app keeps its records of what it made: the https address of the blob service of its "
        "own storage account, or a directory; in Azure by default that of AzureWebJobsStorage",
    )
    archive: str = Field(
        "",
        pattern=r"^(https://[^/\s?]+/[^\s?]*[^\s?/]|/.*)?$",
        description="where the app keeps what it found and did, for reports and auditors (docs/archive.md): the https "
        "address of a blob container, or a directory; what is overwritten goes into another one, whose name ends in "
        "-latest",
    )
    mode: Annotated[Mode, BeforeValidator(_word_of(Mode))] = Field(
        Mode.PROTECT,
        description="report (look, write nothing), protect (enable what is tagged) or cleanup (also disable what is no "
        "longer tagged or no longer there)",
    )
    paused: bool = Field(False, description="true stops all writes at once; false lets the app work")
    drills: bool = Field(
        False, description="true lets callers begin drills; what is begun is cleaned up with false, too"
    )
    target_creation: Annotated[Create, BeforeValidator(_word_of(Create))] = Field(
        Create.ALL,
        description="all, cache (the cache storage account and its resource group only) or none (reuse what is there)",
    )
    region_map: RegionMap = Field(
        {}, description="a JSON object by source region, each with vault, targetLocation or both"
    )
    profiles: Profiles = Field(
        {DEFAULT: Profile()},
        description="a JSON object of profiles by name (lower-case letters, digits, -), each with "
        "recoveryPointRetentionHours (1 to 360), appConsistentFrequencyHours (0 for none, 1 to 12), rpoLimitMinutes "
        "(1 to 1440), testFailoverDays (0 for none, to 3650), updateAgents (true or false), priority (high, normal or "
        "low), policyName, vault, values and allow (both by the tags' names without dr-), ignore (findings of support "
        "rules), and drill (a schedule: everyDays, window, network, keepMinutes, atOnce, maxCores)",
    )
    names: Annotated[NameTemplates, BeforeValidator(parse_object)] = Field(
        NameTemplates(),
        description="a JSON object of templates of names for what is created from now on, and environment, the value "
        "of {environment} in them",
    )
    resource_tags: Tags = Field(
        {}, description="tags for what the app makes, as name=value, comma-separated; at most 10"
    )
    agent_automation_account: ResourceId | None = Field(
        None,
        description="the resource ID of an automation account in the vault's subscription, which updates the agents",
    )
    min_age_minutes: int = Field(
        0, ge=0, le=1440, description="minutes that a VM has to exist before it is enabled, 0 to 1440"
    )
    max_enables_per_day: int = Field(
        200, ge=0, le=100_000, description="VMs enabled in any 24 hours, 0 to 100000, counted from the vaults' jobs"
    )
    max_disable_percent_per_day: float = Field(
        5.0,
        ge=0,
        le=100,
        description="percent of the protected VMs disabled in any 24 hours, 0 to 100; at least one VM, unless it is 0",
    )
    untag_grace_hours: float = Field(
        72.0, ge=0, le=2160, description="hours that an untagged or deleted VM stays protected in cleanup, 0 to 2160"
    )
    opt_out_grace_hours: float = Field(
        1.0, ge=0, le=2160, description="hours that a VM whose tag says no stays protected in cleanup, 0 to 2160"
    )
    acknowledged_rows: Annotated[frozenset[str], BeforeValidator(_as_set)] = Field(
        frozenset(),
        description="IDs of rows in Azure's lists that cannot be read, comma-separated, as a report names them: they "
        "hold up nothing more; what they name is still not removed",
    )
    max_missing: int = Field(
        3, ge=0, le=10000, description="protected VMs that may be missing at once without stopping all disables"
    )
    max_missing_percent: float = Field(
        5.0,
        ge=0,
        le=100,
        description="percent of the protected VMs that may be missing at once, if that is more than DR_MAX_MISSING",
    )
    reconcile_schedule: str = Field(
        "0 15 * * * *",
        pattern=r"^(\S+\s+){5}\S+$",
        description="when the estate is swept: an NCRONTAB expression of six fields, in UTC",
    )
    outcome_topic_endpoint: str = Field(
        "",
        pattern=r"^(https://\S+)?$",
        description="the https endpoint of an Event Grid custom topic, to which outcomes are published",
    )
    prices: Annotated[Prices, BeforeValidator(parse_object)] = Field(
        Prices(),
        description="a JSON object with currency, for a month instance, diskGb (by type) and cache, and coreHour, "
        "a core of a drill's test VM for an hour",
    )
    poll_seconds: float = Field(
        POLL_SECONDS,
        gt=0,
        le=3600,
        description="seconds between two reads of an operation in progress, above 0, at most 3600",
    )
    accept_timeout_seconds: float = Field(
        60,
        ge=1,
        le=200,
        description="seconds that PUT, DELETE and POST wait until a run has taken up what they ask for, 1 to 200 (the "
        "platform gives a request up after 230)",
    )
    tag_name: str = Field(
        "dr",
        pattern=r"^[^<>%&\\?/]+$",
        max_length=512,
        description="the tag that requests protection: 1 to 512 characters, none of <>%&\\?/",
    )
    tag_values: Names = Field(
        ("true",), description=f"values of that tag that mean yes, comma-separated; none of {', '.join(REFUSALS)}"
    )
    entra_auth: bool = Field(
        False,
        description="true where App Service authentication is in front of the app and checks the callers' Entra "
        "tokens, so that their app roles decide; false where function keys do. The app does not start if the platform "
        "says otherwise",
    )
    auth_client_id: str = Field(
        "",
        pattern=r"^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$",
        description="with DR_ENTRA_AUTH, the client ID of the Entra application, with which the page signs in",
    )
    auth_authority: str = Field(
        "",
        pattern=r"^(https://[A-Za-z0-9.:-]+/[A-Za-z0-9.-]+)?$",
        description="with DR_ENTRA_AUTH, where the page signs in: the https address of Entra in your cloud, a slash, "
        "and the tenant's ID",
    )
    arm_endpoint: str = Field(
        "https://management.azure.com",
        pattern=r"^https://[^/\s]+$",
        description="the https address of Azure Resource Manager, without a path: that of your cloud",
    )

    @field_validator("vault_ids")
    @classmethod
    def _are_vaults(cls, ids: tuple[ResourceId, ...]) -> tuple[ResourceId, ...]:
        for vault in ids:
            if not vault.is_type(VAULT):
                raise ValueError(f"{vault} is not a vault: /subscriptions/.../providers/{VAULT}/<name> is allowed")
        return tuple(dict.fromkeys(ids))

    @field_validator("tag_values")
    @classmethod
    def _mean_yes(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not value or comparable(value) in REFUSALS:
                raise ValueError(f"{value!r} cannot mean yes: {', '.join(REFUSALS)} mean no")
        return values

    @field_validator("agent_automation_account")
    @classmethod
    def _is_automation_account(cls, account: ResourceId | None) -> ResourceId | None:
        if account and not account.is_type(AUTOMATION_ACCOUNT):
            raise ValueError(f"{account} is not an automation account")
        return account

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        """Checks the rules over several settings: a vault for every VM, which is never guessed; the account beside it;
        one set of values for each name of a policy."""
        if len(self.vault_ids) > 1 and not self.region_map:
            raise ValueError(
                f"vault_ids: {len(self.vault_ids)} vaults are given: DR_REGION_MAP has to say which serves whom"
            )
        account = self.agent_automation_account
        if account and any(vault.subscription.lower() != account.subscription.lower() for vault in self.vault_ids):
            raise ValueError(f"agent_automation_account: {account} is not in the subscription of every vault")
        policies: dict[str, str] = {}
        for name, profile in self.profiles.items():
            policy_name = profile.policy_name.lower()
            if policy_name and policies.setdefault(policy_name, values := profile.policy_for(name).key) != values:
                raise ValueError(
                    f"profiles at {name}.policyName: {profile.policy_name} is the name of another profile's policy, "
                    "which has other values"
                )
        named = {f"region_map at {name}": target.vault for name, target in self.region_map.items()}
        named |= {f"profiles at {name}": profile.vault for name, profile in self.profiles.items()}
        for where, vault in named.items():
            if vault and vault not in self.vault_ids:
                raise ValueError(f"{where}: {vault} is not among DR_VAULT_IDS")
        return self

    @cached_property
    def source(self) -> Scope:
        return Scope(self.source_scope)

    @cached_property
    def target(self) -> Scope:
        return Scope(self.target_scope)

    def resolved(self, subscriptions: Mapping[str, tuple[ResourceId, ...]]) -> "Settings":
        """The same settings, with the subscriptions of each management group, by its key, in the scopes."""
        source, target = resolve(self.source, self.target, subscriptions)
        copy = self.model_copy(update={"source": source, "target": target})
        for computed in ("target_groups", "_target_subscriptions"):
            copy.__dict__.pop(computed, None)
        return copy

    @cached_property
    def _target_subscriptions(self) -> tuple[str, ...]:
        """The lower-cased subscriptions that targets may lie in, in the order of the scope."""
        return tuple(
            each.subscription.lower()
            for each in self.target.members
            if not each.resource_group or each in self.target_groups
        )

    @cached_property
    def target_groups(self) -> tuple[ResourceId, ...]:
        """The resource groups of the target scope, without those of cache accounts."""
        groups = (each for each in self.target.members if each.resource_group and not each.type)
        return tuple(each for each in groups if not self.names.is_cache_group(each))

    def target_subscription(self, vm: ResourceId) -> str:
        """The subscription of a VM's targets by default: the first of the target scope, or "" for its own, if targets
        may lie there or nowhere."""
        places = self._target_subscriptions
        return "" if not places or vm.subscription.lower() in places else places[0]

    def vault_for(self, location: str, profile: Profile) -> ResourceId | None:
        """The vault of a VM in that region: its profile's, the region map's, else the only one, or None."""
        mapped = self.region_map.get(location)
        if profile.vault or (mapped and mapped.vault):
            return profile.vault or (mapped.vault if mapped else None)
        return self.vault_ids[0] if len(self.vault_ids) == 1 else None

    @property
    def writes_disabled(self) -> str:
        """Why nothing may be written now, or "" if writing is allowed."""
        if self.paused:
            return "DR_PAUSED is true: all writes are stopped"
        if self.mode is Mode.REPORT:
            return "DR_MODE is report: the app looks and writes nothing"
        return ""

    @property
    def portal(self) -> str:
        """The address of Azure's portal in the cloud of `arm_endpoint`, or "" where none is known."""
        return _PORTALS.get(self.arm_endpoint.removeprefix("https://"), "")

    @property
    def messages_disabled(self) -> str:
        """Why no transition and no digest is published, or "" if they are."""
        if not self.archive:
            return "DR_ARCHIVE is not set: without an archive the app does not know what was so before"
        return "" if self.outcome_topic_endpoint else "DR_OUTCOME_TOPIC_ENDPOINT is not set"

    @property
    def may_disable(self) -> bool:
        """Whether protection may be disabled without a confirmation."""
        return self.mode is Mode.CLEANUP and not self.writes_disabled

    def tag_value(self, tags: Mapping[str, str]) -> str | None:
        """The value of the tag that requests protection, or None if the VM does not carry it."""
        return next((value.strip() for name, value in tags.items() if name.lower() == self.tag_name.lower()), None)

    def intent_of(self, tags: Mapping[str, str]) -> Intent:
        """What the tag requests. Tag names and values are compared without case."""
        value = self.tag_value(tags)
        if value is None:
            return Intent.NONE
        if comparable(value) in map(comparable, self.tag_values):
            return Intent.YES
        return Intent.NO if comparable(value) in REFUSALS else Intent.UNKNOWN

    def requests_protection(self, tags: Mapping[str, str]) -> bool:
        """Whether a VM with these tags is to be protected."""
        return self.intent_of(tags) is Intent.YES

    def tag(self, tags: Mapping[str, str], name: str) -> str | None:
        """The value of one of the app's own tags, as `profile` of `dr-profile`, or None if the VM does not carry it."""
        own = f"{self.tag_name}-{name}".lower()
        return next((value.strip() for given, value in tags.items() if given.lower() == own), None)

    def hold_of(self, tags: Mapping[str, str]) -> Hold | None:
        """What the hold tag says, expired or not; None without one."""
        value = self.tag(tags, "hold")
        return None if value is None else read_hold(value)

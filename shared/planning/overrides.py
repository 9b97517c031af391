"""The overrides of a VM, layer by layer: the later one wins.

Built-in default, settings, profile, tags of the resource group, tags of the VM, request. The first three are the
operator's; the others are written by people who may be allowed to tag and nothing more, so what they ask for is
honoured only inside the profile's allow-list, and is never passed over in silence if it is not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from shared.config.override_options import CHOICES, Row
from shared.config.profiles import ANY, DEFAULT, PRIORITY, Profile, priority_of
from shared.config.settings import Settings
from shared.model import naming, values
from shared.model.findings import Finding
from shared.model.names import DEFAULT_NAMES, Names, PairNames
from shared.model.plan import DEFAULT_ORIGIN
from shared.model.policy import Policy
from shared.model.priority import Priority
from shared.model.resource_id import ResourceId
from shared.model.scope import Scope
from shared.model.vm import SourceVm
from shared.planning.catalog import finding_of, ignored

PROFILE, HOLD, DRILL = "profile", "hold", "drill"


def tag_names(settings: Settings) -> tuple[str, ...]:
    """Every tag that the app honours on a VM."""
    return (settings.tag_name, *(f"{settings.tag_name}-{name}" for name in (PROFILE, HOLD, PRIORITY, DRILL, *CHOICES)))


@dataclass(frozen=True)
class Override:
    """An override of one setting. `origin` names the layer, `where` the tag or field, for messages."""

    value: str
    origin: str
    where: str


@dataclass(frozen=True)
class Overrides:
    """All overrides, by the name of the tag without its prefix. With a blocker in `findings` they are incomplete.
    `priority` is among the VMs that compete for a quota; `left_out` is whether a tag leaves the VM out of drills that
    nobody asks for by its name; `target_subscription` is that of the targets by default, "" for the VM's own."""

    profile_name: str
    profile: Profile
    requested: dict[str, Override] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    names: Names = DEFAULT_NAMES
    target_subscription: str = ""
    priority: Override = Override(Priority.NORMAL, DEFAULT_ORIGIN, DEFAULT_ORIGIN)
    left_out: bool = False

    @property
    def drilled(self) -> bool:
        """Whether the schedule of its profile drills the VM."""
        return self.profile.drill is not None and not self.left_out

    @cached_property
    def policy(self) -> Policy:
        return self.profile.policy_for(self.profile_name, self.names)

    def names_between(self, source_region: str, target_region: str) -> PairNames:
        return self.names.between(source_region, target_region, self.target_subscription)

    def judge(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings, with warnings in place of blockers about support rules that the profile ignores."""
        return ignored(findings, self.profile.ignore, self.profile_name)


@dataclass(frozen=True)
class _Layer:
    """The overrides of one layer. `origin` and `where` are templates for the name of a tag (`{}`)."""

    given: Mapping[str, str]
    origin: str
    where: str

    def override(self, tag: str, value: str) -> Override:
        return Override(value, self.origin.format(tag), self.where.format(tag))


def overrides_of(vm: SourceVm, group_tags: Mapping[str, str], settings: Settings) -> Overrides:
    """The overrides by the profile of a VM, the tags of its resource group, its own tags and a request."""
    layers = [
        _Layer(_own(group_tags, settings), *2 * (f"tag {{}} of the resource group {vm.id.resource_group}",)),
        _Layer(_own(vm.tags, settings), "tag {}", "tag {}"),
        _Layer(_own(vm.request, settings), "request", "field {} of the request"),
    ]
    # The hold tag applies to VMs only: on a resource group it is reported as unknown.
    of_group, of_vm, of_request = layers
    findings = [
        *_unknown(of_group, settings),
        *_unknown(of_vm, settings, HOLD),
        *_unknown(of_request, settings),
    ]
    name, of_profile = _profile(layers, settings)
    findings += of_profile
    profile = settings.profiles[name]
    priority, of_priority = _priority(layers, name, profile, settings)
    left_out, of_drill = _left_out(layers, settings)
    findings += (*of_priority, *of_drill)
    requested = {
        choice: Override(CHOICES[choice].read(value), f"profile {name}", f"value {choice} of the profile {name}")
        for choice, value in profile.values.items()
    }
    for layer in layers:
        for choice, text in layer.given.items():
            if choice not in CHOICES:
                continue
            tag = f"{settings.tag_name}-{choice}"
            try:
                override = layer.override(tag, CHOICES[choice].read(text))
            except ValueError as error:
                findings.append(invalid(layer.override(tag, text), str(error)))
                continue
            refused = tuple(_not_allowed(choice, override, name, profile, settings))
            findings += refused
            if not refused:
                # A forbidden value is not used at all.
                requested[choice] = override
    subscription = settings.target_subscription(vm.id)
    return Overrides(name, profile, requested, tuple(findings), settings.names, subscription, priority, left_out)


class SharedOverrides:
    """The overrides of the VMs of an estate: one object for all VMs of a group whose tags are the same. `group_tags`
    are by the lower-cased ID of the group."""

    def __init__(self, group_tags: Mapping[str, Mapping[str, str]], settings: Settings) -> None:
        self._group_tags = group_tags
        self._settings = settings
        self._known: dict[tuple[ResourceId, tuple[tuple[str, str], ...]], Overrides] = {}

    def of(self, vm: SourceVm) -> Overrides:
        group = vm.id.group_id
        key = (group, tuple(vm.tags.items()))
        if key not in self._known:
            self._known[key] = overrides_of(vm, self._group_tags.get(group.key, {}), self._settings)
        return self._known[key]


def invalid(requested: Override, allowed: str, case: str = "", tag: str = "") -> Finding:
    message = f"The {requested.where} is {requested.value[:200]!r}; allowed: {allowed}."
    return finding_of("OverrideInvalid", message, case=case, tag=tag)


def _own(tags: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The tags of the app, without their prefix and lower-cased: tag names are compared without case."""
    prefix = f"{settings.tag_name}-".lower()
    return {name.lower().removeprefix(prefix): value for name, value in tags.items() if name.lower().startswith(prefix)}


def _unknown(layer: _Layer, settings: Settings, *own: str) -> Iterator[Finding]:
    known = (PROFILE, PRIORITY, DRILL, *own, *CHOICES)
    written = (naming.MADE_BY, naming.MADE_AT)
    by_app = {name.lower().removeprefix(f"{settings.tag_name}-".lower()) for name in written}
    for name in layer.given:
        if name not in known and name not in by_app:
            tag = f"{settings.tag_name}-{name}"
            allowed = ", ".join(f"{settings.tag_name}-{each}" for each in known)
            where = layer.override(tag[:80], "").where
            yield finding_of("OverrideInvalid", f"The {where} is unknown; allowed: {allowed}.")


def _last(layers: list[_Layer], name: str) -> tuple[_Layer, str] | None:
    """The last layer that has this tag, with the value."""
    return next(((layer, layer.given[name]) for layer in reversed(layers) if name in layer.given), None)


def _profile(layers: list[_Layer], settings: Settings) -> tuple[str, list[Finding]]:
    """The name of the profile: that of the last layer with one; the default, with a finding, if it does not exist."""
    if (given := _last(layers, PROFILE)) is None:
        return DEFAULT, []
    layer, requested = given
    if values.comparable(requested) in settings.profiles:
        return values.comparable(requested), []
    known = ", ".join(settings.profiles)
    return DEFAULT, [invalid(layer.override(f"{settings.tag_name}-{PROFILE}", requested), known)]


def _priority(layers: list[_Layer], name: str, profile: Profile, settings: Settings) -> tuple[Override, list[Finding]]:
    """The priority: that of the last layer with one, else the profile's; the profile's, with a finding, for no word of
    it. Who may choose the profile may choose it too: no allow-list holds for it."""
    where = f"profile {name}" if "priority" in profile.model_fields_set else DEFAULT_ORIGIN
    of_profile = Override(profile.priority, where, where)
    if (given := _last(layers, PRIORITY)) is None:
        return of_profile, []
    layer, requested = given
    tag = f"{settings.tag_name}-{PRIORITY}"
    try:
        return layer.override(tag, priority_of(requested)), []
    except ValueError as allowed:
        return of_profile, [invalid(layer.override(tag, requested), str(allowed))]


def _left_out(layers: list[_Layer], settings: Settings) -> tuple[bool, list[Finding]]:
    """Whether a tag leaves the VM out of drills: it says off, or, with a finding, neither on nor off."""
    layer, requested = _last(layers, DRILL) or (layers[0], "on")
    try:
        return values.one_of("on", "off")(requested) == "off", []
    except ValueError as allowed:
        return True, [invalid(layer.override(f"{settings.tag_name}-{DRILL}", requested), str(allowed))]


def _not_allowed(
    choice: str, requested: Override, name: str, profile: Profile, settings: Settings
) -> Iterator[Finding]:
    row, allowed = CHOICES[choice], profile.allow.get(choice, ())
    given = requested.value.split(", ") if row.listed else values.parts(requested.value).values()
    for value in given:
        if not any(_covers(entry, value, row) for entry in allowed):
            listed = ", ".join(allowed) or "nothing"
            yield finding_of(
                "OverrideNotAllowed",
                f"The {requested.where} requests {value[:200]!r}; the profile {name} allows {listed} for {choice}.",
            )
        elif row.resource_type is not None and value.startswith("/") and ResourceId(value) not in settings.target:
            yield out_of_scope(requested, value, settings)


def out_of_scope(requested: Override, value: str, settings: Settings) -> Finding:
    return finding_of(
        "OverrideNotAllowed",
        f"The {requested.where} requests {value[:200]!r}, which lies outside DR_TARGET_SCOPE ({settings.target}).",
    )


def _covers(entry: str, value: str, row: Row) -> bool:
    """Whether an entry of an allow-list covers a value."""
    if entry == ANY or values.comparable(entry) == values.comparable(value):
        return True
    try:
        if row.resource_type is not None and entry.startswith("/") and value.startswith("/"):
            place = ResourceId(entry)
            return place.type == "" and ResourceId(value) in Scope([place])
        return "/" in entry and IPv4Address(value) in IPv4Network(entry)
    except ValueError:
        return False

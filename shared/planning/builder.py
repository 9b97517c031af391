"""The plan builder: the VM, its context and its overrides in, settings and findings out."""

from collections.abc import Mapping
from typing import Any

from shared.config.override_options import CHOICES, ITEM_FIELDS
from shared.config.settings import Settings
from shared.model.findings import Finding
from shared.model.names import DEFAULT_NAMES
from shared.model.plan import DEFAULT_ORIGIN, ITEM_ORIGIN, ResourcePreview, Setting
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.resource_types import type_of
from shared.model.values import NONE, parts
from shared.model.vm import Existing, PlanningContext, SourceVm
from shared.planning.overrides import Overrides, invalid, out_of_scope
from shared.planning.references import referred

OF_ITEM = "what protects the VM has it"
_OF_SETTINGS = "as DR_NAMES says"


class PlanBuilder:
    """Collects a setting for every derived value, and a finding for every override that cannot be fulfilled.

    For a VM that `item` protects, what the item has stands in for every default: it was derived once, or an operator
    has set it.
    """

    def __init__(
        self,
        vm: SourceVm,
        context: PlanningContext,
        overrides: Overrides,
        settings: Settings,
        item: ProtectedItem | None = None,
    ) -> None:
        self.vm = vm
        self.item = item
        self.context = context
        self.overrides = overrides
        self.app = settings
        self.settings: list[Setting] = []
        self.findings: list[Finding] = []
        self.unfit: set[ResourceId] = set()
        self.named: list[ResourcePreview] = []
        self._existing = {existing.id: existing for existing in context.existing}
        self.names = overrides.names_between(vm.location, context.target_location)

    def record(self, name: str, value: object, reason: str, origin: str = DEFAULT_ORIGIN) -> None:
        self.settings.append(Setting(name=name, value=str(value), origin=origin, reason=reason))

    def reject(self, tag: str, allowed: str, case: str = "") -> None:
        """Records that the override `tag` cannot be fulfilled; `case` is one of the finding's own."""
        self.findings.append(invalid(self.overrides.requested[tag], allowed, case, self.app.tag_name))

    def is_requested(self, tag: str) -> bool:
        return tag in self.overrides.requested

    def text(self, tag: str, default: str, reason: str) -> str:
        """The value of an option; `none` is ""."""
        requested = self.overrides.requested.get(tag)
        if requested is None and self.item:
            default, reason = str(self._of_item(tag) or NONE), OF_ITEM
        value = requested.value if requested else default
        self._record_choice(tag, value, reason)
        return "" if value.lower() == NONE else value

    def _of_item(self, tag: str) -> Any:
        return getattr(self.item.settings, ITEM_FIELDS[tag]) if self.item else None

    def resource(self, tag: str, default: ResourceId | None, reason: str) -> ResourceId | None:
        """The resource of the override, which has to exist in the right region; else the default."""
        if not self.is_requested(tag):
            if self.item:
                default, reason = self._of_item(tag), OF_ITEM
            self._record_choice(tag, str(default or NONE), reason)
            return default
        found = self.referred(tag, self.overrides.requested[tag].value)
        self._record_choice(tag, str(found or NONE), reason)
        return self.checked(tag, found) if found else None

    def referred(self, tag: str, value: str) -> ResourceId | None:
        """The resource that the value of an override names."""
        return referred(tag, value, self.vm, self.overrides, self.context.target_location)

    def by_template(self, field: str, source: str, by_default: str = "") -> str:
        """The reason for a name that the template in this field of `Names` gives after a source."""
        template = getattr(self.app.names, field)
        if template == getattr(DEFAULT_NAMES, field):
            return by_default or f"{source}, with -asr"
        return f"{source}, {_OF_SETTINGS}: {template}"

    def checked(self, tag: str, wanted: ResourceId) -> ResourceId | None:
        """A resource named in an override; None, with a finding, if it cannot be used."""
        existing = self._existing.get(wanted)
        source, target = self.vm.location, self.context.target_location
        is_group, is_cache = not wanted.type, tag == "cache-storage"
        if wanted not in self.app.target:
            self.findings.append(out_of_scope(self.overrides.requested[tag], str(wanted), self.app))
        elif existing is None:
            self.reject(tag, f"a resource that exists; there is no {wanted}")
        elif is_group and existing.location == source:
            self.reject(tag, f"a resource group of another region; {wanted} lies in {source}, the region of the VM")
        elif not is_group and existing.location != (source if is_cache else target):
            self.reject(tag, f"a resource in {source if is_cache else target}; {wanted} lies in {existing.location}")
        elif existing.obstacle:
            self.reject(tag, f"a resource that can serve; {wanted} {existing.obstacle}")
        else:
            kind = type_of(wanted).noun.split(" ", 1)[1]
            self.named.append(ResourcePreview(kind=kind, action="reuse", name=str(wanted)))
            return wanted
        return None

    def existing(self, wanted: ResourceId) -> Existing | None:
        return self._existing.get(wanted)

    def each(self, tag: str, names: list[str]) -> dict[str, str]:
        """The override for each of these interfaces or disks; a name that the VM does not have is rejected."""
        if not self.is_requested(tag):
            return {}
        given = parts(self.overrides.requested[tag].value)
        strangers = set(given) - {"", *(name.lower() for name in names)}
        if strangers:
            self.reject(tag, f"the names of {', '.join(names) or 'none'}")
        values = {name: given.get(name.lower(), given.get("", "")) for name in names}
        for name, value in values.items():
            if value:
                self._record_choice(tag, value, "", name)
        return {name: value for name, value in values.items() if value}

    def each_or_none(self, tag: str, names: list[str], has: Mapping[str, ResourceId | None]) -> dict[str, str]:
        """As `each`, for settings without a default. `has` are the values of an item."""
        requested = self.each(tag, names)
        kept = {name: has[name] for name in names if has.get(name) and name not in requested}
        setting = CHOICES[tag].setting
        for name, value in kept.items():
            self.record(f"{setting}/{name}", value, OF_ITEM, ITEM_ORIGIN)
        if not requested and not kept:
            self.record(
                setting, NONE, *((OF_ITEM, ITEM_ORIGIN) if self.item else ("none is requested", DEFAULT_ORIGIN))
            )
        return requested

    def _record_choice(self, tag: str, value: str, reason: str, part: str = "") -> None:
        row, requested = CHOICES[tag], self.overrides.requested.get(tag)
        name = f"{row.setting}/{part}" if part else row.setting
        if requested:
            self.record(name, value, f"requested by the {requested.origin}", requested.origin)
        else:
            self.record(name, value, reason, origin_of(reason))


def origin_of(reason: str) -> str:
    """The origin of a setting that no override requests."""
    return ITEM_ORIGIN if reason == OF_ITEM else "settings" if _OF_SETTINGS in reason else DEFAULT_ORIGIN

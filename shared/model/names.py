"""Templates of names (DR_NAMES): what the resources that the app creates are called.

For what is created from now on: what exists is found by its natural key, and a replicated item keeps its places.
"""

import re
from collections.abc import Mapping
from string import Formatter
from typing import NamedTuple, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from shared.model.base import Model
from shared.model.name_templates import TEMPLATES
from shared.model.naming import digest, fitted
from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import (
    ACCOUNT,
    AVAILABILITY_SET,
    NETWORK,
    PLACEMENT_GROUP,
    RESOURCE_GROUP,
    type_of,
)

DEFAULT_PROFILE = "default"


class Names(Model):
    """`environment` is the value of `{environment}`."""

    model_config = ConfigDict(extra="forbid")

    environment: str = Field("", pattern=r"^[A-Za-z0-9_.()-]*$", max_length=64)
    resource_group: str = "{source}-asr"
    network: str = "{source}-asr"
    availability_set: str = "{source}-asr"
    placement_group: str = "{source}-asr"
    cache_group: str = "asr-cache-{sourceRegion}"
    policy: str = "{retention}-hour-retention-{appConsistent}-app-consistent-policy{forProfile}"
    container_mapping: str = "{sourceRegion}-{targetRegion}-{policy}"
    network_mapping: str = "{source}-{targetRegion}-{digest}"

    @field_validator(*TEMPLATES)
    @classmethod
    def _has_its_placeholders(cls, template: str, info: ValidationInfo) -> str:
        TEMPLATES[str(info.field_name)].check_placeholders(template)
        return template

    @model_validator(mode="after")
    def _are_names(self) -> Self:
        """Checks each template with the longest and the oddest values that it may get."""
        for field in TEMPLATES.keys() & self.model_fields_set:
            template, name, kind = getattr(self, field), to_camel(field), TEMPLATES[field]
            if "{environment}" in template and not self.environment:
                raise ValueError(f"{name} is {template!r}, and environment has no value")
            for values in kind.probes():
                made = self._named(field, values)
                if not kind.rule.allows(made):
                    given = ", ".join(f"{key} {value!r}" for key, value in values.items() if f"{{{key}}}" in template)
                    raise ValueError(f"{name} is {template!r}, which gives {made!r} for {given}; allowed: {kind.rule}")
        return self

    def _named(self, field: str, values: Mapping[str, str]) -> str:
        kind = TEMPLATES[field]
        return fitted(getattr(self, field), {**values, "environment": self.environment}, kind.needs[0], kind.rule)

    def between(self, source_region: str, target_region: str, subscription: str = "") -> "PairNames":
        """The names of what is created for VMs of one region that go to another; "" is one that is not known.
        `subscription` is that of the targets, "" for the source's own."""
        return PairNames(self, source_region or "unknown", target_region or "unknown", subscription)

    def cache_group_of(self, subscription: str, location: str) -> ResourceId:
        """The resource group of the cache accounts for a subscription and region, of all deployments."""
        return ResourceId.of(subscription, self._named("cache_group", {"sourceRegion": location}))

    def cache_account(
        self, subscription: str, location: str, deployment: str, *, premium: bool = False, number: int = 1
    ) -> ResourceId:
        """The cache storage account that a deployment's VMs of a subscription and region share; the second when the
        first is full.

        Storage account names are unique in all of Azure: 3 to 24 lower-case letters and digits. One in a group of
        another name is another account.
        """
        group = self.cache_group_of(subscription, location).resource_group
        which = ("/premium" if premium else "") + (f"/{number}" if number > 1 else "")
        which += "" if group == DEFAULT_NAMES.cache_group.format(sourceRegion=location) else f"/{group}"
        name = f"asrcache{digest(f'{deployment}/{subscription}/{location}{which}', 16)}"
        return ResourceId.of(subscription, group, ACCOUNT, name)

    def policy_of(self, retention_hours: int, app_consistent_hours: int, profile: str = DEFAULT_PROFILE) -> str:
        """The name of a replication policy: its values, and the profile that it was first created for, unless the
        default.

        Not the portal's `24-hour-retention-policy`, whose values have changed over time.
        """
        return self._named(
            "policy",
            {
                "retention": str(retention_hours),
                "appConsistent": f"{app_consistent_hours}-hour" if app_consistent_hours else "no",
                "forProfile": "" if profile == DEFAULT_PROFILE else f"-for-{profile}",
            },
        )

    def is_policy_of(self, name: str, profile: str, chosen: str = "") -> bool:
        """Whether the app may have given a policy of the profile that name, with whatever values; `chosen` is the one
        that the profile gives itself.

        A number marks a second policy of the same name; after the name of a profile it belongs to that name.
        """
        if chosen and re.fullmatch(rf"{re.escape(chosen)}(-[0-9]+)?", name, re.IGNORECASE | re.ASCII):
            return True
        given = "" if profile == DEFAULT_PROFILE else f"-for-{profile}"
        shown = _any_of(given)
        return self._may_give("policy", name, forProfile=shown if given else "", number="" if given else r"(-[0-9]+)?")

    def container_mapping_of(self, source_region: str, target_region: str, policy_name: str) -> str:
        values = {"sourceRegion": source_region, "targetRegion": target_region, "policy": policy_name}
        return self._named("container_mapping", values)

    def network_mapping_of(self, source_network: ResourceId, source_region: str, target_region: str) -> str:
        """A network may have one mapping per target region."""
        values = {"sourceRegion": source_region, "targetRegion": target_region, "source": source_network.name}
        return self._named("network_mapping", {**values, "digest": digest(source_network.key, 8)})

    def is_cache_group(self, group: ResourceId) -> bool:
        """Whether a resource group, or that of a resource, has a name for groups of cache accounts."""
        return any(names._may_give("cache_group", group.resource_group) for names in (self, DEFAULT_NAMES))

    def may_be_made(self, resource: ResourceId) -> bool:
        """Whether the app may have given the resource its name, by these templates or by the default ones: an Azure
        policy may copy the tags of a group to other resources."""
        fields = _FIELDS_OF[folded(resource.type)]
        return any(names._may_give(field, resource.name) for names in (self, DEFAULT_NAMES) for field in fields)

    def may_lead_to(self, source: ResourceId, target: ResourceId) -> bool:
        """Whether `target` may be the counterpart of a network, or of its group, in any region and subscription."""
        return self._may_give("resource_group", target.resource_group, source=source.resource_group) and (
            not target.type or self._may_give("network", target.name, source=source.name)
        )

    def _may_give(self, field: str, name: str, *, source: str = "", number: str = "", **shown: str) -> bool:
        known = {**_SHOWN, "environment": re.escape(self.environment), **shown}
        if source:
            known["source"] = _any_of(source)
        parts = Formatter().parse(getattr(self, field))
        pattern = "".join(
            re.escape(text) + (known[placeholder] if placeholder else "") for text, placeholder, *_ in parts
        )
        return re.fullmatch(folded(pattern) + number, folded(name)) is not None


_SHOWN = {
    "source": ".+",
    "sourceRegion": "[a-z0-9]+",
    "targetRegion": "[a-z0-9]+",
    "retention": r"[1-9][0-9]{0,3}",
    "appConsistent": r"(?:[1-9][0-9]{0,2}-hour|no)",
}
"""What stands for a placeholder whose value is not known: lower-cased regular expressions."""
_FIELDS_OF: dict[str, tuple[str, ...]] = {
    folded(resource_type): fields
    for resource_type, fields in (
        (RESOURCE_GROUP, ("resource_group", "cache_group")),
        (NETWORK, ("network",)),
        (AVAILABILITY_SET, ("availability_set",)),
        (PLACEMENT_GROUP, ("placement_group",)),
    )
}


def _any_of(value: str) -> str:
    """The value of a placeholder, as it is or cut with its digest behind it."""
    return rf"(?:{re.escape(value)}|.*{digest(value, 6)})"


DEFAULT_NAMES = Names()


class PairNames(NamedTuple):
    """The names of what is created for VMs of one region that go to another."""

    names: Names
    source_region: str
    target_region: str
    subscription: str = ""

    def group(self, source: ResourceId) -> ResourceId:
        """The target resource group of the resources in the source's resource group."""
        subscription = self.subscription or source.subscription
        return ResourceId.of(subscription, self._named("resource_group", source.resource_group))

    def sibling(self, source: ResourceId) -> ResourceId:
        """The target counterpart of a resource, as a network: a function of the source alone."""
        return self.in_group(self.group(source), source)

    def in_group(self, group: ResourceId, source: ResourceId) -> ResourceId:
        """The target counterpart of a source resource in a given resource group."""
        name = self._named(_FIELDS_OF[folded(source.type)][0], source.name)
        return ResourceId.of(group.subscription, group.resource_group, type_of(source), name)

    def _named(self, field: str, name: str) -> str:
        regions = {"sourceRegion": self.source_region, "targetRegion": self.target_region}
        return self.names._named(field, {"source": name, **regions})

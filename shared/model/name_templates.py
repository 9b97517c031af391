"""What a template of names (DR_NAMES) may hold: for each kind its placeholders, and the values it is checked with."""

from collections.abc import Iterator
from itertools import product
from string import Formatter
from typing import NamedTuple

from shared.model.name_rule import NameRule
from shared.model.resource_types import (
    AVAILABILITY_SET,
    IN_VAULT,
    NETWORK,
    PLACEMENT_GROUP,
    RESOURCE_GROUP,
    ResourceType,
)

_REGIONS = ("sourceRegion", "targetRegion")


class TemplateKind(NamedTuple):
    """What a template is for: its placeholders, the ones that it must have (else two would have one name), and the one
    whose value is cut where a name would be too long. `source` is the rule for the names of the sources."""

    what: str
    rule: NameRule
    needs: tuple[str, ...]
    more: tuple[str, ...] = (*_REGIONS, "environment")
    source: NameRule = IN_VAULT

    @property
    def placeholders(self) -> tuple[str, ...]:
        return (*self.needs, *self.more)

    def check_placeholders(self, template: str) -> None:
        """Raises ValueError for a template that holds other placeholders, one of them twice, or not those needed."""
        allowed = ", ".join(f"{{{each}}}" for each in self.placeholders)
        try:
            parsed = list(Formatter().parse(template))
        except ValueError as error:
            raise ValueError(f"{template!r} is no template ({error}); its placeholders are {allowed}") from None
        found = [
            name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            for _, name, form, conversion in parsed
            if name is not None
        ]
        for name in found:
            if name not in self.placeholders:
                raise ValueError(f"{template!r} has the placeholder {{{name}}}; allowed: {allowed}")
            if found.count(name) > 1:
                raise ValueError(f"{template!r} has {{{name}}} twice; once is allowed")
        for name in self.needs:
            if name not in found:
                raise ValueError(
                    f"{template!r} has no {{{name}}}: two of them would have one name; needed: "
                    + ", ".join(f"{{{each}}}" for each in self.needs)
                )

    def probes(self) -> Iterator[dict[str, str]]:
        """The shortest, the longest and the oddest values: of a source, of a profile and of regions."""
        rule = self.source
        names = ["x" * rule.shortest, "x" * rule.longest, *(f"{'x' * (rule.longest - 1)}{end}" for end in rule.last)]
        for name, region, has_profile in product(names, ("uksouth", "germanywestcentral"), (True, False)):
            yield {
                "source": name,
                "policy": name,
                "digest": "0" * 8,
                "sourceRegion": region,
                "targetRegion": region,
                **({"retention": "360", "appConsistent": "12-hour"} if has_profile else {"retention": "1"}),
                **({"forProfile": f"-for-{name[:30]}"} if has_profile else {"forProfile": "", "appConsistent": "no"}),
            }


def _placed(what: str, resource_type: ResourceType) -> TemplateKind:
    return TemplateKind(what, resource_type.names, ("source",), source=resource_type.names)


TEMPLATES: dict[str, TemplateKind] = {
    "resource_group": _placed("the counterpart of a resource group", RESOURCE_GROUP),
    "network": _placed("the counterpart of a virtual network", NETWORK),
    "availability_set": _placed("the counterpart of an availability set", AVAILABILITY_SET),
    "placement_group": _placed("the counterpart of a proximity placement group", PLACEMENT_GROUP),
    "cache_group": TemplateKind(
        "the resource group of the cache accounts", RESOURCE_GROUP.names, ("sourceRegion",), ("environment",)
    ),
    "policy": TemplateKind(
        "a replication policy", IN_VAULT, ("forProfile", "retention", "appConsistent"), ("environment",)
    ),
    "container_mapping": TemplateKind("a container mapping", IN_VAULT, ("policy", *_REGIONS), ("environment",)),
    "network_mapping": TemplateKind(
        "a network mapping",
        IN_VAULT,
        ("source", "digest", "targetRegion"),
        ("sourceRegion", "environment"),
        NETWORK.names,
    ),
}
"""The templates by field of `Names`."""

"""The resources that overrides name: they have to be read before planning."""

from collections.abc import Iterator

from shared.config.override_options import CHOICES
from shared.model.resource_id import ResourceId
from shared.model.resource_types import RESOURCE_GROUP
from shared.model.values import NONE, parts
from shared.model.vm import SourceVm
from shared.planning.overrides import Overrides


def references(vm: SourceVm, overrides: Overrides, target: str) -> Iterator[tuple[str, ResourceId]]:
    """Each override that names a resource, and the resource. `target` is the target region."""
    for tag, requested in overrides.requested.items():
        if CHOICES[tag].resource_type is None:
            continue
        for value in parts(requested.value).values():
            found = referred(tag, value, vm, overrides, target)
            if found:
                yield tag, found


def referred(tag: str, value: str, vm: SourceVm, overrides: Overrides, target: str) -> ResourceId | None:
    """The resource that a value names: by its ID, or by its name in the VM's target resource group (a cache account in
    the group of the app's own); None for `none`."""
    kind = CHOICES[tag].resource_type
    if value.lower() == NONE:
        return None
    if value.startswith("/"):
        return ResourceId(value)
    if kind == RESOURCE_GROUP:
        return ResourceId.of(overrides.target_subscription or vm.id.subscription, value)
    group = target_group(vm, overrides, target)
    if tag == "cache-storage":
        group = overrides.names.cache_group_of(vm.id.subscription, vm.location)
    return ResourceId.of(group.subscription, group.resource_group, kind or "", value)


def target_group(vm: SourceVm, overrides: Overrides, target: str) -> ResourceId:
    """The target resource group: that of the override, else the counterpart of the VM's."""
    requested = overrides.requested.get("target-resource-group")
    found = referred("target-resource-group", requested.value, vm, overrides, target) if requested else None
    return found or overrides.names_between(vm.location, target).group(vm.id)

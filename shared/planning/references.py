"""Which resources are asked for by name or ID: what has to be read before anything can be derived from them."""

from collections.abc import Iterator

from shared.config.override_options import CHOICES, RESOURCE_GROUP
from shared.model import naming
from shared.model.resource_id import ResourceId
from shared.model.values import NONE, parts
from shared.model.vm import SourceVm
from shared.planning.overrides import Wishes


def references(vm: SourceVm, wishes: Wishes) -> Iterator[tuple[str, ResourceId]]:
    """Each choice that asks for a resource, and the resource."""
    for tag, asked in wishes.asked.items():
        if CHOICES[tag].resource_type is None:
            continue
        for value in parts(asked.value).values():
            found = referred(tag, value, vm, wishes)
            if found:
                yield tag, found


def referred(tag: str, value: str, vm: SourceVm, wishes: Wishes) -> ResourceId | None:
    """The resource that a value names: by its ID, or by its name in the VM's target resource group (a cache account in
    the group of the app's own); None for `none`."""
    kind = CHOICES[tag].resource_type
    if value.lower() == NONE:
        return None
    if value.startswith("/"):
        return ResourceId(value)
    if kind == RESOURCE_GROUP:
        return ResourceId.of(vm.id.subscription, value)
    group = target_group(vm, wishes)
    if tag == "cache-storage":
        group = naming.cache_account(vm.id.subscription, vm.location).group_id
    return ResourceId.of(group.subscription, group.resource_group, kind or "", value)


def target_group(vm: SourceVm, wishes: Wishes) -> ResourceId:
    """The resource group that is asked for, else the counterpart of the VM's."""
    asked = wishes.asked.get("target-resource-group")
    found = referred("target-resource-group", asked.value, vm, wishes) if asked else None
    return found or naming.target_group(vm.id)

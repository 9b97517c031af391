"""An index over the replicated items of a vault: to scan ten thousand items for each VM would be too slow."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property

from shared.arm.listing import Listing
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import GroupMember
from shared.planning.claims import Claims


class Items:
    """The items of a vault from one read. Each index is built when it is first used: a sweep uses none of them."""

    def __init__(self, listing: Listing[ProtectedItem]) -> None:
        self.listing = listing
        self._items = listing.records

    @cached_property
    def _by_source(self) -> dict[ResourceId, ProtectedItem]:
        return {item.source: item for item in reversed(self._items)}

    @cached_property
    def _originals(self) -> dict[ResourceId, ResourceId]:
        return {vm: item.source for item in reversed(self._items) for vm in item.failover_vms}

    @cached_property
    def in_progress(self) -> int:
        """The number of items that are being enabled, or replicate for the first time."""
        return sum(item.stage in {Stage.ENABLING, Stage.REPLICATING} for item in self._items)

    @cached_property
    def under_policy(self) -> Counter[ResourceId | None]:
        """The number of items by policy."""
        return Counter(item.policy_id for item in self._items)

    @cached_property
    def cached_disks(self) -> Counter[str]:
        """The number of disks by the cache account."""
        return Counter(disk.cache_account.key for item in self._items for disk in item.disks if disk.cache_account)

    @cached_property
    def replicated_disks(self) -> Counter[tuple[str, str]]:
        """The number of disks by the subscription of the VM and the target region."""
        return Counter(
            (item.source.subscription.lower(), item.settings.target_location)
            for item in self._items
            for disk in item.disks
            if disk.cache_account
        )

    @cached_property
    def _in_set(self) -> dict[ResourceId, list[ResourceId]]:
        found: defaultdict[ResourceId, list[ResourceId]] = defaultdict(list)
        for item in self._items:
            if item.settings.availability_set:
                found[item.settings.availability_set].append(item.source)
        return found

    @cached_property
    def _groups(self) -> dict[str, list[GroupMember]]:
        found: defaultdict[str, list[GroupMember]] = defaultdict(list)
        for item in self._items:
            if item.settings.consistency_group:
                member = GroupMember(id=item.source, location=item.settings.source_location)
                found[item.settings.consistency_group.lower()].append(member)
        return found

    @cached_property
    def claims(self) -> Claims:
        """What the VMs of the items are to have after a failover."""
        return Claims(self._items)

    def __iter__(self) -> Iterator[ProtectedItem]:
        return iter(self._items)

    def of(self, vm: ResourceId) -> ProtectedItem | None:
        """The item that protects the VM, or None."""
        return self._by_source.get(vm)

    def original_of(self, vm: ResourceId) -> ResourceId | None:
        """The original of a failover VM, or None."""
        return self._originals.get(vm)

    def in_group(self, name: str) -> tuple[GroupMember, ...]:
        """The VMs of a multi-VM group."""
        return tuple(self._groups.get(name.lower(), ()))

    def in_set(self, target: ResourceId) -> tuple[ResourceId, ...]:
        """The VMs whose target availability set that is."""
        return tuple(self._in_set.get(target, ()))

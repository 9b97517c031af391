"""The app's own records of failovers: jobs leave the list of a vault, and an item is gone once it is disabled."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import ValidationError

from shared.arm.origin_store import OriginStoreError, Store
from shared.arm.origins import name_of
from shared.model.failover import Failover
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId

_PREFIX = "failover-"


class UnreadableRecordError(OriginStoreError):
    """A record that is there and cannot be parsed: about its VM nothing is known, and about the others all."""


class Failovers:
    """One record for each VM that a failover left, beside the records of origin. Calls raise OriginStoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: set[tuple[ResourceId, str]] = set()

    async def recorded(self, vms: Iterable[ResourceId]) -> list[ResourceId]:
        """Those of the VMs that have a record, by one list for all: hardly any VM has one."""
        names = await self._store.names(_PREFIX)
        return [vm for vm in vms if _name(vm) in names]

    async def of(self, vm: ResourceId) -> Failover | None:
        """The record of the VM, or None."""
        text = await self._store.read(_name(vm))
        try:
            return None if text is None else Failover.model_validate_json(text)
        except ValidationError as fault:
            raise UnreadableRecordError(f"the record {_name(vm)} of a failover of {vm} cannot be parsed") from fault

    async def note(self, item: ProtectedItem) -> None:
        """Writes that the item is failed over, for each of its VMs, once in each process. A confirmation of an earlier
        failover ends."""
        sides = (item.source, *item.failover_vms)
        for vm in sides:
            if (vm, item.incarnation) not in self._noted:
                known = await self._readable(vm)
                if known is None or known.confirmed_at:
                    others = tuple(each for each in sides if each != vm)
                    await self._write(Failover(vm=vm, others=others, seen_at=datetime.now(UTC)))
                self._noted.add((vm, item.incarnation))

    async def _readable(self, vm: ResourceId) -> Failover | None:
        """The record; None without one, and for one that cannot be parsed, which the next failover replaces."""
        with suppress(UnreadableRecordError):
            return await self.of(vm)
        return None

    async def confirm(self, failover: Failover) -> None:
        """Writes that a caller has confirmed that this VM is to be protected."""
        await self._write(failover.with_(confirmed_at=max(datetime.now(UTC), failover.seen_at)))

    async def _write(self, failover: Failover) -> None:
        text = failover.model_dump_json(by_alias=True).encode()
        await self._store.write(_name(failover.vm), text, new=False)


def _name(vm: ResourceId) -> str:
    return f"{_PREFIX}{name_of(vm)}"

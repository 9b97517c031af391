"""The app's own records of drills: written before a test failover is requested, closed once it is shown to be clean.

An item in test failover without a record is a person's. A record is open under one name and closed under another, so
that one list tells the open ones: a sweep reads no more than these, however many VMs were ever drilled.
"""

import asyncio

from pydantic import ValidationError

from shared.arm.origin_store import OriginStoreError, Store
from shared.arm.origins import name_of
from shared.model.drill import Drill
from shared.model.resource_id import ResourceId

_OPEN, _CLOSED = "drill-", "drilled-"


class Drills:
    """At most one open record for each VM, and the last closed one. All methods raise OriginStoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, vm: ResourceId) -> Drill | None:
        """The open record of the VM, or None."""
        return await self._read(_OPEN + name_of(vm))

    async def together(self, vm: ResourceId) -> tuple[Drill, ...]:
        """The open records of the drill that the VM is part of, its own first; none if it has none itself."""
        first = await self.of(vm)
        if first is None:
            return ()
        others = await asyncio.gather(*(self.of(member) for member in first.members if member != vm))
        return (first, *(drill for drill in others if drill and drill.request == first.request))

    async def last(self, vm: ResourceId) -> Drill | None:
        """The record of the last drill of the VM that has ended, or None."""
        return await self._read(_CLOSED + name_of(vm))

    async def ended_with(self, drill: Drill) -> tuple[Drill, ...]:
        """The closed records of all VMs of the drill, that of the VM that leads first."""
        found = await asyncio.gather(*map(self.last, drill.members or (drill.vm,)))
        return tuple(last for last in found if last and last.request == drill.request)

    async def open(self) -> tuple[Drill, ...]:
        """All open records."""
        found = await asyncio.gather(*map(self._read, sorted(await self._store.names(_OPEN))))
        return tuple(drill for drill in found if drill)

    async def write(self, *drills: Drill) -> tuple[Drill, ...]:
        """Writes the open records of a drill, that of the VM that leads, which is the first, last: with it all others
        are there. Returns them."""
        for drill in reversed(drills):
            await self._store.write(_OPEN + name_of(drill.vm), _text(drill), new=False)
        return drills

    async def close(self, drill: Drill) -> None:
        """Turns the open record into the last closed one."""
        await self._store.write(_CLOSED + name_of(drill.vm), _text(drill), new=False)
        await self._store.remove(_OPEN + name_of(drill.vm))

    async def _read(self, name: str) -> Drill | None:
        text = await self._store.read(name)
        try:
            return None if text is None else Drill.model_validate_json(text)
        except ValidationError as fault:
            raise OriginStoreError(f"the record {name} of a drill cannot be parsed") from fault


def _text(drill: Drill) -> bytes:
    return drill.model_dump_json(by_alias=True, exclude_none=True).encode()

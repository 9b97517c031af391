"""What this deployment made, by its own records: the intent is written before a request, the proof after its success.

No request that creates anything is sent without its intent (`pipeline.Intended`): without the store the app creates
nothing. Without a proof nothing is disabled or removed, whatever tags and names say.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from pydantic import ValidationError

from shared.arm.errors import WriteRefusedError
from shared.arm.origin_store import OriginStoreError, Store
from shared.model.origin import Origin, gap_of
from shared.model.resource_id import ResourceId, folded

# Other processes of this deployment that create the same resource at the same time share one intent.
_SHARED_FOR = timedelta(hours=1)


class Origins:
    """The records of one deployment; all its processes share the store. Calls raise OriginStoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._intended: set[str] = set()
        self._settled: set[tuple[str, str]] = set()

    async def of(self, resource: ResourceId) -> Origin | None:
        """The record of the resource, or None."""
        text = await self._store.read(name_of(resource))
        try:
            return None if text is None else Origin.model_validate_json(text)
        except ValidationError as fault:
            raise OriginStoreError(f"the record of {resource} cannot be parsed") from fault

    async def written(self) -> Mapping[str, datetime | None]:
        """When each record was last written, by `name_of` its resource, as far as that is known. A proven one does not
        change."""
        return await self._store.written("")

    async def intend(
        self,
        resource: ResourceId,
        *,
        content: str = "",
        vm: ResourceId | None = None,
        tag_name: str = "",
        request: str = "",
    ) -> Origin:
        """Writes that this deployment is about to create the resource, and permits one request to do so."""
        now = datetime.now(UTC)
        origin = Origin(resource=resource, intended_at=now, content=content, vm=vm, tag_name=tag_name, request=request)
        if not await self._write(origin, new=True):
            known, _ = await self.proof(resource)
            # An item has one creator: its run. An earlier record of it is about an item that is gone.
            if known and vm is None and origin.intended_at - known.intended_at < _SHARED_FOR:
                origin = known
            else:
                await self._write(origin, new=False)
        self._intended.add(resource.key)
        return origin

    async def revise(self, origin: Origin, *, replaced: str, content: str) -> Origin:
        """Writes that this deployment is about to change in place what it has made, and permits one request to do
        so."""
        revised = origin.with_(content=content, replaced=replaced)
        await self._write(revised, new=False)
        self._intended.add(origin.resource.key)
        return revised

    async def prove(self, origin: Origin, incarnation: str = "") -> None:
        """Writes that Azure has created the resource."""
        proven = origin.model_copy(update={"proven_at": datetime.now(UTC), "incarnation": incarnation})
        await self._write(proven, new=False)
        self._settle(origin.resource, incarnation)

    async def unproven(self, resource: ResourceId, incarnation: str) -> Origin | None:
        """The intent to create the resource, if there is one that is not proven yet. Once there is none, this process
        does not read the record again for that incarnation."""
        if (resource.key, incarnation) in self._settled:
            return None
        origin = await self.of(resource)
        if origin and not origin.proven_at:
            return origin
        self._settle(resource, incarnation)
        return None

    def _settle(self, resource: ResourceId, incarnation: str) -> None:
        # Another process may make what has no incarnation again, and nothing would tell.
        if incarnation:
            self._settled.add((resource.key, incarnation))

    async def withdraw(self, resource: ResourceId) -> None:
        """Removes the record of what is gone, and is never made again under that ID."""
        await self._store.remove(name_of(resource))

    async def proof(self, resource: ResourceId, incarnation: str = "") -> tuple[Origin | None, str]:
        """The record, and why it does not prove that this deployment made what has that incarnation now, or "".

        Raises nothing: a record that cannot be read proves nothing.
        """
        try:
            origin = await self.of(resource)
        except OriginStoreError as fault:
            return None, f"the record of its creation cannot be read: {fault}"
        return origin, gap_of(origin, incarnation)

    def spend(self, path: str) -> None:
        """Uses the permission for a PUT to that path. Raises WriteRefusedError if there is none."""
        try:
            self._intended.remove(folded(path).rstrip("/"))
        except KeyError:
            raise WriteRefusedError("NoIntent", f"No record of the intent to create {path}: it was not sent") from None

    async def _write(self, origin: Origin, *, new: bool) -> bool:
        return await self._store.write(
            name_of(origin.resource), origin.model_dump_json(by_alias=True).encode(), new=new
        )


def name_of(resource: ResourceId) -> str:
    """A digest: an ID may be longer than a file's name, and holds what a URL would have to escape."""
    return f"{sha256(resource.key.encode()).hexdigest()[:40]}.json"

"""Management locks, and the links that replication puts on a VM: one list of each per subscription."""

from collections import defaultdict
from dataclasses import dataclass

from shared.arm.client import Azure
from shared.model.resource_id import ResourceId
from shared.model.vm import Lock

_LOCK = "/providers/microsoft.authorization/locks/"
_LINKS_OF_PROTECTION = ("asr-protect-", "asr-policy-protect-")


@dataclass(frozen=True)
class LinkRecord:
    """A link from a VM to the item that protects it, or did."""

    name: str
    target: str


async def read_locks(azure: Azure, subscription: str, within: float) -> tuple[Lock, ...]:
    return await azure.shared(f"locks/{subscription.lower()}", lambda: _read_locks(azure, subscription), within)


async def read_links(azure: Azure, vm: ResourceId) -> tuple[LinkRecord, ...]:
    """The links of the VM, cached as long as the items of a vault."""
    key = f"links/{vm.subscription.lower()}"
    listed = await azure.shared(key, lambda: _read_links(azure, vm.subscription), azure.settings.poll_seconds)
    return tuple(listed.get(vm.key, ()))


async def _read_locks(azure: Azure, subscription: str) -> tuple[Lock, ...]:
    path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/locks"
    return tuple(
        [
            Lock(
                scope=lock["id"][: lock["id"].lower().rindex(_LOCK)],
                name=lock.get("name") or "",
                read_only=(lock.get("properties") or {}).get("level") == "ReadOnly",
            )
            async for lock in azure.list(path, "2020-05-01")
            if _LOCK in str(lock.get("id")).lower()
        ]
    )


async def _read_links(azure: Azure, subscription: str) -> dict[str, list[LinkRecord]]:
    """The links by the lower-cased ID of the VM."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.Resources/links"
    found: defaultdict[str, list[LinkRecord]] = defaultdict(list)
    async for link in azure.list(path, "2016-09-01"):
        name, ends = link.get("name") or "", link.get("properties") or {}
        if name.lower().startswith(_LINKS_OF_PROTECTION):
            source = str(ends.get("sourceId")).rstrip("/").lower()
            found[source].append(LinkRecord(name, str(ends.get("targetId")).rstrip("/")))
    return found

"""Management locks, and the links that replication puts on a VM: one list of each per subscription."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.arm.client import Azure
from shared.arm.fields import Json, part, text
from shared.arm.listing import Listing, read_listing
from shared.model.resource_id import ResourceId, folded
from shared.model.vm import Lock

T = TypeVar("T")

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
    return (await _complete(azure, path, "2020-05-01", _lock)).records


def _lock(lock: Json) -> Lock | None:
    at = folded(lock["id"]).rfind(_LOCK)
    if at < 0:
        return None
    return Lock(
        scope=lock["id"][:at],
        name=text(lock.get("name")),
        read_only=part(lock, "properties").get("level") == "ReadOnly",
    )


async def _read_links(azure: Azure, subscription: str) -> dict[str, list[LinkRecord]]:
    """The links by the lower-cased ID of the VM."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.Resources/links"
    found: defaultdict[str, list[LinkRecord]] = defaultdict(list)
    for source, link in await _complete(azure, path, "2016-09-01", _link):
        found[source].append(link)
    return found


def _link(link: Json) -> tuple[str, LinkRecord] | None:
    name, ends = text(link.get("name")), part(link, "properties")
    if not name.lower().startswith(_LINKS_OF_PROTECTION):
        return None
    return folded(str(ends.get("sourceId")).rstrip("/")), LinkRecord(name, str(ends.get("targetId")).rstrip("/"))


async def _complete(azure: Azure, path: str, api_version: str, parse: Callable[[Json], T | None]) -> Listing[T]:
    """The list: what is not in it does not exist. Raises NotKnownError."""
    found = await read_listing(azure.list(path, api_version), path, parse, azure.settings.acknowledged_rows)
    found.check_complete()
    return found

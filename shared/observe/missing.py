"""Protected VMs that no list shows: whether they are absent, or were moved. Not known is not absent."""

import asyncio
import logging
from collections.abc import Container, Iterable
from typing import NamedTuple

from shared.arm.client import Azure
from shared.arm.errors import ThrottledError
from shared.arm.listing import read_listing
from shared.arm.resource_graph import TruncatedError, query
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.readers.virtual_machines import read_vm, vm_of_row, vms_where

log = logging.getLogger("dr.inventory")

_AT_ONCE = 20
_NAMES = 200
"""The most names in one query."""


class Missing(NamedTuple):
    """Protected VMs that a list does not show. `found` exist; `absent` are proven not to exist.

    Whether the others exist is not known. `namesakes` are VMs anywhere with the name of an absent one.
    """

    found: dict[ResourceId, SourceVm]
    absent: frozenset[ResourceId]
    namesakes: tuple[SourceVm, ...]


async def read_missing(azure: Azure, items: Iterable[ProtectedItem], listed: Container[ResourceId]) -> Missing:
    """Reads, by its ID, each protected VM that is not in `listed`.

    A lost read right looks like deleted VMs. So if too many VMs are missing, it reads none and raises TruncatedError.
    Also raises HttpResponseError, MalformedResponseError.
    """
    settings, protected = azure.settings, [item for item in items if item.source in azure.settings.source]
    of_missing = [item for item in protected if item.source not in listed and item.stage is not Stage.FROZEN]
    missing = list(dict.fromkeys(item.source for item in of_missing))
    if len(missing) > max(settings.max_missing, len(protected) * settings.max_missing_percent / 100):
        limits = f"DR_MAX_MISSING ({settings.max_missing}) or DR_MAX_MISSING_PERCENT ({settings.max_missing_percent:g})"
        text = f"{len(missing)} of {len(protected)}, more than {limits} allows: a read right may have been lost"
        raise TruncatedError(text)
    found: dict[ResourceId, SourceVm] = {}
    absent: set[ResourceId] = set()
    for start in range(0, len(missing), _AT_ONCE):
        some = missing[start : start + _AT_ONCE]
        answers = await asyncio.gather(*(read_vm(azure, vm) for vm in some), return_exceptions=True)
        for vm, answer in zip(some, answers, strict=True):
            if answer is None:
                absent.add(vm)
            elif isinstance(answer, SourceVm):
                found[vm] = answer
            elif isinstance(answer, ThrottledError):
                raise answer
            else:
                log.warning("Whether %s exists could not be read: %s", vm, answer)
    return Missing(found, frozenset(absent), await read_namesakes(azure, absent))


async def read_namesakes(azure: Azure, vms: Iterable[ResourceId]) -> tuple[SourceVm, ...]:
    """The VMs with the same names as `vms`, wherever the app may read: a VM that was moved is found there.

    Raises HttpResponseError, MalformedResponseError, TruncatedError.
    """
    names, tag = sorted({f"'{vm.name.lower()}'" for vm in vms}), azure.settings.tag_name
    found: list[SourceVm] = []
    for start in range(0, len(names), _NAMES):
        rows = query(azure, vms_where(f"name in~ ({', '.join(names[start : start + _NAMES])})"), None)
        found += await read_listing(rows, "VMs by name", lambda row: vm_of_row(row, tag), ())
    return tuple(found)

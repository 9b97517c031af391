"""A list of Azure: the rows that could be read, and those that could not. Not known is not absent."""

import json
import logging
from collections.abc import AsyncIterable, Callable, Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Generic, TypeVar

from shared.arm.errors import MalformedResponseError, WriteRefusedError
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId, folded
from shared.model.unread_row import UnreadRow

log = logging.getLogger("dr.listing")

Record = TypeVar("Record")

_SHOWN = 300


class NotKnownError(WriteRefusedError):
    """Whether something exists is not known, because a row of a list could not be read."""

    def __init__(self, row: UnreadRow) -> None:
        action = f"Correct or remove it in Azure; or add {row.id} to DR_ACKNOWLEDGED_ROWS: it then holds up nothing."
        super().__init__("ProtectionNotRead", f"{row}.", action)


@dataclass(frozen=True)
class Listing(Generic[Record]):
    """The records of a list, its rows that could not be read, and those of them that an operator has acknowledged."""

    records: tuple[Record, ...] = ()
    unread: tuple[UnreadRow, ...] = ()
    acknowledged: tuple[UnreadRow, ...] = ()

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def with_record(self, record: Record) -> "Listing[Record]":
        """The list as it is once this record is in it, in place of an earlier one of the same ID."""
        others = tuple(each for each in self.records if _id_of(each) != _id_of(record))
        return replace(self, records=(*others, record))

    def without(self, parent: ResourceId) -> "Listing[Record]":
        """The list without what is in a resource."""
        inside = f"{parent.key}/"
        return replace(self, records=tuple(each for each in self.records if not _id_of(each).key.startswith(inside)))

    def check_complete(self) -> None:
        """Passes if what is not in the list does not exist. Raises NotKnownError."""
        for row in self.unread:
            raise NotKnownError(row)


def _id_of(record: Any) -> ResourceId:
    """The ID of a record; a record that is nothing but an ID is its own."""
    return record if isinstance(record, ResourceId) else record.id


async def read_listing(
    rows: AsyncIterable[Any], path: str, parse: Callable[[Any], Record | None], acknowledged: Container[str]
) -> Listing[Record]:
    """Reads the rows of the list at `path`. `parse` returns None for a row that is none of ours, and raises anything
    for one that it cannot read; `acknowledged` are folded IDs."""
    records, unread = [], []
    async for row in rows:
        try:
            if (record := parse(row)) is not None:
                records.append(record)
        except Exception as error:
            unread.append(_unread(row, path, error))
            log.warning("%s", unread[-1])
    known = tuple(row for row in unread if folded(row.id) in acknowledged)
    return Listing(tuple(records), tuple(row for row in unread if row not in known), known)


def read_one(found: Any, what: str, parse: Callable[[Any], Record]) -> Record:
    """What is in the body of one resource. Raises MalformedResponseError."""
    try:
        return parse(found)
    except Exception as error:
        raise MalformedResponseError(f"{what} could not be read: {type(error).__name__}: {error}"[:_SHOWN]) from error


def _unread(row: Any, path: str, error: Exception) -> UnreadRow:
    given = row.get("id") if isinstance(row, dict) else None
    text = json.dumps(row, ensure_ascii=False)
    # A comma separates the rows in the setting.
    shows_id = isinstance(given, str) and 0 < len(given) <= _SHOWN and "," not in given and given.isprintable()
    row_id = str(given).strip() if shows_id else f"{path}#{sha256(text.encode(errors='replace')).hexdigest()[:12]}"
    reason = f"{type(error).__name__}: {error}"[:_SHOWN]
    return UnreadRow(row_id, reason, folded(text), shows_id, _vm_in(row))


def _vm_in(row: Any) -> ResourceId | None:
    """The VM that a row of an item, or of a VM, is about."""
    given = []
    with suppress(Exception):
        given.append(row["id"])
        given.append(row["properties"]["providerSpecificDetails"]["fabricObjectId"])
    for each in given:
        with suppress(Exception):
            if ResourceId(each).is_type(VIRTUAL_MACHINE):
                return ResourceId(each)
    return None

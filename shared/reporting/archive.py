"""The archive: what its files are called, what they hold, and how each proves the one before it. Pure: the I/O is in
`arm/archive.py`. docs/archive.md describes the schema.

    sweeps/<day>/<number>.jsonl.gz   a sweep: a header, then a row for each VM
    runs/<day>/<number>.json         the end of a run
    drills/<day>/<number>.json       a drill
    messages/<day>/<number>.jsonl.gz what was published of causes, and what was acknowledged
    days/<day>.jsonl.gz              a day: a header, which seals the files of the day, then a row for each VM
    months/<month>.jsonl.gz          a month: the same, of its days

Each file is written once, under a name that no other has. The files of a stream and a day are a chain: number n holds
the hash of number n - 1, and the first the hash of the newest day; two hosts that write at once want the same next
name, of which the storage gives one. A day holds the hash of the day before it, and of the last file of each chain.
"""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple

Json = dict[str, Any]
Rows = Callable[[], Iterable[list[Any]]]
"""The rows of a file, from the first at each call: if its name is taken, it is made again under the next one."""

SCHEMA = 1
"""Changes when a reader of the present files would misread the next ones. A field more is no change."""


class Stream(StrEnum):
    """What is a chain of its own on each day."""

    SWEEPS = "sweeps"
    RUNS = "runs"
    DRILLS = "drills"
    MESSAGES = "messages"


DAYS, MONTHS = "days", "months"

_WITH_ROWS = {Stream.SWEEPS, Stream.MESSAGES}

_ROWS = ".jsonl.gz"
"""The end of the names of files with rows: a line of JSON for the header, and for each row, all compressed."""

_GZIP = zlib.MAX_WBITS | 16
_json = json.JSONEncoder(separators=(",", ":")).encode

_NAME = re.compile(
    r"(?:(?:sweeps|runs|drills|messages)/(\d{4}-\d\d-\d\d)/\d{6}|days/(\d{4}-\d\d-\d\d)|months/(\d{4}-\d\d))\.jsonl?(?:\.gz)?",
    re.ASCII,
)


class MalformedFileError(ValueError):
    """The file is not one of the archive, or of a newer schema."""


class Link(NamedTuple):
    """A file, by its name and the SHA-256 of its bytes."""

    name: str
    sha256: str

    @classmethod
    def to(cls, name: str, text: bytes) -> "Link":
        return cls(name, sha256(text).hexdigest())

    def dump(self) -> Json:
        return self._asdict()


class File(NamedTuple):
    """A file that was read: its header, and its rows if it is of a kind that has some."""

    header: Json
    rows: list[list[Any]]


def folder(stream: Stream, day: date) -> str:
    return f"{stream}/{day.isoformat()}/"


def name_of(stream: Stream, day: date, number: int) -> str:
    return f"{folder(stream, day)}{number:06}{_ROWS if stream in _WITH_ROWS else '.json'}"


def is_name(name: str) -> bool:
    """Whether a file of the archive may have that name: somebody may have put others there."""
    match = _NAME.fullmatch(name)
    try:
        return match is not None and bool(date.fromisoformat(f"{match[match.lastindex or 0]}-01"[:10]))
    except ValueError:
        return False


def number_of(name: str) -> int:
    """The number of a file in its chain."""
    return int(name.rpartition("/")[2].partition(".")[0])


def day_name(day: date) -> str:
    return f"{DAYS}/{day.isoformat()}{_ROWS}"


def month_name(month: str) -> str:
    """`month` is as 2026-11."""
    return f"{MONTHS}/{month}{_ROWS}"


def encode(name: str, body: Json, previous: Link | None, rows: Rows = tuple) -> bytes:
    """The bytes of a file: the same for the same content. Of the rows no more is held than what they are compressed
    to."""
    header = {"schema": SCHEMA, "name": name, "previous": previous.dump() if previous else None, **body}
    if not name.endswith(_ROWS):
        return (json.dumps(header, indent=2) + "\n").encode()
    packed = zlib.compressobj(zlib.Z_BEST_COMPRESSION, wbits=_GZIP)
    parts = (packed.compress(f"{_json(line)}\n".encode()) for line in chain((header,), rows()))
    return b"".join([*filter(None, parts), packed.flush()])


def decode(name: str, text: bytes, *, with_rows: bool = True, of: str = "") -> File:
    """The content of a file, its header alone, or with the rows `of` one VM, by its lower-cased ID: of the others
    nothing is parsed. Raises MalformedFileError."""
    try:
        if not name.endswith(_ROWS):
            return _file(name, json.loads(text), [])
        first, *lines = gzip.decompress(text).splitlines()
        begin = f"[{json.dumps(of)},".encode() if of else b""
        chosen = (line for line in lines if line[: len(begin)].lower() == begin)
        return _file(name, json.loads(first), [json.loads(line) for line in chosen] if with_rows else [])
    except (ValueError, OSError, EOFError) as fault:
        raise MalformedFileError(f"{name} cannot be read: {fault}") from fault


def _file(name: str, header: Any, rows: list[list[Any]]) -> File:
    if not isinstance(header, dict) or not isinstance(header.get("schema"), int):
        raise MalformedFileError("it has no header")
    if header["schema"] > SCHEMA:
        raise MalformedFileError(f"its schema is {header['schema']}, and this version of the app reads {SCHEMA}")
    if header.get("name") != name:
        raise MalformedFileError(f"it is {header.get('name')!r}")
    return File(header, rows)

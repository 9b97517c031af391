"""Where records and the archive are kept: blobs of a container, or files in a directory.

Only the app writes there. Nothing of Durable Functions is involved: a new task hub or a purged history loses no record.
Blobs are read and written by `azure.core`, which the app imports anyway: `azure-storage-blob` adds 320 ms to a cold
start, `azure-data-tables` 115 ms, for a few requests. The archive needs no append blobs: each of its files is a blob of
its own.
"""

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode
from uuid import uuid4

from azure.core.exceptions import AzureError

if TYPE_CHECKING:
    from azure.core import AsyncPipelineClient

CONTAINER = "dr-origins"
"""The blob container of the records of origin."""

AUDIENCE = "https://storage.azure.com/.default"

_API_VERSION = "2025-01-05"

_JSON = "application/json"
_TYPES = {"html": "text/html; charset=utf-8", "gz": "application/gzip"}
"""The media types of names that end so."""

_BLOCK = 2**20
"""The bytes of a long text that are in memory at once: fewer would be more requests, each of which is billed."""

_TIMEOUT = 10
"""Seconds. Without this timeout, a firewall could block a run for five minutes."""


class OriginStoreError(Exception):
    """What is kept cannot be read or written."""


class Store(Protocol):
    """Texts by name; a name may have parts, separated by slashes. All methods raise OriginStoreError."""

    async def read(self, name: str) -> bytes | None:
        """The text, or None if there is none of that name."""

    async def write(self, name: str, text: bytes, *, new: bool) -> bool:
        """Writes the text, and returns True. With `new` it returns False if there is one of that name already."""

    async def replace(self, name: str, pieces: Iterable[str]) -> None:
        """Writes the text that the pieces make, however long, in place of the one that is there. Until it is complete,
        and if it never is, the old one stays. Raises what `pieces` raises, too."""

    async def remove(self, name: str) -> None:
        """Removes the text, if there is one of that name."""

    async def names(self, prefix: str) -> frozenset[str]:
        """The names of all texts that begin so."""

    async def written(self, prefix: str) -> Mapping[str, datetime | None]:
        """When each text whose name begins so was last written, by name; None where that is not known."""


class Directory:
    """Files that only their owner may read. Several processes may share the directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, name: str) -> bytes | None:
        return await asyncio.to_thread(self._read, name)

    async def write(self, name: str, text: bytes, *, new: bool) -> bool:
        return await asyncio.to_thread(self._write, name, (text,), new)

    async def replace(self, name: str, pieces: Iterable[str]) -> None:
        await asyncio.to_thread(self._write, name, map(str.encode, pieces), False)

    async def remove(self, name: str) -> None:
        await asyncio.to_thread(self._remove, name)

    async def names(self, prefix: str) -> frozenset[str]:
        return frozenset(await self.written(prefix))

    def _remove(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as fault:
            raise OriginStoreError(str(fault)) from fault

    async def written(self, prefix: str) -> Mapping[str, datetime | None]:
        return await asyncio.to_thread(self._written, prefix)

    def _written(self, prefix: str) -> dict[str, datetime | None]:
        try:
            every = (self._folder / prefix).parent.rglob("*") if prefix else self._folder.rglob("*")
            found: dict[str, datetime | None] = {}
            for file in every:
                name = file.relative_to(self._folder).as_posix()
                if name.startswith(prefix) and file.is_file():
                    with suppress(FileNotFoundError):  # another process has just removed it
                        found[name] = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            return found
        except OSError as fault:
            raise OriginStoreError(str(fault)) from fault

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise OriginStoreError(str(fault)) from fault

    def _write(self, name: str, pieces: Iterable[bytes], new: bool) -> bool:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file gets its name once it is complete, because another process may be reading. Mode 600.
            file = NamedTemporaryFile(dir=self._folder, delete=False)  # noqa: SIM115 (closed below)
            try:
                with file:
                    file.writelines(pieces)
                (os.link if new else os.replace)(file.name, self._folder / name)
            except FileExistsError:
                return False
            finally:
                Path(file.name).unlink(missing_ok=True)
        except OSError as fault:
            raise OriginStoreError(str(fault)) from fault
        return True


class Blobs:
    """Blobs of the container with that URL. `client` makes the client at its first use; it signs with the app's
    identity."""

    def __init__(self, container: str, client: Callable[[], "AsyncPipelineClient[Any, Any]"]) -> None:
        self._container = container
        self._client = client

    async def read(self, name: str) -> bytes | None:
        answer = await self._send("GET", f"/{name}")
        return None if _is_missing(answer) else bytes(self._checked(answer).content)

    async def write(self, name: str, text: bytes, *, new: bool) -> bool:
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": _type(name)}
        if new:
            headers["If-None-Match"] = "*"
        answer = await self._send("PUT", f"/{name}", headers, text)
        if new and answer.status_code == 409:
            return False
        self._checked(answer)
        return True

    async def replace(self, name: str, pieces: Iterable[str]) -> None:
        # With IDs of its own, no two writers at one time can mix their blocks: the blob is that of one of them.
        own, ids, blocks = uuid4().hex, list[str](), _blocks(pieces)
        while block := await asyncio.to_thread(next, blocks, b""):
            ids.append(b64encode(f"{own}{len(ids):05}".encode()).decode())
            query = urlencode({"comp": "block", "blockid": ids[-1]})
            self._checked(await self._send("PUT", f"/{name}?{query}", text=block))
            del block  # not in memory beside the next one
        listed = f"<BlockList>{''.join(f'<Uncommitted>{each}</Uncommitted>' for each in ids)}</BlockList>"
        headers = {"x-ms-blob-content-type": _type(name), "Content-Type": "application/xml"}
        self._checked(await self._send("PUT", f"/{name}?comp=blocklist", headers, listed.encode()))

    async def remove(self, name: str) -> None:
        answer = await self._send("DELETE", f"/{name}")
        if not _is_missing(answer):
            self._checked(answer)

    async def names(self, prefix: str) -> frozenset[str]:
        return frozenset(await self.written(prefix))

    async def written(self, prefix: str) -> Mapping[str, datetime | None]:
        marker, seen = "", {""}
        found: dict[str, datetime | None] = {}
        while True:
            query = urlencode({"restype": "container", "comp": "list", "prefix": prefix, "marker": marker})
            page = _parsed(self._checked(await self._send("GET", f"?{query}")).content)
            for blob in page.iter("Blob"):
                found[blob.findtext("Name")] = _time(blob.findtext("Properties/Last-Modified"))
            marker = page.findtext("NextMarker") or ""
            if not marker:
                return found
            if marker in seen:
                raise OriginStoreError(f"{self._container} lists one page twice")
            seen.add(marker)

    async def _send(self, method: str, path: str, headers: dict[str, str] | None = None, text: bytes = b"") -> Any:
        from azure.core.rest import HttpRequest

        known = {"x-ms-version": _API_VERSION, **(headers or {})}
        request = HttpRequest(method, f"{self._container}{path}", headers=known, content=text or None)
        try:
            answer = await self._client().send_request(request, connection_timeout=_TIMEOUT, read_timeout=_TIMEOUT)
        except AzureError as fault:
            raise OriginStoreError(f"{self._container}: {fault}") from fault
        return answer

    def _checked(self, answer: Any) -> Any:
        """The response. Raises OriginStoreError if it is an error."""
        if answer.status_code >= 400:
            code = answer.headers.get("x-ms-error-code") or answer.reason
            raise OriginStoreError(f"{self._container} answers {answer.status_code} {code}")
        return answer


def _type(name: str) -> str:
    return _TYPES.get(name.rpartition(".")[2], _JSON)


def _blocks(pieces: Iterable[str]) -> Iterator[bytes]:
    """The text in blocks of _BLOCK bytes and the rest of a piece."""
    block = bytearray()
    for piece in pieces:
        block += piece.encode()
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _is_missing(answer: Any) -> bool:
    return bool(answer.status_code == 404 and answer.headers.get("x-ms-error-code") == "BlobNotFound")


def _time(given: str | None) -> datetime | None:
    """As `Mon, 30 Nov 2026 04:00:00 GMT`."""
    try:
        return parsedate_to_datetime(given or "")
    except ValueError:
        return None


def _parsed(content: bytes) -> Any:
    """The root element of an XML answer, which begins with a byte order mark in Azure. Raises OriginStoreError."""
    from azure.core.pipeline.policies import ContentDecodePolicy

    try:
        return ContentDecodePolicy.deserialize_from_text(content, mime_type="application/xml")
    except AzureError as fault:
        raise OriginStoreError(f"a list of records cannot be parsed: {fault}") from fault

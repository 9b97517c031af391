"""Long texts: what is in memory while they are written, and what is there if that breaks off."""

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.arm.origin_store import _BLOCK, Blobs, Directory, Store
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import vm_id
from shared.reporting.archive import Stream, encode, name_of
from shared.reporting.by_hand import by_hand
from tests.unit.app.examples import SUBSCRIPTION, protected_item

PAGE = "index.html"


class Service:
    """The blob service as far as one blob goes: its blocks, of which it keeps the lengths, and the length of the blob,
    once their list is put."""

    def __init__(self) -> None:
        self.blocks: list[int] = []
        self.blob = 0

    async def send_request(self, request: Any, **_: Any) -> Any:
        if "comp=blocklist" in request.url:
            assert request.content.count(b"<Uncommitted>") == len(self.blocks)
            self.blob, self.blocks = sum(self.blocks), []
        else:
            self.blocks.append(len(request.content))
        return SimpleNamespace(status_code=201)


@pytest.fixture(params=["directory", "blobs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    service = Service()
    return Directory(tmp_path) if request.param == "directory" else Blobs("https://a/b", lambda: service)  # type: ignore[arg-type,return-value]


def peak_of(act: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def peak_while(store: Store, pieces: Iterable[str]) -> int:
    tracemalloc.start()
    try:
        await store.replace(PAGE, pieces)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("blocks", [40, 80])
async def test_of_a_long_text_some_blocks_are_in_memory(store: Store, blocks: int) -> None:
    """As many however long it is: one that grows, its copy that is sent, and those to which the threads still hold that
    have made them."""
    piece = "x" * (_BLOCK // 64)
    await store.replace(PAGE, ["what is imported at first"])

    assert await peak_while(store, (piece for _ in range(64 * blocks))) < 10 * _BLOCK


async def test_blocks_make_the_whole_text() -> None:
    service = Service()
    await Blobs("https://a/b", lambda: service).replace(PAGE, ("\u00fc" * 1000 for _ in range(2000)))  # type: ignore[arg-type,return-value]

    assert service.blob == 4_000_000


@pytest.mark.parametrize("fault", [OSError("the disk is full"), RuntimeError("the process ends")])
async def test_a_text_that_breaks_off_leaves_the_old_one_and_nothing_else(tmp_path: Path, fault: Exception) -> None:
    def broken() -> Iterator[str]:
        yield "b" * 2 * _BLOCK
        raise fault

    store = Directory(tmp_path)
    await store.replace(PAGE, ["old"])
    with pytest.raises(Exception, match=str(fault)):
        await store.replace(PAGE, broken())

    assert await store.names("") == {PAGE}
    assert await store.read(PAGE) == b"old"


async def test_blocks_of_a_text_that_breaks_off_make_no_blob() -> None:
    def broken() -> Iterator[str]:
        yield "b" * 2 * _BLOCK
        raise RuntimeError("the process ends")

    service = Service()
    with pytest.raises(RuntimeError):
        await Blobs("https://a/b", lambda: service).replace(PAGE, broken())  # type: ignore[arg-type,return-value]

    assert (service.blocks, service.blob) == ([2 * _BLOCK], 0)


def items(count: int) -> list[ProtectedItem]:
    ids = (vm_id(SUBSCRIPTION, f"web-{number % 40}", f"vm-{number:05}") for number in range(count))
    return [protected_item(source=each) for each in ids]


def test_the_page_to_do_by_hand_takes_a_key_of_each_vm_and_one_row() -> None:
    """What it takes for each VM is the key by which they are sorted, some 200 bytes; its text is ten times as long."""
    few, many = items(500), items(2500)

    def written(found: list[ProtectedItem]) -> int:
        return sum(map(len, by_hand(found, datetime(2026, 11, 30, tzinfo=UTC), "https://management.azure.com")))

    lengths = [written(each) for each in (few, many)]
    grown = peak_of(lambda: written(many)) - peak_of(lambda: written(few))
    assert grown < 2000 * 400
    assert lengths[1] - lengths[0] > 2000 * 1000


def test_a_file_of_the_archive_takes_what_its_rows_are_compressed_to() -> None:
    """And that joined, and the window of the compression, of one size for all."""
    name = name_of(Stream.SWEEPS, date(2026, 11, 30), 1)

    def encoded(count: int) -> bytes:
        row = [SUBSCRIPTION, "Protected", 1, 1]
        return encode(name, {}, None, lambda: ([*row, number] for number in range(count)))

    counts = (1000, 20_000)
    few, many = map(len, map(encoded, counts))
    peaks = [peak_of(partial(encoded, count)) for count in counts]
    assert peaks[1] - peaks[0] < 2.5 * (many - few)

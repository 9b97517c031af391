"""The archive: one chain for each stream and day, however many write; and what is said when it cannot be written."""

import asyncio
import gzip
import json
import logging
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from shared.arm.archive import Archive, ArchiveError
from shared.arm.origin_store import Directory, OriginStoreError
from shared.model.step_result import Pending, Ready
from shared.reporting.archive import SCHEMA, Stream, day_name, encode
from tests.unit.app.fake_azure import Records

DAY = date(2026, 11, 30)


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return Directory(tmp_path / "archive") if request.param == "directory" else Records()


async def chain(store: Any, stream: Stream = Stream.RUNS) -> list[dict[str, Any]]:
    """The headers of a stream in order, each of which is proven to hold the hash of the one before it."""
    found: list[dict[str, Any]] = []
    names = sorted(await store.names(f"{stream}/{DAY}/"))
    texts = [await store.read(name) for name in names]
    for number, (name, text) in enumerate(zip(names, texts, strict=True), 1):
        plain = gzip.decompress(text).splitlines()[0] if name.endswith(".gz") else text
        found.append(json.loads(plain))
        assert int(name.split("/")[-1].split(".")[0]) == number
        if number > 1:
            assert found[-1]["previous"] == {"name": names[number - 2], "sha256": sha256(texts[number - 2]).hexdigest()}
    return found


async def test_each_file_holds_the_hash_of_the_one_before_it_also_after_a_restart(store: Any) -> None:
    for number in range(3):
        await Archive(store).append(Stream.RUNS, {"number": number}, day=DAY)

    first, *more = await chain(store)
    assert (first["previous"], first["schema"], first["name"]) == (None, SCHEMA, "runs/2026-11-30/000001.json")
    assert [each["number"] for each in (first, *more)] == [0, 1, 2]


@pytest.mark.parametrize("stream", Stream)
async def test_hosts_that_write_at_once_make_one_chain(store: Any, stream: Stream) -> None:
    hosts = [Archive(store) for _ in range(4)]

    await asyncio.gather(
        *(
            host.append(stream, {"by": f"{at}-{n}"}, lambda: [["a"]], day=DAY)
            for at, host in enumerate(hosts)
            for n in range(6)
        )
    )

    found = await chain(store, stream)
    assert sorted(each["by"] for each in found) == sorted(f"{at}-{n}" for at in range(4) for n in range(6))


async def test_the_first_file_of_a_day_holds_the_hash_of_the_newest_day(store: Any) -> None:
    sealed = day_name(date(2026, 11, 28)), encode(day_name(date(2026, 11, 28)), {}, None)
    await store.write(day_name(date(2026, 11, 27)), b"older", new=True)
    await store.write(*sealed, new=True)

    await Archive(store).append(Stream.DRILLS, {}, day=DAY)

    [first] = await chain(store, Stream.DRILLS)
    assert first["previous"] == {"name": sealed[0], "sha256": sha256(sealed[1]).hexdigest()}


class Deaf(Records):
    """A store whose first response is lost, so that the client sends the request again."""

    async def write(self, name: str, text: bytes, *, new: bool) -> bool:
        await super().write(name, text, new=new)
        return await super().write(name, text, new=new)


async def test_what_was_written_before_its_response_was_lost_is_not_written_twice() -> None:
    store = Deaf()
    await Archive(store).append(Stream.RUNS, {"a": 1}, day=DAY)

    assert list(store.texts) == ["runs/2026-11-30/000001.json"]


async def test_rows_are_read_back_as_they_were_written(store: Any) -> None:
    rows: list[list[Any]] = [["vm-1", "Protected", 60, [["RpoBreached", 5]]], ["vm-\u2028", "NotTagged"]]
    name = await Archive(store).append(Stream.SWEEPS, {"vms": 2}, lambda: rows, day=DAY)

    file = await Archive(store).read(name)

    assert (file.header["vms"], file.rows) == (2, rows)


async def test_an_archive_that_cannot_be_written_is_said_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = Records()
    store.fault = OriginStoreError("the container answers 403 AuthorizationFailure")

    outcome = await Archive(store).keep(Stream.RUNS, {"who": "secret-object-id"}, retry_after=30)

    assert isinstance(outcome, Pending)
    assert outcome.error
    assert (outcome.error.code, outcome.retry_after) == ("ArchiveNotWritable", 30)
    [line] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert line.getMessage().startswith("ArchiveNotWritable: ")
    assert "secret-object-id" not in caplog.text


async def test_a_document_is_kept_once_by_its_key() -> None:
    store = Records()
    archive = Archive(store)
    store.fault = OriginStoreError("down")
    assert isinstance(await archive.keep(Stream.RUNS, {}, retry_after=1, key="a"), Pending)
    store.fault = None

    assert [await archive.keep(Stream.RUNS, {}, retry_after=1, key=key) for key in "aab"] == [Ready()] * 3

    assert len(store.texts) == 2


async def test_without_an_archive_nothing_is_kept_and_nothing_said(caplog: pytest.LogCaptureFixture) -> None:
    archive = Archive()
    assert not archive
    assert await archive.keep(Stream.RUNS, {}, retry_after=1) == Ready()
    assert await archive.names("runs/") == []
    assert caplog.records == []


NAME = "runs/2026-11-30/000001.json"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "cannot be read"),
        (b"[]", "no header"),
        (b'{"name": "runs/2026-11-30/000001.json"}', "no header"),
        (b'{"schema": 99, "name": "runs/2026-11-30/000001.json"}', "schema is 99"),
        (b'{"schema": 1, "name": "runs/2026-11-30/000002.json"}', "000002"),
    ],
)
async def test_what_is_no_file_of_the_archive_is_not_read(text: bytes, why: str) -> None:
    store = Records()
    store.texts[NAME] = text

    with pytest.raises(ArchiveError, match=why):
        await Archive(store).read(NAME)


async def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(ArchiveError, match="not in the archive"):
        await Archive(Records()).read(NAME)

"""`archive verify`: a whole archive passes, and whatever is done to one of its files is found."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.archive import main
from shared.arm.archive import Archive
from shared.arm.archive_days import seal
from shared.arm.origin_store import Directory
from shared.reporting.archive import Stream, encode
from tests.unit.app.examples import VM_ID

START = datetime(2026, 10, 30, tzinfo=UTC)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Three days of four sweeps each, the last of them not over, and two ends of runs a day."""
    archive = Archive(Directory(tmp_path / "archive"))
    rows = [[str(VM_ID), "Protected", 1, 1, 60]]
    for number in range(12):
        at = START + timedelta(hours=6 * number)
        run = {"result": {"vmId": str(VM_ID), "outcome": "Protected"}, "at": at.isoformat()}
        if number % 2:
            await archive.append(Stream.RUNS, run, day=at.date())
        await archive.append(Stream.SWEEPS, {"readAt": at.isoformat()}, lambda: rows, day=at.date())
        await seal(archive, at + timedelta(hours=1), 7200)
    return tmp_path / "archive"


def test_a_whole_archive_passes_and_the_newest_seal_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(folder)]) == 0

    said = capsys.readouterr().out
    assert said.startswith("21 files, 0 problems; 6 are not sealed by a day yet\n")
    assert "days/2026-10-31.jsonl.gz with SHA-256" in said


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def changed(name: str) -> Callable[[Path], None]:
    """The RPO or the outcome is another one, and the rest as it was."""

    def change(folder: Path) -> None:
        text = (folder / name).read_bytes()
        plain = gzip.decompress(text) if name.endswith(".gz") else text
        other = plain.replace(b"Protected", b"Prosected")
        assert other != plain
        (folder / name).write_bytes(gzip.compress(other, mtime=0) if name.endswith(".gz") else other)

    return change


def forged(name: str, previous: str) -> Callable[[Path], None]:
    """One more file, in the place of the next, which holds the hash of the last as it has to."""

    def forge(folder: Path) -> None:
        from shared.reporting.archive import Link

        (folder / name).write_bytes(encode(name, {"a": 1}, Link.to(previous, (folder / previous).read_bytes())))

    return forge


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (
            changed("sweeps/2026-10-30/000001.jsonl.gz"),
            "sweeps/2026-10-30/000001.jsonl.gz: it was changed: sweeps/2026-10-30/000002.jsonl.gz holds",
        ),
        (
            changed("sweeps/2026-10-30/000004.jsonl.gz"),
            "sweeps/2026-10-30/000004.jsonl.gz: it was changed: days/2026-10-30.jsonl.gz holds",
        ),
        (
            changed("runs/2026-10-31/000002.json"),
            "runs/2026-10-31/000002.json: it was changed: days/2026-10-31.jsonl.gz holds",
        ),
        (
            changed("runs/2026-11-01/000001.json"),
            "runs/2026-11-01/000001.json: it was changed: runs/2026-11-01/000002.json holds",
        ),
        (
            changed("days/2026-10-30.jsonl.gz"),
            "days/2026-10-30.jsonl.gz: it was changed: days/2026-10-31.jsonl.gz, runs/2026-10-31/000001.json and ",
        ),
        (removed("sweeps/2026-10-30/000002.jsonl.gz"), "a file before it is missing"),
        (removed("sweeps/2026-10-31/000004.jsonl.gz"), "sweeps had 4 files when the day was summed up, and has 3"),
        (removed("runs/2026-10-31/000002.json"), "runs had 2 files"),
        (removed("days/2026-10-30.jsonl.gz"), "days/2026-10-30.jsonl.gz: it is missing"),
        (forged("runs/2026-10-31/000003.json", "runs/2026-10-31/000002.json"), "runs had 2 files"),
        (forged("sweeps/2026-10-30/000001.json", "days/2026-10-31.jsonl.gz"), "holds the hash of days/2026-10-31"),
        (lambda folder: (folder / "sweeps/2026-10-30/000003.jsonl.gz").write_bytes(b"x"), "cannot be read"),
        (lambda folder: (folder / "notes.txt").write_text("x"), "notes.txt: it is no file of an archive"),
    ],
)
def test_what_is_done_to_a_file_is_found(
    folder: Path, tamper: Callable[[Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(folder)

    assert main(["verify", str(folder)]) == 1
    out = capsys.readouterr().out
    assert said in out
    assert "it was changed" not in said or ", 1 problems;" in out


def test_no_archive_is_an_error_of_its_own(tmp_path: Path) -> None:
    assert main(["verify", str(tmp_path)]) == 2


def test_a_header_is_one_line_that_jq_reads(folder: Path) -> None:
    first, *rows = gzip.decompress((folder / "sweeps/2026-10-30/000001.jsonl.gz").read_bytes()).splitlines()

    assert json.loads(first)["readAt"] == START.isoformat()
    assert [json.loads(row)[0] for row in rows] == [str(VM_ID)]

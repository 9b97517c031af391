"""`python -m local archive verify FOLDER`: whether an archive is whole, from its files alone.

FOLDER is DR_ARCHIVE, or what `az storage blob download-batch` has made of it. Nothing is asked of Azure, and nothing of
the app is used: this shows by docs/archive.md alone what the app has written.
"""

import argparse
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]
Headers = Mapping[str, Json]
Hashes = Mapping[str, str]

STREAMS = ("sweeps", "runs", "drills", "messages")
DAYS, MONTHS = "days", "months"


class Link(NamedTuple):
    """A file, by its name and the SHA-256 of its bytes."""

    name: str
    sha256: str


def main(arguments: list[str]) -> int:
    """Returns 0 for a whole archive, 1 for one that is not, 2 for none."""
    parser = argparse.ArgumentParser(prog="python -m local archive", description=__doc__)
    parser.add_argument("what", choices=["verify"])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    names = sorted(path.relative_to(options.folder).as_posix() for path in options.folder.rglob("*") if path.is_file())
    if not names:
        print(f"archive: there is no file in {options.folder}", file=sys.stderr)
        return 2
    problems, sealed = verify(options.folder, names)
    for problem in problems:
        print(problem)
    newest = _day(sealed.name) if sealed else ""
    later = [name for name in names if name.startswith(STREAMS) and _day(name) > newest]
    print(f"{len(names)} files, {len(problems)} problems; {len(later)} are not sealed by a day yet")
    if sealed:
        print(
            f"The newest seal is {sealed.name} with SHA-256 {sealed.sha256}: keep it elsewhere, and compare it later."
        )
    return 1 if problems else 0


def verify(folder: Path, names: list[str]) -> tuple[list[str], Link | None]:
    """What is wrong with the files of these names, in order, and the newest day."""
    headers: dict[str, Json] = {}
    hashes: dict[str, str] = {}
    problems = []
    for name in names:
        text = (folder / name).read_bytes()
        hashes[name] = sha256(text).hexdigest()
        try:
            headers[name] = _header(name, text)
        except (ValueError, OSError, EOFError, TypeError, LookupError) as fault:
            problems.append(f"{name}: it cannot be read: {fault!r}")
    chains: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        kind, _, rest = name.partition("/")
        if kind not in {*STREAMS, DAYS, MONTHS}:
            problems.append(f"{name}: it is no file of an archive")
        elif kind in STREAMS:
            chains[kind, rest.partition("/")[0]].append(name)
    for (_, day), chain in chains.items():
        problems += _of_chain(day, chain, headers)
    days = [name for name in names if name.startswith(f"{DAYS}/")]
    for kind in (DAYS, MONTHS):
        problems += _of_summaries([name for name in names if name.startswith(f"{kind}/")], headers)
    problems += [problem for name in days if name in headers for problem in _seal(name, headers[name], chains)]
    problems += _not_as_written(headers, hashes)
    unsealed = {day for _, day in chains if days and day < _day(days[-1])} - {_day(name) for name in days}
    problems += [f"{DAYS}/{day}: the day is not summed up, and a later one is" for day in sorted(unsealed)]
    return problems, Link(days[-1], hashes[days[-1]]) if days else None


def _header(name: str, text: bytes) -> Json:
    """Raises what a malformed file raises."""
    header: Json = json.loads(gzip.decompress(text).splitlines()[0] if name.endswith(".gz") else text)
    if header["schema"] != 1 or header["name"] != name:
        raise ValueError(f"it is {header['name']} of schema {header['schema']}")
    _before(header)
    return header


def _before(header: Json) -> Link | None:
    return Link(**header["previous"]) if header["previous"] else None


def _day(name: str) -> str:
    return name.split("/")[1][:10]


def _not_as_written(headers: Headers, hashes: Hashes) -> Iterator[str]:
    """The files of which others hold another hash. Of the last one of all no other file holds any."""
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for name, header in headers.items():
        for link in (header["previous"], *(chain.get("last") for chain in header.get("chains", {}).values())):
            if link and hashes.get(link["name"]) != link["sha256"]:
                holders[link["name"]].append(name)
    for name, (*others, last) in sorted(holders.items()):
        what = "it was changed" if name in hashes else "it is missing"
        hold = f"{', '.join(others)} and {last} hold" if others else f"{last} holds"
        yield f"{name}: {what}: {hold} the hash that it had"


def _of_chain(day: str, chain: list[str], headers: Headers) -> Iterator[str]:
    """A stream and a day: the numbers have no gap, and each file holds the hash of the one before it."""
    for expected, name in enumerate(chain, 1):
        if not name.rpartition("/")[2].startswith(f"{expected:06}."):
            yield f"{name}: a file before it is missing"
            return
        before = _before(headers[name]) if name in headers else None
        if name in headers and expected > 1 and (before is None or before.name != chain[expected - 2]):
            yield f"{name}: it does not hold the hash of {chain[expected - 2]}"
        if before and expected == 1 and not (before.name.startswith(f"{DAYS}/") and _day(before.name) < day):
            yield f"{name}: it is the first of its day, and holds the hash of {before.name}"


def _of_summaries(names: list[str], headers: Headers) -> Iterator[str]:
    """Each day holds the hash of the day before it, and each month likewise."""
    for place, name in enumerate(names):
        before = _before(headers[name]) if name in headers else None
        if place and name in headers and (before is None or before.name != names[place - 1]):
            yield f"{name}: it does not hold the hash of {names[place - 1]}"


def _seal(name: str, header: Json, chains: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    """A day holds the number of files of each stream, and the hash of the last."""
    for stream in STREAMS:
        found = chains.get((stream, _day(name)), [])
        sealed = header.get("chains", {}).get(stream, {"count": 0})
        if sealed["count"] != len(found):
            yield f"{name}: {stream} had {sealed['count']} files when the day was summed up, and has {len(found)}"
        elif found and sealed["last"]["name"] != found[-1]:
            yield f"{name}: {found[-1]} was not the last of its day when that was summed up"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

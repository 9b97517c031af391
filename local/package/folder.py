"""The deployed folder: the project without what .funcignore excludes."""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from local.package.imports import Imported, reach

_NO_MODULES = {Path("host.json"), Path("requirements.txt"), Path("LICENSE"), Path("infra/permissions.json")}
_PAGE = Path("infra/page.json")
"""The list of the files of the operators' page, which are in `ui/`."""
_START = Path("function_app.py")


def lay(project: Path, folder: Path) -> list[Path]:
    """Copies the files that are deployed. Returns their paths in it."""
    files = sorted(_left(project))
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / file, folder / file)
    return files


def pack(project: Path, file: Path) -> None:
    """Writes what is deployed as a zip, the same bytes from the same sources, and beside it its checksum for `sha256sum
    --check`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as packed:
        for each in sorted(_left(project)):
            entry = zipfile.ZipInfo(each.as_posix())  # of a fixed time
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, (project / each).read_bytes(), zipfile.ZIP_DEFLATED)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    file.with_name(f"{file.name}.sha256").write_text(f"{checksum}  {file.name}\n")


def _left(project: Path) -> Iterator[Path]:
    """The files that .funcignore does not exclude. Its syntax is that of .gitignore: an ignored folder is skipped."""
    ignored = GitIgnoreSpec.from_lines((project / ".funcignore").read_text().splitlines())
    for here, folders, files in os.walk(project):
        inside = Path(here).relative_to(project)
        folders[:] = [name for name in folders if not ignored.match_file(f"{(inside / name).as_posix()}/")]
        yield from (inside / name for name in files if not ignored.match_file((inside / name).as_posix()))


def examine(folder: Path, files: list[Path], project: Path) -> tuple[list[str], set[str]]:
    """The errors of the folder, and all names that its modules import.

    It must hold exactly what `function_app.py` imports: no tools, tests or documents.
    """
    imported = Imported(folder)
    used = reach(imported, _START)
    needed = _NO_MODULES | _page(folder)
    wrong = [f"{file}: nothing that is deployed needs it" for file in files if file not in used | needed]
    elsewhere = Imported(project)
    missing = sorted({file for name in imported.names for file in elsewhere.files_of(name)} - used)
    wrong += [f"{file}: imported, and .funcignore leaves it out" for file in missing]
    wrong += [f"{file}: missing" for file in sorted(needed - set(files))]
    return wrong, imported.names


def _page(folder: Path) -> set[Path]:
    """The files of the operators' page, and their list."""
    listed = json.loads((folder / _PAGE).read_text()) if (folder / _PAGE).is_file() else []
    return {_PAGE, *(Path("ui") / name for name in listed)}

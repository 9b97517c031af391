"""The packages of the app: installed as the platform does it, and checked that each is needed."""

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

PLACE = Path(".python_packages/lib/site-packages")
"""Where in the deployed folder the platform puts them, and looks for them."""


class InstallError(RuntimeError):
    """pip failed; the text is the end of its output."""


def install(folder: Path, *more: str) -> None:
    """Installs `requirements.txt` of the folder into it, for the Python that runs this; `more` are options of pip.

    Raises InstallError.
    """
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2")
    options = ("--require-hashes", "--target", str(folder / PLACE), "--requirement", str(folder / "requirements.txt"))
    done = subprocess.run((*pip, *options, *more), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = done.stderr[-2000:].strip()
        # pip then fails with "no matching distribution"; only its warnings show that it could not connect.
        if "connection broken by" in done.stderr:
            raise InstallError(f"the package registry cannot be reached:\n{said}")
        raise InstallError(f"pip could not install requirements.txt:\n{said}")


def examine(project: Path, folder: Path, imported: set[str]) -> tuple[list[str], int]:
    """The errors of the packages, and their number. `imported` are the names that the app imports.

    The app must import each requirement of pyproject.toml, and each package must be required by one of these, directly
    or not.
    """
    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]
    installed = {canonicalize_name(each.name): each for each in distributions(path=[str(folder / PLACE)])}
    needed, missing = _needed(declared, installed)
    wrong = [f"{name}: in requirements.txt, and needed by nothing" for name in sorted(installed.keys() - needed)]
    wrong += [f"{name}: needed, and not in requirements.txt" for name in sorted(missing)]
    for name in sorted({canonicalize_name(Requirement(each).name) for each in declared} - missing):
        if _modules(installed[name]).isdisjoint(imported):
            wrong.append(f"{name}: required by pyproject.toml, and the app imports nothing of it")
    return wrong, len(installed)


def _needed(declared: Iterable[str], installed: Mapping[NormalizedName, Distribution]) -> tuple[set[str], set[str]]:
    """The names that the declared requirements lead to, and those of them that are not installed."""
    seen: set[tuple[str, str]] = set()
    missing: set[str] = set()
    waiting = [(Requirement(each), "") for each in declared]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in installed:
            missing.add(name)
            continue
        for wanted in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, wanted))
            waiting += [(Requirement(each), wanted) for each in installed[name].requires or ()]
    return {name for name, _ in seen}, missing


def _modules(distribution: Distribution) -> set[str]:
    """The importable names of a package."""
    files = (file.with_suffix("") for file in distribution.files or () if file.suffix == ".py")
    return {".".join(part for part in file.parts if part != "__init__") for file in files}


def size(folder: Path) -> int:
    """In bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

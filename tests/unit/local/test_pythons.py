"""`.ci/pythons`: which interpreters of a machine the app is tested on."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import APP

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNS = f'exec {sys.executable} "$@"'
SHIM = 'echo "pyenv: the command exists in none of the versions chosen" >&2; exit 127'


def command(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def found(path: Path) -> list[str]:
    """What the script says where nothing but these commands is on the PATH."""
    return subprocess.run(  # noqa: S603
        [APP / ".ci" / "pythons"], env={"PATH": str(path)}, capture_output=True, text=True, check=False
    ).stdout.splitlines()


@pytest.mark.parametrize("name", [f"python{THIS}", "python3", "python"])
def test_an_interpreter_of_a_supported_version_is_found_under_any_name(tmp_path: Path, name: str) -> None:
    command(tmp_path / name, RUNS)

    assert found(tmp_path) == [sys.executable]


def test_a_shim_that_does_not_run_is_passed_over_for_what_pyenv_has(tmp_path: Path) -> None:
    for version in ("3.11", "3.12", "3.13"):
        command(tmp_path / f"python{version}", SHIM)
    command(tmp_path / "pyenv", f"echo {tmp_path / 'root'}")
    command(tmp_path / "root" / "versions" / f"{THIS}.9" / "bin" / "python", RUNS)

    assert found(tmp_path) == [sys.executable]


def test_where_there_is_none_nothing_is_said(tmp_path: Path) -> None:
    command(tmp_path / "python3.13", SHIM)
    command(tmp_path / "python", 'test "$2" = x')

    assert found(tmp_path) == []

"""`python -m local`: one thin way to every command."""

import subprocess
import sys

import pytest

from local.__main__ import main
from local.stack import APP

COMMANDS = ("demo", "serve", "bench", "simulator", "host", "settings", "package", "live-check", "conformance")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])

    assert left.value.code == 0
    assert f"local{'.' if command in {'simulator', 'host'} else ' '}{command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_all_are_listed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0

    shown = capsys.readouterr().out
    assert all(f"\n  {command} " in shown for command in COMMANDS)


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dmeo"]) == 2

    assert "'dmeo'" in capsys.readouterr().err


def test_listing_the_commands_imports_none_of_them() -> None:
    code = "import sys; from local.__main__ import main; main([]); print([n for n in sys.modules if 'local.' in n])"
    done = subprocess.run([sys.executable, "-c", code], cwd=APP, capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.splitlines()[-1] == "['local.__main__']"

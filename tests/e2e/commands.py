"""Commands of this project, and what they tell a person to type."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from local.stack import APP


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", *arguments]


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603
        command,
        cwd=APP,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        umask=0,
        # A shell lets what it starts in the background ignore SIGINT, which is inherited.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(text: str, output: IO[str] | None) -> list[str]:
    """The lines up to the one that holds `text`. AssertionError if the output ends before."""
    assert output
    lines: list[str] = []
    for line in output:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text!r} is not in: {lines}")


def shell(*lines: str) -> str:
    """What a person would type. Returns what it prints; CalledProcessError if a command or a part of a pipe fails."""
    script = "\n".join(("set -o pipefail", *lines))
    done = subprocess.run(["/bin/bash", "-ec", script], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout

"""`python -m tests.busy [COMMAND]` runs the command, or `make test`, beside two endless loops that keep the cores busy.

Prints how long it took; the exit code is the command's.
"""

import subprocess
import sys
import time
from contextlib import ExitStack

LOOPS = 2
ENDLESS = [sys.executable, "-c", "while True: pass"]


def main(command: list[str]) -> int:
    started = time.monotonic()
    with ExitStack() as loops:
        for _ in range(LOOPS):
            loop = loops.enter_context(subprocess.Popen(ENDLESS))  # noqa: S603
            loops.callback(loop.kill)
        code = subprocess.run(command or ["make", "test"], check=False).returncode  # noqa: S603
    sys.stdout.write(f"Exit code {code} after {(time.monotonic() - started) / 60:.1f} minutes beside {LOOPS} loops\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

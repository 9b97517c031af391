"""Shows the VMs while they run: a table that is redrawn on a terminal, or else a line for each change."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from local.demo import tables
from local.demo.progress import Progress, VmProgress


class Show:
    """`elapsed` counts the seconds of the demo."""

    def __init__(self, console: Console, speed: float, table: Live | None) -> None:
        self._console = console
        self._speed = speed
        self._table = table
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Prints what the demo did to the estate."""
        self._console.print(f"{self.elapsed:6.1f} s  {text}", markup=False)

    def update(self, progress: Progress, changed: list[VmProgress]) -> None:
        if self._table:
            minutes = self.elapsed * self._speed / 60
            self._table.update(tables.live(progress, f"{self.elapsed:.0f} s here, {minutes:.0f} min in Azure"))
        else:
            for vm in changed:
                self._console.print(tables.line(vm, self.elapsed), markup=False)


@contextmanager
def show(console: Console, speed: float) -> Iterator[Show]:
    if not console.is_terminal:
        yield Show(console, speed, None)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as table:
        yield Show(console, speed, table)

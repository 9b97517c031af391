"""The file of what was measured last, from which docs/build.py makes the tables of the documentation."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "docs" / "benchmarks.json"


def load() -> dict[str, Any]:
    """`figures` by their names, `rivals` by column and row, and of both the `machine`."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def save(part: str, measured: Mapping[str, Any], machine: str) -> None:
    """Replaces what was measured again of a part, and keeps the rest."""
    saved = load()
    saved[part] = saved[part] | measured
    saved["machine"] = saved["machine"] | {part: machine}
    FILE.write_text(json.dumps(saved, indent=2) + "\n")


def machine() -> str:
    """The processor, the memory, the Python, and how busy the machine is now: on a busy one times are worth nothing."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "processor")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}; "
        f"load before the run {os.getloadavg()[0]:.1f}"
    )

"""What a cold start pays for: the import of the app against that of the two packages that it cannot do without."""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable

from local.bench.estate import SUBSCRIPTION
from local.bench.figures import Figure
from local.stack import APP

_TIMES = 15
_CODE = "import time; started = time.perf_counter(); import {}; print(time.perf_counter() - started)"
_APP = "function_app"
_PACKAGES = "azure.functions, azure.durable_functions"
_SCOPE = f"/subscriptions/{SUBSCRIPTION}"
_SETTINGS = {
    "DR_VAULT_IDS": f"{_SCOPE}/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/dr-vault",
    "DR_SOURCE_SCOPE": _SCOPE,
    "DR_TARGET_SCOPE": _SCOPE,
}


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Medians of fresh processes, taken in turns; the byte code is there already."""
    say(f"imports: {2 * _TIMES} processes")
    for modules in (_APP, _PACKAGES):
        _seconds(modules)
    turns = [(_seconds(_APP), _seconds(_PACKAGES)) for _ in range(_TIMES)]
    app, packages = (statistics.median(times) for times in zip(*turns, strict=True))
    return [
        Figure("Import time of function_app over azure.functions + azure.durable_functions", app / packages, "", 1.6),
        Figure("  function_app", app * 1000, "ms"),
        Figure("  azure.functions + azure.durable_functions", packages * 1000, "ms"),
    ]


def _seconds(modules: str) -> float:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DR_")} | _SETTINGS
    command = [sys.executable, "-c", _CODE.format(modules)]
    done = subprocess.run(command, cwd=APP, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)

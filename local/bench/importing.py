"""The cold start: the import time of the app, compared with that of the two packages that it cannot avoid."""

import asyncio
import os
import statistics
import subprocess
import sys
from pathlib import Path

from local.bench.estate import SUBSCRIPTION
from local.bench.scenario import RECORDED, Run, Scenario
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
    "DR_DEPLOYMENT": "bench",
    "DR_ORIGIN_STORE": "/nowhere",
}


async def _measure(_run: Run) -> dict[str, float]:
    """Medians over fresh processes in alternation, with compiled byte code."""
    turns = (await asyncio.to_thread(_turns))[1:]
    app, packages = (statistics.median(times) for times in zip(*turns, strict=True))
    return {"imports.ratio": app / packages, "imports.app": app * 1000, "imports.packages": packages * 1000}


def _turns() -> list[tuple[float, float]]:
    """One more than counts: the first compiles."""
    return [(seconds(_APP), seconds(_PACKAGES)) for _ in range(_TIMES + 1)]


def seconds(modules: str, python: str = sys.executable, folder: Path = APP, **environment: str) -> float:
    """How long a fresh process in the folder takes to import the modules, with settings that the app starts with."""
    # The packages were compiled when they were installed; so that the app is, too, its byte code may be written.
    outside = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("DR_") and key != "PYTHONDONTWRITEBYTECODE"
    }
    command = [python, "-c", _CODE.format(modules)]
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env=outside | _SETTINGS | environment, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


SCENARIO = Scenario("import time of the app", _measure, RECORDED)

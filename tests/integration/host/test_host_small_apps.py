"""Small apps, each loaded or refused by the local host as Microsoft's library does it, in the same words."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.host.small_apps import APPS


def test_the_host_makes_of_each_app_what_the_library_makes_of_it(tmp_path: Path) -> None:
    """One test for all of them: what they cost is the process that they are forked from."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.integration.host.small_apps", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=170,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    outcomes: dict[str, dict[str, Any]] = json.loads(done.stdout)

    assert len(outcomes) >= 50
    assert {name: found for name, found in outcomes.items() if not alike(name, **found)} == {}


def alike(name: str, host: dict[str, Any], library: dict[str, Any]) -> bool:
    """The functions and their answer, or the refusal."""
    if "refused" in library:
        return host["code"] == 1 and f"The host cannot start: {library['refused']}\nStack: " in host["printed"]
    loaded = (host["code"], host["functions"]) == (0, library["functions"])
    # The library alone has no value for a client; only HTTP functions can be called from outside.
    called = "route(" in APPS[name] and "client" not in APPS[name]
    return loaded and (not called or host["answer"] == library["answer"])

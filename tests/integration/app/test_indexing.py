"""Microsoft's worker library is how the platform finds the app's functions: of an app that it refuses, none."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID

APP = Path(__file__).parents[3]
SOURCES = ("function_app.py", "activities/functions.py", "orchestrators/functions.py")


def declared() -> list[str]:
    """The names of the functions that carry a trigger, read from the source."""
    found = []
    for source in SOURCES:
        for node in ast.parse((APP / source).read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
                if "_trigger(" in decorators or ".route(" in decorators:
                    found.append(node.name)
    return found


def test_microsofts_library_loads_every_function_of_the_app() -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}"
    settings = {"DR_VAULT_IDS": str(VAULT_ID), "DR_SOURCE_SCOPE": scope, "DR_TARGET_SCOPE": scope}
    settings |= {"DR_DEPLOYMENT": "func-1", "DR_ORIGIN_STORE": "/nowhere"}
    outside = {name: value for name, value in os.environ.items() if not name.startswith("DR_")}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.library", str(APP)],
        cwd=APP,
        env=outside | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout) == {"functions": sorted(declared())}

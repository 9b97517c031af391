"""What is logged once the worker has loaded the app: the lines of both at the level that host.json promises, and
warnings of the SDKs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID

ROOT = Path(__file__).parents[3]
SETTINGS = {
    "DR_VAULT_IDS": str(VAULT_ID),
    "DR_SOURCE_SCOPE": f"/subscriptions/{SUBSCRIPTION}",
    "DR_TARGET_SCOPE": f"/subscriptions/{SUBSCRIPTION}",
    "DR_DEPLOYMENT": "func-1",
    "DR_ORIGIN_STORE": "/nowhere",
}
# Levels are the process's, so this is one of its own. The root's handler and level are set as the worker sets them.
WORKER = """
import logging, sys
from azure_functions_runtime import loader
from azure_functions_runtime.logging import logger as worker

logging.basicConfig(stream=sys.stdout, level=sys.argv[1], format="%(name)s %(levelname)s")
assert loader.index_function_app("function_app.py")
sdk = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
for logger in (worker, sdk, logging.getLogger("azure.identity"), logging.getLogger("dr.decision")):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logger.log(level, "")
"""


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_the_worker_and_the_app_log_at_the_worker_s_level_and_the_sdks_warnings(level: str) -> None:
    pytest.importorskip("azure_functions_runtime")
    loaded = subprocess.run(  # noqa: S603
        [sys.executable, "-c", WORKER, level],
        cwd=ROOT,
        env=os.environ | SETTINGS,
        capture_output=True,
        text=True,
        check=True,
    )
    levels = ["DEBUG", "INFO", "WARNING"]
    wanted = levels[levels.index(level) :]

    lines = loaded.stdout.splitlines()
    logged = {name: [line.split()[1] for line in lines if line.startswith(name)] for name in ("azure.functions", "dr")}
    assert logged == {"azure.functions": wanted, "dr": wanted}
    assert [line for line in lines if line.startswith(("azure.core", "azure.identity"))] == [
        "azure.core.pipeline.policies.http_logging_policy WARNING",
        "azure.identity WARNING",
    ]

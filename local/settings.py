"""`python -m local settings`: writes the local.settings.json with which Core Tools (`func start`) runs the app against
the local simulator and Azurite."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import deployed, estates
from local.processes import APP

TOPIC = "outcomes"
"""The topic of the simulator that the app publishes to."""

_POLL_SECONDS = 30.0
"""What DR_POLL_SECONDS is in Azure: divided by the speed of the simulator's clock."""

_OF_THE_HOST = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    # Core Tools watches the app's files: the first request that makes Python write __pycache__ restarts its host.
    "PYTHONDONTWRITEBYTECODE": "1",
}


class NoSimulatorError(RuntimeError):
    """No running simulator was found."""


def app_settings(simulator: Mapping[str, Any], estate: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The settings of the app for this estate. `simulator` is the content of simulator.json, `folder` is where the app
    keeps its records of what it created, and its archive."""
    return {
        "DR_VAULT_IDS": estate["vaults"][0]["id"],
        **deployed.scopes(estate),
        "DR_DEPLOYMENT": "local",
        "DR_ORIGIN_STORE": str(folder.resolve() / "origins"),
        "DR_ARCHIVE": str(folder.resolve() / "archive"),
        "DR_ARM_ENDPOINT": simulator["url"],
        "DR_OUTCOME_TOPIC_ENDPOINT": f"{simulator['url']}/topics/{TOPIC}/api/events",
        "DR_POLL_SECONDS": str(_POLL_SECONDS / simulator["speed"]),
        "IDENTITY_ENDPOINT": simulator["identityEndpoint"],
        "IDENTITY_HEADER": simulator["identityHeader"],
        "SSL_CERT_FILE": simulator["caFile"],
    }


def main(arguments: list[str]) -> int:
    """Returns 0 if the file was written; 1 if it exists already, or no simulator runs."""
    parser = argparse.ArgumentParser(prog="python -m local settings", description=__doc__)
    parser.add_argument(
        "--simulator",
        type=Path,
        default=Path(".local/simulator"),
        metavar="DIR",
        help="the state directory of the simulator, which runs (default: %(default)s)",
    )
    parser.add_argument("--estate", type=Path, default=estates.DEMO, metavar="FILE", help="its estate (%(default)s)")
    parser.add_argument("--app", type=Path, default=APP, metavar="DIR", help="where to write (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="write over what is there")
    options = parser.parse_args(arguments)
    path = options.app / "local.settings.json"
    try:
        estate = estates.load(options.estate)
        folder = options.simulator.parent
        values = _OF_THE_HOST | app_settings(_running(options.simulator), estate.data, folder) | estate.settings
        _write(path, json.dumps({"IsEncrypted": False, "Values": values}, indent=2) + "\n", force=options.force)
    except FileExistsError:
        print(f"settings: {path} is there already; --force writes over it", file=sys.stderr)
        return 1
    except (NoSimulatorError, estates.EstateError) as error:
        print(f"settings: {error}", file=sys.stderr)
        return 1
    print(f"{path}: for `func start`, until the simulator is started again.")
    return 0


def _running(folder: Path) -> dict[str, Any]:
    """The content of simulator.json. Raises NoSimulatorError, also if that simulator has ended."""
    try:
        ready: dict[str, Any] = json.loads((folder / "simulator.json").read_text())
        os.kill(ready["pid"], 0)
    except (FileNotFoundError, ProcessLookupError):
        start = f"python -m local simulator --state-dir {folder} --estate FILE"
        raise NoSimulatorError(f"no simulator runs with the state directory {folder}: {start}") from None
    return ready


def _write(path: Path, text: str, *, force: bool) -> None:
    """Writes the file, readable by its owner only, because it has a key. Raises FileExistsError."""
    if force:
        path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What Microsoft's Durable extension needs to run here: its program, and Azurite as its storage account."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from local.processes import APP

# As it was at the start: hosts of tests and of the bench run on the extension only where one of them says so.
PROGRAM = os.environ.get("DURABLE_HOST", "")
AZURITE = APP / "tests" / "azurite" / "node_modules" / ".bin" / "azurite"
# The key of every storage emulator, in Microsoft's documentation.
_ACCOUNT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
)
_LISTENS = re.compile(rb"Azurite (Blob|Queue|Table) service is successfully listening at (\S+)")
_HIDDEN = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__"
"""A killed host's messages are shown again after five minutes in Azure: one is the least that the extension takes."""


def missing() -> str | None:
    """Why the extension cannot be run here; None if it can."""
    if not PROGRAM:
        return "DURABLE_HOST names no program (local/host/durable/extension/README.md)"
    if not os.access(PROGRAM, os.X_OK):
        return f"DURABLE_HOST={PROGRAM} is no program"
    if not shutil.which("node"):
        return "there is no node"
    if not AZURITE.exists():
        return "Azurite is not installed (make azurite)"
    return None


@contextmanager
def extension(requests: list[str] | None = None) -> Iterator[dict[str, str]]:
    """A storage account of its own in memory; the environment in which hosts use it.

    Azurite's line about each request that it serves is added to `requests`.
    """
    command = [str(AZURITE), "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"]
    command += ["--silent"] if requests is None else []
    ports = [option for service in ("blob", "queue", "table") for option in (f"--{service}Port", "0")]
    with subprocess.Popen([*command, *ports], stdout=subprocess.PIPE) as azurite:  # noqa: S603
        assert azurite.stdout  # noqa: S101
        try:
            endpoints = _endpoints(azurite.stdout)
        except BaseException:
            azurite.terminate()
            raise
        # What it says later is read to the end, or it would stop at a full pipe.
        rest = threading.Thread(target=_read, args=(azurite.stdout, requests))
        rest.start()
        try:
            yield {
                "DURABLE_HOST": PROGRAM,
                "AzureWebJobsStorage": _ACCOUNT + endpoints,
                f"{_HIDDEN}controlQueueVisibilityTimeout": "00:01:00",
                f"{_HIDDEN}workItemQueueVisibilityTimeout": "00:01:00",
            }
        finally:
            azurite.terminate()
            rest.join()


def _read(output: IO[bytes], lines: list[str] | None) -> None:
    for line in output:
        if lines is not None:
            lines.append(line.decode(errors="replace"))


def _endpoints(output: IO[bytes]) -> str:
    """Azurite takes free ports, and says which."""
    found: dict[str, str] = {}
    for line in output:
        if match := _LISTENS.search(line):
            found[match[1].decode()] = match[2].decode()
        if len(found) == 3:
            return "".join(f"{service}Endpoint={url}/devstoreaccount1;" for service, url in found.items())
    raise AssertionError(f"Azurite ended at its start; it listened at {found}")

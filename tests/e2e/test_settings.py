"""`python -m local settings`: with what it writes, and nothing else, a host runs the app against the simulator."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local import estates
from local.__main__ import main
from local.stack import APP, Stack
from tests import fork_server
from tests.e2e.conftest import SPEED
from tests.e2e.follow import results, write_event
from tests.waiting import eventually
from triggers.routes import ROUTES

INDEXED = """
from azure_functions_runtime import loader
print(*sorted(function.get_function_name() for function in loader.index_function_app("function_app.py")))
"""


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """The simulator alone."""
    stack = Stack(tmp_path / "stack", estates.load(estates.DEMO).data, speed=SPEED, spawn=fork_server.spawn)
    stack.folder.mkdir()
    await stack.start_simulator()
    yield stack
    await stack.stop()


def settings(stack: Stack, app: Path, *options: str) -> int:
    return main(["settings", "--simulator", str(stack.folder / "simulator"), "--app", str(app), *options])


def values_in(app: Path) -> dict[str, str]:
    written: dict[str, Any] = json.loads((app / "local.settings.json").read_text())
    values: dict[str, str] = written["Values"]
    assert not written["IsEncrypted"]
    assert all(isinstance(value, str) for value in values.values())
    return values


async def test_the_settings_are_complete(stack: Stack, tmp_path: Path) -> None:
    assert settings(stack, tmp_path) == 0

    values = values_in(tmp_path)
    example = json.loads((APP / "local.settings.example.json").read_text())["Values"]
    assert set(example) - {"DR_MODE"} < set(values)
    # Microsoft's extension finds the tests' Azurite at free ports, not where `func start` expects it.
    account = {name: os.environ[name] for name in {"AzureWebJobsStorage"} & os.environ.keys()}
    await stack.start_process("host", values | account, "--app", str(APP))
    vm = next(vm for vm in stack.estate["virtualMachines"] if vm["id"].endswith("/shop-web-1"))
    await stack.deliver(write_event(vm["id"]))
    assert (await results(stack, 1))["shop-web-1"]["outcome"] == "Protected"

    async def published() -> Any:
        return (await stack.published())["events"]

    assert await eventually(published)


async def test_microsoft_s_library_finds_the_functions_with_them(stack: Stack, tmp_path: Path) -> None:
    pytest.importorskip("azure_functions_runtime")
    settings(stack, tmp_path)

    outside = {name: value for name, value in os.environ.items() if not name.startswith("DR_")}
    indexed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", INDEXED],
        cwd=APP,
        env=outside | values_in(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(indexed.stdout.split())
    assert {"on_vm_event", "reconcile", "protect_vm", *(route.name for route in ROUTES)} <= found


async def test_a_file_that_is_there_is_kept_unless_forced(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text("mine")
    file.chmod(0o644)

    assert settings(stack, tmp_path) == 1
    assert file.read_text() == "mine"
    assert "--force" in capsys.readouterr().err

    assert settings(stack, tmp_path, "--force") == 0
    assert "DR_VAULT_IDS" in values_in(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600


async def test_without_a_simulator_it_says_how_to_start_one(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["settings", "--simulator", str(tmp_path / "nowhere"), "--app", str(tmp_path)]) == 1
    assert "python -m local simulator" in capsys.readouterr().err

    await stack.stop()
    assert settings(stack, tmp_path) == 1
    assert not (tmp_path / "local.settings.json").exists()

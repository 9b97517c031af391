"""The simulator as a process: started, asked with the app's own credential, stopped."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.compute.aio import ComputeManagementClient

from tests.integration.simulator.azure import SUBSCRIPTION, estate


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "local.simulator",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_managed_identity_lists_vms_and_a_signal_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "estate.json").write_text(json.dumps(estate()))
    process = await start(
        "--port", "0", "--state-dir", str(tmp_path), "--estate", str(tmp_path / "estate.json"), "--speed", "60"
    )
    assert process.stdout
    printed = b""
    while not printed.endswith(b"}\n"):
        printed += await process.stdout.readline()
    described = json.loads((tmp_path / "simulator.json").read_text())
    assert json.loads(printed) == {name: value for name, value in described.items() if name != "identityHeader"}
    assert described["pid"] == process.pid
    monkeypatch.setenv("IDENTITY_ENDPOINT", described["identityEndpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", described["identityHeader"])
    # aiohttp has read SSL_CERT_FILE when it was imported: here the file is handed over instead.
    trusted = {"connection_verify": described["caFile"]}
    url = described["url"]
    try:
        async with (
            ManagedIdentityCredential(**trusted) as credential,
            ComputeManagementClient(
                credential, SUBSCRIPTION, base_url=url, credential_scopes=[url + "/.default"], **trusted
            ) as client,
        ):
            assert [vm.name async for vm in client.virtual_machines.list_all()] == ["web-1"]
        monkeypatch.setenv("IDENTITY_HEADER", "wrong")
        async with ManagedIdentityCredential(**trusted) as credential:
            with pytest.raises(ClientAuthenticationError):
                await credential.get_token(url + "/.default")
    finally:
        os.kill(process.pid, signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0


async def test_an_estate_that_is_wrong_stops_it_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "estate.json").write_text('{"virtualMachines": [{"name": "x"}]}')
    process = await start("--port", "0", "--state-dir", str(tmp_path), "--estate", str(tmp_path / "estate.json"))
    _, printed = await process.communicate()
    assert process.returncode == 2
    assert printed.decode().startswith("simulator: virtualMachines[0] (x): unknown key 'name'")

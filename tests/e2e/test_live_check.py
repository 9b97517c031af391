"""`python -m local live-check`, as a person runs it, on the simulator in place of Azure: there and back, and nothing
left, however it goes."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.conformance.__main__ import main as conformance
from local.simulator import Simulator
from local.simulator.identity import issue, read
from local.simulator.state import everything
from local.stack import APP
from tests.e2e.conftest import SPEED
from tests.waiting import longer

pytestmark = pytest.mark.tools

SUBSCRIPTION = "5c1d6f4e-9d0a-4b53-8f3e-0d8a2b1c7e11"
TENANT = "0f0e0d0c-1111-4222-8333-444455556666"
ESTATE = {"tenantId": TENANT, "subscriptions": [{"id": SUBSCRIPTION, "name": "Sandbox"}]}
OTHERS = {
    "resourceGroups": [{"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/payroll", "location": "eastus"}],
    "locks": [
        {
            "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/payroll/providers/Microsoft.Authorization/locks/keep",
            "level": "CanNotDelete",
        }
    ],
}


@pytest.fixture
async def azure() -> AsyncIterator[Simulator]:
    async with Simulator(ESTATE | OTHERS, speed=SPEED) as simulator:
        yield simulator


async def start(azure: Simulator, record: Path, *more: str, **environment: str) -> Process:
    """With the simulator's own managed identity, unless the environment has something else."""
    if not environment:
        environment = {"IDENTITY_ENDPOINT": azure.identity_endpoint, "IDENTITY_HEADER": azure.identity_header}
    environment |= {"SSL_CERT_FILE": str(azure.ca_file), "TMPDIR": str(record.parent)}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local", "live-check", "--subscription", SUBSCRIPTION, "--record", str(record)),
        *("--arm-endpoint", azure.url, "--poll-seconds", str(30 / SPEED)),
        *more,
        cwd=APP,
        env=os.environ | environment,
        stdout=PIPE,
        stderr=PIPE,
    )


async def finished(process: Process) -> tuple[int, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), longer(150))
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def inside(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def groups(azure: Simulator) -> set[str]:
    subscription = azure.world.store.subscription(SUBSCRIPTION)
    assert subscription
    return set(subscription.groups) - {"payroll"}


async def test_there_and_back_recorded_so_that_it_can_be_replayed(
    azure: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "live.jsonl"

    code, out, err = await finished(await start(azure, record, "--yes"))

    assert code == 0, out + err
    steps = [line.split("min  ")[1] for line in out.splitlines() if " min  " in line]
    order = [steps.index(each) for each in ("Tagged dr=true", "Protected", "Tagged dr=false", "Disabled")]
    assert order == sorted(order)
    assert "Nothing is left of it." in out
    assert groups(azure) == set()
    assert inside(tmp_path) == [record.name]

    asked = azure.gateway.log.after(0)
    text = record.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["method"], line["status"]) for line in lines] == [(each["method"], each["status"]) for each in asked]
    principals = {each["principal"] for each in asked}
    for secret in (SUBSCRIPTION, TENANT, azure.identity_header, "payroll", *principals):
        assert secret.lower() not in text.lower()
    assert not re.search(r"Bearer |eyJ[\w-]+\.eyJ|[?&](t|c|s|h)=", text)

    assert await asyncio.to_thread(conformance, [str(record)]) == 0
    assert f"{len(lines)} exchanges replayed, 0 not;" in capsys.readouterr().out


async def test_without_yes_it_only_says_what_it_would_cost_and_make(azure: Simulator, tmp_path: Path) -> None:
    code, out, _ = await finished(await start(azure, tmp_path / "live.jsonl"))

    assert code == 0
    assert "1 USD" in out
    assert "one to two hours" in out
    assert "/resourceGroups/asr-cache-eastus" in out
    assert azure.gateway.log.after(0) == []
    assert inside(tmp_path) == []


@pytest.mark.parametrize("step", ["Making the VM", "Tagged dr=true", "Initial replication", "Tagged dr=false"])
async def test_interrupted_it_removes_what_it_has_made(azure: Simulator, tmp_path: Path, step: str) -> None:
    azure.world.clock.set_speed(SPEED / 4)
    process = await start(azure, tmp_path / "live.jsonl", "--yes")
    await _said(process, step)

    process.send_signal(signal.SIGINT)
    azure.world.clock.set_speed(SPEED)

    code, out, err = await finished(process)
    assert code == 130, out + err
    assert "Stopped: interrupted" in out
    assert groups(azure) == set()
    assert everything(azure.world)["siteRecovery"] == []


async def test_interrupted_twice_it_says_what_may_be_left(azure: Simulator, tmp_path: Path) -> None:
    azure.world.clock.set_speed(SPEED / 4)
    process = await start(azure, tmp_path / "live.jsonl", "--yes")
    await _said(process, "Initial replication")
    azure.world.clock.set_speed(1)

    process.send_signal(signal.SIGINT)
    await _said(process, "Removing")
    process.send_signal(signal.SIGINT)

    code, out, err = await finished(process)
    assert code == 1, out + err
    left = {line.rsplit("/", 1)[-1] for line in err.splitlines() if "/resourceGroups/" in line}
    assert groups(azure) <= left


async def test_what_the_app_cannot_do_is_said_in_its_words(azure: Simulator, tmp_path: Path) -> None:
    cores = {"subscription": SUBSCRIPTION, "location": "westus2", "name": "cores", "limit": 1}
    azure.controls.load(ESTATE | {"quotas": [cores]})

    code, out, err = await finished(await start(azure, tmp_path / "live.jsonl", "--yes"))

    assert code == 1, out + err
    assert "Not all the way: The app answered 422 NotEligible: " in err
    assert "quota" in err
    assert "Nothing is left of it." in out
    assert groups(azure) == set()


async def test_what_could_not_be_removed_is_named(azure: Simulator, tmp_path: Path) -> None:
    refused = {"status": 409, "code": "ScopeLocked", "message": "There is a lock."}
    match = {"method": "DELETE", "path": "resourceGroups/dr-live-[0-9a-f]+-asr$"}
    azure.gateway.faults.add({"match": match, "kind": "status", **refused})

    code, out, err = await finished(await start(azure, tmp_path / "live.jsonl", "--yes"))

    assert code == 1, out + err
    (left,) = groups(azure)
    assert f"resourceGroups/{left}" in err
    assert "ScopeLocked" in err
    assert "to Protected to disabled" in out


@pytest.mark.parametrize(
    ("estate", "why"),
    [
        ({"resourceGroups": [{"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/asr-cache-eastus"}]}, "--source"),
        ({"subscriptions": [{"id": TENANT, "name": "Another"}]}, "none that you may see"),
    ],
)
async def test_where_it_cannot_tell_its_own_from_others_it_makes_nothing(
    azure: Simulator, tmp_path: Path, estate: dict[str, Any], why: str
) -> None:
    for group in estate.get("resourceGroups", ()):
        group["location"] = "eastus"
    azure.controls.load(ESTATE | estate)

    code, _, err = await finished(await start(azure, tmp_path / "live.jsonl", "--yes"))

    assert code == 2
    assert "nothing was made" in err
    assert why in err
    assert {each["method"] for each in azure.gateway.log.after(0)} <= {"GET", "HEAD"}


AZ = """#!{python}
import json, sys, time
with open({log!r}, "a") as log:
    print(*sys.argv[1:], file=log)
print(json.dumps({{"accessToken": {token!r}, "expires_on": int(time.time()) + 3600}}))
"""


async def test_it_acts_as_who_is_logged_in_to_the_az_cli_which_is_asked_once(azure: Simulator, tmp_path: Path) -> None:
    az, log, token = tmp_path / "az", tmp_path / "log", issue(TENANT, "me", azure.url, "")
    az.write_text(AZ.format(python=sys.executable, log=str(log), token=token))
    az.chmod(0o755)
    shared = [{"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/asr-cache-eastus", "location": "eastus"}]
    azure.controls.load(ESTATE | {"resourceGroups": shared})

    process = await start(azure, tmp_path / "live.jsonl", "--yes", PATH=f"{tmp_path}:{os.environ['PATH']}")
    code, _, err = await finished(process)

    assert code == 2, err
    assert len(azure.gateway.log.after(0)) > 5
    assert {each["principal"] for each in azure.gateway.log.after(0)} == {read(f"Bearer {token}")["oid"]}
    assert log.read_text().count("account get-access-token") == 1


async def _said(process: Process, text: str) -> None:
    assert process.stdout
    async with asyncio.timeout(longer(60)):
        async for line in process.stdout:
            if text in line.decode():
                return
    raise AssertionError(f"it never said {text!r}")

"""A host that is killed, stopped or updated while work is under way."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from tests.integration.host.conftest import MakeHost
from tests.integration.host.running import wait_for_runtime_status, wait_until_ended
from tests.waiting import eventually


async def test_killed_at_any_moment_everything_completes(make_host: MakeHost) -> None:
    host = make_host("restart_app").start()
    client = await host.client()
    names = [f"steps-{number}" for number in range(30)]
    for name in names:
        await client.start_new("steps", name)
    moments = random.Random(7)
    for _ in range(4):
        await asyncio.sleep(moments.uniform(0.1, 0.6))
        host.stop(signal.SIGKILL)
        host.start()
    client = await host.client()
    statuses = await wait_until_ended(client, *names)
    assert {status.output for status in statuses} == {19}


async def test_a_timer_is_absolute(make_host: MakeHost) -> None:
    """Its time runs while no host does."""
    host = make_host("restart_app").start()
    client = await host.client()
    await client.start_new("waits_first", "parked", 0)
    await wait_for_runtime_status(client, "parked", "Running")
    await client.start_new("steps", "timed")
    await wait_for_runtime_status(client, "timed", "Running")
    host.stop()
    await asyncio.sleep(0.3)
    client = await host.start().client()
    (status,) = await wait_until_ended(client, "timed")
    assert status.output == 19


async def test_an_activity_that_was_cut_off_runs_again(make_host: MakeHost, tmp_path: Path) -> None:
    host = make_host("restart_app", {"HOLD": str(tmp_path)}).start()
    client = await host.client()
    await client.start_new("held", "held")

    async def runs() -> bool:
        return (tmp_path / "running").exists()

    await eventually(runs)
    assert host.stop() == 0, "a function in a thread kept the host"
    (tmp_path / "running").unlink()
    (tmp_path / "go").touch()
    client = await host.start().client()
    (status,) = await wait_until_ended(client, "held")
    assert status.output == "held"
    assert (tmp_path / "running").exists()


async def test_more_code_after_the_wait_breaks_no_parked_instance(make_host: MakeHost) -> None:
    host = make_host("restart_app").start()
    client = await host.client()
    names = [f"parked-{number}" for number in range(20)]
    for name in names:
        await client.start_new("waits_first", name, 0)
    for name in names:
        await wait_for_runtime_status(client, name, "Running")
    host.stop(signal.SIGKILL)
    host.env["EXTRA_STEP"] = "1"
    client = await host.start().client()

    async def wake(name: str) -> None:
        while (await client.get_status(name)).runtime_status.name == "Running":
            await client.raise_event(name, "changed")
            await asyncio.sleep(0.05)

    await asyncio.gather(*map(wake, names), return_exceptions=True)
    assert {status.output for status in await wait_until_ended(client, *names)} == {"three generations"}


async def test_more_code_before_the_wait_is_reported(make_host: MakeHost) -> None:
    host = make_host("restart_app").start()
    client = await host.client()
    await client.start_new("waits_last", "parked")
    await wait_for_runtime_status(client, "parked", "Running")

    async def waits() -> bool:
        return len((await client.get_status("parked", show_history=True)).historyEvents) == 2

    await eventually(waits)
    host.stop()
    host.env["EXTRA_STEP"] = "1"
    client = await host.start().client()
    await client.raise_event("parked", "changed")
    (status,) = await wait_until_ended(client, "parked")
    assert status.runtime_status.name == "Failed"
    assert "Non-Deterministic workflow detected" in status.output
    assert "'work'" in status.output


async def test_two_hosts_do_not_share_a_state_directory(make_host: MakeHost) -> None:
    host = make_host("restart_app").start()
    keys = host.keys
    second = make_host("restart_app")
    second.state_dir = host.state_dir
    with pytest.raises(AssertionError, match="another host uses"):
        second.start()
    host.stop()
    assert host.start().keys == keys
    assert (host.state_dir / "keys.json").stat().st_mode & 0o777 == 0o600


async def test_parked_instances_cost_little(make_host: MakeHost) -> None:
    host = make_host("restart_app").start()
    client = await host.client()
    before = _resident_megabytes(host.ready["pid"])
    await asyncio.gather(*(client.start_new("waits_first", f"parked-{number}", 0) for number in range(300)))
    await asyncio.gather(*(wait_for_runtime_status(client, f"parked-{n}", "Running") for n in range(0, 300, 20)))
    assert _resident_megabytes(host.ready["pid"]) - before < 20


def _resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)

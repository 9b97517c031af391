"""Microsoft's Durable extension in a process beside the host: its start, its end, and what a killed host leaves."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.host.conftest import MakeHost
from tests.integration.host.running import wait_for_runtime_status, wait_until_ended
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("/nowhere/DurableHost", "DURABLE_HOST=/nowhere/DurableHost cannot be run: No such file or directory"),
        ("/bin/false", "the Durable extension ended at its start: no word (see "),
    ],
)
def test_a_program_that_cannot_be_run_stops_the_host(make_host: MakeHost, program: str, said: str) -> None:
    host = make_host("restart_app", {"DURABLE_HOST": program})
    with pytest.raises(AssertionError, match="The host cannot start: ") as error:
        host.start()
    assert said in str(error.value)


def test_it_is_started_again_where_another_program_was_faster_to_take_its_port(
    make_host: MakeHost, tmp_path: Path
) -> None:
    program, once = tmp_path / "extension", tmp_path / "once"
    program.write_text(f"""#!/bin/sh
if mkdir {once}; then
  echo "Unhandled exception. System.Net.Sockets.SocketException (98): Address already in use"
  exit 134
fi
echo '{{"rpcBaseUrl": "http://127.0.0.1:9/"}}' > "$CLIENT_FILE"
exec sleep 60
""")
    program.chmod(0o700)

    host = make_host("restart_app", {"DURABLE_HOST": str(program)}).start()

    assert once.exists()
    assert host.stop() == 0


async def test_a_killed_host_takes_the_extension_with_it_and_finds_its_task_hub_again(
    make_host: MakeHost, durable_extension: Mapping[str, str]
) -> None:
    host = make_host("restart_app", dict(durable_extension)).start()
    client = await host.client()
    await client.start_new("waits_first", "parked", 2)
    await wait_for_runtime_status(client, "parked", "Running")
    hub, (extension,) = (host.state_dir / "hub").read_text(), children(host.ready["pid"])

    host.stop(signal.SIGKILL)

    async def has_ended() -> bool:
        return not runs(extension)

    await eventually(has_ended)
    client = await host.start().client()
    assert (host.state_dir / "hub").read_text() == hub
    await client.raise_event("parked", "changed")
    assert (await wait_until_ended(client, "parked"))[0].output == "three generations"
    assert host.stop() == 0


async def test_a_host_stops_when_the_extension_dies(make_host: MakeHost, durable_extension: Mapping[str, str]) -> None:
    host = make_host("restart_app", dict(durable_extension)).start()
    (extension,) = children(host.ready["pid"])

    os.kill(extension, signal.SIGKILL)

    assert host.process
    host.process.join(30)
    assert "The Durable extension ended with exit code -9" in host.log.read_text()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # ended, and not waited for yet by who inherited it

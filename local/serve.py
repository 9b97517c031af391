"""`python -m local serve`: runs the simulator (with the demo estate) and the host (with the app) for manual tests.

DR_* variables of the environment are settings of the app. Each start begins with the estate as its file has it, and
without the history of earlier starts; the keys stay.
"""

import argparse
import asyncio
import fcntl
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import ClientError

from local import estates
from local.stack import Stack, StackError, protection

_OF_THE_STACK = ("DR_ARM_ENDPOINT", "DR_OUTCOME_TOPIC_ENDPOINT", "DR_ORIGIN_STORE")
"""Settings that lead to the simulator: with another value the app would not work on it."""


def main(arguments: list[str]) -> int:
    """Returns 0 when stopped, 2 if it could not start or a process ended by itself."""
    parser = argparse.ArgumentParser(prog="python -m local serve", description=__doc__)
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "7071"), help="of the host (PORT, 7071)")
    parser.add_argument(
        "--sim-port", type=int, default=os.environ.get("SIM_PORT", "8443"), help="of the simulator (SIM_PORT, 8443)"
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=os.environ.get("STATE_DIR", ".local"),
        metavar="DIR",
        help="history, keys and logs (STATE_DIR, .local)",
    )
    parser.add_argument("--estate", type=Path, default=estates.DEMO, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--speed", type=float, default=60, metavar="N", help="one second here is N in Azure (60)")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except (estates.EstateError, StackError, ClientError) as error:
        print(f"serve: {error}", file=sys.stderr)
        return 2
    return 0


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    estate = estates.load(options.estate)
    given = {name: value for name, value in os.environ.items() if name.startswith("DR_")}
    if refused := sorted({*_OF_THE_STACK} & {*given}):
        raise StackError(f"{', '.join(refused)}: unset, because this is the address of the simulator here")
    folder = options.state_dir.resolve()
    with _locked(folder):
        _forget(folder)
        stack = Stack(
            folder,
            estate.data,
            speed=options.speed,
            sweeps=True,
            settings=estate.settings | given,
            port=options.port,
            simulator_port=options.sim_port,
        )
        async with stack:
            await stack.subscribe()
            print(_welcome(stack, estate), flush=True)
            ended = asyncio.create_task(stack.ended())
            await asyncio.wait({ended, asyncio.create_task(stopped.wait())}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise StackError(ended.result())
            print("Stopping.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Locks the folder: a second start would remove what the first one works with. Raises StackError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            instead = "stop it, or set STATE_DIR, PORT and SIM_PORT for this one"
            raise StackError(f"another `serve` uses {folder}: {instead}") from None
        yield
    finally:
        os.close(lock)


def _forget(folder: Path) -> None:
    """Removes the history of an earlier start, whose VMs are gone with its simulator."""
    kept = (folder / "origins", folder / "archive", folder / "archive-latest")
    for path in (*kept, *(folder / "host").glob("history.db*"), folder / "host" / "hub"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _welcome(stack: Stack, estate: estates.Estate) -> str:
    tagged = next((each.vm_id for each in estate.expectations if each.outcome == "Protected"), "<ID of a VM>")
    put = estate.put or estates.Request(estate.tag_while_running or tagged, {})
    key, ca_file = stack.keys["function"]["default"], str(stack.folder / "simulator" / "ca.pem")
    app = stack.app_settings()
    settings = "\n            ".join(f"{name}={app[name]}" for name in sorted(app) if name.startswith("DR_"))
    return f"""
Simulator   {stack.simulator_url}   (in memory: new VMs at each start; a second here is {stack.speed:g} in Azure)
Host        {stack.host_url}   (new history at each start; keys in {stack.folder / "host"}, logs beside it)
Page        {stack.page_url}
Settings    {settings}
Events      VM and tag writes in the simulator are delivered to on_vm_event
Keys        function {key}
            system   {stack.keys["system"]["eventgrid_extension"]} (Event Grid)

In another shell:
  DR_APP_URL={stack.host_url}
  VM={protection(put.vm).removesuffix("/protection")}
  KEY='x-functions-key: {key}'
  JSON='content-type: application/json'
  BODY={shlex.quote(json.dumps(put.body))}

What the VM would get, and why (reads only); protect it so; see how it stands:
  curl -H "$KEY" -H "$JSON" -d "$BODY" "$DR_APP_URL/api/$VM/protection/plan"
  curl -i -X PUT -H "$KEY" -H "$JSON" -d "$BODY" "$DR_APP_URL/api/$VM/protection"
  curl -H "$KEY" "$DR_APP_URL/api/$VM/protection"

More of them: docs/api.md, "Ready to paste". What may be asked for, and what Azure was asked for so far:
  curl -H "$KEY" "$DR_APP_URL/api/openapi.json"
  curl --cacert {shlex.quote(ca_file)} {stack.simulator_url}/sim/requests

The same by a tag, with the az CLI (how to log in: local/simulator/README.md):
  az tag update --operation Merge --tags dr=true --resource-id {tagged}

Ctrl-C stops both."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

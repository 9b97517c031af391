"""`python -m local.simulator`: the simulator as a process of its own."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from local.private import keep_private
from local.simulator.server import Simulator


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.simulator", description="A local Azure Resource Manager.")
    parser.add_argument("--port", type=int, default=8443, help="0 takes a free one (default: 8443)")
    parser.add_argument(
        "--state-dir", type=Path, default=Path(".local/simulator"), help="gets ca.pem and simulator.json"
    )
    parser.add_argument("--estate", type=Path, help="JSON file with what exists (README.md has its format)")
    parser.add_argument("--speed", type=float, default=1, help="latencies are divided by it (default: 1)")
    parser.add_argument("--items-hidden-while-enabling", action="store_true", help="behaviour itemsHiddenWhileEnabling")
    return parser.parse_args(arguments)


async def _serve(arguments: argparse.Namespace) -> None:
    estate = json.loads(arguments.estate.read_text()) if arguments.estate else None
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    simulator = Simulator(
        estate,
        arguments.speed,
        arguments.port,
        arguments.state_dir,
        items_hidden_while_enabling=arguments.items_hidden_while_enabling,
    )
    async with simulator:
        description = {name: value for name, value in simulator.description().items() if name != "identityHeader"}
        print(json.dumps(description, indent=2), flush=True)
        await stopped.wait()


def main(arguments: list[str] | None = None) -> int:
    """Exit code 2 with one line of reason for an estate or option that is wrong."""
    keep_private()
    try:
        asyncio.run(_serve(_options(arguments)))
    except (OSError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

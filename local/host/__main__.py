"""`python -m local.host`: runs the function app of a directory on this machine."""

import argparse
import asyncio
import fcntl
import logging
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import IO

from local.host.config import HostConfig, HostError, load_config, load_local_settings
from local.host.durable.store import IncompatibleHistoryError
from local.host.indexing import load_functions
from local.host.keys import load_keys
from local.host.listening import SHUTDOWN_SECONDS
from local.host.server import Host
from local.private import keep_private


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 1, after one message, when the app cannot be served."""
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), metavar="DIR", help="the function app (default: here)")
    parser.add_argument("--port", type=int, default=7071, help="0 picks a free one (default: 7071)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".local/host"),
        metavar="DIR",
        help="history and keys (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    keep_private()
    try:
        serve(options.app.resolve(), options.port, options.state_dir)
    except (HostError, IncompatibleHistoryError) as error:
        print(f"The host cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def serve(app: Path, port: int, state_dir: Path) -> None:
    """Serves until it is stopped. Raises HostError if it cannot start."""
    load_local_settings(app)
    config = load_config(app)
    logging.basicConfig(
        level=config.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if config.log_level > logging.DEBUG:
        # The worker library logs every call at level INFO, which does not reach the app's log in Azure either.
        logging.getLogger("azure.functions").setLevel(logging.WARNING)
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "host.lock").open("w") as lock:
        _lock(lock, state_dir)
        try:
            listener = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise HostError(f"port {port} is not free: {error.strerror}") from error
        ready_file = state_dir / "host.json"
        ready_file.unlink(missing_ok=True)  # what a killed host left
        try:
            asyncio.run(_serve(app, config, state_dir, listener, ready_file))
        finally:
            ready_file.unlink(missing_ok=True)
        _leave_threads()


async def _serve(app: Path, config: HostConfig, state_dir: Path, listener: socket.socket, ready_file: Path) -> None:
    """The app is imported on the event loop that its functions run on, as the platform's worker does it."""
    functions = await load_functions(app)
    host = Host(functions, config, load_keys(state_dir / "keys.json"), state_dir)
    await host.serve(listener, ready_file)


def _lock(lock: IO[str], state_dir: Path) -> None:
    """Locks the state directory until the process ends: two hosts on one history would both do all the work."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise HostError(f"another host uses {state_dir.resolve()}") from error


def _leave_threads() -> None:
    """Ends the process even if a function still runs in a thread: the next process runs its activity again."""
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while any(thread.name.startswith("ThreadPoolExecutor") for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m local.conformance FILE.jsonl`: replays recorded traffic against the simulator and prints what differs."""

import argparse
import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import aiohttp

from local.conformance.exchange import Exchange, read_recording
from local.conformance.replay import Client, Report, replay
from local.simulator import Simulator


def main(argv: list[str]) -> int:
    """0: no difference but explained ones; 1: some unexplained; 2: the recording or the simulator cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m local conformance",
        description="Replays recorded ARM traffic against the simulator and prints every difference.",
    )
    parser.add_argument("file", type=Path, help="JSON lines: i, method, url, requestBody, status, responseHeaders, …")
    parser.add_argument(
        "--simulator",
        metavar="URL",
        help="one that runs already: its estate is replaced, its clock set to 1. IDENTITY_ENDPOINT, IDENTITY_HEADER and"
        " SSL_CERT_FILE are read from the environment, as by the app. Default: one of its own, in this process",
    )
    arguments = parser.parse_args(argv)
    try:
        exchanges = read_recording(arguments.file)
        report = asyncio.run(_run(exchanges, arguments.simulator))
    except (OSError, ValueError, KeyError, aiohttp.ClientError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    _print(report)
    return 1 if report.differences else 0


async def _run(exchanges: list[Exchange], url: str | None) -> Report:
    if url is not None:
        environment = (os.environ[name] for name in ("SSL_CERT_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"))
        ca_file, endpoint, secret = environment
        async with Client(url.rstrip("/"), Path(ca_file), endpoint, secret) as client:
            return await replay(exchanges, client)
    async with (
        Simulator() as simulator,
        Client(simulator.url, simulator.ca_file, simulator.identity_endpoint, simulator.identity_header) as client,
    ):
        return await replay(exchanges, client)


def _print(report: Report) -> None:
    for exchange, reason in report.not_replayed:
        print(f"#{exchange.number} {exchange.method} {exchange.path}\n    not replayed: {reason}")
    for difference, reason in report.explained:
        print(f"{difference}\n    explained: {reason}")
    for difference in report.differences:
        print(difference)
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(d.kind for d in report.differences).items())
    print(
        f"{report.replayed} exchanges replayed, {len(report.not_replayed)} not; {len(report.explained)} differences"
        f" explained, {len(report.differences)} unexplained{f' ({kinds})' if kinds else ''};"
        f" Retry-After on {report.retry_after} simulated answers (recorders strip it)"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m local live-check`: takes a sandbox VM of a real subscription from its tag to Protected and to disabled.

It makes a VM and a vault, runs the app on the local host against them, removes everything, and writes down every
request to Azure Resource Manager with its answer, for `python -m local conformance`.
"""

import argparse
import asyncio
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import ClientError
from azure.core.exceptions import ClientAuthenticationError

from local.livecheck.arm import ArmError
from local.livecheck.check import Options, Result, check, described
from local.livecheck.sandbox import Sandbox, Say

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def main(arguments: list[str]) -> int:
    """0: it went all the way and nothing is left, or it only said what it would do; 1: it did not, or something is
    left; 2: nothing could be made; 130: interrupted, and nothing is left."""
    options = _parser().parse_args(arguments)
    sandbox = Sandbox(
        options.subscription, f"dr-live-{secrets.token_hex(3)}", options.source, options.target, options.size
    )
    print(_announcement(sandbox, options.record))
    if not options.yes:
        print("Nothing has been made. With --yes it is done.")
        return 0
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{(time.monotonic() - started) / 60:6.1f} min  {text}", flush=True)

    folder = Path(tempfile.mkdtemp(prefix="dr-live-check-"))
    how = Options(options.arm_endpoint, options.record, folder, options.poll_seconds)
    try:
        result = asyncio.run(_run(sandbox, how, say))
    except (ArmError, ClientAuthenticationError, ClientError, OSError) as error:
        print(f"live-check: nothing was made: {error}", file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        print("live-check: stopped before anything was made", file=sys.stderr)
        return 130
    return _conclude(result, how)


async def _run(sandbox: Sandbox, options: Options, say: Say) -> Result:
    task = asyncio.create_task(check(sandbox, options, say))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _conclude(result: Result, options: Options) -> int:
    print(f"{result.exchanges} requests and answers are in {options.record}. To compare the simulator with them:")
    print(f"  python -m local conformance {options.record}")
    if result.left:
        print("Left behind, to be removed by hand (az group delete --name <group> --yes):", file=sys.stderr)
        for each in result.left:
            print(f"  {each}", file=sys.stderr)
    if result.failure is None:
        shutil.rmtree(options.folder)
        print("The VM went from its tag to Protected to disabled.")
    else:
        print(f"Not all the way: {described(result.failure)}\nLogs: {options.folder}", file=sys.stderr)
    if not result.left:
        print("Nothing is left of it.")
        return 0 if result.failure is None else 130 if isinstance(result.failure, asyncio.CancelledError) else 1
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local live-check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    subscription = os.environ.get("AZURE_SUBSCRIPTION_ID")
    parser.add_argument(
        "--subscription",
        type=_guid,
        default=subscription,
        required=not subscription,
        metavar="GUID",
        help="where everything is made (AZURE_SUBSCRIPTION_ID)",
    )
    parser.add_argument("--source", default="eastus", metavar="REGION", help="of the VM (%(default)s)")
    parser.add_argument("--target", default="westus2", metavar="REGION", help="of the vault (%(default)s)")
    parser.add_argument("--size", default="Standard_D2s_v5", help="of the VM (%(default)s)")
    parser.add_argument(
        "--record", type=Path, default="live-check.jsonl", metavar="FILE", help="which is new (%(default)s)"
    )
    parser.add_argument("--yes", action="store_true", help="do it; without, it is only said what would be done")
    parser.add_argument(
        "--arm-endpoint", default="https://management.azure.com", metavar="URL", help="of your cloud (%(default)s)"
    )
    parser.add_argument("--poll-seconds", type=float, default=30, metavar="N", help="between two looks (%(default)g)")
    return parser


def _guid(text: str) -> str:
    if not _GUID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no subscription ID")
    return text.lower()


def _announcement(sandbox: Sandbox, record: Path) -> str:
    groups = "\n".join(f"  {group}" for group in sandbox.groups)
    return f"""\
A VM of size {sandbox.size} in {sandbox.source} is protected to {sandbox.target} and disabled again,
by the app on this machine, with your own rights: Contributor on the subscription is enough.
These resource groups are made and removed:
{groups}
It takes one to two hours, in most of which Azure replicates, and costs less than 1 USD at list prices: the VM, its disk
and its public address (no inbound access) for that time, and the replica of its disk. Site Recovery charges
nothing for the first 31 days of a VM. Ctrl-C removes what has been made; should this be killed, remove it by hand.
Requests and answers go to {record}, without tokens, keys, the IDs of subscription and tenant, and who asks.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m local package`: builds the deployment package as Azure's remote build does, and runs the demo on it."""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import azure_functions_runtime
from aiohttp import ClientError
from rich.console import Console

from local import estates
from local.bench import importing
from local.demo.play import play
from local.package import folder, packages
from local.stack import APP, Stack, StackError

_IMPORTS = 5
_MB = 1_000_000


class BrokenError(RuntimeError):
    """The package is incomplete or has too much; the text is the reason."""


def main(arguments: list[str]) -> int:
    """Returns 0 if the package is complete, minimal and works, or its zip was written; 1 if not; 2 if it could not be
    built or run; 130 if interrupted."""
    parser = argparse.ArgumentParser(prog="python -m local package", description=__doc__)
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="build in this folder, which is new or empty, and keep it"
    )
    parser.add_argument(
        "--zip", type=Path, metavar="FILE", help="only write what is deployed to this file, and its checksum beside it"
    )
    parser.add_argument("--estate", type=Path, default=estates.DEMO, metavar="FILE", help="of the demo (%(default)s)")
    parser.add_argument(
        "--speed", type=float, default=180, metavar="N", help="one second of the demo is N in Azure (%(default)g)"
    )
    options = parser.parse_args(arguments)
    if options.zip:
        folder.pack(APP, options.zip)
        return 0
    where = options.keep or Path(tempfile.mkdtemp(prefix="dr-package-"))
    where.mkdir(parents=True, exist_ok=True)
    if any(where.iterdir()):
        parser.error(f"{where} is not empty")
    try:
        _prove(where.resolve(), estates.load(options.estate), options.speed)
    except BrokenError as error:
        print(f"package: {error}\nIt is in {where}.", file=sys.stderr)
        return 1
    except (packages.InstallError, estates.EstateError, StackError, ClientError, OSError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("package: stopped", file=sys.stderr)
        return 130
    if not options.keep:
        shutil.rmtree(where)
    return 0


def _prove(where: Path, estate: estates.Estate, speed: float) -> None:
    app = where / "app"
    files = folder.lay(APP, app)
    print(f"Deployed folder   {len(files)} files, {packages.size(app) / _MB:.1f} MB", flush=True)
    wrong, imported = folder.examine(app, files, APP)
    packages.install(app)
    more, count = packages.examine(APP, app, imported)
    if wrong + more:
        raise BrokenError("\n  ".join(["what would be deployed is not what the app needs:", *wrong, *more]))
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Packages          {count}, {packages.size(app / packages.PLACE) / _MB:.1f} MB, for Python {version}",
        flush=True,
    )
    venv.create(where / "environment", with_pip=False)
    python = str(where / "environment" / "bin" / "python")
    print(f"Cold import       {_cold_import(python, app):.2f} s, median of {_IMPORTS} fresh processes", flush=True)
    if not asyncio.run(_demo(where, app, python, estate, speed)):
        raise BrokenError(f"the demo has failed against it: {where / 'demo.log'} has the end of each VM")
    print(f"The demo passes against it: {len(estate.expectations)} VMs ended as expected.")


def _cold_import(python: str, app: Path) -> float:
    """Imports the app in an environment with only the package."""
    path = str(app / packages.PLACE)
    try:
        return statistics.median(
            importing.seconds("function_app", python, app, PYTHONPATH=path) for _ in range(_IMPORTS)
        )
    except subprocess.CalledProcessError as error:
        raise BrokenError(f"function_app cannot be imported:\n{error.stderr[-2000:]}") from None


async def _demo(where: Path, app: Path, python: str, estate: estates.Estate, speed: float) -> bool:
    """Runs the demo with the host in that environment, from a folder with only the host."""
    host = where / "host"
    shutil.copytree(APP / "local" / "host", host / "local" / "host", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("__init__.py", "private.py"):
        shutil.copy(APP / "local" / file, host / "local" / file)
    # The library that loads the app belongs to the platform, not to the package.
    shutil.copytree(Path(azure_functions_runtime.__file__).parent, host / azure_functions_runtime.__name__)
    settings = estate.settings | {"PYTHONPATH": str(app / packages.PLACE)}
    stack = Stack(where / "stack", estate.data, speed=speed, settings=settings, app=app, python=python, host_root=host)
    with (where / "demo.log").open("w") as log:
        async with stack:
            return await play(stack, estate, where / "report.html", Console(file=log, width=140, highlight=False))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

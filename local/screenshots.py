"""`python -m local screenshots`: the pictures of the page in docs/, of the demo VMs after a sweep (needs Chromium)."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientError

from local import estates
from local.stack import APP, Stack, StackError

PICTURES = {
    "page-overview.png": "",
    "page-vm.png": "#/vm/1a6f8a52-6f0c-4a1c-9d6b-3f1c9a7be001/shop/shop-pay-1",
}
"""The file, and the address of the view."""

_WIDTH, _HEIGHT = 1180, 820
_DEADLINE = 300


def main(arguments: list[str]) -> int:
    """Returns 0 when the pictures are written, 2 if they cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m local screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=APP / "docs", metavar="DIR", help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(asyncio.wait_for(_take(options.folder), _DEADLINE))
    except (estates.EstateError, StackError, ClientError, ImportError, TimeoutError, FileNotFoundError) as error:
        print(f"screenshots: {error or type(error).__name__}", file=sys.stderr)
        return 2
    return 0


async def _take(folder: Path) -> None:
    estate = estates.load(estates.DEMO)
    with tempfile.TemporaryDirectory(prefix="dr-page-") as state:
        async with Stack(Path(state), estate.data, speed=600, settings=estate.settings) as stack:
            await sweep_and_rest(stack)
            for name, where in PICTURES.items():
                await take(stack, where, folder / name)
                print(folder / name)


async def take(stack: Stack, where: str, file: Path) -> None:
    """A picture of the view of the page at that address. Raises what `chromium` raises, and Playwright."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
        await page.goto(stack.page_url)
        await page.evaluate("where => { location.hash = where }", where)
        await page.get_by_role("heading", level=2).first.wait_for()
        await page.locator("main p[role=status]").first.wait_for(state="hidden")
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=file)


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """Debian's Chromium, driven by Playwright. Raises ImportError or FileNotFoundError without one of them."""
    from playwright.async_api import async_playwright

    browser = shutil.which("chromium")
    if browser is None:
        raise FileNotFoundError("chromium is not installed")
    async with async_playwright() as driver:
        # It makes a socket in TMPDIR, of which the path must be short: that of a test is not.
        outside: dict[str, Any] = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        started = await driver.chromium.launch(executable_path=browser, env=outside)
        try:
            yield started
        finally:
            await started.close()


async def sweep_and_rest(stack: Stack) -> None:
    """Has the app sweep, and waits until the sweep and all runs have ended."""
    await stack.api("POST", "sweep")
    while True:
        _, status = await stack.api("GET", "status")
        _, runs = await stack.api("GET", "runs")
        if status["lastSweep"] and not status["sweep"] and not runs["value"]:
            return
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

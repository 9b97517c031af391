"""How fast the operators' page is in Chromium: its first view on the local host, and a list of 10,000 VMs."""

import json
import time
from statistics import median
from typing import Any

from local import estates
from local.bench.scenario import RECORDED, Run, Scenario, UnavailableError
from local.screenshots import chromium, sweep_and_rest
from local.stack import Stack

VMS, _PAGE = 10_000, 1_000
_VIEWS, _SCROLLS = 5, 120
_GROUP = "/subscriptions/1a6f8a52-6f0c-4a1c-9d6b-3f1c9a7be001/resourceGroups/shop"
_LONGEST = """() => { window.longest = 0; new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({ type: "longtask" }); }"""
"""Remembers the longest task; those below 50 ms are none of the browser's, and leave 0."""


async def _measure(run: Run) -> dict[str, float]:
    estate = estates.load(estates.DEMO)
    try:
        async with (
            Stack(run.folder, estate.data, speed=600, settings=estate.settings) as stack,
            chromium() as browser,
        ):
            await sweep_and_rest(stack)
            views = [await _first_view(browser, stack) for _ in range(_VIEWS)]
            return {"page.view": median(views), "page.scroll": await _scrolled(browser, stack)}
    except (ImportError, FileNotFoundError) as missing:
        raise UnavailableError(f"It needs Playwright and Chromium: {missing}") from None


async def _first_view(browser: Any, stack: Stack) -> float:
    """Seconds, without anything in the browser's cache, until what a lost region would mean is shown."""
    context = await browser.new_context()
    page = await context.new_page()
    started = time.monotonic()
    await page.goto(stack.page_url)
    await page.get_by_role("heading", name="were lost now").first.wait_for()
    elapsed = time.monotonic() - started
    await context.close()
    return elapsed


async def _scrolled(browser: Any, stack: Stack) -> float:
    """Milliseconds of the longest task of the page while the list is scrolled from its top to its end."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await page.route("**/api/compliance?*", _answer)
    await page.goto(stack.page_url)
    await page.evaluate("location.hash = '#/vms'")
    await page.get_by_text(f"{VMS:,} VMs", exact=True).wait_for(timeout=60_000)
    await page.evaluate(_LONGEST)
    for step in range(1, _SCROLLS + 1):
        await page.locator(".estate").evaluate(
            "(box, part) => new Promise((done) => { box.scrollTop = box.scrollHeight * part; "
            "requestAnimationFrame(() => requestAnimationFrame(done)); })",
            step / _SCROLLS,
        )
    await page.get_by_text(f"vm-{VMS - 1:05}").wait_for()
    longest = float(await page.evaluate("window.longest"))
    await page.close()
    return longest


async def _answer(route: Any) -> None:
    """A page of the list, as the API would answer."""
    after = int((route.request.url.partition("after=")[2] or "0").split("&")[0])
    end = after + _PAGE
    body = {
        "readAt": "2026-11-30T03:00:00Z",
        "gaps": [],
        "summary": {"total": VMS, "byState": {"Protected": VMS}},
        "recoverable": [],
        "value": [_row(number) for number in range(after, end)],
        "nextLink": f"/api/compliance?top={_PAGE}&after={end}" if end < VMS else None,
    }
    await route.fulfill(status=200, body=json.dumps(body))


def _row(number: int) -> dict[str, Any]:
    vm = f"{_GROUP}/providers/Microsoft.Compute/virtualMachines/vm-{number:05}"
    row = {"vmId": vm, "state": "Protected", "compliant": True, "action": "none", "findings": []}
    return row | {"region": "eastus", "targetRegion": "westus2", "rpoSeconds": number, "replicationHealth": "Normal"}


SCENARIO = Scenario(f"the operators' page in Chromium: its first view, and a list of {VMS:,} VMs", _measure, RECORDED)

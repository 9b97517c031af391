"""What every test of the page needs: the demo's VMs, swept once, and a page of the browser that reports its errors."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from local import estates
from local.screenshots import sweep_and_rest
from local.stack import Stack
from tests.waiting import longer

try:
    playwright: Any = import_module("playwright.async_api")
except ImportError:
    playwright = None

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
SHOP = "1a6f8a52-6f0c-4a1c-9d6b-3f1c9a7be001/shop"

NASTY = "<img src=x onerror=alert(1)>\"'&`${7*7}</script><script>document.title=1</script>"
_WATCH = """addEventListener("securitypolicyviolation", (event) => {
  console.error("policy violated:", event.violatedDirective, event.blockedURI, event.sample);
});"""
_ANSWER = "Failed to load resource: the server responded with a status of"
"""What the browser says of an error response: a test that makes one expects it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = "" if CHROMIUM else "chromium is not installed (apt-get install chromium, or CHROMIUM)"
    missing = missing if playwright else "Playwright is not installed (requirements-dev.txt)"
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        if missing:
            item.add_marker(pytest.mark.skip(reason=missing))
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The demo's VMs after one sweep, whose runs have ended."""
    estate = estates.load(estates.DEMO)
    folder = tmp_path_factory.mktemp("page")
    async with Stack(folder, estate.data, speed=600, settings=estate.settings) as started:
        await asyncio.wait_for(sweep_and_rest(started), longer(60))
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=CHROMIUM)
        yield started
        await started.close()


def expect(found: Any) -> Any:
    """Playwright's assertions, which wait."""
    playwright.expect.set_options(timeout=longer(5) * 1000)
    return playwright.expect(found)


class Ui:
    """A page of the browser. `problems` are what its console says that is no error response of the API, `urls` every
    address that it has asked for."""

    def __init__(self, page: Any, stack: Stack) -> None:
        self.page, self.stack = page, stack
        self.problems: list[str] = []
        self.urls: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.urls.append(request.url))
        page.set_default_timeout(longer(6) * 1000)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(
            (_ANSWER, "Failed to load resource: net")
        ):
            self.problems.append(message.text)

    async def open(self, where: str = "", *, signed_in: bool = True) -> None:
        await self.page.goto(self.stack.page_url if signed_in else f"{self.stack.host_url}/api/ui/")
        if where:
            await self.page.evaluate("where => { location.hash = where }", where)

    async def answer(self, path: str, respond: Callable[[Any], Any]) -> None:
        """Has calls of the API below this path answered by `respond`: JSON, or a status and JSON, or the route."""

        async def handle(route: Any) -> None:
            given = respond(route)
            if isinstance(given, Awaitable):
                given = await given
            if given is None:
                return
            status, body, headers = given if isinstance(given, tuple) else (200, given, {})
            with suppress(playwright.Error):  # the page that asked may be gone
                await route.fulfill(status=status, body=json.dumps(body), headers=headers)

        await self.page.route(f"**/api/{path}", handle)

    async def shows(self, *texts: str, within: Any = None) -> None:
        """Waits until each text is seen."""
        for text in texts:
            found = (within or self.page.locator("body")).get_by_text(text).filter(visible=True).first
            await expect(found).to_be_visible(timeout=longer(10) * 1000)

    def row(self, name: str) -> Any:
        """The row of a table that this text is in."""
        return self.page.locator("tr").filter(has_text=name).first

    def section(self, title: str) -> Any:
        return self.page.locator("section").filter(has=self.page.get_by_role("heading", name=title))

    async def click(self, role: str, name: str, within: Any = None) -> None:
        await (within or self.page).get_by_role(role, name=name, exact=True).first.click()


@asynccontextmanager
async def opened(browser: Any, stack: Stack, **options: Any) -> AsyncIterator[Ui]:
    """A page of a browser without history, whose context has these options. At its end nothing was wrong with it."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.add_init_script(_WATCH)
    shown = Ui(page, stack)
    yield shown
    await context.close()
    key = stack.keys["function"]["default"]
    assert shown.problems == []
    assert [url for url in shown.urls if key in url.partition("#")[0]] == []


@pytest_asyncio.fixture(loop_scope="session")
async def ui(browser: Any, stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Ui]:
    """A page of a browser; `indirect` parameters are options of its context."""
    async with opened(browser, stack, **getattr(request, "param", {"viewport": {"width": 1280, "height": 900}})) as ui:
        yield ui


def page_of(vms: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A page of the compliance report, as the API would answer with these VMs."""
    states: dict[str, int] = {}
    for vm in vms:
        states[vm["state"]] = states.get(vm["state"], 0) + 1
    summary = {"total": len(vms), "required": len(vms), "compliant": 0, "byState": states, "byFinding": {}}
    body = {
        "readAt": "2026-11-30T03:00:00Z",
        "gaps": [],
        "subscriptions": [],
        "summary": {**summary, "byAction": {}},
        "recoverable": [],
        "value": vms,
        "nextLink": None,
    }
    return body | more


def vm_row(name: str, **more: Any) -> dict[str, Any]:
    """A VM of the report."""
    vm_id = (
        f"/subscriptions/{SHOP.split('/')[0]}/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/{name}"
    )
    row = {"vmId": vm_id, "state": "Protected", "compliant": True, "action": "none", "region": "eastus", "tags": {}}
    return {**row, "targetRegion": "westus2", "madeByApp": True, "replicationHealth": "Normal", "findings": [], **more}


AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"


async def violations(page: Any) -> list[str]:
    """What axe finds against WCAG 2.2 AA in the page as it is now. Skips where axe is not installed."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make test-ui")
    await page.evaluate(AXE.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = await page.evaluate("tags => axe.run({runOnly: tags})", tags)
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}" for each in found["violations"] for node in each["nodes"]
    ]

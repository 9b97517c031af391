"""Each view and action, on the demo's VMs and on answers that a test makes: what is odd, slow, large, or an error."""

import asyncio
import csv
import io
from typing import Any

import pytest

from tests.ui.conftest import NASTY, SHOP, Ui, expect, page_of, violations, vm_row
from tests.waiting import eventually, longer

VIEWS = {"overview": "", "vms": "#/vms", "vm": f"#/vm/{SHOP}/shop-web-1", "jobs": "#/jobs", "drills": "#/drills"}
VIEWS |= {"reports": "#/reports"}
READY = {"overview": "Needs you", "vms": "15 VMs", "vm": "Settings, and why", "jobs": "Enable replication"}
READY |= {"drills": "Batches", "reports": "Time that sweeps speak for"}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("ui", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True, ids=str)
async def test_each_view_is_accessible_in_both_schemes(ui: Ui, view: str) -> None:
    await ui.open(VIEWS[view])
    await ui.shows(READY[view])

    assert "\n".join(await violations(ui.page)) == ""


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("ui", [{"viewport": {"width": 360, "height": 740}}], indirect=True, ids=["360"])
async def test_each_view_fits_a_narrow_screen(ui: Ui, view: str) -> None:
    await ui.open(VIEWS[view])
    await ui.shows(READY[view])

    assert await ui.page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_the_key_is_taken_out_of_the_address_and_stays_in_the_tab(ui: Ui) -> None:
    await ui.open()
    await ui.shows("Needs you")
    key = ui.stack.keys["function"]["default"]

    assert ui.page.url == f"{ui.stack.host_url}/api/ui/"
    assert await ui.page.evaluate("sessionStorage.getItem('dr-key')") == key
    assert await ui.page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    await ui.page.reload()
    await ui.shows("Needs you")
    logs = [file.read_text() for file in ui.stack.folder.rglob("*.log")]
    assert [log for log in logs if key in log] == []

    await ui.click("button", "Forget the key")
    await ui.shows("A function key is needed")


async def test_without_a_key_there_is_no_data_and_a_wrong_one_is_said_to_be_wrong(ui: Ui) -> None:
    await ui.open(signed_in=False)
    await ui.shows("A function key is needed")
    assert [url for url in ui.urls if "/api/ui/" not in url or "msal" in url] == []

    await ui.page.get_by_label("Function key").fill("wrong")
    await ui.click("button", "Show the VMs")
    await ui.shows("The function app answered 401")

    await ui.page.get_by_label("Function key").fill(ui.stack.keys["function"]["default"])
    await ui.click("button", "Show the VMs")
    await ui.shows("Needs you")


@pytest.mark.parametrize(
    "brought", ["code=0.AX&state=x&session_state=y", "error=access_denied&state=x", "x", "key=", "key=100%"]
)
async def test_what_the_address_brings_that_is_no_view_is_removed(ui: Ui, brought: str) -> None:
    await ui.page.goto(f"{ui.stack.host_url}/api/ui/#{brought}")

    await ui.shows("A function key is needed")
    assert ui.page.url == f"{ui.stack.host_url}/api/ui/"


async def test_no_other_site_may_frame_the_page(ui: Ui) -> None:
    await ui.page.set_content(f'<iframe src="{ui.stack.host_url}/api/ui/"></iframe>')

    await eventually(lambda: any("frame-ancestors" in text for text in ui.problems), within=20)
    assert await ui.page.frames[1].locator("#app").count() == 0
    ui.problems.clear()


@pytest.mark.parametrize("view", ["overview", "vms"])
async def test_no_name_tag_or_text_is_taken_for_html(ui: Ui, view: str) -> None:
    finding = {"code": NASTY, "severity": "warning", "message": NASTY, "fix": NASTY}
    reason = {"code": NASTY, "text": NASTY, "fix": NASTY}
    row = vm_row(NASTY, state="Failed", compliant=False, tags={"dr": NASTY}, findings=[finding], reason=reason)
    await ui.answer("compliance?*", lambda _: page_of([row], gaps=[NASTY]))
    await ui.open(VIEWS[view])

    await ui.shows(NASTY)
    assert await ui.page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert "VM protection" in await ui.page.title()


async def test_a_vm_with_a_hostile_name_has_its_own_page(ui: Ui) -> None:
    name = "a/../b?x=1#y%2f<b>"
    await ui.answer(
        "subscriptions/**", lambda _: (404, {"title": "Not Found", "code": "VmNotFound", "detail": NASTY}, {})
    )
    await ui.open(f"#/vm/{SHOP}/{'a%2F..%2Fb%3Fx%3D1%23y%252f%3Cb%3E'}")

    await expect(ui.page.get_by_role("heading", level=1)).to_have_text(name)
    await ui.shows("VmNotFound", NASTY)
    asked = [url for url in ui.urls if "/virtualMachines/" in url]
    assert asked
    assert all("/virtualMachines/a%2F..%2Fb%3Fx%3D1%23y%252f%3Cb%3E/protection" in url for url in asked)


@pytest.mark.parametrize(
    ("status", "problem", "shown"),
    [
        (
            403,
            {"code": "RoleMissing", "detail": "The app role dr.read is required."},
            ["RoleMissing", "dr.read", "Ask who"],
        ),
        (429, {"code": "", "detail": "Slow down."}, ["Slow down.", "takes no more for now", "It is tried again in"]),
        (500, None, ["answered 500 without an explanation", "It is tried again in"]),
        (503, {"code": "Throttled", "detail": "The rate limit is reached."}, ["Throttled", "It is tried again in"]),
    ],
    ids=str,
)
async def test_an_error_is_shown_as_what_it_is(ui: Ui, status: int, problem: Any, shown: list[str]) -> None:
    body = problem and {"title": "Error", "status": status, **problem}
    await ui.answer("compliance?*", lambda _: (status, body, {"retry-after": "30"}))
    await ui.open()

    await ui.shows(*shown)
    assert "\n".join(await violations(ui.page)) == ""


async def test_what_was_read_stays_with_its_age_when_a_read_fails(ui: Ui) -> None:
    now: dict[str, Any] = {"answer": page_of([vm_row("web-1")])}
    await ui.answer("compliance?*", lambda _: now["answer"])
    await ui.page.clock.install()
    await ui.open("#/vms")
    await ui.shows("web-1", "Azure was read")

    now["answer"] = (500, None, {})
    await ui.page.clock.fast_forward(61_000)

    await ui.shows("answered 500 without an explanation", "What is shown is older: 1 min ago", "web-1")
    now["answer"] = page_of([vm_row("web-2")])
    await ui.page.clock.fast_forward(16_000)
    await ui.shows("web-2")
    await expect(ui.page.get_by_role("alert")).to_have_count(0)


async def test_a_slow_answer_is_said_to_be_slow_and_then_shown(ui: Ui) -> None:
    release = asyncio.Event()

    async def late(_: Any) -> Any:
        await release.wait()
        return page_of([vm_row("web-1")])

    await ui.answer("compliance?*", late)
    await ui.open()
    await ui.shows("no answer for")

    release.set()
    await ui.shows("Nothing: every tagged VM is as it should be")


async def test_gaps_are_gaps(ui: Ui) -> None:
    await ui.answer(
        "compliance?*", lambda _: page_of([vm_row("web-1")], gaps=["The vault v could not be read: Forbidden."])
    )
    await ui.open()

    await ui.shows("1 gap: not everything could be read", "The vault v could not be read: Forbidden.")


async def test_ten_thousand_vms_are_read_in_pages_filtered_and_sorted(ui: Ui) -> None:
    vms = [vm_row(f"vm-{number:05}", rpoSeconds=number) for number in range(10_000)]

    def page(route: Any) -> Any:
        after = int((route.request.url.partition("after=")[2] or "0").split("&")[0])
        link = f"/api/compliance?top=1000&after={after + 1000}" if after < 9000 else None
        whole = page_of(vms)
        return {**whole, "value": vms[after : after + 1000], "nextLink": link}

    await ui.answer("compliance?*", page)
    await ui.open("#/vms")
    await expect(ui.page.locator(".count")).to_contain_text("10,000 VMs", timeout=longer(15) * 1000)
    assert await ui.page.locator("tbody tr").count() < 100

    await ui.click("button", "RPO")
    await ui.click("button", "RPO")
    await ui.shows("vm-09999")
    await ui.page.locator(".estate").evaluate("box => { box.scrollTop = box.scrollHeight }")
    await ui.shows("vm-00000")
    await ui.page.get_by_label("Search").fill("vm-0424")
    await expect(ui.page.locator(".count")).to_contain_text("10 VMs of 10,000")
    assert "q=vm-0424" in ui.page.url
    assert "sort=-rpo" in ui.page.url
    await ui.page.reload()
    await expect(ui.page.locator(".count")).to_contain_text("10 VMs of 10,000", timeout=longer(15) * 1000)


async def test_filters_are_in_the_address_and_the_back_button_goes_back(ui: Ui) -> None:
    await ui.open()
    await ui.click("link", "VMs")
    await ui.page.get_by_role("combobox", name="Group", exact=True).select_option("analytics")
    await ui.shows("3 VMs of 15")
    await ui.click("link", "etl-1")
    await expect(ui.page.get_by_role("heading", level=1)).to_have_text("etl-1")

    await ui.page.go_back()
    await ui.shows("3 VMs of 15")
    await ui.page.go_back()
    await ui.shows("Needs you")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=NotEligible&q=shop-b", ["shop-batch-1"]),
        ("q=etl", ["etl-1", "etl-2"]),
        ("cause=ManagedResourceGroup", ["aks-system-0"]),
        ("group=analytics&recoverable=yes&q=etl-2", ["etl-2"]),
    ],
)
async def test_the_file_has_the_api_s_rows_of_the_vms_that_are_shown(ui: Ui, query: str, names: list[str]) -> None:
    await ui.open(f"#/vms?{query}")
    async with ui.page.expect_download() as download:
        await ui.click("button", "CSV")

    rows = list(csv.DictReader(io.StringIO((await (await download.value).path()).read_bytes().decode(), newline="")))
    assert [row["name"] for row in rows] == names
    assert all(row["messages"] and row["readAt"] for row in rows if row["state"] == "NotEligible")


async def test_a_report_is_narrowed_by_the_address_and_saved_as_a_file_without_a_key_in_a_url(ui: Ui) -> None:
    await ui.open("#/reports?resourceGroup=analytics")
    await ui.shows("Time that sweeps speak for", "etl-1")
    await expect(ui.page.locator("tbody").get_by_text("shop-web-1")).to_have_count(0)
    for button, begin in (("CSV", b'"vmId"'), ("Page to print", b"<!DOCTYPE html>")):
        async with ui.page.expect_download() as download:
            await ui.click("button", button)
        text = (await (await download.value).path()).read_bytes()
        assert text.startswith(begin)
        assert b"etl-1" in text
        assert b"shop-web-1" not in text

    await ui.page.get_by_label("Tag of the app").fill("team")
    await ui.page.keyboard.press("Enter")
    await ui.shows("InvalidQuery", "400")
    await ui.page.get_by_label("Tag of the app").fill("dr=true")
    await ui.page.keyboard.press("Enter")
    await ui.shows("etl-1")
    await expect(ui.page.get_by_role("alert")).to_have_count(0)
    assert "tag=dr%3Dtrue" in ui.page.url


_DRAWN = """canvas => {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const colour = getComputedStyle(canvas).getPropertyValue("--link").match(/[0-9a-f]{2}/gi)
    .map((each) => parseInt(each, 16));
  const is = (x, y) => colour.every((part, at) => Math.abs(pixels[4 * (y * width + x) + at] - part) < 8);
  const columns = [...Array(width).keys()].filter((x) => [...Array(height).keys()].some((y) => is(x, y)));
  return [columns.length, Math.max(...columns.slice(1).map((x, at) => x - columns[at] - 1))];
}"""
"""In how many columns of the canvas the first line is, and the widest gap in it."""


@pytest.mark.parametrize("ui", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True, ids=str)
async def test_the_rpo_over_time_has_gaps_and_its_numbers_are_a_table(ui: Ui) -> None:
    points = [
        *({"at": f"2026-11-{day:02}T12:00:00Z", "seconds": 300, "worstSeconds": 60 * day} for day in range(1, 29)),
        {"at": "2026-11-29T12:00:00Z", "seconds": None, "worstSeconds": None},
        {"at": "2026-11-30T01:00:00Z", "seconds": 240, "worstSeconds": 240},
    ]
    month = {"vmId": "", "month": "2026-11", "since": "2026-10-01", "gaps": [], "value": [], "rpo": points}
    month |= {"nextLink": "/api/subscriptions/x/timeline?month=2026-10"}
    before = {**month, "rpo": [], "nextLink": None}
    await ui.answer("subscriptions/**/timeline*", lambda route: before if "?" in route.request.url else month)
    await ui.open(f"#/vm/{SHOP}/shop-web-1")
    over_time = ui.section("RPO over time")

    canvas = over_time.locator(".chart canvas")
    await expect(canvas).to_have_count(1)
    drawn, gap = await canvas.evaluate(_DRAWN)
    assert drawn > 27 * gap / 2 > 200
    await over_time.get_by_text("The numbers").click()
    await expect(over_time.locator("tbody tr")).to_have_count(30)
    await expect(over_time.locator("tbody tr").nth(28)).to_contain_text("not known")
    assert "\n".join(await violations(ui.page)) == ""

    await ui.click("button", "The month before")
    await ui.shows("No sweep of this month has found an RPO.")
    await ui.click("button", "This month")
    await expect(canvas).to_have_count(1)


async def test_everything_can_be_done_with_the_keyboard(ui: Ui) -> None:
    await ui.open()
    await ui.shows("Needs you")
    await ui.page.keyboard.press("Tab")
    await expect(ui.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(2):
        await ui.page.keyboard.press("Tab")
    await expect(ui.page.get_by_role("link", name="VMs", exact=True)).to_be_focused()
    await ui.page.keyboard.press("Enter")
    await ui.shows("15 VMs")
    await expect(ui.page.get_by_role("main")).to_be_focused()

    sweep = ui.page.get_by_role("button", name="Sweep now …")
    await sweep.focus()
    await ui.page.keyboard.press("Enter")
    await expect(ui.page.locator("dialog :focus")).to_have_count(1)
    await ui.page.keyboard.press("Escape")
    await expect(ui.page.get_by_role("dialog")).to_have_count(0)
    await expect(sweep).to_be_focused()


async def test_a_vm_is_protected_after_its_plan_and_what_the_api_says_is_shown(ui: Ui) -> None:
    await ui.open(f"#/vm/{SHOP}/shop-pay-2")
    await ui.click("button", "Plan …")
    dialog = ui.page.get_by_role("dialog")
    await ui.shows("USD a month", "cache storage account", within=dialog)
    assert "\n".join(await violations(ui.page)) == ""

    await dialog.get_by_text("Overrides").click()
    await dialog.get_by_label("dr-profile").fill("nothing-such")
    await expect(dialog.get_by_role("button", name="Protect as planned")).to_be_disabled()
    await ui.click("button", "Plan with these", dialog)
    await ui.shows("nothing-such", within=dialog)
    await dialog.get_by_label("dr-profile").fill("gold")
    await ui.click("button", "Plan with these", dialog)
    await expect(dialog.get_by_role("button", name="Protect as planned")).to_be_enabled()
    await ui.click("button", "Protect as planned", dialog)

    await ui.shows("202 Accepted.", within=dialog)
    await ui.click("button", "Close", dialog)
    await eventually(lambda: _state(ui, "shop-pay-2", "Protected"), within=60)
    await ui.shows("gold", within=ui.section("Settings, and why"))


async def test_a_setting_of_a_protected_vm_is_changed_after_its_plan(ui: Ui) -> None:
    await ui.open(f"#/vm/{SHOP}/shop-web-2")
    await ui.click("button", "Change a setting …")
    dialog = ui.page.get_by_role("dialog")
    await dialog.get_by_label("dr-priority").fill("high")
    await ui.click("button", "Plan with these", dialog)
    await expect(dialog.get_by_role("button", name="Change as planned")).to_be_enabled()
    assert "\n".join(await violations(ui.page)) == ""
    await ui.click("button", "Change as planned", dialog)
    await ui.shows("202 Accepted.", within=dialog)
    await ui.click("button", "Close", dialog)

    priority = ui.section("Settings, and why").locator("tr").filter(has_text="priority")
    await expect(priority).to_contain_text("high", timeout=longer(30) * 1000)


@pytest.mark.parametrize("portal", ["https://portal.azure.com", "https://portal.azure.us", ""])
async def test_links_lead_into_the_portal_of_the_cloud_that_the_api_names(ui: Ui, portal: str) -> None:
    status = (await ui.stack.api("GET", "status"))[1]
    await ui.answer("status", lambda _: {**status, "portal": portal})
    await ui.open(f"#/vm/{SHOP}/shop-web-1")
    await ui.shows("USD a month", within=ui.section("Replication"))

    links = ui.section("Replication").locator("a[target=_blank]")
    await expect(links).to_have_count(3 if portal else 0)
    targets = [await link.get_attribute("href") for link in await links.all()]
    assert all(target.startswith(f"{portal}/#resource/subscriptions/") for target in targets)
    kinds = ["virtualMachines/shop-web-1", "replicationProtectedItems/", "vaults/dr-vault"] if portal else []
    assert [kind in target for kind, target in zip(kinds, targets, strict=True)] == [True] * len(kinds)


async def test_disable_says_what_would_be_lost_and_asks_for_the_name(ui: Ui) -> None:
    await ui.open(f"#/vm/{SHOP}/shop-db-1")
    await ui.click("button", "Disable …")
    dialog = ui.page.get_by_role("dialog")
    await ui.shows("would be removed for good, and with it", within=dialog)
    button = dialog.get_by_role("button", name="Disable, and lose the recovery points")
    await expect(button).to_be_disabled()
    await dialog.get_by_role("textbox").fill("shop-db-2")
    await expect(button).to_be_disabled()
    await dialog.get_by_role("textbox").fill("shop-db-1")
    await button.click()

    await ui.shows("202 Accepted.", within=dialog)
    await eventually(lambda: _state(ui, "shop-db-1", None), within=60)


async def test_a_vm_is_held_with_a_reason_and_let_go_again(ui: Ui) -> None:
    await ui.open(f"#/vm/{SHOP}/shop-pay-1")
    await ui.click("button", "Hold …")
    dialog = ui.page.get_by_role("dialog")
    await ui.shows("A held VM is left as it is", within=dialog)
    await dialog.get_by_label("Reason").fill("a migration")
    await dialog.get_by_label("Until").fill("2030-12-24T06:00")
    await ui.click("button", "Hold it", dialog)
    await ui.shows("202 Accepted.", within=dialog)
    await ui.click("button", "Close", dialog)
    await ui.shows("OnHold", "a migration")

    await ui.click("button", "Hold …")
    await ui.click("button", "End the hold", dialog)
    await ui.shows("202 Accepted.", within=dialog)


async def test_a_cause_is_acknowledged_in_its_row_and_that_is_ended_there(ui: Ui) -> None:
    await ui.open()
    row = ui.section("Needs you").get_by_role("row", name="VmNotRunning")
    await ui.click("button", "Acknowledge …", row)
    dialog = ui.page.get_by_role("dialog")
    await ui.shows("No message about it arrives", within=dialog)
    await dialog.get_by_label("Reason").fill("its owner knows")
    await dialog.get_by_label("Until").fill("2030-12-24T06:00")
    await ui.click("button", "Acknowledge", dialog)
    await ui.shows("See its row.", within=dialog)
    await ui.click("button", "Close", dialog)
    await ui.shows("Acknowledged until", "its owner knows", within=row)

    await ui.click("button", "Acknowledge …", row)
    await ui.click("button", "End it", dialog)
    await ui.shows("See its row.", within=dialog)
    await ui.click("button", "Close", dialog)
    await expect(row.get_by_text("its owner knows")).to_have_count(0)


async def test_what_the_settings_forbid_is_said_before_anything_is_done(ui: Ui) -> None:
    refused = {"title": "Conflict", "status": 409, "code": "WritesDisabled", "detail": "DR_MODE is report."}
    await ui.answer(
        "subscriptions/**/protection",
        lambda route: (409, refused, {}) if route.request.method == "DELETE" else route.continue_(),
    )
    await ui.open(f"#/vm/{SHOP}/shop-web-1")
    await ui.click("button", "Disable …")

    await ui.shows("WritesDisabled", "DR_MODE is report.")
    await expect(ui.page.get_by_role("dialog").get_by_role("button")).to_have_count(1)


async def _state(ui: Ui, name: str, state: str | None) -> bool:
    subscription, group = SHOP.split("/")
    path = f"subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/{name}/protection"
    _, body = await ui.stack.api("GET", path)
    return not body["running"] and (body["item"] and body["item"]["state"]) == state

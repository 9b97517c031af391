"""Drills on the page: of one VM from the plan to the evidence, and of those that a list shows."""

import re

import pytest

from local import estates
from tests.ui.conftest import NASTY, SHOP, Ui, expect, violations, vm_row
from tests.waiting import longer

DRILL = estates.load(estates.DEMO).drill
assert DRILL
NETWORK = DRILL.body["network"]


async def test_a_drill_is_planned_begun_followed_cleaned_up_and_leaves_its_evidence(ui: Ui) -> None:
    await ui.open(f"#/vm/{SHOP}/shop-web-2")
    drill = ui.section("Drill")
    await ui.click("button", "Drill …")
    dialog = ui.page.get_by_role("dialog")
    await dialog.get_by_label("Network").fill(NETWORK.replace("dr-drill", "none-such"))
    await ui.click("button", "Plan", dialog)
    await ui.shows("DrillNetwork", within=dialog)
    begin = dialog.get_by_role("button", name="Begin the drill")
    await expect(begin).to_be_disabled()

    await dialog.get_by_label("Network").fill(NETWORK)
    await dialog.get_by_label("Recovery point").select_option("latestProcessed")
    await dialog.get_by_label("Keep the test VM").fill("1440")
    await ui.shows("What is asked for has changed: plan again first.", within=dialog)
    await ui.click("button", "Plan", dialog)
    await ui.shows("shop-web-2-test", "2 cores", within=dialog)
    assert "\n".join(await violations(ui.page)) == ""
    await begin.click()
    await ui.shows("202 Accepted.", within=dialog)
    await ui.click("button", "Close", dialog)

    await ui.shows("The drill in progress", within=drill)
    await expect(drill.locator("dl div").filter(has_text="Step")).to_contain_text("kept", timeout=longer(30) * 1000)
    await ui.click("button", "Clean up now …")
    await ui.shows("The test VM and its disks are removed now", within=dialog)
    await ui.click("button", "Clean up now", dialog)
    await ui.shows("202 Accepted.", within=dialog)
    await ui.click("button", "Close", dialog)

    last = drill.get_by_role("heading", name="The last drill")
    await expect(last).to_contain_text("Passed", timeout=longer(30) * 1000)
    await expect(drill.get_by_role("heading", name="The drill in progress")).to_have_count(0)
    await ui.shows("until the agent of the test VM was ready", "old at the request", within=drill)
    await ui.shows("nothing is left of shop-web-2-test", within=drill)
    steps = await drill.get_by_role("region", name="Steps").locator("tbody th").all_inner_texts()
    assert steps == ["Checks and record", "Test failover", "Start of the test VM", "Agent of the test VM", "Cleanup"]
    await expect(drill.get_by_role("region", name="Checks").locator("tbody tr .badge.bad")).to_have_count(0)
    assert "\n".join(await violations(ui.page)) == ""


PLAN = {"vmId": "", "refused": False, "findings": [], "testVm": "/x/web-1-test", "testDisks": []}
PLAN |= {"size": "Standard_D2s_v5", "cores": 2, "recoveryPoint": None, "writesDisabled": ""}


@pytest.mark.parametrize(
    ("status", "code", "detail"),
    [
        (403, "RoleMissing", "The app role dr.drill is required."),
        (409, "DrillsDisabled", "DR_DRILLS is not true: no drill of shop-web-1 is begun."),
        (422, "DrillRefused", "The target group is locked."),
    ],
)
async def test_what_the_api_refuses_to_drill_is_shown_as_it_says(ui: Ui, status: int, code: str, detail: str) -> None:
    await ui.answer("subscriptions/**/drill/plan", lambda _: PLAN)
    await ui.answer(
        "subscriptions/**/drill",
        lambda route: (
            (status, {"title": "No", "status": status, "code": code, "detail": detail}, {})
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    await ui.open(f"#/vm/{SHOP}/shop-pay-1")
    await ui.shows("No drill of it is known.", within=ui.section("Drill"))
    await ui.click("button", "Drill …")
    dialog = ui.page.get_by_role("dialog")
    await dialog.get_by_label("Network").fill(NETWORK)
    await ui.click("button", "Plan", dialog)
    await ui.click("button", "Begin the drill", dialog)

    await ui.shows(code, detail, within=dialog)


async def test_the_vms_of_a_list_are_drilled_a_few_at_a_time_and_the_batch_is_cancelled(ui: Ui) -> None:
    await ui.open("#/vms?state=Protected&q=b-")
    await ui.click("button", "Drill these …")
    dialog = ui.page.get_by_role("dialog")
    await dialog.get_by_label("Network").fill(NETWORK)
    await dialog.get_by_label("Keep the test VM").fill("1440")
    await dialog.get_by_label("At once").fill("1")
    await ui.click("button", "Plan", dialog)
    await ui.shows("3 of 3 drills would begin", "8 cores in all, 4 at a time at most", within=dialog)
    await expect(dialog.locator("tr").filter(has_text="shop-web-1")).to_contain_text("shop-web-1-test")
    assert "\n".join(await violations(ui.page)) == ""
    await ui.click("button", "Begin the drills", dialog)
    await ui.shows("202 Accepted.", within=dialog)
    await ui.click("link", "how it goes", dialog)

    await expect(ui.row("shop-web-1")).to_be_visible()
    await expect(ui.page.locator("tbody tr")).to_have_count(3)
    await ui.shows("running", "Waiting")
    assert "\n".join(await violations(ui.page)) == ""
    await ui.click("link", "Drills", ui.page.get_by_role("main"))
    await expect(ui.section("Batches").locator("tbody tr").first).to_contain_text("running")
    await expect(ui.section("Under way").locator("tbody tr")).to_have_count(1, timeout=longer(20) * 1000)
    await ui.page.go_back()
    await ui.click("button", "Cancel the batch …")
    await ui.shows("No other drill begins", within=dialog)
    await ui.click("button", "Cancel the batch", dialog)
    await ui.shows("202 Accepted.", within=dialog)
    await ui.click("button", "Close", dialog)

    await ui.shows("cancelled")
    await expect(ui.page.get_by_role("button", name="Cancel the batch …")).to_have_count(0, timeout=longer(60) * 1000)
    # The one that ran has passed by then, or was cancelled too.
    rows = ui.page.locator("tbody tr")
    await expect(rows.filter(has_text=re.compile("Cancelled|Passed"))).to_have_count(3)
    assert await rows.filter(has_text="Cancelled").count() >= 2


async def test_a_batch_says_why_a_vm_was_not_drilled_and_takes_no_text_for_html(ui: Ui) -> None:
    finding = {"code": "DrillNotReady", "severity": "blocker", "message": NASTY, "fix": "Wait."}
    vm = {"vmId": vm_row("a<b>")["vmId"], "outcome": "Refused", "findings": [finding]}
    broke = {"vmId": vm_row("web-2")["vmId"], "outcome": "Failed", "error": {"code": "Boot", "message": NASTY}}
    batch = {"batch": "drills-1", "running": False, "cancelled": False, "total": 2, "percent": 100, "atOnce": 5}
    batch |= {"counts": {"Refused": 1, "Failed": 1}, "lastError": None, "virtualMachines": [vm, broke]}
    await ui.answer("drills/drills-1", lambda _: batch)
    await ui.open("#/drills/drills-1")

    await expect(ui.row("a<b>")).to_contain_text("DrillNotReady")
    await expect(ui.row("web-2")).to_contain_text(f"Boot: {NASTY}")
    assert await ui.page.evaluate("document.querySelectorAll('main img, main script').length") == 0

"""Drills on the page: of one VM from the plan to the evidence."""

import pytest

from local import estates
from tests.ui.conftest import SHOP, Ui, expect, violations
from tests.waiting import longer

DRILL = estates.load(estates.DEMO).drill
assert DRILL
NETWORK = DRILL.body["network"]


async def test_a_drill_is_planned_begun_followed_cleaned_up_and_leaves_its_evidence(ui: Ui) -> None:
    await ui.open(f"#/vm/{SHOP}/shop-web-2")
    drill = ui.section("Drill")
    await ui.shows("No drill of it is known.", within=drill)
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
    await ui.open(f"#/vm/{SHOP}/shop-web-1")
    await ui.click("button", "Drill …")
    dialog = ui.page.get_by_role("dialog")
    await dialog.get_by_label("Network").fill(NETWORK)
    await ui.click("button", "Plan", dialog)
    await ui.click("button", "Begin the drill", dialog)

    await ui.shows(code, detail, within=dialog)

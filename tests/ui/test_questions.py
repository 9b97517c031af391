"""What an operator asks, answered within two clicks, on the demo's VMs."""

import asyncio
from http import HTTPStatus

from local import estates
from local.screenshots import sweep_and_rest
from local.stack import drill
from tests.ui.conftest import SHOP, Ui, expect
from tests.waiting import eventually, longer


async def test_which_vms_are_not_protected_and_why(ui: Ui) -> None:
    await ui.open()
    needs = ui.section("Needs you")
    await ui.shows("shop-batch-1 is deallocated", "Start the VM: it is checked again when it starts.", within=needs)
    await ui.shows("A2AOperatingSystemNotSupported", within=needs)

    await ui.click("link", "VmNotRunning", needs)

    await expect(ui.page.locator("tbody tr")).to_have_count(1)
    await ui.shows("shop-batch-1", "NotEligible")


async def test_would_all_come_up_if_the_region_were_lost_and_where(ui: Ui) -> None:
    await ui.open()
    lost = ui.section("If eastus were lost now")

    await ui.shows("would come up in westus2", "would not", "1 VmNotRunning", "1 OnHold", within=lost)
    await ui.shows("cores needed", within=lost)

    await lost.get_by_role("link", name="1 VmNotRunning").click()
    await expect(ui.page.locator("tbody tr")).to_have_count(1)


async def test_what_is_the_rpo_now(ui: Ui) -> None:
    await ui.open()
    worst = ui.section("If eastus were lost now").locator("dl div").filter(has_text="Worst RPO")
    await expect(worst.get_by_role("link")).to_have_count(1)

    await worst.get_by_role("link").click()

    await expect(ui.section("Replication").locator("dl div").filter(has_text="RPO").first).to_contain_text("calculated")


async def test_when_was_the_last_test_failover_and_how_long_did_it_take(ui: Ui) -> None:
    request = estates.load(estates.DEMO).drill
    assert request
    path = drill(request.vm)
    assert (await ui.stack.api("POST", path, request.body))[0] == HTTPStatus.ACCEPTED

    async def ended() -> bool:
        return not (await ui.stack.api("GET", path))[1]["running"]

    await eventually(ended)
    await ui.open("#/vms")
    await ui.click("link", request.vm.rpartition("/")[2])

    last = ui.section("Failover").locator("dl div").filter(has_text="Last test failover")
    await expect(last.locator("time")).to_be_visible()
    await ui.shows("Passed", "until the agent of the test VM was ready", within=ui.section("Drill"))


async def test_what_was_protected_last_week(ui: Ui) -> None:
    await ui.open()
    await ui.click("link", "VMs")
    async with ui.page.expect_download() as download:
        await ui.click("button", "Report of the last 7 days")

    report = (await (await download.value).path()).read_text()
    assert "shop-web-1" in report
    assert "<html" in report


async def test_who_enabled_it(ui: Ui) -> None:
    subscription, group = SHOP.split("/")
    path = f"subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/shop-build-1/protection"
    assert (await ui.stack.api("PUT", path, {}))[0] == HTTPStatus.ACCEPTED
    await asyncio.wait_for(sweep_and_rest(ui.stack), longer(30))
    await ui.open(f"#/vm/{SHOP}/shop-build-1")

    await ui.shows("run: Protected", "function key by http", within=ui.section("Timeline"))


async def test_what_does_it_cost(ui: Ui) -> None:
    await ui.open("#/vms")
    await ui.click("link", "shop-pay-1")

    await ui.shows("USD a month", within=ui.section("Replication"))


async def test_what_failed_when_and_what_is_to_be_done(ui: Ui) -> None:
    await ui.open()
    await ui.click("link", "Jobs")
    await ui.page.get_by_role("combobox", name="State").select_option("Failed")

    row = ui.row("etl-1")
    await expect(row).to_contain_text("151066")
    await expect(row.locator("time").first).to_be_visible()
    await expect(row.locator(".fix")).to_be_visible()


async def test_why_has_it_this_target_value(ui: Ui) -> None:
    await ui.open(f"#/vm/{SHOP}/shop-pay-1")

    row = ui.section("Settings, and why").locator("tr").filter(has_text="targetZone")
    await expect(row.locator("td").nth(1)).not_to_be_empty()
    await expect(row.locator("td").nth(2)).not_to_be_empty()


async def test_when_is_the_next_try(ui: Ui) -> None:
    await ui.open()

    row = ui.section("Needs you").locator("tr").filter(has_text="NotEligibleForReplication")
    await expect(row.locator("td").last.locator("time")).to_be_visible()


async def test_how_do_i_make_it_sweep_now(ui: Ui) -> None:
    before = (await ui.stack.api("GET", "status"))[1]["lastSweep"]["readAt"]
    await ui.open()
    await ui.click("button", "Sweep now …")
    dialog = ui.page.get_by_role("dialog")
    await ui.shows("A sweep reads every VM and vault", within=dialog)
    assert (await ui.stack.api("GET", "status"))[1]["lastSweep"]["readAt"] == before

    await ui.click("button", "Sweep now", dialog)

    await ui.shows("202 Accepted.", "The sweep has begun.", within=dialog)

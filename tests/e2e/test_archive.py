"""The archive and the report: what runs and sweeps leave there, who asked, and that a lost archive stops nothing."""

import json
from functools import partial
from pathlib import Path

import pytest

from local.archive import main as archive
from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import route_of, write_event
from tests.e2e.sweeping import compliance, settled, sweep
from tests.waiting import eventually

PRINCIPAL = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def tagged_by(vm: str) -> dict[str, object]:
    event = write_event(vm, "Microsoft.Resources/tags/write")
    evidence = {"principalId": PRINCIPAL, "principalType": "ServicePrincipal"}
    return event | {"data": {**event["data"], "authorization": {"evidence": evidence}}}


async def is_protected(stack: Stack, vm: str) -> bool:
    return bool((await compliance(stack))[vm.lower()]["state"] == "Protected")


async def protect_both(stack: Stack, tagged: str, asked_for: str) -> None:
    """One by its tag, of which an event tells, and one by a request with a function key."""
    assert await stack.deliver(tagged_by(tagged)) == 202
    assert (await stack.api("PUT", route_of(asked_for)))[0] == 202
    for vm in (tagged, asked_for):
        await eventually(partial(is_protected, stack, vm), within=90)
    await settled(stack)


def runs_of(folder: Path) -> dict[str, list[str]]:
    """Who asked, by the VM."""
    found = [json.loads(file.read_text()) for file in sorted(folder.rglob("runs/*/*.json"))]
    return {
        run["result"]["vmId"].rpartition("/")[2]: [" ".join(map(str, caller.values())) for caller in run["askedBy"]]
        for run in found
        if run["result"]["outcome"] == "Protected"
    }


@pytest.mark.long
async def test_who_asked_and_what_was_found_is_in_the_archive_and_in_the_report_and_in_no_log(
    start_stack: StartStack,
) -> None:
    made = [estates.vm("web-1"), estates.vm("web-2", tagged=False), estates.vm("web-3", tagged=False)]
    web_1, web_2, _ = (vm["id"] for vm in made)
    async with start_stack(estates.estate(made)) as stack:
        await protect_both(stack, web_1, web_2)
        for _ in range(2):
            await sweep(stack)
        status, report = await stack.api("GET", "report")
        logs = stack.log_of("host") + stack.log_of("simulator")
        instances = await stack.instances()
        shown = json.dumps([[each["output"], each["customStatus"]] for each in instances])
        folder = stack.folder / "archive"

    assert f"application event {PRINCIPAL}" in runs_of(folder)["web-1"]
    assert "function key http " in runs_of(folder)["web-2"]
    assert PRINCIPAL not in logs + shown
    assert archive(["verify", str(folder)]) == 0
    assert (status, report["archive"], report["unread"]) == (200, True, [])
    rows = {row["vmId"].rpartition("/")[2]: row for row in report["value"]}
    assert rows.keys() == {"web-1", "web-2"}
    assert {row["state"] for row in rows.values()} == {"Protected"}
    for row in rows.values():
        seconds = row["seconds"]
        assert seconds["compliant"] + seconds["notCompliant"] + seconds["unknown"] == seconds["total"]
        assert row["protectedSince"]
        assert [change["outcome"] for change in row["changes"]] == ["Protected"]
    page = (folder.parent / "archive-latest" / "index.html").read_text()
    assert web_1.lower() in page.lower()
    assert "unplannedFailover" in page


@pytest.mark.long
async def test_an_archive_that_is_lost_stops_nothing_and_is_said(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    lost = {"DR_ARCHIVE": "/proc/no-such-folder"}
    async with start_stack(estates.estate([vm]), settings=lost) as stack:
        assert await stack.deliver(tagged_by(vm["id"])) == 202
        await eventually(lambda: is_protected(stack, vm["id"]), within=90)
        await settled(stack)
        ended = await sweep(stack)
        published = await stack.published()
        status, report = await stack.api("GET", "report")
        log = stack.log_of("host")

    assert (ended.error, ended.gaps) == (None, ())
    assert "ArchiveNotWritable: " in log
    assert PRINCIPAL not in log
    swept = [event["data"] for event in published["events"] if event["type"] == "AzureVmDr.SweepCompleted"]
    assert [finding["code"] for finding in swept[-1]["stopped"]] == ["ArchiveNotWritable"]
    assert status == 200
    assert (report["value"], len(report["daysWithoutData"])) == ([], 30)

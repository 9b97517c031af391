"""How the app reports what it did: one event at the topic, one line in the log, and numbers, over real sockets."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event
from tests.e2e.sweeping import SWEEP, sweep
from tests.ingestion import ingestion
from tests.waiting import eventually

CACHE = estates.resource_id("Microsoft.Storage/storageAccounts", "portalcache")
AGENT = {
    "times": 3,
    "code": "151066",
    "message": "The agent could not be installed.",
    "possibleCauses": "",
    "recommendedAction": "Open port 443.",
}


def decisions(stack: Stack, decision: str = "") -> list[dict[str, Any]]:
    """The lines of the log that report a decision, as Application Insights would hold them."""
    lines = stack.log_of("host").splitlines()
    reported = [json.loads(line.partition("INFO dr.decision: ")[2]) for line in lines if "INFO dr.decision: " in line]
    return [line for line in reported if decision in ("", line["decision"])]


def without_messages(reported: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in reported["events"] if "schemaVersion" not in event["data"]]


def protected_by_others(count: int, **item: Any) -> dict[str, Any]:
    """VMs that the portal has protected, but for the disk that was attached later."""
    vms = [estates.vm(f"web-{number:03}", disks=2) for number in range(count)]
    estate = estates.estate(vms)
    estate["networks"][0]["subnets"][0]["prefix"] = "10.1.0.0/20"
    estate["networks"].append(estates.network(2, "failover-net", estates.TARGET))
    estate["storageAccounts"] = [{"id": CACHE, "location": estates.SOURCE}]
    estate["resourceGroups"] = [{"id": f"{estates.GROUP}-asr", "location": estates.TARGET}]
    items = [
        {
            "name": f"item-{number:03}",
            "virtualMachine": vm["id"],
            "recoveryResourceGroup": f"{estates.GROUP}-asr",
            "cacheStorageAccount": CACHE,
            "recoveryNetwork": estates.network_id("failover-net"),
            "disks": [{"name": f"web-{number:03}-disk0"}],
            **item,
        }
        for number, vm in enumerate(vms)
    ]
    return estate | {"siteRecovery": [estates.site_recovery(items=items)]}


# A run


async def test_from_tag_to_protected_one_event_and_a_line_for_each_step(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm])) as stack:
        await stack.deliver(write_event(vm["id"]), write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]
        reported, lines = await stack.published(), decisions(stack)
        await stack.deliver(write_event(vm["id"]))
        await eventually(lambda: _ended_with(stack, "Protected", 2))
        again, lines_again = await stack.published(), decisions(stack)

    (event,) = reported["events"]
    assert event["type"] == "AzureVmDr.Protected"
    assert (event["subject"].lower(), event["source"].lower()) == (vm["id"].lower(), estates.VAULT.lower())
    assert event["data"]["itemId"] == result["itemId"]
    assert event["data"]["findings"] == []
    assert [line["decision"] for line in lines] == ["enable", "Protected"]
    assert lines[0]["job"]
    assert lines[0]["vm"].lower() == lines[1]["vm"].lower() == vm["id"].lower()
    # Merely looked at, it is no news; but that nothing had to be done was a decision, too.
    assert again == reported
    assert [line["decision"] for line in lines_again] == ["enable", "Protected", "Protected"]


async def _ended_with(stack: Stack, decision: str, times: int) -> bool:
    return len(decisions(stack, decision)) == times


async def test_what_cannot_be_protected_or_is_not_asked_for(start_stack: StartStack) -> None:
    off, plain = estates.vm("off", power="deallocated"), estates.vm("plain", tagged=False)
    far = estates.vm_id("far").replace(estates.SUBSCRIPTION, "22222222-2222-4222-8222-222222222222")
    async with start_stack(estates.estate([off, plain])) as stack:
        await stack.deliver(*(write_event(vm) for vm in (off["id"], plain["id"], far)))
        await results(stack, 2)  # none of a VM out of scope
        reported, lines = await stack.published(), decisions(stack)

    (event,) = reported["events"]
    assert (event["type"], event["subject"].lower()) == ("AzureVmDr.NotEligible", off["id"].lower())
    (finding,) = event["data"]["findings"]
    assert (finding["code"], finding["severity"]) == ("VmNotRunning", "blocker")
    assert finding["message"]
    assert finding["fix"]
    rules = {line["vm"].rsplit("/", 1)[1]: line["rule"] for line in lines}
    assert rules == {"off": ["VmNotRunning"]}


async def test_a_failure_is_reported_with_its_cause_and_counted(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", failEnable=AGENT)
    async with ingestion() as endpoint:
        settings = {"APPLICATIONINSIGHTS_CONNECTION_STRING": endpoint.connection_string}
        async with start_stack(estates.estate([vm]), settings=settings) as stack:
            await stack.deliver(write_event(vm["id"]))
            assert (await results(stack, 1))["web-1"]["outcome"] == "Failed"
            reported, lines = await stack.published(), decisions(stack)

    (event,) = reported["events"]
    assert event["type"] == "AzureVmDr.Failed"
    error = event["data"]["error"]
    assert (error["code"], error["action"]) == ("151066", "Open port 443.")
    counted = Counter(line["decision"] for line in lines)
    assert counted == {"enable": 3, "remove": 2, "Failed": 1}
    assert lines[-1]["error"] == "151066"
    assert [point["value"] for point, _ in endpoint.metrics("dr.enables.failed")] == [1]


async def test_a_vm_that_was_disabled_is_reported(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    settings = {"DR_MODE": "cleanup", "DR_MAX_DISABLE_PERCENT_PER_DAY": "100", "DR_OPT_OUT_GRACE_HOURS": "0"}
    async with start_stack(estates.estate([vm]), settings=settings) as stack:
        await stack.deliver(write_event(vm["id"]))
        await results(stack, 1)
        await stack.tag(vm["id"], dr="false")
        await stack.deliver(write_event(vm["id"]))
        await eventually(lambda: _ended_with(stack, "Disabled", 1))
        await results(stack, 1)
        reported, lines = await stack.published(), decisions(stack)

    assert [event["type"] for event in reported["events"]] == ["AzureVmDr.Protected", "AzureVmDr.Disabled"]
    assert [line["decision"] for line in lines] == ["enable", "Protected", "disable", "Disabled"]
    assert lines[2]["rule"] == ["UntaggedButProtected"]


# A topic that does not take it


async def test_a_topic_that_is_down_keeps_no_run_from_its_end(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    settings = {"DR_OUTCOME_TOPIC_ENDPOINT": "https://localhost:1/api/events"}
    async with start_stack(estates.estate([vm]), settings=settings) as stack:
        await stack.deliver(write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]
        log = stack.log_of("host")

    assert (result["outcome"], result["findings"]) == ("Protected", [])
    assert log.count("WARNING dr.topic: Not all events were published to the topic") == 3
    assert len(decisions(stack, "Protected")) == 1


@pytest.mark.parametrize("kind", [{"kind": "throttle"}, {"kind": "status", "status": 503}], ids=["429", "503"])
async def test_a_topic_that_comes_back_is_reported_once(start_stack: StartStack, kind: dict[str, Any]) -> None:
    vm = estates.vm("off", power="deallocated")
    async with start_stack(estates.estate([vm])) as stack:
        await stack.sim("POST", "faults", {"match": {"path": "^/topics/"}, "times": 2, **kind})
        await stack.deliver(write_event(vm["id"]))
        await results(stack, 1)
        reported = await stack.published()

    assert [event["type"] for event in reported["events"]] == ["AzureVmDr.NotEligible"]
    assert len(decisions(stack, "NotEligible")) == 1


async def test_without_a_topic_no_one_is_reported(start_stack: StartStack) -> None:
    vm = estates.vm("off", power="deallocated")
    async with start_stack(estates.estate([vm]), settings={"DR_OUTCOME_TOPIC_ENDPOINT": ""}) as stack:
        await stack.deliver(write_event(vm["id"]))
        await results(stack, 1)
        reported = await stack.published()

    assert reported["calls"] == 0
    assert "dr.topic" not in stack.log_of("host")


# A sweep


@pytest.mark.long
async def test_a_sweep_reports_three_hundred_vms_in_two_calls_and_the_estate_in_numbers(
    start_stack: StartStack,
) -> None:
    estate = protected_by_others(300)
    async with ingestion() as endpoint:
        settings = {"APPLICATIONINSIGHTS_CONNECTION_STRING": endpoint.connection_string}
        async with start_stack(estate, settings=settings) as stack:
            report = await sweep(stack)
            reported, lines = await stack.published(), decisions(stack)

    assert (report.summary.required, report.summary.compliant) == (300, 0)
    # The messages have a call of their own, before: a failure of the rest repeats none of them.
    assert reported["calls"] == 2
    *unhealthy, swept = without_messages(reported)
    assert {event["type"] for event in unhealthy} == {"AzureVmDr.Unhealthy"}
    assert {event["subject"].lower() for event in unhealthy} == {vm["id"].lower() for vm in estate["virtualMachines"]}
    assert len({event["id"] for event in (*unhealthy, swept)}) == 301
    assert "DiskNotProtected" in {finding["code"] for finding in unhealthy[0]["data"]["findings"]}
    assert (swept["type"], swept["data"]["outcome"]) == ("AzureVmDr.SweepCompleted", "complete")
    assert swept["data"]["byFinding"]["DiskNotProtected"] == 300
    (line,) = lines
    assert (line["decision"], line["required"], line["compliant"], line["gaps"]) == ("sweep", 300, 0, 0)
    values = {
        name: [(point["value"], told_apart) for point, told_apart in endpoint.metrics(name)]
        for name in ("dr.vms.required", "dr.vms.compliant", "dr.vms.protected", "dr.sweep.completed")
    }
    assert values == {
        "dr.vms.required": [(300, {})],
        "dr.vms.compliant": [(0, {})],
        "dr.vms.protected": [(300, {})],
        "dr.sweep.completed": [(1, {"outcome": "complete"})],
    }
    drifted = {apart["finding"]: point["value"] for point, apart in endpoint.metrics("dr.vms.drifted")}
    assert drifted["DiskNotProtected"] == 300
    ((rpo, pair),) = endpoint.metrics("dr.rpo.seconds")
    assert rpo["count"] == 300
    assert rpo["min"] <= rpo["max"]
    assert (pair["source"], pair["target"], pair["vault"].lower()) == (
        estates.SOURCE,
        estates.TARGET,
        estates.VAULT.lower(),
    )


async def test_a_topic_that_is_down_keeps_no_sweep_from_its_end(start_stack: StartStack) -> None:
    settings = {"DR_OUTCOME_TOPIC_ENDPOINT": "https://localhost:1/api/events"}
    async with start_stack(protected_by_others(2), settings=settings) as stack:
        report = await sweep(stack)

    assert report.error is None
    assert len(decisions(stack, "sweep")) == 1


# Old histories


@pytest.mark.embedded_history
async def test_a_sweep_purges_what_ended_long_ago_and_nothing_that_waits(start_stack: StartStack) -> None:
    old, recent = estates.vm("old", power="deallocated"), estates.vm("recent", power="deallocated")
    waiting = estates.vm("waiting", provisioningState="Updating")
    # So slow that what Azure is busy with stays so.
    async with start_stack(estates.estate([old, recent, waiting]), speed=1) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in (old, recent, waiting)))
        await eventually(lambda: _ended_with(stack, "NotEligible", 2))
        await eventually(lambda: _are(stack, {"Completed": 2, "Running": 1}))
        await stack.stop_process("host")
        with closing(sqlite3.connect(stack.folder / "host" / "history.db")) as history, history:
            month = 31 * 24 * 3600
            history.execute("UPDATE instances SET created = created - ? WHERE id NOT LIKE '%recent%'", (month,))
        await stack.start_host()
        await stack.run_timer(SWEEP)
        left = await eventually(lambda: _left_by_a_sweep(stack))
        log = stack.log_of("host")

    assert left == {"recent": "Completed", "waiting": "Running"}
    assert "dr.history" not in log


async def _left_by_a_sweep(stack: Stack) -> dict[str, str] | None:
    """The runs by VM, once the sweep has ended."""
    found = {each["instanceId"]: each["runtimeStatus"] for each in await stack.instances()}
    if found.pop(SWEEP, "") != "Completed":
        return None
    return {instance.split("-")[1]: status for instance, status in found.items()}


async def _are(stack: Stack, expected: dict[str, int]) -> bool:
    return Counter(each["runtimeStatus"] for each in await stack.instances()) == expected

"""The steps of a drill before a simulator, one after the other as its run takes them: nothing of it is left."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from activities.advance_drills import advance_drills
from activities.clean_up_drill import clean_up_drill
from activities.finish_drill import finish_drill
from activities.look_at_drill import look_at_drill
from activities.monitor_job import monitor_job
from activities.prepare_drill import prepare_drill
from activities.start_drill import start_drill
from shared.arm.client import Azure
from shared.config.intervals import LONGEST_BOOT
from shared.model.activity_io import DrillRequest, DrillStep, JobRequest, Refused
from shared.model.drill import Drill, DrillOrder, DrillOutcome
from shared.model.drill_words import LATEST, LATEST_PROCESSED
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.observe.drill import preflight
from shared.observe.drill_needs import drill_needs
from shared.observe.due_drills import due_drills
from shared.observe.inventory import compliance_report
from shared.reconcile.drill_batch import DrillBatchProgress, DrillBatchRequest
from shared.reconcile.inventory import ComplianceReport
from shared.reporting.drill_record import record_of
from tests import estates
from tests.e2e.overrides import DIAGNOSTICS
from tests.e2e.test_drill import NETWORK, world
from tests.integration.app.conftest import Reach
from tests.unit.app.fake_durable import FakeDurableClient
from tests.waiting import longer
from triggers.drill import post_drill_plan
from triggers.drills import post_drills_plan

SPEED = 600
POLL = 30 / SPEED
SETTINGS: dict[str, Any] = {
    "vault_ids": estates.VAULT,
    "source_scope": estates.GROUP,
    "target_scope": f"/subscriptions/{estates.SUBSCRIPTION}",
    "deployment": "local",
    "poll_seconds": POLL,
    "drills": True,
}
VM = ResourceId(estates.vm_id("web-1"))
ORDER = DrillOrder(network=ResourceId(NETWORK), recovery_point=LATEST_PROCESSED)
STEP = DrillStep(vm_id=VM)


async def ready(step: Callable[[], Awaitable[StepResult]]) -> StepResult:
    """What the step returns once it is not pending any more."""
    async with asyncio.timeout(longer(60)):
        while True:
            outcome = await step()
            if not isinstance(outcome, Pending):
                return outcome
            await asyncio.sleep(outcome.retry_after)


async def followed(azure: Azure, started: StepResult) -> StepResult:
    """The end of the job that a step has started."""
    assert isinstance(started, Ready)
    job = JobRequest.load(started.value)
    return await ready(lambda: monitor_job(azure, job))


async def begun(azure: Azure, order: DrillOrder = ORDER) -> None:
    assert await prepare_drill(azure, DrillRequest(vm_id=VM, token="t1", order=order)) == Ready()
    assert await followed(azure, await ready(lambda: start_drill(azure, STEP))) == Ready()


async def cleaned(azure: Azure) -> Drill:
    assert await followed(azure, await ready(lambda: clean_up_drill(azure, STEP))) == Ready()
    outcome = await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
    assert isinstance(outcome, Ready)
    return Drill.load(outcome.value["drill"])


@pytest.mark.parametrize("point", [LATEST, LATEST_PROCESSED])
async def test_a_drill_passes_and_leaves_its_evidence_alone(reach: Reach, point: str) -> None:
    async with reach(world("web-1"), speed=SPEED, **SETTINGS) as reached:
        azure, order = reached.azure, ORDER.with_(recovery_point=point)
        await begun(azure, order)
        assert await prepare_drill(azure, DrillRequest(vm_id=VM, token="t1", order=order)) == Ready()
        assert isinstance(await start_drill(azure, STEP), Ready)
        assert await ready(lambda: look_at_drill(azure, STEP)) == Ready()
        drill = await cleaned(azure)
        posts = [each["path"] for each in reached.calls("testFailover") if each["method"] == "POST"]
        last, open_now = await azure.drills.last(VM), await azure.drills.open()
    assert (drill.outcome, drill.left, last, open_now) == (DrillOutcome.PASSED, (), drill, ())
    assert [path.rsplit("/", 1)[1] for path in posts] == ["testFailover", "testFailoverCleanup"]
    assert {check.name for check in drill.checks if check.passed} >= {"exists", "running", "agent", "disks"}
    assert (drill.point is not None) == (point == LATEST_PROCESSED)


async def test_a_drill_that_did_not_come_up_is_cleaned_up_and_says_why(reach: Reach) -> None:
    async with reach(world("web-1", testFailover={"boot": "no-agent"}), speed=SPEED, **SETTINGS) as reached:
        azure, failed = reached.azure, Error(code="TestVmNotReady", message="It hangs.")
        await begun(azure)
        seen = await look_at_drill(azure, STEP.with_(last=True))
        assert await followed(azure, await ready(lambda: clean_up_drill(azure, STEP.with_(error=failed)))) == Ready()
        assert await ready(lambda: clean_up_drill(azure, STEP)) == Ready()
        outcome = await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
    assert isinstance(seen, Ready)
    assert Error.load(seen.value["error"]).code == "TestVmNotReady"
    assert isinstance(outcome, Ready)
    assert Drill.load(outcome.value["drill"]).outcome is DrillOutcome.FAILED


@pytest.mark.parametrize(
    ("account", "works", "found"),
    [
        ({}, True, None),
        ({"recoveryBootDiagStorageAccount": DIAGNOSTICS}, True, "on"),
        (
            {"recoveryBootDiagStorageAccount": DIAGNOSTICS},
            False,
            "in error: https://diagchosen.blob.core.windows.net/ cannot be written.",
        ),
    ],
)
async def test_boot_diagnostics_are_looked_at_where_they_are_on(
    reach: Reach, account: dict[str, str], works: bool, found: str | None
) -> None:
    estate = world("web-1", testFailover={"diagnostics": works}, **account)
    async with reach(estate, speed=SPEED, **SETTINGS) as reached:
        await begun(reached.azure)
        assert await ready(lambda: look_at_drill(reached.azure, STEP)) == Ready()
        drill = await cleaned(reached.azure)
    assert drill.outcome is DrillOutcome.PASSED
    assert {check.name: check.found for check in drill.checks}.get("boot diagnostics") == found
    kept = json.dumps([drill.dump(), record_of(drill, datetime.now(UTC)).dump()])
    assert [word for word in ("sig=", "screenshot", "serialconsole") if word in kept] == []


async def test_what_stands_against_a_drill_is_found_before_anything_is_begun(reach: Reach) -> None:
    estate = world("web-1")
    estate["networks"][-1]["subnets"][0]["defaultOutboundAccess"] = True
    missing = ResourceId(NETWORK.replace("dr-drill", "nowhere"))
    async with reach(estate, speed=SPEED, **SETTINGS) as reached:
        open_network = await preflight(reached.azure, VM, ORDER)
        no_network = await preflight(reached.azure, VM, ORDER.with_(network=missing))
        no_point = await preflight(reached.azure, VM, ORDER.with_(recovery_point="no-point"))
        refused = await prepare_drill(reached.azure, DrillRequest(vm_id=VM, token="t1", order=ORDER))
        records = await reached.azure.drills.open()
    assert [each.code for each in open_network.findings] == ["DrillNetworkNotIsolated"]
    assert [each.code for each in no_network.findings] == ["DrillNetworkNotIsolated"]
    assert [each.code for each in no_point.findings] == ["DrillNetworkNotIsolated", "DrillPointUnknown"]
    assert isinstance(refused, Ready)
    assert Refused.load(refused.value).findings == open_network.findings
    assert records == ()


PRICES = '{"coreHour": 0.05, "diskGb": {"Premium_LRS": 0.15}}'


async def test_plans_say_what_would_begin_and_a_batch_begins_what_fits(reach: Reach) -> None:
    body = {"network": NETWORK}
    route = {"subscription": estates.SUBSCRIPTION, "group": "app", "name": "web-1"}
    vms = tuple(ResourceId(estates.vm_id(name)) for name in ("web-1", "web-2"))
    estate = world("web-1", "web-2")
    place = {"subscription": estates.SUBSCRIPTION, "location": estates.TARGET, "used": 0}
    estate["quotas"] = [{**place, "name": name, "limit": 2} for name in ("cores", "standardDSv5Family")]
    settings = {**SETTINGS, "profiles": scheduled(datetime.now(UTC)), "prices": PRICES}
    async with reach(estate, speed=SPEED, **settings) as reached:
        kept = {**body, "keepMinutes": 60}
        plan = json.loads((await post_drill_plan(reached.azure, request(kept, route))).get_body())
        many = {"virtualMachines": list(map(str, vms)), "drill": kept}
        plans = json.loads((await post_drills_plan(reached.azure, request(many, {}))).get_body())
        batch = DrillBatchRequest(waiting=vms, running=(), order=ORDER, at_once=5, token="drills-1")
        outcome = await advance_drills(reached.azure, batch, FakeDurableClient())
        due = await due_drills(
            reached.azure, await compliance_report(reached.azure), (await compliance_report(reached.azure)).read_at
        )
    assert (plan["refused"], plan["cores"], plan["testVm"].rsplit("/", 1)[-1]) == (False, 2, "web-1-test")
    assert (plans["total"], plans["refused"], plans["cores"], plans["coresAtOnce"]) == (2, 0, 4, 4)
    # Two cores for the hour that the VM is kept, and as long as it may take to come up; two disks of 64 GiB.
    hours = 1 + LONGEST_BOOT * reached.azure.settings.poll_seconds / 3600
    assert plan["cost"]["currency"] == "USD"
    assert (plan["cost"]["vm"], plan["cost"]["disks"]) == (
        pytest.approx(0.05 * 2 * hours, abs=1e-4),
        pytest.approx(2 * 64 * 0.15 / 730 * hours, abs=1e-4),
    )
    assert plans["cost"]["vm"] == pytest.approx(2 * plan["cost"]["vm"])
    assert isinstance(outcome, Ready)
    progress = DrillBatchProgress.load(outcome.value)
    assert (len(progress.running), len(progress.waiting), progress.ended) == (1, 1, ())
    # Never tested, both are due; there is room for one.
    assert [(each.need.vm in vms, each.profile, each.need.cores) for each in due] == [(True, "default", 2)]


def scheduled(now: datetime) -> str:
    """A profile whose window is open."""
    window = f"{now:%H}-{now + timedelta(hours=2):%H}"
    drill = {"everyDays": 30, "window": window, "network": NETWORK, "maxCores": 64, "atOnce": 9}
    return json.dumps({"default": {"drill": drill}})


async def test_a_drill_that_begins_while_the_estate_is_read_is_counted(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report shows its item in test failover, and Azure's usage does not have its VM yet."""
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    async with reach(world("web-1"), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure

        async def read_meanwhile(_: Azure) -> ComplianceReport:
            await begun(azure)
            return await compliance_report(azure, 0)

        monkeypatch.setattr("shared.observe.drill_needs.compliance_report", read_meanwhile)
        needs = await drill_needs(azure, [VM])
        (record,) = await azure.drills.open()
        # It is seen running meanwhile, long after its job: a usage that is cached need not have it.
        seen = datetime.now(UTC) + timedelta(minutes=1)
        await azure.drills.write(record.with_(job_ended_at=long_ago, running_at=seen))
        monkeypatch.undo()
        seen_now = await drill_needs(azure, [VM])
        await azure.drills.write(record.with_(running_at=long_ago))
        seen_before = await drill_needs(azure, [VM])
    assert sorted(set(needs.of(VM).values())) == [2]
    assert list(needs.under_way) == [VM]
    assert [
        before - now for before, now in zip(seen_before.quotas.values(), seen_now.quotas.values(), strict=True)
    ] == [2 * (limit in needs.of(VM)) for limit in seen_now.quotas]


def request(body: Any, route: dict[str, str]) -> func.HttpRequest:
    headers = {"Content-Type": "application/json"}
    return func.HttpRequest(
        "POST", "https://app.example/api/x", headers=headers, route_params=route, body=json.dumps(body).encode()
    )

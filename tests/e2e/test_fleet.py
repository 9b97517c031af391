"""If a region were lost now: who would come up, held against the quotas of the target region."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e import overrides
from tests.e2e.conftest import StartStack
from tests.e2e.overrides import RESERVATION
from tests.e2e.sweeping import compliance, sweep
from tests.waiting import eventually

Json = dict[str, Any]

DEMO = json.loads((Path(estates.__file__).parents[1] / "local" / "estates" / "demo.json").read_text())
DS, ES, TOTAL = "standardDSv5Family", "standardESv5Family", "cores"

FORBIDDEN = {"match": {"path": "/usages"}, "kind": "status", "status": 403, "code": "AuthorizationFailed"}


async def _limits(stack: Stack, limits: dict[str, int], subscription: str = estates.SUBSCRIPTION) -> None:
    quotas = [
        {"subscription": subscription, "location": estates.TARGET, "name": name, "limit": limit}
        for name, limit in limits.items()
    ]
    await stack.sim("PATCH", "quotas", quotas)


async def _over(stack: Stack) -> dict[str, str]:
    """The VMs that a quota does not suffice for, and the quota."""
    found = {}
    for vm, row in (await compliance(stack)).items():
        for finding in row["findings"]:
            if finding["code"] == "TargetQuotaExceeded":
                assert (row["compliant"], row["recoverable"], finding["severity"]) == (False, "no", "warning")
                found[vm.rsplit("/", 1)[-1]] = finding["message"].partition("of the quota ")[2].split()[0]
    return found


@pytest.mark.long
async def test_a_quota_that_does_not_suffice_for_the_fleet_names_vms_until_it_does(start_stack: StartStack) -> None:
    """Three VMs of two cores, two of four of another family, one of two for which cores are reserved."""
    sizes = {"d1": "Standard_D2s_v5", "d2": "Standard_D2s_v5", "d3": "Standard_D2s_v5"}
    sizes |= {"e1": "Standard_E4s_v5", "e2": "Standard_E4s_v5", "reserved": "Standard_D2s_v5"}
    vms = [estates.vm(name, size=size) for name, size in sizes.items()]
    vms[0]["tags"] |= {"dr-priority": "low"}
    items = [overrides.protected(name) for name in sizes if name != "reserved"]
    items.append(overrides.protected("reserved", recoveryCapacityReservationGroup=RESERVATION))
    sku = {"name": "Standard_D2s_v5", "capacity": 1}
    kept = {"id": f"{RESERVATION}/capacityReservations/two", "location": estates.TARGET, "sku": sku}
    world = overrides.protected_world(vms, items, resources=[kept])
    async with start_stack(world, settings={"DR_MODE": "report"}) as stack:
        assert await _over(stack) == {}

        # Each quota: a family, then the total of what it leaves. What is reserved is used already.
        for limits, over in (
            ({DS: 6}, {"d1": DS}),
            ({TOTAL: 10}, {"d1": DS, "e2": TOTAL}),
            ({DS: 100}, {"d1": TOTAL, "e2": TOTAL}),
            ({TOTAL: 16}, {}),
            ({ES: 7}, {"e2": ES}),
        ):
            await _limits(stack, limits)
            await _names(stack, over)

        # Another is named where the priority says so.
        await stack.tag(estates.vm_id("e1"), **{"dr-priority": "low"})
        await _names(stack, {"e1": ES})
        status, view = await stack.api("GET", f"compliance?lost={estates.SOURCE}&top=1")
        (region,) = view["recoverable"]
        loads = {load.pop("quota"): load for load in region["cores"]}
        place = {"subscription": estates.SUBSCRIPTION, "region": estates.TARGET}
        assert (status, loads) == (
            200,
            {
                DS: place | {"needed": 6, "reserved": 2, "limit": 100, "used": 2},
                ES: place | {"needed": 8, "reserved": 0, "limit": 7, "used": 0},
                TOTAL: place | {"needed": 14, "reserved": 2, "limit": 16, "used": 2},
            },
        )
        report = await sweep(stack)
        assert (report.summary.recoverable, report.gaps) == (5, ())

        # What cannot be read is neither enough nor exceeded.
        await stack.sim("POST", "faults", FORBIDDEN)
        await _names(stack, {})
        _, view = await stack.api("GET", "compliance?top=1")
        (gap,) = view["gaps"]
        (region,) = view["recoverable"]
        assert "The quotas of" in gap
        assert (region["recoverable"], region["unknown"]) == (0, {"TargetQuotaUnknown": 6})

        await stack.sim("DELETE", "faults")
        await _limits(stack, {ES: 8})

        async def all_come_up() -> bool:
            _, view = await stack.api("GET", "compliance?top=1")
            return (view["recoverable"][0]["recoverable"], view["gaps"]) == (6, [])

        await eventually(all_come_up)


async def _names(stack: Stack, over: dict[str, str]) -> None:
    """Waits until those, and no others, are named."""

    async def named() -> bool:
        return await _over(stack) == over

    await eventually(named)


@pytest.mark.long
async def test_what_the_loss_of_each_region_of_the_demo_would_mean(start_stack: StartStack) -> None:
    settings = {"DR_PROFILES": json.dumps(DEMO["demo"]["profiles"])}
    async with start_stack(DEMO, settings=settings) as stack:
        _, view = await stack.api("GET", "compliance?lost=eastus")
        (region,) = view["recoverable"]
        assert (region["recoverable"], region["cores"]) == (0, [])
        await sweep(stack)

        _, view = await stack.api("GET", "compliance?top=1000")
        regions = {each["region"]: each for each in view["recoverable"]}
        assert {name: (each["total"], each["recoverable"]) for name, each in regions.items()} == {
            "eastus": (9, 4),
            "southcentralus": (3, 3),
        }
        why = ("ManagedResourceGroup", "MissingProtection", "OnHold", "OverrideNotAllowed", "VmNotRunning")
        assert regions["eastus"]["notRecoverable"] == dict.fromkeys(why, 1)
        for name, region in regions.items():
            rows = [row for row in view["value"] if row["region"] == name and row.get("recoverable") == "yes"]
            assert {row["state"] for row in rows} == {"Protected"}
            assert (len(rows), max(row["rpoSeconds"] for row in rows)) == (
                region["recoverable"],
                region["worstRpoSeconds"],
            )

        # A region's loss is held against its own subscription's quota; of the other nothing changes.
        subscription = DEMO["subscriptions"][0]["id"]
        await _limits(stack, {TOTAL: 8}, subscription)

        async def suffices_for_some() -> bool:
            _, view = await stack.api("GET", "compliance?lost=East%20US&top=1000")
            (region,) = view["recoverable"]
            assert {row["region"] for row in view["value"]} == {"eastus"}
            return bool(region["notRecoverable"].get("TargetQuotaExceeded"))

        await eventually(suffices_for_some)
        _, view = await stack.api("GET", "compliance?lost=eastus&finding=TargetQuotaExceeded")
        (region,) = view["recoverable"]
        total = next(load for load in region["cores"] if load["quota"] == TOTAL)
        over = region["notRecoverable"]["TargetQuotaExceeded"]
        assert (total["needed"], total["limit"], over, len(view["value"])) == (12, 8, over, over)
        _, view = await stack.api("GET", "compliance?lost=southcentralus")
        assert view["recoverable"][0]["recoverable"] == 3

        status, problem = await stack.api("GET", "compliance?lost=westus2")
        assert (status, problem["errors"][0]["field"]) == (400, "lost")
        assert problem["errors"][0]["allowed"].endswith("eastus, southcentralus")
        status, text = await stack.api("GET", "compliance?lost=southcentralus&format=csv")
        rows_ = list(csv.DictReader(io.StringIO(text)))
        assert (status, {row["region"] for row in rows_}) == (200, {"southcentralus"})

"""A sweep of a very large estate that finds nothing to do: 50,000 VMs in 40 subscriptions, protected in five vaults."""

import json
from collections.abc import Mapping
from typing import Any

from local.bench.scenario import RECORDED, Run, Scenario
from local.bench.sweeps import clean_sweep, estate_of

VMS, SUBSCRIPTIONS, VAULTS = 50_000, 40, 5


async def _measure(run: Run) -> dict[str, float]:
    estate = large_estate(VMS)
    run.say(f"{VMS:,} VMs in {SUBSCRIPTIONS} subscriptions and {VAULTS} vaults")
    large = await clean_sweep(run.folder, estate, **settings_of(estate))
    run.say_calls(large.requests)
    return {
        "large.calls": len(large.requests),
        "large.memory": large.memory,
        "large.elapsed": large.elapsed,
    }


def large_estate(count: int) -> dict[str, Any]:
    """As many VMs in each subscription, each with networks and a target group of its own; a vault for every eight."""
    parts = [_subscription(number, count // SUBSCRIPTIONS) for number in range(SUBSCRIPTIONS)]
    estate: dict[str, Any] = parts[0] | {"siteRecovery": []}
    for part in parts[1:]:
        for name in ("subscriptions", "resourceGroups", "networks", "storageAccounts", "virtualMachines"):
            estate[name] = estate[name] + part[name]
    estate["vaults"] = [part["vaults"][0] for part in parts[:VAULTS]]
    for vault in range(VAULTS):
        [recovery] = parts[vault]["siteRecovery"]
        for part in parts[vault + VAULTS :: VAULTS]:
            for name in ("networkMappings", "protectedItems"):
                recovery[name] += part["siteRecovery"][0][name]
        estate["siteRecovery"].append(recovery)
    return estate


def settings_of(estate: Mapping[str, Any]) -> dict[str, str]:
    """The settings for several vaults; no VM is enabled, so the map of regions decides nothing."""
    vaults = [vault["id"] for vault in estate["vaults"]]
    regions = {vm["location"] for vm in estate["virtualMachines"]}
    return {
        "DR_VAULT_IDS": ",".join(vaults),
        "DR_REGION_MAP": json.dumps({region: {"vault": vaults[0]} for region in sorted(regions)}),
    }


def _subscription(number: int, count: int) -> dict[str, Any]:
    """A generated estate, with names that no other subscription has."""
    estate = estate_of(count, protected=1)
    [given] = estate["subscriptions"]
    text = json.dumps(estate).replace(given["id"], f"{given['id'][:-2]}{number:02}")
    for name in ("vm-", "item-", "vnet-", "storageAccounts/cache"):
        text = text.replace(name, f"{name}{number:02}{'-' if name[-1] == '-' else ''}")
    found: dict[str, Any] = json.loads(text)
    return found


SCENARIO = Scenario(
    f"a sweep of {VMS:,} VMs in {SUBSCRIPTIONS} subscriptions and {VAULTS} vaults, where nothing is to be done",
    _measure,
    RECORDED,
)

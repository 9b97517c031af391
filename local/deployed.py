"""What a deployment of infra/ prepares for an estate: the scopes of the app, and the resource groups in them.

It names a target group `<name>-asr` for each resource group with VMs, or with their networks; those of `targets` in the
part `demo` of the estate; and the regions of the VMs, each of which gets a group for cache accounts.
"""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def scopes(estate: Mapping[str, Any]) -> dict[str, str]:
    """The settings DR_SOURCE_SCOPE and DR_TARGET_SCOPE."""
    vms = estate.get("virtualMachines", ())
    used = [each for vm in vms for each in (vm["id"], *(nic["subnet"] for nic in vm.get("nics", ())))]
    groups = [f"{_group(each)}-asr" for each in used]
    caches = [f"{_subscription(vm['id'])}/resourceGroups/asr-cache-{vm['location']}" for vm in vms]
    targets = estate.get("demo", {}).get("targets", ())
    distinct = {each.lower(): each for each in (*groups, *targets, *caches)}
    return {
        "DR_SOURCE_SCOPE": ",".join(f"/subscriptions/{each['id']}" for each in estate["subscriptions"]),
        "DR_TARGET_SCOPE": ",".join(distinct.values()),
    }


def with_groups(estate: Mapping[str, Any], target_scope: str) -> Json:
    """The estate with the resource groups of a target scope. Those for cache accounts have a region in their names."""
    there = {each["id"].lower() for each in estate.get("resourceGroups", ())}
    regions = {vm["location"] for vm in estate.get("virtualMachines", ())}
    target = estate["vaults"][0]["location"]
    made = [
        {"id": each, "location": next((region for region in regions if _name(each).endswith(region)), target)}
        for each in target_scope.split(",")
        if "/resourcegroups/" in each.lower() and "/providers/" not in each and each.lower() not in there
    ]
    return {**estate, "resourceGroups": [*estate.get("resourceGroups", ()), *made]}


def _subscription(resource: str) -> str:
    return "/".join(resource.split("/")[:3])


def _group(resource: str) -> str:
    return "/".join(resource.split("/")[:5])


def _name(group: str) -> str:
    return group.rpartition("/")[2]

"""Generates large estates from a few numbers; the same numbers give the same estate."""

import random
from typing import Any

from local.simulator.estate.fields import Fields
from local.simulator.ids import group_id
from local.simulator.wire import Json

_SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
_PER_NETWORK = 1000  # VMs in one network: a subnet of it holds 4,090


def generate(raw: Any) -> Json:
    """`{"vms": n, "tagged": share, "protected": share of the tagged, "regions": [sources..., target], "seed": 0}`.

    Each source region has its resource group, networks and cache account; the vault, and a target network for each
    source network, are in the last region. Raises ValueError.
    """
    fields = Fields(raw, "generate", "vms tagged protected regions seed")
    count = fields.need("vms", int)
    regions: list[str] = fields.get("regions", list, ["eastus", "westus2"])
    if len(regions) < 2:
        raise ValueError("generate: regions needs at least a source and, as the last one, the target")
    *sources, target = regions
    chance = random.Random(fields.get("seed", int, 0))  # noqa: S311 - chance, not secrets
    tagged = [chance.random() < raw.get("tagged", 0.8) for _ in range(count)]
    protected = [each and chance.random() < raw.get("protected", 0.0) for each in tagged]
    target_group = group_id(_SUBSCRIPTION, f"rg-{target}-asr")
    vault = f"{group_id(_SUBSCRIPTION, 'rg-vault')}/providers/Microsoft.RecoveryServices/vaults/vault-{target}"
    estate: Json = {
        "subscriptions": [{"id": _SUBSCRIPTION, "name": "Generated"}],
        "resourceGroups": [{"id": target_group, "location": target}],
        "vaults": [{"id": vault, "location": target}],
        "networks": [],
        "storageAccounts": [{"id": _cache(source), "location": source} for source in sources],
        "virtualMachines": [],
    }
    recovery = _recovery(vault, sources, target) if any(protected) else None
    for index in range(count):
        source = sources[index % len(sources)]
        network = f"vnet-{source}-{index // (_PER_NETWORK * len(sources))}"
        if index // len(sources) % _PER_NETWORK == 0:
            _add_network(estate, recovery, source, target, network, target_group)
        vm = _vm(source, network, f"vm-{index:05}", tagged=tagged[index])
        estate["virtualMachines"].append(vm)
        if recovery and protected[index]:
            recovery["protectedItems"].append(_item(source, target, vm["id"], f"item-{index:05}", target_group))
    if recovery:
        estate["siteRecovery"] = [recovery]
    return estate


def _group(source: str) -> str:
    return group_id(_SUBSCRIPTION, f"rg-{source}")


def _cache(source: str) -> str:
    return f"{_group(source)}/providers/Microsoft.Storage/storageAccounts/cache{source}"[:200]


def _network(group: str, name: str) -> str:
    return f"{group}/providers/Microsoft.Network/virtualNetworks/{name}"


def _add_network(estate: Json, recovery: Json | None, source: str, target: str, name: str, target_group: str) -> None:
    number = len(estate["networks"])
    space = f"10.{number * 16 % 256}.0.0/16"
    subnets = [{"name": "default", "prefix": f"10.{number * 16 % 256}.0.0/20"}]
    here, there = _network(_group(source), name), _network(target_group, f"{name}-asr")
    estate["networks"].append({"id": here, "location": source, "addressSpace": [space], "subnets": subnets})
    if recovery:
        estate["networks"].append({"id": there, "location": target, "addressSpace": [space], "subnets": subnets})
        for fabric, other, primary, secondary in ((source, target, here, there), (target, source, there, here)):
            recovery["networkMappings"].append(
                {
                    "fabric": _fabric(fabric),
                    "name": f"map-{name}-{fabric}",
                    "recoveryFabric": _fabric(other),
                    "primaryNetwork": primary,
                    "recoveryNetwork": secondary,
                }
            )


def _vm(source: str, network: str, name: str, *, tagged: bool) -> Json:
    return {
        "id": f"{_group(source)}/providers/Microsoft.Compute/virtualMachines/{name}",
        "location": source,
        "tags": {"dr": "true"} if tagged else {},
        "disks": [{"name": f"{name}-os", "sizeGB": 64}],
        "nics": [{"name": f"{name}-nic", "subnet": f"{_network(_group(source), network)}/subnets/default"}],
    }


def _fabric(region: str) -> str:
    return f"asr-a2a-default-{region}"


def _recovery(vault: str, sources: list[str], target: str) -> Json:
    policy = "24-hour-retention-policy"
    pairs = [pair for source in sources for pair in ((source, target), (target, source))]
    return {
        "vault": vault,
        "fabrics": [{"name": _fabric(region), "location": region} for region in (*sources, target)],
        "containers": [
            {"fabric": _fabric(region), "name": f"{_fabric(region)}-container"} for region in (*sources, target)
        ],
        "policies": [{"name": policy}],
        "containerMappings": [
            {
                "fabric": _fabric(here),
                "container": f"{_fabric(here)}-container",
                "name": f"{here}-{there}-{policy}",
                "targetFabric": _fabric(there),
                "targetContainer": f"{_fabric(there)}-container",
                "policy": policy,
            }
            for here, there in pairs
        ],
        "networkMappings": [],
        "protectedItems": [],
    }


def _item(source: str, target: str, vm: str, name: str, target_group: str) -> Json:
    return {
        "fabric": _fabric(source),
        "container": f"{_fabric(source)}-container",
        "name": name,
        "virtualMachine": vm,
        "policy": "24-hour-retention-policy",
        "recoveryFabric": _fabric(target),
        "recoveryContainer": f"{_fabric(target)}-container",
        "recoveryResourceGroup": target_group,
        "cacheStorageAccount": _cache(source),
    }

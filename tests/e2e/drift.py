"""An estate in which every finding of a sweep is, each with a VM of its own, and what is to come of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from local.stack import Stack
from tests import estates
from tests.e2e import overrides
from tests.e2e.overrides import protected, protected_world
from tests.waiting import eventually

Json = dict[str, Any]

SETTINGS = {"DR_PROFILES": json.dumps({"open": overrides.OPEN})}
FOREIGN = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/theirs"
FOREIGN_VAULT = f"{FOREIGN}/providers/Microsoft.RecoveryServices/vaults/their-vault"
MOVED = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/shop"
_COMPUTE = "2026-04-01"


@dataclass(frozen=True)
class Case:
    """A VM as the estate has it, what protects it if something does, and what a sweep says of it.

    `healed` is whether a sweep in the mode `protect` fixes it, `refused` whether Azure refuses what the sweep tries,
    `disabled` whether a sweep in `cleanup` ends its protection.
    """

    name: str
    findings: set[str]
    state: str = "Protected"
    tags: dict[str, str] = field(default_factory=lambda: {"dr": "true"})
    vm: Json = field(default_factory=dict)
    item: Json | None = field(default_factory=dict)
    healed: bool = False
    refused: bool = False
    disabled: bool = False

    @property
    def id(self) -> str:
        return estates.vm_id(self.name)

    @property
    def machine(self) -> Json:
        return estates.vm(self.name, **self.vm) | {"tags": self.tags}

    @property
    def protection(self) -> Json | None:
        """An item of this app's making, in good condition and tested, unless the case says otherwise."""
        if self.item is None:
            return None
        condition = {"testedDaysAgo": 10} | self.item.get("condition", {})
        return protected(self.name, nics=[]) | self.item | {"condition": condition}


def asking(**choices: str) -> dict[str, str]:
    asked = {f"dr-{choice.replace('_', '-')}": value for choice, value in choices.items()}
    return {"dr": "true", "dr-profile": "open", **asked}


def fares(**condition: Any) -> Json:
    return {"condition": condition}


_ERROR = {"code": "153006", "message": "No crash-consistent point.", "recommendedAction": "Look at it.", "hoursAgo": 5}
_OF_FAILOVER = _ERROR | {"code": "161099", "category": "TestFailover"}
PORTAL = {"name": "made-in-the-portal"}
_TWO_DISKS = {"disks": 2}

CASES = (
    Case("missing", {"MissingProtection"}, "Unprotected", item=None, healed=True),
    Case("stopped", {"NotEligible", "VmNotRunning"}, "NotEligible", vm={"power": "deallocated"}, item=None),
    Case("failed", {"EnableFailed"}, "Failed", item={"state": "EnablingFailed"}, healed=True),
    Case(
        "stalled",
        {"InitialReplicationStalled"},
        "Protecting",
        item={"state": "InitialReplicationInProgress", **fares(stalledHours=25)},
    ),
    Case("ill", {"Unhealthy"}, item=fares(health="Critical", errors=[_ERROR])),
    Case("unready", {"FailoverNotReady"}, item=fares(errors=[_OF_FAILOVER])),
    Case("doomed", {"FailoverNotReady"}, item=fares(failoverHealth="Critical", errors=[_OF_FAILOVER])),
    Case(
        "seatless",
        {"TargetMissing"},
        item={"recoveryCapacityReservationGroup": f"{overrides.RESERVATION}-gone"},
    ),
    Case("shop-1", {"TargetConflict"}, item={"recoveryVmName": "shop"}),
    Case("shop-2", {"TargetConflict"}, item={"recoveryVmName": "SHOP"}),
    Case("behind", {"RpoBreached"}, item=fares(rpoSeconds=7200)),
    Case("unreckoned", {"RpoBreached"}, item=fares(rpoHoursAgo=3)),
    Case("grown", {"DiskNotProtected"}, vm=_TWO_DISKS, item={"disks": [{"name": "grown-disk0"}]}, healed=True),
    Case(
        "grown-portal",
        {"DiskNotProtected", "NotManagedByApp"},
        vm=_TWO_DISKS,
        item={"disks": [{"name": "grown-portal-disk0"}], "name": "portal-grown"},
    ),
    Case("shrunk", {"DiskRemoved"}, vm=_TWO_DISKS),
    Case("weekly", {"PolicyMismatch"}, item={"policy": "weekly"}),
    Case("sized", {"TargetMismatch"}, tags=asking(target_size="Standard_D4s_v5"), healed=True),
    Case("zoned", {"TargetMismatch"}, tags=asking(target_zone="2"), refused=True),
    Case("elsewhere-in-it", {"NetworkMismatch"}, tags=asking(target_subnet="data"), healed=True),
    Case("grouped", {"ConsistencyGroupMismatch"}, tags=asking(consistency_group="shop")),
    Case("aged", {"AgentOutdated"}, item=fares(agentExpiresInDays=10)),
    Case("certified", {"AgentOutdated"}, item=fares(agentCertificateUpdateRequired=True)),
    Case("untried", {"TestFailoverOverdue"}, item=fares(testedDaysAgo=200)),
    Case("never-tried", {"TestFailoverOverdue"}, item=fares(testedDaysAgo=None)),
    Case("untagged", {"UntaggedButProtected"}, "Untagged", {}, disabled=True),
    Case("refused", {"UntaggedButProtected"}, "Untagged", {"dr": "false"}, disabled=True),
    Case("untagged-portal", {"UntaggedButProtected", "NotManagedByApp"}, "Untagged", {}, item=PORTAL),
    Case("deleted", {"SourceDeleted"}, "SourceGone", disabled=True),
    Case("moved", {"SourceMoved"}, "SourceGone"),
    Case("replaced", {"SourceReplaced"}, "NotEligible", vm=_TWO_DISKS),
    Case("mistyped", {"TagValueUnknown"}, "NotEligible", {"dr": "ture"}),
    Case("on-trial", {"ItemFrozen"}, "Frozen", asking(target_size="Standard_D4s_v5")),
    Case("failed-over", {"ItemFrozen"}, "Frozen", {}, item={"state": "UnplannedFailoverCommitted"}),
    Case("candidate", {"NotTagged"}, "NotTagged", {}, item=None),
    Case("theirs", {"NotEligible", "ProtectedElsewhere"}, "NotEligible", item=None),
    Case("odd", {"NotEligible", "OverrideInvalid"}, "NotEligible", asking(target_zone="9"), item=None),
    Case("odd-and-kept", {"OverrideInvalid"}, tags=asking(target_zone="9")),
    Case(
        "greedy",
        {"NotEligible", "OverrideNotAllowed"},
        "NotEligible",
        {"dr": "true", "dr-target-size": "Standard_D4s_v5"},
        item=None,
    ),
    Case("held", {"OnHold", "TargetMismatch"}, tags=asking(target_size="Standard_D4s_v5", hold="")),
)
COPY = f"{overrides.CHOSEN}/providers/Microsoft.Compute/virtualMachines/on-trial-test"
ARRIVED = f"{MOVED}/providers/Microsoft.Compute/virtualMachines/moved"


def estate() -> Json:
    """As it can be loaded: what has to be done to it afterwards is `disturb`'s."""
    arrived = estates.vm(
        "moved", nics=[{"name": "arrived-nic", "subnet": f"{estates.network_id('vnet-app')}/subnets/web"}]
    )
    world = protected_world(
        [*(case.machine for case in CASES), arrived | {"id": ARRIVED}],
        (item for case in CASES if (item := case.protection)),
        vaults=[{"id": FOREIGN_VAULT, "location": estates.TARGET}],
    )
    (vault,) = world["siteRecovery"]
    vault["policies"].append(
        {"name": "weekly", "recoveryPointHistory": 7 * 24 * 60, "appConsistentFrequencyInMinutes": 0}
    )
    their_item = {
        "name": "theirs",
        "virtualMachine": estates.vm_id("theirs"),
        "recoveryResourceGroup": overrides.CHOSEN,
        "cacheStorageAccount": f"{overrides.CACHE}portal",
        "recoveryNetwork": overrides.MAPPED,
    }
    world["siteRecovery"].append(estates.site_recovery(FOREIGN_VAULT, items=[their_item]))
    world["vaults"] = [
        {"id": estates.VAULT, "location": estates.TARGET},
        {"id": FOREIGN_VAULT, "location": estates.TARGET},
    ]
    return world


async def disturb(stack: Stack) -> None:
    """What no estate can hold, since something else was there before: VMs deleted, moved and replaced, a disk lost, a
    drill begun."""
    for name in ("deleted", "moved", "replaced"):
        await stack.arm("DELETE", estates.vm_id(name), _COMPUTE)
    await stack.arm("PATCH", estates.vm_id("shrunk"), _COMPUTE, {"properties": {"storageProfile": {"dataDisks": []}}})
    drill = {"properties": overrides.DRILL}
    item = (await overrides.items(stack))["on-trial"]
    await stack.arm("POST", f"{item['id']}/testFailover", "2025-08-01", drill)
    await eventually(lambda: _are_gone(stack, "deleted", "moved", "replaced"))
    await stack.arm("PUT", estates.vm_id("replaced"), _COMPUTE, _recreated("replaced"))
    await eventually(lambda: _exists(stack, COPY))
    await eventually(lambda: _is_settled(stack, "shrunk", "replaced"))


def _recreated(name: str) -> Json:
    """Another VM of the same name, tagged as the old one was."""
    nic = f"{estates.GROUP}/providers/Microsoft.Network/networkInterfaces/{name}-nic"
    return {
        "location": estates.SOURCE,
        "tags": {"dr": "true"},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
            "storageProfile": {"osDisk": {"createOption": "FromImage", "name": f"{name}-again"}},
            "networkProfile": {"networkInterfaces": [{"id": nic}]},
        },
    }


async def _vms(stack: Stack) -> dict[str, Json]:
    state = await stack.sim("GET", "state")
    return {each["id"].lower(): each for each in state["resources"] if each["type"].endswith("/virtualMachines")}


async def _are_gone(stack: Stack, *names: str) -> bool:
    return not {estates.vm_id(name).lower() for name in names} & set(await _vms(stack))


async def _exists(stack: Stack, vm: str) -> bool:
    return vm.lower() in await _vms(stack)


async def _is_settled(stack: Stack, *names: str) -> bool:
    vms = await _vms(stack)
    return all(vms[estates.vm_id(name).lower()]["properties"]["provisioningState"] == "Succeeded" for name in names)


def codes(vm_statuses: Iterable[Json]) -> dict[str, set[str]]:
    """The findings of each VM, by its ID."""
    return {each["vmId"].lower(): {finding["code"] for finding in each["findings"]} for each in vm_statuses}

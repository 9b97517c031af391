"""What a failover would meet with: each finding made, as others make it, seen by all, and fixed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.stack import Stack, protection
from shared.model.resource_id import ResourceId
from shared.model.resource_types import NETWORK_API_VERSION, type_of
from tests import estates
from tests.e2e import overrides
from tests.e2e.conftest import StartStack
from tests.e2e.overrides import BALANCER, CACHES, CHOSEN, FAR, MAPPED, protected, protected_world
from tests.e2e.sweeping import Json, compliance, sweep
from tests.estates import resource_id
from tests.waiting import eventually

_GROUP_API, _COMPUTE, _ITEMS = "2025-04-01", "2026-04-01", "2025-08-01"
DOOMED = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/doomed"
# Source and target have nothing in common, so that no right of the one stands in for one of the other.
SETTINGS = {
    "DR_PROFILES": json.dumps({"default": {"testFailoverDays": 30, "allow": {"target-size": ["source"]}}}),
    "DR_SOURCE_SCOPE": estates.GROUP,
    "DR_TARGET_SCOPE": f"{CHOSEN},{DOOMED},{CACHES}",
}


def _of(kind: str, name: str) -> str:
    return resource_id(f"Microsoft.{kind}", name, CHOSEN)


NET, PART = _of("Network/virtualNetworks", "vnet-gone"), _of("Network/virtualNetworks", "vnet-part")
SET, CLOSE = _of("Compute/availabilitySets", "set"), _of("Compute/proximityPlacementGroups", "close-by")
RESERVED, KEYS = _of("Compute/capacityReservationGroups", "seats"), _of("Compute/diskEncryptionSets", "cmk")
FLEXIBLE, DIAGNOSTICS = _of("Compute/virtualMachineScaleSets", "flex"), _of("Storage/storageAccounts", "diaggone")
RULES, ADDRESS = _of("Network/networkSecurityGroups", "guard"), _of("Network/publicIPAddresses", "front")
_PLAIN = (CLOSE, RESERVED, KEYS, FLEXIBLE, RULES, ADDRESS)


@dataclass(frozen=True)
class Case:
    """A protected VM, the finding that is made of it, and what its message names.

    `gone` is deleted; `written` are bodies to PUT, by ID, to break it and to mend it; `shown` is how its item looks
    while it is broken; `there` already is what is in the way, which is moved away.
    """

    name: str
    code: str
    names: tuple[str, ...]
    item: Json = field(default_factory=dict)
    gone: str = ""
    written: tuple[Json, Json] = ({}, {})
    shown: Json = field(default_factory=dict)
    there: str = ""
    recoverable: bool = False

    @property
    def id(self) -> str:
        return estates.vm_id(self.name).lower()


def _missing(name: str, gone: str, noun: str, body: Json | None = None, **item: Any) -> Case:
    fixed = {"location": estates.TARGET, **(body or {})}
    return Case(name, "TargetMissing", (noun, gone), item, gone, written=({}, {gone: fixed}))


def _network(*subnets: str) -> Json:
    listed = [{"name": name, "properties": {"addressPrefix": f"10.7.{at}.0/24"}} for at, name in enumerate(subnets)]
    return {
        "location": estates.TARGET,
        "properties": {"addressSpace": {"addressPrefixes": ["10.7.0.0/16"]}, "subnets": listed},
    }


def _nic(name: str, **more: Any) -> Json:
    return {"nics": [{"name": f"{name}-nic", **more}]}


def _balancer(*pools: str) -> Json:
    return {"location": estates.TARGET, "properties": {"backendAddressPools": [{"name": each} for each in pools]}}


_DETAILS = "properties.providerSpecificDetails"
_STATIC = f"{_DETAILS}.vmNics[0].ipConfigs[0].recoveryStaticIPAddress"
_ERROR = {
    "errorCode": "161099",
    "errorMessage": "The target network is not there.",
    "recommendedAction": "Make it again.",
    "errorCategory": "TestFailover",
    "errorSource": "ReplicationUnitFailoverValidatorError",
    "creationTimeUtc": "2026-01-01T00:00:00Z",
}

CASES = (
    _missing("groupless", DOOMED, "a resource group", recoveryResourceGroup=DOOMED),
    _missing("netless", NET, "a virtual network", _network("web"), recoveryNetwork=NET),
    _missing("setless", SET, "an availability set", {"sku": {"name": "Aligned"}}, recoveryAvailabilitySet=SET),
    _missing("farther", CLOSE, "a proximity placement group", recoveryProximityPlacementGroup=CLOSE),
    _missing("seatless", RESERVED, "a capacity reservation group", recoveryCapacityReservationGroup=RESERVED),
    _missing("scaleless", FLEXIBLE, "a virtual machine scale set", recoveryVirtualMachineScaleSet=FLEXIBLE),
    _missing(
        "keyless",
        KEYS,
        "a disk encryption set",
        disks=[{"name": "keyless-disk0", "encryptionSet": KEYS}],
    ),
    _missing(
        "silent",
        DIAGNOSTICS,
        "a storage account",
        {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}},
        recoveryBootDiagStorageAccount=DIAGNOSTICS,
    ),
    _missing("unguarded", RULES, "a network security group", **_nic("unguarded", networkSecurityGroup=RULES)),
    _missing("frontless", ADDRESS, "a public IP address", **_nic("frontless", publicIp=ADDRESS)),
    Case(
        "subnetless",
        "TargetMissing",
        ("a subnet", f"{PART}/subnets/data", "dr-target-subnet"),
        {"recoveryNetwork": PART, "recoverySubnet": "data"},
        written=({PART: _network("web")}, {PART: _network("web", "data")}),
    ),
    Case(
        "poolless",
        "TargetMissing",
        ("backend address pool", f"{BALANCER}/backendAddressPools/portal"),
        _nic("poolless", backendPools=[f"{BALANCER}/backendAddressPools/portal"]),
        written=({BALANCER: _balancer("web")}, {BALANCER: _balancer("web", "portal")}),
    ),
    Case(
        "namesake",
        "TargetConflict",
        ("VM bystander", _of("Compute/virtualMachines", "bystander")),
        shown={f"{_DETAILS}.recoveryAzureVMName": "bystander"},
    ),
    Case(
        "neighbour",
        "TargetConflict",
        ("address 10.1.1.77", _of("Network/networkInterfaces", "bystander-nic")),
        shown={_STATIC: "10.1.1.77"},
        recoverable=True,
    ),
    Case("twin-1", "TargetConflict", ("address 10.1.1.88", "twin-2"), shown={_STATIC: "10.1.1.88"}, recoverable=True),
    Case("twin-2", "TargetConflict", ("address 10.1.1.88", "twin-1"), shown={_STATIC: "10.1.1.88"}, recoverable=True),
    Case("disky", "TargetConflict", ("disk disky-disk0", CHOSEN), there=_of("Compute/disks", "disky-disk0")),
    Case(
        "nicky",
        "TargetConflict",
        ("interface nicky-nic", CHOSEN),
        there=_of("Network/networkInterfaces", "nicky-nic"),
    ),
    Case(
        "unready",
        "FailoverNotReady",
        ("161099", "The target network is not there", "Critical"),
        shown={"properties.failoverHealth": "Critical", "properties.healthErrors": [_ERROR]},
    ),
    Case(
        "untried",
        "TestFailoverOverdue",
        ("30 days",),
        shown={"properties.lastSuccessfulTestFailoverTime": "2025-01-01T00:00:00Z"},
        recoverable=True,
    ),
    Case("grown", "TargetMismatch", ("Standard_D4s_v5", "Standard_D2s_v5"), recoverable=True),
)
FOLLOWING = estates.vm("following") | {"tags": {"dr": "true", "dr-target-size": "source"}}


def _estate() -> Json:
    bystander = _there("bystander", nics=[{"name": "bystander-nic", "privateIp": "10.1.1.77"}])
    in_the_way = _there("blocker", disks=[{"name": "disky-disk0"}], nics=[{"name": "nicky-nic"}])
    names = [*(case.name for case in CASES), "following"]
    items = {case.name: case.item for case in CASES}
    world = protected_world(
        [*(estates.vm(case.name) for case in CASES), FOLLOWING],
        (protected(name, nics=[]) | {"condition": {"testedDaysAgo": 10}} | items.get(name, {}) for name in names),
    )
    space = {"location": estates.TARGET, "addressSpace": ["10.7.0.0/16"]}
    subnets = [{"name": "web", "prefix": "10.7.0.0/24"}, {"name": "data", "prefix": "10.7.1.0/24"}]
    world["networks"] += [{"id": NET, **space, "subnets": subnets[:1]}, {"id": PART, **space, "subnets": subnets}]
    world["resourceGroups"].append({"id": DOOMED, "location": estates.TARGET})
    world["resources"] += [{"id": each, "location": estates.TARGET} for each in _PLAIN]
    world["availabilitySets"].append({"id": SET, "location": estates.TARGET})
    world["storageAccounts"].append({"id": DIAGNOSTICS, "location": estates.TARGET})
    world["virtualMachines"] += [bystander, in_the_way]
    world["demo"]["targets"].append(DOOMED)
    return world


def _there(name: str, **more: Any) -> Json:
    """A VM of others in the target group."""
    nics = [{"subnet": f"{MAPPED}/subnets/web", **nic} for nic in more.pop("nics")]
    disks = [{"sizeGB": 64, **disk} for disk in more.pop("disks", [{"name": f"{name}-disk"}])]
    machine = {"id": _of("Compute/virtualMachines", name), "location": estates.TARGET}
    return estates.vm(name, tagged=False) | machine | {"nics": nics, "disks": disks}


@pytest.mark.long
async def test_each_is_seen_when_it_is_made_and_gone_when_it_is_mended(start_stack: StartStack) -> None:
    async with start_stack(_estate(), settings=SETTINGS | {"DR_MODE": "report"}) as stack:
        standing = [case for case in CASES if case.there]
        await _until_found(stack, *standing)

        items = await overrides.items(stack)
        for case in CASES:
            await _break(stack, case, items)
        await _resize(stack, "Standard_D4s_v5", "grown", "following")
        await _until_found(stack, *CASES)
        _check(await compliance(stack))
        await _check_one_by_one(stack)

        for case in CASES:
            await _mend(stack, case, items)
        await _resize(stack, "Standard_D2s_v5", "grown")
        await _until_found(stack)

        await stack.stop_process("host")
        await stack.start_host(DR_MODE="protect")
        assert (await sweep(stack)).started == {"change in place": 1}
        following = (await overrides.items(stack))["following"]["properties"]["providerSpecificDetails"]
        assert following["recoveryAzureVMSize"] == "Standard_D4s_v5"


async def _until_found(stack: Stack, *cases: Case) -> None:
    """Waits until each of these has its finding, and the others have none."""
    expected = {case.id: {case.code} for case in cases}
    differing: dict[str, set[str]] = {}

    async def are_found() -> bool:
        found = await compliance(stack)
        codes = {case.id: {each["code"] for each in found[case.id]["findings"]} for case in CASES}
        differing.clear()
        differing.update({vm: seen for vm, seen in codes.items() if seen != expected.get(vm, set())})
        return not differing

    try:
        await eventually(are_found)
    except AssertionError:
        raise AssertionError(differing) from None


def _check(found: dict[str, Json]) -> None:
    for case in CASES:
        [finding] = found[case.id]["findings"]
        text = f"{finding['message']} {finding['fix']}".lower()
        assert all(each.lower() in text for each in case.names), (case.name, finding)
        assert ("recoverable" not in finding) is case.recoverable, finding
        assert found[case.id]["compliant"] is (finding["severity"] == "note")
        assert finding["severity"] == ("note" if case.name == "grown" else "warning")
        assert finding["fix"]


async def _check_one_by_one(stack: Stack) -> None:
    """GET and the plan of a VM say the same."""
    for case in (case for case in CASES if case.code != "TestFailoverOverdue"):
        path = protection(estates.vm_id(case.name))
        for asked in (("GET", path), ("POST", f"{path}/plan")):
            status, body = await stack.api(*asked)
            assert status == 200, body
            [found] = [each for each in body["findings"] if each["code"] == case.code]
            assert ("recoverable" not in found) is case.recoverable, found


async def _break(stack: Stack, case: Case, items: dict[str, Json]) -> None:
    if case.gone:
        await stack.arm("DELETE", case.gone, _api(case.gone))
    if case.shown:
        await stack.sim("POST", "overrides", {"id": items[case.name]["id"], "set": case.shown})
    await _write(stack, case.written[0])


async def _mend(stack: Stack, case: Case, items: dict[str, Json]) -> None:
    if case.gone:
        await eventually(lambda: _is_gone(stack, case.gone))
    if case.shown:
        await stack.sim("POST", "overrides", {"id": items[case.name]["id"], "set": {}})
    if case.there:
        await stack.sim("POST", "move", {"id": case.there, "resourceGroup": FAR})
    await _write(stack, case.written[1])


async def _is_gone(stack: Stack, resource: str) -> bool:
    state = await stack.sim("GET", "state")
    return resource.lower() not in {each["id"].lower() for each in (*state["resources"], *state["resourceGroups"])}


async def _write(stack: Stack, bodies: Json) -> None:
    for resource, body in bodies.items():
        await stack.arm("PUT", resource, _api(resource), body)


def _api(resource: str) -> str:
    parsed = ResourceId(resource)
    known = NETWORK_API_VERSION if resource == BALANCER else type_of(parsed).api_version
    return known or _GROUP_API


async def _resize(stack: Stack, size: str, *names: str) -> None:
    for name in names:
        body = {"properties": {"hardwareProfile": {"vmSize": size}}}
        await stack.arm("PATCH", estates.vm_id(name), _COMPUTE, body)


async def test_what_cannot_be_read_is_neither_missing_nor_fine(start_stack: StartStack) -> None:
    items = [protected("netless", nics=[], recoveryNetwork=NET), protected("plain", nics=[])]
    world = protected_world([estates.vm("netless"), estates.vm("plain")], items)
    async with start_stack(world, settings={"DR_MODE": "report"}) as stack:
        # The network has been deleted, and no list shows it: only a read of it could tell.
        for fault, expected in (
            ({"match": {"path": f"{NET}$"}, "status": 403, "code": "AuthorizationFailed"}, ["netless"]),
            ({"match": {"path": "ResourceGraph", "body": "backendAddressPools"}, "status": 500}, ["netless", "plain"]),
        ):
            await stack.sim("POST", "faults", {"kind": "status", **fault})
            await eventually(lambda expected=expected: _not_known(stack, expected))  # type: ignore[misc]
            _, view = await stack.api("GET", "compliance?top=1")
            [region] = view["recoverable"]
            assert (region["recoverable"], region["unknown"]) == (2 - len(expected), {"TargetNotRead": len(expected)})
            assert ["target resources" in gap for gap in view["gaps"]] == [True]
            await stack.sim("DELETE", "faults")

        async def is_known() -> bool:
            [region] = (await stack.api("GET", "compliance?top=1"))[1]["recoverable"]
            return (region["recoverable"], region["notRecoverable"]) == (1, {"TargetMissing": 1})

        await eventually(is_known)


async def _not_known(stack: Stack, expected: list[str]) -> bool:
    found = await compliance(stack)
    unknown = [name for name in ("netless", "plain") if found[estates.vm_id(name).lower()]["recoverable"] == "unknown"]
    return unknown == expected


def test_every_kind_of_readiness_finding_has_a_case() -> None:
    def kinds() -> Iterator[str]:
        for case in CASES:
            yield ResourceId(case.gone).type or "group" if case.gone else case.code

    assert len(set(kinds())) == 10 + 5

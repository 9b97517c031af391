"""A protected VM that asks for something else: changed in place, or reported that it is not; never enabled again."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from local.stack import Stack, StackError
from shared.config.override_options import CHOICES, FIXED
from tests import estates
from tests.e2e import overrides, sweeping
from tests.e2e.conftest import StartStack
from tests.e2e.follow import is_write, results, write_event
from tests.e2e.overrides import NETWORK, NEVER, OPEN, POOLS, RULES, SET, protected, protected_world, public_ip
from tests.e2e.test_http import route
from tests.waiting import eventually

Json = dict[str, Any]
Path = tuple[str | int, ...]

GOLD = {"recoveryPointRetentionHours": 72}
PROFILES = {"DR_PROFILES": json.dumps({"open": OPEN, "gold": GOLD})}
IN_PLACE = [choice for choice, row in CHOICES.items() if row.in_place != FIXED and choice not in overrides.APART]
OTHER_SET, SOURCE_SET = f"{SET}-2", f"{estates.GROUP}/providers/Microsoft.Compute/availabilitySets/set"
SETS = [{"id": SOURCE_SET, "location": estates.SOURCE}, {"id": OTHER_SET, "location": estates.TARGET}]
_MOVING = {"rpoInSeconds", "lastRpoCalculatedTime", "lastHeartbeat"}
_ADDRESS: Path = ("vmNics", 0, "ipConfigs", 0)
# What changes with a choice, besides the field that shows it.
_ALONG: dict[str, set[Path]] = {
    "target-vnet": {("selectedRecoveryAzureNetworkId",)},
    "target-ip": {(*_ADDRESS, "recoveryIPAddressType")},
}


@pytest.mark.long
async def test_a_changed_tag_changes_the_item_in_place(start_stack: StartStack) -> None:
    """One update that touches nothing else, as the plan said; and no other, not even when the tag is taken away.

    So it is where the service clears what an update leaves out."""
    asked = {choice: overrides.values(0, choice)[choice] for choice in IN_PLACE} | {"target-ip": "10.1.1.50"}
    vms = {choice: _vm(choice) for choice in IN_PLACE}
    made = {choice: protected(choice, recoveryAvailabilityZone="2") for choice in IN_PLACE}
    vms["target-availability-set"]["availabilitySet"] = SOURCE_SET
    made["target-availability-set"] = protected("target-availability-set", recoveryAvailabilitySet=OTHER_SET)
    made["target-scale-set"]["recoveryVirtualMachineScaleSet"] = f"{overrides.SCALE_SET}-portal"
    vms["target-nsg"]["nics"].append({**vms["target-nsg"]["nics"][0], "name": "second"})
    made["target-zone"]["recoveryAvailabilityZone"] = "1"
    made["target-resource-group"]["recoveryResourceGroup"] = f"{estates.GROUP}-asr"
    estate = protected_world(vms.values(), made.values(), availabilitySets=SETS)
    async with start_stack(estate, settings=PROFILES) as stack:
        await stack.sim("PATCH", "behaviour", {"omittedInUpdate": "clear", "zoneInUpdate": "succeed"})
        before = await overrides.items(stack)
        plans = {}
        for choice, value in asked.items():
            _, plans[choice] = await stack.api("POST", f"{route(choice)}/plan", {f"dr-{choice}": value})
        assert await _writes(stack) == []

        await stack.subscribe()
        for choice, value in asked.items():
            await stack.tag(vms[choice]["id"], **{f"dr-{choice}": value})
        ended = await results(stack, len(vms))
        after = await overrides.items(stack)
        writes = await _writes(stack)

        await stack.deliver(*(write_event(vm["id"]) for vm in vms.values()))
        again = await results(stack, len(vms))
        for vm in vms.values():
            tags = f"{vm['id']}/providers/Microsoft.Resources/tags/default"
            await stack.arm("PUT", tags, "2025-04-01", {"properties": {"tags": vm["tags"]}})
        await stack.deliver(*(write_event(vm["id"]) for vm in vms.values()))
        left = await results(stack, len(vms))
        assert await _writes(stack) == writes
        bodies = [each["requestBody"] for each in await stack.app_requests() if each["method"] == "PATCH"]

    assert sorted(writes) == sorted(f"PATCH {choice}" for choice in vms)
    # An interface is sent whole: no one knows what the service makes of one with its rules or its pool left out.
    sent = [nic for body in bodies for nic in body["properties"]["vmNics"]]
    whole = [nic for nic in sent if nic.get("recoveryNetworkSecurityGroupId")]
    assert (len(whole), len(sent)) == (len(IN_PLACE), len([*IN_PLACE, "second"]))
    assert all(nic["ipConfigs"][0]["recoveryLBBackendAddressPoolIds"] for nic in whole)
    for choice, value in asked.items():
        assert overrides.shown(after[choice], choice) == overrides.chosen(value)
        assert _changed(before[choice], after[choice]) == {overrides.SHOWN[choice], *_ALONG.get(choice, ())}
        (change,) = plans[choice]["changes"]
        assert change["setting"].split("/")[0] == CHOICES[choice].setting
        assert overrides.chosen(change["wanted"]) == overrides.chosen(value)
        (resource,) = plans[choice]["resources"]
        assert (resource["action"], resource["name"].lower()) == ("change in place", after[choice]["id"].lower())
        for result in (ended[choice], again[choice], left[choice]):
            # Once its tag is gone, a size that is not the VM's is noted.
            noted = ["TargetMismatch"] if choice == "target-size" and result is left[choice] else []
            assert (result["outcome"], _codes(result)) == ("Protected", noted)
            assert result["itemId"].lower() == before[choice]["id"].lower()
        assert _origins(again[choice], choice) == {f"tag dr-{choice}"}
        assert _origins(left[choice], choice) <= {"replicated item"}


async def test_what_azure_does_not_change_in_place_is_reported_and_not_touched(start_stack: StartStack) -> None:
    fixed = set(CHOICES) - set(IN_PLACE) - overrides.APART
    asked = {choice: (f"dr-{choice}", overrides.values(0, choice)[choice]) for choice in fixed}
    asked |= {"profile": ("dr-profile", "gold"), "into-a-set": ("dr-target-availability-set", SET)}
    vms = {name: _vm(name) for name in asked}
    estate = protected_world(vms.values(), map(protected, vms), availabilitySets=SETS)
    async with start_stack(estate, settings=PROFILES) as stack:
        before = await overrides.items(stack)
        await stack.subscribe()
        for name, (tag, value) in asked.items():
            await stack.tag(vms[name]["id"], **{tag: value})
        ended = await results(stack, len(vms))
        assert await _writes(stack) == []
        after = await overrides.items(stack)

    for name, result in ended.items():
        assert _changed(before[name], after[name]) == set()
        (finding,) = result["findings"]
        assert result["outcome"] == "Protected"
        if name in NEVER:
            assert (finding["code"], f"dr-{name} " in finding["message"]) == ("OverrideInvalid", True)
        elif name == "profile":
            assert finding["code"] == "PolicyMismatch"
            assert "daily" in finding["message"]
        else:
            setting = CHOICES[name].setting if name in CHOICES else "targetAvailabilitySet"
            code = "ConsistencyGroupMismatch" if name == "consistency-group" else "TargetMismatch"
            assert finding["code"] == code
            assert finding["message"].startswith(setting)
            assert f"{overrides.chosen(asked[name][1])} is requested" in finding["message"].lower()


async def test_what_somebody_set_in_the_portal_is_not_undone(start_stack: StartStack) -> None:
    """Nothing of it is what this app would have chosen, a disk is left out, and no one asks for anything."""
    vms = [estates.vm("zonal", disks=3), estates.vm("placed", availabilitySet=SOURCE_SET, disks=3)]
    own: Json = {
        "recoveryNetwork": NETWORK,
        "recoverySubnet": "data",
        "recoveryBootDiagStorageAccount": overrides.DIAGNOSTICS,
        "multiVmGroupName": "by hand",
        "recoveryVmSize": "Standard_E4s_v5",
    }
    zone = {"recoveryAvailabilityZone": "3", "recoveryCapacityReservationGroup": overrides.RESERVATION}
    place = {"recoveryAvailabilitySet": OTHER_SET, "recoveryProximityPlacementGroup": overrides.PLACEMENT}
    made = []
    for number, (vm, more) in enumerate(zip(("zonal", "placed"), (zone, place), strict=True)):
        disk: Json = {"replicaType": "Standard_LRS", "targetType": "StandardSSD_LRS", "encryptionSet": overrides.KEYS}
        nic: Json = {"subnet": "data", "staticIp": f"10.9.2.{20 + number}", "publicIp": public_ip(number)}
        nic |= {"networkSecurityGroup": RULES, "backendPools": [f"{POOLS}/web"]}
        made.append(
            protected(
                vm,
                **{**own, **more, "name": f"portal-{vm}", "recoveryVmName": f"{vm}-by-hand"},
                disks=[{"name": f"{vm}-disk{each}", **disk} for each in range(2)],
                nics=[{"name": f"{vm}-nic", **nic}],
            )
        )
    async with start_stack(protected_world(vms, made, availabilitySets=SETS, public_ips=2)) as stack:
        before = await overrides.items(stack)
        plans = [(await stack.api("POST", f"{route(name)}/plan"))[1] for name in before]
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, len(vms))
        after = await overrides.items(stack)
        assert await _writes(stack) == []

    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert [(plan["changes"], plan["resources"]) for plan in plans] == [([], [])] * 2
    found = ["NotManagedByApp", "DiskNotProtected", "TargetMismatch"]
    assert [_codes(each) for each in ended.values()] == [found] * 2
    # A plan also says, as a sweep does, whether the VM would come up after a failover.
    assert [_codes(each) for each in plans] == [[*found, "TestFailoverOverdue"]] * 2
    sizes = [each for result in ended.values() for each in result["findings"] if each["code"] == "TargetMismatch"]
    assert [each["severity"] for each in sizes] == ["note"] * 2
    for name, item in after.items():
        assert _changed(before[name], item) == set()
        reported = {each["name"]: each["value"].lower() for each in ended[name]["settings"]}
        assert reported["targetSize"] == "standard_e4s_v5"
        assert reported["targetName"] == f"{name}-by-hand"
        assert reported[f"targetSubnet/{name}-nic"] == "data"
        assert _origins(ended[name], "target-size") == {"replicated item"}


async def test_disks_that_come_are_added_and_disks_that_go_are_reported(start_stack: StartStack) -> None:
    vms = {name: _vm(name, disks=2) for name in ("more", "less", "other")}
    vms["other"]["tags"]["dr-target-disk-type"] = "Standard_LRS"
    async with start_stack(protected_world(vms.values(), map(protected, vms)), settings=PROFILES) as stack:
        before = await overrides.items(stack)
        await stack.subscribe()
        late = {"lun": 7, "name": "late", "createOption": "Empty", "diskSizeGB": 32}
        for name, disks in (("more", [late]), ("less", []), ("other", [late | {"name": "late-too"}])):
            found = await stack.arm("GET", vms[name]["id"], "2026-04-01")
            profile = found["properties"]["storageProfile"]
            profile["dataDisks"] = [*profile["dataDisks"], *disks] if disks else []
            await stack.arm("PUT", vms[name]["id"], "2026-04-01", found)
        ended = await results(stack, len(vms))
        after = await overrides.items(stack)
        writes = await _writes(stack)
        await stack.deliver(*(write_event(vm["id"]) for vm in vms.values()))
        again = await results(stack, len(vms))
        assert await _writes(stack) == writes

    assert sorted(writes) == ["PATCH other", "POST more/adddisks", "POST other/adddisks"]
    has = {
        name: {
            each["diskName"]: each for each in item["properties"]["providerSpecificDetails"]["protectedManagedDisks"]
        }
        for name, item in after.items()
    }
    assert set(has["more"]) == {"more-disk0", "more-disk1", "late"}
    assert after["more"]["properties"]["providerSpecificDetails"]["unprotectedDisks"] is None
    assert {each["recoveryTargetDiskAccountType"] for each in has["other"].values()} == {"Standard_LRS"}
    assert set(has["other"]) == {"other-disk0", "other-disk1", "late-too"}
    assert _changed(before["less"], after["less"]) == set()
    for found in (ended, again):
        assert {result["outcome"] for result in found.values()} == {"Protected"}
        assert {name: _codes(result) for name, result in found.items()} == {
            "more": [],
            "other": [],
            "less": ["DiskRemoved"],
        }
    assert "less-disk1" in ended["less"]["findings"][0]["message"]


async def test_a_disk_that_cannot_be_added_keeps_no_other_out_and_is_not_tried_every_hour(
    start_stack: StartStack,
) -> None:
    """Site Recovery adds one disk at a time, and refuses one that is not initialised in the VM."""
    vm = _vm("sql", disks=3)
    bad = vm["disks"][1]["name"]
    vm["disks"][1]["raw"] = True
    made = protected("sql", disks=[{"name": vm["disks"][0]["name"]}])
    async with start_stack(protected_world([vm], [made]), settings=PROFILES) as stack:
        await stack.deliver(write_event(vm["id"]))
        ended = await results(stack, 1)
        first = await _writes(stack)
        for _ in range(2):
            await sweeping.sweep(stack)
        await stack.deliver(write_event(vm["id"]))
        again = await results(stack, len(["sql", "the sweep"]))
        _, shown = await stack.api("GET", route("sql"))
        _, found = await stack.api("GET", "compliance")
        assert await _writes(stack) == first

        await stack.api("PUT", route("sql"))
        forced = await results(stack, len(["sql", "the sweep"]))
        assert await _writes(stack) == [*first, "POST sql/adddisks"]
        item = (await overrides.items(stack))["sql"]
        bodies = [each["requestBody"] for each in await stack.app_requests() if each["path"].endswith("/addDisks")]

    assert first == ["POST sql/adddisks"] * 2
    assert [len(body["properties"]["providerSpecificDetails"]["vmManagedDisks"]) for body in bodies] == [1, 1, 1]
    replicated = item["properties"]["providerSpecificDetails"]["protectedManagedDisks"]
    assert {each["diskName"] for each in replicated} == {each["name"] for each in vm["disks"]} - {bad}
    for result in (ended["sql"], again["sql"], forced["sql"]):
        (finding,) = result["findings"]
        assert (result["outcome"], finding["code"]) == ("Protected", "DiskNotProtected")
        assert bad in finding["message"]
        assert "150039" in finding["message"]
        assert "Initialise the data disk" in finding["fix"]
    assert "150039" in str(shown["findings"])
    (late,) = [each for each in found["value"][0]["findings"] if each["code"] == "DiskNotProtected"]
    assert "150039" in late["message"]
    assert bad in found["value"][0]["reason"]["text"]


async def test_an_os_disk_that_was_exchanged_is_reported_and_nothing_written(start_stack: StartStack) -> None:
    vm, spare = _vm("web", disks=2), _vm("spare") | {"tags": {}}
    async with start_stack(protected_world([vm, spare], [protected("web")]), settings=PROFILES) as stack:
        system = f"{estates.GROUP}/providers/Microsoft.Compute/disks/{spare['disks'][0]['name']}"
        await stack.arm("DELETE", spare["id"], "2026-04-01")

        async def swapped() -> bool:
            found = await stack.arm("GET", vm["id"], "2026-04-01")
            found["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"] = system
            try:
                await stack.arm("PUT", vm["id"], "2026-04-01", found)
            except StackError:
                return False  # the other VM is still being deleted
            return True

        await eventually(swapped)
        await stack.deliver(write_event(vm["id"]))
        ended = await results(stack, 1)
        assert await _writes(stack) == []
        statuses = await sweeping.compliance(stack)

    assert (ended["web"]["outcome"], _codes(ended["web"])) == ("Protected", ["OsDiskReplaced"])
    reported = {finding["code"] for finding in statuses[vm["id"].lower()]["findings"]}
    assert reported & {"OsDiskReplaced", "DiskNotProtected", "DiskRemoved"} == {"OsDiskReplaced"}


async def test_an_update_that_is_refused_is_reported_and_not_tried_for_ever(start_stack: StartStack) -> None:
    """An address that is taken or promised is seen beforehand; other refusals are Azure's alone."""
    vms = {name: _vm(name) for name in ("used", "promised", "holder", "unlucky")}
    there = estates.vm("there", tagged=False, location=estates.TARGET)
    there["nics"] = [{"name": "there-nic", "subnet": f"{overrides.MAPPED}/subnets/web", "privateIp": "10.1.1.77"}]
    made = [protected("used"), protected("promised"), protected("unlucky")]
    made.append(protected("holder", nics=[{"name": "holder-nic", "staticIp": "10.1.1.88"}]))
    async with start_stack(protected_world([*vms.values(), there], made), settings=PROFILES) as stack:
        before = await overrides.items(stack)
        await stack.tag(vms["used"]["id"], **{"dr-target-ip": "10.1.1.77", "dr-target-size": "Standard_D4s_v5"})
        await stack.tag(vms["promised"]["id"], **{"dr-target-ip": "10.1.1.88"})
        await stack.tag(vms["unlucky"]["id"], **{"dr-target-size": "Standard_D4s_v5"})
        refusal = {"code": "159059", "message": "Not this one."}
        path = f"{before['unlucky']['name']}$"
        await stack.sim(
            "POST", "faults", {"match": {"path": path, "method": "PATCH"}, "kind": "fail-operation", **refusal}
        )
        found = []
        for _ in range(2):
            await stack.deliver(*(write_event(vms[name]["id"]) for name in ("used", "promised", "unlucky")))
            ended = await results(stack, 3)
            found.append((ended, await _writes(stack)))
        after = await overrides.items(stack)

    assert [writes for _, writes in found] == [["PATCH unlucky"], ["PATCH unlucky"] * 2]
    for ended, _ in found:
        assert {result["outcome"] for result in ended.values()} == {"Protected"}
        for name, address in (("used", "10.1.1.77"), ("promised", "10.1.1.88")):
            (seen,) = ended[name]["findings"]
            assert seen["code"] == "OverrideInvalid"
            assert f"tag dr-target-ip is '{address}'" in seen["message"]
            assert f"{address} is taken" in seen["message"]
        refused = next(each for each in ended["unlucky"]["findings"] if each["code"] == "ChangeNotMade")
        assert "159059" in refused["message"]
    for name, item in after.items():
        assert _changed(before[name], item) == set()


async def test_an_address_goes_with_the_subnet_that_it_was_in(start_stack: StartStack) -> None:
    """A static address of the source is kept by Site Recovery, until the interface is asked to go elsewhere."""
    vms = {name: _vm(name) for name in ("subnet", "network")}
    static = {"subnet": f"{estates.network_id('vnet-app')}/subnets/web"}
    for number, (name, vm) in enumerate(vms.items()):
        vm["nics"] = [{"name": f"{name}-nic", "privateIp": f"10.1.1.{30 + number}", **static}]
    async with start_stack(protected_world(vms.values(), map(protected, vms)), settings=PROFILES) as stack:
        before = await overrides.items(stack)
        await stack.subscribe()
        await stack.tag(vms["subnet"]["id"], **{"dr-target-subnet": "data"})
        await stack.tag(vms["network"]["id"], **{"dr-target-vnet": NETWORK, "dr-target-subnet": "data"})
        ended = await results(stack, len(vms))
        after = await overrides.items(stack)

    assert [overrides.shown(before[name], "target-ip") for name in vms] == ["10.1.1.30", "10.1.1.31"]
    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert {code for result in ended.values() for code in _codes(result)} <= {"StaticIpNotPreserved"}
    assert [overrides.shown(after[name], "target-subnet") for name in vms] == ["data", "data"]
    assert [overrides.shown(after[name], "target-ip") for name in vms] == ["", ""]


async def test_in_report_mode_the_difference_is_reported_and_nothing_written(start_stack: StartStack) -> None:
    vms = {name: _vm(name, disks=2) for name in ("size", "disk")}
    vms["size"]["tags"]["dr-target-size"] = "Standard_D4s_v5"
    made = [protected("size"), protected("disk", disks=[{"name": "disk-disk0"}])]
    estate = protected_world(vms.values(), made)
    async with start_stack(estate, settings=PROFILES | {"DR_MODE": "report"}) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms.values()))
        reported = await results(stack, len(vms))
        status, problem = await stack.api("PUT", route("size"), {"dr-target-name": "renamed"})
        assert (status, problem["code"]) == (409, "WritesDisabled")
        assert await _writes(stack) == []

        await stack.stop_process("host")
        await stack.start_host(DR_MODE="protect")
        await stack.deliver(*(write_event(vm["id"]) for vm in vms.values()))
        ended = await results(stack, len(vms))
        assert sorted(await _writes(stack)) == ["PATCH size", "POST disk/adddisks"]

        status, _ = await stack.api("PUT", route("size"), {"dr-target-name": "renamed"})
        renamed = (await results(stack, len(vms)))["size"]
        item = (await overrides.items(stack))["size"]
        assert (await _writes(stack))[-1] == "PATCH size"

    assert {result["outcome"] for result in (*reported.values(), *ended.values())} == {"Protected"}
    assert (_codes(reported["size"]), _codes(reported["disk"])) == (
        ["WritesDisabled"],
        ["DiskNotProtected", "WritesDisabled"],
    )
    assert "targetSize: Standard_D2s_v5 → Standard_D4s_v5" in reported["size"]["findings"][-1]["message"]
    assert "disk to add: disk-disk1" in reported["disk"]["findings"][-1]["message"]
    assert [_codes(result) for result in ended.values()] == [[], []]
    assert (status, renamed["findings"], _origins(renamed, "target-name")) == (202, [], {"tag dr-target-name"})
    assert [overrides.shown(item, choice) for choice in ("target-size", "target-name")] == [
        "standard_d4s_v5",
        "renamed",
    ]


def _vm(name: str, **more: Any) -> Json:
    return estates.vm(name, **more) | {"tags": {"dr": "true", "dr-profile": "open"}}


async def _writes(stack: Stack) -> list[str]:
    """What the app wrote, or tried to: method, and the VM for its item."""
    names = {item["name"].lower(): vm for vm, item in (await overrides.items(stack)).items()}
    found = []
    for request in await stack.app_requests():
        item, *verb = request["path"].lower().partition("/replicationprotecteditems/")[2].split("/")
        if is_write(request):
            found.append(f"{request['method']} {'/'.join([names.get(item, request['path']), *verb])}")
    return found


def _origins(result: Json, choice: str) -> set[str]:
    name = CHOICES[choice].setting
    return {each["origin"] for each in result["settings"] if each["name"].split("/")[0] == name}


def _codes(result: Json) -> list[str]:
    return [finding["code"] for finding in result["findings"]]


def _changed(before: Json, after: Json) -> set[Path]:
    """The fields of an item that changed, but for those that always do. Its recovery points are those it had."""
    old, new = (item["properties"] for item in (before, after))
    assert (before["id"], old["policyId"]) == (after["id"], new["policyId"])
    assert old["protectionState"] == new["protectionState"] == "Protected"
    assert new["providerSpecificDetails"]["lastRpoCalculatedTime"]
    had, has = (dict(_leaves(each["providerSpecificDetails"])) for each in (old, new))
    return {path for path in had | has if had.get(path) != has.get(path) and path[0] not in _MOVING}


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if not isinstance(value, dict | list):
        yield path, value
        return
    members: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        yield from _leaves(member, (*path, key))

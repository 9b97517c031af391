"""Every choice, by every layer that may make it: asked of Azure, had by the item, and its origin reported."""

import json
from typing import Any

import pytest

from shared.config.override_options import CHOICES
from tests import estates
from tests.e2e import overrides
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.e2e.overrides import FAR, FAR_NETWORK, FURTHER, NEVER, OPEN
from tests.e2e.test_http import route

Json = dict[str, Any]

WAYS = ("tag", "profile", "group", "request")
# What goes together on one VM: a zone with no availability set, another region with nothing that is in one.
_ZONE = {"target-zone", "target-scale-set", "target-capacity-reservation", "churn"}
_FAR = {"target-location": FURTHER, "target-resource-group": FAR, "target-vnet": FAR_NETWORK}
BUNDLES = {
    "zone": _ZONE,
    "far": set(_FAR),
    "place": set(CHOICES) - NEVER - overrides.APART - _ZONE - {"target-location"},
}
# The method of the request that carries a choice, by where the table says that Azure enforces it.
_METHODS = {
    "enable job": "PUT",
    "container mapping": "PUT",
    "update of the item, once it is protected": "PATCH",
}


def test_no_choice_is_forgotten() -> None:
    assert set.union(*BUNDLES.values()) | NEVER | overrides.APART == set(CHOICES)
    assert set(overrides.SHOWN) | NEVER | overrides.APART == set(overrides.values(0, "web-1")) == set(CHOICES)


@pytest.mark.long
async def test_every_choice_by_tag_profile_resource_group_and_request(start_stack: StartStack) -> None:
    """And what each plan said, before anything was written, is what is done."""
    pairs = [(way, bundle) for way in WAYS for bundle in BUNDLES]
    vms = {f"{way}-{bundle}": _vm(way, bundle) for way, bundle in pairs}
    bodies = {f"request-{each}": _open(_asked("request", each)) for each in BUNDLES}
    # A policy for each, so that none is planned to be made that another's run has made by then.
    profiles: Json = {
        f"profile-{each}": {"values": _asked("profile", each), "recoveryPointRetentionHours": 25 + number}
        for number, each in enumerate(BUNDLES)
    }
    profiles["open"] = OPEN
    async with start_stack(_estate(list(vms.values())), settings={"DR_PROFILES": json.dumps(profiles)}) as stack:
        plans = {}
        for name, vm in vms.items():
            status, plans[name] = await stack.api("POST", f"{_route(vm)}/plan", bodies.get(name))
            assert (status, plans[name]["blocked"]) == (200, False), plans[name]
        assert not await written(stack)

        for name, body in bodies.items():
            status, problem = await stack.api("PUT", _route(vms[name]), body)
            assert status == 202, problem
        await stack.deliver(*(write_event(vm["id"]) for name, vm in vms.items() if name not in bodies))
        ended = await results(stack, len(vms))
        items = await overrides.items(stack)
        requests = await stack.app_requests()
        writes = await written(stack)

        # Asked for once more, all of it, and nothing is left to be done.
        await stack.deliver(*(write_event(vm["id"]) for vm in vms.values()))
        again = await results(stack, len(vms))
        assert await written(stack) == writes

    for found in (ended, again):
        assert {name: result["outcome"] for name, result in found.items()} == dict.fromkeys(vms, "Protected")
    assert {name: _values(result) for name, result in again.items()} == {name: _values(ended[name]) for name in vms}
    wanted, had, carried, expected, reported = {}, {}, {}, {}, {}
    for way, bundle in pairs:
        name = f"{way}-{bundle}"
        own = [each for each in requests if each["path"].lower().startswith(items[name]["id"].lower())]
        for choice, value in _wanted(way, bundle).items():
            wanted[name, choice] = overrides.chosen(value)
            had[name, choice] = overrides.shown(items[name], choice)
            # High churn is no field of its own: the kind of the cache account says it.
            carried[name, choice] = choice == "churn" or (
                _METHODS[CHOICES[choice].azure] in overrides.carriers(value, own)
            )
            origin = _origin(way, bundle, choice)
            expected[name, choice] = {"request" if way == "request" else origin}, {origin}
            reported[name, choice] = _origins(plans[name], choice), _origins(ended[name], choice)
    assert had == wanted
    assert [key for key, found in carried.items() if not found] == []
    assert reported == expected

    assert {name: _values(ended[name]) for name in vms} == {name: _values(plan) for name, plan in plans.items()}
    planned = {each["name"] for plan in plans.values() for each in plan["resources"] if each["action"] == "create"}
    made = [path for path in writes if "/replicationprotecteditems/" not in path and not path.endswith("/tags/default")]
    assert sorted(map(_last, made)) == sorted(map(_last, planned))
    changed = len(WAYS)  # "place" alone holds what Azure takes only once the VM is protected
    assert sorted(enables(writes)) == [1] * (len(vms) - changed) + [2] * changed


@pytest.mark.long
async def test_what_is_not_allowed_or_not_to_be_had_is_refused_and_nothing_is_written(start_stack: StartStack) -> None:
    """Of every choice where the allow-list is closed; and where it is open, of the target of unmanaged disks."""
    asked = {choice: overrides.values(0, f"closed-{choice}")[choice] for choice in CHOICES}
    vms = {
        choice: estates.vm(f"closed-{choice}") | {"tags": {"dr": "true", f"dr-{choice}": value}}
        for choice, value in asked.items()
    }
    (never,) = NEVER
    useless = [
        estates.vm("tag") | {"tags": {"dr": "true", **_open({never: asked[never]})}},
        estates.vm("profile") | {"tags": {"dr": "true", "dr-profile": "asks"}},
    ]
    estate = overrides.world([*vms.values(), *useless, estates.vm("plain", tagged=False)])
    profiles = {"open": OPEN, "asks": {"values": {never: asked[never]}}}
    async with start_stack(estate, settings={"DR_PROFILES": json.dumps(profiles)}) as stack:
        said: dict[tuple[str, str], list[Json]] = {}
        for choice, value in asked.items():
            body = {f"dr-{choice}": value}
            _, plan = await stack.api("POST", f"{route('plain')}/plan", body)
            status, problem = await stack.api("PUT", route("plain"), body)
            assert (status, problem["code"], plan["blocked"]) == (422, "NotEligible", True)
            said[choice, "plan"], said[choice, "request"] = plan["findings"], problem["findings"]
        _, problem = await stack.api("PUT", route("plain"), _open({never: asked[never]}))
        await stack.deliver(*(write_event(vm["id"]) for vm in (*vms.values(), *useless)))
        ended = await results(stack, len(vms) + len(useless))
        said |= {(choice, "tag"): ended[f"closed-{choice}"]["findings"] for choice in CHOICES}
        assert not await written(stack)

    assert {result["outcome"] for result in ended.values()} == {"NotEligible"}
    for (choice, _), findings in said.items():
        (finding,) = findings
        assert (finding["code"], finding["severity"]) == ("OverrideNotAllowed", "blocker")
        assert f"dr-{choice} " in finding["message"]
        assert f"{asked[choice].rsplit('=', 1)[-1]!r}" in finding["message"]
        assert "default allows nothing" in finding["message"]
    for findings in (problem["findings"], ended["tag"]["findings"], ended["profile"]["findings"]):
        assert [finding["code"] for finding in findings] == ["OverrideInvalid"]
        assert "has no unmanaged disks" in findings[0]["message"]


async def test_a_request_wins_over_the_vm_s_tag_and_that_over_the_group_s_and_that_over_the_profile(
    start_stack: StartStack,
) -> None:
    group = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/layered"
    of_group = {"dr-profile": "layers", "dr-target-size": "Standard_D4s_v5", "dr-target-disk-type": "Standard_LRS"}
    vm = estates.vm("web-1", id=f"{group}/providers/Microsoft.Compute/virtualMachines/web-1")
    vm["tags"] |= {"dr-target-size": "Standard_E4s_v5"}
    estate = estates.estate([vm], resourceGroups=[{"id": group, "location": estates.SOURCE, "tags": of_group}])
    values = {
        "target-size": "Standard_D8s_v5",
        "target-disk-type": "Premium_LRS",
        "replica-disk-type": "StandardSSD_LRS",
    }
    settings = {"DR_PROFILES": json.dumps({"layers": OPEN | {"values": values}, "other": OPEN})}
    bodies = [None, {"dr-target-size": "Standard_E8s_v5"}, {"dr-profile": "other"}]
    async with start_stack(estate, settings=settings) as stack:
        plans = [(await stack.api("POST", f"{_route(vm)}/plan", body))[1] for body in bodies]

    reported = [
        {each["name"].split("/")[0]: (each["value"], each["origin"]) for each in plan["settings"]} for plan in plans
    ]
    of_tag = ("Standard_E4s_v5", "tag dr-target-size")
    assert [each["targetSize"] for each in reported] == [of_tag, ("Standard_E8s_v5", "request"), of_tag]
    of_group_tag = ("Standard_LRS", "tag dr-target-disk-type of the resource group layered")
    assert [each["targetDiskType"] for each in reported] == [of_group_tag] * 3
    of_profile = ("StandardSSD_LRS", "profile layers")
    assert [each["replicaDiskType"] for each in reported] == [of_profile, of_profile, ("Premium_LRS", "default")]


def _group(way: str, bundle: str) -> str:
    name = f"shop-{bundle}" if way == "group" else "app"
    return f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/{name}"


def _wanted(way: str, bundle: str) -> dict[str, str]:
    values = overrides.values(WAYS.index(way), f"{way}-{bundle}") | (_FAR if bundle == "far" else {})
    return {choice: value for choice, value in values.items() if choice in BUNDLES[bundle]}


def _asked(way: str, bundle: str) -> dict[str, str]:
    """Requests name resources, where they ask for the resource group in which names are looked for."""
    wanted = _wanted(way, bundle)
    if way != "request" or "target-resource-group" not in wanted:
        return wanted
    return {choice: overrides.named(value) for choice, value in wanted.items()}


def _open(wanted: dict[str, str]) -> dict[str, str]:
    return {"dr-profile": "open", **overrides.tags(wanted)}


def _vm(way: str, bundle: str) -> Json:
    tags = {
        "tag": {"dr": "true", **_open(_asked("tag", bundle))},
        "profile": {"dr": "true", "dr-profile": f"profile-{bundle}"},
        "group": {"dr": "true"},
        "request": {},
    }
    compute = f"{_group(way, bundle)}/providers/Microsoft.Compute"
    place: Json = {"availabilitySet": f"{compute}/availabilitySets/set"} if bundle == "place" else {}
    name = f"{way}-{bundle}"
    return estates.vm(name, id=f"{compute}/virtualMachines/{name}", **place) | {"tags": tags[way]}


def _estate(vms: list[Json]) -> Json:
    sets = {vm["availabilitySet"] for vm in vms if "availabilitySet" in vm}
    return overrides.world(
        vms,
        public_ips=len(WAYS),
        resourceGroups=[
            {"id": _group("group", each), "location": estates.SOURCE, "tags": _open(_asked("group", each))}
            for each in BUNDLES
        ],
        availabilitySets=[{"id": each, "location": estates.SOURCE} for each in sorted(sets)],
    )


def _route(vm: Json) -> str:
    return route(_last(vm["id"]), group=vm["id"].split("/")[4])


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1].lower()


def _origin(way: str, bundle: str, choice: str) -> str:
    if way == "profile":
        return f"profile profile-{bundle}"
    return f"tag dr-{choice}" + (f" of the resource group shop-{bundle}" if way == "group" else "")


def _origins(said: Json, choice: str) -> set[str]:
    """A choice is reported once, or once an interface or disk."""
    name = CHOICES[choice].setting
    return {each["origin"] for each in said["settings"] if each["name"].split("/")[0] == name}


def _values(said: Json) -> dict[str, str]:
    return {each["name"]: each["value"].lower() for each in said["settings"]}

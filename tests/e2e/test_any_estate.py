"""Any estate, whatever its VMs are and ask for: planned the same each time, done as planned, within scope and ranges,
and nothing is left to be done the second time."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local.stack import Stack
from shared.config.override_options import CHOICES
from tests import estates
from tests.e2e import overrides
from tests.e2e.conftest import StartStack
from tests.e2e.follow import is_write, results, route_of, write_event, written
from tests.e2e.test_hostile_tags import HOSTILE, OTHER, PROFILES, SETTINGS

pytestmark = pytest.mark.wide

Json = dict[str, Any]

VMS = 10
COMPUTE = f"{estates.GROUP}/providers/Microsoft.Compute"
PLACES: list[Json] = [
    {},
    {"availabilitySet": f"{COMPUTE}/availabilitySets/set"},
    {"zone": "1"},
    {"proximityPlacementGroup": f"{COMPUTE}/proximityPlacementGroups/near"},
    {"scaleSet": f"{COMPUTE}/virtualMachineScaleSets/pair"},
]
HARDWARE: list[Json] = [
    *[{}] * 8,
    {"osProfile": False},
    {"security": "TrustedLaunch"},
    {"security": "TrustedLaunch", "created": "2023-05-01T00:00:00Z"},
    {"diskController": "NVMe"},
    {"size": "Standard_D2ps_v5"},
    {"hostGroup": f"{COMPUTE}/hostGroups/owners"},
    {"allowExtensionOperations": False},
    {"edgeZone": "losangeles"},
]
"""What support rules hold a VM to: most of it blocks, before anything is written."""
DISKS: list[Json] = [
    *[{}] * 6,
    {"networkAccessPolicy": "DenyAll"},
    {"networkAccessPolicy": "AllowPrivate", "publicNetworkAccess": "Disabled"},
    {"publicNetworkAccess": "Disabled"},
    {"writeAccelerator": True},
]
"""How a disk can be reached, which its replica keeps; and one that blocks."""
STATES: list[Json] = [*[{"power": "running"}] * 5, {"power": "deallocated"}, {"provisioningState": "Failed"}]
TARGET_SCOPE = [overrides.CHOSEN, overrides.FAR, overrides.CACHES, f"{estates.GROUP}-asr"]
ALLOWED = {"allow": {choice: ["*"] for choice in CHOICES}}
ODD_NETWORK = estates.resource_id("Microsoft.Network/virtualNetworks", "vnet-odd", overrides.CHOSEN)
"""Of its subnets no one has the name of the VMs' own; the first in alphabetical order takes none, nor does the next."""
ODD_SUBNETS: list[Json] = [
    {"name": "zone", "prefix": "10.7.1.0/24"},
    {"name": "apps", "prefix": "10.7.2.0/24", "delegations": ["Microsoft.Web/serverFarms"]},
    {"name": "AzureBastionSubnet", "prefix": "10.7.3.0/24"},
    {"name": "work", "prefix": "10.7.4.0/24"},
]
APPLICATIONS = estates.resource_id("Microsoft.Network/applicationSecurityGroups", "fronts")
APP = SETTINGS | {
    "DR_TARGET_SCOPE": ",".join(TARGET_SCOPE),
    "DR_PROFILES": json.dumps(PROFILES | {"open": ALLOWED, "long": ALLOWED | {"recoveryPointRetentionHours": 360}}),
}


@st.composite
def chosen_overrides(draw: st.DrawFn, number: int, vm: str, place: Json) -> dict[str, str]:
    """Up to four things, and what they cannot be had without. What is made after a source's network, set or placement
    group is in one region: who comes first says in which, so that no plan could."""
    values = overrides.values(number, vm)
    chosen = draw(st.sets(st.sampled_from(sorted(values.keys() - overrides.NEVER)), max_size=4))
    chosen |= draw(st.sampled_from([set(), set(), {"target-vnet"}]))
    if place.keys() & {"availabilitySet", "proximityPlacementGroup"}:
        chosen.discard("target-location")
    if chosen & {"target-ip", "target-subnet", "target-location"}:
        chosen |= {"target-vnet", "target-subnet"}
    if "target-scale-set" in chosen:
        chosen.add("target-zone")  # that of the set
    if "target-zone" in chosen or "availabilitySet" not in place:
        chosen.discard("target-availability-set")
    far = {"target-vnet": overrides.FAR_NETWORK} if "target-location" in chosen else {}
    if "target-vnet" in chosen and not chosen & {"target-subnet", "target-location"} and draw(st.booleans()):
        far = {"target-vnet": ODD_NETWORK}
    return {choice: values[choice] for choice in sorted(chosen)} | far


@st.composite
def machines(draw: st.DrawFn, number: int) -> Json:
    """A VM that asks for up to four things that are to be had, or now and then for what no one may have."""
    name = f"vm-{number}"
    place = draw(st.sampled_from(PLACES))
    asked = {f"dr-{choice}": value for choice, value in draw(chosen_overrides(number, name, place)).items()}
    profile = draw(st.sampled_from(["open", "open", "open", "open", "long", "default"]))
    if draw(st.integers(0, 4)) == 4:
        profile, tag, value, _ = draw(st.sampled_from(HOSTILE))
        asked[tag] = value
    types = draw(st.lists(st.sampled_from(["Premium_LRS", "StandardSSD_LRS", "Standard_LRS"]), min_size=1, max_size=3))
    if draw(st.integers(0, 7)) == 7:
        types.append(draw(st.sampled_from(["PremiumV2_LRS", "UltraSSD_LRS", "Premium_ZRS", "StandardSSD_ZRS"])))
    (nic,) = estates.vm(name)["nics"]
    address: Json = {"privateIp": f"10.1.1.{20 + number}"} if draw(st.booleans()) else {}
    address |= {"secondaryIps": [f"10.1.1.{60 + number}"]} if draw(st.booleans()) else {}
    address |= {"applicationSecurityGroups": [APPLICATIONS]} if draw(st.booleans()) else {}
    second = nic | {"name": f"{name}-nic2", "subnet": nic["subnet"].replace("/web", "/back")}
    disk: Json = {"sizeGB": 64}
    own: Json = {
        "os": draw(st.sampled_from(["Linux", "Windows"])),
        "disks": [
            disk | {"name": f"{name}-disk{index}", "sku": sku} | draw(st.sampled_from(DISKS))
            for index, sku in enumerate(types)
        ],
        **draw(st.sampled_from(HARDWARE)),
        "nics": [nic | address, *([second] if draw(st.booleans()) else [])],
        "tags": {"dr": "true", "dr-profile": profile, **asked},
    }
    return estates.vm(name) | own | place | draw(st.sampled_from(STATES))


worlds = st.tuples(*(machines(number) for number in range(VMS)))


def test_what_is_planned_is_done_once_and_nothing_else_is(start_stack: StartStack, tmp_path: Path) -> None:
    @settings(
        max_examples=4,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds)
    def holds(vms: tuple[Json, ...]) -> None:
        asyncio.run(_hold(start_stack, vms))
        shutil.rmtree(tmp_path / "stack")

    holds()


async def _hold(start_stack: StartStack, vms: tuple[Json, ...]) -> None:
    plain = estates.vm("plain")
    everyone = {_name(vm["id"]): vm["id"] for vm in (*vms, plain)}
    async with start_stack(_estate([*vms, plain]), settings=APP) as stack:
        plans = {name: await _plan(stack, vm) for name, vm in everyone.items()}
        assert {name: await _plan(stack, vm) for name, vm in everyone.items()} == plans
        assert not await written(stack)

        first = await _run(stack, everyone)
        requests = await stack.app_requests()
        second = await _run(stack, everyone)
        later = (await stack.app_requests())[len(requests) :]
        state = await stack.sim("GET", "state")

    assert [(each["method"], each["path"], each["status"]) for each in later if is_write(each)] == []
    assert {name: result["outcome"] for name, result in first.items()} == {
        name: "NotEligible" if plan["blocked"] else "Protected" for name, plan in plans.items()
    }
    assert not plans["plain"]["blocked"]
    assert {name: result["outcome"] for name, result in second.items()} == {
        name: result["outcome"] for name, result in first.items()
    }
    for name, plan in plans.items():
        if not plan["blocked"]:
            assert _values(first[name]) == _values(second[name]) == _values(plan)
    writes = [each for each in requests if is_write(each)]
    assert {name for each in _ids(writes) if (name := _outside(each))} == set()
    _are_as_private_as_their_sources(state)
    _are_elsewhere_and_in_range(state, {name for name, plan in plans.items() if not plan["blocked"]})


def _estate(vms: list[Json]) -> Json:
    kinds = ("proximityPlacementGroups/near", "virtualMachineScaleSets/pair", "hostGroups/owners")
    estate = overrides.world(
        vms,
        public_ips=VMS,
        availabilitySets=[{"id": f"{COMPUTE}/availabilitySets/set", "location": estates.SOURCE}],
        resources=[
            *({"id": f"{COMPUTE}/{each}", "location": estates.SOURCE} for each in kinds),
            {"id": APPLICATIONS, "location": estates.SOURCE},
        ],
        networks=[
            {"id": ODD_NETWORK, "location": estates.TARGET, "addressSpace": ["10.7.0.0/16"], "subnets": ODD_SUBNETS}
        ],
    )
    jobs = {"name": "jobs", "prefix": "10.1.2.0/24", "delegations": ["Microsoft.Web/serverFarms"]}
    estate["networks"][0] |= {"dnsServers": ["10.1.0.4"]}
    back = {"name": "back", "prefix": "10.1.4.0/24"}
    estate["networks"][0]["subnets"] += [jobs, back, {"name": "GatewaySubnet", "prefix": "10.1.3.0/24"}]
    estate["subscriptions"].append({"id": OTHER, "name": "Not ours to write to"})
    return estate


async def _plan(stack: Stack, vm: str) -> Json:
    status, plan = await stack.api("POST", f"{route_of(vm)}/plan")
    assert status == 200, plan
    return dict(plan)


async def _run(stack: Stack, vms: dict[str, str]) -> dict[str, Json]:
    await stack.deliver(*map(write_event, vms.values()))
    return await results(stack, len(vms))


def _are_elsewhere_and_in_range(state: Json, protected: set[str]) -> None:
    (vault,) = state["siteRecovery"]
    details = {
        item["properties"]["friendlyName"]: item["properties"]["providerSpecificDetails"]
        for item in vault["protectedItems"]
    }
    assert set(details) == protected
    assert all(each["primaryFabricLocation"] != each["recoveryFabricLocation"] for each in details.values())
    for policy in vault["policies"]:
        values = policy["properties"]["providerSpecificDetails"]
        assert 60 <= values["recoveryPointHistory"] <= 15 * 24 * 60
        assert 0 <= values["appConsistentFrequencyInMinutes"] <= min(12 * 60, values["recoveryPointHistory"])


def _are_as_private_as_their_sources(state: Json) -> None:
    """A replica can be reached as its source can; by no one where the source has a disk access, which is regional."""
    access = ("networkAccessPolicy", "publicNetworkAccess")
    disks = {
        each["name"].lower(): each["properties"] for each in state["resources"] if "/disks" in each["type"].lower()
    }
    replicas = {name: each for name, each in disks.items() if name.endswith("-asrreplica")}
    assert replicas
    for name, replica in replicas.items():
        source = {field: disks[name.removesuffix("-asrreplica")].get(field) for field in access}
        kept = "DenyAll" if source["networkAccessPolicy"] == "AllowPrivate" else source["networkAccessPolicy"]
        assert [replica.get(field) for field in access] == [kept, source["publicNetworkAccess"]], name


def _ids(value: Any) -> Iterator[str]:
    """The path of each write, and every resource that its body names."""
    if isinstance(value, list):
        for each in value:
            yield from _ids(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in {"responseBody", "principal"}:
                yield from _ids(each)
    elif isinstance(value, str) and value.lower().startswith("/subscriptions/"):
        yield value


def _outside(resource: str) -> str:
    """The resource if it is none that may be in a write: of the target scope, the vault's, or the VMs' own."""
    known = [*TARGET_SCOPE, estates.VAULT, estates.GROUP]
    return "" if any(f"{resource}/".lower().startswith(f"{each}/".lower()) for each in known) else resource


def _values(reported: Json) -> dict[str, str]:
    return {setting["name"]: setting["value"].lower() for setting in reported["settings"]}


def _name(vm: str) -> str:
    return vm.rsplit("/", 1)[1]

"""Drills: a test failover that the app begins, looks at, writes down and cleans up, whatever happens meanwhile."""

from typing import Any

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.overrides import CHOSEN, protected, protected_world
from tests.waiting import eventually

Json = dict[str, Any]

NETWORK = f"{CHOSEN}/providers/Microsoft.Network/virtualNetworks/dr-drill"
DRILLS = {"DR_DRILLS": "true"}
ORDER = {"network": NETWORK}


def world(*names: str, **more: Any) -> Json:
    """Protected VMs of two disks, and an isolated network for drills."""
    isolated = {"name": "drill", "prefix": "10.77.1.0/24", "defaultOutboundAccess": False}
    network = {
        "id": NETWORK,
        "location": estates.TARGET,
        "addressSpace": ["10.77.0.0/16"],
        "subnets": [isolated],
    }
    vms = [estates.vm(name, disks=2) for name in names]
    estate = protected_world(vms, [protected(name, nics=[]) for name in names], **more)
    estate["networks"].append(network)
    return estate


def route(name: str) -> str:
    return estates.vm_id(name).replace("/providers/Microsoft.Compute", "").lstrip("/") + "/drill"


async def ended(stack: Stack, name: str, *, within: float = 60) -> Json:
    """The view of the drill once its run has ended."""

    async def has_ended() -> Json | None:
        status, view = await stack.api("GET", route(name))
        return view if status == 200 and not view["running"] and view["drill"] is None else None

    view: Json = await eventually(has_ended, within=within)
    return view


async def test_a_drill_of_one_vm_from_the_order_to_the_evidence(start_stack: StartStack) -> None:
    async with start_stack(world("web-1"), settings=DRILLS) as stack:
        status, accepted = await stack.api("POST", route("web-1"), ORDER)
        assert status == 202, accepted
        view = await ended(stack, "web-1")
    assert (view["outcome"], view["run"]["outcome"]) == ("Passed", "Passed")

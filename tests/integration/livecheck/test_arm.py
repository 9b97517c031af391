"""The operator's client against the simulator: what passes is waited out, what fails is said with its code."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, TCPConnector

from local.livecheck.arm import Arm, ArmError
from local.simulator import Simulator
from local.simulator.identity import issue
from tests.integration.simulator.azure import GROUP, NETWORK, SUBSCRIPTION, estate

GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
VERSION = "2025-04-01"
BODY = {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}}


@asynccontextmanager
async def reached() -> AsyncIterator[tuple[Arm, Simulator]]:
    async with Simulator(estate(), speed=600) as simulator:
        connector = TCPConnector(ssl=ssl.create_default_context(cafile=simulator.ca_file))
        token = issue("a", "b", simulator.url, "c")
        async with ClientSession(connector=connector, headers={"Authorization": f"Bearer {token}"}) as session:
            yield Arm(session, simulator.url, 0.01), simulator


async def test_throttling_and_passing_faults_are_waited_out() -> None:
    async with reached() as (arm, simulator):
        simulator.gateway.faults.add({"match": {"method": "PUT"}, "kind": "throttle", "times": 1})
        simulator.gateway.faults.add({"match": {"method": "PUT"}, "kind": "status", "status": 503, "times": 2})

        answer = await arm.call("PUT", f"{GROUPS}/new", VERSION, {"location": "eastus"})

        assert answer.status == 201


async def test_what_does_not_pass_is_said_as_azure_says_it() -> None:
    async with reached() as (arm, simulator):
        simulator.gateway.faults.add({"match": {"method": "PUT"}, "kind": "status", "status": 503})

        with pytest.raises(ArmError, match=r"PUT /subscriptions/.*/new: 503 InternalServerError: "):
            await arm.call("PUT", f"{GROUPS}/new", VERSION, {"location": "eastus"})

        with pytest.raises(ArmError, match="400 MissingApiVersionParameter"):
            await arm.call("GET", GROUPS, "")


@pytest.mark.parametrize(
    ("method", "path", "version"), [("PUT", f"{NETWORK}-2", "2026-03-01"), ("DELETE", f"{GROUPS}/empty", VERSION)]
)
async def test_an_operation_is_followed_to_its_end_and_its_failure_reported(
    method: str, path: str, version: str
) -> None:
    """By Azure-AsyncOperation, and where there is none by Location."""
    body = BODY if method == "PUT" else None
    async with reached() as (arm, simulator):
        await arm.call("PUT", f"{GROUPS}/empty", VERSION, {"location": "eastus"})
        fault = {"match": {"method": method}, "kind": "fail-operation", "code": "OutOfLuck", "times": 1}
        simulator.gateway.faults.add(fault)

        with pytest.raises(ArmError, match="OutOfLuck"):
            await arm.finish(method, path, version, body)

        await arm.finish(method, path, version, body)
        there = (await arm.call("GET", path, version)).status
        assert there == (200 if method == "PUT" else 404)


async def test_a_list_has_all_its_pages_and_of_nothing_nothing() -> None:
    async with reached() as (arm, simulator):
        simulator.world.behaviour.page_size = 1
        await arm.call("PUT", f"{GROUPS}/one-more", VERSION, {"location": "eastus"})

        found = {group["name"] for group in await arm.list(GROUPS, VERSION)}

        assert {"one-more", GROUP.rsplit("/", 1)[-1]} <= found
        assert await arm.list(f"{GROUPS}/none/resources", VERSION) == []

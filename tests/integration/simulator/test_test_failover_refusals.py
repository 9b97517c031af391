"""What a test failover is refused for: state, input, rights."""

from typing import Any

import pytest

from tests.integration.simulator.azure import NETWORK, VAULT_ID, cause
from tests.integration.simulator.test_access import ITEM_TYPE, VMS_READ, let
from tests.integration.simulator.test_test_failover import (
    CLEANUP,
    ISOLATED,
    ITEM,
    WHERE,
    drill,
    item_of,
    outcome,
    simulated,
    statuses,
    waits,
    world,
)
from tests.waiting import eventually

FAR = {"networkId": NETWORK}
POINT = "/recoveryPoints/00000000-0000-4000-8000-000000000001"
REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], int, str]] = {
    # Changes of the item; changes of the request; the status and the code of the two variants.
    "not protected": ({"state": "EnablingFailed"}, {}, 409, "159110"),
    "critical": ({"condition": {"health": "Critical"}}, {}, 409, "159112"),
    "no network": ({}, {"networkId": f"{ISOLATED}-gone"}, 400, "159021"),
    "another region": ({}, FAR, 400, "159022"),
    "no network of its interfaces": ({}, {"networkType": "NoNetworkAttachAsInput", "networkId": None}, 400, "159021"),
    "no such point": (
        {},
        {"providerSpecificDetails": {"instanceType": "A2A", "recoveryPointId": f"{ITEM}{POINT}"}},
        400,
        "159115",
    ),
}


@pytest.mark.parametrize("variant", ["error", "job"])
@pytest.mark.parametrize("name", REFUSALS)
async def test_what_cannot_begin_is_refused_at_once_or_by_a_job(name: str, variant: str) -> None:
    changes, asked, status, code = REFUSALS[name]
    async with simulated(world(items=changes), testFailoverRefusal=variant) as clients:
        if variant == "job":
            assert await cause(clients, "POST", f"{ITEM}/testFailover", drill(**asked)) == code
        else:
            given, body, _ = await clients.call("POST", f"{ITEM}/testFailover", drill(**asked))
            assert (given, body["error"]["details"][0]["code"]) == (status, code)
        assert (await item_of(clients)).test_failover_state == "None"
        assert await statuses(clients) == [404] * 4


@pytest.mark.parametrize("variant", ["error", "job"])
async def test_nothing_else_begins_while_a_test_failover_is_not_cleaned_up(variant: str) -> None:
    async with simulated(testFailoverRefusal=variant) as clients:
        codes = []

        async def ask(action: str, body: Any) -> None:
            if variant == "job":
                codes.append(await cause(clients, "POST", f"{ITEM}/{action}", body))
            else:
                status, answer, _ = await clients.call("POST", f"{ITEM}/{action}", body)
                assert status == 409
                codes.append(answer["error"]["details"][0]["code"])

        await ask("testFailoverCleanup", CLEANUP)
        await outcome(clients, slow=1000)
        await clients.recovery.replication_protected_items.begin_test_failover(*WHERE, drill())
        await ask("testFailover", drill())
        await ask("testFailoverCleanup", CLEANUP)
        await clients.call("PATCH", "/sim/clock", {"speed": 10_000_000})
        await eventually(lambda: waits(clients))
        await ask("testFailover", drill())
        assert await statuses(clients) == [200] * 4

    assert codes == ["159110", "159111", "159111", "159110"]


BAD = [
    {"failoverDirection": "RecoveryToPrimary"},
    {"failoverDirection": None},
    {"networkType": "LogicalNetworkAsInput"},
    {"networkId": None},
    {"networkType": "NoNetworkAttachAsInput"},
    {"providerSpecificDetails": None},
    {"providerSpecificDetails": {"instanceType": "HyperVReplicaAzure"}},
    {"skipTestFailoverCleanup": "true"},
]


@pytest.mark.parametrize("changes", BAD)
async def test_a_body_that_is_wrong_is_400(changes: dict[str, Any]) -> None:
    async with simulated(testFailoverRefusal="job") as clients:
        status, *_ = await clients.call("POST", f"{ITEM}/testFailover", drill(**changes))

    assert status == 400


RIGHTS = {
    f"{ITEM_TYPE}/testFailover/action": VAULT_ID,
    "Microsoft.Network/virtualNetworks/read": ISOLATED,
    "Microsoft.Network/virtualNetworks/subnets/read": ISOLATED,
    "Microsoft.Network/virtualNetworks/subnets/join/action": ISOLATED,
}


@pytest.mark.parametrize("missing", [*RIGHTS, None])
async def test_the_caller_needs_the_action_and_rights_on_the_network(missing: str | None) -> None:
    async with simulated() as clients:
        await let(clients, *((scope, [action]) for action, scope in RIGHTS.items() if action != missing))
        status, body, _ = await clients.call("POST", f"{ITEM}/testFailover", drill())
        _, access, _ = await clients.call("GET", "/sim/access")

    own = f"{ITEM_TYPE}/testFailover/action"
    refused = {None: None, own: "AuthorizationFailed"}.get(missing, "LinkedAuthorizationFailed")
    assert (status, body["error"]["code"] if body else None) == (403 if missing else 202, refused)
    if missing is None:
        assert {demand["action"] for demand in access["demands"]} == set(RIGHTS)
        subnets = {demand["scope"].rpartition("/")[2] for demand in access["demands"] if "subnets" in demand["action"]}
        assert subnets == {"web"}


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", f"{ITEM}/testFailoverCleanup", f"{ITEM_TYPE}/testFailoverCleanup/action"),
        ("GET", f"{ITEM}/recoveryPoints", f"{ITEM_TYPE}/recoveryPoints/read"),
        (
            "PUT",
            f"{VAULT_ID}/replicationRecoveryPlans/p",
            "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans/write",
        ),
        (
            "POST",
            f"{VAULT_ID}/replicationRecoveryPlans/p/testFailover",
            "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans/testFailover/action",
        ),
        (
            "POST",
            f"{VAULT_ID}/replicationRecoveryPlans/p/testFailoverCleanup",
            "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans/testFailoverCleanup/action",
        ),
    ],
)
async def test_each_call_needs_its_right(method: str, path: str, action: str) -> None:
    async with simulated() as clients:
        await let(clients, (VAULT_ID, [VMS_READ]))
        body: dict[str, Any] | None = {"properties": {}} if method != "GET" else None
        status, answer, _ = await clients.call(method, path, body)

    assert status == 403
    assert f"'{action}'" in answer["error"]["message"]

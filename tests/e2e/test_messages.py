"""Messages, at a topic of the simulator: a cause is published when it begins and when it is resolved, and only then."""

from datetime import UTC, datetime, timedelta
from typing import Any

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import route_of
from tests.e2e.sweeping import compliance, sweep
from tests.waiting import eventually

Json = dict[str, Any]

CODE = "VmNotRunning"


async def messages(stack: Stack, known: set[str]) -> list[Json]:
    """Those that were published since it was called last, `known` being what it has returned."""
    events = (await stack.published())["events"]
    found = [each for each in events if each["id"] not in known and "schemaVersion" in each["data"]]
    known |= {each["id"] for each in found}
    return found


def named(found: list[Json]) -> list[str]:
    return [
        f"{each['type'].removeprefix('AzureVmDr.')} {each['data']['cause']} "
        f"{' '.join(sorted(vm['vmId'].rpartition('/')[2] for vm in each['data']['vms']))}"
        for each in found
        if each["type"] != "AzureVmDr.Digest"
    ]


async def test_a_cause_is_published_once_grouped_and_once_when_it_is_resolved(start_stack: StartStack) -> None:
    vms = [estates.vm(name, power="deallocated") for name in ("web-1", "web-2", "held", "known")]
    soon = datetime.now(UTC) + timedelta(days=1)
    vms[2]["tags"]["dr-hold"] = f"until={soon:%Y-%m-%dT%H:%M}Z; a change"
    settings = {"DR_MODE": "report", "WEBSITE_HOSTNAME": "dr.example"}
    known = set[str]()
    route = route_of(vms[3]["id"]).replace("/protection", "/acknowledge")
    async with start_stack(estates.estate(vms), settings=settings) as stack:
        status, _ = await stack.api("PUT", route, {"cause": CODE, "reason": "its owner knows"})
        (shown,) = (await compliance(stack))[vms[3]["id"].lower()]["acknowledged"]
        assert (status, shown["cause"], shown["reason"]) == (200, CODE, "its owner knows")
        await sweep(stack)
        begun = await messages(stack, known)
        await sweep(stack)
        assert await messages(stack, known) == []

        # What was acknowledged before it was published is published once that ends.
        status, left = await stack.api("DELETE", route)
        assert (status, left["value"]) == (200, [])
        await stack.arm("POST", f"{vms[0]['id']}/start", "2026-04-01")

        async def runs() -> bool:
            codes = {each["code"] for each in (await compliance(stack))[vms[0]["id"].lower()]["findings"]}
            return CODE not in codes

        await eventually(runs)
        await sweep(stack)
        resolved = await messages(stack, known)
        await stack.sim("POST", "faults", {"match": {"path": "ResourceGraph"}, "kind": "status", "status": 403})
        await sweep(stack)
        unread = await messages(stack, known)
        await stack.sim("DELETE", "faults")
        await sweep(stack)
        again = await messages(stack, known)
        _, view = await stack.api("GET", "status")

    assert named(begun) == [f"CauseFailed {CODE} web-1 web-2"]
    event = begun[0]
    assert (event["data"]["kind"], event["data"]["count"], event["data"]["vmsLeftOut"]) == ("failed", 2, 0)
    assert event["data"]["fix"]
    assert event["data"]["link"] == f"https://dr.example/api/ui/#/vms?has={CODE}"
    (digest,) = [each for each in begun if each["type"] == "AzureVmDr.Digest"]
    assert (digest["data"]["required"], digest["data"]["onHold"], digest["data"]["open"]) == (4, 1, {CODE: 2})
    assert digest["data"]["acknowledged"] == 1
    assert named(resolved) == [f"CauseFailed {CODE} known", f"CauseResolved {CODE} web-1"]
    assert unread == []
    # In report mode nothing protects it, and by now no run of its own is to be waited for.
    assert named(again) == ["CauseFailed MissingProtection web-1"]
    assert view["messagesDisabled"] == ""


async def test_without_an_archive_there_is_no_message_and_the_status_says_so(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", power="deallocated")
    async with start_stack(estates.estate([vm]), settings={"DR_MODE": "report", "DR_ARCHIVE": ""}) as stack:
        await sweep(stack)
        found = await messages(stack, set())
        _, status = await stack.api("GET", "status")
        log = stack.log_of("host")

    assert found == []
    assert status["messagesDisabled"].startswith("DR_ARCHIVE is not set")
    assert "No transition and no digest is published: DR_ARCHIVE is not set" in log

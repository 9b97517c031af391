"""What the management API answers, its pages, and the limits of Durable Functions: alike on both implementations."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from azure.durable_functions import DurableOrchestrationClient, EntityId

from tests.integration.host.running import (
    RunningHost,
    failure,
    wait_for_runtime_status,
    wait_for_status,
    wait_until_ended,
)

CONTINUATION = "x-ms-continuation-token"


class Api:
    """The public management API, with its key."""

    def __init__(self, host: RunningHost, session: aiohttp.ClientSession) -> None:
        self._base = f"{host.url}/runtime/webhooks/durabletask/"
        self.key = host.keys["system"]["durabletask_extension"]
        self._session = session

    async def __call__(self, method: str, path: str, **options: Any) -> tuple[int, Any, Any]:
        """Status, body (JSON where it is some) and headers."""
        headers = {"x-functions-key": self.key, **options.pop("headers", {})}
        async with self._session.request(method, self._base + path, headers=headers, **options) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text[:1] in ("{", "[", '"') else text, answer.headers

    async def start(self, name: str, instance_id: str, value: Any) -> int:
        return (await self("POST", f"orchestrators/{name}/{instance_id}", json=json.dumps(value)))[0]


@pytest.fixture
async def api(durable_host: RunningHost) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(durable_host, session)


# What it answers


async def test_a_start_says_where_its_instance_is(api: Api) -> None:
    status, links, headers = await api("POST", "orchestrators/chain/where", json="1")
    assert (status, headers["Retry-After"], headers["Location"]) == (202, "10", links["statusQueryGetUri"])
    assert set(links) == {
        "id",
        "statusQueryGetUri",
        "sendEventPostUri",
        "terminatePostUri",
        "purgeHistoryDeleteUri",
        "restartPostUri",
        "suspendPostUri",
        "resumePostUri",
    }


async def test_who_is_under_way_is_to_be_asked_again(api: Api) -> None:
    await api.start("first_of", "under-way", 3600)
    status, body, headers = await api("GET", "instances/under-way?showHistory=true")
    assert (status, body["name"], body["version"]) == (202, "first_of", "1.2")
    assert headers["Location"].endswith(f"/runtime/webhooks/durabletask/instances/under-way?code={api.key}")


async def test_an_id_that_runs_is_refused_with_what_it_does(api: Api, client: DurableOrchestrationClient) -> None:
    assert await api.start("first_of", "runs", 3600) == 202
    await wait_for_status(client, "runs", "waiting")
    status, body, _ = await api("POST", "orchestrators/first_of/runs", json="1")
    assert (status, body) == (409, {"Message": "An Orchestration instance with the status Running already exists."})
    status, body, _ = await api("POST", "instances/runs/restart?restartWithNewInstanceId=false")
    assert (status, body["Message"]) == (409, "A non-terminal instance with this instance ID already exists.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "instances/none"),
        ("DELETE", "instances/none"),
        ("PUT", "instances/none"),
        ("POST", "instances/none/terminate"),
        ("POST", "instances/none/raiseEvent/changed"),
        ("POST", "orchestrators/chain/a/b"),
        ("POST", "orchestrators/chain/a%2Fb"),
        ("GET", "orchestrators/chain"),
        ("DELETE", "instances?createdTimeFrom=2099-01-01T00:00:00Z"),
        ("GET", "nothing"),
    ],
)
async def test_what_is_not_there_is_not_found(api: Api, method: str, path: str) -> None:
    assert (await api(method, path))[:2] == (404, "")


async def test_what_has_ended_is_gone(api: Api, client: DurableOrchestrationClient) -> None:
    await client.start_new("chain", "gone", 1)
    await wait_until_ended(client, "gone")
    for operation in ("terminate", "suspend", "resume", "raiseEvent/changed"):
        assert (await api("POST", f"instances/gone/{operation}", data="no JSON"))[:2] == (410, "")


async def test_bodies_that_are_no_json(api: Api) -> None:
    await api.start("first_of", "reads", 3600)
    nonsense = {"data": "nonsense", "headers": {"Content-Type": "application/json"}}
    for path in ("orchestrators/chain/nonsense", "instances/reads/raiseEvent/changed"):
        status, body, _ = await api("POST", path, **nonsense)
        assert (status, body["Message"]) == (400, "Invalid JSON content")
    status, body, _ = await api("POST", "instances/reads/raiseEvent/changed", data="1")
    assert (status, body) == (400, {"Message": "Only application/json request content is supported"})


async def test_what_cannot_be_understood_in_a_query_is_passed_over(api: Api) -> None:
    await api.start("first_of", "found", 3600)
    for query in ("createdTimeFrom=nonsense", "runtimeStatus=Nonsense", "top=nonsense"):
        status, found, _ = await api("GET", f"instances?instanceIdPrefix=found&{query}")
        assert (status, [each["instanceId"] for each in found]) == (200, ["found"])
    status, text, _ = await api("DELETE", "instances?createdTimeFrom=nonsense")
    assert (status, text) == (400, "Please provide value for 'createdTimeFrom' parameter.")


async def test_only_what_failed_can_be_rewound(api: Api, client: DurableOrchestrationClient) -> None:
    await client.start_new("chain", "no-rewind", 1)
    await wait_until_ended(client, "no-rewind")
    status, text, _ = await api("POST", "instances/no-rewind/rewind?reason=why")
    assert (status, text) == (
        412,
        'This orchestration has status Completed, but only orchestrations in the "Failed" state can be rewound.',
    )


async def test_there_are_no_entities(api: Api, client: DurableOrchestrationClient) -> None:
    assert (await api("GET", "entities"))[:2] == (200, [])
    assert (await api("GET", "entities/counter/a"))[0] == 404
    status, body, _ = await api("POST", "entities/counter/a?op=add", json=1)
    assert status == 400
    assert body["Message"].startswith(
        "The function 'counter' doesn't exist, is disabled, or is not an entity function."
    )
    with pytest.raises(Exception, match="400"):
        await client.signal_entity(EntityId("counter", "a"), "add", 1)


async def test_a_suspension_shows_its_reason_until_the_next(api: Api, client: DurableOrchestrationClient) -> None:
    await client.start_new("looks_again", "reasons", 0)
    await wait_for_status(client, "reasons", {"wakes": 0})
    for operation, reached, shown in (("suspend", "Suspended", "a pause"), ("resume", "Running", "on")):
        await api("POST", f"instances/reasons/{operation}?reason={shown}")
        await wait_for_runtime_status(client, "reasons", reached)
        assert (await api("GET", "instances/reasons"))[1]["output"] == shown
    status, body, _ = await api("POST", "instances/reasons/resume")
    assert (status, body["ExceptionMessage"]) == (
        500,
        "Cannot resume the orchestration instance reasons because instance is in the Running state.",
    )
    await api("POST", "instances/reasons/terminate")
    assert (await wait_until_ended(client, "reasons"))[0].output == "on"


# Pages


async def test_a_list_comes_in_pages_of_a_hundred(api: Api, client: DurableOrchestrationClient) -> None:
    names = [f"page-{number:03}" for number in range(130)]
    await asyncio.gather(*(client.start_new("repeats", name, 1) for name in names))
    await wait_until_ended(client, *names)
    pages: list[list[str]] = []
    token, more = "", True
    while more:
        headers = {CONTINUATION: token} if token else {}
        _, found, answered = await api("GET", "instances?instanceIdPrefix=page-", headers=headers)
        pages.append([each["instanceId"] for each in found])
        token = answered[CONTINUATION]
        more = bool(token)
    assert [len(page) for page in pages] == [100, 30]
    assert [name for page in pages for name in page] == names
    # The SDK knows of no pages: it gives the first one for all.
    assert len(await client.get_status_by(instance_id_prefix="page-")) == 100
    for top, expected in ((7, 7), (120, 120), (1000, 130)):
        _, found, answered = await api("GET", f"instances?instanceIdPrefix=page-&top={top}")
        assert (len(found), bool(answered[CONTINUATION])) == (expected, expected < 130)


# Purging


async def test_what_runs_is_not_purged_by_its_id(api: Api, client: DurableOrchestrationClient) -> None:
    await client.start_new("first_of", "kept", 3600)
    await wait_for_status(client, "kept", "waiting")
    status, text, _ = await api("DELETE", "instances/kept")
    assert status == 412
    assert text == (
        "Only orchestrations in a terminal state can be purged, "
        "but the orchestration with instance ID kept has status Running"
    )
    with pytest.raises(Exception, match="412"):
        await client.purge_instance_history("kept")


async def test_a_purge_by_filter_takes_what_runs_too_and_looks_at_no_prefix(client: DurableOrchestrationClient) -> None:
    """So any client that purges by filter names the statuses."""
    before = datetime.now(UTC)
    await client.start_new("first_of", "taken", 3600)
    await wait_for_status(client, "taken", "waiting")
    after = datetime.now(UTC)
    assert (await client.purge_instance_history_by(before, after)).instances_deleted == 1
    assert not await client.get_status("taken")


async def test_a_new_generation_is_as_young_as_its_start(client: DurableOrchestrationClient) -> None:
    await client.start_new("looks_again", "young", 0)
    await wait_for_status(client, "young", {"wakes": 0})
    first = (await client.get_status("young")).created_time
    await asyncio.sleep(1.1)
    await client.raise_event("young", "changed")
    await wait_for_status(client, "young", {"wakes": 1})
    assert (await client.get_status("young")).created_time - first >= timedelta(seconds=1)


# Limits


@pytest.mark.parametrize("status", [["x", 8701], ["\N{GRINNING FACE}", 4350], ['"', 4350]])
async def test_a_custom_status_may_have_17_kb_less_two_bytes_in_utf_16(
    client: DurableOrchestrationClient, status: list[Any]
) -> None:
    """Its JSON text, to whole KB, is not more than 16."""
    character, length = status
    instance_id = await client.start_new("says_much", client_input=[length, character])
    await wait_for_status(client, instance_id, character * length)
    await client.raise_event(instance_id, "go")
    assert (await wait_until_ended(client, instance_id))[0].output == "said"
    text = await failure(client, "says_much", [length + 1, character])
    assert text == (
        "Orchestrator function 'says_much' failed: The UTF-16 size of the JSON-serialized payload must not exceed "
        "16 KB. The current payload size is 17 KB."
    )


async def test_a_large_input_is_no_text_until_its_instance_runs(api: Api, client: DurableOrchestrationClient) -> None:
    text = "x" * 35_000
    await api.start("repeats", "large", text)
    _, body, _ = await api("GET", "instances/large")
    assert (body["runtimeStatus"], body["input"]) == ("Pending", "")
    (status,) = await wait_until_ended(client, "large")
    assert (status.output, json.loads(status.input_)) == (text, text)


# Races


async def test_of_two_starts_at_once_both_may_succeed_and_one_is_lost(
    api: Api, client: DurableOrchestrationClient
) -> None:
    both = 0
    for number in range(12):
        name = f"raced-{number}"
        await client.start_new("repeats", name, 0)
        await wait_until_ended(client, name)
        answers = list(await asyncio.gather(*(api.start("repeats", name, value) for value in (0, 1))))
        await asyncio.sleep(0.5)
        # The one that came later is refused where it finds the other.
        assert sorted(answers) in ([202, 202], [202, 409])
        assert answers[(await wait_until_ended(client, name))[0].output] == 202
        both += answers == [202, 202]
    assert both


async def test_an_event_that_comes_while_an_instance_ends_is_lost_behind_a_202(
    api: Api, client: DurableOrchestrationClient
) -> None:
    accepted = 0
    for number in range(10):
        name = f"ends-{number}"
        await client.start_new("first_of", name, 3600)
        await wait_for_status(client, name, "waiting")
        events = (api("POST", f"instances/{name}/raiseEvent/changed", json=each) for each in range(5))
        accepted += [status for status, *_ in await asyncio.gather(*events)].count(202)
        assert (await wait_until_ended(client, name))[0].output in range(5)
    assert accepted > 10

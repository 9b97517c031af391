"""Orchestrations of the real SDK, started through the real client, on a running host: on the embedded engine and, where
it is there, on Microsoft's extension."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from tests.integration.host.running import (
    RunningHost,
    failure,
    output,
    wait_for_runtime_status,
    wait_for_status,
    wait_until_ended,
)
from tests.waiting import eventually


async def test_activities_in_a_row(client: DurableOrchestrationClient) -> None:
    assert await output(client, "chain", 1) == 3


async def test_fan_out(client: DurableOrchestrationClient) -> None:
    assert await output(client, "fan_out", 50) == sum(range(1, 51))


async def test_a_timer_wins(client: DurableOrchestrationClient) -> None:
    assert await output(client, "first_of", 0.2) == "timer"


async def test_an_event_wins_and_the_cancelled_timer_does_not_hold_the_instance(
    client: DurableOrchestrationClient,
) -> None:
    await client.start_new("first_of", "event-wins", 3600)
    await wait_for_status(client, "event-wins", "waiting")
    await client.raise_event("event-wins", "changed", {"a": 1})
    (status,) = await wait_until_ended(client, "event-wins")
    # As in Azure: what the client sends arrives as text.
    assert status.output == '{"a": 1}'


async def test_an_open_timer_holds_the_instance(client: DurableOrchestrationClient) -> None:
    started = datetime.now(UTC)
    assert await output(client, "leaves_timer_open") == "done"
    # Of three seconds; the storage emulator may show the message of a timer a second early.
    assert datetime.now(UTC) - started > timedelta(seconds=1.5)


async def test_many_generations_keep_the_version_and_a_short_history(client: DurableOrchestrationClient) -> None:
    instance_id = await client.start_new("generations", client_input=40)
    (status,) = await wait_until_ended(client, instance_id)
    assert (status.output, status.input_) == ("1.2", "0")
    history = (await client.get_status(instance_id, show_history=True)).historyEvents
    assert [event["EventType"] for event in history] == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]


async def test_a_version_can_be_given_at_the_start(client: DurableOrchestrationClient) -> None:
    instance_id = await client.start_new("generations", client_input=1, version="1.0")
    assert (await wait_until_ended(client, instance_id))[0].output == "1.0"


async def test_a_version_that_is_newer_than_the_app_waits_for_a_newer_app(client: DurableOrchestrationClient) -> None:
    await client.start_new("generations", "newer", 1, version="1.10")
    await asyncio.sleep(3)
    assert (await client.get_status("newer")).runtime_status is OrchestrationRuntimeStatus.Pending


async def test_no_event_is_lost_over_generations(client: DurableOrchestrationClient) -> None:
    """Events that come while a turn runs wake the next generation; a burst may be one wake-up, but never none."""
    await client.start_new("looks_again", "level", 0)
    await wait_for_status(client, "level", {"wakes": 0})
    for round_number in range(1, 30):
        before = (await client.get_status("level")).custom_status["wakes"]
        await client.raise_event("level", "changed", round_number)

        async def woke(before: int = before) -> bool:
            return bool((await client.get_status("level")).custom_status["wakes"] > before)

        await eventually(woke)
    await asyncio.gather(*(client.raise_event("level", "changed") for _ in range(20)))

    # An event of which a generation has no use is lost with it, here as in Azure: `stop` is sent until it is heard.
    async def stopped() -> bool:
        with contextlib.suppress(Exception):
            await client.raise_event("level", "stop")
        return (await client.get_status("level")).runtime_status is not OrchestrationRuntimeStatus.Running

    await eventually(stopped)
    status = await client.get_status("level")
    assert status.runtime_status is OrchestrationRuntimeStatus.Completed
    assert 29 < status.output <= 49


async def test_an_event_comes_again_when_nothing_is_awaited_after_the_cancelled_timer(
    client: DurableOrchestrationClient,
) -> None:
    """A fault of Azure's extension (its issue 2606), which an app must not meet there for the first time."""
    await client.start_new("event_again", "again", 0)
    await wait_for_runtime_status(client, "again", "Running")
    await client.raise_event("again", "changed")
    assert (await wait_until_ended(client, "again"))[0].output == "five wake-ups"


async def test_sub_orchestrations(client: DurableOrchestrationClient) -> None:
    await client.start_new("parent", "family")
    (status,) = await wait_until_ended(client, "family")
    assert status.output == [2, 3, 4, 12]
    assert (await client.get_status("family-child")).output == 12


async def test_what_orchestrators_and_activities_raise_is_reported(client: DurableOrchestrationClient) -> None:
    assert await failure(client, "raises", "the reason") == "Orchestrator function 'raises' failed: the reason"
    text = await failure(client, "activity_fails", "no luck")
    said, _, details = text.partition(" \n ")
    assert (
        said == "Orchestrator function 'activity_fails' failed: Activity function 'fail' failed:  ValueError: no luck"
    )
    # What follows is long, and names paths of the server: any client that shows it cuts it off.
    assert details.startswith('{"$type":"System.Exception, System.Private.CoreLib","ClassName":"System.Exception"')
    assert "function_app.py" in details
    said, _, details = (await output(client, "parent_of_failure")).partition(" \n ")
    assert said == "Orchestrator function 'raises' failed: the reason"
    assert details.startswith("Message: the reason, StackTrace: ")


async def test_retries_end_with_the_error_and_the_next_task_gets_its_own_result(
    client: DurableOrchestrationClient,
) -> None:
    assert await output(client, "retries") == "2: Activity function 'fail' failed:  ValueError: always "


@pytest.mark.parametrize("name", ["unknown_activity", "unknown_child"])
async def test_who_calls_what_does_not_exist_waits_for_ever(client: DurableOrchestrationClient, name: str) -> None:
    await client.start_new(name, name)
    await wait_for_runtime_status(client, name, "Running")
    await asyncio.sleep(1)
    assert (await client.get_status(name)).runtime_status is OrchestrationRuntimeStatus.Running
    await client.terminate(name, "enough")
    assert (await wait_until_ended(client, name))[0].output == "enough"


async def test_what_only_the_extension_does_the_engine_says(
    durable_host: RunningHost, client: DurableOrchestrationClient
) -> None:
    if durable_host.env["DURABLE_HOST"]:
        pytest.skip("Microsoft's extension does it")
    assert "does not support durable HTTP calls (call_http)" in await failure(client, "calls_http")
    await client.start_new("raises", "no-rewind", "x")
    await wait_until_ended(client, "no-rewind")
    with pytest.raises(Exception, match="does not support rewind"):
        await client.rewind("no-rewind", "why")


async def test_an_activity_may_bind_the_client(client: DurableOrchestrationClient) -> None:
    assert await output(client, "starts_another", "started-by-activity") == "started-by-activity"
    assert (await wait_until_ended(client, "started-by-activity"))[0].output == 42


async def test_an_id_that_runs_cannot_be_started_again_and_one_that_ended_can(
    client: DurableOrchestrationClient,
) -> None:
    await client.start_new("first_of", "once", 3600)
    with pytest.raises(Exception, match="already exists"):
        await client.start_new("first_of", "once", 3600)
    await wait_for_status(client, "once", "waiting")
    await client.terminate("once", "enough")
    (status,) = await wait_until_ended(client, "once")
    assert (status.runtime_status, status.output) == (OrchestrationRuntimeStatus.Terminated, "enough")
    await client.start_new("chain", "once", 1)
    (status,) = await wait_until_ended(client, "once")
    assert (status.name, status.output) == ("chain", 3)


@pytest.mark.parametrize("instance_id", ["a" * 101, "@first", "a b", "ä"])
async def test_ids_of_all_kinds(client: DurableOrchestrationClient, instance_id: str) -> None:
    await client.start_new("chain", instance_id, 1)
    (status,) = await wait_until_ended(client, instance_id)
    assert (status.instance_id, status.output) == (instance_id, 3)


@pytest.mark.parametrize("separator", ["?", "#"])
async def test_what_the_sdk_does_not_quote_is_cut_off(client: DurableOrchestrationClient, separator: str) -> None:
    cut = f"cut-{ord(separator)}"
    assert await client.start_new("chain", f"{cut}{separator}b", 1) == cut


async def test_an_id_with_a_slash_leads_nowhere(client: DurableOrchestrationClient) -> None:
    # The SDK raises what the answer says, and a 404 says nothing.
    with pytest.raises(Exception, match=r"^None$"):
        await client.start_new("chain", "a/b")


async def test_unknown_instances(client: DurableOrchestrationClient) -> None:
    assert not await client.get_status("no-such-instance")
    for call in (client.terminate, client.suspend, client.resume):
        with pytest.raises(Exception, match="No instance with ID"):
            await call("no-such-instance", "why")
    with pytest.raises(Exception, match="No instance with ID"):
        await client.raise_event("no-such-instance", "changed")
    assert (await client.purge_instance_history("no-such-instance")).instances_deleted == 0


async def test_an_unknown_orchestrator_starts_and_fails(client: DurableOrchestrationClient) -> None:
    text = await failure(client, "nothing")
    assert text.startswith(
        "Orchestrator function 'nothing' failed: The function 'nothing' doesn't exist, is disabled, or is not an "
        "orchestrator function. Additional info: The following are the known orchestrator functions: '"
    )
    assert "'generations'" in text


async def test_a_suspended_instance_waits_until_it_is_resumed(client: DurableOrchestrationClient) -> None:
    await client.start_new("looks_again", "suspended", 0)
    await wait_for_status(client, "suspended", {"wakes": 0})
    await client.suspend("suspended", "a pause")
    await wait_for_runtime_status(client, "suspended", "Suspended")
    assert (await client.get_status("suspended")).output == "a pause"
    await client.raise_event("suspended", "stop", "kept")
    await asyncio.sleep(0.5)
    assert (await client.get_status("suspended")).runtime_status is OrchestrationRuntimeStatus.Suspended
    with pytest.raises(Exception, match="500"):
        await client.suspend("suspended", "again")
    await client.resume("suspended", "on")
    assert (await wait_until_ended(client, "suspended"))[0].output == 0


async def test_a_suspended_instance_ends_when_nothing_follows_a_cancelled_timer(
    client: DurableOrchestrationClient,
) -> None:
    """The orchestrator is shown the event, and cancels the timer: its host has nothing to wait for then."""
    await client.start_new("first_of", "suspended-ends", 3600)
    await wait_for_status(client, "suspended-ends", "waiting")
    await client.suspend("suspended-ends", "a pause")
    await wait_for_runtime_status(client, "suspended-ends", "Suspended")
    await client.raise_event("suspended-ends", "changed", "seen")
    assert (await wait_until_ended(client, "suspended-ends"))[0].output == '"seen"'


async def test_what_has_ended_is_gone_for_messages_and_can_be_purged(client: DurableOrchestrationClient) -> None:
    await client.start_new("chain", "purged", 1)
    await wait_until_ended(client, "purged")
    with pytest.raises(Exception, match="is gone"):
        await client.raise_event("purged", "changed")
    await client.terminate("purged", "too late")
    assert (await client.purge_instance_history("purged")).instances_deleted == 1
    assert not await client.get_status("purged")


async def test_many_are_found_by_status_time_and_prefix(client: DurableOrchestrationClient) -> None:
    start = datetime.now(UTC) - timedelta(seconds=1)
    names = [f"many-{number}" for number in range(3)]
    for name in names:
        await client.start_new("chain", name, 1)
    await wait_until_ended(client, *names)
    await client.start_new("first_of", "many-running", 3600)
    completed = [OrchestrationRuntimeStatus.Completed]
    found = await client.get_status_by(start, None, completed, "many-")
    assert sorted(status.instance_id for status in found) == names
    assert {status.instance_id for status in await client.get_status_by(instance_id_prefix="many-r")} == {
        "many-running"
    }
    assert await client.get_status_by(start, start, completed, "many-") == []


async def test_a_purge_keeps_to_its_span_of_time_and_to_the_statuses_asked_for(
    client: DurableOrchestrationClient,
) -> None:
    before = datetime.now(UTC)
    await client.start_new("chain", "spanned", 1)
    await client.start_new("raises", "spanned-failed", "x")
    await wait_until_ended(client, "spanned", "spanned-failed")
    after = datetime.now(UTC)
    ended = [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Terminated]

    await client.purge_instance_history_by(before - timedelta(days=1), before, ended)
    later = await client.purge_instance_history_by(after, after + timedelta(days=1), ended)
    assert await client.get_status("spanned")
    in_between = await client.purge_instance_history_by(before, after, ended)

    assert (later.instances_deleted, in_between.instances_deleted) == (0, 1)
    assert not await client.get_status("spanned")
    assert await client.get_status("spanned-failed")


async def test_an_instance_is_started_again_from_its_input(client: DurableOrchestrationClient) -> None:
    await client.start_new("chain", "original", 5)
    await wait_until_ended(client, "original")
    again = await client.restart("original")
    assert (await wait_until_ended(client, again["id"]))[0].output == 7
    await client.restart("original", restart_with_new_instance_id=False)
    assert (await wait_until_ended(client, "original"))[0].output == 7


async def test_the_history_shows_what_ran(client: DurableOrchestrationClient) -> None:
    await client.start_new("chain", "shown", 1)
    await wait_until_ended(client, "shown")
    status = await client.get_status("shown", show_history=True, show_history_output=True, show_input=True)
    events = status.historyEvents
    assert status.input_ == "1"
    assert [event.get("FunctionName") for event in events] == ["chain", "add_one", "add_one", None]
    assert [event.get("Result") for event in events[1:]] == [2, 3, 3]


async def test_the_public_api_wants_the_system_key(durable_host: RunningHost) -> None:
    host = durable_host
    key = host.keys["system"]["durabletask_extension"]
    path = "/runtime/webhooks/durabletask"
    assert (await host.get(f"{path}/instances/x"))[0] == 401
    assert (await host.get(f"{path}/instances/x?code=wrong"))[0] == 401
    assert (await host.get(f"{path}/instances/x?code={host.keys['function']['default']}"))[0] == 403
    assert (await host.get(f"{path}/instances/x?code={key}"))[0] == 404
    assert (await host.get(f"{path}/instances/x?code={host.keys['master']}"))[0] == 404
    status, text = await host.get(f"{path}/orchestrators/chain/public?code={key}", "POST", json="5")
    assert status == 202
    links = json.loads(text)
    assert links["statusQueryGetUri"].startswith(f"{host.url}{path}/instances/public?taskHub=TestHub")
    assert links["statusQueryGetUri"].endswith(f"&connection=Storage&code={key}")
    status, _ = await host.get(f"{path}/instances/public/raiseEvent/x?code={key}", "POST", data="not JSON")
    assert status == 400

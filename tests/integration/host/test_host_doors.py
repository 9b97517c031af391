"""What functions get through a running host, and what they answer: by HTTP, Event Grid and timer. What the host itself
answers is in test_host_front.py."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.host.running import APPS, RunningHost, make_app
from tests.waiting import eventually

WEBHOOK = "/runtime/webhooks/EventGrid"
EVENT = {"id": "1", "subject": "/s", "eventType": "t", "eventTime": "2026-01-01T00:00:00Z", "dataVersion": "1"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder: Path = tmp_path_factory.mktemp("doors")
    app = make_app(folder / "app", (APPS / "doors_app.py").read_text())
    app.joinpath("local.settings.json").write_text(json.dumps({"Values": {"SCHEDULE": "* * * * * *"}}))
    (folder / "seen").mkdir()
    host = RunningHost(app, folder / "state", SEEN=str(folder / "seen")).start()
    yield host
    assert host.stop() == 0


def seen(host: RunningHost, kind: str) -> list[Any]:
    return [json.loads(path.read_text()) for path in Path(host.env["SEEN"]).glob(f"{kind}-*")]


def webhook(host: RunningHost, function: str = "on_event") -> str:
    return f"{WEBHOOK}?functionName={function}&code={host.keys['system']['eventgrid_extension']}"


async def notify(host: RunningHost, path: str, body: Any, **headers: str) -> int:
    headers = {"aeg-event-type": "Notification"} | headers
    data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    return (await host.get(path, "POST", data=data, headers=headers))[0]


async def test_a_request_reaches_the_function_whole(host: RunningHost) -> None:
    status, text = await host.get(
        "/api/echo/12/a%20b%2Fc?x=1&x=2&none=", "POST", data="the body", headers={"X-Test": "header"}
    )
    body = json.loads(text)
    assert status == 201
    assert len(body.pop("invocation")) == 36
    assert body == {
        "method": "POST",
        "route": {"first": "12", "second": "a b%2Fc"},
        "url": f"{host.url}/api/echo/12/a%20b%2Fc?x=1&x=2&none=",
        "query": {"x": "1,2"},
        "header": "header",
        "framed": None,
        "body": "the body",
        "function": "echo",
        "thread": True,
    }


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/api/files/a/b/c.txt", 200, "a/b/c.txt"),
        ("/api/files", 200, "nothing"),
        ("/API/Echo/Literal/Path", 200, "1 loop"),
        ("/api/echo/literal/path", 200, "1 loop"),
        ("/api/files/a%0Ab", 200, "a\nb"),
        ("/api/echo/word", 404, ""),
        ("/api/nothing", 404, ""),
        ("/api/empty", 500, ""),
        ("/api/breaks", 500, ""),
    ],
)
async def test_routes(host: RunningHost, path: str, status: int, text: str) -> None:
    assert await host.get(path) == (status, text)


async def test_a_method_that_no_function_takes_is_not_found(host: RunningHost) -> None:
    assert (await host.get("/api/empty", "DELETE"))[0] == 404


async def test_keys(host: RunningHost) -> None:
    function, master = host.keys["function"]["default"], host.keys["master"]
    for path, key, status in [
        ("/api/with_function_key", None, 401),
        ("/api/with_function_key", "wrong", 401),
        ("/api/with_function_key", function, 200),
        ("/api/with_function_key", master, 200),
        ("/api/with_master_key", function, 401),
        ("/api/with_master_key", master, 200),
    ]:
        by_header = await host.get(path, headers={"x-functions-key": key} if key else {})
        by_query = await host.get(path, params={"code": key} if key else {})
        assert by_header[0] == by_query[0] == status, (path, key)


async def test_every_element_is_an_invocation_of_its_own(host: RunningHost) -> None:
    events = [EVENT | {"id": f"batch-{number}", "data": {"number": number}} for number in range(5)]
    assert await notify(host, webhook(host).replace("EventGrid?", "eventgrid?"), events) == 202
    found = [item for item in seen(host, "event") if item["id"].startswith("batch-")]
    assert sorted(item["data"]["number"] for item in found) == [0, 1, 2, 3, 4]


async def test_one_failure_fails_the_delivery_and_the_others_still_run(host: RunningHost) -> None:
    events = [EVENT | {"id": "poison", "data": "break"}, EVENT | {"id": "healthy", "data": {}}]
    assert await notify(host, webhook(host), events) == 500
    assert [item["id"] for item in seen(host, "event") if item["id"] in ("poison", "healthy")] == ["healthy"]


async def test_cloud_events(host: RunningHost) -> None:
    event = {"specversion": "1.0", "id": "c1", "source": "/s", "type": "made", "data": {"a": 1}}
    headers = {"Content-Type": "application/cloudevents+json"}
    assert await notify(host, webhook(host, "on_cloud_event"), event, **headers) == 202
    headers["Content-Type"] = "application/cloudevents-batch+json"
    assert await notify(host, webhook(host, "on_cloud_event"), [event | {"id": "c2"}], **headers) == 202
    assert {item["id"]: item["type"] for item in seen(host, "cloud")} == {"c1": "made", "c2": "made"}


async def test_a_timer_runs_on_its_schedule(host: RunningHost) -> None:
    async def ran_twice() -> bool:
        return len(seen(host, "timer")) >= 2

    await eventually(ran_twice)
    assert seen(host, "timer")[0]["past_due"] is False


async def test_a_timer_runs_by_hand(host: RunningHost) -> None:
    master = {"x-functions-key": host.keys["master"]}
    path = "/admin/functions/Yearly"
    assert (await host.get(path, "POST", json={}, headers=master))[0] == 202

    async def ran() -> bool:
        return bool(seen(host, "yearly"))

    await eventually(ran)


async def test_the_ready_file_reports_where_everything_is(host: RunningHost) -> None:
    functions = {item["name"]: item for item in host.ready["functions"]}
    assert functions["echo"]["url"] == f"{host.url}/api/echo/{{first:int}}/{{second?}}"
    assert functions["echo"]["methods"] == ["GET", "POST"]
    assert functions["on_timer"]["schedule"] == "* * * * * *"
    assert host.process is not None
    assert host.ready["pid"] == host.process.pid
    assert "echo: httpTrigger [GET,POST]" in host.log.read_text()

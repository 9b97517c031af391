"""The front of the local host, request by request, as Microsoft's Functions host 4.1037 answers (measured).

Where the local host differs, its README says so.
"""

import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.host.running import APPS, RunningHost, make_app
from tests.waiting import eventually

WEBHOOK = "/runtime/webhooks/EventGrid"
DURABLE = "/runtime/webhooks/durabletask/instances/x"
EVENT = {"id": "1", "subject": "/s", "eventType": "t", "eventTime": "2026-01-01T00:00:00Z", "dataVersion": "1"}
NOTIFICATION = {"aeg-event-type": "Notification"}
VALIDATION = {"aeg-event-type": "SubscriptionValidation"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder: Path = tmp_path_factory.mktemp("front")
    app = make_app(folder / "app", (APPS / "doors_app.py").read_text())
    (folder / "seen").mkdir()
    settings = {
        "SEEN": str(folder / "seen"),
        "SCHEDULE": "0 0 0 1 1 *",
        "AzureWebJobs.switched_off.Disabled": "true",
        "AzureWebJobs_on_cloud_event_Disabled": "1",
    }
    host = RunningHost(app, folder / "state", **settings).start()
    yield host
    assert host.stop() == 0


def exchange(host: RunningHost, request: str | bytes) -> tuple[int, dict[str, str], bytes]:
    """Sends a request as it is written; status, headers and the raw body of the answer."""
    content = request if isinstance(request, bytes) else request.replace("\n", "\r\n").encode("latin-1")
    with socket.create_connection(("127.0.0.1", urlsplit(host.url).port or 0), timeout=60) as connection:
        connection.sendall(content)
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            headers = {}
            while line := answer.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            return status, headers, answer.read()


def get(host: RunningHost, path: str, *headers: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    lines = "".join(f"{line}\n" for line in ("Host: h", "Connection: close", *headers))
    return exchange(host, f"{method} {path} HTTP/1.1\n{lines}\n")


def echoed(host: RunningHost, path: str, *headers: str) -> dict[str, Any]:
    """What the function saw of a request; the answer comes in chunks."""
    _, _, body = get(host, path, *headers)
    found: dict[str, Any] = json.loads(body.split(b"\r\n")[1])
    return found


# HTTP


def test_a_body_in_chunks_is_dropped_and_its_header_stays(host: RunningHost) -> None:
    lines = "POST /api/echo/1 HTTP/1.1\nHost: h\nConnection: close\nTransfer-Encoding: chunked\n\n4\nbody\n0\n\n"
    status, _, body = exchange(host, lines)
    found = json.loads(body.split(b"\r\n")[1])
    assert (status, found["body"], found["framed"]) == (201, "", "chunked")


async def test_a_packed_body_is_not_unpacked(host: RunningHost) -> None:
    _, text = await host.get("/api/echo/1", "POST", data=b"raw", headers={"Content-Encoding": "gzip"}, compress=None)
    assert json.loads(text)["body"] == "raw"


async def test_a_body_over_100_mb_is_answered_by_500(host: RunningHost) -> None:
    size = 100 * 1024 * 1024 + 1
    assert await host.get("/api/echo/1", "POST", data=io.BytesIO(b"x" * size)) == (500, "")


@pytest.mark.parametrize("path", ["/api/echo/1", "/api/echo/literal/path"])
def test_an_answer_comes_in_chunks(host: RunningHost, path: str) -> None:
    _, headers, body = get(host, path)
    assert "content-length" not in headers
    assert headers["transfer-encoding"] == "chunked"
    assert body.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"/api/files/{'x' * 8100}", (), 200),
        (f"/api/files/{'x' * 9000}", (), 414),
        ("/api/files/x", (f"X: {'x' * 20_000}",), 200),
        ("/api/files/x", (f"X: {'x' * 20_000}", f"Y: {'x' * 22_000}"), 431),
        ("/api/files/x", ("X: \u00e4",), 400),
        ("/api/files/%00", (), 400),
        ("/api//files/x", (), 404),
        ("//api/files/x", (), 404),
        ("/api/nowhere/../files/x", (), 200),
        ("/api/nowhere/%2e%2e/files/x", (), 200),
    ],
)
def test_the_web_servers_own_rules(host: RunningHost, path: str, headers: tuple[str, ...], status: int) -> None:
    assert get(host, path, *headers)[0] == status


@pytest.mark.parametrize(("path", "file"), [("x/y/", "x/y/"), ("x%2Fy", "x%2Fy"), ("x%252Fy", "x%2Fy")])
async def test_the_rest_of_a_path(host: RunningHost, path: str, file: str) -> None:
    assert await host.get_raw(f"/api/files/{path}") == (200, file)


def test_what_a_function_sees_of_address_and_query(host: RunningHost) -> None:
    found = echoed(host, "/api/echo/1/a%252Fb?A=1&a=2&none=")
    assert found["url"] == "http://h/api/echo/1/a%2Fb?A=1&a=2&none="
    assert found["query"] == {"A": "1,2"}


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
async def test_a_method_that_no_function_takes_is_not_found(host: RunningHost, method: str) -> None:
    assert (await host.get("/api/files/x", method))[0] == 404


@pytest.mark.parametrize("method", ["FOO", "get"])
def test_an_unknown_method_is_refused(host: RunningHost, method: str) -> None:
    """A known difference: the Functions host passes it on."""
    assert get(host, "/api/files/x", method=method)[0] == 400


async def test_the_home_page(host: RunningHost) -> None:
    status, text = await host.get("/")
    assert status == 200
    assert text.startswith("<!DOCTYPE html>")


# Keys


async def test_the_header_decides_over_the_query(host: RunningHost) -> None:
    path, key = "/api/with_function_key", host.keys["function"]["default"]
    for code, header, status in [(key, "wrong", 401), ("wrong", key, 200), (key, "", 401)]:
        assert (await host.get(path, params={"code": code}, headers={"x-functions-key": header}))[0] == status
    assert (await host.get(path, params={"CODE": key}))[0] == 200


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/admin/host/status", None),
        (f"{WEBHOOK}?functionName=on_event", "eventgrid_extension"),
        (DURABLE, "durabletask_extension"),
    ],
)
async def test_a_key_of_the_wrong_kind_is_forbidden(host: RunningHost, path: str, own: str | None) -> None:
    keys = host.keys
    others = [keys["function"]["default"], *(key for name, key in keys["system"].items() if name != own)]
    for key in others:
        assert (await host.get(path, headers={"x-functions-key": key}))[0] == 403
    for lines in ((), ("x-functions-key: wrong",)):
        status, headers, _ = get(host, path, *lines)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
    for key in (keys["master"], *([keys["system"][own]] if own else [])):
        assert (await host.get(path, headers={"x-functions-key": key}))[0] not in (401, 403)


# Disabled functions


async def test_a_disabled_function_is_not_found_but_with_the_master_key(host: RunningHost) -> None:
    master = {"x-functions-key": host.keys["master"]}
    assert (await host.get("/api/switched_off"))[0] == 404
    assert await host.get("/api/switched_off", headers=master) == (200, "switched on")
    assert (await deliver(host, [EVENT], NOTIFICATION, function="on_cloud_event"))[0] == 404
    functions = json.loads((await host.get("/admin/functions", headers=master))[1])
    assert {item["name"] for item in functions if item["isDisabled"]} == {"switched_off", "on_cloud_event"}


# Event Grid


async def deliver(
    host: RunningHost, body: Any, headers: dict[str, str], *, method: str = "POST", function: str = "on_event"
) -> tuple[int, str]:
    path = f"{WEBHOOK}?functionName={function}&code={host.keys['system']['eventgrid_extension']}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await host.get(path, method, data=data, headers=headers)


@pytest.mark.parametrize(
    ("body", "headers", "method", "status"),
    [
        ([EVENT], NOTIFICATION, "POST", 202),
        (EVENT, NOTIFICATION, "POST", 202),
        ([], NOTIFICATION, "POST", 202),
        ([EVENT], NOTIFICATION, "PUT", 202),
        ([EVENT], {"aeg-event-type": "notification"}, "POST", 202),
        ([EVENT], {"aeg-event-type": "Nonsense"}, "POST", 400),
        ([EVENT], {}, "POST", 400),
        (EVENT, {"Content-Type": "application/cloudevents+json"}, "POST", 400),
        (b"", {}, "GET", 400),
        (b"", {"aeg-event-type": "Unsubscribe"}, "POST", 202),
        (b"no JSON", NOTIFICATION, "POST", 500),
        (b"\xff\xfe", NOTIFICATION, "POST", 500),
        (b"", NOTIFICATION, "POST", 500),
        ("text", NOTIFICATION, "POST", 500),
        ([], VALIDATION, "POST", 500),
        ([{"data": {}}], VALIDATION, "POST", 500),
    ],
)
async def test_deliveries(host: RunningHost, body: Any, headers: dict[str, str], method: str, status: int) -> None:
    assert (await deliver(host, body, headers, method=method))[0] == status


async def test_a_failing_function_fails_its_delivery(host: RunningHost) -> None:
    outcome = await deliver(host, [EVENT, EVENT | {"data": "break"}], NOTIFICATION)
    assert outcome == (500, "Exception while executing function: Functions.on_event")


@pytest.mark.parametrize(
    "body",
    [[{"data": {"validationCode": "abc"}}], {"specversion": "1.0", "data": json.dumps({"validationCode": "abc"})}],
)
async def test_validation(host: RunningHost, body: Any) -> None:
    status, text = await deliver(host, body, VALIDATION)
    assert (status, json.loads(text)) == (200, {"validationResponse": "abc"})


def test_the_handshake_of_cloud_events(host: RunningHost) -> None:
    path = f"{WEBHOOK}?functionName=on_event&code={host.keys['system']['eventgrid_extension']}"
    for lines in ((), ("WebHook-Request-Origin: elsewhere.example",)):
        status, headers, _ = get(host, path, *lines, method="OPTIONS")
        assert (status, headers["webhook-allowed-origin"]) == (200, "eventgrid.azure.net")
        assert "webhook-allowed-rate" not in headers


async def test_the_case_of_a_functions_name_counts_and_that_of_its_parameter_not(host: RunningHost) -> None:
    code = host.keys["system"]["eventgrid_extension"]
    for query, status in [
        ("FUNCTIONNAME=on_event", 202),
        ("functionName=On_event", 404),
        ("functionName=on_timer", 404),
        ("functionName=nothing", 404),
        ("x=y", 404),
    ]:
        assert (await host.get(f"{WEBHOOK}?{query}&code={code}", "POST", json=[], headers=NOTIFICATION))[0] == status


# Admin routes


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status"),
    [
        ("/admin/functions/Yearly", b"", None, 400),
        ("/admin/functions/Yearly", b"{}", None, 415),
        ("/admin/functions/Yearly", b"{}", "text/plain", 415),
        ("/admin/functions/Yearly", b"{", "application/json", 400),
        ("/admin/functions/Yearly", b"{}", "application/json", 202),
        ("/admin/functions/nothing", b"{}", "application/json", 404),
        ("/admin/functions/echo", b"{}", "application/json", 400),  # only timers: a difference
    ],
)
def test_a_timer_by_hand(host: RunningHost, path: str, body: bytes, content_type: str | None, status: int) -> None:
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-functions-key: {host.keys['master']}\r\n"
    assert exchange(host, f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body)[0] == status


def seen_yearly(host: RunningHost) -> set[Path]:
    return set(Path(host.env["SEEN"]).glob("yearly-*"))


async def test_a_timer_by_hand_runs(host: RunningHost) -> None:
    before = seen_yearly(host)
    master = {"x-functions-key": host.keys["master"]}
    assert (await host.get("/admin/functions/yearly", "POST", json={}, headers=master))[0] == 202

    async def ran() -> bool:
        return bool(seen_yearly(host) - before)

    await eventually(ran)


async def test_status_functions_and_ping(host: RunningHost) -> None:
    master = {"x-functions-key": host.keys["master"]}
    assert await host.get("/admin/host/ping") == (200, "")
    status, text = await host.get("/admin/host/status", headers=master)
    assert (status, json.loads(text)["state"]) == (200, "Running")
    status, text = await host.get("/admin/functions", headers=master)
    assert {item["name"] for item in json.loads(text)} == {item["name"] for item in host.ready["functions"]}
    assert json.loads((await host.get("/admin/functions/echo", headers=master))[1])["name"] == "echo"
    assert (await host.get("/admin/functions/nothing", headers=master))[0] == 404
    assert (await host.get("/admin/nothing", headers=master))[0] == 404

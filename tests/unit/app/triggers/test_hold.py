"""PUT and DELETE of the hold of a VM: the tag that is written or removed, what is refused, and the run that sees it."""

import json
from typing import Any

import azure.functions as func
import pytest

from shared.orchestrations import instance_of
from tests.unit.app.asking import answer_to, problem_of, request
from tests.unit.app.examples import ELSEWHERE, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.fake_durable import FakeDurableClient, RefusesToStart
from triggers.hold import delete_hold, put_hold

LATER = "2999-12-24"


def held(value: str | None = None, tag: str = "dr-hold") -> Cloud:
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "true", "other": "x"} | ({} if value is None else {tag: value}))
    return cloud


def tags_of(cloud: Cloud) -> dict[str, str]:
    tags: dict[str, str] = cloud.resources[VM_ID.key]["tags"]
    return tags


def asked(body: Any = None, **query: str) -> func.HttpRequest:
    found = request(b"" if body is None else json.dumps(body).encode(), **query)
    path = found.url.replace("/protection", "/hold")
    return func.HttpRequest(
        "PUT",
        path,
        headers=dict(found.headers),
        params=dict(found.params),
        route_params=dict(found.route_params),
        body=found.get_body(),
    )


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (None, "true"),
        ({"reason": " move; of Contoso "}, "move; of Contoso"),
        ({"until": LATER}, f"until={LATER}"),
        ({"until": f" {LATER}T06:00+02:00 ", "reason": "true"}, f"until={LATER}T06:00+02:00; true"),
    ],
)
async def test_a_hold_is_written_over_an_earlier_one_and_the_run_told(body: Any, value: str) -> None:
    cloud, client = held("until=2020-01-01", "DR-Hold"), FakeDurableClient()

    response = await put_hold(FakeAzure(settings(), cloud), client, asked(body))

    assert (response.status_code, response.headers["Location"]) == (202, f"/api{VM_ID}/protection")
    assert cloud.writes == [("tags", (str(VM_ID), {"dr-hold": value}))]
    assert [instance for _, instance, _ in client.started] == [instance_of(VM_ID)]


@pytest.mark.parametrize(("value", "tag"), [("x", "dr-hold"), ("until=?", "DR-Hold")])
async def test_the_end_of_a_hold_removes_its_tag_and_no_other(value: str, tag: str) -> None:
    cloud, client = held(value, tag), FakeDurableClient()

    body = await answer_to(delete_hold(FakeAzure(settings(), cloud), client, asked()), 202)

    assert body["vmId"] == str(VM_ID)
    assert tags_of(cloud) == {"dr": "true", "other": "x"}
    assert len(client.started) == 1


async def test_without_a_hold_its_end_writes_nothing() -> None:
    cloud = held()

    await answer_to(delete_hold(FakeAzure(settings(), cloud), FakeDurableClient(), asked()), 202)

    assert cloud.writes == []


@pytest.mark.parametrize(
    ("body", "field", "allowed"),
    [
        ({"until": "2020-01-01"}, "until", "a time after 20"),
        ({"until": "tomorrow"}, "until", "a date or a time of ISO 8601"),
        ({"until": ""}, "until", "a date or a time of ISO 8601"),
        ({"until": None}, "until", "a string"),
        ({"reason": "False"}, "reason", "no `true`, `false` or `until=...`"),
        ({"reason": "until=2999-01-01"}, "reason", "no `true`, `false` or `until=...`"),
        ({"reason": "x" * 201}, "reason", "1 to 200 printable characters"),
        ({"reason": "two\nlines"}, "reason", "1 to 200 printable characters"),
        ({"because": "x"}, "because", "until, reason"),
    ],
)
async def test_a_member_that_is_not_allowed_is_named_with_what_is(body: Any, field: str, allowed: str) -> None:
    cloud = held()
    status, problem = await problem_of(put_hold(FakeAzure(settings(), cloud), FakeDurableClient(), asked(body)))

    (error,) = problem["errors"]
    assert (status, problem["code"], error["field"]) == (422, "InvalidBody", field)
    assert error["allowed"].startswith(allowed)
    assert cloud.writes == []


@pytest.mark.parametrize("handler", [put_hold, delete_hold])
@pytest.mark.parametrize(
    ("query", "app", "expected"),
    [
        ({}, {"mode": "report"}, (409, "WritesDisabled")),
        ({}, {"paused": True}, (409, "WritesDisabled")),
        ({"confirm": "true"}, {}, (400, "InvalidQuery")),
        ({"name": "missing"}, {}, (404, "VmNotFound")),
        ({"subscription": ELSEWHERE}, {}, (404, "OutOfScope")),
    ],
)
async def test_what_is_refused_writes_nothing(
    handler: Any, query: dict[str, str], app: dict[str, Any], expected: tuple[int, str]
) -> None:
    cloud, client = held("x"), FakeDurableClient()

    status, problem = await problem_of(handler(FakeAzure(settings(**app), cloud), client, asked(**query)))

    assert (status, problem["code"]) == expected
    assert (cloud.writes, client.started) == ([], [])


async def test_a_run_that_does_not_start_is_said_with_what_was_written() -> None:
    cloud, app = held(), settings(accept_timeout_seconds=1)

    status, problem = await problem_of(put_hold(FakeAzure(app, cloud), RefusesToStart(), asked({"reason": "x"})))

    assert (status, problem["code"]) == (503, "RunNotStarted")
    assert problem["detail"].startswith("The tag is written")
    assert tags_of(cloud)["dr-hold"] == "x"

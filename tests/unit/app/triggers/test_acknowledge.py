"""PUT and DELETE of an acknowledgement: what is kept in the archive, what is refused, and what GET compliance shows."""

import json
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from shared.arm.archive import Archive
from shared.arm.message_files import acknowledgements
from shared.arm.origin_store import OriginStoreError
from shared.reconcile.inventory import ComplianceReport
from tests.unit.app.asking import answer_to, problem_of, request
from tests.unit.app.examples import ELSEWHERE, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, Records
from tests.unit.app.fake_durable import FakeHub
from triggers.acknowledge import delete_acknowledge, put_acknowledge
from triggers.compliance import get_compliance

CODE = "MissingProtection"
LATER = "2999-12-24"


def app(**changes: Any) -> FakeAzure:
    """One whose only VM is not protected."""
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "true"})
    azure = FakeAzure(settings(**{"archive": "/archive", **changes}), cloud)
    azure.__dict__["archive"] = Archive(Records() if azure.settings.archive else None)
    return azure


def asked(body: Any = None, subscription: str = VM_ID.subscription, **query: str) -> func.HttpRequest:
    return request(b"" if body is None else json.dumps(body).encode(), subscription=subscription, **query)


async def shown(azure: FakeAzure) -> list[Any]:
    view = await answer_to(get_compliance(azure, FakeHub(), func.HttpRequest("GET", "/api/compliance", body=b"")))
    (row,) = view["value"]
    return [[each["cause"], each.get("until"), each["reason"]] for each in row["acknowledged"]]


async def test_an_acknowledgement_is_kept_shown_replaced_and_ended() -> None:
    azure = app()
    assert await shown(azure) == []
    body = await answer_to(put_acknowledge(azure, asked({"cause": CODE, "reason": " its owner knows "})))
    assert (body["vmId"], len(body["value"])) == (str(VM_ID), 1)
    assert await shown(azure) == [[CODE, None, "its owner knows"]]

    body = await answer_to(put_acknowledge(azure, asked({"cause": CODE, "until": LATER})))
    assert await shown(azure) == [[CODE, f"{LATER}T23:59:59.999999Z", ""]]
    assert await answer_to(delete_acknowledge(azure, asked(cause="RpoBreached"))) == body
    assert (await answer_to(delete_acknowledge(azure, asked(cause=CODE))))["value"] == []
    assert await shown(azure) == []
    names = await azure.archive.names("messages/")
    headers = [(await azure.archive.read(name)).header for name in names]
    assert [header["kind"] for header in headers] == ["acknowledged", "acknowledged", "acknowledgementEnded"]
    assert {header["askedBy"][0]["kind"] for header in headers} == {"function key"}
    await answer_to(delete_acknowledge(azure, asked()))
    assert await azure.archive.names("messages/") == names


@pytest.mark.parametrize(
    ("changes", "body", "refused"),
    [
        ({}, {}, (422, "InvalidBody")),
        ({}, {"cause": CODE, "until": "2020-01-01"}, (422, "InvalidBody")),
        ({}, {"cause": CODE, "until": "soon"}, (422, "InvalidBody")),
        ({}, {"cause": CODE, "forever": True}, (422, "InvalidBody")),
        ({}, {"cause": "RpoBreached"}, (404, "CauseNotOpen")),
        ({"archive": ""}, {"cause": CODE}, (409, "ArchiveNotSet")),
    ],
)
async def test_what_cannot_be_acknowledged(changes: dict[str, Any], body: Any, refused: tuple[int, str]) -> None:
    azure = app(**changes)
    status, problem = await problem_of(put_acknowledge(azure, asked(body)))

    assert (status, problem["code"]) == refused
    assert await acknowledgements(azure) == {}


async def test_what_could_not_be_read_is_not_said_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def partial(_: Any) -> ComplianceReport:
        return ComplianceReport(vm_statuses=(), read_at=datetime.now(UTC), gaps=("the vault dr-vault: 403",))

    monkeypatch.setattr("triggers.acknowledge.compliance_report", partial)
    status, problem = await problem_of(put_acknowledge(app(), asked({"cause": CODE})))
    assert (status, problem["code"]) == (503, "EstateNotRead")
    assert "the vault dr-vault: 403" in problem["detail"]


async def test_of_a_vm_out_of_scope_nothing_is_acknowledged() -> None:
    for handler in (put_acknowledge, delete_acknowledge):
        status, problem = await problem_of(handler(app(), asked({"cause": CODE}, subscription=ELSEWHERE)))
        assert (status, problem["code"]) == (404, "OutOfScope")


async def test_an_archive_that_fails_is_said() -> None:
    azure = app()
    await shown(azure)
    azure.archive._store.fault = OriginStoreError("403")  # type: ignore[union-attr]
    azure.forget("acknowledgements", if_before=float("inf"))
    for call in (put_acknowledge(azure, asked({"cause": CODE})), delete_acknowledge(azure, asked())):
        status, problem = await problem_of(call)
        assert (status, problem["code"]) == (503, "ArchiveNotWritable")
    view = await answer_to(get_compliance(azure, FakeHub(), func.HttpRequest("GET", "/api/compliance", body=b"")))
    assert [gap for gap in view["gaps"] if "acknowledged" in gap]

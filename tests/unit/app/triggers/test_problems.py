"""Problem documents, as RFC 9457 wants them."""

import json
from http import HTTPStatus

import pytest

from tests.findings import blocker
from triggers.problems import Problem


def test_a_problem_is_a_document_with_its_status_code_and_detail() -> None:
    findings = (blocker("X", "It is off.", "Start it."),)
    response = Problem(HTTPStatus.NOT_FOUND, "VmNotFound", "There is no VM.", findings=findings).response()

    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"
    assert "Retry-After" not in response.headers
    assert json.loads(response.get_body()) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "VmNotFound",
        "detail": "There is no VM.",
        "findings": [{"code": "X", "severity": "blocker", "message": "It is off.", "fix": "Start it."}],
    }


@pytest.mark.parametrize(("seconds", "header"), [(30, "30"), (0.2, "1"), (29.6, "30")])
def test_when_to_ask_again_is_reported_in_whole_seconds(seconds: float, header: str) -> None:
    problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "TooManyRequests", "Slow down.", retry_after=seconds)

    assert problem.response().headers["Retry-After"] == header

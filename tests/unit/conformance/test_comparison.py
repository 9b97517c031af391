"""What counts as a difference between a recorded and a simulated answer, and what does not."""

from typing import Any

import pytest

from local.conformance.comparison import Answer, Documented, compare
from local.conformance.exchange import Exchange

PATH = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v"


def recorded(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Exchange:
    return Exchange(7, "GET", f"https://management.azure.com{PATH}", None, status, body, headers or {})


def differences(ours: Any, theirs: Any, also_recorded: Any = None) -> list[tuple[str, str]]:
    exchange = recorded(ours)
    documented = Documented([exchange, recorded(also_recorded)])
    return sorted((d.kind, d.where) for d in compare(exchange, Answer(200, {}, theirs), documented))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"a": "x", "b": [1]}, {"b": [2, 3], "a": "y"}),
        ({"percent": 0}, {"percent": 0.5}),
        ({"tags": {"dr": "true"}}, {"tags": {"owner": "me"}}),
        ({"nics": [{"a": 1}, {"b": 2}]}, {"nics": [{"b": 1, "a": 3}]}),
        ({"jobs": [{"p": {"state": 1}}, {"p": {"state": 2, "end": 3}}]}, {"jobs": [{"p": {"end": 1, "state": 2}}]}),
        (None, None),
    ],
)
def test_other_values_are_no_difference(ours: Any, theirs: Any) -> None:
    assert differences(ours, theirs) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "where"),
    [
        ({"a": {"b": 1}}, {"a": {}}, "missing", "$.a.b"),
        ({"a": {}}, {"a": {"b": 1}}, "extra", "$.a.b"),
        ({"a": "1"}, {"a": 1}, "type", "$.a"),
        ({"a": True}, {"a": 1}, "type", "$.a"),
        ({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}, "type", "$.a[].b"),
        ({"a": {"b": 1}}, {"a": [1]}, "type", "$.a"),
        ({"a": None}, {"a": 1}, "null", "$.a"),
        ({"a": 1}, {"a": None}, "null", "$.a"),
        ({"a": [1]}, {"a": []}, "empty", "$.a"),
        ({"tags": {"dr": "true"}}, {"tags": {"dr": 1}}, "type", "$.tags[]"),
        ({"a": 1}, None, "null", "$"),
    ],
)
def test_a_difference_is_found_where_it_is(ours: Any, theirs: Any, kind: str, where: str) -> None:
    assert differences(ours, theirs) == [(kind, where)]


def test_null_and_empty_are_no_difference_where_the_recording_has_both() -> None:
    early: dict[str, Any] = {"rpo": None, "nics": []}
    late: dict[str, Any] = {"rpo": 95, "nics": [{"id": "n"}]}
    assert differences(early, late) == [("empty", "$.nics"), ("null", "$.rpo")]
    assert differences(early, late, also_recorded=late) == []


def test_another_status_hides_the_rest() -> None:
    answer = Answer(404, {}, {"error": {"code": "NotFound"}})
    [difference] = compare(recorded({"a": 1}), answer, Documented([]))
    assert (difference.kind, difference.recorded) == ("status", "200")
    assert "NotFound" in difference.simulated


STATUS = f"{PATH}/operationStatus/11-22?api-version=2022-08-01"


@pytest.mark.parametrize(
    ("simulated", "same"),
    [
        (f"https://localhost:8443{PATH}/operationStatus/33-44?api-version=2022-08-01&t=1&s=x", True),
        (f"https://localhost:8443{PATH}/operationStatus/33-44?api-version=2025-08-01", False),
        (f"https://localhost:8443{PATH.upper()}/operationStatus/33-44?api-version=2022-08-01", False),
        (None, False),
    ],
)
def test_operation_urls_are_compared_by_form(simulated: str | None, same: bool) -> None:
    exchange = recorded(None, status=202, headers={"azure-asyncoperation": f"https://management.azure.com{STATUS}"})
    headers = {} if simulated is None else {"azure-asyncoperation": simulated}
    found = [d.where for d in compare(exchange, Answer(202, headers, None), Documented([]))]
    assert found == ([] if same else ["header azure-asyncoperation"])

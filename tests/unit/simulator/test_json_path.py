"""Paths into JSON documents: what they reach, what they leave alone, and what is no path."""

import copy
from typing import Any

import pytest

from local.simulator.json_path import JsonPath

DOCUMENT = {
    "value": [
        {"name": "web-1", "tags": {"cost center": "7"}, "properties": {"size": {"vm": "S"}}},
        {"name": "web-2", "tags": None, "properties": {"size": {"vm": "L"}}},
    ],
    "$skipToken": "t",
}


def changed(path: str, value: Any) -> Any:
    document = copy.deepcopy(DOCUMENT)
    JsonPath(path).set(document, value)
    return document


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("value[0].name", ("web-1", "web-2"), ("X", "web-2")),
        ("$.value[*].name", ("web-1", "web-2"), ("X", "X")),
        ("value[-1]['name']", ("web-1", "web-2"), ("web-1", "X")),
        ("value[?@.properties.size.vm=='l'].name", ("web-1", "web-2"), ("web-1", "X")),
        ("value[7].name", ("web-1", "web-2"), ("web-1", "web-2")),
        ("data[*].name", ("web-1", "web-2"), ("web-1", "web-2")),
    ],
)
def test_every_place_of_the_path_is_set_and_nothing_else(
    path: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    assert tuple(each["name"] for each in DOCUMENT["value"]) == before  # type: ignore[index]
    assert tuple(each["name"] for each in changed(path, "X")["value"]) == after


def test_members_that_are_not_there_yet_and_names_of_any_characters() -> None:
    assert changed("nextLink", "u")["nextLink"] == "u"
    assert changed("$skipToken", "again")["$skipToken"] == "again"
    assert changed("value[0].tags['cost center']", None)["value"][0]["tags"] == {"cost center": None}
    assert changed("value[*].tags.x", 1)["value"][1]["tags"] is None


def test_deletion_of_members_and_of_elements() -> None:
    document = copy.deepcopy(DOCUMENT)
    JsonPath("value[*].tags.missing").delete(document)
    assert document == DOCUMENT
    JsonPath("value[0].properties.size").delete(document)
    assert document["value"][0]["properties"] == {}  # type: ignore[index]
    JsonPath("value[*]").delete(document)
    assert document["value"] == []


@pytest.mark.parametrize("path", ["", "$.", "value[", "value[x]", "value..name", "value[?name=1]"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="JSON path"):
        JsonPath(path)

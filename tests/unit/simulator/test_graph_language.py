"""The subset of Kusto that the simulator's Resource Graph understands: what it answers, and what it refuses."""

from contextlib import suppress
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.graph.errors import QueryError
from local.simulator.graph.expressions import Expression
from local.simulator.graph.operators import parse

KINDS = {"id": "string", "name": "string", "size": "long", "tags": "dynamic", "properties": "dynamic"}
TABLE = {name: Expression(itemgetter(name), kind, name) for name, kind in KINDS.items()}


def row(name: str, size: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": f"/vms/{name}", "name": name, "size": size, "tags": None, "properties": None, **more}


VMS = [
    row("web-1", 4, tags={"dr": "true", "Team": "Shop"}, properties={"disks": [{"gb": 64}, {"gb": 8}], "on": True}),
    row("Web-2", 2, tags={"dr": "TRUE"}, properties={"on": False, "zone": "2"}),
    row("db", 8, tags={}, properties={"disks": [], "on": None}),
]


def run(text: str, rows: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    query = parse(text, {"vms": TABLE})
    found = query.run(VMS if rows is None else rows)
    return [{name: column.evaluate(each) for name, column in query.columns.items()} for each in found]


def names(condition: str) -> list[str]:
    """Of the VMs that a condition is true of."""
    return [each["name"] for each in run(f"vms | where {condition} | project name, id | order by id asc")]


def value(expression: str) -> Any:
    """What an expression comes to for web-1."""
    [found] = run(f"vms | where name == 'web-1' | project x = {expression}")
    return found["x"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("name == 'web-1'", ["web-1"]),
        ("name == 'WEB-1'", []),
        ("name =~ 'WEB-1'", ["web-1"]),
        ("name startswith 'WEB'", ["Web-2", "web-1"]),
        ("name !startswith 'web'", ["db"]),
        ("name !endswith '-1'", ["Web-2", "db"]),
        ("name !endswith 'B'", ["Web-2", "web-1"]),
        ("name in~ ('db', 'web-2')", ["Web-2", "db"]),
        ("properties.disks[1].gb == 8", ["web-1"]),
        ("size == 2 or name == 'db'", ["Web-2", "db"]),
        ("size == 8 and (name == 'db' or name == 'Web-2')", ["db"]),
        ("tags.dr =~ 'true'", ["Web-2", "web-1"]),
        ("tags.team == 'Shop'", []),
    ],
)
def test_a_condition_picks_rows(condition: str, found: list[str]) -> None:
    assert names(condition) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("tags.owner == 'me'", []),
        ("tags.owner in~ ('me')", []),
        ("tags.owner startswith ''", []),
        ("tags.owner !startswith 'me'", ["Web-2", "db", "web-1"]),
        ("tags.owner !endswith 'me'", ["Web-2", "db", "web-1"]),
        ("properties.zone.deeper == 1", []),
        ("properties.disks[2].gb == 8", []),
        ("properties.on[0] == 1", []),
    ],
)
def test_what_is_not_there_is_equal_to_nothing(condition: str, found: list[str]) -> None:
    assert names(condition) == found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("tostring(properties.disks)", '[{"gb":64},{"gb":8}]'),
        ("tostring(properties['on'])", "true"),
        ("tostring(properties.nothing)", ""),
        (r'"a\n\"b"', 'a\n"b'),
    ],
)
def test_an_expression_comes_to(expression: str, expected: Any) -> None:
    assert value(expression) == expected


def test_a_column_without_a_name_gets_kustos() -> None:
    assert run("vms | where name == 'web-1' | project tags.dr, tostring(properties.zone.deeper), 7") == [
        {"tags_dr": "true", "properties_zone_deeper": "", "Column3": 7}
    ]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("name asc", ["Web-2", "db", "web-1"]),
        ("name", ["web-1", "db", "Web-2"]),
        ("name desc", ["web-1", "db", "Web-2"]),
    ],
)
def test_rows_are_ordered(order: str, found: list[str]) -> None:
    assert [each["name"] for each in run(f"vms | order by {order}")] == found


def test_without_an_order_no_one_can_rely_on_one() -> None:
    rows = [row(str(number), 1) for number in range(50)]
    assert len({tuple(each["name"] for each in run("vms", rows)) for _ in range(20)}) > 1
    assert len({tuple(each["name"] for each in run("vms | order by size", rows)) for _ in range(20)}) > 1


def refused(text: str) -> list[dict[str, Any]]:
    with pytest.raises(QueryError) as raised:
        parse(text, {"vms": TABLE})
    return raised.value.details


@pytest.mark.parametrize(
    ("text", "line", "column", "token"),
    [
        ("vms | where (name == 'a'", 1, 24, "<EOF>"),
        ("vms where", 1, 4, "where"),
        ("vms | where name ==", 1, 19, "<EOF>"),
        ("vms |\n where name == 'a' ) ", 2, 19, ")"),
        ("vms | where name == 'a", 1, 20, "'"),
        ("vms | where size == 1.5", 1, 22, "5"),
        ("vms | where tags{'dr'} == 'true'", 1, 16, "{"),
        ("vms | where name in~ 'a'", 1, 21, "'a'"),
        ("vms | where name != 'a'", 1, 17, "!"),
        ("vms | order name", 1, 12, "name"),
        ("vms | where 1 + 1 == 2", 1, 14, "+"),
        ("vms | ", 1, 6, "<EOF>"),
        ("'vms'", 1, 0, "'vms'"),
        ("", 1, 0, "<EOF>"),
    ],
)
def test_what_is_no_query_is_refused_where_it_ends_to_be_one(text: str, line: int, column: int, token: str) -> None:
    invalid, failure = refused(text)
    assert invalid["code"] == "InvalidQuery"
    assert failure == {
        "code": "ParserFailure",
        "message": "ParserFailure",
        "line": line,
        "characterPositionInLine": column,
        "token": token,
    }


@pytest.mark.parametrize(
    "operator", ["parse", "mv-expand", "join", "summarize", "take", "sort", "Where", "project-rename"]
)
def test_an_operator_of_another_language_is_refused_by_name(operator: str) -> None:
    _, failure = refused(f"vms | {operator} id")
    assert (failure["code"], failure["token"]) == ("InvalidQueryLanguage", operator)


def test_a_table_that_is_not_there_is_refused_by_name() -> None:
    assert refused("machines | order by id") == [
        {
            "code": "DisallowedLogicalTableName",
            "message": "Table machines is invalid, unsupported or disallowed.",
        }
    ]
    assert parse("VMs", {"vms": TABLE}).table == "vms"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("vms | where power == 'on'", "'power'"),
        ("vms | where Name == 'web-1'", "'Name'"),
        ("vms | project name | where size == 1", "'size'"),
        ("vms | where tolower(name) == 'a'", "'tolower'"),
        ("vms | project tostring(name, 'a')", "2 arguments"),
        ("vms | where name", "bool, not string"),
        ("vms | where tags.dr", "bool, not dynamic"),
        ("vms | where size == 1 and name", "bool, not string"),
        ("vms | where name or size == 1", "bool, not string"),
        ("vms | where name.first == 'w'", "'first'"),
        ("vms | order by tags", "explicit cast"),
    ],
)
def test_what_means_nothing_is_refused_in_words(text: str, reported: str) -> None:
    _, failure = refused(text)
    assert failure["code"] == "SemanticError"
    assert reported in failure["message"]


def test_a_query_without_an_end_of_brackets_is_refused_like_any_other() -> None:
    assert refused("vms | where " + "(" * 100_000)[1]["code"] == "ParserFailure"


WORDS = "id tags vms | where project order by and or in~ tostring ( ) , . == - 'a' 1"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    with suppress(QueryError):
        run("vms " + text)


@given(st.text(max_size=20))
def test_any_text_can_be_written_as_a_literal(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    assert value(f"'{escaped}'") == text


@given(st.lists(st.text(alphabet="aAbB1", max_size=3), max_size=4), st.text(alphabet="aAbB1", max_size=3))
def test_a_membership_is_as_good_as_so_many_comparisons(among: list[str], name: str) -> None:
    rows = [row(name)]
    listed = ", ".join(f"'{each}'" for each in among)
    compared = " or ".join(f"name =~ '{each}'" for each in among) or "name == 'none'"
    assert run(f"vms | where name in~ ({listed})", rows) == run(f"vms | where {compared}", rows)


@given(st.lists(st.integers(0, 5), max_size=8))
def test_an_order_holds(sizes: list[int]) -> None:
    rows = [row(str(index), size) for index, size in enumerate(sizes)]
    assert [each["size"] for each in run("vms | order by size asc", rows)] == sorted(sizes)

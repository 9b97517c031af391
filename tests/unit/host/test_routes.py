import pytest

from local.host.config import HostError
from local.host.routes import parse_route


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("hello", "hello", {}),
        ("hello", "HELLO/", {}),
        ("hello", "hello/x", None),
        ("a/{b}/c", "a/1/c", {"b": "1"}),
        ("a/{b}/c", "a//c", None),
        ("a/{b}/c", "/a/1/c", None),
        ("a/{b}", "a/x y", {"b": "x y"}),
        ("a/{b}", "a/x\ny/", {"b": "x\ny"}),
        ("a/{b}", "a/x//", None),
        ("a/{b}", "a/x%2Fy", {"b": "x%2Fy"}),
        ("a/{b?}", "a", {}),
        ("a/{b?}", "a/1", {"b": "1"}),
        ("a/{b?}", "a/", {}),
        ("{*all}", "", {}),
        ("a/{*all}", "a/", {}),
        ("a/{*all}", "a/b/c", {"all": "b/c"}),
        ("a/{*all}", "a/b/c/", {"all": "b/c/"}),
        ("a/{*all}", "a//b", None),
        ("file-{name}.{kind}", "file-a.txt", {"name": "a", "kind": "txt"}),
        ("{n:int}", "12", {"n": "12"}),
        ("{n:int}", "1x", None),
        ("{n:int:min(10)}", "9", None),
        ("{n:range(1,3)}", "3", {"n": "3"}),
        ("{n:range(1,3)}", "4", None),
        ("{s:alpha:length(3)}", "abc", {"s": "abc"}),
        ("{s:length(1,2)}", "abc", None),
        ("{s:minlength(2)}", "a", None),
        ("{g:guid}", "00000000-0000-0000-0000-000000000001", {"g": "00000000-0000-0000-0000-000000000001"}),
        ("{g:guid}", "1", None),
        ("{b:bool}", "True", {"b": "True"}),
        ("{d:datetime}", "2026-01-01", {"d": "2026-01-01"}),
    ],
)
def test_match(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert parse_route(template).match(path) == expected


def test_the_most_particular_route_comes_first() -> None:
    templates = ["{*all}", "a/{b}", "a/{b:int}", "a/x-{b}", "a/b"]
    routes = sorted(map(parse_route, templates), key=lambda route: route.precedence)
    assert [route.template for route in routes] == ["a/b", "a/x-{b}", "a/{b:int}", "a/{b}", "{*all}"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/a", "must not start with '/'"),
        ("a//b", "no valid template"),
        ("a/{b", "no valid template"),
        ("a/{b=1}", "no valid template"),
        ("a/{}", "no valid template"),
        ("{*all}/b", "must be the last segment"),
        ("{a?}/b", "must be the last segment"),
        ("{a}/{a}", "twice"),
        ("{a}-{a}", "twice"),
        ("{a:color}", "unknown constraint ':color'"),
        ("{a:regex(x)}", "unknown constraint ':regex(x)'"),
        ("{a:min}", "unknown constraint ':min'"),
        ("{a:range(1)}", "unknown constraint ':range(1)'"),
        ("runtime/x", "conflicts with the host's own routes"),
    ],
)
def test_bad_templates(template: str, expected: str) -> None:
    with pytest.raises(HostError, match=r".+") as error:
        parse_route(template)
    assert expected in str(error.value)

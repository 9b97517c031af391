"""What the tables of docs/deploy-without-azd.md say, taken alone, is what the templates deploy: nothing less, nothing
more."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.compiler import Json
from tests.infra.deployment_tables import ASSIGNMENT, BASES, GONE, LEFT_OUT, PAGE, Tables, type_of
from tests.infra.deployments import Infra
from tests.infra.role_checks import BUILT_IN, scope_of

Rows = dict[tuple[str, str], str]
_BUILT_IN = {name: guid for guid, name in BUILT_IN.items()}


@pytest.fixture(scope="session")
def tables(infra: Infra) -> Tables:
    return Tables(infra)


def written(name: str) -> str:
    """What the page has between the marks of a table."""
    [found] = re.findall(rf"<!-- infra: {name} -->\n(.*?)\n<!-- end of infra -->", PAGE.read_text(), re.DOTALL)
    return str(found)


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table, without the marks of code; what is left out is as in the row before."""
    last: list[str] = []
    for line in written(name).splitlines():
        if line.startswith("| ") and not line.startswith(("| ---", "| resource |", "| parameter |", "| role |")):
            cells = [cell.replace("\\|", "|").removeprefix("`").removesuffix("`") for cell in _cells(line)]
            head = next(index for index, cell in enumerate([*cells, "-"]) if cell)
            last = [*last[:head], *cells[head:]]
            yield last


def base(name: str) -> Rows:
    found = {(resource, path): value for resource, path, value in rows(name)}
    roles = rows(f"{name}_roles") if f"<!-- infra: {name}_roles -->" in PAGE.read_text() else ()
    return found | {(scope, f"role {role}"): holder for role, scope, holder in roles}


def changed(before: Rows, name: str, parameter: str) -> Rows:
    """With what a parameter changes."""
    found = dict(before)
    for said, resource, path, value in list(rows(f"{name}_changes")):
        if said == parameter and value == GONE:
            found = {key: text for key, text in found.items() if key[0] != resource or key[1].startswith("role ")}
        elif said == parameter and value == LEFT_OUT:
            del found[resource, path]
        elif said == parameter:
            found[resource, path] = value
    return found


def template(values: Rows, placeholders: Mapping[str, str]) -> list[Json]:
    """The resources of an ARM template, from the rows alone."""
    found: dict[str, Json] = {}
    for (resource, path), value in values.items():
        full = _filled(resource, placeholders)
        if path.startswith("role "):
            role, subscription = path.removeprefix("role "), full.split("/")[2]
            of = next(name for name, text in placeholders.items() if text == subscription)
            guid = _BUILT_IN.get(role) or placeholders.get(f"{{{role}, {of[1:-1]}}}", role)
            definition = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
            about = {
                "roleDefinitionId": definition,
                "principalId": _filled(value, placeholders),
                "principalType": "ServicePrincipal",
            }
            found[full + path] = {"type": ASSIGNMENT, "apiVersion": "2022-04-01", "scope": full, "properties": about}
        else:
            made = found.setdefault(full, {"id": full, "type": type_of(full), "name": _name(full)})
            _put(
                made, [part for part in re.split(r"\.|(?=\[)", path) if part], json.loads(_filled(value, placeholders))
            )
    return sorted(found.values(), key=json.dumps)


def deployed(resources: list[Json]) -> list[Json]:
    """What the compiler says; without the name of an assignment, which is any GUID, and null, which is nothing."""
    found = []
    for each in _without_null(resources):
        if each["type"] == ASSIGNMENT:
            rest = {key: value for key, value in each.items() if key not in ("id", "name")}
            each = {
                "type": rest.pop("type"),
                "apiVersion": rest.pop("apiVersion"),
                "scope": scope_of(each["id"]),
                **rest,
            }
        found.append(each)
    return found


@pytest.mark.parametrize("name", BASES)
def test_what_is_deployed_by_default_is_in_the_tables(name: str, tables: Tables) -> None:
    assert _sorted(template(base(name), tables.placeholders)) == _sorted(deployed(tables.evaluated(BASES[name])))


@pytest.mark.parametrize("name", BASES)
def test_what_each_parameter_changes_is_in_the_tables(name: str, tables: Tables) -> None:
    default = base(name)
    said = {parameter for parameter, *_ in rows(f"{name}_changes")}
    for parameter, before, after in tables.cases(name):
        assert parameter in said, f"{parameter}: changes nothing, or is not in the table"
        said.remove(parameter)
        start = default
        if before.parameters != BASES[name].parameters:
            [beside] = (each for each, _, case in tables.cases(name) if case.parameters == before.parameters)
            start = changed(default, name, beside)
        expected = _sorted(deployed(tables.evaluated(after)))
        assert _sorted(template(changed(start, name, parameter), tables.placeholders)) == expected, parameter
    assert said == set()


def test_what_several_parameters_change_adds_up(tables: Tables) -> None:
    values, given = base("main"), dict(BASES["main"].parameters)
    together = ["vaultLock", "outcomeTopic", "authClientId", "durableBackend", "privateNetworking", "highChurn", "mode"]
    for parameter, _, after in tables.cases("main"):
        if parameter.partition("=")[0] in together and ", " not in parameter:
            values, given = changed(values, "main", parameter), given | after.parameters
    case = BASES["main"]

    resources = tables.evaluated(type(case)(case.template, given, case.group))

    assert len(given) == len(case.parameters) + len(together)
    assert _sorted(template(values, tables.placeholders)) == _sorted(deployed(resources))


def test_the_page_says_what_each_placeholder_stands_for() -> None:
    text = PAGE.read_text()
    own = {given.strip("{}") for parameter, *_ in rows("main_changes") for given in re.findall(r"\{\w+\}", parameter)}
    used = set(re.findall(r"\{([A-Za-z][\w.]*)\}", "".join(written(name) for name in BASES)))
    explained = set(re.findall(r"^\| `\{([\w.]+)\}", text, re.MULTILINE))
    assert len(used) > 10
    assert used - own - explained == set()


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _filled(text: str, placeholders: Mapping[str, str]) -> str:
    """The shortest texts are parts of the longer ones: last comes first."""
    for name, long in placeholders.items():
        text = text.replace(name, long)
    return text


def _name(resource: str) -> str:
    _, _, parts = resource.rpartition("/providers/")
    return "/".join(parts.split("/")[2::2]) if "/providers/" in resource else resource.rpartition("/")[2]


def _put(made: Any, path: list[str], value: Any) -> None:
    """Sets a value in what a path leads to, which is made on the way. The elements of a list come in order."""
    for part, following in zip(path, [*path[1:], ""], strict=True):
        key = int(part.strip("[]")) if part.startswith("[") else part
        if isinstance(key, int) and key == len(made):
            made.append(None)
        if not following:
            made[key] = value
        elif isinstance(key, str):
            made.setdefault(key, [] if following.startswith("[") else {})
        elif made[key] is None:
            made[key] = {}
        made = made[key]


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    return [_without_null(each) for each in value] if isinstance(value, list) else value


def _sorted(resources: list[Json]) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in resources)

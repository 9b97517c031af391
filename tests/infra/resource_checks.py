"""What is deployed, as far as the compiler or the evaluated deployments can tell. Each check returns what is wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.infra.compiler import Json
from tests.infra.deployments import AZD, ENTRIES, POLICY, Infra

# How a resource has to be configured where its type does not enforce it: most types take any text where Azure lists the
# values, and do not ask for what is safe. `part` is a part of the ID, `case` a set of parameters; without them any.
EXPECTED: list[Json] = json.loads((Path(__file__).parent / "expected.json").read_text())


def check_build(infra: Infra) -> list[str]:
    """Every file builds, and the linter has nothing to say."""
    return infra.problems


def check_format(infra: Infra) -> list[str]:
    """Every file is as `bicep format` writes it."""
    return [
        f"{file.name} is not as `bicep format` writes it"
        for file in sorted(infra.folder.rglob("*.bicep"))
        if infra.compiler.formatted(file) != file.read_text()
    ]


def check_files(infra: Infra) -> list[str]:
    """Every file belongs to what is deployed."""
    used = {file for entry in (*ENTRIES, POLICY) for file in infra.compiler.files_of(infra.folder / entry)}
    return [f"{file.name} is used by nothing" for file in infra.folder.rglob("*.bicep") if file not in used]


def check_evaluation(infra: Infra) -> list[str]:
    """Each set of parameters is taken, that of azd among them, and what it comes to is known before it is deployed."""
    sources = {AZD: "main.parameters.json: "}
    return [
        f"{sources.get(name, '')}{name}: {problem}"
        for name in infra.cases
        for problem in infra.evaluated(name).problems
    ]


def check_configuration(infra: Infra) -> list[str]:
    """Resources are configured as expected in every deployment that has them, and there are such."""
    found = []
    for expected in EXPECTED:
        about = " ".join(expected[key] for key in ("type", "part", "case") if key in expected)
        these = [
            (name, each)
            for name, each in infra.resources(expected["type"])
            if expected.get("part", "") in each["id"] and expected.get("case", name) == name
        ]
        found += [] if these else [f"{about}: no deployment has one"]
        found += [
            f"{about}: {name}: {problem}"
            for name, each in these
            for problem in _differences(each, expected["wanted"], "")
        ]
    return found


def _differences(actual: Any, wanted: Any, where: str) -> Iterator[str]:
    """Where a value is not as wanted; an object may have more properties."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        for key, value in wanted.items():
            yield from _differences(actual.get(key), value, f"{where}.{key}" if where else key)
    elif isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        for index, value in enumerate(wanted):
            yield from _differences(actual[index], value, f"{where}[{index}]")
    elif actual != wanted:
        yield f"{where} is {json.dumps(actual)}, not {json.dumps(wanted)}"

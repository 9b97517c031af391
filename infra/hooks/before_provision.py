"""Refuses variables that the deployment would misread, before anything is deployed; azd runs it first.

What may be set is written once, in main.parameters.json. A release from GitHub takes it from there too: with
`--release` this passes the repository's variables on to the steps that follow.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.hooks.deploy_events import AzError, az

INFRA = Path(__file__).parents[1]
OF_EVENTS = {"DR_EXISTING_TOPIC", "DR_EVENT_SOURCE", "DR_EVENT_DESTINATION", "DR_DEAD_LETTER"}
"""What deploy_events.py reads, and no template."""
OF_AZD = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
"""What a release needs to sign in, and no template."""


def parameters() -> dict[str, str]:
    """The variable of each parameter of main.bicep that has one."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    return {name: variable for name, each in given.items() for variable in re.findall(r"\$\{(\w+)", str(each["value"]))}


def objects() -> set[str]:
    """The variables that hold JSON objects: those of parameters of that type."""
    return {variable for variable, _, kind in _declared() if kind.startswith("object")}


def lists() -> set[str]:
    """The variables that hold lists: those of parameters that are described so."""
    return {variable for variable, about, _ in _declared() if "comma-separated" in about}


def problems(environment: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the variables of an environment."""
    known = {*parameters().values(), *OF_EVENTS, *re.findall(r"^output (\w+)", _main(), re.MULTILINE)}
    for name, value in sorted(environment.items()):
        if name.startswith("DR_") and name not in known:
            yield f"{name}: nothing reads it: is it misspelt, or renamed? See docs/deploy.md and CHANGELOG.md"
        elif name in objects():
            try:
                is_object = isinstance(json.loads(value), dict)
                yield from [] if is_object else [f"{name}: {value!r} is no JSON object"]
            except ValueError as error:
                yield f"{name}: {value!r} is no JSON: {error}"
        elif name in lists() and value and not all(part.strip() for part in value.split(",")):
            yield f"{name}: {value!r} has an empty entry: is there a comma too many?"
        elif name in parameters().values() and ('"' in value or "\\" in value):
            yield f"{name}: {value!r} has a quotation mark or a backslash, which azd does not pass on"


def open_drills(environment: Mapping[str, str]) -> Iterator[str]:
    """The VMs in test failover, if the deployment takes the roles away that clean up after a drill: those that the last
    one has given. Asks nothing else of Azure."""
    if environment.get("DR_HAS_DRILLS") != "true" or environment.get("DR_DRILLS") == "true":
        return
    link = f"{environment.get('DR_VAULT_ID')}/replicationProtectedItems?api-version=2025-08-01"
    try:
        while link:
            page = az("rest", "--method", "get", "--url", link)
            for each in (item["properties"] for item in page["value"]):
                if (each.get("testFailoverState") or "None") != "None":
                    yield (
                        f"DR_DRILLS: {each.get('friendlyName')} is in test failover, which the app could not clean up "
                        "without its roles for drills: clean it up first"
                    )
            link = page.get("nextLink") or ""
    except AzError as error:
        yield f"DR_DRILLS: whether a drill is in progress cannot be read: {error}"


def release(variables: Mapping[str, str]) -> str:
    """What a workflow's step writes to the file GITHUB_ENV: all variables that are read, and no other."""
    read = {*parameters().values(), *OF_EVENTS, *OF_AZD}
    mark = "end-of-value"
    return "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in sorted(variables.items()) if name in read)


def _declared() -> Iterator[tuple[str, str, str]]:
    """Each parameter of main.bicep that has a variable: that variable, the description, the type and the default."""
    pattern = r"^@description\('(.*)'\)\n(?:@.*\n)*param (\w+) (.*)$"
    variables = parameters()
    for about, name, kind in re.findall(pattern, _main(), re.MULTILINE):
        if name in variables:
            yield variables[name], about, kind


def _main() -> str:
    return (INFRA / "main.bicep").read_text()


def main(arguments: list[str]) -> int:
    variables: Mapping[str, str] = os.environ
    if "--release" in arguments:
        variables = json.loads(os.environ["VARIABLES"])
    found = [*problems(variables), *open_drills(variables)]
    if found:
        print("Nothing is deployed; variables to fix first:", *found, sep="\n  ", file=sys.stderr)
        return 1
    if "--release" in arguments:
        with Path(os.environ["GITHUB_ENV"]).open("a") as file:
            file.write(release(variables))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

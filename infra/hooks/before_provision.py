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
from typing import NamedTuple

from infra.hooks.deploy_events import AzError, az

INFRA = Path(__file__).parents[1]
OF_EVENTS = {
    "existingTopicName": "DR_EXISTING_TOPIC",
    "source": "DR_EVENT_SOURCE",
    "destination": "DR_EVENT_DESTINATION",
    "deadLetter": "DR_DEAD_LETTER",
}
"""The variables that deploy_events.py reads, by the parameters of events.bicep."""
OF_AZD = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
"""What a release needs to sign in, and no template."""
COMPUTED = {
    "DR_VAULT_IDS": ("DR_EXISTING_VAULT_ID",),
    "DR_SOURCE_SCOPE": ("DR_SOURCE_SUBSCRIPTION_ID", "DR_SOURCE_RESOURCE_GROUPS", "DR_EXTRA_SOURCE_SCOPES"),
    "DR_TARGET_SCOPE": (
        *("DR_TARGET_SUBSCRIPTION_ID", "DR_TARGET_RESOURCE_GROUPS", "DR_SHARED_SUBSCRIPTION"),
        *("DR_CACHE_ACCOUNT_SCOPES", "DR_EXTRA_TARGET_SCOPES"),
    ),
    "DR_DEPLOYMENT": (),
    "DR_ORIGIN_STORE": (),
    "DR_ARCHIVE": ("DR_KEEP_ARCHIVE",),
    "DR_OUTCOME_TOPIC_ENDPOINT": ("DR_OUTCOME_TOPIC",),
    "DR_ENTRA_AUTH": ("DR_AUTH_CLIENT_ID",),
    "DR_AUTH_AUTHORITY": ("DR_AUTH_CLIENT_ID",),
    "DR_ARM_ENDPOINT": (),
}
"""The settings of the app that the templates compute, with the variables that decide them."""

_PARAMETER = re.compile(
    r"^@description\('(.*)'\)\n(?:@allowed\((.*)\)\n)?(?:@.*\n)*param (\w+) (\w+)(?: = (.*))?$", re.MULTILINE
)
_OF_NUMBERS = re.compile(r"_(DAYS|HOURS|MINUTES|SECONDS|INSTANCES|MISSING|PERCENT|PER_DAY)$")
_NUMBER = re.compile(r"\d+(\.\d+)?")


class Parameter(NamedTuple):
    """A parameter of a template, and the variable that sets it. `default` is as Bicep has it, "" if it must be set;
    `choices` are the values that are allowed, empty if they cannot be listed."""

    name: str
    variable: str
    about: str
    kind: str
    default: str
    choices: tuple[str, ...]

    @property
    def is_object(self) -> bool:
        return self.kind == "object"

    @property
    def is_list(self) -> bool:
        return "comma-separated" in self.about

    @property
    def is_number(self) -> bool:
        """By the variable's name: the templates take numbers as text, so that an empty one can be the default."""
        return _OF_NUMBERS.search(self.variable) is not None

    def problem(self, value: str) -> str:
        """What is wrong with the value; "" if nothing is known to be."""
        if self.is_object:
            try:
                return "" if isinstance(json.loads(value), dict) else f"{value!r} is no JSON object"
            except ValueError as error:
                return f"{value!r} is no JSON: {error}"
        if not value:
            return ""
        if self.is_list and not all(part.strip() for part in value.split(",")):
            return f"{value!r} has an empty entry: is there a comma too many?"
        if '"' in value or "\\" in value:
            return f"{value!r} has a quotation mark or a backslash, which azd does not pass on"
        if self.choices and value not in self.choices:
            return f"{value!r} is not allowed; allowed: {', '.join(self.choices)}"
        if self.is_number and not _NUMBER.fullmatch(value):
            return f"{value!r} is not allowed; allowed: a number"
        return ""


def parameters() -> dict[str, str]:
    """The variable of each parameter of main.bicep that has one."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    return {name: variable for name, each in given.items() for variable in re.findall(r"\$\{(\w+)", str(each["value"]))}


def declared() -> Iterator[Parameter]:
    """Each parameter that a variable sets: those of main.bicep, then those of events.bicep."""
    for template, variables in (("main.bicep", parameters()), ("events.bicep", OF_EVENTS)):
        for about, allowed, name, kind, default in _PARAMETER.findall((INFRA / template).read_text()):
            if name in variables:
                choices = ["true", "false"] if kind == "bool" else re.findall(r"'([^',]+)'", allowed)
                yield Parameter(name, variables[name], about.replace("\\'", "'"), kind, default, tuple(choices))


def problems(environment: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the variables of an environment."""
    known = {each.variable: each for each in declared()}
    put_out = re.findall(r"^output (\w+)", (INFRA / "main.bicep").read_text(), re.MULTILINE)
    for name, value in sorted(environment.items()):
        if name in known:
            problem = known[name].problem(value)
        elif name in COMPUTED:
            by = f", from {', '.join(COMPUTED[name])}" if COMPUTED[name] else ""
            problem = f"the deployment computes this setting of the app{by}: remove the variable"
        elif name.startswith("DR_") and name not in put_out:
            problem = "nothing reads it: is it misspelt, or renamed? See docs/deploy.md and CHANGELOG.md"
        else:
            continue
        if problem:
            yield f"{name}: {problem}"


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
    read = {*parameters().values(), *OF_EVENTS.values(), *OF_AZD}
    mark = "end-of-value"
    return "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in sorted(variables.items()) if name in read)


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

"""Estates that come with the project. Beside what the simulator reads, an estate has the expected result of each VM."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.estates.item import SETTINGS

DEMO = Path(__file__).parent / "demo.json"


class EstateError(ValueError):
    """The file is not a valid estate of the demo; the text is the reason."""


@dataclass(frozen=True)
class Expectation:
    """The expected result of a VM: the outcome of its run and, if given, the code of a finding and settings of the
    vault's item."""

    vm_id: str
    region: str
    outcome: str
    finding: str | None = None
    item: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.vm_id.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Request:
    """A request about a VM, with a body."""

    vm: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Estate:
    """`data` is what the simulator loads, `profiles` the value of DR_PROFILES. `tag_while_running`, `deliver_twice`
    and `tag_unannounced` name VMs, "" for none; the last has no event, so only the sweep finds it. `put` requests the
    protection of a VM, and `drill` is the drill of one at the end."""

    data: dict[str, Any]
    expectations: tuple[Expectation, ...]
    tag_while_running: str = ""
    deliver_twice: str = ""
    tag_unannounced: str = ""
    put: Request | None = None
    drill: Request | None = None
    profiles: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the app that the estate is made for."""
        return {"DR_PROFILES": json.dumps(self.profiles), **({"DR_DRILLS": "true"} if self.drill else {})}


def load(path: Path) -> Estate:
    """Reads an estate with an expectation for every VM. Raises EstateError."""
    try:
        data = json.loads(path.read_text())
        expectations = tuple(_expectation(vm) for vm in data["virtualMachines"])
        script = _script(data.get("demo", {}), {each.vm_id for each in expectations})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise EstateError(f"{path}: {error}") from None
    except KeyError as missing:
        raise EstateError(f"{path}: the key {missing} is missing") from None
    return Estate(data, expectations, **script)


def _expectation(vm: dict[str, Any]) -> Expectation:
    expect = vm["expect"]
    _only(expect, "expect", ("outcome", "finding", "item"))
    item = expect.get("item", {})
    _only(item, "item", SETTINGS)
    return Expectation(vm["id"], vm["location"], expect["outcome"], expect.get("finding"), item)


def _script(demo: dict[str, Any], known: set[str]) -> dict[str, Any]:
    allowed = ("tagWhileRunning", "deliverTwice", "tagUnannounced", "put", "drill", "profiles", "targets")
    _only(demo, "demo", allowed)
    tagged, twice = demo.get("tagWhileRunning", ""), demo.get("deliverTwice", "")
    unannounced = demo.get("tagUnannounced", "")
    put, drill = _request(demo, "put"), _request(demo, "drill")
    for vm in (tagged, twice, unannounced, *(request.vm for request in (put, drill) if request)):
        if vm != "" and vm not in known:
            raise ValueError(f'"demo" names {vm!r}, which is none of the virtualMachines')
    return {
        "tag_while_running": tagged,
        "deliver_twice": twice,
        "tag_unannounced": unannounced,
        "put": put,
        "drill": drill,
        "profiles": dict(demo.get("profiles", {})),
    }


def _request(demo: dict[str, Any], name: str) -> Request | None:
    if name not in demo:
        return None
    _only(demo[name], name, ("vm", "body"))
    return Request(demo[name]["vm"], dict(demo[name]["body"]))


def _only(given: dict[str, Any], name: str, allowed: Iterable[str]) -> None:
    for key in given:
        if key not in allowed:
            raise ValueError(f'"{name}" has no {key!r}; it has {", ".join(allowed)}')

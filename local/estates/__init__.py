"""Estates that come with the project. Beside what the simulator reads, an estate says what is to come of each VM."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEMO = Path(__file__).parent / "demo.json"


class EstateError(ValueError):
    """The file is no estate of the demo; the text says what is wrong with it."""


@dataclass(frozen=True)
class Expectation:
    """How a VM is to end: the outcome of its run and, where one is named, the code of a finding."""

    vm_id: str
    region: str
    outcome: str
    finding: str | None = None

    @property
    def name(self) -> str:
        return self.vm_id.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Estate:
    """`data` is what the simulator loads. `tag_while_running` and `deliver_twice` name VMs, "" for none."""

    data: dict[str, Any]
    expectations: tuple[Expectation, ...]
    tag_while_running: str = ""
    deliver_twice: str = ""


def load(path: Path) -> Estate:
    """Reads an estate that says what is expected of every VM in it. Raises EstateError."""
    try:
        data = json.loads(path.read_text())
        expectations = tuple(_expectation(vm) for vm in data["virtualMachines"])
        script = data.get("demo", {})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise EstateError(f"{path}: {error}") from None
    except KeyError as missing:
        raise EstateError(f"{path}: the key {missing} is missing") from None
    known = {each.vm_id for each in expectations}
    for key, vm in script.items():
        if key not in {"tagWhileRunning", "deliverTwice"} or vm not in known:
            raise EstateError(f'{path}: "demo" takes tagWhileRunning and deliverTwice, each with the ID of a VM')
    return Estate(data, expectations, script.get("tagWhileRunning", ""), script.get("deliverTwice", ""))


def _expectation(vm: dict[str, Any]) -> Expectation:
    expect = vm["expect"]
    return Expectation(vm["id"], vm["location"], expect["outcome"], expect.get("finding"))

"""The progress of each VM, read from the durable instances. Plain data; `tables.py` shows it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.estates import Expectation

_ENDED = {"Completed", "Failed", "Terminated"}
WAITING = "Waiting for its event"


@dataclass
class VmProgress:
    """`since` is when the VM's last cause happened (its event, its tag), in seconds of the demo; so is `ended`.

    `got` is what the vault's item says of the VM's settings, in the end.
    """

    expectation: Expectation
    since: float = 0
    step: str = WAITING
    percent: int | None = None
    ended: float | None = None
    instance: Mapping[str, Any] | None = None
    faults: list[str] = field(default_factory=list)
    got: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.expectation.name

    @property
    def result(self) -> dict[str, Any]:
        """What the run returned, or {} while there is none."""
        output = self.instance["output"] if self.instance and self.ended is not None else None
        return output if isinstance(output, dict) else {}

    @property
    def outcome(self) -> str:
        if self.result:
            return str(self.result["outcome"])
        if self.instance is None:
            return "NotLookedAt"
        return "NotEnded" if self.ended is None else str(self.instance["runtimeStatus"])

    @property
    def as_expected(self) -> bool:
        codes = {finding["code"] for finding in self.result.get("findings", [])}
        named = self.expectation.finding
        as_named = named is None or named in codes
        return self.outcome == self.expectation.outcome and as_named and not self.missed

    @property
    def missed(self) -> dict[str, str]:
        """The expected settings that the item does not have."""
        return {name: value for name, value in self.expectation.item.items() if self.got.get(name) != value}

    @property
    def reasons(self) -> list[str]:
        """The reasons of the result: findings, the error, and failures on the way."""
        found = [_said(finding, "fix") for finding in self.result.get("findings", [])]
        if error := self.result.get("error"):
            found.append(_said(error, "action"))
        if self.instance and self.instance["runtimeStatus"] == "Failed":
            found.append(str(self.instance["output"]))
        return found + [f"On the way: {fault}" for fault in self.faults if fault not in found]


class Progress:
    """All VMs of an estate, by their lower-cased IDs."""

    def __init__(self, expectations: Iterable[Expectation]) -> None:
        self.vms = {each.vm_id.lower(): VmProgress(each) for each in expectations}
        self._held: set[str] = set()

    def update(self, instances: Iterable[Mapping[str, Any]], now: float) -> list[VmProgress]:
        """Updates the progress from the instances of the host. Returns the VMs whose step or percent has changed."""
        changed = []
        for instance in instances:
            key = _vm_id(instance).lower()
            if key in self.vms and key not in self._held and _take_in(self.vms[key], instance, now):
                changed.append(self.vms[key])
        return changed

    def hold(self, vm_id: str, now: float) -> None:
        """Something is being done to the VM: its last run no longer counts, and its next begins after `release`."""
        vm = self.vms[vm_id.lower()]
        vm.since, vm.ended, vm.instance, vm.step = now, None, None, WAITING
        self._held.add(vm_id.lower())

    def release(self, vm_id: str) -> None:
        self._held.discard(vm_id.lower())

    @property
    def at_rest(self) -> bool:
        """Whether no VM has a run that has not ended."""
        return not self._held and all(vm.ended is not None or vm.instance is None for vm in self.vms.values())

    @property
    def surprises(self) -> list[VmProgress]:
        return [vm for vm in self.vms.values() if not vm.as_expected]


def _take_in(vm: VmProgress, instance: Mapping[str, Any], now: float) -> bool:
    before = (vm.step, vm.percent)
    vm.instance = instance
    if instance["runtimeStatus"] in _ENDED:
        vm.ended = now if vm.ended is None else vm.ended
        vm.step, vm.percent = vm.outcome, None
    else:
        status = instance["customStatus"] or {}
        vm.ended = None
        vm.step, vm.percent = status.get("step", "Starting"), status.get("percent")
        fault = _said(status["lastError"], "action") if status.get("lastError") else ""
        if fault and fault not in vm.faults:
            vm.faults.append(fault)
    return (vm.step, vm.percent) != before


def _vm_id(instance: Mapping[str, Any]) -> str:
    """A status, an output and an input of the app's orchestration all name the VM; "" if it is none of them."""
    # The SDK sends an input as JSON text in JSON. Before its first turn an instance has nothing else.
    given = instance["input"]
    shown = (instance["customStatus"], instance["output"], json.loads(given) if str(given).startswith('{"') else given)
    return next((str(each["vmId"]) for each in shown if isinstance(each, dict) and "vmId" in each), "")


def _said(shown: Mapping[str, Any], advice: str) -> str:
    return " ".join(part for part in (f"{shown['code']}: {shown['message']}", shown.get(advice)) if part)

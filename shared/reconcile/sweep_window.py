"""The next VMs whose runs a sweep starts, within the concurrency limits of their region pair and vault. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.model.base import Model
from shared.model.decision import Action
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reconcile.run_state import Phase

PER_PAIR, PER_VAULT = 200, 400
"""The most concurrent enables of a sweep. Site Recovery publishes no limit; the portal enables ten at a time."""


class Work(Model):
    """A run that the sweep has started or found running. `pair` is the vault and region of the VM; `requested` is
    whether the run has started its job."""

    instance: str
    pair: str
    action: Action
    requested: bool = False


def region_pair_of(vm_status: VmStatus) -> str:
    """The vault and the region of a VM: VMs with the same pair share target resources."""
    return f"{vm_status.vault.key if vm_status.vault else ''}|{vm_status.location}"


def vault_of(pair: str) -> str:
    return pair.split("|", 1)[0]


def occupies_slot(status: Mapping[str, Any]) -> bool:
    """Whether the run with this custom status counts against the concurrency limit of its vault.

    Not while it waits for the initial replication, for the end of a grace period, or after an error.
    """
    replicates = status.get("phase") == Phase.FOLLOW and ("percent" in status or not status.get("job"))
    return not (replicates or "lastError" in status or "disableAt" in status)


@dataclass
class Window:
    """The VMs whose runs start now, how far the sweep has come in each pair, and the VMs that it left, by action."""

    after: dict[str, str]
    chosen: list[VmStatus] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def next_window(
    compliance_report: ComplianceReport,
    after: Mapping[str, str],
    under_way: Iterable[Work],
    enables: int,
    disables: int,
) -> Window:
    """The next VMs in the order of their IDs, pair by pair, within the concurrency limits of pair and vault.

    `enables` and `disables` are left of the daily limits. Runs in progress that have not started their job yet may
    still need some of them, and are waited for; without any left, a VM is left for a later sweep. In a pair where this
    app protects nothing yet one VM goes first, and creates the shared target resources.
    """
    works = tuple(under_way)
    ready = {region_pair_of(vm_status) for vm_status in compliance_report.vm_statuses if vm_status.made_by_app}
    busy, leading = Counter(work.pair for work in works), {work.pair for work in works if not work.requested}
    in_vault = Counter(vault_of(work.pair) for work in works)
    spare = enables - sum(work.action is Action.ENABLE and not work.requested for work in works)
    window = Window(dict(after))
    for pair, waiting in _waiting(compliance_report, after).items():
        room = min(PER_PAIR - busy[pair], PER_VAULT - in_vault[vault_of(pair)])
        if pair not in ready:
            room = 0 if pair in leading else min(room, 1) if pair not in after else room
        for vm_status in waiting:
            enabled, disabled = vm_status.action is Action.ENABLE, vm_status.action is Action.DISABLE
            if (enabled and enables <= 0) or (disabled and disables <= 0):
                window.left[vm_status.action.value] += 1
            elif room <= 0 or (enabled and spare <= 0):
                break
            else:
                window.chosen.append(vm_status)
                spare, disables, room = spare - enabled, disables - disabled, room - 1
                in_vault[vault_of(pair)] += 1
            window.after[pair] = vm_status.vm_id.key
    return window


def _waiting(compliance_report: ComplianceReport, after: Mapping[str, str]) -> dict[str, list[VmStatus]]:
    """The VMs with an action that this sweep has not handled yet, by pair, in order.

    If a list could not be read, nothing is disabled: a missing VM may exist.
    """
    held = compliance_report.gaps and not compliance_report.only_rows
    found: dict[str, list[VmStatus]] = {}
    for vm_status in compliance_report.vm_statuses:
        if vm_status.action is Action.NONE or (vm_status.action is Action.DISABLE and held):
            continue
        pair = region_pair_of(vm_status)
        if vm_status.vm_id.key > after.get(pair, ""):
            found.setdefault(pair, []).append(vm_status)
    return found


def waits(compliance_report: ComplianceReport, after: Mapping[str, str]) -> bool:
    """Whether there are VMs with an action that this sweep has not handled yet."""
    return bool(_waiting(compliance_report, after))

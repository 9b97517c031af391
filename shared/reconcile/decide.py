"""The decision about one VM: one ordered list of conditions, read top to bottom; the first that applies decides.

The VM's own run and the sweep both call `decide`. Pure: the facts and the settings in, a decision with findings out.
A fact that is not known is never taken for absent: nothing is enabled, disabled or removed on it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from shared.config.settings import REFUSALS, Intent, Settings
from shared.model.decision import Action, Decision, State
from shared.model.drill import Drill
from shared.model.failover import Failover
from shared.model.findings import Finding
from shared.model.replicated_item import Job, ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.planning import preflight
from shared.planning.catalog import OPTED_OUT, finding_of
from shared.reconcile.drift import adopted, frozen, not_cleaned_up, replaced
from shared.reconcile.health import of_attempts

_SECONDS_PER_HOUR = 3600


class Facts(NamedTuple):
    """What is known about a VM.

    `vm` is None if the VM does not exist or, with `vm_unread`, if that is not known; `observed_at` is when it was
    read. `item` is the item that protects it. `item_unread` says which unread list or row may hold another such item;
    it is "" if there is none. `elsewhere` is the item of a vault outside DR_VAULT_IDS that protects it.

    `intent` is what the tag of the VM or the request of a caller says; `confirmed` is whether the caller has confirmed
    that replication is to be disabled. `enables` are the jobs that enabled the VM.

    Of a failover VM, `original` is the VM that it was made from. Of a VM that was moved away, `moved_to` is the new ID;
    of the VM under the new ID, `moved_from` is the item that still protects it under the old one. `failover` is the
    failover that left the VM and another one, if nothing protects either, and no caller has confirmed which to protect.
    `drill` is the open record of a drill of the VM.
    """

    vm_id: ResourceId
    vm: SourceVm | None
    observed_at: datetime
    item: ProtectedItem | None = None
    intent: Intent = Intent.NONE
    confirmed: bool = False
    vm_unread: bool = False
    item_unread: str = ""
    original: ResourceId | None = None
    moved_to: ResourceId | None = None
    moved_from: ProtectedItem | None = None
    elsewhere: ResourceId | None = None
    failover: Failover | None = None
    drill: Drill | None = None
    enables: tuple[Job, ...] = ()

    @property
    def name(self) -> str:
        return self.vm_id.name


def needs_protection(facts: Facts, settings: Settings) -> bool:
    """Whether `decide` needs `item`: it does not for an untagged VM whose replication the app may not disable."""
    hold = settings.hold_of(facts.vm.tags) if facts.vm else None
    held = hold is not None and hold.holds_at(facts.observed_at)
    return facts.intent is Intent.YES or facts.confirmed or (settings.may_disable and not held)


def decide(facts: Facts, settings: Settings) -> Decision:
    """The decision of the first condition that applies. A VM on hold is left as it is, whatever the decision."""
    decision = next(found for condition in _CONDITIONS if (found := condition(facts, settings)))
    item, vm = facts.item, facts.vm
    findings = (*decision.findings, *(adopted(item) if item else ()), *not_cleaned_up(facts.drill))
    decision = decision.with_(findings=findings, wanted=vm is not None and facts.intent is Intent.YES)
    hold = settings.hold_of(vm.tags) if vm else None
    if vm is None or hold is None or decision.state is State.FAILOVER_VM:
        return decision
    if not hold.holds_at(facts.observed_at):
        return decision.with_(findings=(*findings, preflight.hold_expired(vm, settings, hold)))
    return decision.with_(
        state=State.NOT_ELIGIBLE if decision.state is State.UNPROTECTED else decision.state,
        action=Action.NONE,
        findings=(*findings, *preflight.on_hold(vm, settings, hold)),
        held=True,
    )


def _failover_vm(facts: Facts, _: Settings) -> Decision | None:
    if facts.original is None:
        return None
    return Decision(state=State.FAILOVER_VM, findings=(preflight.failover_vm(facts.vm_id, facts.original),))


def _drilling(facts: Facts, _: Settings) -> Decision | None:
    """Whatever tags say, a drill of the app is cleaned up first: the VM's own run waits for it."""
    if facts.drill is None or facts.item is None or facts.item.failed_over:
        return None
    return Decision(state=State.DRILLING, action=Action.FOLLOW)


def _frozen(facts: Facts, _: Settings) -> Decision | None:
    if facts.item is None or facts.item.stage is not Stage.FROZEN:
        return None
    return Decision(state=State.FROZEN, findings=(frozen(facts.item),))


def _not_read(facts: Facts, _: Settings) -> Decision | None:
    if facts.vm_unread:
        finding = finding_of("SourceNotRead", f"Whether {facts.name} exists could not be read.")
    elif facts.item_unread and facts.item is None and (facts.intent is Intent.YES or facts.confirmed):
        finding = _protection_not_read(facts)
    else:
        return None
    return Decision(state=State.UNKNOWN, findings=(finding,))


def _being_disabled(facts: Facts, _: Settings) -> Decision | None:
    if facts.item is None or facts.item.stage is not Stage.DISABLING:
        return None
    return Decision(state=State.DISABLING, action=Action.FOLLOW)


def _gone(facts: Facts, settings: Settings) -> Decision | None:
    if facts.vm is not None:
        return None
    if facts.item is None:
        return Decision(state=State.SOURCE_GONE)
    if facts.moved_to:
        moved = finding_of("SourceMoved", f"{facts.name} is no longer {facts.vm_id}, but {facts.moved_to}.")
        if not facts.confirmed:
            return Decision(state=State.SOURCE_GONE, findings=(moved,))
        return _disable(facts, settings, State.SOURCE_GONE, moved, 0)
    text = f"{facts.name} is gone, and {facts.item.id.name} still protects it."
    finding = finding_of("SourceDeleted", text, facts.item.rpo_at)
    return _disable(facts, settings, State.SOURCE_GONE, finding, settings.untag_grace_hours)


def _unknown_value(facts: Facts, settings: Settings) -> Decision | None:
    if facts.intent is not Intent.UNKNOWN:
        return None
    value = settings.tag_value(facts.vm.tags) if facts.vm else None
    yes, no = ", ".join(settings.tag_values), ", ".join(REFUSALS)
    text = f"{facts.name} is tagged {settings.tag_name}={value}, which means neither yes ({yes}) nor no ({no})."
    return Decision(state=State.NOT_ELIGIBLE, findings=(finding_of("TagValueUnknown", text),))


def _unwanted(facts: Facts, settings: Settings) -> Decision | None:
    if facts.intent is Intent.YES:
        return None
    if facts.item is None:
        by = "what protects it is not known" if facts.item_unread else "nothing protects it"
        if facts.elsewhere:
            by = f"{facts.elsewhere} protects it, in a vault that is not among DR_VAULT_IDS"
        tags = facts.vm.tags if facts.vm else {}
        opted_out = settings.intent_of(tags) is Intent.NO
        said = f"tagged {settings.tag_name}={settings.tag_value(tags)}" if opted_out else "not tagged"
        finding = finding_of("NotTagged", f"{facts.name} is {said}: {by}.", case=OPTED_OUT if opted_out else "")
        return Decision(state=State.NOT_TAGGED, findings=(finding,))
    says_no = facts.intent is Intent.NO
    why = "its tag says no" if says_no else "it is not tagged"
    finding = finding_of("UntaggedButProtected", f"{facts.name} is protected by {facts.item.id.name}, and {why}.")
    grace = settings.opt_out_grace_hours if says_no else settings.untag_grace_hours
    return _disable(facts, settings, State.UNTAGGED, finding, grace)


def _moved_here(facts: Facts, _: Settings) -> Decision | None:
    if facts.item or facts.moved_from is None:
        return None
    text = f"{facts.name} was {facts.moved_from.source}, and {facts.moved_from.id.name} still protects it there."
    return Decision(state=State.NOT_ELIGIBLE, findings=(finding_of("SourceMoved", text),))


def _disabled_after_failover(facts: Facts, _: Settings) -> Decision | None:
    if facts.item or facts.failover is None:
        return None
    others = ", ".join(map(str, facts.failover.others))
    text = (
        f"{facts.name} was part of a failover ({facts.failover.seen_at:%Y-%m-%d %H:%M} UTC) whose replication was "
        f"disabled since, beside {others}: which of them is live is not known."
    )
    return Decision(state=State.NOT_ELIGIBLE, findings=(finding_of("DisabledAfterFailover", text),))


def _replaced(facts: Facts, _: Settings) -> Decision | None:
    another = replaced(facts.vm, facts.item) if facts.vm and facts.item else ()
    return Decision(state=State.NOT_ELIGIBLE, findings=another) if another else None


def _failed(facts: Facts, _: Settings) -> Decision | None:
    if facts.item is None or facts.item.stage is not Stage.FAILED:
        return None
    action = Action.ENABLE if facts.item.is_ours else Action.NONE
    return Decision(
        state=State.FAILED, action=action, findings=tuple(of_attempts(facts.name, facts.enables, facts.item))
    )


def _protecting(facts: Facts, _: Settings) -> Decision | None:
    if facts.item is None or facts.item.stage is Stage.PROTECTED:
        return None
    return Decision(state=State.PROTECTING, action=Action.FOLLOW)


def _protected(facts: Facts, _: Settings) -> Decision | None:
    return Decision(state=State.PROTECTED, action=Action.CHANGE) if facts.item else None


def _unprotected(facts: Facts, settings: Settings) -> Decision | None:
    not_before = preflight.old_enough_at(facts.vm, settings) if facts.vm else None
    return Decision(state=State.UNPROTECTED, action=Action.ENABLE, not_before=not_before)


_CONDITIONS: tuple[Callable[[Facts, Settings], Decision | None], ...] = (
    _failover_vm,
    _drilling,
    _frozen,
    _not_read,
    _being_disabled,
    _gone,
    _unknown_value,
    _unwanted,
    _moved_here,
    _disabled_after_failover,
    _replaced,
    _failed,
    _protecting,
    _protected,
    _unprotected,
)


def _disable(facts: Facts, settings: Settings, state: State, finding: Finding, grace_hours: float) -> Decision:
    """The decision about an item that is no longer wanted: disable it after `grace_hours`, if this app created it, and
    the mode allows that or a caller has confirmed it. Otherwise only report it."""
    item = facts.item
    may_be = item is not None and item.may_be_disabled and (facts.confirmed or settings.may_disable)
    hindrances = [_protection_not_read(facts)] if facts.item_unread else []
    if item and item.enabled_tag and item.enabled_tag.lower() != settings.tag_name.lower() and not facts.confirmed:
        text = f"{facts.name} was enabled for its tag {item.enabled_tag}, and DR_TAG_NAME is {settings.tag_name} now."
        hindrances.append(finding_of("TagNameChanged", text))
    return Decision(
        state=state,
        action=Action.DISABLE if may_be and not hindrances else Action.NONE,
        findings=(finding, *hindrances),
        grace_seconds=0 if facts.confirmed else grace_hours * _SECONDS_PER_HOUR,
    )


def _protection_not_read(facts: Facts) -> Finding:
    text = f"What protects {facts.name} is not known. {facts.item_unread}"
    return finding_of("ProtectionNotRead", text)

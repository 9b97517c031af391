"""The drift engine: compares the requested state with the actual state. Pure: an inventory in, VM statuses out.

A VM is compliant if it replicates, is healthy, and has the right settings and all disks; an item alone is not enough.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from shared.config.settings import Settings
from shared.model.capacity import Need, Place
from shared.model.decision import Action, Decision, State
from shared.model.findings import Finding, Severity
from shared.model.priority import Priority
from shared.model.replicated_item import ENABLE, Job, JobStage, ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import PlanningContext, SourceVm
from shared.planning import claims, disk_support, placement, preflight, vm_support
from shared.planning.catalog import finding_of, on_protected
from shared.planning.claims import Claims
from shared.planning.exclusion import excluded_disks, without_excluded
from shared.planning.overrides import Overrides, SharedOverrides, tag_names
from shared.planning.references import target_group
from shared.reconcile import readiness
from shared.reconcile.decide import Facts, decide
from shared.reconcile.diff import agent_to_update, disks_to_add, mismatches
from shared.reconcile.drift import is_moved, still_replicated
from shared.reconcile.health import last_of, of_attempts, of_protected, of_replicating
from shared.reconcile.inventory import Group, Inventory, VmStatus

_OF_TESTS = {"FailoverNotReady", "TestFailoverOverdue"}
"""What the service may say of a VM for the very reason that it is being tested."""


def assess(estate: Inventory, settings: Settings) -> tuple[VmStatus, ...]:
    """The status of every VM and every item of the inventory, in the order of the VM IDs."""
    engine = _Engine(estate, settings)
    vm_statuses = [*map(engine.of_vm, estate.vms), *engine.of_missing()]
    return tuple(sorted(vm_statuses, key=lambda vm_status: vm_status.vm_id.key))


def target_groups(
    vms: Iterable[SourceVm],
    items: Iterable[ProtectedItem],
    groups: Mapping[str, Group],
    settings: Settings,
    vault_regions: Mapping[ResourceId, str],
) -> set[ResourceId]:
    """The target groups of VMs that are to be enabled, but those in the source scope: all VMs there are listed."""
    protected = {item.source for item in items}
    shared = _overrides(groups, settings)
    found: set[ResourceId] = set()
    for vm in vms:
        if vm.id not in protected and settings.requests_protection(vm.tags):
            overrides = shared.of(vm)
            found.add(target_group(vm, overrides, placement.target_region(vm, overrides, settings, vault_regions)))
    return {group for group in found if group not in settings.source and group in settings.target}


def _overrides(groups: Mapping[str, Group], settings: Settings) -> SharedOverrides:
    return SharedOverrides({key: group.tags for key, group in groups.items()}, settings)


class _Engine:
    def __init__(self, estate: Inventory, settings: Settings) -> None:
        self.estate = estate
        self.settings = settings
        self.overrides = _overrides(estate.groups, settings)
        self.own_tags = {name.lower() for name in tag_names(settings)}
        self.vms = {vm.id: vm for vm in estate.vms}
        self.vaults = {vault: vault for vault in settings.vault_ids}
        """As the settings write them: Site Recovery writes its own casing into the IDs of items."""
        # Of two items of one VM, one that failed does not hide the other.
        ordered = sorted(estate.items, key=lambda item: (item.stage is not Stage.FAILED, item.id.key))
        self.items = {item.source: item for item in ordered}
        self.failover_vms = {vm: item.source for item in ordered for vm in item.failover_vms}
        self.failover_vms |= {drill.test_vm: drill.vm for drill in estate.drills.values()}
        self.there = estate.target_vms.union(self.vms)
        self.claims = Claims(ordered)
        self.in_set: defaultdict[ResourceId | None, list[ResourceId]] = defaultdict(list)
        for item in ordered:
            self.in_set[item.settings.availability_set].append(item.source)
        self.bearers = Counter(vm.id.name.lower() for vm in estate.vms)
        """How many VMs have a name."""
        gone: defaultdict[str, list[ProtectedItem]] = defaultdict(list)
        for source, item in self.items.items():
            if source not in self.vms and source in settings.source and not estate.vm_unread(source):
                gone[source.name.lower()].append(item)
        self.moved = {
            vm.id: item
            for vm in (*estate.vms, *estate.namesakes)
            for item in gone.get(vm.id.name.lower(), ())
            if is_moved(vm, item)
        }
        self.moved_to = {item.source: vm for vm, item in self.moved.items()}
        self.enables: defaultdict[str, list[Job]] = defaultdict(list)
        for job in estate.jobs:
            if job.scenario == ENABLE:
                self.enables[job.target.lower()].append(job)
        self.ended = {job.name for job in estate.jobs if job.stage is not JobStage.RUNNING}

    def of_vm(self, vm: SourceVm) -> VmStatus:
        item = self.items.get(vm.id)
        facts = Facts(
            vm.id,
            vm,
            self.estate.read_at,
            item,
            intent=self.settings.intent_of(vm.tags),
            item_unread=self.estate.item_unread(vm.id, vm.location),
            original=self.failover_vms.get(vm.id),
            moved_from=self.moved.get(vm.id),
            elsewhere=self.estate.elsewhere.get(vm.id),
            failover=self.estate.failovers.get(vm.id),
            drill=self.estate.drills.get(vm.id),
            enables=self._attempts(vm),
        )
        decision = decide(facts, self.settings)
        own = {name: value for name, value in vm.tags.items() if name.lower() in self.own_tags}
        vm_status = VmStatus(
            vm_id=vm.id,
            state=decision.state,
            tags=vm.tags if own == vm.tags else own,  # most have no others: one map, and not one for each
            findings=decision.findings,
            drilled_by=self._drilled_by(vm) if item and not decision.held else "",
            **(self._of_item(item, vm.location) if item else {"location": vm.location}),
            need=self._need(item, vm) if item else None,
        )
        if item is None:
            return self._unprotected(vm_status, vm, decision) if decision.wanted else vm_status
        if decision.state is State.PROTECTED:
            return self._protected(vm_status, vm, item, free=not (decision.held or self._is_busy(item)))
        if decision.state is State.DRILLING:
            drilling = self._protected(vm_status, vm, item, free=False)
            return drilling.with_(findings=tuple(each for each in drilling.findings if each.code not in _OF_TESTS))
        if decision.state is State.PROTECTING:
            stalled = of_replicating(vm.id.name, facts.enables, item, self.estate.read_at)
            return vm_status.with_(findings=(*stalled, *decision.findings))
        return self._acting(vm_status, decision, vm, item)

    def of_missing(self) -> Iterator[VmStatus]:
        """Items whose VM is not in the inventory. If the list is incomplete, the VM may still exist."""
        for source, item in self.items.items():
            if source not in self.vms and source in self.settings.source:
                facts = Facts(
                    source,
                    None,
                    self.estate.read_at,
                    item,
                    vm_unread=self.estate.vm_unread(source),
                    item_unread=self.estate.item_unread(source, item.settings.source_location),
                    original=self.failover_vms.get(source),
                    moved_to=self.moved_to.get(source),
                    drill=self.estate.drills.get(source),
                )
                decision = decide(facts, self.settings)
                known = self._of_item(item, "")
                # A VM that is gone fails over no more.
                known["need"] = self._need(item, None) if decision.state is State.UNKNOWN else None
                vm_status = VmStatus(vm_id=source, state=decision.state, findings=decision.findings, **known)
                yield self._acting(vm_status, decision, None, item)

    def _acting(self, vm_status: VmStatus, decision: Decision, vm: SourceVm | None, item: ProtectedItem) -> VmStatus:
        """The status with the action of the decision, unless a job on the item is in progress."""
        if decision.action not in {Action.ENABLE, Action.DISABLE} or self._is_busy(item):
            return vm_status
        return self._to(vm_status, decision.action, vm)

    def _group(self, vm: SourceVm) -> Group:
        return self.estate.groups.get(vm.id.group_id.key) or Group(tags={})

    def _of_item(self, item: ProtectedItem, location: str) -> dict[str, Any]:
        """The fields of a status that the item knows; `location` is the region of the VM, or ""."""
        return {
            "location": location or item.settings.source_location,
            "target_location": item.settings.target_location,
            "vault": self.vaults.get(item.vault, item.vault),
            "item_id": item.id,
            "policy_id": item.policy_id,
            "made_by_app": item.is_ours,
            "replication_health": item.replication_health,
            "rpo_seconds": item.rpo_seconds,
            "tested_at": item.tested_at,
            "percent": item.percent if item.stage is Stage.REPLICATING else None,
            "failed_over": item.failed_over,
        }

    def _need(self, item: ProtectedItem, vm: SourceVm | None) -> Need | None:
        """What a failover of the item needs. One that is frozen has its VM in the target region already."""
        if item.stage is not Stage.PROTECTED:
            return None
        has = item.settings
        jobs = self._attempts(vm) if vm else ()
        return Need(
            place=Place(has.target_group.subscription.lower() if has.target_group else "", has.target_location),
            size=has.size or (vm.size if vm else ""),
            zone=has.zone,
            reservation=has.capacity_reservation,
            priority=Priority(self.overrides.of(vm).priority.value) if vm else Priority.NORMAL,
            since=max((job.ended for job in jobs if job.ended and job.stage is JobStage.SUCCEEDED), default=None),
        )

    def _drilled_by(self, vm: SourceVm) -> str:
        overrides = self.overrides.of(vm)
        return overrides.profile_name if overrides.drilled else ""

    def _to(self, vm_status: VmStatus, action: Action, vm: SourceVm | None, *why: object) -> VmStatus:
        """The status of a VM that needs `action`, with the fingerprint of the reasons."""
        about = (vm.with_(tag_count=0), sorted(self._group(vm).tags.items())) if vm else (vm_status.item_id,)
        fingerprint = sha256("|".join(map(str, (action, *about, *why))).encode()).hexdigest()[:16]
        return vm_status.with_(action=action, fingerprint=fingerprint)

    def _unprotected(self, vm_status: VmStatus, vm: SourceVm, decision: Decision) -> VmStatus:
        if decision.state not in {State.UNPROTECTED, State.NOT_ELIGIBLE}:
            return vm_status
        group, overrides = self._group(vm), self.overrides.of(vm)
        vault = self.settings.vault_for(vm.location, overrides.profile)
        region = self.estate.regions.get(vault, "") if vault else ""
        target = placement.target_region(vm, overrides, self.settings, self.estate.regions)
        vm_status = vm_status.with_(vault=vault, target_location=target)
        findings = (*decision.findings, *self._preflight(vm, group, overrides))
        if vault is None:
            findings = (*findings, preflight.region_not_mapped(vm))
        elif vault in self.estate.missing_vaults:
            findings = (*findings, preflight.vault_not_found(vault))
        elif region:
            findings = (*findings, *placement.of_regions(vm, target, vault, region))
        findings = (*findings, *self._name_taken(vm, overrides, target), *self._shared_names(vm, overrides, target))
        findings = (*findings, *self._not_unique(vm, overrides, target))
        blockers = (each for each in findings if each.severity is Severity.BLOCKER)
        reasons = [*(decision.findings if decision.rejects else ()), *blockers]
        if reasons:
            codes = ", ".join(dict.fromkeys(each.code for each in reasons))
            finding = finding_of("NotEligible", f"{vm.id.name} is tagged, and cannot be protected: {codes}.")
            return vm_status.with_(state=State.NOT_ELIGIBLE, findings=(finding, *findings))
        finding = finding_of("MissingProtection", f"{vm.id.name} is tagged, and nothing protects it.")
        attempts = of_attempts(vm.id.name, self._attempts(vm), errors=self.estate.job_errors)
        vm_status = vm_status.with_(findings=(finding, *attempts, *findings))
        if decision.not_before and self.estate.read_at < decision.not_before:
            return vm_status
        return self._to(vm_status, decision.action, vm)

    def _preflight(self, vm: SourceVm, group: Group, overrides: Overrides) -> Iterator[Finding]:
        """The preflight findings that need no further reads. Transient obstacles are left out."""
        if vm.id in self.estate.elsewhere:
            yield preflight.protected_elsewhere(vm.id, str(self.estate.elsewhere[vm.id]))
        # Resource Graph may not know the power state yet, and Azure may be busy with the VM: its own run waits.
        known = {"power_state": "running"} if vm.power_state == "unknown" else {}
        settling = {"provisioning_state": "Succeeded"} if vm.is_settling else {}
        checked = without_excluded(vm, overrides).with_(**known, **settling)
        yield from overrides.judge(vm_support.of_vm(checked))
        yield from overrides.findings
        if group.managed_by:
            yield from preflight.of_context(vm, PlanningContext(vault_location="", group_managed_by=group.managed_by))

    def _name_taken(
        self, vm: SourceVm, overrides: Overrides, target: str, item: ProtectedItem | None = None
    ) -> tuple[Finding, ...]:
        there = placement.target_vm(vm, overrides, target, item)
        return (placement.name_taken(vm, there, self.settings),) if there in self.there else ()

    def _shared_names(
        self, vm: SourceVm, overrides: Overrides, target: str, item: ProtectedItem | None = None
    ) -> Iterator[Finding]:
        wanted = claims.wanted(vm, overrides, target, item)
        return claims.findings(vm, self.claims.of_others(vm.id, wanted), self.settings)

    def _not_unique(self, vm: SourceVm, overrides: Overrides, target: str) -> Iterator[Finding]:
        """Names that what is made for the VM would have, and what another source has there."""
        if target_set := placement.default_set(vm, overrides, target):
            yield from placement.set_not_unique(vm, target_set, self.in_set[target_set], self.settings)
        if not {"target-resource-group", "cache-storage"} & overrides.requested.keys():
            caches = {overrides.names.cache_group_of(vm.id.subscription, vm.location)}
            yield from placement.group_not_unique([target_group(vm, overrides, target)], caches, self.settings)

    def _attempts(self, vm: SourceVm) -> tuple[Job, ...]:
        """The enable jobs of the VM. A job names only the VM: with two VMs of one name, no job can be attributed."""
        name = vm.id.name.lower()
        return tuple(self.enables.get(name, ())) if self.bearers[name] == 1 else ()

    def _protected_since(self, vm: SourceVm) -> datetime | None:
        """The end of the last job that enabled the VM, else what records tell. A vault forgets its jobs."""
        last = last_of(job for job in self._attempts(vm) if job.stage is JobStage.SUCCEEDED)
        return last.ended if last and last.ended else self.estate.protected_since.get(vm.id)

    def _protected(self, vm_status: VmStatus, vm: SourceVm, item: ProtectedItem, *, free: bool) -> VmStatus:
        overrides = self.overrides.of(vm)
        policy = self.estate.policies.get(item.policy_id) if item.policy_id else None
        target = item.settings.target_location
        of_interfaces = self.claims.of_others(vm.id, claims.of_interfaces(item))
        taken = (
            *self._name_taken(vm, overrides, target, item),
            *self._shared_names(vm, overrides, target, item),
            *claims.findings(vm, of_interfaces, self.settings),
        )
        # What two items have already blocks neither (`planning.derive`).
        is_new = placement.target_vm(vm, overrides, target, item)
        blocking = [each for each in taken if is_new and each.severity is Severity.BLOCKER]
        requested = on_protected((*overrides.findings, *blocking))
        excluded, now = excluded_disks(vm, overrides), self.estate.read_at
        left_out, failed = {**self.estate.removed_disks, **excluded}, self.estate.disk_errors
        found = (
            *of_protected(
                vm, item, overrides.profile, policy, overrides.policy, now, failed, left_out, self._protected_since(vm)
            ),
            *still_replicated(vm, item, excluded),
            *on_protected(each for each in taken if each not in blocking),
            *readiness.findings(item, self.estate.targets, self.settings),
        )
        # An invalid override blocks all changes, as in the VM's own run (`observe.vm.plan_for`).
        differing = mismatches(vm, overrides, item) if not requested else ()
        differences = tuple(each.finding(vm) for each in differing)
        vm_status = vm_status.with_(findings=(*requested, *found, *differences, *vm_status.findings))
        late = (disk.id for disk in disks_to_add(vm, item, left_out) if not disk_support.disk_obstacle(disk))
        agent = agent_to_update(vm, item, overrides.profile)
        changes = (*(each.difference for each in differing if each.in_place), *late, *([agent] if agent else ()))
        return self._to(vm_status, Action.CHANGE, vm, *changes) if free and not requested and changes else vm_status

    def _is_busy(self, item: ProtectedItem) -> bool:
        """Whether a job on the item is in progress. A job that the list does not hold may be too new for it."""
        return bool(item.job) and item.job not in self.ended

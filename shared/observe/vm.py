"""Observe one VM: the decision about it, and the plan of its protection. Reads only."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.arm.get_or_create import UnderWayError
from shared.arm.listing import NotKnownError
from shared.config.settings import Intent
from shared.model.activity_io import Observation
from shared.model.changes import DiskFailure, Refusal
from shared.model.decision import Decision, State
from shared.model.drill import Drill
from shared.model.findings import Finding, Severity
from shared.model.plan import Plan, ResourcePreview
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import SourceVm
from shared.observe.context import ContextReader
from shared.observe.failed_disks import disk_errors
from shared.observe.failovers import note, open_failover
from shared.observe.missing import read_namesakes
from shared.observe.removed_disks import removed_disks
from shared.planning import preflight, vm_support
from shared.planning.catalog import finding_of, of_error
from shared.planning.derive import derive
from shared.planning.exclusion import excluded_disks, without_excluded
from shared.planning.overrides import Overrides, overrides_of
from shared.planning.storage import unmanaged
from shared.provision.kind import IncompatibleResourceError
from shared.provision.registry import find, is_changed
from shared.readers.resource_groups import GroupRecord, read_group
from shared.readers.virtual_machines import read_vm
from shared.reconcile.decide import Facts, decide, needs_protection
from shared.reconcile.diff import with_changes
from shared.reconcile.drift import detached_disks, is_moved, other_policy, still_replicated, unprotected_disks
from shared.site_recovery.foreign_links import of_links
from shared.site_recovery.infrastructure import policy_of_item
from shared.site_recovery.item_origin import proven
from shared.site_recovery.replicated_items import find_original, find_protection, unread_about
from shared.site_recovery.vault import Vault, VaultNotFoundError, vault_of, vaults_of

DRILLS = "drills"
"""The key of the cached records."""


async def observe(
    azure: Azure,
    vm_id: ResourceId,
    *,
    intent: Intent | None = None,
    request: dict[str, str] | None = None,
    confirmed: bool = False,
    released: bool = False,
    thorough: bool = False,
) -> Observation:
    """The VM, the item that protects it, and the decision. An untagged VM costs one read, unless it may be disabled.

    `intent` takes the place of what the VM's tag says, `request` is as if the VM had these overrides, too; `confirmed`
    is whether its protection may be disabled in any mode, `released` whether a caller has decided about it after a
    failover. A `thorough` observation reads the item of every VM.
    Raises HttpResponseError.
    """
    findings = preflight.without_reading(vm_id, azure.settings)
    if findings:
        return Observation(decision=Decision(state=State.NOT_ELIGIBLE, findings=tuple(findings)))
    vm = await read_vm(azure, vm_id)
    if vm:
        vm = vm.with_(request=request or {})
    intent = intent or azure.settings.intent_of(vm.tags if vm else {})
    facts = Facts(vm.id if vm else vm_id, vm, datetime.now(UTC), intent=intent, confirmed=confirmed)
    if thorough or needs_protection(facts, azure.settings):
        facts = await _with_protection(azure, facts)
    item = facts.item
    if vm and item and item.source == vm.id:
        item = item.with_(source=vm.id)  # Site Recovery writes it in lower case
    decision = decide(facts._replace(failover=None) if released else facts, azure.settings)
    return Observation(decision=decision, vm=vm, item=item, failover=facts.failover)


async def _with_protection(azure: Azure, facts: Facts) -> Facts:
    """The facts with what protects the VM, as far as that is known."""
    try:
        protection = await find_protection(azure, facts.vm_id, facts.vm.location if facts.vm else "")
    except NotKnownError as unknown:
        return facts._replace(item_unread=str(unknown))
    item = protection[1] if protection else None
    if item and facts.intent is not Intent.YES:
        item = await proven(azure, item)
    unread = await unread_about(vaults_of(azure), facts.vm_id, item.settings.source_location) if item else None
    original = await find_original(azure, facts.vm_id)
    drill = await _drill_of(azure, facts, item)
    original = original or (drill.vm if drill and drill.vm != facts.vm_id else None)
    facts = facts._replace(
        item=item, item_unread=f"{unread}." if unread else "", original=original, drill=None if original else drill
    )
    protects_original = await find_protection(azure, original) if original else None
    for each in filter(None, (item, protects_original and protects_original[1])):
        await note(azure, each)
    if item and facts.vm is None:
        moved = [vm.id for vm in await read_namesakes(azure, [facts.vm_id]) if is_moved(vm, item)]
        return facts._replace(moved_to=next(iter(moved), None))
    if item or original or facts.vm is None:
        return facts
    failover = await open_failover(azure, facts.vm_id) if facts.intent is Intent.YES else None
    return facts._replace(moved_from=await _moved_from(azure, facts.vm), failover=failover)


async def open_drills(azure: Azure) -> tuple[Drill, ...]:
    """The open records of drills, at most a poll interval old."""
    return await azure.shared(DRILLS, azure.drills.open, azure.settings.poll_seconds)


async def _drill_of(azure: Azure, facts: Facts, item: ProtectedItem | None) -> Drill | None:
    """The open record of a drill of the VM, or of which it is the test VM. Read where something is going on at the
    item, and before a VM is enabled."""
    if item and (item.job or item.in_test_failover):
        return await azure.drills.of(facts.vm_id)
    if item or facts.vm is None or facts.intent is not Intent.YES:
        return None
    return next((drill for drill in await open_drills(azure) if drill.test_vm == facts.vm_id), None)


async def _moved_from(azure: Azure, vm: SourceVm) -> ProtectedItem | None:
    """The item that protects the VM under an earlier ID, at which no VM is any more."""
    items = [item for vault in vaults_of(azure) for item in await vault.items.get() if is_moved(vm, item)]
    for item in items:
        if await read_vm(azure, item.source) is None:
            return item
    return None


async def plan_for(
    azure: Azure,
    vm: SourceVm,
    item: ProtectedItem | None = None,
    *,
    thorough: bool = False,
    failed_disks: tuple[DiskFailure, ...] = (),
    retry_disks: bool = False,
    refusals: tuple[Refusal, ...] = (),
) -> Plan:
    """The plan for a VM: how to protect it, or what to change about its item.

    A VM with blockers costs no further reads, except in a `thorough` plan. A blocker that depends on cached data is
    checked again with fresh data before it is reported. Settings chosen when a VM is enabled are permanent: the tags of
    its group are then at most one poll interval old.
    """
    refresh = item is None or thorough
    group = await read_group(azure, vm.id.group_id, refresh=refresh)
    overrides = overrides_of(vm, group.tags if group else {}, azure.settings)
    if _blocked(overrides.findings) and not refresh:
        group = await read_group(azure, vm.id.group_id, refresh=True)
        overrides = overrides_of(vm, group.tags if group else {}, azure.settings)
    if item:
        failed = await disk_errors(azure, vm, item, failed_disks, retry=retry_disks)
        return await _plan_for_item(azure, vm, overrides, item, failed, refusals)
    findings = (*overrides.judge(vm_support.of_vm(without_excluded(vm, overrides))), *overrides.findings)
    vault_id = azure.settings.vault_for(vm.location, overrides.profile)
    if vault_id is None:
        findings = (*findings, preflight.region_not_mapped(vm))
    if vault_id is None or (_blocked(findings) and not thorough):
        return Plan(vm=vm, findings=findings, settings=unmanaged(vm))
    try:
        plan = await _plan(azure, vm, overrides, vault_of(azure, vault_id), group, refresh=False)
    except VaultNotFoundError as missing:
        return Plan(vm=vm, findings=(*findings, of_error(missing.error)), settings=unmanaged(vm))
    if not preflight.may_be_old(plan):
        return plan
    return await _plan(azure, vm, overrides, vault_of(azure, vault_id), group, refresh=True)


async def _plan(
    azure: Azure, vm: SourceVm, overrides: Overrides, vault: Vault, group: GroupRecord | None, *, refresh: bool
) -> Plan:
    left = await of_links(azure, vm.id, vault)
    context = await ContextReader(azure, vm, overrides, vault, refresh=refresh).before_enabling(group)
    plan = derive(vm, context, overrides, azure.settings, vault.id)
    if not left:
        return plan
    return plan.model_copy(update={"findings": (*plan.findings, *left), "replication": None, "resources": ()})


async def _plan_for_item(
    azure: Azure,
    vm: SourceVm,
    overrides: Overrides,
    item: ProtectedItem,
    failed: Mapping[ResourceId, Error],
    refusals: tuple[Refusal, ...],
) -> Plan:
    vault = vault_of(azure, item.vault)
    policy = await policy_of_item(vault, item) if item.policy_id else None
    excluded = excluded_disks(vm, overrides)
    left_out = {**await removed_disks(azure, vm, item), **excluded}
    found = (
        *unprotected_disks(vm, item, failed, left_out),
        *still_replicated(vm, item, excluded),
        *detached_disks(vm, item),
        *other_policy(vm, policy, overrides.policy),
    )
    for refresh in (False, True):
        context = await ContextReader(azure, vm, overrides, vault, refresh=refresh).of_item(item)
        derived = derive(vm, context, overrides, azure.settings, vault.id, item)
        plan = with_changes(derived, overrides, item, failed, left_out, refusals)
        if not preflight.may_be_old(plan):
            break
    return plan.model_copy(update={"findings": (*found, *plan.findings)})


def _blocked(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.BLOCKER for finding in findings)


async def preview(azure: Azure, plan: Plan) -> tuple[tuple[ResourcePreview, ...], tuple[Finding, ...]]:
    """The resources that would be created, reused or changed in place, and a blocker for each existing resource that is
    incompatible. Reads only."""
    previews = [*plan.named]
    findings: list[Finding] = []
    for resource in (resource for wave in plan.resources for resource in wave):
        try:
            found = await find(azure, resource)
        except IncompatibleResourceError as unfit:
            findings.append(finding_of("IncompatibleTargetResource", str(unfit), tag=azure.settings.tag_name))
            continue
        except UnderWayError:
            previews.append(ResourcePreview(kind=resource.kind, action="reuse", name=resource.name))
            continue
        forbidden = None if found else preflight.not_to_be_made(resource, azure.settings)
        if forbidden:
            findings.append(forbidden)
        missing = "create" if found or not await is_changed(azure, resource) else "change in place"
        name = str(found or resource.name)
        previews.append(ResourcePreview(kind=resource.kind, action="reuse" if found else missing, name=name))
    return tuple(previews), tuple(findings)

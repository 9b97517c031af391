"""Observe one VM: the decision about it, and the plan of its protection. Reads only."""

from collections.abc import Iterable

from shared.arm.client import Azure
from shared.arm.get_or_create import UnderWayError
from shared.model.activity_io import Decision, Observation
from shared.model.findings import Finding, Severity, blocker
from shared.model.plan import Plan, ResourcePreview
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.observe.context import ContextReader
from shared.planning import preflight
from shared.planning.derive import derive
from shared.planning.overrides import Overrides, overrides_of
from shared.planning.storage import unmanaged
from shared.provision.kind import IncompatibleResourceError
from shared.provision.registry import find, is_changed
from shared.readers.resource_groups import GroupRecord, read_group
from shared.readers.virtual_machines import read_vm
from shared.reconcile.diff import removed_disks, with_changes
from shared.reconcile.drift import adopted, frozen, other_policy, replaced, unprotected_disks
from shared.site_recovery.foreign_links import of_links
from shared.site_recovery.infrastructure import policy_of_item
from shared.site_recovery.item_origin import proven
from shared.site_recovery.replicated_items import find_original, find_protection
from shared.site_recovery.vault import Vault, vault_of


async def observe(
    azure: Azure,
    vm_id: ResourceId,
    *,
    as_if_tagged: bool = False,
    request: dict[str, str] | None = None,
    confirmed: bool = False,
) -> Observation:
    """The VM and the item that protects it. An untagged VM costs one read, unless it may be disabled.

    `as_if_tagged` treats the VM as tagged, `request` as if it had these overrides, too; `confirmed` is whether its
    protection may be disabled in any mode. Raises HttpResponseError.
    """
    findings = preflight.without_reading(vm_id, azure.settings)
    if findings:
        return Observation(decision=Decision.NOT_ELIGIBLE, findings=tuple(findings))
    vm = await read_vm(azure, vm_id)
    if vm is None:
        return await _left_over(azure, vm_id, Observation(decision=Decision.GONE), confirmed=confirmed)
    vm = vm.model_copy(update={"request": request or {}})
    if not as_if_tagged and not azure.settings.requests_protection(vm.tags):
        return await _left_over(azure, vm_id, Observation(decision=Decision.NOT_TAGGED, vm=vm), confirmed=confirmed)
    protection = await find_protection(azure, vm.id)
    item = protection[1] if protection else None
    if azure.settings.on_hold(vm.tags):
        held = preflight.on_hold(vm, azure.settings)
        return Observation(decision=Decision.NOT_ELIGIBLE, vm=vm, item=item, findings=(held,))
    original = await find_original(azure, vm.id)
    if original:
        return Observation(decision=Decision.NOT_ELIGIBLE, vm=vm, findings=(preflight.copy_of(vm.id, original),))
    another = replaced(vm, item) if item else ()
    if another:
        return Observation(decision=Decision.NOT_ELIGIBLE, vm=vm, item=item, findings=another)
    drift = (frozen(item),) if item and item.stage is Stage.FROZEN else ()
    not_before = preflight.old_enough_at(vm, azure.settings)
    return Observation(decision=Decision.PROTECT, vm=vm, item=item, findings=drift, not_before=not_before)


async def _left_over(azure: Azure, vm_id: ResourceId, source: Observation, *, confirmed: bool) -> Observation:
    """The observation of an untagged or deleted VM, with the item that protects it if that may be disabled.

    A tag that says no is intended and needs no grace period; a missing tag or VM may be a mistake.
    """
    tags = source.vm.tags if source.vm else {}
    if azure.settings.on_hold(tags) or not (confirmed or azure.settings.may_disable(tags)):
        return source
    protection = await find_protection(azure, vm_id)
    if protection is None or await find_original(azure, vm_id):
        return source
    item = await proven(azure, protection[1])
    at_once = confirmed or azure.settings.refuses_protection(tags)
    return source.model_copy(
        update={
            "item": item,
            "findings": (frozen(item),) if item.stage is Stage.FROZEN else adopted(item),
            "grace_seconds": 0 if at_once else azure.settings.untag_grace_hours * 3600,
        }
    )


async def plan_for(azure: Azure, vm: SourceVm, item: ProtectedItem | None = None, *, thorough: bool = False) -> Plan:
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
        return await _plan_for_item(azure, vm, overrides, item)
    findings = (*preflight.of_vm(vm), *overrides.findings)
    vault_id = azure.settings.vault_for(vm.location, overrides.profile)
    if vault_id is None:
        findings = (*findings, preflight.region_not_mapped(vm))
    if vault_id is None or (_blocked(findings) and not thorough):
        return Plan(vm=vm, findings=findings, settings=unmanaged(vm))
    plan = await _plan(azure, vm, overrides, vault_of(azure, vault_id), group, refresh=False)
    if not preflight.may_be_old(plan.findings):
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


async def _plan_for_item(azure: Azure, vm: SourceVm, overrides: Overrides, item: ProtectedItem) -> Plan:
    vault = vault_of(azure, item.vault)
    policy = await policy_of_item(vault, item) if item.policy_id else None
    drift = (
        *adopted(item),
        *unprotected_disks(vm, item),
        *removed_disks(vm, item),
        *other_policy(vm, policy, overrides.policy),
    )
    for refresh in (False, True):
        context = await ContextReader(azure, vm, overrides, vault, refresh=refresh).of_item(item)
        plan = with_changes(derive(vm, context, overrides, azure.settings, vault.id, item), overrides, item)
        if not preflight.may_be_old(plan.findings):
            break
    return plan.model_copy(update={"findings": (*drift, *plan.findings)})


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
            findings.append(blocker("IncompatibleTargetResource", str(unfit), "Then request the plan again."))
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

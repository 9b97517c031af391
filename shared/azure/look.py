"""A look at one VM: what is to be done about it, and what its protection is to look like. Reads only."""

from typing import Literal

from shared.azure.ensure import UnderWayError
from shared.azure.gateway import Azure
from shared.azure.protection import find_item, find_original
from shared.azure.resources import find
from shared.azure.site_recovery import has_policy
from shared.azure.source import read_surroundings, read_vm
from shared.azure.target_resources import UnfitError
from shared.domain import preflight
from shared.domain.drift import frozen, other_policy, unprotected_disks
from shared.domain.findings import Finding, blocker
from shared.domain.messages import Source, Verdict
from shared.domain.protected_item import ProtectedItem, Stage
from shared.domain.resource_id import ResourceId
from shared.domain.rules import derive, policy_of
from shared.domain.target import Plan, ResourcePreview
from shared.domain.vm import SourceVm


async def look_at(azure: Azure, vm_id: ResourceId, *, as_if_tagged: bool = False) -> Source:
    """The VM as it is now and what protects it. One that is not tagged costs one read.

    `as_if_tagged` answers for the VM as it would be once it carries the tag.
    """
    findings = preflight.without_reading(vm_id, azure.settings)
    if findings:
        return Source(verdict=Verdict.NOT_ELIGIBLE, findings=tuple(findings))
    vm = await read_vm(azure, vm_id)
    if vm is None:
        return Source(verdict=Verdict.GONE)
    if not as_if_tagged and not azure.settings.asks_for_protection(vm.tags):
        return Source(verdict=Verdict.NOT_TAGGED, vm=vm)
    vault = azure.vault(azure.settings.vault)
    item = await find_item(vault, vm.id)
    if azure.settings.on_hold(vm.tags):
        held = preflight.on_hold(vm, azure.settings)
        return Source(verdict=Verdict.NOT_ELIGIBLE, vm=vm, item=item, findings=(held,))
    original = await find_original(vault, vm.id)
    if original:
        return Source(verdict=Verdict.NOT_ELIGIBLE, vm=vm, findings=(preflight.copy_of(vm.id, original),))
    return Source(verdict=Verdict.PROTECT, vm=vm, item=item, findings=await _drift(azure, vm, item) if item else ())


async def _drift(azure: Azure, vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    """Where the item is not what the VM asks for. Of one that may not be written to, only that."""
    if item.stage is Stage.FROZEN:
        return (frozen(item),)
    if item.stage is not Stage.PROTECTED:
        return ()
    wanted = policy_of(vm, azure.settings)
    fitting = await has_policy(azure.vault(azure.settings.vault), item, wanted)
    return (*unprotected_disks(vm, item), *other_policy(vm, item, wanted, fitting))


async def plan_for(azure: Azure, vm: SourceVm) -> Plan:
    """The plan for a VM that nothing protects yet. One that is blocked by itself costs no further reads."""
    findings = (*preflight.of_vm(vm), *preflight.of_tags(vm, azure.settings))
    if findings:
        return Plan(vm=vm, findings=findings)
    return derive(vm, await read_surroundings(azure, vm), azure.settings)


async def preview(azure: Azure, plan: Plan) -> tuple[tuple[ResourcePreview, ...], tuple[Finding, ...]]:
    """What would be made, what reused, and a blocker for each resource that is there and cannot serve. Reads only."""
    previews: list[ResourcePreview] = []
    findings: list[Finding] = []
    for resource in (resource for wave in plan.resources for resource in wave):
        try:
            found = await find(azure, resource)
        except UnfitError as unfit:
            findings.append(blocker("UnfitTargetResource", str(unfit), "Then ask for the plan again."))
            continue
        except UnderWayError:
            previews.append(ResourcePreview(kind=resource.kind, action="reuse", name=resource.name))
            continue
        forbidden = None if found else preflight.not_to_be_made(resource, azure.settings)
        if forbidden:
            findings.append(forbidden)
        action: Literal["create", "reuse"] = "reuse" if found else "create"
        previews.append(ResourcePreview(kind=resource.kind, action=action, name=str(found or resource.name)))
    return tuple(previews), tuple(findings)

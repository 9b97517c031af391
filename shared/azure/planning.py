"""What is planned for a VM, as its look found it: for a dry run, and before a tag is written. Reads only."""

from typing import NamedTuple

from shared.azure.gateway import Azure
from shared.azure.look import plan_for, preview
from shared.azure.policy_edit import find_edit
from shared.domain.changes import Difference
from shared.domain.findings import Finding, Severity
from shared.domain.messages import Source, Verdict
from shared.domain.plan import Plan, ResourcePreview
from shared.domain.protected_item import ProtectedItem, Stage


class Planned(NamedTuple):
    """`plan` is there where the VM is one to protect; `changes` are those of the item that protects it already."""

    findings: tuple[Finding, ...]
    plan: Plan | None = None
    resources: tuple[ResourcePreview, ...] = ()
    changes: tuple[Difference, ...] = ()

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)


async def planned(azure: Azure, source: Source) -> Planned:
    if source.verdict is not Verdict.PROTECT or source.vm is None:
        return Planned(source.findings)
    plan = await plan_for(azure, source.vm, source.item, thorough=True)
    findings = (*source.findings, *plan.findings)
    if source.item is None:
        resources, unfit = await preview(azure, plan)
        return Planned((*findings, *unfit), plan, resources)
    if source.item.stage is not Stage.PROTECTED:
        return Planned(findings, plan)
    added = (
        Difference(setting=f"disks/{disk.id.name}", current="", wanted="replicated")
        for disk in plan.changes.added_disks
    )
    changes = (*plan.changes.differences, *added)
    return Planned(findings, plan, await _in_place(azure, plan, source.item, changes), changes)


async def _in_place(
    azure: Azure, plan: Plan, item: ProtectedItem, changes: tuple[Difference, ...]
) -> tuple[ResourcePreview, ...]:
    """What would be changed and not made: the item, and the policy it is under."""
    edit = await find_edit(azure, item, plan.profile, plan.replication.policy) if plan.replication else None
    of_policy = (edit.preview,) if edit else ()
    if not changes:
        return of_policy
    detail = "; ".join(map(str, changes))
    return (
        ResourcePreview(kind="replicated item", action="change in place", name=str(item.id), detail=detail),
        *of_policy,
    )

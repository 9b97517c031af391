"""The dry run of a VM that was observed: for a plan, and before a tag is written. Reads only."""

from typing import NamedTuple

from shared.arm.client import Azure
from shared.arm.tags import tags_to_write
from shared.model.activity_io import Observation
from shared.model.changes import Difference
from shared.model.decision import State
from shared.model.findings import Finding, Severity
from shared.model.plan import Plan, ResourcePreview
from shared.model.replicated_item import ProtectedItem, Stage
from shared.observe.vm import plan_for, preview
from shared.planning import preflight
from shared.planning.catalog import CATALOG
from shared.site_recovery.policies import find_edit


class Planned(NamedTuple):
    """The result of a dry run. `plan` is set if the VM is to be protected; `changes` are those of an existing item."""

    findings: tuple[Finding, ...]
    plan: Plan | None = None
    resources: tuple[ResourcePreview, ...] = ()
    changes: tuple[Difference, ...] = ()

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """The findings for which PUT is refused: without a plan all of them. A protected VM is left as it is while an
        override cannot be fulfilled, which is a warning about the VM and the end of the request."""
        if self.plan is None:
            return self.findings
        refused = self.plan.replication is None
        return tuple(
            finding
            for finding in self.findings
            if finding.severity is Severity.BLOCKER or (refused and CATALOG[finding.code].severity is Severity.BLOCKER)
        )


async def planned(azure: Azure, source: Observation, *, tagging: bool = True) -> Planned:
    """`tagging`: the tags of the request are to be written, with that which requests protection."""
    if source.decision.rejects or source.vm is None:
        return Planned(source.decision.findings)
    plan = await plan_for(azure, source.vm, source.item, thorough=True)
    full = preflight.too_many_tags(source.vm, tags_to_write(azure.settings, source.vm, source.vm.request))
    findings = (*source.decision.findings, *plan.findings, *((full,) if full and tagging else ()))
    if source.item is None:
        resources, unfit = await preview(azure, plan)
        return Planned((*findings, *unfit), plan, resources)
    if source.item.stage is not Stage.PROTECTED:
        return Planned(findings, plan)
    added = (
        Difference(setting=f"disks/{disk.id.name}", current="", wanted="replicated")
        for disk in plan.changes.added_disks
    )
    old = plan.changes.old_agent
    agent = [Difference(setting="mobilityAgent", current=old, wanted="the latest")] if old else []
    changes = (*plan.changes.differences, *added, *agent)
    return Planned(findings, plan, await _in_place(azure, plan, source.item, changes), changes)


async def _in_place(
    azure: Azure, plan: Plan, item: ProtectedItem, changes: tuple[Difference, ...]
) -> tuple[ResourcePreview, ...]:
    """The resources that would be changed in place: the item and its policy."""
    edit = await find_edit(azure, item, plan.profile, plan.replication.policy) if plan.replication else None
    of_policy = (edit.preview,) if edit else ()
    if not changes:
        return of_policy
    detail = "; ".join(map(str, changes))
    return (
        ResourcePreview(kind="replicated item", action="change in place", name=str(item.id), detail=detail),
        *of_policy,
    )


def blockers_of(source: Observation, found: Planned) -> tuple[Finding, ...]:
    """The findings that would end the run as not eligible.

    While the VM is still being provisioned, the run waits: then only its tags can be judged.
    """
    if source.decision.state is State.UNPROTECTED and source.vm and source.vm.is_settling:
        return tuple(each for each in found.blockers if each.code.startswith(("Override", "TooManyTags")))
    return found.blockers

"""The dry run of a VM that was observed: for a plan, and before a tag is written. Reads only."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.arm.client import Azure
from shared.arm.tags import tag_vm
from shared.config.settings import Settings
from shared.model.activity_io import Decision, Observation
from shared.model.changes import Difference
from shared.model.findings import Finding, Severity
from shared.model.plan import Plan, ResourcePreview
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.vm import SourceVm
from shared.observe.vm import plan_for, preview
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


async def planned(azure: Azure, source: Observation) -> Planned:
    if source.decision is not Decision.PROTECT or source.vm is None:
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

    While the VM is still being provisioned, the run waits: then only its overrides can be judged.
    """
    if source.decision is Decision.PROTECT and source.item is None and source.vm and source.vm.is_settling:
        return tuple(finding for finding in found.blockers if finding.code.startswith("Override"))
    return found.blockers


async def write_tags(azure: Azure, vm: SourceVm, tags: Mapping[str, str]) -> None:
    """Writes the tag that requests protection and `tags` in one call, unless the VM has them.

    Raises WriteRefusedError, HttpResponseError.
    """
    wanted = dict(tags)
    if not azure.settings.requests_protection(vm.tags):
        wanted[azure.settings.tag_name] = azure.settings.tag_values[0]
    has = {name.lower(): value for name, value in vm.tags.items()}
    differing = {name: value for name, value in wanted.items() if has.get(name.lower()) != value}
    if differing:
        await tag_vm(azure, vm.id, differing)


async def write_refusal(azure: Azure, vm: SourceVm) -> None:
    """Writes the tag that refuses protection, unless the VM has it. Raises WriteRefusedError, HttpResponseError."""
    if not azure.settings.refuses_protection(vm.tags):
        await tag_vm(azure, vm.id, {azure.settings.tag_name: refusal_of(azure.settings)})


def refusal_of(settings: Settings) -> str:
    """The tag value that refuses protection: `false`, unless the settings use it for yes."""
    yes = {value.lower() for value in settings.tag_values}
    return next(value for value in ("false", "no", "") if value not in yes)

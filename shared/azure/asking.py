"""Asking for the protection of a VM, or for its end: tags say so, and what they would come to is looked at first."""

from collections.abc import Mapping

from shared.azure.gateway import Azure
from shared.azure.planning import Planned
from shared.azure.tags import tag_vm
from shared.domain.findings import Finding
from shared.domain.messages import Source, Verdict
from shared.domain.settings import Settings
from shared.domain.vm import SourceVm


def blockers_of(source: Source, found: Planned) -> tuple[Finding, ...]:
    """What would end the VM's run as not eligible.

    Azure may be busy with the VM itself, which is waited for: then only what is asked for can be judged already.
    """
    if source.verdict is Verdict.PROTECT and source.item is None and source.vm and source.vm.is_settling:
        return tuple(finding for finding in found.blockers if finding.code.startswith("Override"))
    return found.blockers


async def write_tags(azure: Azure, vm: SourceVm, tags: Mapping[str, str]) -> None:
    """The tag that asks for protection and these, in one call: those that differ from what the VM has.

    Raises WriteRefusedError, HttpResponseError.
    """
    wanted = dict(tags)
    if not azure.settings.asks_for_protection(vm.tags):
        wanted[azure.settings.tag_name] = azure.settings.tag_values[0]
    has = {name.lower(): value for name, value in vm.tags.items()}
    differing = {name: value for name, value in wanted.items() if has.get(name.lower()) != value}
    if differing:
        await tag_vm(azure, vm.id, differing)


async def write_refusal(azure: Azure, vm: SourceVm) -> None:
    """The tag that says no, unless the VM's says so already. Raises WriteRefusedError, HttpResponseError."""
    if not azure.settings.refuses_protection(vm.tags):
        await tag_vm(azure, vm.id, {azure.settings.tag_name: refusal_of(azure.settings)})


def refusal_of(settings: Settings) -> str:
    """The value of the tag that says no: `false`, unless that means yes here."""
    yes = {value.lower() for value in settings.tag_values}
    return next(value for value in ("false", "no", "") if value not in yes)

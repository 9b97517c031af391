"""Tags are the only stored intent: an HTTP request is written to the tags of the VM, where the next sweep reads it."""

from collections.abc import Mapping

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError, error_of
from shared.config.settings import REFUSALS, Intent, Settings
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.planning.catalog import fix_of


async def write_tags(azure: Azure, vm: SourceVm, tags: Mapping[str, str]) -> None:
    """Writes the tag that requests protection and `tags` in one call, unless the VM has them.

    Raises WriteRefusedError, HttpResponseError.
    """
    differing = tags_to_write(azure.settings, vm, tags)
    if differing:
        await tag_vm(azure, vm.id, differing)


def tags_to_write(settings: Settings, vm: SourceVm, tags: Mapping[str, str]) -> dict[str, str]:
    """`tags` and the tag that requests protection, as far as the VM does not have them."""
    wanted = dict(tags)
    if not settings.requests_protection(vm.tags):
        wanted[settings.tag_name] = settings.tag_values[0]
    has = {name.lower(): value for name, value in vm.tags.items()}
    return {name: value for name, value in wanted.items() if has.get(name.lower()) != value}


async def write_refusal(azure: Azure, vm: SourceVm) -> None:
    """Writes the tag that refuses protection, unless the VM has it. Raises WriteRefusedError, HttpResponseError."""
    if azure.settings.intent_of(vm.tags) is not Intent.NO:
        await tag_vm(azure, vm.id, {azure.settings.tag_name: REFUSALS[0]})


async def tag_vm(azure: Azure, vm: ResourceId, tags: dict[str, str]) -> None:
    """Adds or changes these tags and no others. Raises WriteRefusedError, HttpResponseError."""
    await _patch(azure, vm, "Merge", tags)


async def untag_vm(azure: Azure, vm: ResourceId, tags: dict[str, str]) -> None:
    """Removes these tags, as far as they have these values. Raises WriteRefusedError, HttpResponseError."""
    await _patch(azure, vm, "Delete", tags)


async def _patch(azure: Azure, vm: ResourceId, operation: str, tags: dict[str, str]) -> None:
    from azure.mgmt.resource.resources.models import Tags, TagsPatchResource

    azure.check_vm_write(vm)
    patch = TagsPatchResource(operation=operation, properties=Tags(tags=tags))
    client = azure.resources(vm.subscription)
    try:
        await client.tags.begin_update_at_scope(str(vm), patch)
    except HttpResponseError as answer:
        if error_of(answer).code == "ExceededMaxTagCount":
            # Somebody else added a tag since the VM was read.
            text = f"{vm.name} has as many tags as Azure allows, and no place for {', '.join(tags)}."
            raise WriteRefusedError("TooManyTags", text, fix_of("TooManyTags")) from None
        raise

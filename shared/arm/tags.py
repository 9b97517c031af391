"""Tags are the only stored intent: an HTTP request is written to the tags of the VM, where the next sweep reads it."""

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError, error_of
from shared.model.resource_id import ResourceId
from shared.planning.catalog import fix_of


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

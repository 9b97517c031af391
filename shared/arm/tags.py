"""Tags are the only stored intent: an HTTP request is written to the tags of the VM, where the next sweep reads it."""

from shared.arm.client import Azure
from shared.model.resource_id import ResourceId


async def tag_vm(azure: Azure, vm: ResourceId, tags: dict[str, str]) -> None:
    """Adds or changes these tags and no others. Raises WriteRefusedError, HttpResponseError."""
    from azure.mgmt.resource.resources.models import Tags, TagsPatchOperation, TagsPatchResource

    azure.check_vm_write(vm)
    patch = TagsPatchResource(operation=TagsPatchOperation.MERGE, properties=Tags(tags=tags))
    client = azure.resources(vm.subscription)
    await client.tags.begin_update_at_scope(str(vm), patch)

"""Whether this deployment enabled an item, by its record: the name alone is no proof."""

from shared.arm.client import Azure
from shared.model.replicated_item import ProtectedItem, Stage


async def confirm(azure: Azure, item: ProtectedItem) -> None:
    """Turns the intent to enable into the proof: the run that follows the enabling has found its item.

    Raises OriginStoreError.
    """
    # An item that never got so far as to have an incarnation holds no recovery point either.
    if item.is_ours and (item.incarnation or item.stage is Stage.FAILED):
        await azure.origins.confirm(item.id, item.incarnation)


async def proven(azure: Azure, item: ProtectedItem) -> ProtectedItem:
    """The item; ours only if the record proves it, with the tag under which it was enabled. Read for an item that might
    be disabled or removed, and for no other."""
    if not item.is_ours:
        return item
    origin, gap = await azure.origins.proof(item.id, item.incarnation)
    if gap or origin is None:
        return item.model_copy(update={"is_ours": False, "unproven": gap})
    return item.model_copy(update={"enabled_tag": origin.tag_name})

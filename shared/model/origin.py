"""The record of what this deployment made: evidence that a tag writer cannot make."""

from datetime import datetime, timedelta

from shared.model.base import Model
from shared.model.resource_id import ResourceId

# Two clocks: the creation time is by Azure's, the time of the intent by this app's.
_CLOCKS_DIFFER = timedelta(minutes=1)


class Origin(Model):
    """The intent to create `resource`, written before the request; a proof once Azure has shown that it created it.

    Both times are in UTC. `incarnation` is what tells the resource from one of the same ID that others make later; ""
    where Azure has nothing of the kind. `content` is the digest of the parts that others may add to, `replaced` the
    one before a change in place by this deployment, which may not have come about. Of a replicated item: `vm` is its
    source, `tag_name` the tag that requested it, and `request` the client request ID of the PUT.
    """

    resource: ResourceId
    intended_at: datetime
    proven_at: datetime | None = None
    incarnation: str = ""
    content: str = ""
    replaced: str = ""
    vm: ResourceId | None = None
    tag_name: str = ""
    request: str = ""

    def accounts_for(self, content: str) -> bool:
        """Whether the resource is as this deployment wrote it, by the digest of what is there now."""
        return content in {self.content, self.replaced}

    def is_created_by(self, status: int, created_at: datetime | None) -> bool:
        """Whether the request created the resource: by Azure's creation time, else by the status of the answer."""
        if created_at:
            return created_at >= self.intended_at - _CLOCKS_DIFFER
        return status in {201, 202}


def gap_of(origin: Origin | None, incarnation: str, created_at: datetime | None = None) -> str:
    """Why the record does not prove that this deployment made what is there now, or "".

    `incarnation` and `created_at` are what Azure shows of it.
    """
    if origin is None:
        return "this deployment has no record of its creation"
    if origin.proven_at is None:
        return "the record of its creation was never confirmed"
    first, last = origin.intended_at - _CLOCKS_DIFFER, origin.proven_at + _CLOCKS_DIFFER
    if origin.incarnation != incarnation or (created_at and not first <= created_at <= last):
        return "it is not the one that this deployment made: others have made it again since"
    return ""

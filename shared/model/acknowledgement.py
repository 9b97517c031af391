"""An acknowledgement: somebody knows of a cause of a VM, and wants no message about it for a while."""

from datetime import datetime

from shared.model.base import Model
from shared.model.resource_id import ResourceId


class Acknowledgement(Model):
    """`cause` is the code of a finding. It is silent `until` then, or until it is resolved; at the time given, one that
    is still open is published again. `at` is when it was acknowledged. All times are in UTC."""

    vm_id: ResourceId
    cause: str
    until: datetime | None = None
    reason: str = ""
    at: datetime

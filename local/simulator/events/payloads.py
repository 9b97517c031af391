"""Events of the subscription's system topic and of Azure Resource Notifications, in both delivery schemas.

Fields as in the official examples of both sources; the claims are fewer than real ones.
"""

import uuid
from dataclasses import dataclass

from local.simulator.wire import Json

_EVENT_TYPES = {"write": "Write", "delete": "Delete", "action": "Action"}


@dataclass(frozen=True, slots=True)
class Event:
    """One event before it takes the form of a schema."""

    topic: str
    subject: str
    type: str
    time: str
    data: Json
    data_version: str

    def in_schema(self, schema: str, event_id: str) -> Json:
        common: Json = {"id": event_id, "subject": self.subject, "data": self.data}
        if schema == "cloud":
            return {**common, "source": self.topic, "type": self.type, "time": self.time, "specversion": "1.0"}
        return {
            **common,
            "topic": self.topic,
            "eventType": self.type,
            "eventTime": self.time,
            "dataVersion": self.data_version,
            "metadataVersion": "1",
        }


def subscription_event(operation: str, uri: str, tenant: str, time: str, claims: dict[str, str]) -> Event:
    """`operation` such as `Microsoft.Compute/virtualMachines/write`; its last word decides the event type."""
    verb = operation.rsplit("/", 1)[-1]
    subscription = uri.split("/")[2]
    data: Json = {
        "authorization": {"scope": uri, "action": operation, "evidence": {"role": "Contributor"}},
        "claims": {name: str(value) for name, value in claims.items()},
        "correlationId": str(uuid.uuid4()),
        "resourceProvider": operation.split("/", 1)[0],
        "resourceUri": uri,
        "operationName": operation,
        "status": "Succeeded",
        "subscriptionId": subscription,
        "tenantId": tenant,
    }
    return Event(
        topic=f"/subscriptions/{subscription}",
        subject=uri,
        type=f"Microsoft.Resources.Resource{_EVENT_TYPES[verb]}Success",
        time=time,
        data=data,
        data_version="2",
    )


def resource_event(body: Json, time: str, *, deleted: bool) -> Event:
    """A Resource Notification: it carries the resource itself, tags included, or only its ID after its deletion."""
    info = {name: body[name] for name in ("id", "name", "type")}
    if not deleted:
        info |= {
            "location": body.get("location"),
            "tags": body.get("tags") or {},
            "properties": body.get("properties", {}),
        }
    data: Json = {"resourceInfo": info, "operationalInfo": {"resourceEventTime": time}}
    if not deleted:
        data["apiVersion"] = "2024-07-01"
    return Event(
        topic="/".join(body["id"].split("/")[:3]),
        subject=body["id"],
        type=f"Microsoft.ResourceNotifications.Resources.{'Deleted' if deleted else 'CreatedOrUpdated'}",
        time=time,
        data=data,
        data_version="1",
    )

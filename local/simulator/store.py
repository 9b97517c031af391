"""All resources but Site Recovery's own, in memory, indexed for list calls."""

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.simulator import ids
from local.simulator.wire import Json

# What distinguishes a resource of the network provider from an earlier one of the same name.
_GUID = "resourceGuid"
# A PUT of a set is 200 whether it is new or not: the creation time tells (the types of 2026-04-01).
_WITH_SYSTEM_DATA = {"microsoft.compute/availabilitysets", "microsoft.compute/proximityplacementgroups"}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


@dataclass(slots=True)
class Resource:
    """An ARM resource: `body` is its JSON, with ID, name and type, as a GET returns it.

    `created` is what `$expand=createdTime` shows. It stays when the resource is written again.
    """

    id: str
    type: str
    body: Json
    created: str = field(default_factory=_now, kw_only=True)

    @property
    def name(self) -> str:
        return ids.last_segment(self.id)

    @property
    def location(self) -> str:
        return str(self.body.get("location", ""))

    @property
    def properties(self) -> Json:
        properties: Json = self.body.setdefault("properties", {})
        return properties

    @property
    def tags(self) -> dict[str, str]:
        return self.body.get("tags") or {}


@dataclass(slots=True)
class VirtualMachine(Resource):
    """`fail_enable` makes the next `times` enable jobs of this VM fail.

    `agent_ready` is the moment of the clock from which its agent reports, while it runs: None for never. `diagnostics`
    is whether boot diagnostics that are on work.
    """

    power: str = "running"
    agent_ready: float | None = 0.0
    generation: str = "V2"
    diagnostics: bool = True
    eligibility_errors: list[Json] = field(default_factory=list)
    fail_enable: Json | None = None


@dataclass(slots=True)
class StorageAccount(Resource):
    """`soft_delete` of blobs and containers is a setting of the blob service, which has its own resource ID.

    `content` are names by `containers`, `shares`, `queues` and `tables`.
    """

    soft_delete: bool = False
    content: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class RawDisk(Resource):
    """A managed disk that is not initialised in its VM."""


@dataclass(slots=True)
class ResourceGroup:
    id: str
    name: str
    location: str
    managed_by: str | None = None
    tags: dict[str, str] | None = None
    state: str = "Succeeded"
    created: str = field(default_factory=_now)

    def body(self) -> Json:
        body: Json = {
            "id": self.id,
            "name": self.name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": self.location,
            "properties": {"provisioningState": self.state},
        }
        if self.tags is not None:
            body["tags"] = self.tags
        if self.managed_by:
            body["managedBy"] = self.managed_by
        return body


@dataclass(slots=True)
class Subscription:
    id: str
    name: str
    tenant_id: str
    tags: dict[str, str] = field(default_factory=dict)
    management_groups: tuple[str, ...] = ()
    """Those above it, its own first; the root of the tenant is not named."""
    groups: dict[str, ResourceGroup] = field(default_factory=dict)

    def group(self, name: str) -> ResourceGroup | None:
        return self.groups.get(ids.key(name))

    def body(self) -> Json:
        return {
            "id": f"/subscriptions/{self.id}",
            "subscriptionId": self.id,
            "tenantId": self.tenant_id,
            "displayName": self.name,
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "EnterpriseAgreement_2014-09-01",
                "spendingLimit": "Off",
            },
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }


class Store:
    """Resources by ID, by subscription and type, and by the ID above them.

    `changed` is called with the ID of each resource that is added or removed.
    """

    def __init__(self) -> None:
        self.changed: Callable[[str], None] = lambda _id: None
        self.tenant_id = "00000000-0000-0000-0000-00000000000a"
        self.subscriptions: dict[str, Subscription] = {}
        self._by_id: dict[str, Resource] = {}
        self._by_type: dict[tuple[str, str], dict[str, Resource]] = {}
        self._by_parent: dict[str, dict[str, dict[str, Resource]]] = {}

    def add(self, resource: Resource) -> None:
        parsed = ids.parse(resource.id)
        if parsed is None:
            raise ValueError(f"not a resource ID: {resource.id!r}")
        id_key, kind = ids.key(resource.id), resource.type.lower()
        old = self._by_id.get(id_key)
        if kind.startswith("microsoft.network/"):
            resource.properties[_GUID] = old.properties[_GUID] if old else str(uuid.uuid4())
        if old:
            resource.created = old.created
        if kind in _WITH_SYSTEM_DATA:
            resource.body["systemData"] = {"createdAt": resource.created}
        self._by_id[id_key] = resource
        self._by_type.setdefault((parsed.subscription.lower(), kind), {})[id_key] = resource
        self._by_parent.setdefault(ids.key(parsed.parent), {}).setdefault(kind, {})[id_key] = resource
        self.changed(id_key)

    def get(self, resource_id: str) -> Resource | None:
        return self._by_id.get(ids.key(resource_id))

    def vm(self, resource_id: str) -> VirtualMachine | None:
        found = self.get(resource_id)
        return found if isinstance(found, VirtualMachine) else None

    def remove(self, resource_id: str) -> None:
        """Removes a resource and its children, if it exists."""
        id_key = ids.key(resource_id)
        for children in list(self._by_parent.get(id_key, {}).values()):
            for child in list(children.values()):
                self.remove(child.id)
        resource = self._by_id.pop(id_key, None)
        parsed = ids.parse(resource_id)
        if resource is None or parsed is None:
            return
        kind = resource.type.lower()
        self._by_type[(parsed.subscription.lower(), kind)].pop(id_key, None)
        self._by_parent[ids.key(parsed.parent)][kind].pop(id_key, None)
        self.changed(id_key)

    def move(self, resource: Resource, new_id: str) -> None:
        """Changes the ID of a resource, of its children, and in all bodies that reference it."""
        old = re.compile(re.escape(resource.id) + '(?=["/])', re.IGNORECASE)
        touched = [each for each in self._by_id.values() if old.search(json.dumps(each.body))]
        inside = [each for each in touched if ids.key(each.id) == ids.key(resource.id) or old.match(each.id + "/")]
        self.remove(resource.id)
        for each in touched:
            each.body = json.loads(old.sub(new_id, json.dumps(each.body)))
        for each in inside:
            each.id = each.body["id"]
            guid = each.properties.get(_GUID)
            self.add(each)
            if guid:
                each.properties[_GUID] = guid

    def of_type(self, subscription: str, kind: str) -> list[Resource]:
        return list(self._by_type.get((subscription.lower(), kind.lower()), {}).values())

    def under(self, parent: str, kind: str) -> list[Resource]:
        """The direct children of one type: extensions of a VM, disks of a resource group."""
        return list(self._by_parent.get(ids.key(parent), {}).get(kind.lower(), {}).values())

    def in_group(self, group_id: str) -> Iterable[Resource]:
        for resources in self._by_parent.get(ids.key(group_id), {}).values():
            yield from resources.values()

    def in_subscription(self, subscription: str) -> Iterable[Resource]:
        for (owner, _), resources in list(self._by_type.items()):
            if owner == subscription.lower():
                yield from resources.values()

    def all(self) -> Iterable[Resource]:
        return self._by_id.values()

    def subscription(self, subscription_id: str) -> Subscription | None:
        return self.subscriptions.get(subscription_id.lower())

    def group(self, group_id: str) -> ResourceGroup | None:
        """The resource group of an ID, which may be that of the group or of a resource in it."""
        parts = group_id.strip("/").split("/")
        if len(parts) < 4:
            return None
        subscription = self.subscription(parts[1])
        return subscription.group(parts[3]) if subscription else None

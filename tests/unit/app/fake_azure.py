"""A gateway whose SDK clients answer from memory: what is asked of them changes what they answer next.

The answers are the SDKs' own models, made from bodies as Azure sends them.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import NAMESPACE_URL, uuid5

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.recoveryservicessiterecovery import models as site_recovery

from shared.arm.client import Azure
from shared.arm.fields import incarnation_of
from shared.arm.origin_store import Store
from shared.arm.origins import name_of
from shared.config.profiles import Profile
from shared.config.settings import Settings
from shared.model import naming
from shared.model.origin import Origin
from shared.model.resource_id import VAULT, ResourceId, folded
from shared.reconcile.orphans import digest_of
from shared.site_recovery.parsing import item_of
from tests.unit.app.examples import (
    CONTAINER,
    DATA_DISK,
    DEPLOYMENT,
    NETWORK,
    NIC,
    OS_DISK,
    SOURCE,
    TARGET,
    VAULT_ID,
    VM_ID,
)

DEFAULT_POLICY = Profile().policy_for("default")

_LISTS = {
    "replication_protected_items": site_recovery.ReplicationProtectedItem,
    "replication_jobs": site_recovery.Job,
    "replication_fabrics": site_recovery.Fabric,
    "replication_protection_containers": site_recovery.ProtectionContainer,
    "replication_policies": site_recovery.Policy,
    "replication_protection_container_mappings": site_recovery.ProtectionContainerMapping,
    "replication_network_mappings": site_recovery.NetworkMapping,
}
_RAW = {
    "replicationProtectedItems": "replication_protected_items",
    "replicationJobs": "replication_jobs",
    "replicationFabrics": "replication_fabrics",
    "replicationProtectionContainers": "replication_protection_containers",
    "replicationPolicies": "replication_policies",
    "replicationProtectionContainerMappings": "replication_protection_container_mappings",
    "replicationNetworkMappings": "replication_network_mappings",
}
"""By the last part of their paths."""

FAR_CONTAINER = VAULT_ID.child("replicationFabrics", "west").child("replicationProtectionContainers", "west-container")
POLICY = VAULT_ID.child("replicationPolicies", "somebody-s-policy")


def answer(status: int, code: str, message: str = "Azure says so.", **headers: str) -> HttpResponseError:
    """The exception that the SDK raises for an error body."""
    body = {"error": {"code": code, "message": message}}
    response: Any = SimpleNamespace(
        status_code=status, reason=code, headers=headers, text=lambda: json.dumps(body), body=lambda: b""
    )
    return (ResourceNotFoundError if status == 404 else HttpResponseError)(response=response)


def sku_body(name: str = "Standard_D2s_v5", location: str = TARGET, **changes: Any) -> dict[str, Any]:
    """A VM size that a region offers the subscription, in all of its zones."""
    body = {
        "resourceType": "virtualMachines",
        "name": name,
        "family": "standardDSv5Family",
        "locations": [location],
        "locationInfo": [{"location": location, "zones": ["3", "1", "2"]}],
        "capabilities": [{"name": "vCPUs", "value": "2"}],
        "restrictions": [],
    }
    return {**body, **changes}


def usage_body(name: str, limit: int, used: int) -> dict[str, Any]:
    return {"unit": "Count", "currentValue": used, "limit": limit, "name": {"value": name, "localizedValue": name}}


def lock_body(scope: ResourceId, level: str = "CanNotDelete", name: str = "keep") -> dict[str, Any]:
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/{name}",
        "name": name,
        "properties": {"level": level},
    }


def link_body(target: str, source: ResourceId = VM_ID, name: str = "ASR-Protect-1") -> dict[str, Any]:
    """What protection puts on a VM, and leaves there if a lock forbids to remove it."""
    return {
        "id": f"{source}/providers/Microsoft.Resources/links/{name}",
        "name": name,
        "properties": {"sourceId": f"{source}/", "targetId": target},
    }


def item_body(state: str, name: str = "made-in-the-portal", **details: Any) -> dict[str, Any]:
    """A replicated item of the VM."""
    known = {"instanceType": "A2A", "fabricObjectId": str(VM_ID).lower()}
    return {
        "id": f"{CONTAINER}/replicationProtectedItems/{name}",
        "name": name,
        "properties": {
            "protectionState": state,
            "protectionStateDescription": f"It is {state}",
            "replicationHealth": "Normal",
            "policyId": str(POLICY),
            "providerSpecificDetails": {**known, **details},
        },
    }


def point_body(time: str, kind: str = "CrashConsistent", **details: Any) -> dict[str, Any]:
    """A recovery point of an item."""
    known = {"instanceType": "A2A", "recoveryPointSyncType": "PerVmRecoveryPoint"}
    properties = {
        "recoveryPointTime": time,
        "recoveryPointType": kind,
        "providerSpecificDetails": {**known, **details},
    }
    return {
        "id": f"{CONTAINER}/recoveryPoints/{uuid5(NAMESPACE_URL, time)}",
        "name": f"at {time}",
        "properties": properties,
    }


def job_body(state: str, name: str = "job-1", scenario: str = "EnableDr", **properties: Any) -> dict[str, Any]:
    """A job of the vault, of the VM's name."""
    return {
        "id": f"{VAULT_ID}/replicationJobs/{name}",
        "name": name,
        "properties": {
            "scenarioName": scenario,
            "friendlyName": "Enable replication",
            "state": state,
            "targetObjectName": VM_ID.name,
            **properties,
        },
    }


CREATED = "2026-01-01T00:00:00+00:00"
"""When everything here was created, unless a body has another createdTime."""


class Records:
    """A store in memory. `fault` is raised by all of its calls; `count` is how many there were."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.fault: Exception | None = None
        self.count = 0

    async def read(self, name: str) -> bytes | None:
        self._called()
        return self.texts.get(name)

    async def write(self, name: str, text: bytes, *, new: bool) -> bool:
        self._called()
        if new and name in self.texts:
            return False
        self.texts[name] = text
        return True

    async def replace(self, name: str, pieces: Iterable[str]) -> None:
        self._called()
        self.texts[name] = "".join(pieces).encode()

    async def remove(self, name: str) -> None:
        self._called()
        self.texts.pop(name, None)

    async def names(self, prefix: str) -> frozenset[str]:
        self._called()
        return frozenset(name for name in self.texts if name.startswith(prefix))

    async def written(self, prefix: str) -> dict[str, datetime]:
        """Each as long ago as it says of itself."""
        self._called()
        found = {name: json.loads(text) for name, text in self.texts.items() if name.startswith(prefix)}
        return {name: datetime.fromisoformat(body.get("provenAt", CREATED)) for name, body in found.items()}

    def _called(self) -> None:
        self.count += 1
        if self.fault:
            raise self.fault


def _created(body: Any, query: dict[str, list[str]]) -> dict[str, str]:
    """When a resource was created, where that is asked for."""
    return {"createdTime": body.get("createdTime", CREATED)} if query.get("$expand") == ["createdTime"] else {}


class Cloud:
    """What exists: ARM resources by lower-cased ID, the lists of the vault by operation, and what was written;
    `requests` are the client request IDs of what was enabled.

    `faults` are raised by the read or write of that name: `read` and `write` are all of them. `untold` are the rows
    that Resource Graph counts and does not tell. `bodies` by lower-cased ID take the place of what a resource, or its
    row in a list, is; `graph_rows` that of the VMs in Resource Graph. `records` are those of the deployment: if they
    are `kept`, they prove the origin of whatever carries its tags or names.
    """

    def __init__(self, *, kept: bool = True) -> None:
        self.records, self.kept = Records(), kept
        self.resources: dict[str, dict[str, Any]] = {}
        self.vaults: dict[ResourceId, dict[str, list[dict[str, Any]]]] = {}
        self.eligibility_errors: list[dict[str, Any]] = []
        self.locks: list[dict[str, Any]] = []
        self.links: list[dict[str, Any]] = []
        self.recovery_points: list[dict[str, Any]] = []
        self.items_elsewhere: list[dict[str, Any]] = []
        self.contents: dict[str, list[dict[str, Any]]] = {}
        self.skus: list[dict[str, Any]] = [sku_body()]
        self.usages: list[dict[str, Any]] = [usage_body("cores", 100, 10), usage_body("standardDSv5Family", 20, 4)]
        self.taken_addresses: set[str] = set()
        self.taken_names: set[str] = set()
        self.reads: list[str] = []
        self.paths: list[str] = []
        self.writes: list[tuple[str, Any]] = []
        self.requests: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.untold = 0
        self.bodies: dict[str, Any] = {}
        self.graph_rows: list[Any] | None = None
        self.vault = self.add_vault(VAULT_ID)
        self.add(VM_ID.group_id, {"location": SOURCE})
        self.add(
            NETWORK,
            {
                "location": SOURCE,
                "properties": {
                    "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
                    "subnets": [
                        {"name": "web", "properties": {"addressPrefix": "10.1.1.0/24"}},
                        {"name": "db", "properties": {"addressPrefixes": ["10.1.2.0/25", "10.1.2.128/25"]}},
                    ],
                },
            },
        )
        self.add_nic()
        for disk in (OS_DISK, DATA_DISK):
            self.add_disk(disk)

    def add_vault(self, vault: ResourceId, location: str = "West US 2", **body: Any) -> dict[str, list[dict[str, Any]]]:
        """A vault that holds nothing; its lists."""
        self.add(vault, {"location": location, **body})
        return self.vaults.setdefault(vault, {operations: [] for operations in _LISTS})

    def add_nic(self, nic: ResourceId = NIC, subnet: str = "web", **configuration: Any) -> None:
        """An interface with one configuration, of a dynamic address unless reported otherwise."""
        known = {
            "subnet": {"id": f"{NETWORK}/subnets/{subnet}"},
            "privateIPAddress": "10.1.1.4",
            "privateIPAllocationMethod": "Dynamic",
        }
        configurations = [{"name": "ipconfig", "properties": {**known, **configuration}}]
        self.add(nic, {"location": SOURCE, "properties": {"ipConfigurations": configurations}})

    def add_disk(self, disk: ResourceId, **properties: Any) -> None:
        self.add(disk, {"location": SOURCE, "properties": properties})

    def add(self, resource: ResourceId, body: dict[str, Any]) -> None:
        self.resources[resource.key] = {"id": str(resource), "name": resource.name, **body}

    def add_vm(
        self, tags: dict[str, str] | None = None, power: str = "running", vm: ResourceId = VM_ID, **properties: Any
    ) -> None:
        """The VM, which can be protected unless its properties say otherwise."""
        known = {
            "provisioningState": "Succeeded",
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
            "storageProfile": {
                "osDisk": {
                    "osType": "Linux",
                    "diskSizeGB": 64,
                    "managedDisk": {"id": str(OS_DISK), "storageAccountType": "Premium_LRS"},
                }
            },
            "networkProfile": {"networkInterfaces": [{"id": str(NIC)}]},
            "osProfile": {"linuxConfiguration": {"provisionVMAgent": True}, "allowExtensionOperations": True},
            "instanceView": {"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": f"PowerState/{power}"}]},
        }
        self.add(vm, {"location": SOURCE, "tags": tags or {}, "properties": {**known, **properties}})

    def add_region_pair(self) -> None:
        """Fabrics, containers, a policy and mappings, under names that somebody else chose."""
        ways = ((SOURCE, TARGET, CONTAINER, FAR_CONTAINER), (TARGET, SOURCE, FAR_CONTAINER, CONTAINER))
        for here, _, container, other in ways:
            details = {"instanceType": "Azure", "location": here}
            self.vault["replication_fabrics"].append(
                {"id": str(container.parent), "name": "f", "properties": {"customDetails": details}}
            )
            self.vault["replication_protection_containers"].append({"id": str(container), "name": "c"})
            self.vault["replication_protection_container_mappings"].append(
                {
                    "id": f"{container}/replicationProtectionContainerMappings/m",
                    "name": "m",
                    "properties": {
                        "targetProtectionContainerId": str(other).lower(),
                        "policyId": str(POLICY).lower(),
                        "state": "Paired",
                        "providerSpecificDetails": {"instanceType": "A2A"},
                    },
                }
            )
        values = {
            "instanceType": "A2A",
            "recoveryPointHistory": DEFAULT_POLICY.retention_minutes,
            "appConsistentFrequencyInMinutes": DEFAULT_POLICY.app_consistent_minutes,
            "crashConsistentFrequencyInMinutes": DEFAULT_POLICY.crash_consistent_minutes,
        }
        self.vault["replication_policies"].append(
            {"id": str(POLICY), "name": "p", "properties": {"providerSpecificDetails": values}}
        )

    def prove(self, resource: ResourceId, **facts: Any) -> None:
        """Adds the record of a resource that exists."""
        body = self.resources.get(resource.key, {})
        moment = datetime.fromisoformat((body.get("tags") or {}).get(naming.MADE_AT, CREATED))
        known = {"intended_at": moment, "proven_at": moment, "incarnation": incarnation_of(body)}
        origin = Origin(resource=resource, **{**known, **facts})
        self.records.texts[name_of(resource)] = origin.model_dump_json(by_alias=True).encode()

    def prove_all(self) -> None:
        """The records of a deployment that has lost none."""
        for body in [each for each in self.resources.values() if naming.MADE_BY in (each.get("tags") or {})]:
            resource = ResourceId(body["id"])
            if name_of(resource) not in self.records.texts:
                space = (body.get("properties") or {}).get("addressSpace")
                self.prove(resource, content=digest_of(*_ranges(body)) if space else "")
        for body in [body for lists in self.vaults.values() for body in lists["replication_protected_items"]]:
            with suppress(Exception):  # a row that cannot be read has no record
                item = item_of(body, DEPLOYMENT)
                if item and item.is_ours and name_of(item.id) not in self.records.texts:
                    self.prove(item.id, incarnation=item.incarnation, vm=item.source, tag_name="dr")

    def read(self, resource: str) -> dict[str, Any]:
        self.reported(resource, "read")
        if resource.lower() not in self.resources:
            raise answer(404, "ResourceNotFound", f"There is no {resource}.")
        found: dict[str, Any] = self.bodies.get(resource.lower(), self.resources[resource.lower()])
        return found

    def reported(self, read: str, *faults: str) -> None:
        """A read, or the fault that it comes to."""
        self.reads.append(read)
        for fault in (*faults, read):
            if fault in self.faults:
                raise self.faults[fault]

    def plain(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        """What ARM answers to a plain GET."""
        self.paths.append(path)
        *_, parent, last = path.split("/")
        if (rows := self._rows(path, last, query)) is not None:
            return {"value": rows}
        if parent in _RAW and self._vault_of(path) and path.lower() not in self.resources:
            return self._in_vault(path, _RAW[parent])
        if last == "CheckIPAddressAvailability":
            self.reported(path)
            return {"available": query["ipAddress"][0] not in self.taken_addresses}
        if parent == "replicationEligibilityResults":
            if fault := self.faults.get("eligibility"):
                raise fault
            return {"properties": {"errors": self.eligibility_errors}}
        if parent == "blobServices" and path.lower() not in self.resources:
            self.reported(path, "read")
            return {"properties": {}}
        found = self.read(path)
        return {**_created(found, query), **found} if isinstance(found, dict) else found

    def _rows(self, path: str, last: str, query: dict[str, list[str]]) -> list[Any] | None:
        """The rows of a list, or None if the path is not that of a list."""
        under, scope = f"{path.split('/providers/', 1)[0]}/".lower(), path.rsplit("/", 1)[0]
        if last in {"locks", "links"}:
            self.reported(last)
            listed = self.locks if last == "locks" else self.links
            return [each for each in listed if _shown_id(each, under).lower().startswith(under)]
        if last in _RAW and (vault := self._vault_of(scope)):
            self.reported(_RAW[last], f"{last} of {vault}")
            return self.vaults[vault][_RAW[last]]
        if last == "recoveryPoints":
            self.reported(f"recovery points of {scope.rsplit('/', 1)[1]}")
            return self.recovery_points
        if last in {"containers", "shares", "queues", "tables"}:
            self.reported(path, "read")
            return self.contents.get(path.lower(), [])
        return self._resource_rows(path, last, under, query)

    def _resource_rows(self, path: str, last: str, under: str, query: dict[str, list[str]]) -> list[Any] | None:
        condition = query.get("$filter", [""])[0]
        if last == "disks":
            self.reported(f"disks of {ResourceId(under).resource_group}", "disks")
            disks = {key: body for key, body in self.resources.items() if key.startswith(f"{path}/".lower())}
            return [self.bodies.get(key, body) for key, body in disks.items()]
        if last == "virtualMachines":
            self.reported(f"VMs of {ResourceId(under).resource_group}", "VMs in the target")
            vms = {key: body for key, body in self.resources.items() if key.startswith(f"{path}/".lower())}
            return [self.bodies.get(key, body) for key, body in vms.items()]
        if last == "skus":
            self.reported("resource_skus")
            return [each for each in self.skus if condition == f"location eq '{each['locations'][0]}'"]
        if last == "usages":
            self.reported("usages")
            assert path == path.lower() or "/locations/" in path
            return self.usages
        if last == "resources" and ResourceId(path.rsplit("/", 1)[0]).resource_group:
            inside = path.rsplit("/", 1)[0]
            self.reported(f"in {ResourceId(inside).resource_group}", "read")
            return [body for key, body in self.resources.items() if key.startswith(f"{inside}/".lower())]
        if last in {"resources", "resourcegroups"}:
            self.reported("resources" if last == "resources" else "resource_groups", "read")
            of_subscription = f"{path.rsplit('/', 1)[0]}/".lower()
            rows = [body for key, body in self.resources.items() if key.startswith(of_subscription)]
            kind = [body for body in rows if bool(ResourceId(body["id"]).type) == (last == "resources")]
            fitting = [body for body in kind if _fits(body, ResourceId(body["id"]), condition)]
            rows = [self.bodies.get(str(body["id"]).lower(), body) for body in fitting]
            return [{"id": body["id"], **_created(body, query)} for body in fitting] if last == "resources" else rows
        return None

    def _vault_of(self, path: str) -> ResourceId | None:
        """The vault that the path leads into."""
        return next((vault for vault in self.vaults if f"{path}/".lower().startswith(f"{vault.key}/")), None)

    def graph(self, body: dict[str, Any]) -> dict[str, Any]:
        """The VMs, as they are, and the items of other vaults: what a query means is the simulator's to say."""
        kinds = {
            naming.MADE_BY: "what is tagged in the graph",
            "properties.subnets": "targets in the graph",
            "resourcegroups'\n| where name in~": "target groups in the graph",
            "microsoft.compute/virtualmachines": "resource graph",
            "subscriptions/resourcegroups": "groups in the graph",
            "microsoft.resources/subscriptions'": "subscriptions in the graph",
            "replicationprotecteditems": "items elsewhere",
        }
        asked = next(about for kind, about in kinds.items() if kind in body["query"])
        self.reported(asked, "graph")
        vms = self.graph_rows
        if vms is None:
            vms = [body for key, body in self.resources.items() if ResourceId(key).is_type(VM_ID.type)]
        tagged = [{"id": key} for key, body in self.resources.items() if naming.MADE_BY in (body.get("tags") or {})]
        proper = (body for key, body in self.resources.items() if folded(body["id"]) == key)
        shown = {ResourceId(body["id"]): body for body in proper}
        known = {
            "resource graph": vms,
            "items elsewhere": self.items_elsewhere,
            "what is tagged in the graph": tagged,
            "targets in the graph": [
                {"id": body["id"], **(body.get("properties") or {})} for each, body in shown.items() if each.type
            ],
            "target groups in the graph": [{"id": str(each)} for each in shown if not each.type],
        }
        rows = known.get(asked, [])
        return {"data": rows, "totalRecords": len(rows) + self.untold}

    def _in_vault(self, path: str, operations: str) -> dict[str, Any]:
        vault, name = self._vault_of(path), path.rsplit("/", 1)[1]
        assert vault
        listed = self.vaults[vault][operations]
        self.reported(f"{operations}/{name}", operations)
        if found := next((body for body in listed if body["name"] == name), None):
            return found
        raise answer(404, "NotFound")

    def write(self, what: str, body: Any) -> None:
        self.writes.append((what, body))
        if fault := self.faults.pop("write", None):
            raise fault

    def answered(self, resource: ResourceId, hook: Callable[[Any], None]) -> None:
        """The status of a PUT: whether the resource was there."""
        status = 200 if resource.key in self.resources else 201
        hook(SimpleNamespace(http_response=SimpleNamespace(status_code=status)))

    @property
    def written(self) -> list[str]:
        return [what for what, _ in self.writes]


class FakeAzure(Azure):
    """The real gateway with its guard and its memory; its clients speak to a `Cloud`."""

    def __init__(self, settings: Settings, cloud: Cloud) -> None:
        super().__init__(settings)
        self.cloud = cloud
        if cloud.kept:
            cloud.prove_all()

    def _origin_store(self) -> Store:
        return self.cloud.records

    def _client(self, kind: Any, *subscription: str, **_: str) -> Any:
        clients: dict[str, Callable[..., Any]] = {
            "ComputeManagementClient": lambda cloud, _: SimpleNamespace(send_request=partial(_send, cloud)),
            "ResourceManagementClient": _resources,
            "SiteRecoveryManagementClient": _site_recovery,
        }
        return clients[kind.__name__](self.cloud, *subscription)


class _Response:
    """What a plain request is answered."""

    reason, request = "", None

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = headers or {}
        self._body = body

    def json(self) -> Any:
        return self._body

    def text(self) -> str:
        return json.dumps(self._body)

    def body(self) -> bytes:
        return b""

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise HttpResponseError(response=self)


async def _send(cloud: Cloud, request: Any, **_: Any) -> _Response:
    url = urlsplit(request.url)
    if url.path.endswith("/checkNameAvailability"):
        return _named(cloud, json.loads(request.content)["name"])
    query = parse_qs(url.query)
    assert query["api-version"]
    try:
        if request.method == "POST":
            return _Response(200, cloud.graph(json.loads(request.content)))
        assert request.method == "GET"
        return _Response(200, cloud.plain(url.path, query))
    except HttpResponseError as refused:
        reported: Any = refused.response
        return _Response(refused.status_code or 500, json.loads(reported.text()), reported.headers)


def _named(cloud: Cloud, name: str) -> _Response:
    """Whether the name of a storage account is free. `taken_names` are held by others."""
    if isinstance(fault := cloud.faults.get("names"), HttpResponseError):
        return _Response(fault.status_code or 500, {})
    there = {ResourceId(key).name for key in cloud.resources}
    return _Response(200, {"nameAvailable": name not in cloud.taken_names | there})


def _resources(cloud: Cloud, subscription: str) -> Any:
    async def update_tags(scope: str, patch: Any) -> None:
        assert patch.operation in {"Merge", "Delete"}
        cloud.write("tags", (scope, patch.properties.tags))
        tags, given = cloud.resources[scope.lower()]["tags"], patch.properties.tags
        if patch.operation == "Delete":
            cloud.resources[scope.lower()]["tags"] = dict(tags.items() - given.items())
        else:
            tags |= given

    async def create_group(name: str, body: dict[str, Any], raw_response_hook: Any) -> Any:
        group = ResourceId.of(subscription, name)
        cloud.write(f"group {name}", body)
        cloud.answered(group, raw_response_hook)
        cloud.add(group, body)

    async def create_by_id(resource: str, body: dict[str, Any], api_version: str, raw_response_hook: Any) -> None:
        assert api_version
        cloud.write(f"resource {ResourceId(resource).name}", body)
        cloud.answered(ResourceId(resource), raw_response_hook)

    deletes = _deletes(cloud, subscription)
    groups = SimpleNamespace(create_or_update=create_group, begin_delete=deletes.group)
    return SimpleNamespace(
        send_request=partial(_send, cloud),
        resource_groups=groups,
        resources=SimpleNamespace(
            begin_create_or_update_by_id=create_by_id,
            begin_delete_by_id=deletes.by_id,
        ),
        tags=SimpleNamespace(begin_update_at_scope=update_tags),
    )


def _fits(body: dict[str, Any], resource: ResourceId, condition: str) -> bool:
    """What a `$filter` of a list leaves: by type, or by a tag's name and value."""
    wanted = dict(part.split(" eq ") for part in condition.split(" and ")) if condition else {}
    tags = {f"'{name}'": f"'{value}'" for name, value in (body.get("tags") or {}).items()}
    named = wanted.get("name", f"'{resource.name}'") == f"'{resource.name}'"
    of_type = named and wanted.get("resourceType", f"'{resource.type}'").lower() == f"'{resource.type}'".lower()
    return of_type and tags.get(wanted.get("tagName", ""), "") == wanted.get("tagValue", "")


def _deletes(cloud: Cloud, subscription: str) -> Any:
    async def delete_by_id(resource: str, api_version: str, retry_total: int) -> None:
        assert api_version
        assert retry_total == 0
        cloud.write(f"delete {resource.lower()}", None)
        del cloud.resources[resource.lower()]

    async def delete_group(name: str, retry_total: int) -> None:
        assert retry_total == 0
        group = ResourceId.of(subscription, name)
        cloud.write(f"delete {group.key}", None)
        cloud.resources = {
            key: body for key, body in cloud.resources.items() if not f"{key}/".startswith(f"{group.key}/")
        }

    return SimpleNamespace(by_id=delete_by_id, group=delete_group)


class _Operations:
    """One operation group of the vaults of a subscription."""

    def __init__(self, cloud: Cloud, subscription: str, name: str) -> None:
        self._cloud = cloud
        self._subscription = subscription
        self._name = name

    async def get(self, group: str, vault: str, *path: str) -> Any:
        name = path[-1]
        self._cloud.reads.append(f"{self._name}/{name}")
        for body in self._cloud.vaults[ResourceId.of(self._subscription, group, VAULT, vault)][self._name]:
            if body["name"] == name:
                return _LISTS[self._name](body)
        raise answer(404, "NotFound")

    async def begin_create(self, *path_and_body: Any, raw_response_hook: Any, request_id: str = "", **_: Any) -> None:
        self._cloud.requests += [request_id] if request_id else []
        await self._begin("create", path_and_body, raw_response_hook)

    async def begin_update(self, *path_and_body: Any, raw_response_hook: Any, **_: Any) -> None:
        await self._begin("update", path_and_body, raw_response_hook)

    async def begin_add_disks(self, *path_and_body: Any, raw_response_hook: Any, **_: Any) -> None:
        await self._begin("add disks to", path_and_body, raw_response_hook)

    async def begin_delete(self, *path_and_body: Any, raw_response_hook: Any, **_: Any) -> None:
        await self._begin("delete", path_and_body, raw_response_hook)

    async def _begin(self, verb: str, path_and_body: Any, hook: Any) -> None:
        self._cloud.write(f"{verb} {self._name}", path_and_body)
        operation = f"{verb.split()[0]}-{len(self._cloud.writes)}"
        url = f"https://management.azure.com{VAULT_ID}/replicationOperationStatus/{operation}?api-version=1&s=signed"
        hook(SimpleNamespace(http_response=SimpleNamespace(headers={"Azure-AsyncOperation": url})))


def _site_recovery(cloud: Cloud, subscription: str) -> Any:
    return SimpleNamespace(**{name: _Operations(cloud, subscription, name) for name in _LISTS})


def _shown_id(row: Any, otherwise: str) -> str:
    """The ID in a row; a test may have spoiled it."""
    shown = row.get("id") if isinstance(row, dict) else None
    return shown if isinstance(shown, str) else otherwise


def our_item_name() -> str:
    return naming.item_name(VM_ID, DEPLOYMENT)


def _ranges(network: dict[str, Any]) -> tuple[list[str], dict[str, list[str]]]:
    properties = network["properties"]
    subnets = {each["name"]: [each["properties"]["addressPrefix"]] for each in properties["subnets"]}
    return properties["addressSpace"]["addressPrefixes"], subnets

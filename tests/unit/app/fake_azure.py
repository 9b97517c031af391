"""A gateway whose SDK clients answer from memory: what is asked of them changes what they answer next.

The answers are the SDKs' own models, made from bodies as Azure sends them.
"""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.compute import models as compute
from azure.mgmt.recoveryservicessiterecovery import models as site_recovery
from azure.mgmt.resource.resources import models as resources

from shared.azure.gateway import Azure
from shared.domain import naming
from shared.domain.profiles import Profile
from shared.domain.resource_id import ResourceId
from shared.domain.settings import Settings
from tests.unit.app.examples import CONTAINER, NETWORK, NIC, OS_DISK, SOURCE, TARGET, VAULT_ID, VM_ID

DEFAULT_POLICY = Profile().policy

_LISTS = {
    "replication_protected_items": site_recovery.ReplicationProtectedItem,
    "replication_jobs": site_recovery.Job,
    "replication_fabrics": site_recovery.Fabric,
    "replication_protection_containers": site_recovery.ProtectionContainer,
    "replication_policies": site_recovery.Policy,
    "replication_protection_container_mappings": site_recovery.ProtectionContainerMapping,
    "replication_network_mappings": site_recovery.NetworkMapping,
}
FAR_CONTAINER = VAULT_ID.child("replicationFabrics", "west").child("replicationProtectionContainers", "west-container")
POLICY = VAULT_ID.child("replicationPolicies", "somebody-s-policy")


def answer(status: int, code: str, message: str = "Azure says so.") -> HttpResponseError:
    """The exception that the SDK raises for an error body."""
    body = {"error": {"code": code, "message": message}}
    response: Any = SimpleNamespace(
        status_code=status, reason=code, headers={}, json=lambda: body, text=lambda: message, body=lambda: b""
    )
    return (ResourceNotFoundError if status == 404 else HttpResponseError)(response=response)


def item_body(state: str, name: str = "made-in-the-portal", **details: Any) -> dict[str, Any]:
    """A replicated item of the VM."""
    known = {"instanceType": "A2A", "fabricObjectId": str(VM_ID).lower()}
    return {
        "id": f"{CONTAINER}/replicationProtectedItems/{name}",
        "name": name,
        "properties": {
            "protectionState": state,
            "protectionStateDescription": f"It is {state}",
            "policyId": str(POLICY),
            "providerSpecificDetails": {**known, **details},
        },
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


class Cloud:
    """What exists: ARM resources by lower-cased ID, the lists of the vault by operation, and what was written."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.vault: dict[str, list[dict[str, Any]]] = {operations: [] for operations in _LISTS}
        self.eligibility_errors: list[dict[str, Any]] = []
        self.reads: list[str] = []
        self.writes: list[tuple[str, Any]] = []
        self.faults: dict[str, Exception] = {}
        self.add(VM_ID.group_id, {"location": SOURCE})
        self.add(VAULT_ID, {"location": "West US 2"})
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
        subnet = {"id": f"{NETWORK}/subnets/web"}
        self.add(NIC, {"location": SOURCE, "properties": {"ipConfigurations": [{"properties": {"subnet": subnet}}]}})

    def add(self, resource: ResourceId, body: dict[str, Any]) -> None:
        self.resources[resource.key] = {"id": str(resource), "name": resource.name, **body}

    def add_vm(self, tags: dict[str, str] | None = None, power: str = "running", **properties: Any) -> None:
        """The VM, which can be protected unless its properties say otherwise."""
        known = {
            "provisioningState": "Succeeded",
            "storageProfile": {"osDisk": {"managedDisk": {"id": str(OS_DISK), "storageAccountType": "Premium_LRS"}}},
            "networkProfile": {"networkInterfaces": [{"id": str(NIC)}]},
            "instanceView": {"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": f"PowerState/{power}"}]},
        }
        self.add(VM_ID, {"location": SOURCE, "tags": tags or {}, "properties": {**known, **properties}})

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

    def read(self, resource: str) -> dict[str, Any]:
        self.reads.append(resource)
        if fault := self.faults.get("read"):
            raise fault
        if resource.lower() not in self.resources:
            raise answer(404, "ResourceNotFound", f"There is no {resource}.")
        return self.resources[resource.lower()]

    def write(self, what: str, body: Any) -> None:
        self.writes.append((what, body))
        if fault := self.faults.pop("write", None):
            raise fault

    @property
    def written(self) -> list[str]:
        return [what for what, _ in self.writes]


class FakeAzure(Azure):
    """The real gateway with its guard and its memory; its clients speak to a `Cloud`."""

    def __init__(self, settings: Settings, cloud: Cloud) -> None:
        super().__init__(settings)
        self.cloud = cloud

    def _client(self, kind: Any, subscription: str) -> Any:
        clients = {
            "ComputeManagementClient": _compute,
            "ResourceManagementClient": _resources,
            "SiteRecoveryManagementClient": _site_recovery,
        }
        return clients[kind.__name__](self.cloud, subscription)


def _compute(cloud: Cloud, subscription: str) -> Any:
    async def get_vm(group: str, name: str, expand: str) -> Any:
        assert expand == "instanceView"
        return compute.VirtualMachine(cloud.read(str(ResourceId.of(subscription, group, VM_ID.type, name))))

    async def get_set(group: str, name: str) -> Any:
        of_type = "Microsoft.Compute/availabilitySets"
        return compute.AvailabilitySet(cloud.read(str(ResourceId.of(subscription, group, of_type, name))))

    return SimpleNamespace(virtual_machines=SimpleNamespace(get=get_vm), availability_sets=SimpleNamespace(get=get_set))


def _resources(cloud: Cloud, subscription: str) -> Any:
    async def get_group(name: str) -> Any:
        return _group(cloud.read(str(ResourceId.of(subscription, name))))

    async def list_groups() -> AsyncIterator[Any]:
        cloud.reads.append("resource_groups")
        for body in cloud.resources.values():
            if not ResourceId(body["id"]).type:
                yield _group(body)

    async def get_by_id(resource: str, api_version: str) -> Any:
        assert api_version
        found = cloud.read(resource)
        return resources.GenericResource(location=found["location"], properties=found.get("properties"))

    async def update_tags(scope: str, patch: Any) -> None:
        assert patch.operation == "Merge"
        cloud.write("tags", (scope, patch.properties.tags))
        cloud.resources[scope.lower()]["tags"] |= patch.properties.tags

    async def create_group(name: str, body: dict[str, Any]) -> Any:
        group = ResourceId.of(subscription, name)
        cloud.write(f"group {name}", body)
        cloud.add(group, body)

    async def create_by_id(resource: str, body: dict[str, Any], api_version: str) -> None:
        assert api_version
        cloud.write(f"resource {ResourceId(resource).name}", body)

    groups = SimpleNamespace(get=get_group, list=list_groups, create_or_update=create_group)
    return SimpleNamespace(
        resource_groups=groups,
        resources=SimpleNamespace(get_by_id=get_by_id, begin_create_or_update_by_id=create_by_id),
        tags=SimpleNamespace(begin_update_at_scope=update_tags),
    )


def _group(body: dict[str, Any]) -> Any:
    return resources.ResourceGroup({key: body[key] for key in ("id", "name", "location", "managedBy") if key in body})


class _Operations:
    """One operation group of the vault."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self._cloud = cloud
        self._name = name

    async def list(self, group: str, vault: str) -> AsyncIterator[Any]:
        assert (group, vault) == (VAULT_ID.resource_group, VAULT_ID.name)
        self._cloud.reads.append(self._name)
        if fault := self._cloud.faults.get(self._name):
            raise fault
        for body in self._cloud.vault[self._name]:
            yield _LISTS[self._name](body)

    async def get(self, group: str, vault: str, name: str) -> Any:
        assert (group, vault) == (VAULT_ID.resource_group, VAULT_ID.name)
        self._cloud.reads.append(f"{self._name}/{name}")
        for body in self._cloud.vault[self._name]:
            if body["name"] == name:
                return _LISTS[self._name](body)
        raise answer(404, "NotFound")

    async def begin_create(self, *path_and_body: Any, raw_response_hook: Any, **_: Any) -> None:
        await self._begin("create", path_and_body, raw_response_hook)

    async def begin_delete(self, *path_and_body: Any, raw_response_hook: Any, **_: Any) -> None:
        await self._begin("delete", path_and_body, raw_response_hook)

    async def _begin(self, verb: str, path_and_body: Any, hook: Any) -> None:
        self._cloud.write(f"{verb} {self._name}", path_and_body)
        operation = f"{verb}-{len(self._cloud.writes)}"
        url = f"https://management.azure.com{VAULT_ID}/replicationOperationStatus/{operation}?api-version=1&s=signed"
        hook(SimpleNamespace(http_response=SimpleNamespace(headers={"Azure-AsyncOperation": url})))


def _site_recovery(cloud: Cloud, _: str) -> Any:
    async def get_eligibility(_group: str, _name: str) -> Any:
        if fault := cloud.faults.get("eligibility"):
            raise fault
        return site_recovery.ReplicationEligibilityResults({"properties": {"errors": cloud.eligibility_errors}})

    return SimpleNamespace(
        **{name: _Operations(cloud, name) for name in _LISTS},
        replication_eligibility_results=SimpleNamespace(get=get_eligibility),
    )


def our_item_name() -> str:
    return naming.item_name(VM_ID)

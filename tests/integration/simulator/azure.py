"""A small estate, and real SDK clients of a simulator."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute.aio import ComputeManagementClient
from azure.mgmt.recoveryservicessiterecovery.aio import SiteRecoveryManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient
from azure.mgmt.resourcegraph.aio import ResourceGraphClient

from local.conformance.sdk_models import validate_request_log
from local.simulator import Simulator
from local.simulator.identity import issue
from tests.waiting import longer

TENANT = "99999999-9999-4999-8999-999999999999"
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app"
TARGET_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app-asr"
VAULT_GROUP, VAULT = "rg-vault", "vault-dr"
VAULT_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{VAULT_GROUP}/providers/Microsoft.RecoveryServices/vaults/{VAULT}"
)
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-app"
TARGET_NETWORK = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-app-asr"
CACHE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/cacheapp"
CLIENT = "00000000-0000-0000-0000-0000000000c1"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"


def vm_id(name: str) -> str:
    return f"{COMPUTE}/virtualMachines/{name}"


def disk_id(name: str) -> str:
    return f"{COMPUTE}/disks/{name}"


def machine(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": vm_id(name),
        "location": "eastus",
        "tags": {"dr": "true"},
        "disks": [{"name": f"{name}-os", "sizeGB": 64, "sku": "Premium_LRS"}],
        "nics": [{"name": f"{name}-nic", "subnet": f"{NETWORK}/subnets/web"}],
        **more,
    }


def estate(*machines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One source region, its network and cache account, and the vault with a target network in the other region."""
    subnets = [{"name": "web", "prefix": "10.1.1.0/24"}, {"name": "data", "prefix": "10.1.2.0/24"}]
    return {
        "tenantId": TENANT,
        "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
        "vaults": [{"id": VAULT_ID, "location": "westus2"}],
        "networks": [
            {"id": NETWORK, "location": "eastus", "addressSpace": ["10.1.0.0/16"], "subnets": subnets},
            {"id": TARGET_NETWORK, "location": "westus2", "addressSpace": ["10.1.0.0/16"], "subnets": subnets},
        ],
        "storageAccounts": [{"id": CACHE, "location": "eastus"}],
        "virtualMachines": list(machines) or [machine("web-1")],
        **more,
    }


def ready_vault(items: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """siteRecovery of an estate: a pair of regions under names of somebody else."""
    return [
        {
            "vault": VAULT_ID,
            "fabrics": [{"name": "primary", "location": "eastus"}, {"name": "secondary", "location": "westus2"}],
            "containers": [{"fabric": "primary", "name": "here"}, {"fabric": "secondary", "name": "there"}],
            "policies": [{"name": "gold"}],
            "containerMappings": [
                {
                    "fabric": fabric,
                    "container": container,
                    "name": f"{fabric}-gold",
                    "targetFabric": other,
                    "targetContainer": target,
                    "policy": "gold",
                }
                for fabric, container, other, target in (
                    ("primary", "here", "secondary", "there"),
                    ("secondary", "there", "primary", "here"),
                )
            ],
            "networkMappings": [
                {
                    "fabric": "primary",
                    "name": "net",
                    "recoveryFabric": "secondary",
                    "primaryNetwork": NETWORK,
                    "recoveryNetwork": TARGET_NETWORK,
                }
            ],
            "protectedItems": items or [],
        }
    ]


def protected(name: str, **more: Any) -> dict[str, Any]:
    return {
        "fabric": "primary",
        "container": "here",
        "name": f"item-{name}",
        "virtualMachine": vm_id(name),
        "policy": "gold",
        "recoveryFabric": "secondary",
        "recoveryContainer": "there",
        "recoveryResourceGroup": TARGET_GROUP,
        "cacheStorageAccount": CACHE,
        **more,
    }


def enable_body(name: str, **changes: Any) -> dict[str, Any]:
    """The enable call for a VM of `estate(siteRecovery=ready_vault())`; None as a change leaves the key out."""
    fabrics = f"{VAULT_ID}/replicationFabrics"
    details: dict[str, Any] = {
        "instanceType": "A2A",
        "fabricObjectId": vm_id(name),
        "recoveryContainerId": f"{fabrics}/secondary/replicationProtectionContainers/there",
        "recoveryResourceGroupId": TARGET_GROUP,
        "vmManagedDisks": [
            {
                "diskId": disk_id(f"{name}-os"),
                "primaryStagingAzureStorageAccountId": CACHE,
                "recoveryResourceGroupId": TARGET_GROUP,
            }
        ],
    } | changes
    return {
        "properties": {
            "policyId": f"{VAULT_ID}/replicationPolicies/gold",
            "providerSpecificDetails": {key: value for key, value in details.items() if value is not None},
        }
    }


def error_code(error: HttpResponseError) -> str | None:
    """The code in an ARM error body, or in the status of an operation that failed."""
    return error.error.code if error.error else None


class Token:
    """A credential without a managed identity behind it."""

    def __init__(self, client: str = CLIENT) -> None:
        self._client = client

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(issue(TENANT, self._client, scopes[0], "https://sts.windows.net/"), 4102444800)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "Token":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class Azure:
    """Real clients of one simulator, and a plain session for what no client sends."""

    def __init__(self, simulator: Simulator, **options: Any) -> None:
        common: dict[str, Any] = {
            "base_url": simulator.url,
            "credential_scopes": [simulator.url + "/.default"],
            "connection_verify": str(simulator.ca_file),
            "polling_interval": 0.01,
            **options,
        }
        self.simulator = simulator
        self.recovery: Any = SiteRecoveryManagementClient(Token(), SUBSCRIPTION, **common)
        self.compute: Any = ComputeManagementClient(Token(), SUBSCRIPTION, **common)
        self.resources: Any = ResourceManagementClient(Token(), SUBSCRIPTION, **common)
        self.graph: Any = ResourceGraphClient(Token(), **common)
        context = ssl.create_default_context(cafile=str(simulator.ca_file))
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, JSON body (None when empty) and headers of a raw call. An ARM path without api-version gets one."""
        status, raw, received = await self.raw(method, path, body, **headers)
        return status, (json.loads(raw) if raw else None), received

    async def raw(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, Any]:
        """The same with the bytes of the body."""
        if not path.startswith("/sim"):
            token = await Token().get_token("x")
            headers.setdefault("Authorization", f"Bearer {token.token}")
            if "api-version=" not in path and "no-version" not in headers:
                path += ("&" if "?" in path else "?") + "api-version=2025-08-01"
        url = self.simulator.url + path
        async with self._session.request(method, url, json=body, headers=headers) as response:
            return response.status, await response.read(), response.headers

    async def close(self) -> None:
        await self.recovery.close()
        await self.compute.close()
        await self.resources.close()
        await self.graph.close()
        await self._session.close()


async def enable(clients: Azure, body: dict[str, Any], name: str = "item") -> Any:
    items = clients.recovery.replication_protected_items
    return await (await items.begin_create(VAULT_GROUP, VAULT, "primary", "here", name, body)).result()


async def why_refused(clients: Azure, body: dict[str, Any]) -> dict[str, Any]:
    """The service error of the job that a refused enable leaves behind."""
    # The status of the operation is an HTTP 200 and tells nothing of the cause.
    return await why_failed(clients, enable(clients, body), "45005")


async def why_failed(clients: Azure, operation: Awaitable[Any], code: str) -> dict[str, Any]:
    """The service error of the job that an operation leaves behind which ends with that code."""
    with pytest.raises(HttpResponseError) as raised:
        await operation
    assert (raised.value.status_code, error_code(raised.value)) == (200, code)
    jobs = [job async for job in clients.recovery.replication_jobs.list(VAULT_GROUP, VAULT)]
    _, job, _ = await clients.call("GET", jobs[0].id)
    assert job["properties"]["state"] == "Failed"
    failed = [task for task in job["properties"]["tasks"] if task["state"] == "Failed"]
    assert failed[0]["errors"] == job["properties"]["errors"]
    assert job["properties"]["errors"][0]["taskId"] == failed[0]["taskId"]
    error: dict[str, Any] = job["properties"]["errors"][0]["serviceErrorDetails"]
    return error


async def cause(clients: Azure, method: str, path: str, body: dict[str, Any]) -> str:
    """The code of the error in the job that a call begins: raw, for long tables of refusals."""
    status, _, headers = await clients.call(method, path, body)
    assert status == 202
    async with asyncio.timeout(longer(20)):
        _, job, _ = await clients.call("GET", headers["x-ms-request-id"])
        while job["properties"]["state"] in ("NotStarted", "InProgress"):
            _, job, _ = await clients.call("GET", headers["x-ms-request-id"])
    code: str = job["properties"]["errors"][0]["serviceErrorDetails"]["code"]
    return code


@asynccontextmanager
async def azure(existing: dict[str, Any] | None = None, *, speed: float = 3000, **options: Any) -> AsyncIterator[Azure]:
    """A simulator with an estate, and clients of it. At speed 3000 an hour of the service takes 1.2 s."""
    async with Simulator(existing or estate(), speed=speed) as simulator:
        clients = Azure(simulator, **options)
        try:
            yield clients
        finally:
            await clients.close()
        findings = validate_request_log(simulator.gateway.log.after(0))
        # Requests are wrong on purpose here; answers never are.
        assert [
            str(found) for _, found in findings if found.where.startswith("response") and found.kind == "error"
        ] == []

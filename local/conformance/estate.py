"""Derives from a recording the estate that must have existed before it began.

A recording names far more than it shows: a vault that is only ever part of a path, a network that is only ever an ID in
a mapping. What is shown (bodies of answers) is taken from there; what is only named is filled in with what fits it: a
network lies in the region of the fabric that maps it, a subnet around the address of a NIC in it.

Not derived: Site Recovery objects made before the recording began. No recording at hand begins in the middle.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from local.conformance.exchange import Exchange

Json = dict[str, Any]

_RESOURCE_ID = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/?]+", re.IGNORECASE)
_GROUP_ID = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/?]+", re.IGNORECASE)
# Where nothing in the recording tells a region. Any would do.
_SOME_REGION = "westus2"


def derive_estate(exchanges: list[Exchange]) -> Json:
    """The estate in the JSON form that the simulator loads."""
    return _Derivation(exchanges).estate()


class _Derivation:
    def __init__(self, exchanges: list[Exchange]) -> None:
        self.exchanges = exchanges
        self.bodies = _first_bodies(exchanges)
        self.items = [
            e.response_body["properties"]["providerSpecificDetails"]
            for e in exchanges
            if e.method == "GET" and e.status == 200 and e.path.split("/")[-2] == "replicationProtectedItems"
        ]
        self.made = {e.path.lower() for e in exchanges if e.method == "PUT" and e.status in (201, 202)}
        self.fabrics = {
            e.path.lower(): e.request_body["properties"]["customDetails"]["location"]
            for e in exchanges
            if e.method == "PUT" and e.path.split("/")[-2] == "replicationFabrics"
        }

    def estate(self) -> Json:
        ids = list(_named(self.exchanges, _RESOURCE_ID))
        groups = list(_named(self.exchanges, _GROUP_ID))
        networks = _unique([*self.existing(ids, "virtualNetworks"), *(nic["vMNetworkName"] for nic in self.nics())])
        return {
            "tenantId": "00000000-0000-0000-0000-00000000000a",
            "subscriptions": [{"id": i, "name": "Recorded"} for i in _unique(group.split("/")[2] for group in groups)],
            "resourceGroups": [{"id": i, "location": self.location(i) or self.vault_region()} for i in groups],
            "vaults": [{"id": i, "location": self.vault_region()} for i in self.existing(ids, "vaults")],
            "networks": [self.network(i) for i in networks],
            "storageAccounts": [self.storage_account(i) for i in self.existing(ids, "storageAccounts")],
            "virtualMachines": [self.virtual_machine(i) for i in self.existing(ids, "virtualMachines")],
        }

    def existing(self, ids: list[str], kind: str) -> list[str]:
        """IDs of one type, without what the recording makes: by a PUT, or as the copy that a failover leaves."""
        copies = {
            f"{d['recoveryAzureResourceGroupId']}/providers/Microsoft.Compute/virtualMachines/{d['recoveryAzureVMName']}"
            for d in self.items
        }
        # After a failback the source is itself a copy; but it was there first.
        sources = {
            e.request_body["properties"]["providerSpecificDetails"]["fabricObjectId"]
            for e in self.exchanges
            if e.method == "PUT" and e.path.split("/")[-2] == "replicationProtectedItems"
        }
        made = self.made | _lower(copies) - _lower(sources)
        return [i for i in ids if i.split("/")[-2].lower() == kind.lower() and i.lower() not in made]

    def location(self, resource_id: str) -> str | None:
        return (self.bodies.get(resource_id.lower()) or {}).get("location")

    def vault_region(self) -> str:
        """A vault lives in the region it protects to: that of the first item's recovery container."""
        for body in _requests(self.exchanges):
            container = body.get("properties", {}).get("providerSpecificDetails", {}).get("recoveryContainerId", "")
            fabric = container.lower().partition("/replicationprotectioncontainers/")[0]
            if fabric in self.fabrics:
                return str(self.fabrics[fabric])
        return _SOME_REGION

    def network(self, network_id: str) -> Json:
        properties = (self.bodies.get(network_id.lower()) or {}).get("properties", {})
        subnets = [
            {"name": subnet["name"], "prefix": subnet["properties"]["addressPrefix"]}
            for subnet in properties.get("subnets", [])
        ]
        if not properties:
            subnets = [
                s for nic in self.nics() if nic["vMNetworkName"].lower() == network_id.lower() for s in _subnets(nic)
            ]
        space = properties.get("addressSpace", {}).get("addressPrefixes") or [s["prefix"] for s in subnets]
        return {
            "id": network_id,
            "location": self.location(network_id) or self.mapped_region(network_id) or _SOME_REGION,
            "addressSpace": space or ["10.0.0.0/16"],
            "subnets": subnets,
        }

    def mapped_region(self, network_id: str) -> str | None:
        """The region of the fabric under which a network mapping names this network as its primary one."""
        for e in self.exchanges:
            if e.method == "PUT" and "/replicationNetworkMappings/" in e.path:
                primary = e.request_body["properties"]["fabricSpecificDetails"]["primaryNetworkId"]
                if primary.lower() == network_id.lower():
                    return self.fabrics.get(e.path.lower().partition("/replicationnetworks/")[0])
        return None

    def storage_account(self, account_id: str) -> Json:
        body = self.bodies.get(account_id.lower()) or {}
        return {
            "id": account_id,
            "location": body.get("location", _SOME_REGION),
            "kind": body.get("kind", "StorageV2"),
            "sku": body.get("sku", {}).get("name", "Standard_LRS"),
        }

    def virtual_machine(self, vm_id: str) -> Json:
        body = self.bodies.get(vm_id.lower())
        if body is None:
            raise ValueError(f"the recording has no GET of {vm_id}")
        properties = body["properties"]
        storage = properties["storageProfile"]
        return {
            "id": vm_id,
            "location": body["location"],
            "size": properties["hardwareProfile"]["vmSize"],
            "os": storage["osDisk"]["osType"],
            "tags": body.get("tags", {}),
            "power": "running",
            "disks": [_disk(disk) for disk in [storage["osDisk"], *storage["dataDisks"]]],
            "nics": [self.nic(reference["id"]) for reference in properties["networkProfile"]["networkInterfaces"]],
        }

    def nic(self, nic_id: str) -> Json:
        """What a protected item tells of the NIC of its VM."""
        name = nic_id.rsplit("/", 1)[-1]
        for nic in self.nics():
            if nic["sourceNicArmId"].lower() == nic_id.lower():
                return {"name": name, "subnet": f"{nic['vMNetworkName']}/subnets/{nic['ipConfigs'][0]['subnetName']}"}
        raise ValueError(f"the recording does not tell in which network {nic_id} is")

    def nics(self) -> Iterator[Json]:
        """The NICs that items tell the network of."""
        return (nic for item in self.items for nic in item["vmNics"] if nic["vMNetworkName"])


def _first_bodies(exchanges: Iterable[Exchange]) -> dict[str, Json]:
    """The first answer that showed each resource: a GET, or a PUT of what was there (200, nothing is made)."""
    bodies: dict[str, Json] = {}
    for e in exchanges:
        if e.method in ("GET", "PUT") and e.status == 200 and isinstance(e.response_body, dict):
            bodies.setdefault(e.path.lower(), e.response_body)
    return bodies


def _requests(exchanges: Iterable[Exchange]) -> Iterator[Json]:
    return (e.request_body for e in exchanges if isinstance(e.request_body, dict))


def _named(exchanges: Iterable[Exchange], pattern: re.Pattern[str]) -> Iterable[str]:
    """IDs in paths and request bodies. Answers do not count: they name in lower case, and what is yet to be made."""
    return _unique(
        i for e in exchanges for text in [e.path, *_strings(e.request_body)] if (i := _match(pattern, text)) is not None
    )


def _match(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.match(text)
    return found[0] if found else None


def _unique(ids: Iterable[str]) -> Iterable[str]:
    """IDs without regard to case, each in its first spelling."""
    seen: dict[str, str] = {}
    for i in ids:
        seen.setdefault(i.lower(), i)
    return seen.values()


def _lower(ids: Iterable[str]) -> set[str]:
    return {i.lower() for i in ids}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _subnets(nic: Json) -> Iterator[Json]:
    for configuration in nic["ipConfigs"]:
        network, _, _ = configuration["staticIPAddress"].rpartition(".")
        yield {"name": configuration["subnetName"], "prefix": f"{network}.0/24"}


def _disk(disk: Json) -> Json:
    return {"name": disk["name"], "sizeGB": disk["diskSizeGB"], "sku": disk["managedDisk"]["storageAccountType"]}

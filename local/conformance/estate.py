"""Derives from a recording the estate that must have existed before it began.

A recording names far more than it shows: a vault that is only ever part of a path, a network that is only ever an ID in
a mapping. What is shown (bodies of answers) is taken from there; what is only named is filled in with what fits it: a
network lies in the region of the VMs in it, a subnet around the address of a NIC in it.

Not derived: Site Recovery objects made before the recording began. No recording at hand begins in the middle.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from local.conformance.exchange import Exchange

Json = dict[str, Any]

_RESOURCE_ID = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/?]+", re.IGNORECASE)
_GROUP_ID = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/?]+", re.IGNORECASE)
_SUBSCRIPTION_ID = re.compile(r"/subscriptions/[^/?]+", re.IGNORECASE)
# Used if nothing in the recording names a region. Any would do.
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
        # Only a protected item shows the subnet of each NIC, and an address in it.
        self.subnets: dict[str, str] = {}
        self.prefixes: dict[str, str] = {}
        for nic in (nic for item in self.items for nic in item["vmNics"] if nic["vMNetworkName"]):
            primary = nic["ipConfigs"][0]
            subnet = f"{nic['vMNetworkName']}/subnets/{primary['subnetName']}"
            self.subnets.setdefault(nic["sourceNicArmId"].lower(), subnet)
            self.prefixes[subnet.lower()] = primary["staticIPAddress"].rpartition(".")[0] + ".0/24"
        self.made = {e.path.lower() for e in exchanges if e.method == "PUT" and e.status in (201, 202)}
        self.fabrics = {
            e.path.lower(): e.request_body["properties"]["customDetails"]["location"]
            for e in exchanges
            if e.method == "PUT" and e.path.split("/")[-2] == "replicationFabrics"
        }

    def estate(self) -> Json:
        ids = list(_named(self.exchanges, _RESOURCE_ID))
        groups = [i for i in _named(self.exchanges, _GROUP_ID) if i.lower() not in self.made]
        machines = [self.virtual_machine(i) for i in self.existing(ids, "virtualMachines")]
        around = [nic["subnet"].partition("/subnets/")[0] for vm in machines for nic in vm["nics"]]
        return {
            "tenantId": "00000000-0000-0000-0000-00000000000a",
            "subscriptions": [
                {"id": i.split("/")[2], "name": "Recorded"} for i in _named(self.exchanges, _SUBSCRIPTION_ID)
            ],
            "resourceGroups": [{"id": i, "location": self.location(i) or self.vault_region()} for i in groups],
            "vaults": [{"id": i, "location": self.vault_region()} for i in self.existing(ids, "vaults")],
            "networks": [self.network(i, machines) for i in _unique([*self.existing(ids, "virtualNetworks"), *around])],
            "storageAccounts": [self.storage_account(i) for i in self.existing(ids, "storageAccounts")],
            "virtualMachines": machines,
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
        """The region of a vault: that of the first item's recovery container."""
        for body in _requests(self.exchanges):
            details = (body.get("properties") or {}).get("providerSpecificDetails") or {}
            container = details.get("recoveryContainerId", "")
            fabric = container.lower().partition("/replicationprotectioncontainers/")[0]
            if fabric in self.fabrics:
                return str(self.fabrics[fabric])
        return _SOME_REGION

    def network(self, network_id: str, machines: list[Json]) -> Json:
        body = self.bodies.get(network_id.lower())
        if body is None:
            return self.network_around(network_id, machines)
        return {
            "id": network_id,
            "location": body["location"],
            "addressSpace": body["properties"]["addressSpace"]["addressPrefixes"],
            "subnets": [
                {"name": subnet["name"], "prefix": subnet["properties"]["addressPrefix"]}
                for subnet in body["properties"]["subnets"]
            ],
        }

    def network_around(self, network_id: str, machines: list[Json]) -> Json:
        """A network that no response shows, with what the VMs in it need."""
        inside = [vm for vm in machines if any(_lies_in(nic["subnet"], network_id) for nic in vm["nics"])]
        subnets = _unique(nic["subnet"] for vm in inside for nic in vm["nics"] if _lies_in(nic["subnet"], network_id))
        prefixes = {i: self.prefixes.get(i.lower(), f"10.0.{n}.0/24") for n, i in enumerate(subnets)}
        return {
            "id": network_id,
            "location": inside[0]["location"] if inside else _SOME_REGION,
            "addressSpace": list(prefixes.values()) or ["10.0.0.0/16"],
            "subnets": [{"name": i.rpartition("/")[2], "prefix": prefix} for i, prefix in prefixes.items()],
        }

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
        group = nic_id.partition("/providers/")[0]
        elsewhere = f"{group}/providers/Microsoft.Network/virtualNetworks/not-recorded/subnets/default"
        return {"name": nic_id.rpartition("/")[2], "subnet": self.subnets.get(nic_id.lower(), elsewhere)}


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


def _lies_in(subnet_id: str, network_id: str) -> bool:
    return subnet_id.lower().startswith(f"{network_id.lower()}/")


def _disk(disk: Json) -> Json:
    return {"name": disk["name"], "sizeGB": disk["diskSizeGB"], "sku": disk["managedDisk"]["storageAccountType"]}

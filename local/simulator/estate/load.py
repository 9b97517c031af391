"""Turns an estate into what exists. It is built aside first: one that is wrong leaves everything as it was."""

import uuid
from collections.abc import Callable
from typing import Any

from local.simulator import ids, latencies, regions
from local.simulator.arm import bodies, locks
from local.simulator.estate import site_recovery
from local.simulator.estate.fields import Fields, each
from local.simulator.estate.generate import generate
from local.simulator.estate.machines import Machines
from local.simulator.ids import ResourceId
from local.simulator.store import Resource, ResourceGroup, Store, Subscription, VirtualMachine
from local.simulator.wire import Json
from local.simulator.world import World

_KEYS = (
    "tenantId subscriptions resourceGroups vaults networks availabilitySets storageAccounts virtualMachines "
    "locks links siteRecovery expect demo"
)


def load(world: World, raw: Any) -> None:
    """Replaces what exists. Raises ValueError that names what is wrong in the estate."""
    if isinstance(raw, dict) and "generate" in raw:
        Fields(raw, "estate", "generate")
        raw = generate(raw["generate"])
    estate = Fields(raw, "estate", _KEYS)
    loader = _Loader(estate, world.clock.stamp())
    loader.build()
    vaults = site_recovery.check(loader.store, raw)
    world.clear()
    world.store = loader.store
    site_recovery.build(world, vaults)
    for vm in loader.settling:
        world.clock.at(world.clock.now() + latencies.VM_SETTLES, _settle(world, vm))


def _settle(world: World, vm: VirtualMachine) -> Callable[[float], None]:
    """A VM that the estate has as Creating or Updating gets there after a while, and says so by an event."""

    def done(_moment: float) -> None:
        vm.properties["provisioningState"] = "Succeeded"
        world.raise_event(vm, "write")

    return done


class _Loader:
    def __init__(self, estate: Fields, time: str) -> None:
        self.estate = estate
        self.time = time
        self.store = Store()
        self.settling: list[VirtualMachine] = []

    def build(self) -> None:
        raw = self.estate.raw
        tenant = self.estate.get("tenantId", str, self.store.tenant_id)
        self.store.tenant_id = _guid(tenant, "tenantId")
        for fields in each(raw, "subscriptions", "id name"):
            found = _guid(fields.need("id", str), f"{fields.where}: id")
            name = fields.get("name", str, "Subscription")
            self.store.subscriptions[found.lower()] = Subscription(found, name, tenant)
        for fields in each(raw, "resourceGroups", "id location managedBy tags"):
            self._group(fields)
        for fields in each(raw, "vaults", "id location tags"):
            parsed = fields.id("id", "Microsoft.RecoveryServices/vaults")
            self._add(parsed, bodies.vault(parsed, fields.location(), self.time, fields.tags()), fields)
        for fields in each(raw, "networks", "id location addressSpace subnets tags"):
            self._network(fields)
        for fields in each(raw, "availabilitySets", "id location faultDomains updateDomains tags"):
            self._set(fields)
        for fields in each(raw, "storageAccounts", "id location kind sku tags"):
            self._account(fields)
        self._machines(raw)
        self._extensions(raw)

    def _machines(self, raw: Json) -> None:
        machines = Machines(self.store, self.time)
        for fields in each(raw, "virtualMachines", Machines.KEYS):
            vm = machines.build(fields, self._add)
            if vm.properties["provisioningState"] in ("Creating", "Updating"):
                self.settling.append(vm)

    def _extensions(self, raw: Json) -> None:
        for fields in each(raw, "locks", "id level notes"):
            parsed = fields.id("id", locks.LOCK)
            level = fields.choice("level", ("CanNotDelete", "ReadOnly"))
            self.store.add(locks.lock(parsed.text, level, fields.get("notes", str, "")))
        for fields in each(raw, "links", "id targetId"):
            parsed = fields.id("id", locks.LINK)
            self.store.add(locks.link(parsed.parent, parsed.name, fields.need("targetId", str)))

    def _add(self, parsed: ResourceId, resource: Resource, fields: Fields) -> None:
        """Its resource group is implied, in the resource's own region, unless it is there already."""
        subscription = self.store.subscription(parsed.subscription)
        if subscription is None:
            raise ValueError(f"{fields.where}: the subscription {parsed.subscription} is not in the estate")
        if self.store.get(resource.id) is not None:
            raise ValueError(f"{fields.where}: {resource.id} is in the estate twice")
        if subscription.group(parsed.group) is None:
            group_id = ids.group_id(parsed.subscription, parsed.group)
            subscription.groups[parsed.group.lower()] = ResourceGroup(group_id, parsed.group, resource.location)
        self.store.add(resource)

    def _group(self, fields: Fields) -> None:
        parts = fields.need("id", str).strip("/").split("/")
        if len(parts) != 4 or parts[0].lower() != "subscriptions" or parts[2].lower() != "resourcegroups":
            raise ValueError(f"{fields.where}: id is no ID of a resource group")
        subscription = self.store.subscription(parts[1])
        if subscription is None:
            raise ValueError(f"{fields.where}: the subscription {parts[1]} is not in the estate")
        group = ResourceGroup(
            ids.group_id(parts[1], parts[3]), parts[3], fields.location(), fields.get("managedBy", str), fields.tags()
        )
        subscription.groups[parts[3].lower()] = group

    def _network(self, fields: Fields) -> None:
        parsed = fields.id("id", "Microsoft.Network/virtualNetworks")
        subnets = [
            (each.need("name", str), each.need("prefix", str)) for each in _parts(fields, "subnets", "name prefix")
        ]
        prefixes = fields.need("addressSpace", list)
        self._add(parsed, bodies.network(parsed, fields.location(), prefixes, subnets, fields.tags()), fields)

    def _set(self, fields: Fields) -> None:
        parsed = fields.id("id", "Microsoft.Compute/availabilitySets")
        location = fields.location()
        faults = fields.get("faultDomains", int, regions.fault_domains(location))
        if not 1 <= faults <= regions.fault_domains(location):
            raise ValueError(f"{fields.where}: {location} has no {faults} fault domains")
        updates = fields.get("updateDomains", int, 5)
        self._add(parsed, bodies.availability_set(parsed, location, faults, updates, "Aligned", fields.tags()), fields)

    def _account(self, fields: Fields) -> None:
        parsed = fields.id("id", "Microsoft.Storage/storageAccounts")
        kind = fields.choice("kind", ("StorageV2", "Storage", "BlobStorage", "FileStorage", "BlockBlobStorage"))
        sku = fields.get("sku", str, "Standard_LRS")
        account = bodies.storage_account(parsed, fields.location(), kind, sku, fields.tags(), self.time)
        self._add(parsed, account, fields)


def _parts(fields: Fields, name: str, known: str) -> list[Fields]:
    raw: Json = {name: fields.get(name, list, [])}
    return [Fields(part.raw, f"{fields.where}: {part.where}", known) for part in each(raw, name, known)]


def _guid(text: str, where: str) -> str:
    try:
        uuid.UUID(text)
    except ValueError:
        raise ValueError(f"{where} must be a GUID, not {text!r}") from None
    return text

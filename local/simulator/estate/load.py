"""Loads an estate. It is built separately first: an invalid estate changes nothing."""

import uuid
from collections.abc import Callable
from typing import Any

from local.simulator import ids, latencies, regions
from local.simulator.arm import compute_parts, generic, locks, storage_bodies, storage_lists, vaults
from local.simulator.errors import ArmError
from local.simulator.estate import site_recovery
from local.simulator.estate.fields import Fields, each
from local.simulator.estate.generate import generate
from local.simulator.estate.limits import read_limits
from local.simulator.estate.machines import Machines
from local.simulator.estate.networks import Networks
from local.simulator.ids import ResourceId
from local.simulator.store import Resource, ResourceGroup, Store, Subscription, VirtualMachine
from local.simulator.wire import Json
from local.simulator.world import World

_KEYS = (
    "tenantId subscriptions resourceGroups vaults resources networks availabilitySets storageAccounts virtualMachines "
    "locks links quotas restrictedSizes policyDenials siteRecovery expect demo"
)
_ACCOUNT = (
    "id location kind sku softDelete sharedKeyAccess publicAccess firewall subnets privateEndpoint tags "
    f"{' '.join(storage_lists.KINDS)}"
)

_FIREWALLS = {
    "open": storage_bodies.network_rules("Allow", "AzureServices"),
    "trusted": storage_bodies.network_rules("Deny", "AzureServices"),
    "closed": storage_bodies.network_rules("Deny", "None"),
}


# Wall seconds: the resources of an estate were created a day ago.
_AGE = 24 * 3600.0


def load(world: World, raw: Any) -> None:
    """Replaces everything that exists. Raises ValueError that names the error in the estate."""
    if isinstance(raw, dict) and "generate" in raw:
        Fields(raw, "estate", "generate")
        raw = generate(raw["generate"])
    estate = Fields(raw, "estate", _KEYS)
    loader = _Loader(estate, world.clock.stamp(world.clock.now() - _AGE * world.clock.speed))
    try:
        loader.build()
    except ArmError as error:
        raise ValueError(error.message) from None
    limits = read_limits(raw, loader.store)
    contents = site_recovery.check(loader.store, raw)
    world.clear()
    world.hold(loader.store)
    world.limits = limits
    site_recovery.build(world, contents)
    for vm in loader.settling:
        world.clock.at(world.clock.now() + latencies.VM_SETTLES, _settle(world, vm))


def _settle(world: World, vm: VirtualMachine) -> Callable[[float], None]:
    """A VM that the estate has in Creating or Updating becomes Succeeded, which raises a write event."""

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
        for fields in each(raw, "subscriptions", "id name managementGroups"):
            found = _guid(fields.need("id", str), f"{fields.where}: id")
            name = fields.get("name", str, "Subscription")
            groups = tuple(fields.get("managementGroups", list, []))
            self.store.subscriptions[found.lower()] = Subscription(found, name, tenant, management_groups=groups)
        for fields in each(raw, "resourceGroups", "id location managedBy tags"):
            self._group(fields)
        for fields in each(raw, "vaults", "id location identity tags"):
            self._vault(fields)
        for fields in each(raw, "resources", "id location sku properties tags zones"):
            self._resource(fields)
        networks = Networks(self.store)
        for fields in each(raw, "networks", Networks.KEYS):
            networks.build(fields, self._add)
        networks.peer()
        for fields in each(
            raw, "availabilitySets", "id location faultDomains updateDomains proximityPlacementGroup tags"
        ):
            self._set(fields)
        for fields in each(raw, "storageAccounts", _ACCOUNT):
            self._account(fields)
        self._machines(raw)
        self._extensions(raw)

    def _machines(self, raw: Json) -> None:
        machines = Machines(self.store, self.time)
        found = each(raw, "virtualMachines", Machines.KEYS)
        machines.keep_addresses(found)
        for fields in found:
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
        """Adds a resource; its resource group is created in the same region unless it exists."""
        subscription = self.store.subscription(parsed.subscription)
        if subscription is None:
            raise ValueError(f"{fields.where}: the subscription {parsed.subscription} is not in the estate")
        if self.store.get(resource.id) is not None:
            raise ValueError(f"{fields.where}: {resource.id} is in the estate twice")
        if subscription.group(parsed.group) is None:
            group_id = ids.group_id(parsed.subscription, parsed.group)
            subscription.groups[ids.key(parsed.group)] = ResourceGroup(group_id, parsed.group, resource.location)
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
        subscription.groups[ids.key(parts[3])] = group

    def _vault(self, fields: Fields) -> None:
        parsed = fields.id("id", vaults.TYPE)
        made = vaults.vault(parsed, fields.location(), self.time, fields.tags())
        if fields.get("identity", str) is not None:
            vaults.identify(self.store.tenant_id, made, fields.choice("identity", ("SystemAssigned",)))
        self._add(parsed, made, fields)

    def _resource(self, fields: Fields) -> None:
        parsed = ids.parse(fields.need("id", str))
        kind = generic.type_of(parsed.type) if parsed else None
        if parsed is None or kind is None:
            raise ValueError(f"{fields.where}: id is of no type that resources takes; there are {generic.TYPES}")
        body: Json = {name: value for name, value in fields.raw.items() if value is not None}
        for name, expected in (("sku", dict), ("properties", dict), ("zones", list)):
            fields.get(name, expected)
        fields.tags()
        self._add(parsed, generic.resource(parsed.text, kind, fields.location(), body), fields)

    def _set(self, fields: Fields) -> None:
        parsed = fields.id("id", compute_parts.SET)
        location = fields.location()
        faults = fields.get("faultDomains", int, regions.fault_domains(location))
        if not 1 <= faults <= regions.fault_domains(location):
            raise ValueError(f"{fields.where}: {location} has no {faults} fault domains")
        updates = fields.get("updateDomains", int, 5)
        made = compute_parts.availability_set(parsed, location, faults, updates, "Aligned", fields.tags())
        group = fields.reference("proximityPlacementGroup", compute_parts.PLACEMENT_GROUP, self.store, location)
        if group:
            made.properties["proximityPlacementGroup"] = {"id": group.id}
        self._add(parsed, made, fields)

    def _account(self, fields: Fields) -> None:
        parsed = fields.id("id", "Microsoft.Storage/storageAccounts")
        kind = fields.choice("kind", storage_bodies.KINDS)
        sku = fields.get("sku", str, "Standard_LRS")
        if not storage_bodies.are_a_pair(kind, sku):
            raise ValueError(f"{fields.where}: an account of kind {kind} has no sku {sku}")
        made = storage_bodies.account(parsed, fields.location(), kind, sku, fields.tags(), self.time)
        made.soft_delete = fields.get("softDelete", bool, False)
        made.content = {kind: fields.get(kind, list, []) for kind in storage_lists.KINDS}
        keys = fields.get("sharedKeyAccess", bool)
        if keys is not None:
            made.properties["allowSharedKeyAccess"] = keys
        rules = _FIREWALLS[fields.choice("firewall", tuple(_FIREWALLS))]
        let_in = [{"id": each, "action": "Allow", "state": "Succeeded"} for each in fields.get("subnets", list, [])]
        made.properties["networkAcls"] = {**rules, "virtualNetworkRules": let_in}
        if (public := fields.get("publicAccess", bool)) is not None:
            made.properties["publicNetworkAccess"] = "Enabled" if public else "Disabled"
        if fields.get("privateEndpoint", bool):
            made.properties["privateEndpointConnections"] = [storage_bodies.private_endpoint(made.id)]
        self._add(parsed, made, fields)


def _guid(text: str, where: str) -> str:
    try:
        uuid.UUID(text)
    except ValueError:
        raise ValueError(f"{where} must be a GUID, not {text!r}") from None
    return text

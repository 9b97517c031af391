"""The tables: a row for each resource that exists, and their columns.

Columns and casing of `resources` and `resourcecontainers` are as documented (azure-docs, explore-resources, and the
samples by table). The rows of `recoveryservicesresources` are documented nowhere; that they equal
the vault's own lists is invented.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from local.simulator import ids
from local.simulator.arm.compute import POWER_STATES
from local.simulator.arm.vaults import TYPE as VAULT
from local.simulator.graph.expressions import Columns, Expression
from local.simulator.recovery import item_view, job_view, scope, views
from local.simulator.store import Resource, ResourceGroup, Subscription, VirtualMachine
from local.simulator.vault.job import Job
from local.simulator.vault.model import ProtectedItem, RecoveryVault
from local.simulator.wire import Json
from local.simulator.world import World

_STRINGS = ("id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy")
_DYNAMIC = ("sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation")
_KINDS = dict.fromkeys(_STRINGS, "string") | dict.fromkeys(_DYNAMIC, "dynamic")
TABLES = ("resources", "resourcecontainers", "recoveryservicesresources")


class Row(NamedTuple):
    """`body` is a resource as ARM shows it. With a `subject`, `properties` is computed from that when it is used."""

    body: Json
    subject: VirtualMachine | ProtectedItem | Job | None = None


def columns(world: World) -> Columns:
    """The columns, which are the same for all tables."""
    return {name: Expression(partial(_column, world, name), kind, name) for name, kind in _KINDS.items()}


def _column(world: World, name: str, row: Row) -> Any:
    if name == "tenantId":
        return world.store.tenant_id
    if name == "properties" and row.subject is not None:
        return _properties(world, row.subject)
    if name in _MADE:
        return _MADE[name](row.body)
    value = row.body.get(name)
    return "" if value is None and _KINDS[name] == "string" else value


def frozen(world: World, row: Row) -> Json:
    """A copy of the body of a row as it is now."""
    return copy.deepcopy({**row.body, "properties": _column(world, "properties", row)})


def rows_of(world: World, table: str, subscriptions: Iterable[Subscription]) -> Iterator[Row]:
    for subscription in subscriptions:
        yield from _ROWS[table](world, subscription)


def find(world: World, resource_id: str) -> tuple[str, Row] | None:
    """The table and the row of a resource ID, or None."""
    parts = ids.key(resource_id).strip("/").split("/")
    subscription = world.store.subscription(parts[1]) if len(parts) > 1 else None
    if subscription is None:
        return None
    if len(parts) == 2:
        return "resourcecontainers", _of_subscription(subscription)
    if len(parts) == 4:
        group = subscription.group(parts[3])
        return ("resourcecontainers", _of_group(group)) if group else None
    resource = world.store.get(resource_id)
    if resource is not None:
        return ("resources", _of_resource(resource)) if "location" in resource.body else None
    vault = world.recovery.get("/" + "/".join(parts[:8]))
    for row in _in_vault(world, vault) if vault else ():
        if ids.key(row.body["id"]) == ids.key(resource_id):
            return "recoveryservicesresources", row
    return None


def _resources(world: World, subscription: Subscription) -> Iterator[Row]:
    # Links and locks are extension resources: Resource Graph does not have them.
    found = world.store.in_subscription(subscription.id)
    return (_of_resource(each) for each in found if "location" in each.body)


def _containers(_world: World, subscription: Subscription) -> Iterator[Row]:
    yield _of_subscription(subscription)
    yield from map(_of_group, subscription.groups.values())


def _recovery(world: World, subscription: Subscription) -> Iterator[Row]:
    for resource in world.store.of_type(subscription.id, VAULT):
        vault = world.recovery.get(ids.key(resource.id))
        if vault:
            yield from _in_vault(world, vault)


_ROWS: dict[str, Callable[[World, Subscription], Iterator[Row]]] = dict(
    zip(TABLES, (_resources, _containers, _recovery), strict=True)
)


def _of_subscription(subscription: Subscription) -> Row:
    shown = subscription.body()
    body: Json = {"id": shown["id"], "name": subscription.name, "type": "Microsoft.Resources/subscriptions"}
    body["tags"] = subscription.tags
    properties = {name: shown[name] for name in ("state", "subscriptionPolicies", "managedByTenants")}
    # From the own group to the root of the tenant. (azure-docs, Resource Graph's samples for management groups)
    chain = [*subscription.management_groups, subscription.tenant_id]
    properties["managementGroupAncestorsChain"] = [{"name": name, "displayName": name} for name in chain]
    body["properties"] = properties
    return Row(body)


def _of_group(group: ResourceGroup) -> Row:
    return Row(group.body() | {"type": "Microsoft.Resources/subscriptions/resourceGroups"})


def _of_resource(resource: Resource) -> Row:
    return Row(resource.body, resource if isinstance(resource, VirtualMachine) else None)


def _in_vault(world: World, vault: RecoveryVault) -> Iterator[Row]:
    for item in vault.items():
        if item_view.shown(world, item):
            yield Row({"id": item.id, "name": item.name, "type": item_view.TYPE}, item)
    for policy in vault.policies.values():
        if scope.visible(world, policy.ready):
            yield Row(views.policy(policy))
    for job in vault.jobs.values():
        yield Row({"id": job.id, "name": job.name, "type": job_view.TYPE}, job)


def _properties(world: World, subject: VirtualMachine | ProtectedItem | Job) -> Any:
    if isinstance(subject, ProtectedItem):
        return item_view.view(world, subject)["properties"]
    if isinstance(subject, Job):
        return job_view.view(world, subject, full=False)["properties"]
    # What Resource Graph adds to a VM: a part of its instance view.
    code, text = f"PowerState/{subject.power}", POWER_STATES[subject.power]
    view = {
        "hyperVGeneration": subject.generation,
        "powerState": {"code": code, "level": "Info", "displayStatus": text},
    }
    return {**subject.properties, "extended": {"instanceView": view}}


def _group_of(body: Json) -> str:
    parts: list[str] = body["id"].split("/")
    return parts[4].lower() if len(parts) > 4 else ""


_MADE: dict[str, Callable[[Json], str]] = {
    "type": lambda body: str(body["type"]).lower(),
    "subscriptionId": lambda body: str(body["id"].split("/")[2]),
    "resourceGroup": _group_of,
}

"""What the tables hold: a row for each thing that exists, each column made when somebody asks for it.

Columns and casing of `resources` and `resourcecontainers` are as documented (azure-docs, explore-resources, and the
samples by table). What an item of a vault looks like in `recoveryservicesresources` is documented nowhere; that it is
as the vault's own lists have it is invented.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from local.simulator import ids
from local.simulator.arm.compute import POWER_STATES
from local.simulator.arm.vaults import TYPE as VAULT
from local.simulator.graph.expressions import Row
from local.simulator.recovery import item_view, job_view, scope, views
from local.simulator.recovery.jobs import Job
from local.simulator.recovery.model import Policy, ProtectedItem, RecoveryVault
from local.simulator.store import Resource, ResourceGroup, Subscription, VirtualMachine
from local.simulator.wire import Json
from local.simulator.world import World

_STRINGS = ("id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy")
_DYNAMIC = ("sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation")
COLUMNS = dict.fromkeys(_STRINGS, "string") | dict.fromkeys(_DYNAMIC, "dynamic")
TABLES = dict.fromkeys(("resources", "resourcecontainers", "recoveryservicesresources"), COLUMNS)


def rows_of(world: World, table: str, subscriptions: Iterable[Subscription]) -> Iterator[Row]:
    for subscription in subscriptions:
        yield from _ROWS[table](world, subscription)


def find(world: World, resource_id: str) -> tuple[str, Row] | None:
    """The table and the row of what has this ID, if any has."""
    parts = ids.key(resource_id).strip("/").split("/")
    subscription = world.store.subscription(parts[1]) if len(parts) > 1 else None
    if subscription is None:
        return None
    if len(parts) == 2:
        return "resourcecontainers", _of_subscription(world, subscription)
    if len(parts) == 4:
        group = subscription.group(parts[3])
        return ("resourcecontainers", _of_group(world, group)) if group else None
    resource = world.store.get(resource_id)
    if resource is not None:
        return ("resources", _of_resource(world, resource)) if "location" in resource.body else None
    vault = world.recovery.get("/" + "/".join(parts[:8]))
    for row in _in_vault(world, vault) if vault else ():
        if ids.key(row("id")) == ids.key(resource_id):
            return "recoveryservicesresources", row
    return None


def _resources(world: World, subscription: Subscription) -> Iterator[Row]:
    # Links and locks are extension resources: Resource Graph does not have them.
    found = world.store.in_subscription(subscription.id)
    return (_of_resource(world, each) for each in found if "location" in each.body)


def _containers(world: World, subscription: Subscription) -> Iterator[Row]:
    yield _of_subscription(world, subscription)
    for group in subscription.groups.values():
        yield _of_group(world, group)


def _recovery(world: World, subscription: Subscription) -> Iterator[Row]:
    for resource in world.store.of_type(subscription.id, VAULT):
        vault = world.recovery.get(ids.key(resource.id))
        if vault:
            yield from _in_vault(world, vault)


_ROWS: dict[str, Callable[[World, Subscription], Iterator[Row]]] = {
    "resources": _resources,
    "resourcecontainers": _containers,
    "recoveryservicesresources": _recovery,
}


def _of_subscription(world: World, subscription: Subscription) -> Row:
    body = subscription.body()
    shown: Json = {name: body[name] for name in ("id", "state", "subscriptionPolicies", "managedByTenants")}
    named = {"name": subscription.name, "type": "Microsoft.Resources/subscriptions", "tags": subscription.tags}
    return _row(world, {"id": shown.pop("id"), **named}, lambda: shown)


def _of_group(world: World, group: ResourceGroup) -> Row:
    body = group.body() | {"type": "Microsoft.Resources/subscriptions/resourceGroups"}
    return _row(world, body, lambda: body["properties"])


def _of_resource(world: World, resource: Resource) -> Row:
    if isinstance(resource, VirtualMachine):
        return _row(world, resource.body, lambda: _of_vm(resource))
    return _row(world, resource.body, lambda: resource.body.get("properties"))


def _of_vm(vm: VirtualMachine) -> Json:
    """With what Resource Graph adds to a VM: a part of its instance view, as `extended`."""
    code = f"PowerState/{vm.power}"
    power = {"code": code, "level": "Info", "displayStatus": POWER_STATES[vm.power]}
    return {**vm.properties, "extended": {"instanceView": {"hyperVGeneration": "V2", "powerState": power}}}


def _in_vault(world: World, vault: RecoveryVault) -> Iterator[Row]:
    for item in vault.items():
        if item_view.shown(world, item):
            yield _of_item(world, item)
    for policy in vault.policies.values():
        if scope.visible(world, policy.ready):
            yield _of_policy(world, policy)
    for job in vault.jobs.values():
        yield _of_job(world, job)


def _of_item(world: World, item: ProtectedItem) -> Row:
    head = {"id": item.id, "name": item.name, "type": item_view.TYPE}
    return _row(world, head, lambda: item_view.view(world, item)["properties"])


def _of_policy(world: World, policy: Policy) -> Row:
    body = views.policy(policy)
    return _row(world, body, lambda: body["properties"])


def _of_job(world: World, job: Job) -> Row:
    head = {"id": job.id, "name": job.name, "type": job_view.TYPE}
    return _row(world, head, lambda: job_view.view(world, job, full=False)["properties"])


def _row(world: World, body: Json, properties: Callable[[], Any]) -> Row:
    def column(name: str) -> Any:
        made = _MADE.get(name)
        if made:
            return made(body)
        if name == "properties":
            return properties()
        if name == "tenantId":
            return world.store.tenant_id
        value = body.get(name)
        return "" if value is None and COLUMNS[name] == "string" else value

    return column


def _group_of(body: Json) -> str:
    parts: list[str] = body["id"].split("/")
    return parts[4].lower() if len(parts) > 4 else ""


_MADE: dict[str, Callable[[Json], str]] = {
    "type": lambda body: str(body["type"]).lower(),
    "subscriptionId": lambda body: str(body["id"].split("/")[2]),
    "resourceGroup": _group_of,
}

"""Tenants, subscriptions, their resource groups, and what is in them."""

import re

from local.simulator import checks, errors, ids, regions, versions
from local.simulator.arm import names
from local.simulator.errors import ArmError
from local.simulator.paging import page
from local.simulator.routing import Routes
from local.simulator.store import Resource, ResourceGroup
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("resources")
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_TYPES = (
    ("Microsoft.Compute", "virtualMachines", "virtual-machines"),
    ("Microsoft.Compute", "availabilitySets", "virtual-machines"),
    ("Microsoft.Compute", "disks", "disks"),
    ("Microsoft.Network", "virtualNetworks", "network"),
    ("Microsoft.Network", "networkInterfaces", "network"),
    ("Microsoft.Network", "networkSecurityGroups", "network"),
    ("Microsoft.Storage", "storageAccounts", "storage"),
    ("Microsoft.RecoveryServices", "vaults", "vaults"),
)
_EQUALS = re.compile(r"^(\w+) eq '([^']*)'$", re.IGNORECASE)


@routes.route("GET", "/tenants")
def list_tenants(world: World, _call: Call) -> Answer:
    tenant = world.store.tenant_id
    body = {"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": "Local", "tenantCategory": "Home"}
    return Answer(200, {"value": [body]})


@routes.route("GET", "/subscriptions")
def list_subscriptions(world: World, call: Call) -> Answer:
    body = page(world, call, [each.body() for each in world.store.subscriptions.values()])
    return Answer(200, {**body, "count": {"type": "Total", "value": len(world.store.subscriptions)}})


@routes.route("GET", "/subscriptions/{subscription}")
def get_subscription(world: World, call: Call) -> Answer:
    subscription = world.store.subscription(call["subscription"])
    if subscription is None:
        raise errors.subscription_not_found(call["subscription"])
    return Answer(200, subscription.body())


@routes.route("GET", "/subscriptions/{subscription}/locations")
def list_locations(_world: World, call: Call) -> Answer:
    values: list[Json] = [
        {
            "id": f"/subscriptions/{call['subscription']}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
        }
        for name, display in regions.DISPLAY_NAMES.items()
    ]
    return Answer(200, {"value": values})


@routes.route("POST", "/subscriptions/{subscription}/providers/{namespace}/register", api="any")
@routes.route("GET", "/subscriptions/{subscription}/providers/{namespace}", api="any")
def get_provider(_world: World, call: Call) -> Answer:
    namespace = call["namespace"]
    return Answer(
        200,
        {
            "id": f"/subscriptions/{call['subscription']}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [
                {
                    "resourceType": kind,
                    "locations": list(regions.DISPLAY_NAMES.values()),
                    "apiVersions": sorted(versions.VERSIONS[api], reverse=True),
                }
                for owner, kind, api in _TYPES
                if owner.lower() == namespace.lower()
            ],
        },
    )


@routes.route("GET", "/subscriptions/{subscription}/resourceGroups")
def list_groups(world: World, call: Call) -> Answer:
    subscription = world.store.subscription(call["subscription"])
    wanted = _filter(call.query.get("$filter", ""), "tagname", "tagvalue")
    groups = list(subscription.groups.values()) if subscription else []
    shown = [_expanded(call, each, each.body()) for each in groups if _is_tagged(each.tags or {}, wanted)]
    return Answer(200, page(world, call, shown))


@routes.route("GET", _GROUP)
def get_group(world: World, call: Call) -> Answer:
    group = _group(world, call)
    return Answer(200, _expanded(call, group, group.body()))


@routes.route("HEAD", _GROUP)
def group_exists(world: World, call: Call) -> Answer:
    found = world.store.group(ids.group_id(call["subscription"], call["group"]))
    return Answer(204 if found else 404)


@routes.route("PUT", _GROUP)
def put_group(world: World, call: Call) -> Answer:
    body = checks.body(call)
    name = call["group"]
    names.check_group(name)
    location = regions.check(checks.get(body, "location", str, required=True), "Microsoft.Resources/resourceGroups")
    subscription = world.store.subscription(call["subscription"])
    if subscription is None:
        raise errors.subscription_not_found(call["subscription"])
    group = subscription.group(name)
    if group and regions.canonical(group.location) != location:
        raise ArmError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{location}'. The Resource group already exists in location "
            f"'{group.location}'.",
        )
    created = group is None
    if group is None:
        group = ResourceGroup(ids.group_id(subscription.id, name), name, location)
        subscription.groups[ids.key(name)] = group
    group.tags = checks.strings(body, "tags") or ({} if "tags" in body else None)
    group.managed_by = checks.get(body, "managedBy", str) or group.managed_by
    return Answer(201 if created else 200, group.body())


def _group(world: World, call: Call) -> ResourceGroup:
    group = world.store.group(ids.group_id(call["subscription"], call["group"]))
    if group is None:
        raise errors.group_not_found(call["group"])
    return group


@routes.route("GET", "/subscriptions/{subscription}/resources", _GROUP + "/resources")
def list_resources(world: World, call: Call) -> Answer:
    if "group" in call.params:
        found = world.store.in_group(ids.group_id(call["subscription"], call["group"]))
    else:
        found = world.store.in_subscription(call["subscription"])
    wanted = _filter(call.query.get("$filter", ""), "resourcetype", "name", "location", "tagname", "tagvalue")
    values = [
        _expanded(call, each, _summary(each, wanted)) for each in found if _listed(each) and _matches(each, wanted)
    ]
    top = checks.whole(call.query.get("$top"), "$top")
    return Answer(200, page(world, call, values[:top]))


def _expanded(call: Call, what: Resource | ResourceGroup, body: Json) -> Json:
    """Adds `createdTime` if `$expand` names it (for resource groups: Azure/azure-powershell#27865)."""
    return body | {"createdTime": what.created} if "createdtime" in call.query.get("$expand", "").lower() else body


def _listed(resource: Resource) -> bool:
    # Links and locks are extension resources, which ARM does not list.
    return "location" in resource.body


def _filter(text: str, *known: str) -> dict[str, str]:
    """`resourceType eq 'x' and tagName eq 'y'`: what the az CLI sends. Raises ArmError 400 for anything else."""
    wanted: dict[str, str] = {}
    for part in filter(None, (part.strip(" ()") for part in text.split(" and "))):
        found = _EQUALS.match(part)
        if not found or found[1].lower() not in known:
            raise ArmError(
                400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string."
            )
        wanted[found[1].lower()] = found[2].lower()
    return wanted


def _matches(resource: Resource, wanted: dict[str, str]) -> bool:
    facts = {
        "resourcetype": resource.type.lower(),
        "name": resource.name.lower(),
        "location": resource.location.lower(),
    }
    if any(facts[name] != value for name, value in wanted.items() if name in facts):
        return False
    return _is_tagged(resource.tags, wanted)


def _is_tagged(given: dict[str, str], wanted: dict[str, str]) -> bool:
    tags = {name.lower(): value.lower() for name, value in given.items()}
    if "tagname" not in wanted:
        return True
    return wanted["tagname"] in tags and wanted.get("tagvalue", tags[wanted["tagname"]]) == tags[wanted["tagname"]]


def _summary(resource: Resource, wanted: dict[str, str]) -> Json:
    """Filtered by name and value of a tag, resources are listed without tags (description of Resources_List)."""
    names = ["id", "name", "type", "location", "tags", "sku", "kind", "managedBy", "zones"]
    if "tagvalue" in wanted:
        names.remove("tags")
    return {name: resource.body[name] for name in names if name in resource.body}

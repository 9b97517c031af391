"""Recovery Services vaults; their content is in recovery/."""

from local.simulator import checks, errors, latencies, operations, regions
from local.simulator.arm import bodies
from local.simulator.errors import ArmError
from local.simulator.ids import ResourceId, stable_guid
from local.simulator.paging import listed, page
from local.simulator.routing import Routes
from local.simulator.store import Resource
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("vaults")
TYPE = "Microsoft.RecoveryServices/vaults"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.RecoveryServices/vaults"


@routes.route("GET", "/subscriptions/{subscription}/providers/Microsoft.RecoveryServices/vaults", _GROUP)
def list_vaults(world: World, call: Call) -> Answer:
    found = listed(world, call, TYPE)
    return Answer(200, page(world, call, [each.body for each in found]))


@routes.route("GET", _GROUP + "/{vault}")
def get_vault(world: World, call: Call) -> Answer:
    found = world.store.get(call.path)
    if found is None:
        raise errors.resource_not_found(TYPE, call["vault"], call["group"])
    return Answer(200, found.body)


@routes.route("PUT", _GROUP + "/{vault}")
def put_vault(world: World, call: Call) -> Answer:
    body = checks.body(call)
    location = regions.check(checks.get(body, "location", str, required=True), TYPE)
    checks.get(body, "sku.name", str, required=True)
    kind = checks.get(body, "identity.type", str)
    old = world.store.get(call.path)
    if old is not None and old.location != location:
        raise ArmError(409, "InvalidResourceLocation", f"The vault already exists in location '{old.location}'.")
    if old is not None:
        old.body["tags"] = checks.strings(body, "tags") or {}
        identify(world.store.tenant_id, old, kind)
        return Answer(200, old.body)
    made = vault(bodies.child(call.path, ""), location, world.clock.stamp(), checks.strings(body, "tags"))
    identify(world.store.tenant_id, made, kind)
    world.store.add(made)
    made.properties["provisioningState"] = "Provisioning"
    operation = operations.begin(
        world,
        call,
        "Microsoft.RecoveryServices",
        latencies.VAULT,
        done=lambda _moment: made.properties.update(provisioningState="Succeeded"),
    )
    return Answer(201, made.body, operations.async_headers(world, call, operation, location))


def vault(parsed: ResourceId, location: str, time: str, tags: dict[str, str] | None) -> Resource:
    properties: Json = {
        "provisioningState": "Succeeded",
        "privateEndpointStateForBackup": "None",
        "privateEndpointStateForSiteRecovery": "None",
        "backupStorageVersion": "Unassigned",
        "monitoringSettings": {
            "azureMonitorAlertSettings": {"alertsForAllJobFailures": "Enabled"},
            "classicAlertSettings": {"alertsForCriticalOperations": "Enabled"},
        },
        "securitySettings": {
            "immutabilitySettings": None,
            "softDeleteSettings": {"softDeleteRetentionPeriodInDays": 14, "softDeleteState": "Enabled"},
            "multiUserAuthorization": "Disabled",
        },
        "publicNetworkAccess": "Enabled",
        "restoreSettings": {"crossSubscriptionRestoreSettings": {"crossSubscriptionRestoreState": "Enabled"}},
    }
    made = bodies.resource(parsed, location, tags, properties)
    made.body |= {"sku": {"name": "Standard"}, "etag": f"W/\"datetime'{time}'\""}
    return made


def identify(tenant: str, found: Resource, kind: str | None) -> None:
    """Sets the identity type of a vault; None keeps it."""
    if kind == "SystemAssigned":
        principal = stable_guid("principal", found.id)
        found.body["identity"] = {"type": kind, "principalId": principal, "tenantId": tenant}
    elif kind == "None":
        found.body["identity"] = {"type": kind}
    elif kind is not None:
        raise ArmError(400, "BadRequest", f"The identity type '{kind}' is not supported.")

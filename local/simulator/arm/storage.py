"""Storage accounts: PUT of a new one returns 202 with only a Location header."""

import base64
import hashlib
import re

from local.simulator import checks, errors, ids, latencies, operations, regions
from local.simulator.arm import bodies, storage_bodies, tags
from local.simulator.errors import ArmError
from local.simulator.paging import listed, page
from local.simulator.routing import Routes
from local.simulator.store import Resource, StorageAccount
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("storage")
TYPE = "Microsoft.Storage/storageAccounts"
_SUBSCRIPTION = "/subscriptions/{subscription}/providers/Microsoft.Storage/"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts"
_ACCOUNT = _GROUP + "/{name}"
_NAME = re.compile(r"^[a-z0-9]{3,24}$")
_SETTINGS: dict[str, type] = {
    "allowSharedKeyAccess": bool,
    "allowBlobPublicAccess": bool,
    "supportsHttpsTrafficOnly": bool,
    "minimumTlsVersion": str,
    "publicNetworkAccess": str,
    "accessTier": str,
}


@routes.route("GET", _SUBSCRIPTION + "storageAccounts", _GROUP)
def list_accounts(world: World, call: Call) -> Answer:
    found = listed(world, call, TYPE)
    return Answer(200, page(world, call, [each.body for each in found]))


@routes.route("GET", _ACCOUNT)
def get_account(world: World, call: Call) -> Answer:
    found = world.store.get(call.path)
    if found is None or found.properties["provisioningState"] != "Succeeded":
        raise errors.resource_not_found(TYPE, call["name"], call["group"])
    return Answer(200, found.body, content_type="application/json")


@routes.route("GET", _ACCOUNT + "/blobServices/default")
def get_blob_service(world: World, call: Call) -> Answer:
    found = world.store.get(call.path.rsplit("/", 2)[0])
    if not isinstance(found, StorageAccount) or found.properties["provisioningState"] != "Succeeded":
        raise errors.resource_not_found(TYPE, call["name"], call["group"])
    if found.body["kind"] == "FileStorage":
        raise ArmError(400, "FeatureNotSupportedForAccount", "Blob is not supported for the account.")
    return Answer(200, storage_bodies.blob_service(found), content_type="application/json")


@routes.route("PUT", _ACCOUNT)
def put_account(world: World, call: Call) -> Answer:
    body = checks.body(call)
    name = call["name"]
    if not _NAME.match(name):
        raise ArmError(
            400,
            "AccountNameInvalid",
            f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
            "length and use numbers and lower-case letters only.",
        )
    location = regions.check(checks.get(body, "location", str, required=True), TYPE)
    kind = checks.get(body, "kind", str, required=True)
    sku = checks.get(body, "sku.name", str, required=True)
    if not storage_bodies.are_a_pair(kind, sku):
        wrong = "kind, sku" if kind in storage_bodies.KINDS else "kind"
        raise ArmError(
            400,
            "InvalidValuesForRequestParameters",
            f"Values for request parameters are invalid: {wrong}. For more information, see - "
            "https://aka.ms/storageaccountset",
        )
    settings = _settings(body)
    given = checks.strings(body, "tags")
    tags.check(given or {})
    old = _owner(world, name)
    if old is not None and ids.key(old.id) != ids.key(call.path):
        if old.id.split("/")[2].lower() == call["subscription"].lower():
            message = f"The account {name} is already in another resource group in this subscription."
            raise ArmError(409, "StorageAccountInAnotherResourceGroup", message)
        raise ArmError(409, "StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")
    if old is not None:
        return _rewrite(call, old, location, given, settings)
    made = storage_bodies.account(bodies.child(call.path, ""), location, kind, sku, given, world.clock.stamp())
    made.properties.update(settings, provisioningState="Creating")
    world.store.add(made)
    operation = operations.begin(
        world,
        call,
        "Microsoft.Storage",
        latencies.STORAGE_ACCOUNT,
        done=lambda _moment: made.properties.update(provisioningState="Succeeded"),
        result=lambda: made.body,
        retry_after=latencies.STORAGE_RETRY_AFTER,
    )
    if call.doomed is not None:
        world.store.remove(made.id)
    return Answer(202, None, operations.location_headers(world, call, operation, location))


def _settings(body: Json) -> Json:
    """The account settings in a body. Raises ArmError 400."""
    found = {
        name: value
        for name, kind in _SETTINGS.items()
        if (value := checks.get(body, f"properties.{name}", kind)) is not None
    }
    rules = checks.get(body, "properties.networkAcls", dict)
    if rules is not None:
        action = checks.get(rules, "defaultAction", str, required=True)
        bypass = checks.get(rules, "bypass", str) or "AzureServices"
        found["networkAcls"] = {**storage_bodies.network_rules(action, bypass), **rules}
    return found


def _rewrite(call: Call, account: Resource, location: str, given: dict[str, str] | None, settings: Json) -> Answer:
    """PUT of an existing account returns its body at once (CLI-A2A #46)."""
    if account.location != location:
        raise errors.other_location(account.name, account.location, call["group"], location)
    if account.properties["provisioningState"] != "Succeeded":
        # The storage provider rejects a second PUT while the first still runs.
        message = "An operation is currently performing on this storage account that requires exclusive access."
        raise ArmError(409, "StorageAccountOperationInProgress", message)
    if given is not None:
        account.body["tags"] = given
    account.properties.update(settings)
    return Answer(200, account.body, content_type="application/json")


@routes.route("POST", _ACCOUNT + "/listKeys")
def list_keys(world: World, call: Call) -> Answer:
    account = world.store.get(call.path.rsplit("/", 1)[0])
    if account is None:
        raise errors.resource_not_found(TYPE, call["name"], call["group"])
    keys = []
    for name in ("key1", "key2"):
        secret = base64.b64encode(hashlib.sha512(f"{account.id}{name}".encode()).digest()).decode()
        created = account.properties["creationTime"]
        keys.append({"keyName": name, "value": secret, "permissions": "FULL", "creationTime": created})
    return Answer(200, {"keys": keys}, content_type="application/json")


@routes.route("POST", _SUBSCRIPTION + "checkNameAvailability")
def check_name(world: World, call: Call) -> Answer:
    name = checks.get(checks.body(call), "name", str, required=True)
    if not _NAME.match(name):
        reason, message = "AccountNameInvalid", f"{name} is not a valid storage account name."
    elif _owner(world, name) is not None:
        reason, message = "AlreadyExists", f"The storage account named {name} is already taken."
    else:
        return Answer(200, {"nameAvailable": True}, content_type="application/json")
    return Answer(200, {"nameAvailable": False, "reason": reason, "message": message}, content_type="application/json")


def _owner(world: World, name: str) -> Resource | None:
    """The account with this name in any subscription: names are globally unique."""
    for subscription in world.store.subscriptions:
        for account in world.store.of_type(subscription, TYPE):
            if account.name.lower() == name.lower():
                return account
    return None

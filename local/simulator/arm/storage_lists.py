"""What is in a storage account, as Azure Resource Manager lists it: names, never data."""

import re

from local.simulator import checks, errors, ids
from local.simulator.arm.storage import TYPE
from local.simulator.errors import ArmError
from local.simulator.ids import stable_guid
from local.simulator.routing import Routes
from local.simulator.store import StorageAccount
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("storage")
_JSON = "application/json"
_ACCOUNT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
_CONTAINER = f"{_ACCOUNT}/blobServices/default/containers/{{container}}"
_CONTAINER_NAME = re.compile(r"\$root|\$web|\$logs|[a-z0-9](-?[a-z0-9]){2,62}")
# The service that holds each kind, and how it is called in a refusal.
KINDS = {
    "containers": ("blobServices", "Blob"),
    "shares": ("fileServices", "File"),
    "queues": ("queueServices", "Queue"),
    "tables": ("tableServices", "Table"),
}
_ONLY = {"FileStorage": {"shares"}, "BlockBlobStorage": {"containers"}, "BlobStorage": {"containers"}}


@routes.route("GET", *(f"{_ACCOUNT}/{service}/default/{kind}" for kind, (service, _) in KINDS.items()))
def list_content(world: World, call: Call) -> Answer:
    kind = call.path.rsplit("/", 1)[-1].lower()
    found = _account(world, call, kind)
    shown = [_body(found, kind, name) for name in found.content.get(kind, ())]
    return Answer(200, world.page(call, shown), content_type=_JSON)


@routes.route("GET PUT DELETE", _CONTAINER)
def container(world: World, call: Call) -> Answer:
    """The only content that can be written: a container is there, or not, and has no settings."""
    account, name = _account(world, call, "containers"), call["container"].lower()
    names = account.content.setdefault("containers", [])
    there = name in names
    if call.method == "PUT":
        checks.body(call)
        if not _CONTAINER_NAME.fullmatch(name):
            raise ArmError(400, "ContainerOperationFailure", f"The container name '{name}' is invalid.")
        names += [] if there else [name]
        return Answer(200 if there else 201, _body(account, "containers", name), content_type=_JSON)
    if call.method == "DELETE":
        names[:] = [each for each in names if each != name]
        return Answer(200 if there else 204)
    if not there:
        raise ArmError(404, "ContainerNotFound", "The specified container does not exist.")
    return Answer(200, _body(account, "containers", name), content_type=_JSON)


def _account(world: World, call: Call, kind: str) -> StorageAccount:
    found = world.store.get(f"{ids.group_id(call['subscription'], call['group'])}/providers/{TYPE}/{call['name']}")
    if not isinstance(found, StorageAccount) or found.properties["provisioningState"] != "Succeeded":
        raise errors.resource_not_found(TYPE, call["name"], call["group"])
    if kind not in _ONLY.get(found.body["kind"], KINDS):
        message = f"{KINDS[kind][1]} is not supported for the account."
        raise ArmError(400, "FeatureNotSupportedForAccount", message)
    return found


def _body(account: StorageAccount, kind: str, name: str) -> Json:
    of = f"{KINDS[kind][0]}/default/{kind}"
    body: Json = {"id": f"{account.id}/{of}/{name}", "name": name, "type": f"{TYPE}/{KINDS[kind][0]}/{kind}"}
    if kind == "containers":
        body |= {
            "etag": f'"{stable_guid("etag", body["id"])}"',
            "properties": {
                "deleted": False,
                "remainingRetentionDays": 0,
                "defaultEncryptionScope": "$account-encryption-key",
                "denyEncryptionScopeOverride": False,
                "publicAccess": "None",
                "leaseStatus": "Unlocked",
                "leaseState": "Available",
                "lastModifiedTime": account.properties["creationTime"],
                "hasImmutabilityPolicy": False,
                "hasLegalHold": False,
            },
        }
    return body

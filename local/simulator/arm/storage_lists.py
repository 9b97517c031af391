"""What is in a storage account, as Azure Resource Manager lists it: names, never data."""

from local.simulator import errors
from local.simulator.arm.storage import TYPE
from local.simulator.errors import ArmError
from local.simulator.ids import stable_guid
from local.simulator.routing import Routes
from local.simulator.store import StorageAccount
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("storage")
_ACCOUNT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
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
    found = world.store.get(call.path.rsplit("/", 3)[0])
    if not isinstance(found, StorageAccount) or found.properties["provisioningState"] != "Succeeded":
        raise errors.resource_not_found(TYPE, call["name"], call["group"])
    kind = call.path.rsplit("/", 1)[-1].lower()
    if kind not in _ONLY.get(found.body["kind"], KINDS):
        message = f"{KINDS[kind][1]} is not supported for the account."
        raise ArmError(400, "FeatureNotSupportedForAccount", message)
    shown = [_body(found, kind, name) for name in found.content.get(kind, ())]
    return Answer(200, world.page(call, shown), content_type="application/json")


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

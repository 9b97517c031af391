"""Errors with which Site Recovery rejects a request at once."""

import uuid

from local.simulator.errors import ArmError
from local.simulator.wire import Json


def _detailed(status: int, code: str, inner: str, message: str, causes: str, action: str) -> ArmError:
    detail: Json = {
        "code": inner,
        "message": message,
        "possibleCauses": causes,
        "recommendedAction": action,
        "clientRequestId": str(uuid.uuid4()),
        "activityId": str(uuid.uuid4()),
    }
    return ArmError(status, code, message, details=[detail])


def not_registered() -> ArmError:
    """For a vault that has never had a fabric (Azure/azure-rest-api-specs#12759)."""
    return _detailed(
        400,
        "BadRequest",
        "SubscriptionIdNotRegisteredWithSrs",
        "The resource with ID 2195638768288125375 isn't registered with the service.",
        "The operation failed due to an internal error.",
        "Retry the last action. If the issue persists, contact Support.",
    )


def fabric_missing(name: str) -> ArmError:
    """hashicorp/terraform-provider-azurerm#10595, #11180."""
    return _detailed(
        404,
        "NotFound",
        "FabricArmEntityMissing",
        f"Fabric with name {name} could not be located.",
        "The fabric might have been unregistered from the Microsoft Azure Site Recovery vault.",
        "Retry the operation with a valid site.",
    )


def missing(name: str) -> ArmError:
    """Recorded for a protected item (CLI-SELF #231); for other children it is an inference."""
    return _detailed(
        404,
        "NotFound",
        "ArmResourceDoesNotExist",
        f"Specified resource with name '{name}' does not exist.",
        "The resource might have been deleted.",
        "Retry the operation with a valid resource name.",
    )


def bad_request(message: str, inner: str = "InvalidParameter") -> ArmError:
    """The outer shape is recorded, the inner code is invented."""
    return _detailed(400, "BadRequest", inner, message, "The input is not valid.", "Correct the input and try again.")


def conflict(message: str, inner: str = "OperationNotAllowed") -> ArmError:
    """Invented: no source has the error for an operation that the state does not allow."""
    return _detailed(
        409,
        "Conflict",
        inner,
        message,
        "Another operation is in progress, or the state of the object does not allow this one.",
        "Wait for the running job to end, or choose one of the allowed operations.",
    )

"""Errors of Azure that do not pass by waiting: what each means, and what to do. The docs' table is made of this one.

Azure answers many of them with 409, which otherwise means that another operation is in progress.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple

from shared.planning.catalog import CATALOG

_DEPLOYMENT = "Microsoft, Troubleshoot common Azure deployment errors, 2024-06"
_STORAGE = "Microsoft, error codes of the Storage resource provider"
_NAMED = "Name another account by dr-cache-storage; or move, remove or rename what has the name."
_QUOTA = "Request more quota, or remove what is no longer needed."
_ENABLED = "Have the subscription enabled again: its administrator or its billing account disabled it."


_REGISTER = CATALOG["ProviderNotRegistered"].fix.format(provider="NAMESPACE", subscription="SUBSCRIPTION")


class PermanentError(NamedTuple):
    """`finding` is the code of the finding, where it is not Azure's own; `source` is where the code is documented."""

    means: str
    fix: str
    source: str
    finding: str = ""


PERMANENT_ERRORS = {
    "RequestDisallowedByPolicy": PermanentError(
        "Azure Policy denies the resource: the message names the assignment",
        CATALOG["DisallowedByPolicy"].fix,
        _DEPLOYMENT,
        "DisallowedByPolicy",
    ),
    "MissingSubscriptionRegistration": PermanentError(
        "the resource provider is not registered in the subscription", _REGISTER, _DEPLOYMENT, "ProviderNotRegistered"
    ),
    "InvalidSubscriptionRegistrationState": PermanentError(
        "the resource provider is being unregistered in the subscription",
        _REGISTER,
        _DEPLOYMENT,
        "ProviderNotRegistered",
    ),
    "ReadOnlyDisabledSubscription": PermanentError(
        "the subscription is disabled, and nothing can be written in it",
        _ENABLED,
        "vscode-azureappservice issues 912, 1485",
    ),
    "SubscriptionDisabled": PermanentError("the subscription is disabled", _ENABLED, _STORAGE),
    "ScopeLocked": PermanentError(
        "a management lock forbids the write",
        "Remove the lock that the message names, or make it CanNotDelete.",
        "Microsoft, Lock your Azure resources",
    ),
    "StorageAccountAlreadyTaken": PermanentError(
        "a storage account of this name exists in another subscription or tenant", _NAMED, _DEPLOYMENT
    ),
    "StorageAccountAlreadyExists": PermanentError(
        "a storage account of this name exists elsewhere", _NAMED, _DEPLOYMENT
    ),
    "StorageAccountInAnotherResourceGroup": PermanentError(
        "a storage account of this name is in another resource group of the subscription", _NAMED, _DEPLOYMENT
    ),
    "InvalidResourceLocation": PermanentError(
        "a resource of this name exists in another region",
        "Name another by a tag, or remove or rename that one.",
        _DEPLOYMENT,
    ),
    "RegionDoesNotAllowProvisioning": PermanentError(
        "the subscription may not use this region",
        "Choose another region, or request access to this one.",
        _DEPLOYMENT,
    ),
    "MaxStorageAccountsCountPerSubscriptionExceeded": PermanentError(
        "the subscription has as many storage accounts in the region as it may", _QUOTA, _STORAGE
    ),
    "*QuotaExceeded": PermanentError("a quota of the subscription, group or region is used up", _QUOTA, _DEPLOYMENT),
    "*LimitReached": PermanentError(
        "as many resources exist as may, as with PublicIPCountLimitReached", _QUOTA, _DEPLOYMENT
    ),
    "*LimitExceeded": PermanentError(
        "a limit of the service is reached, of a vault too",
        "Remove what is no longer needed, or use another vault.",
        "by its name; the codes of Site Recovery are not documented",
    ),
}
"""By Azure's code; `*` stands for any text."""


def permanent(code: str) -> PermanentError | None:
    """The row of a code, or None if the error may pass."""
    return next((row for pattern, row in PERMANENT_ERRORS.items() if fnmatchcase(code, pattern)), None)

"""The name of a storage account that does not exist yet: it is unique in all of Azure, and may be held by anybody."""

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from shared.arm.client import Azure
from shared.arm.fields import required
from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import ACCOUNT, STORAGE_API_VERSION
from shared.readers.resource_groups import API_VERSION

ELSEWHERE = "another subscription or tenant"


async def holder_of_name(azure: Azure, account: ResourceId, within: float) -> str:
    """Who holds the name of an account that does not exist: "" if no one or if it is being created, a resource group of
    the subscription, or ELSEWHERE.

    Without the right to ask, "": the creation is then refused if somebody does. Raises HttpResponseError.
    """
    return await azure.shared(f"holder{account.key}", lambda: _holder(azure, account), within)


async def _holder(azure: Azure, account: ResourceId) -> str:
    client = azure.resources(account.subscription)
    request = HttpRequest(
        "POST",
        f"/subscriptions/{account.subscription}/providers/Microsoft.Storage/checkNameAvailability",
        params={"api-version": STORAGE_API_VERSION},
        json={"name": account.name, "type": str(ACCOUNT)},
    )
    try:
        response = await client.send_request(request)
        response.raise_for_status()
    except HttpResponseError as refused:
        if refused.status_code == 403:
            return ""
        raise
    if response.json().get("nameAvailable", True):
        return ""
    condition = f"name eq '{account.name}' and resourceType eq '{ACCOUNT}'"
    path = f"/subscriptions/{account.subscription}/resources"
    async for found in azure.list(path, API_VERSION, **{"$filter": condition}):
        group = required(found["id"]).resource_group
        return "" if folded(group) == folded(account.resource_group) else group
    return ELSEWHERE

"""Find, create and remove target resources of every kind in the table."""

from functools import partial
from time import monotonic
from typing import Any, cast

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError, error_of
from shared.arm.get_or_create import GetOrCreate, PendingCreate
from shared.arm.rate_limit import low_priority
from shared.model.resource_id import ResourceId
from shared.model.resource_types import type_of
from shared.model.step_result import Error, Failed, StepResult
from shared.model.target_resources import REMOVABLE, InVault, TargetResource
from shared.planning import preflight
from shared.planning.catalog import finding_of
from shared.provision import placed, vault_parts  # noqa: F401 (they register the kinds)
from shared.provision.kind import KINDS, IncompatibleResourceError, PlacedKind
from shared.readers.resource_groups import forget_groups
from shared.reconcile.orphans import ResourceUsage
from shared.site_recovery.vault import vault_of

_REFUSALS = {400, 403, 404, 409}


async def ensure(azure: Azure, resource: TargetResource) -> StepResult:
    """Ready if the resource exists, Pending while it is created. Raises HttpResponseError, MissingParentError."""
    kind, recently = KINDS[type(resource)], monotonic() - azure.settings.poll_seconds
    try:
        # Other callers share this read, those of events too: it must not wait with low priority.
        with low_priority(False):
            return await _cache(azure, resource).ensure(
                resource.key,
                partial(kind.find, azure, resource),
                partial(_create, azure, resource),
                partial(kind.forget, azure, resource, recently),
            )
    except IncompatibleResourceError as unfit:
        refused = finding_of("IncompatibleTargetResource", str(unfit), tag=azure.settings.tag_name)
        return Failed(error=Error(code=refused.code, message=refused.message, action=refused.fix), by_settings=True)


async def find(azure: Azure, resource: TargetResource) -> ResourceId | None:
    """The ID of the resource if it exists. Reads only.

    Raises HttpResponseError, IncompatibleResourceError, UnderWayError.
    """
    return await KINDS[type(resource)].find(azure, resource)


async def is_changed(azure: Azure, resource: TargetResource) -> bool:
    """Whether a resource that was not found is changed in place rather than created. Raises HttpResponseError."""
    return await KINDS[type(resource)].is_changed(azure, resource)


async def _create(azure: Azure, resource: TargetResource) -> PendingCreate | ResourceId:
    forbidden = preflight.not_to_be_made(resource, azure.settings)
    if forbidden:
        raise WriteRefusedError(forbidden.code, forbidden.message, forbidden.fix)
    return await KINDS[type(resource)].create(azure, resource)


def known(azure: Azure, resource: TargetResource) -> bool:
    """Whether the resource is in the cache of this process. Makes no call."""
    return _cache(azure, resource).knows(resource.key)


def _cache(azure: Azure, resource: TargetResource) -> GetOrCreate:
    return (vault_of(azure, resource.vault) if isinstance(resource, InVault) else azure).get_or_create


async def usage(azure: Azure, orphan: ResourceId) -> ResourceUsage | None:
    """The usage of a removable resource now, or None if it is gone. Raises HttpResponseError."""
    kind = next(KINDS[each] for each in REMOVABLE if orphan.is_type(each.type))
    return await cast("PlacedKind[Any]", kind).usage(azure, orphan)


async def remove(azure: Azure, orphan: ResourceId) -> str:
    """Requests the removal, once, and does not wait for it. Returns why Azure refused, or "".

    Azure cannot remove a group only if it is empty: a resource created in it between the last read and this call is
    removed with it. The window is short, and the group was created by this app, is older than the grace period, and no
    tagged VM or item needs it. The request is never retried, because a retry would extend the window.

    Raises WriteRefusedError, and HttpResponseError where Azure did not come to a decision.
    """
    azure.check_removal(orphan)
    client = azure.resources(orphan.subscription)
    try:
        if orphan.type:
            version = type_of(orphan).api_version
            await client.resources.begin_delete_by_id(str(orphan), api_version=version, retry_total=0)
        else:
            await client.resource_groups.begin_delete(orphan.resource_group, retry_total=0)
    except HttpResponseError as answer:
        if answer.status_code not in _REFUSALS:
            raise
        return str(error_of(answer))
    azure.forget_resource(orphan)
    forget_groups(azure, orphan, if_before=float("inf"))
    return ""

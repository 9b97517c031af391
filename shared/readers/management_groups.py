"""The subscriptions of the management groups in scope, by Azure Resource Graph, read again every ten minutes."""

import logging
from collections import defaultdict

from shared.arm.client import Azure
from shared.arm.fields import Json, objects, part, required, text
from shared.arm.listing import read_listing
from shared.arm.resource_graph import query
from shared.model.resource_id import ResourceId

log = logging.getLogger("dr.scope")

_KEY = "management groups"
# The chain leads from the subscription's own management group to the root of the tenant. (azure-docs, governance,
# resource-graph, samples: "List all management group ancestors for a specified subscription".) The groups are compared
# here, so that no setting gets into a query.
_SUBSCRIPTIONS = """resourcecontainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, properties
| order by id asc"""


async def resolve_scope(azure: Azure) -> None:
    """Puts the subscriptions of management groups into the scopes of `azure.settings`, if any are named there.

    A read that fails leaves the scopes as they were read last. Raises HttpResponseError, TruncatedError, if there
    were none yet.
    """
    settings = azure.settings
    if settings.source.management_groups or settings.target.management_groups:
        await azure.shared(_KEY, lambda: _resolve(azure))


async def _resolve(azure: Azure) -> None:
    settings = azure.settings
    try:
        found = await _by_group(azure)
    except Exception:
        if not settings.source.is_resolved:
            raise
        log.warning("The subscriptions of the management groups could not be read: the last ones stay", exc_info=True)
    else:
        azure.settings = settings.resolved(found)
        for scope, of, other in (
            ("source", azure.settings.source, "targets"),
            ("target", azure.settings.target, "VMs"),
        ):
            if of.left_out:
                named = ", ".join(map(str, of.left_out))
                log.warning("Left out of the %s scope: %s, which another scope has for %s", scope, named, other)


async def _by_group(azure: Azure) -> dict[str, tuple[ResourceId, ...]]:
    """The subscriptions that the app may read, by the key of each management group above them.

    A subscription whose row cannot be read is in no group: what is out of scope is left alone.
    """
    found: defaultdict[str, list[ResourceId]] = defaultdict(list)

    def ancestors(row: Json) -> tuple[ResourceId, tuple[str, ...]]:
        chain = objects(part(row, "properties"), "managementGroupAncestorsChain")
        return required(row["id"]), tuple(text(each.get("name")).lower() for each in chain)

    rows = await read_listing(query(azure, _SUBSCRIPTIONS, None), "the subscriptions", ancestors, ())
    for subscription, groups in rows.records:
        for group in groups:
            found[group].append(subscription)
    return {group: tuple(sorted(subscriptions)) for group, subscriptions in found.items()}

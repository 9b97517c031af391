"""Orphaned target resources: which carry the tag of this deployment, and what may still need them.

Resource Graph lags by a minute or two, the lists of Resource Manager by seconds. So an orphan is read again right
before its removal, and is kept if a read fails.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shared.arm.client import Azure
from shared.arm.fields import Json, required, text, time_of
from shared.arm.listing import read_listing
from shared.arm.resource_graph import TruncatedError, query
from shared.model import naming
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId, folded
from shared.model.resource_types import NETWORK
from shared.observe.inventory import items_of_others
from shared.readers.networks import interfaces_in
from shared.readers.resource_groups import API_VERSION
from shared.reconcile.inventory import ComplianceReport
from shared.reconcile.orphans import ReferencedResources
from shared.site_recovery.infrastructure_records import NetworkMappingRecord
from shared.site_recovery.vault import vaults_of

_TAGGED = """{table}
| where tostring(tags['{tag}']) =~ '{value}'
| project id
| order by id asc"""


async def made_in_target(azure: Azure) -> dict[ResourceId, datetime | None]:
    """The resources and resource groups that carry the tag of this deployment in the subscriptions of the target scope,
    and when each resource was created: a read does not tell it of every kind.

    By two lists for each subscription that holds some, as Resource Graph shows them: what is too new for it is too new
    to be an orphan as well. Raises HttpResponseError."""
    tag, value = naming.MADE_BY, naming.maker(azure.settings.deployment)
    found: dict[ResourceId, datetime | None] = {}
    condition = _tagged(tag, value)
    for subscription in await _holding(azure, tag, value):
        found |= await _created(azure, subscription, condition, **{"$expand": "createdTime"})
        found |= await _created(azure, subscription, condition, "resourcegroups")
    return found


async def _holding(azure: Azure, tag: str, value: str) -> list[str]:
    """The subscriptions of the target scope that hold something with the tag."""
    every = _subscriptions(azure.settings.target.members)
    found: set[str] = set()
    try:
        for table in ("resources", "resourcecontainers"):
            text = _TAGGED.format(table=table, tag=tag, value=value)
            found |= {required(row["id"]).subscription async for row in query(azure, text, every)}
    except (TruncatedError, TypeError, KeyError, ValueError):
        return every  # some are not known
    return [each for each in every if each in found]


def _tagged(tag: str, value: str) -> str:
    """The filter of a list by tag. The service returns such a list without the tags."""
    return f"tagName eq {_quoted(tag)} and tagValue eq {_quoted(value)}"


async def _created(
    azure: Azure, subscription: str, condition: str, kind: str = "resources", **query: str
) -> dict[ResourceId, datetime | None]:
    """When each resource or resource group of a list was created, where the list shows it. What cannot be read is none
    that the app has made."""
    path = f"/subscriptions/{subscription}/{kind}"

    def created(found: Json) -> tuple[ResourceId, datetime | None]:
        return required(found["id"]), time_of(found.get("createdTime"))

    listed = azure.list(path, API_VERSION, **{"$filter": condition}, **query)
    return dict(await read_listing(listed, path, created, ()))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _subscriptions(scope: Iterable[ResourceId]) -> list[str]:
    return sorted({member.subscription.lower() for member in scope})


async def tagged_since(azure: Azure, compliance_report: ComplianceReport) -> ResourceId | None:
    """A VM that is tagged by now, and that the survey does not know to be: its run may be using anything.

    Raises HttpResponseError.
    """
    settings = azure.settings
    known = {each.vm_id for each in compliance_report.vm_statuses if settings.requests_protection(each.tags)}
    for subscription in _subscriptions(settings.source.members):
        for value in settings.tag_values:
            for vm in await _created(azure, subscription, _tagged(settings.tag_name, value)):
                if vm.is_type(VIRTUAL_MACHINE) and vm in settings.source and vm not in known:
                    return vm
    return None


async def used_elsewhere(azure: Azure, resources: Iterable[ResourceId]) -> dict[ResourceId, str]:
    """The reason to keep each of these resources that an item of another vault names, in any property, as far as
    Resource Graph tells. Raises HttpResponseError, TruncatedError.
    """
    settings = azure.settings
    scope = (*settings.target.members, *settings.source.members, *settings.vault_ids)
    found: dict[ResourceId, str] = {}
    async for row in query(azure, items_of_others(settings, "properties"), _subscriptions(scope)):
        named = folded(json.dumps(row, ensure_ascii=False))
        for resource in resources:
            if f'{resource.key}"' in named or f"{resource.key}/" in named:
                found[resource] = f"{_id_of(row)}, in a vault that is not in DR_VAULT_IDS, names it"
    return found


def _id_of(row: Any) -> str:
    return text(row.get("id")) if isinstance(row, dict) else str(row)[:80]


class Networks:
    """Which VMs that are about to be protected lead to a network, or to something in a group: by their interfaces."""

    def __init__(self, azure: Azure, referenced: ReferencedResources) -> None:
        self._azure = azure
        self._referenced = referenced
        self._sources: list[ResourceId] | None = None

    async def reason_to_keep(self, orphan: ResourceId) -> str:
        """The reason to keep a network or a group, or "". Raises HttpResponseError, NotKnownError."""
        if orphan.is_type(NETWORK) and (mapping := await self._mapping_of_others(orphan)):
            return f"the network mapping {mapping}, which this deployment did not create, leads to it"
        if not (orphan.is_type(NETWORK) or not orphan.type):
            return ""
        if self._referenced.unclear:
            return f"{self._referenced.unclear} names no network, and its VM is gone"
        if not self._referenced.interfaces:
            return ""
        for source in await self._leading_to(orphan):
            if self._referenced.interfaces & await interfaces_in(self._azure, source):
                return f"VMs in {source.name} that are being protected lead to it"
        return ""

    async def _leading_to(self, orphan: ResourceId) -> list[ResourceId]:
        """The source networks whose target network is the orphan, or is in it: by a network mapping, whatever the
        templates of names were then, or by the names that are given now."""
        if self._sources is None:
            condition = f"resourceType eq {_quoted(NETWORK)}"
            subscriptions = _subscriptions(self._azure.settings.source.members)
            self._sources = [
                source for each in subscriptions for source in await _created(self._azure, each, condition)
            ]
        names, mappings = self._azure.settings.names, await self._mappings()
        mapped = {
            each.source_network for each in mappings if orphan in {each.target_network, each.target_network.group_id}
        }
        return [source for source in self._sources if source in mapped or names.may_lead_to(source, orphan)]

    async def _mappings(self) -> list[NetworkMappingRecord]:
        """The network mappings of all vaults. Raises HttpResponseError, NotKnownError."""
        found: list[NetworkMappingRecord] = []
        for vault in vaults_of(self._azure):
            listing = await vault.network_mappings.get(self._azure.settings.poll_seconds)
            listing.check_complete()
            found += listing
        return found

    async def _mapping_of_others(self, network: ResourceId) -> ResourceId | None:
        """A network mapping of another owner. A mapping of this deployment is no use: it stays, for the network of the
        next VM."""
        for mapping in await self._mappings():
            if network in {mapping.source_network, mapping.target_network}:
                _, gap = await self._azure.origins.proof(mapping.id)
                if gap:
                    return mapping.id
        return None

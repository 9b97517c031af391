"""Reads the planning context of a VM. Data that VMs share is read once for all. Reads only."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.arm.fields import Json, objects, part, reference, text, whole
from shared.arm.listing import read_one
from shared.config import override_options
from shared.config.intervals import TTL_SLOW, TTL_STATIC
from shared.config.settings import Settings
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.resource_types import COMPUTE_API_VERSION
from shared.model.values import parts
from shared.model.vm import (
    Claim,
    EligibilityError,
    Existing,
    Lock,
    Network,
    Offer,
    PlanningContext,
    SourceAvailabilitySet,
    SourceNic,
    SourceVm,
)
from shared.observe.cache_account import OwnCache, own_cache
from shared.planning import claims, placement
from shared.planning.overrides import Overrides
from shared.planning.references import references, target_group
from shared.readers.disks import read_disks
from shared.readers.locks import read_locks
from shared.readers.named_resources import read_existing
from shared.readers.networks import is_free, read_network, read_nic
from shared.readers.resource_groups import GroupRecord, lies_in_missing_group, read_group
from shared.readers.skus import read_offer
from shared.readers.target_vms import vms_in
from shared.site_recovery.items import Items
from shared.site_recovery.vault import API_VERSION, Vault, vaults_of

# 3,000 disks of a subscription can be replicated (support matrix): nine full accounts, and names that others hold.
_MOST_ACCOUNTS = 16


class ContextReader:
    """Reads the context of one VM. Nearly static data is cached for hours, unless `refresh` is set.

    All methods raise HttpResponseError.
    """

    def __init__(self, azure: Azure, vm: SourceVm, overrides: Overrides, vault: Vault, *, refresh: bool) -> None:
        self._azure = azure
        self._vm = vm
        self._overrides = overrides
        self._vault = vault
        # What lies outside the target scope is not even read.
        self._within = azure.settings.poll_seconds * (1 if refresh else TTL_STATIC)
        self._slowly = azure.settings.poll_seconds * (1 if refresh else TTL_SLOW)

    async def before_enabling(self, group: GroupRecord | None) -> PlanningContext:
        """The context of a VM that is not protected yet."""
        nics = tuple([nic for nic in await asyncio.gather(*map(self._nic, self._vm.nic_ids)) if nic])
        # Needed for enabling, too; and a vault without fabrics has no mappings.
        await self._vault.fabrics.get(self._within)
        context = await self._common(nics, await self._vault.network_mappings.get(), None)
        target = context.target_location
        static = {nic.address: nic for nic in nics if nic.static}
        (errors, offer, locks, disks, cache, taken), target_vm, scale_set, (there, of_vault) = await asyncio.gather(
            asyncio.gather(
                self._eligibility_errors(),
                self._offer(target),
                self._locks(target),
                self._disks(),
                self._default_cache(context),
                self._taken(context, static),
            ),
            self._target_vm(target),
            self._scale_set(),
            self._groups(target),
        )
        more = {
            "vault_group_location": of_vault.location if of_vault else "",
            "group_managed_by": group.managed_by if group else "",
            "eligibility_errors": errors,
            "offer": offer,
            "locks": locks,
            "scale_set": scale_set,
            **disks,
            "existing": (*context.existing, *cache.existing, *([there] if there else ())),
            "taken_accounts": cache.taken,
            "taken_addresses": (*context.taken_addresses, *taken),
            "target_vm": target_vm,
        }
        return context.model_copy(update=more)

    async def of_item(self, item: ProtectedItem) -> PlanningContext:
        """The context of a protected VM. The item itself lists the interfaces."""
        nics = tuple(
            SourceNic(
                id=nic.source,
                subnet=nic.source_network.child("subnets", nic.subnet),
                configuration=nic.configuration,
                address=nic.address,
            )
            for nic in item.nics
            if nic.source_network and nic.subnet
        )
        mappings = await self._vault.network_mappings.get(self._within)
        context = await self._common(nics, mappings, item)
        more: dict[str, Any] = {"target_vm": await self._target_vm(context.target_location, item)}
        late = {disk.id for disk in self._vm.disks} - {disk.id for disk in item.disks}
        if late or self._overrides.requested.keys() & {"target-size", "target-disk-type", "replica-disk-type"}:
            more["offer"] = await self._offer(context.target_location)
        if late:
            more |= await self._disks()
        return context.model_copy(update=more)

    async def _common(
        self, nics: tuple[SourceNic, ...], mappings: Iterable[Any], item: ProtectedItem | None
    ) -> PlanningContext:
        """The common part. The target region is that of the item; without one, the requested region."""
        azure, vm, overrides = self._azure, self._vm, self._overrides
        vault = await self._vault.about.get(self._within)
        of_item = item.settings.target_location if item else ""
        target = of_item or placement.location(vm, overrides, azure.settings, vault.location).value
        there = [each for each in mappings if each.target_location == target]
        mapped = {each.source_network.key: each.target_network for each in there}
        sources = sorted({nic.network for nic in nics})
        requested = self._named(target)
        names = overrides.names_between(vm.location, target)
        targets = {mapped.get(source.key, names.sibling(source)) for source in sources}
        targets |= {resource for tag, resource in requested if tag == "target-vnet"}
        caches = {resource for tag, resource in requested if tag == "cache-storage"}
        networks, target_networks, existing, availability_set = await asyncio.gather(
            # A network that serves as the model of a target is refreshed more often than one that is only compared.
            self._networks(sources, mapped),
            asyncio.gather(*(self._target_network(each, target) for each in sorted(targets))),
            asyncio.gather(
                *(read_existing(azure, each, self._within, caches) for each in {each for _, each in requested})
            ),
            self._availability_set(),
        )
        known = [await each.items.get() for each in vaults_of(azure)]
        public = [claims.public_ip(found) for tag, found in requested if tag == "target-public-ip"]
        group = overrides.requested.get("consistency-group")
        target_set = placement.default_set(vm, overrides, target)
        context = PlanningContext(
            vault_location=vault.location,
            target_location=target,
            vault_has_identity=vault.has_identity,
            nics=nics,
            networks=networks,
            mapped_networks={source.key: mapped[source.key] for source in sources if source.key in mapped},
            led_to={each.key: tuple(sorted(_leading_to(each, there, known) - set(sources))) for each in targets},
            target_networks=tuple(network for network in target_networks if network),
            availability_set=availability_set,
            existing=tuple(found for found in existing if found),
            replicated_disks=sum(items.replicated_disks[vm.id.subscription.lower(), target] for items in known),
            cached_disks=_cached_disks(vm, known, azure.settings),
            claims=await self._claims((*claims.wanted(vm, overrides, target, item), *public)),
            group_members=tuple(member for items in known for member in items.in_group(group.value)) if group else (),
            in_target_set=tuple(each for items in known for each in items.in_set(target_set)) if target_set else (),
        )
        addresses = parts(overrides.requested["target-ip"].value).items() if "target-ip" in overrides.requested else ()
        by_name = {nic.id.name.lower(): nic for nic in nics}
        fixed = {address: by_name.get(name) or next(iter(nics), None) for name, address in addresses}
        taken = await self._taken(context, {address: nic for address, nic in fixed.items() if nic})
        return context.model_copy(update={"taken_addresses": taken})

    async def _default_cache(self, context: PlanningContext) -> OwnCache:
        """The app's own account, unless an override names another: it may have been changed since it was created."""
        if "cache-storage" in self._overrides.requested:
            return OwnCache()
        churn = self._overrides.requested.get("churn")
        high = churn is not None and churn.value == override_options.HIGH_CHURN
        return await own_cache(self._azure, self._vm, context.cached_disks, self._within, high_churn=high)

    async def _disks(self) -> dict[str, Any]:
        """What the disks themselves tell: which are shared, and which are private."""
        attached = [disk.id for disk in self._vm.disks]
        read = await read_disks(self._azure, attached, self._within)
        found = {disk: read[disk] for disk in attached if disk in read}
        return {
            "shared_disks": tuple(disk for disk, record in found.items() if record.shares > 1),
            "private_disks": {disk.key: record.access for disk, record in found.items() if record.access.is_private},
        }

    async def _nic(self, nic: ResourceId) -> SourceNic | None:
        return await read_nic(self._azure, nic)

    async def _networks(self, sources: list[ResourceId], mapped: dict[str, ResourceId]) -> tuple[Network, ...]:
        reads = [
            read_network(self._azure, each, self._within if each.key in mapped else self._slowly) for each in sources
        ]
        return tuple([network for network in await asyncio.gather(*reads) if network])

    async def _target_network(self, network: ResourceId, target: str) -> Network | None:
        """The network; None without a read if it would lie in the default target group, and that does not exist."""
        own = self._azure.settings.names.between(self._vm.location, target).group(self._vm.id)
        if network.group_id == own and await lies_in_missing_group(self._azure, network):
            return None
        return await read_network(self._azure, network, self._within)

    async def _claims(self, wanted: Iterable[claims.Wanted]) -> tuple[Claim, ...]:
        """Which of these another VM is to have after a failover."""
        of_vaults = [(await vault.items.get()).claims for vault in vaults_of(self._azure)]
        asked = tuple(wanted)
        return tuple(claim for known in of_vaults for claim in known.of_others(self._vm.id, asked))

    async def _taken(self, context: PlanningContext, addresses: dict[str, SourceNic]) -> tuple[str, ...]:
        """The addresses that are in use in the target network, or that another VM is to have there."""
        target = context.target_location
        chosen = [each for tag, each in references(self._vm, self._overrides, target) if tag == "target-vnet"]
        there = {network.id for network in context.target_networks}
        taken = []
        for address, nic in addresses.items():
            by_name = self._overrides.names_between(self._vm.location, target).sibling(nic.network)
            network = next(iter(chosen), context.mapped_networks.get(nic.network.key, by_name))
            claimed = await self._claims([claims.address_in(network, address)])
            if claimed or (network in there and not await is_free(self._azure, network, address)):
                taken.append(address)
        return tuple(taken)

    def _named(self, target: str) -> list[tuple[str, ResourceId]]:
        """The resources that overrides name, with the target region given, as far as they are in the target scope."""
        named = references(self._vm, self._overrides, target)
        return [(tag, found) for tag, found in named if found in self._azure.settings.target]

    async def _target_vm(self, target: str, item: ProtectedItem | None = None) -> ResourceId | None:
        """The VM that exists already under the ID of the one that a failover is to create."""
        wanted = placement.target_vm(self._vm, self._overrides, target, item)
        if wanted is None or wanted not in self._azure.settings.target:
            return None
        if await lies_in_missing_group(self._azure, wanted):
            return None
        return wanted if wanted in await vms_in(self._azure, wanted.group_id) else None

    async def _eligibility_errors(self) -> tuple[EligibilityError, ...]:
        """The errors of the service's own eligibility check. A missing result is no error: the service does not know
        every VM."""
        path = f"{self._vm.id}/providers/Microsoft.RecoveryServices/replicationEligibilityResults/default"
        try:
            result = await self._azure.get(path, API_VERSION)
        except HttpResponseError as answer:
            if is_missing(answer):
                return ()
            raise
        return read_one(result, "the eligibility of the VM", _errors_of)

    async def _offer(self, target: str) -> Offer:
        requested = self._overrides.requested.get("target-size")
        wanted = {self._vm.size.lower(), requested.value.lower() if requested else ""} - {""}
        subscription = target_group(self._vm, self._overrides, target).subscription
        try:
            return await read_offer(self._azure, subscription, target, wanted, self._within)
        except HttpResponseError as answer:
            # A region that does not exist offers nothing.
            if answer.status_code == HTTPStatus.BAD_REQUEST:
                return Offer()
            raise

    async def _locks(self, target: str) -> tuple[Lock, ...]:
        group = target_group(self._vm, self._overrides, target)
        named = (each.subscription for tag, each in self._named(target) if tag == "cache-storage")
        subscriptions = {
            each.lower() for each in (self._vm.id.subscription, self._vault.id.subscription, group.subscription, *named)
        }
        found = await asyncio.gather(*(read_locks(self._azure, each, self._within) for each in sorted(subscriptions)))
        return tuple(lock for locks in found for lock in locks)

    async def _groups(self, target: str) -> tuple[Existing | None, GroupRecord | None]:
        """The default target group, if it exists, and the group of the vault: by the lists of their subscriptions."""
        own = self._overrides.names_between(self._vm.location, target).group(self._vm.id)
        return await asyncio.gather(
            read_existing(self._azure, own, self._within, set()),
            read_group(self._azure, self._vault.id.group_id),
        )

    async def _scale_set(self) -> Existing | None:
        set_id = self._vm.scale_set_id
        return await read_existing(self._azure, set_id, self._within, set()) if set_id else None

    async def _availability_set(self) -> SourceAvailabilitySet | None:
        set_id = self._vm.availability_set_id
        if set_id is None:
            return None
        return await self._azure.shared(f"set/{set_id.key}", lambda: _read_set(self._azure, set_id), self._within)


def _errors_of(result: Json) -> tuple[EligibilityError, ...]:
    return tuple(
        EligibilityError(
            code=text(error.get("code")),
            message=text(error.get("message")),
            action=text(error.get("recommendedAction")),
        )
        for error in objects(part(result, "properties"), "errors")
    )


async def _read_set(azure: Azure, set_id: ResourceId) -> SourceAvailabilitySet:
    found = await azure.get(str(set_id), COMPUTE_API_VERSION)
    return read_one(found, f"the availability set {set_id}", lambda body: _set(set_id, body))


def _set(set_id: ResourceId, found: Json) -> SourceAvailabilitySet:
    properties = part(found, "properties")
    return SourceAvailabilitySet(
        id=set_id,
        fault_domains=whole(properties.get("platformFaultDomainCount")) or 1,
        update_domains=whole(properties.get("platformUpdateDomainCount")) or 1,
        sku=text(part(found, "sku").get("name")) or "Aligned",
        placement_group_id=reference(part(properties, "proximityPlacementGroup").get("id")),
    )


def _leading_to(target: ResourceId, mappings: Iterable[Any], known: Iterable[Items]) -> set[ResourceId]:
    """The source networks whose VMs mappings or items put into the target network."""
    mapped = {each.source_network for each in mappings if each.target_network == target}
    return mapped.union(*(items.claims.led_to.get(target, ()) for items in known))


def _cached_disks(vm: SourceVm, known: list[Items], settings: Settings) -> dict[str, int]:
    """The number of disks in each of the deployment's cache accounts for the VM."""
    accounts = [
        settings.names.cache_account(
            vm.id.subscription, vm.location, settings.deployment, premium=premium, number=number
        ).key
        for premium in (False, True)
        for number in range(1, _MOST_ACCOUNTS + 1)
    ]
    counts = {account: sum(items.cached_disks[account] for items in known) for account in accounts}
    return {account: used for account, used in counts.items() if used}

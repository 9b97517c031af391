"""Reading a source VM and what surrounds it. Reads only."""

import asyncio
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.azure.answers import is_missing
from shared.azure.gateway import Azure
from shared.azure.groups import managed_by
from shared.azure.vault import region
from shared.domain.resource_id import ResourceId
from shared.domain.vm import (
    Disk,
    EligibilityError,
    SourceAvailabilitySet,
    SourceNetwork,
    SourceVm,
    Surroundings,
)

NETWORK_API_VERSION = "2026-03-01"


async def read_vm(azure: Azure, vm: ResourceId) -> SourceVm | None:
    """The VM as it is now, in one call, or None if there is none."""
    client = azure.compute(vm.subscription)
    try:
        found = await client.virtual_machines.get(vm.resource_group, vm.name, expand="instanceView")
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    return _source_vm(vm, found, azure.settings.tag_name)


async def read_surroundings(azure: Azure, vm: SourceVm) -> Surroundings:
    """What its protection depends on. What VMs share (resource group, networks, sets) is read once for all."""
    vault = azure.vault(azure.settings.vault)
    location, owner, errors, subnets, mappings, availability_set = await asyncio.gather(
        vault.location.get(),
        managed_by(azure, vm.id.group_id),
        _eligibility_errors(azure, vm.id),
        asyncio.gather(*(_subnets(azure, nic) for nic in vm.nic_ids)),
        vault.network_mappings.get(),
        _availability_set(azure, vm.availability_set_id),
    )
    mapped = {
        mapping.source_network.key: mapping.target_network
        for mapping in mappings
        if mapping.target_location == location
    }
    network_ids = sorted({subnet.parent for of_nic in subnets for subnet in of_nic}, key=lambda network: network.key)
    networks = await asyncio.gather(*(_network(azure, network, mapped) for network in network_ids))
    return Surroundings(
        vault_location=location,
        group_managed_by=owner or "",
        eligibility_errors=errors,
        networks=tuple(networks),
        mapped_networks={network.key: mapped[network.key] for network in network_ids if network.key in mapped},
        availability_set=availability_set,
    )


def _source_vm(vm: ResourceId, found: Any, tag_name: str) -> SourceVm:
    properties = found.properties
    storage = properties.storage_profile
    attached = [storage.os_disk, *(storage.data_disks or ())] if storage else []
    statuses = properties.instance_view.statuses if properties.instance_view else None
    network = properties.network_profile
    return SourceVm(
        id=vm,
        location=region(found.location),
        tags={
            name: value or "" for name, value in (found.tags or {}).items() if name.lower().startswith(tag_name.lower())
        },
        power_state=_power_state(statuses or ()),
        provisioning_state=properties.provisioning_state or "Unknown",
        disks=tuple(
            Disk(
                id=ResourceId(disk.managed_disk.id),
                sku=disk.managed_disk.storage_account_type or "",
                obstacle=_obstacle(disk),
            )
            for disk in attached
            if _is_managed(disk)
        ),
        unmanaged_disks=sum(1 for disk in attached if not _is_managed(disk)),
        nic_ids=tuple(ResourceId(nic.id) for nic in network.network_interfaces or ()) if network else (),
        availability_set_id=_reference(properties.availability_set),
        scale_set_id=_reference(properties.virtual_machine_scale_set),
    )


# Support matrix of 2025-06. Premium SSD v2 wants a premium cache account, which this app does not make.
_UNSUPPORTED = {"ultrassd_lrs": "an ultra disk", "premiumv2_lrs": "a Premium SSD v2 disk"}


def _obstacle(disk: Any) -> str:
    managed, local = disk.managed_disk, getattr(disk, "diff_disk_settings", None)
    if local and local.option:
        return "an ephemeral OS disk"
    if managed.disk_encryption_set and managed.disk_encryption_set.id:
        return "encrypted with a customer-managed key"
    return _UNSUPPORTED.get((managed.storage_account_type or "").lower(), "")


def _is_managed(disk: Any) -> bool:
    return bool(disk.managed_disk and disk.managed_disk.id)


def _power_state(statuses: Any) -> str:
    """As `running` or `deallocated`; `unknown` where Azure does not say."""
    prefix = "PowerState/"
    codes = [status.code.removeprefix(prefix) for status in statuses if (status.code or "").startswith(prefix)]
    return codes[0] if codes else "unknown"


def _reference(sub_resource: Any) -> ResourceId | None:
    return ResourceId(sub_resource.id) if sub_resource and sub_resource.id else None


async def _eligibility_errors(azure: Azure, vm: ResourceId) -> tuple[EligibilityError, ...]:
    """The service's own check. It does not know every VM: a missing result is no objection."""
    client = azure.site_recovery(vm.subscription).replication_eligibility_results
    try:
        result = await client.get(vm.resource_group, vm.name)
    except HttpResponseError as answer:
        if is_missing(answer):
            return ()
        raise
    errors = (result.properties.errors if result.properties else None) or ()
    return tuple(
        EligibilityError(code=error.code or "", message=error.message or "", action=error.recommended_action or "")
        for error in errors
    )


async def _subnets(azure: Azure, nic: ResourceId) -> tuple[ResourceId, ...]:
    found = await azure.resources(nic.subscription).resources.get_by_id(str(nic), api_version=NETWORK_API_VERSION)
    # ARM writes what is not there as null as well as not at all.
    properties: Any = found.properties or {}
    subnets = [
        (configuration.get("properties") or {}).get("subnet") or {}
        for configuration in properties.get("ipConfigurations") or ()
    ]
    return tuple(ResourceId(subnet["id"]) for subnet in subnets if subnet.get("id"))


async def _network(azure: Azure, network: ResourceId, mapped: dict[str, ResourceId]) -> SourceNetwork:
    """A mapped network needs no counterpart, so its addresses are not read."""
    if network.key in mapped:
        return SourceNetwork(id=network)
    return await azure.shared(f"network/{network.key}", lambda: _read_network(azure, network))


async def _read_network(azure: Azure, network: ResourceId) -> SourceNetwork:
    client = azure.resources(network.subscription).resources
    found = await client.get_by_id(str(network), api_version=NETWORK_API_VERSION)
    properties: Any = found.properties or {}
    return SourceNetwork(
        id=network,
        address_space=tuple((properties.get("addressSpace") or {}).get("addressPrefixes") or ()),
        subnets={
            subnet["name"]: _prefixes(subnet.get("properties") or {}) for subnet in properties.get("subnets") or ()
        },
    )


def _prefixes(subnet: dict[str, Any]) -> tuple[str, ...]:
    one = subnet.get("addressPrefix")
    return tuple(subnet.get("addressPrefixes") or ([one] if one else ()))


async def _availability_set(azure: Azure, set_id: ResourceId | None) -> SourceAvailabilitySet | None:
    if set_id is None:
        return None
    return await azure.shared(f"set/{set_id.key}", lambda: _read_availability_set(azure, set_id))


async def _read_availability_set(azure: Azure, set_id: ResourceId) -> SourceAvailabilitySet:
    client = azure.compute(set_id.subscription).availability_sets
    found = await client.get(set_id.resource_group, set_id.name)
    return SourceAvailabilitySet(
        id=set_id,
        fault_domains=(found.properties.platform_fault_domain_count if found.properties else None) or 1,
        update_domains=(found.properties.platform_update_domain_count if found.properties else None) or 1,
        sku=(found.sku.name if found.sku else None) or "Aligned",
    )

"""Parses a vault, its fabrics, containers, policies and mappings into records, as `parsing.py` its items and jobs."""

from dataclasses import dataclass

from shared.arm.fields import Json, part, reference, region, required, whole
from shared.model.policy import Policy
from shared.model.resource_id import ResourceId
from shared.site_recovery.parsing import is_of_kind, policy_id


@dataclass(frozen=True)
class VaultRecord:
    location: str
    has_identity: bool


@dataclass(frozen=True)
class FabricRecord:
    id: ResourceId
    location: str


@dataclass(frozen=True)
class PolicyRecord:
    id: ResourceId
    policy: Policy


@dataclass(frozen=True)
class ContainerMappingRecord:
    id: ResourceId
    source_container: ResourceId
    target_container: ResourceId
    policy: ResourceId | None
    paired: bool
    automation_account: ResourceId | None = None


@dataclass(frozen=True)
class NetworkMappingRecord:
    id: ResourceId
    source_network: ResourceId
    target_network: ResourceId
    source_location: str
    target_location: str


def vault_of_body(found: Json) -> VaultRecord:
    identity = part(found, "identity").get("type")
    return VaultRecord(region(found["location"]), has_identity=identity not in (None, "None"))


def fabric_of(found: Json) -> FabricRecord | None:
    details = part(found["properties"], "customDetails")
    if not is_of_kind(details, "Azure"):
        return None
    return FabricRecord(required(found.get("id")), region(details["location"]))


def container_of(found: Json) -> ResourceId:
    return required(found.get("id"))


def policy_of(found: Json) -> PolicyRecord | None:
    values = part(found["properties"], "providerSpecificDetails")
    own = policy_id(found["id"])
    # A policy whose name only others would give serves the items that are under it, and no VM of this app.
    if not is_of_kind(values, "A2A") or own is None:
        return None
    policy = Policy(
        name=own.name,
        retention_minutes=whole(values.get("recoveryPointHistory")) or 0,
        app_consistent_minutes=whole(values.get("appConsistentFrequencyInMinutes")) or 0,
        crash_consistent_minutes=whole(values.get("crashConsistentFrequencyInMinutes")) or 0,
    )
    return PolicyRecord(own, policy)


def container_mapping_of(found: Json) -> ContainerMappingRecord | None:
    mapping, own = found["properties"], required(found.get("id"))
    details = part(mapping, "providerSpecificDetails")
    if not is_of_kind(details, "A2A"):
        return None
    return ContainerMappingRecord(
        id=own,
        source_container=own.parent,
        target_container=required(mapping.get("targetProtectionContainerId")),
        policy=policy_id(mapping.get("policyId")),
        paired=mapping.get("state") == "Paired",
        automation_account=reference(details.get("automationAccountArmId"))
        if details.get("agentAutoUpdateStatus") == "Enabled"
        else None,
    )


def network_mapping_of(found: Json) -> NetworkMappingRecord | None:
    mapping = found["properties"]
    places = part(mapping, "fabricSpecificSettings")
    if not is_of_kind(places, "AzureToAzure"):
        return None
    return NetworkMappingRecord(
        id=required(found.get("id")),
        source_network=required(mapping.get("primaryNetworkId")),
        target_network=required(mapping.get("recoveryNetworkId")),
        source_location=region(places.get("primaryFabricLocation")),
        target_location=region(places.get("recoveryFabricLocation")),
    )

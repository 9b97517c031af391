"""The bodies of fabrics, containers, policies and mappings; keys and order as recorded."""

from local.simulator.ids import last_segment, lowered, stable_guid
from local.simulator.vault.model import (
    CONTAINER_TYPE,
    Container,
    ContainerMapping,
    Fabric,
    NetworkMapping,
    Policy,
)
from local.simulator.wire import Answer, Json

JSON = "application/json"


def answer(body: Json) -> Answer:
    return Answer(200, body, content_type=JSON)


def fabric(each: Fabric) -> Json:
    return {
        "name": each.name,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics",
        "id": each.id,
        "properties": {
            "friendlyName": each.friendly_name,
            "encryptionDetails": {"kekState": "None", "kekCertThumbprint": None},
            "rolloverEncryptionDetails": {"kekState": "None", "kekCertThumbprint": None},
            "internalIdentifier": stable_guid("fabric", each.id),
            "bcdrState": "Valid",
            "customDetails": {"instanceType": "Azure", "location": each.location, "containerIds": [], "zones": []},
            "healthErrorDetails": [],
            "health": "Normal",
        },
    }


def container(each: Container) -> Json:
    paired = bool(each.mappings)
    return {
        "id": each.id,
        "name": each.name,
        "type": CONTAINER_TYPE,
        "properties": {
            "fabricFriendlyName": each.fabric.friendly_name,
            "friendlyName": each.name,
            "fabricType": "Azure",
            "protectedItemCount": len(each.items),
            "pairingStatus": "Paired" if paired else "NotPaired",
            "role": "Primary" if paired else "",
            "fabricSpecificDetails": None,
        },
    }


def policy(each: Policy) -> Json:
    return {
        "id": each.id,
        "name": each.name,
        "type": "Microsoft.RecoveryServices/vaults/replicationPolicies",
        "properties": {
            "friendlyName": each.name,
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "recoveryPointThresholdInMinutes": 0,
                "recoveryPointHistory": each.retention,
                "appConsistentFrequencyInMinutes": each.app_consistent,
                "multiVmSyncStatus": "Enabled" if each.multi_vm_sync else "Disabled",
                "crashConsistentFrequencyInMinutes": each.crash_consistent,
            },
        },
    }


def container_mapping(each: ContainerMapping) -> Json:
    return {
        "id": each.id,
        "name": each.name,
        "type": f"{CONTAINER_TYPE}/replicationProtectionContainerMappings",
        "properties": {
            "targetProtectionContainerId": each.target.id,
            "targetProtectionContainerFriendlyName": each.target.name,
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "agentAutoUpdateStatus": each.agent.get("agentAutoUpdateStatus", "Disabled"),
                # The default is the retired type of account (CLI-A2A #26).
                "automationAccountAuthenticationType": each.agent.get(
                    "automationAccountAuthenticationType", "RunAsAccount"
                ),
                "automationAccountArmId": each.agent.get("automationAccountArmId"),
                "scheduleName": None,
                "jobScheduleName": None,
            },
            "health": "Normal",
            "healthErrorDetails": [],
            "policyId": each.policy.id,
            "state": "Paired",
            "sourceProtectionContainerFriendlyName": each.container.name,
            "sourceFabricFriendlyName": each.container.fabric.friendly_name,
            "targetFabricFriendlyName": each.target.fabric.friendly_name,
            "policyFriendlyName": each.policy.name,
        },
    }


def network_mapping(each: NetworkMapping) -> Json:
    """The IDs of networks, and the friendly names taken from them, come back in lower case."""
    return {
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationNetworks/replicationNetworkMappings",
        "id": each.id,
        "name": each.name,
        "properties": {
            "state": "Paired",
            "primaryNetworkFriendlyName": last_segment(each.primary_network).lower(),
            "primaryNetworkId": lowered(each.primary_network),
            "primaryFabricFriendlyName": each.fabric.friendly_name,
            "recoveryNetworkFriendlyName": last_segment(each.recovery_network).lower(),
            "recoveryNetworkId": lowered(each.recovery_network),
            "recoveryFabricArmId": each.recovery_fabric.id,
            "recoveryFabricFriendlyName": each.recovery_fabric.friendly_name,
            "fabricSpecificSettings": {
                "instanceType": "AzureToAzure",
                "primaryFabricLocation": each.fabric.location,
                "recoveryFabricLocation": each.recovery_fabric.location,
            },
        },
    }

"""Parses the replicated items and the jobs of a vault: only the fields that the app uses, and each ID parsed once.

From the JSON itself: of ten thousand items building the SDK's models took ten times as long, and one odd field there
costs the whole list. A parser returns None for a row of another kind, and raises for a row that it cannot read.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from shared.arm.fields import (
    Json,
    has_happened,
    objects,
    part,
    reference,
    region,
    required,
    state,
    text,
    time_of,
    whole,
)
from shared.config.override_options import CHOICES, Row
from shared.model import naming
from shared.model.replicated_item import (
    Agent,
    HealthError,
    ItemDisk,
    ItemNic,
    ItemSettings,
    Job,
    JobError,
    ProtectedItem,
    Stage,
)
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.step_result import LONGEST_ACTION, LONGEST_CODE, LONGEST_MESSAGE, shortened

OTHER_KINDS = frozenset(
    {
        *("A2ACrossClusterMigration", "HyperVReplica2012", "HyperVReplica2012R2", "HyperVReplicaAzure", "HyperVSite"),
        *("HyperVReplicaBasePolicyDetails", "HyperVReplicaBaseReplicationDetails", "InMageBasePolicyDetails"),
        *("InMage", "InMageAzureV2", "InMageRcm", "InMageRcmFailback"),
        *("VMM", "VMware", "VMwareCbt", "VMwareV2", "VmmToAzure", "VmmToVmm"),
    }
)
"""What a vault may hold besides replication between Azure regions, as the SDK's models know it."""


def is_of_kind(details: Json, kind: str) -> bool:
    """Whether these are details of the `kind`. Raises ValueError for an unknown kind: it may be ours."""
    found = details.get("instanceType")
    if found != kind and found not in OTHER_KINDS:
        raise ValueError(f"instanceType is {str(found)[:80]!r}")
    return bool(found == kind)


def _vm_in(group: ResourceId | None, name: str) -> ResourceId | None:
    """The VM that a failover, a test failover or a failback of the item creates."""
    return ResourceId.of(group.subscription, group.resource_group, VIRTUAL_MACHINE, name) if group and name else None


def item_of(found: Json, deployment: str) -> ProtectedItem | None:
    item = found["properties"]
    a2a = part(item, "providerSpecificDetails")
    if not is_of_kind(a2a, "A2A"):
        return None
    own = required(found.get("id"))
    source, group = required(a2a.get("fabricObjectId")), reference(a2a.get("recoveryAzureResourceGroupId"))
    known = [reference(a2a.get(name)) for name in ("recoveryFabricObjectId", "testFailoverRecoveryFabricObjectId")]
    last_rpo, last_failover = a2a.get("lastRpoCalculatedTime"), item.get("lastSuccessfulFailoverTime")
    parsed = ProtectedItem(
        id=own,
        source=source,
        is_ours=own.name.lower() == naming.item_name(source, deployment),
        # A reprotect changes it (recorded traffic): what was failed over and back counts as another's.
        incarnation=text(a2a.get("managementId")),
        failover_vms=_others(known, source),
        state=state(item.get("protectionState")),
        state_description=text(item.get("protectionStateDescription")),
        test_failover=state(item.get("testFailoverState")),
        active_location=state(item.get("activeLocation")),
        direction_reversed=_is_reversed(a2a),
        replication_health=text(item.get("replicationHealth")),
        failover_health=text(item.get("failoverHealth")),
        policy_id=policy_id(item.get("policyId")),
        disks=tuple(map(_item_disk, objects(a2a, "protectedManagedDisks"))),
        nics=tuple(_item_nic(nic) for nic in objects(a2a, "vmNics") if nic.get("sourceNicArmId")),
        settings=_item_settings(a2a),
        failed_over_before=has_happened(last_failover) or bool(known[0]),
        held_recovery_points=has_happened(last_rpo) or has_happened(last_failover),
        job=_job_name(part(item, "currentScenario")),
        percent=whole(a2a.get("monitoringPercentageCompletion")),
        rpo_seconds=whole(a2a.get("rpoInSeconds")),
        rpo_at=time_of(last_rpo),
        tested_at=time_of(item.get("lastSuccessfulTestFailoverTime")),
        agent=Agent(
            version=text(a2a.get("agentVersion")),
            expires=time_of(a2a.get("agentExpiryDate")),
            outdated=a2a.get("isReplicationAgentUpdateRequired") is True,
            certificate_outdated=a2a.get("isReplicationAgentCertificateUpdateRequired") is True,
        ),
        errors=_health_errors(item),
    )
    # While it is failed over, in a test failover or reversed, there may be no ID: after a reprotect the original is
    # named by resource group and name only. Before that, a VM of that name is another VM.
    if parsed.stage is not Stage.FROZEN:
        return parsed
    named = [_vm_in(group, text(a2a.get(name))) for name in ("recoveryAzureVMName", "tfoAzureVMName")]
    return parsed.with_(failover_vms=_others([*known, *named], source))


def _others(vms: Iterable[ResourceId | None], source: ResourceId) -> tuple[ResourceId, ...]:
    return tuple(dict.fromkeys(vm for vm in vms if vm and vm != source))


def policy_id(given: object) -> ResourceId | None:
    """The policy; None for one whose name only others would give, as `Gold 24h`: the item is protected all the same."""
    with suppress(ValueError):
        return reference(given)
    return None


def _is_reversed(a2a: Json) -> bool:
    """While its VM is reprotected, and afterwards, an item is in the states of any other, active location and all
    (recorded traffic): only its first direction tells."""
    first, now = region(a2a.get("initialPrimaryFabricLocation")), region(a2a.get("primaryFabricLocation"))
    return bool(first and now) and first != now


def _item_settings(a2a: Json) -> ItemSettings:
    # Every item is in a multi-VM group; the default group has no name.
    named = a2a.get("multiVmGroupCreateOption") == "UserSpecified"
    return ItemSettings(
        **{row.field: _setting(row, a2a.get(row.shown_as)) for row in CHOICES.values() if row.shown_as},
        consistency_group=text(a2a.get("multiVmGroupName")) if named else "",
        high_churn=a2a.get("churnOptionSelected") == "High",
        source_location=region(a2a.get("primaryFabricLocation")),
        target_location=region(a2a.get("recoveryFabricLocation")),
    )


def _setting(row: Row, shown: Any) -> Any:
    return reference(shown) if row.resource_type is not None else text(shown)


def _item_disk(disk: Json) -> ItemDisk:
    return ItemDisk(
        id=required(disk.get("diskId")),
        replica_sku=text(disk.get("recoveryReplicaDiskAccountType")),
        target_sku=text(disk.get("recoveryTargetDiskAccountType")),
        encryption_set=reference(disk.get("recoveryDiskEncryptionSetId")),
        cache_account=reference(disk.get("primaryStagingAzureStorageAccountId")),
        holds_os=disk.get("diskType") == "OperatingSystem",
    )


def _item_nic(nic: Json) -> ItemNic:
    configurations = objects(nic, "ipConfigs")
    primary: Json = next((each for each in configurations if each.get("isPrimary")), next(iter(configurations), {}))
    pools = map(reference, primary.get("recoveryLBBackendAddressPoolIds") or ())
    return ItemNic(
        id=text(nic.get("nicId")),
        source=required(nic.get("sourceNicArmId")),
        source_network=reference(nic.get("vMNetworkName")),
        network=reference(nic.get("recoveryVMNetworkId")),
        security_group=reference(nic.get("recoveryNetworkSecurityGroupId")),
        configuration=text(primary.get("name")),
        subnet=text(primary.get("subnetName")),
        address=text(primary.get("staticIPAddress")),
        static=primary.get("ipAddressType") == "Static",
        target_subnet=text(primary.get("recoverySubnetName")),
        target_address=text(primary.get("recoveryStaticIPAddress")),
        public_ip=reference(primary.get("recoveryPublicIPAddressId")),
        backend_pools=tuple(pool for pool in pools if pool),
    )


def _job_name(scenario: Json) -> str:
    """The name of the job in progress on the item, or "". The service writes an ID that ends in `None` for no job."""
    name = state(scenario.get("jobId")).rsplit("/", 1)[-1]
    return "" if name == "None" else name


def _health_errors(item: Json) -> tuple[HealthError, ...]:
    found = item.get("healthErrors")
    return tuple(_health_error(each) for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def _health_error(found: Json) -> HealthError:
    category, source = text(found.get("errorCategory")), text(found.get("errorSource"))
    return HealthError(
        code=shortened(text(found.get("errorCode")), LONGEST_CODE),
        message=shortened(text(found.get("errorMessage")), LONGEST_MESSAGE),
        action=shortened(text(found.get("recommendedAction")), LONGEST_ACTION),
        since=time_of(found.get("creationTimeUtc")),
        # Only 161011 has been recorded: of this category, from the "ReplicationUnitFailoverValidatorError".
        of_failover=category == "TestFailover" or ("FailoverValidator" in source and category != "Replication"),
    )


def job_of(found: Json) -> Job:
    """The job. Without its scenario, its target and its state it may be enabling any VM."""
    job = found["properties"]
    if not all(isinstance(given, str) for given in (found["name"], job["scenarioName"], job["state"])):
        raise ValueError("its name, its scenario or its state is no text")
    if not isinstance(job.get("targetObjectName"), str | None):
        raise ValueError("its target is no text")
    return Job(
        name=found["name"],
        scenario=job["scenarioName"],
        title=text(job.get("friendlyName")),
        state=job["state"],
        target=text(job.get("targetObjectName")),
        target_id=text(job.get("targetObjectId")),
        of_vm=text(job.get("targetInstanceType")) in {"", "ProtectionEntity"},
        started=time_of(job.get("startTime")),
        ended=time_of(job.get("endTime")),
    )


def all_errors(job: Json) -> list[Json]:
    """The errors of a job, those of its tasks first: they name the cause."""
    return [*(error for task in objects(job, "tasks") for error in _task_errors(task)), *objects(job, "errors")]


def _task_errors(task: Json) -> list[Json]:
    """The tasks, innermost first: a task may be a group of tasks."""
    children = objects(part(task, "groupTaskCustomDetails"), "childTasks")
    return [*(error for child in children for error in _task_errors(child)), *objects(task, "errors")]


def job_error_of(found: Json) -> JobError:
    service, provider = part(found, "serviceErrorDetails"), part(found, "providerErrorDetails")
    names = service if text(service.get("message")) else provider
    code = state(service.get("code")) if names is service else str(provider.get("errorCode") or "")
    return JobError(
        code=code,
        message=text(names.get("message")) or text(names.get("errorMessage")),
        action=text(names.get("recommendedAction")),
        causes=text(names.get("possibleCauses")),
    )

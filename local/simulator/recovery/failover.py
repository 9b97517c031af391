"""Failover, commit and reprotect, so that a client sees every state in which it must not write."""

from local.simulator import checks, ids, latencies
from local.simulator.recovery import enable_input, errors, interfaces, item_view, jobs, recovered_vm, replication, scope
from local.simulator.recovery.items import require
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import Container, ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
# Settings of the first enable that a reprotect drops, because the target is another region.
_RESET_BY_REPROTECT = (
    "recoveryAvailabilitySetId",
    "recoveryAvailabilityZone",
    "recoveryProximityPlacementGroupId",
    "recoveryCapacityReservationGroupId",
    "recoveryVirtualMachineScaleSetId",
    "recoveryBootDiagStorageAccountId",
)


@routes.route("POST", scope.ITEM + "/unplannedFailover")
def unplanned_failover(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    body = checks.body(call)
    direction = checks.get(body, "properties.failoverDirection", str)
    provider = checks.get(body, "properties.providerSpecificDetails", dict, required=True)
    scope.a2a(checks.get(provider, "instanceType", str, required=True))
    if direction not in ("PrimaryToRecovery", "RecoveryToPrimary", None):
        raise errors.bad_request(f"failoverDirection must not be '{direction}'.")
    require(item, "UnplannedFailover")
    failure = recovered_vm.obstacle(world, item)
    item.enter(Phase.FAILING_OVER, world.clock.now())

    def done(moment: float) -> None:
        item.recovery_vm = recovered_vm.make(world, item).id
        item.enter(Phase.FAILED_OVER, moment)

    return _start(world, call, item, "UnplannedFailover", latencies.FAILOVER, done, Phase.PROTECTED, failure)


@routes.route("POST", scope.ITEM + "/failoverCommit")
def commit(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    require(item, "Commit")
    item.enter(Phase.COMMITTING, world.clock.now())
    return _start(
        world,
        call,
        item,
        "CommitFailover",
        latencies.COMMIT,
        lambda moment: item.enter(Phase.COMMITTED, moment),
        Phase.FAILED_OVER,
    )


@routes.route("POST", scope.CONTAINER + "/switchprotection")
def switch_protection(world: World, call: Call) -> Answer:
    """Reprotect of an Azure VM: the item moves to the other container, and replicates back."""
    container = scope.container(world, call)
    body = checks.body(call)
    name = checks.get(body, "properties.replicationProtectedItemName", str, required=True)
    details = checks.get(body, "properties.providerSpecificDetails", dict, required=True)
    item = container.items.get(name.lower())
    if item is None:
        raise errors.missing(name)
    return _reprotect(world, call, item, details, resource=container.id)


@routes.route("POST", scope.ITEM + "/reProtect")
def reprotect(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    details = checks.get(checks.body(call), "properties.providerSpecificDetails", dict, required=True)
    return _reprotect(world, call, item, details, resource=item.id)


def _reprotect(world: World, call: Call, item: ProtectedItem, details: Json, *, resource: str) -> Answer:
    scope.a2a(checks.get(details, "instanceType", str, required=True))
    require(item, "ReverseReplicate")
    vault = item.vault
    container_id = checks.get(details, "recoveryContainerId", str)
    back = vault.container_by_id(container_id) if container_id else item.container
    policy_id = checks.get(details, "policyId", str)
    policy = vault.policy_by_id(policy_id) if policy_id else item.policy
    if back is None:
        raise errors.missing(ids.last_segment(container_id))
    if policy is None:
        raise errors.missing(ids.last_segment(policy_id))
    given = checks.get(details, "vmManagedDisks", list) or []
    for disk in given:
        enable_input.parse_disk(disk, call.api_version)
    mapped = any(
        mapping.target is back and mapping.policy is policy for mapping in item.recovery_container.mappings.values()
    )
    failure = None if mapped else Failure("159007", "The protection containers are not mapped with the policy.")
    item.enter(Phase.REPROTECTING, world.clock.now())

    def done(moment: float) -> None:
        item.policy = policy
        _turn(world, item, back, details, given)
        replication.start_replication(world, item, moment)

    return _start(
        world,
        call,
        item,
        "ReverseReplication",
        latencies.REPROTECT,
        done,
        Phase.COMMITTED,
        failure,
        resource=resource,
    )


def _turn(world: World, item: ProtectedItem, back: Container, details: Json, given: list[Json]) -> None:
    """The recovery VM becomes the source, and the item moves to the other container."""
    vault, source, old_id = item.vault, world.store.vm(item.recovery_vm or ""), item.id
    vault.remove_item(item)
    item.gone = False
    item.container, item.recovery_container = item.recovery_container, back
    if source is not None:
        previous = {disk.name.lower(): disk.id for disk in item.disks}
        item.vm_id, item.vm_name = source.id, source.name
        item.settings["primaryAvailabilityZone"] = (source.body.get("zones") or [None])[0]
        if given:
            item.disks = [enable_input.disk(world, source, disk) for disk in given]
            for disk in item.disks:
                disk.original_target = previous.get(disk.name.lower())
    item.recovery_group = details.get("recoveryResourceGroupId") or item.recovery_group
    for chosen in ("recoveryAzureNetworkId", "recoverySubnetName", "selectedRecoveryAzureNetworkId"):
        item.settings.pop(chosen, None)
    item.settings |= {name: details.get(name) for name in _RESET_BY_REPROTECT}
    item.nics = interfaces.of(world, item, settled=False)
    item.recovery_vm, item.tested_at = None, None
    vault.add_item(item)
    world.changed(old_id)
    world.changed(item.id)


def _start(
    world: World,
    call: Call,
    item: ProtectedItem,
    scenario: str,
    seconds: float,
    done: jobs.AtEnd,
    before: Phase,
    failure: Failure | None = None,
    *,
    resource: str = "",
) -> Answer:
    item.job, answer = jobs.start(
        world,
        call,
        item.vault,
        scenario,
        resource=resource or item.id,
        target=(item.internal_id, item.vm_name),
        seconds=seconds,
        done=done,
        failed=lambda moment: item.enter(before, moment),
        result=lambda: item_view.view(world, item),
        failure=failure,
        affected=replication.affected(item),
    )
    return answer

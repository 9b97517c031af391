"""What a test failover and its cleanup are refused for, and the input of both.

Every refusal is unknown: with an error at once, or by a job that fails (`testFailoverRefusal`). The codes are invented.
"""

from collections.abc import Callable
from typing import NamedTuple

from local.simulator import checks
from local.simulator.errors import ArmError
from local.simulator.recovery import errors, item_health, recovery_points, scope
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.test_failover import RecoveryPoint
from local.simulator.wire import Call, Json
from local.simulator.world import World

BY_INPUT, NO_NETWORK = "VmNetworkAsInput", "NoNetworkAttachAsInput"


class Network(NamedTuple):
    """The network of a test failover, as the request names it."""

    kind: str
    id: str


def parse(properties: Json) -> Network:
    """Direction and network of a request. Raises ArmError 400."""
    scope.only(properties, ("failoverDirection", "networkType", "networkId", "providerSpecificDetails"))
    direction = checks.get(properties, "failoverDirection", str, required=True)
    if direction != "PrimaryToRecovery":
        # After a reprotect too: the pages for Azure VMs give this direction for the way back.
        raise errors.bad_request(f"failoverDirection must not be '{direction}'.")
    kind = checks.get(properties, "networkType", str, required=True)
    network_id = checks.get(properties, "networkId", str, required=kind == BY_INPUT)
    if kind not in (BY_INPUT, NO_NETWORK) or (kind == NO_NETWORK and network_id):
        raise errors.bad_request(f"networkType must be {BY_INPUT} with a networkId, or {NO_NETWORK}, not '{kind}'.")
    return Network(kind, network_id or "")


def refuse(
    world: World, failure: Failure | None, error: Callable[[str, str], ArmError] = errors.conflict
) -> Failure | None:
    """Raises ArmError, or returns the failure for a job: which of them Azure does is not known."""
    if failure and world.behaviour.test_failover_refusal == "error":
        raise error(failure.message, failure.code)
    return failure


def not_now(world: World, item: ProtectedItem, operation: str) -> Failure | None:
    """Why the state of the item does not allow the operation now. The codes are invented, and that a VM in critical
    health is refused too: it may be that only its later recovery points are."""
    if item.job and item.job.running:
        return Failure("159111", f"Another job of '{item.name}' is in progress: {item.job.scenario}.")
    if operation not in item.operations:
        state = item.test.stage.name if item.test else item.phase.value[0]
        return Failure("159110", f"The operation {operation} is not allowed on '{item.name}' in state {state}.")
    if operation == "TestFailover" and item_health.of(world, item)[0] == "Critical":
        return Failure("159112", f"The replication health of '{item.name}' is critical.")
    return None


def group_of(item: ProtectedItem) -> list[ProtectedItem]:
    """The items of a consistency group; the item alone if it is in none."""
    if not item.settings["multiVmGroupName"]:
        return [item]
    group = item.settings["multiVmGroupId"]
    return [each for each in item.vault.items() if each.settings["multiVmGroupId"] == group]


def in_group(item: ProtectedItem) -> Failure | None:
    if len(group_of(item)) == 1:
        return None
    name = item.settings["multiVmGroupName"]
    return Failure(
        "159113", f"'{item.name}' is in the group '{name}', whose VMs fail over together by a recovery plan."
    )


def wrong_network(world: World, item: ProtectedItem, network: Network) -> Failure | None:
    """Without a network the interfaces must name one. Codes invented."""
    for network_id in networks(item, network):
        found = world.store.get(network_id) if network_id else None
        if found is None:
            return Failure("159021", f"The test network '{network_id}' could not be found.")
        region = item.recovery_container.fabric.location
        if found.location != region:
            return Failure("159022", f"The test network '{network_id}' is in '{found.location}', not in '{region}'.")
    return None


def networks(item: ProtectedItem, network: Network) -> list[str]:
    """The network of each interface, "" for none."""
    if network.kind == BY_INPUT:
        return [network.id]
    chosen = item.settings.get("selectedTfoAzureNetworkId")
    return [nic["tfoVMNetworkId"] or chosen or "" for nic in item.nics]


def point(world: World, item: ProtectedItem, point_id: str | None) -> tuple[RecoveryPoint, Failure | None]:
    """The named point, or the newest where none is named: then the service processes what it has, and takes that."""
    kept = recovery_points.kept(world, item)
    nothing = RecoveryPoint("", 0.0, False)
    if not kept:
        return nothing, Failure("159114", f"'{item.name}' has no recovery point.")
    if point_id is None:
        return kept[-1], None
    found = recovery_points.named(world, item, point_id)
    if found is None:
        return nothing, Failure("159115", f"The recovery point '{point_id}' could not be found.")
    return found, None


def of_plan(world: World, item: ProtectedItem) -> Failure | None:
    """Whether one VM of a plan's test failover can be cleaned up by itself is not known."""
    plan = item.test.plan if item.test else ""
    if plan.lower() not in item.vault.plans or world.behaviour.cleanup_of_plan_members == "allowed":
        return None
    return Failure(
        "159118", f"'{item.name}' was failed over by the recovery plan '{plan}', which has to be cleaned up."
    )


def parse_cleanup(call: Call) -> str:
    """The comments of a cleanup. Raises ArmError 400."""
    properties: Json = checks.get(checks.body(call), "properties", dict, required=True)
    scope.only(properties, ("comments",))
    return checks.get(properties, "comments", str) or ""

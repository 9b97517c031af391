"""The health of an item and its health errors."""

from local.simulator.ids import key
from local.simulator.vault.condition import ago
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Json
from local.simulator.world import World

_FAILOVER = "TestFailover"


def of(world: World, item: ProtectedItem) -> tuple[str, str, list[Json]]:
    """replicationHealth, failoverHealth and the errors behind them."""
    if item.phase is Phase.ENABLING_FAILED:
        return "Critical", "Normal", []
    found = [
        _health_error(
            world,
            item,
            code=trouble.code,
            message=trouble.message,
            causes="",
            action=trouble.recommended_action,
            since=ago(world.clock, trouble.hours),
            category=trouble.category,
        )
        for trouble in item.condition.troubles
    ]
    if item.phase is not Phase.PROTECTED:
        return item.condition.health or "Normal", "Normal", found
    # What else the service checks of a failover, and when, is not known: an estate says what it has found.
    of_failover = [each for each in found if each["errorCategory"] == _FAILOVER]
    failover = "Warning" if of_failover or item.tested_at is None else "Normal"
    if item.tested_at is None:
        found.append(
            _health_error(
                world,
                item,
                code="161011",
                message=f"No successful test failover has been done on the virtual machine '{item.vm_name}'.",
                causes="No successful test failover has been done on the virtual machine after it was replicated.",
                action="Do a test failover on the virtual machine.",
                category=_FAILOVER,
            )
        )
    if unprotected(world, item):
        found.append(
            _health_error(
                world,
                item,
                code="153039",
                message="There are one or more disks that are available for protection.",
                causes="One or more data disks were added to the virtual machine after it was protected.",
                action="Enable replication for the disks, or dismiss the warning.",
            )
        )
    of_replication = [each for each in found if each["errorCategory"] != _FAILOVER]
    health = "Warning" if of_replication else "Normal"
    return item.condition.health or health, item.condition.failover_health or failover, found


def _health_error(
    world: World,
    item: ProtectedItem,
    *,
    code: str,
    message: str,
    causes: str,
    action: str,
    since: float | None = None,
    category: str = "Replication",
) -> Json:
    return {
        "innerHealthErrors": [],
        # Recorded of 161011 alone; that of errors of the replication is invented.
        "errorSource": f"ReplicationUnit{'FailoverValidator' if category == _FAILOVER else 'Replication'}Error",
        "errorType": "8010",
        "errorLevel": "Warning",
        "errorCategory": category,
        "errorCode": code,
        "summaryMessage": "",
        "errorMessage": message,
        "possibleCauses": causes,
        "recommendedAction": action,
        "creationTimeUtc": world.clock.stamp(item.protected_at if since is None else since),
        "recoveryProviderErrorMessage": None,
        "entityId": item.internal_id,
        "errorId": "6:8010",
        "customerResolvability": "NotAllowed",
    }


def unprotected(world: World, item: ProtectedItem) -> list[int]:
    """The LUNs of the VM's data disks that the item does not protect."""
    vm = world.store.vm(item.vm_id)
    if vm is None:
        return []
    known = {key(disk.id) for disk in item.disks}
    disks = vm.properties["storageProfile"]["dataDisks"]
    return [disk["lun"] for disk in disks if key(disk["managedDisk"]["id"]) not in known]

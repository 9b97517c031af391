"""Replicated items: read and disable. enable.py creates them, item_update.py and item_disks.py change them."""

from local.simulator import checks, latencies
from local.simulator.arm.locks import locks_over
from local.simulator.ids import key
from local.simulator.recovery import (
    errors,
    item_view,
    jobs,
    lists,
    replication,
    scope,
    views,
)
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Answer, Call
from local.simulator.world import World

routes = Routes("site-recovery")


@routes.route("GET", scope.VAULT + "/replicationProtectedItems", scope.CONTAINER + "/replicationProtectedItems")
def list_items(world: World, call: Call) -> Answer:
    """`$filter` supports the official keys that apply to Azure VMs; its OData form is in no recording."""
    if "container" in call.params:
        found = list(scope.container(world, call).items.values())
    else:
        found = list(scope.vault(world, call).items())
    wanted = _filter(call.query.get("$filter", ""))
    shown = [item for item in found if item_view.shown(world, item) and _matches(item, wanted)]
    return lists.listed(world, call, shown, lambda item: item_view.view(world, item))


def _filter(text: str) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for part in filter(None, (part.strip(" ()") for part in text.split(" and "))):
        name, separator, value = part.partition(" eq ")
        if not separator or name.lower() not in (
            "fabricobjectid",
            "sourcefabricname",
            "sourcefabriclocation",
            "instancetype",
        ):
            raise errors.bad_request(f"The filter '{text}' is not valid.", "InvalidFilter")
        wanted[name.lower()] = value.strip("'").lower()
    return wanted


def _matches(item: ProtectedItem, wanted: dict[str, str]) -> bool:
    facts = {
        "fabricobjectid": key(item.vm_id),
        "sourcefabricname": item.container.fabric.name.lower(),
        "sourcefabriclocation": item.container.fabric.location,
        "instancetype": "a2a",
    }
    return all(facts[name] == value for name, value in wanted.items())


@routes.route("GET", scope.ITEM)
def get_item(world: World, call: Call) -> Answer:
    return views.answer(item_view.view(world, scope.item(world, call)))


@routes.route("POST", scope.ITEM + "/remove")
@routes.route("DELETE", scope.ITEM)
def disable(world: World, call: Call) -> Answer:
    """POST remove disables; DELETE purges, in any state. If the VM is locked its links stay (150225)."""
    container = scope.container(world, call)
    item = container.items.get(call["item"].lower())
    if item is None:
        return Answer(204)
    purge = call.method == "DELETE"
    if not purge:
        checks.get(checks.body(call), "properties", dict, required=True)
        require(item, "DisableProtection")
    locked = bool(locks_over(world, item.vm_id))
    note = Failure(
        "150225",
        "Disable replication completed, but resource links could not be removed because the virtual machine is locked.",
        "There is a lock on the virtual machine, its resource group or its subscription.",
        "Remove the lock and the stale resource links before enabling replication again.",
    )
    before = item.phase
    item.enter(Phase.DISABLING, world.clock.now())

    def done(_moment: float) -> None:
        replication.remove_traces(world, item, keep_links=locked)
        item.vault.remove_item(item)

    item.job, answer = jobs.start(
        world,
        call,
        item.vault,
        "PurgeDr" if purge else "DisableDr",
        resource=item.id,
        target=(item.internal_id, item.vm_name),
        seconds=latencies.PURGE_ITEM if purge else latencies.DISABLE,
        done=done,
        failed=lambda moment: item.enter(before, moment),
        affected=replication.affected(item),
        notes=[note] if locked and not purge else [],
    )
    return answer


def require(item: ProtectedItem, operation: str) -> None:
    """Raises ArmError 409 unless the item allows the operation now."""
    if operation not in item.operations:
        raise errors.conflict(
            f"The operation {operation} is not allowed on '{item.name}' in state {item.phase.value[0]}."
        )

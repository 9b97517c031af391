"""Updates the mobility agent in the VM of an item."""

from dataclasses import replace

from local.simulator import checks, latencies
from local.simulator.recovery import errors, scope
from local.simulator.recovery.item_update import start_change
from local.simulator.routing import Routes
from local.simulator.vault.condition import LATEST_AGENT
from local.simulator.vault.job import Failure
from local.simulator.vault.phases import Phase
from local.simulator.wire import Answer, Call
from local.simulator.world import World

routes = Routes("site-recovery")


@routes.route("POST", scope.ITEM + "/updateMobilityService")
def update_agent(world: World, call: Call) -> Answer:
    """The account that a request may name is for VMs behind a configuration server. The codes and the names of the job
    are invented."""
    item = scope.item(world, call)
    properties = checks.get(checks.body(call), "properties", dict, required=True)
    checks.get(properties, "runAsAccountId", str)
    scope.only(properties, ("runAsAccountId",))
    if item.phase is not Phase.PROTECTED:
        raise errors.conflict(f"The agent of '{item.name}' cannot be updated in state {item.phase.value[0]}.")
    vm = world.store.vm(item.vm_id)
    failure = None
    if vm is None or vm.power != "running":
        failure = Failure(
            "159090", f"The virtual machine '{item.vm_name}' is not running: its agent cannot be updated."
        )

    def done(_moment: float) -> None:
        item.condition = replace(
            item.condition, agent_version=LATEST_AGENT, agent_update=False, agent_expires_days=None
        )

    return start_change(world, call, item, "UpdateMobilityService", latencies.UPDATE_AGENT, done, failure)

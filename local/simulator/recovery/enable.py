"""Enabling: PUT of a replicated item."""

from dataclasses import replace

from local.simulator import checks, ids, latencies
from local.simulator.ids import key
from local.simulator.recovery import enable_checks, enable_input, errors, item_view, jobs, replication, scope
from local.simulator.routing import Routes
from local.simulator.store import VirtualMachine
from local.simulator.vault.job import Failure
from local.simulator.vault.model import Container, ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Answer, Call
from local.simulator.world import World

routes = Routes("site-recovery")
# The operation status of a failed enable job does not name the cause (terraform-provider-azurerm#31927).
_SUMMARY = ("45005", "Protection couldn't be enabled for the virtual machine.")


@routes.route("PUT", scope.ITEM)
def enable(world: World, call: Call) -> Answer:
    container = scope.container(world, call, ready=True)
    vault = container.vault
    name = scope.check_name(call["item"])
    vm_id, policy_id, details = enable_input.parse(checks.body(call), call.api_version)
    policy = vault.policy_by_id(policy_id)
    if policy is None or not policy.ready:
        raise errors.missing(ids.last_segment(policy_id))
    existing = container.items.get(name.lower()) or _protecting(world, vm_id)
    if existing is not None and existing.vault is vault:
        return _enable_again(world, call, existing, name)
    vm = world.store.vm(vm_id)
    target = vault.container_by_id(details.get("recoveryContainerId") or "")
    failure = _already(existing) if existing else enable_checks.find(world, container, vm, policy, target, details)
    if vm is None or target is None or failure is not None:
        return _refused(world, call, container, vm_id, name, failure)
    item = enable_input.item(world, container, name, vm, policy, target, details)
    vault.add_item(item)
    job, answer = jobs.start(
        world,
        call,
        vault,
        "EnableDr",
        resource=item.id,
        target=(item.internal_id, item.vm_name),
        tasks=replication.ENABLE_TASKS,
        done=lambda moment: replication.start_replication(world, item, moment),
        failed=lambda moment: _enable_failed(world, item, moment),
        result=lambda: None if item.gone else item_view.view(world, item),
        failure=_planned_failure(vm),
        affected=replication.affected(item),
    )
    if job.failure and job.failure.summary is None:
        job.failure = replace(job.failure, summary=_SUMMARY)
    item.job, item.activity_id = job, job.activity_id
    replication.follow_enable(world, item, job)
    return answer


def _protecting(world: World, vm_id: str) -> ProtectedItem | None:
    """The item that protects this VM, in any vault."""
    return next(
        (vault.items_by_vm[key(vm_id)] for vault in world.recovery.values() if key(vm_id) in vault.items_by_vm), None
    )


def _enable_again(world: World, call: Call, existing: ProtectedItem, name: str) -> Answer:
    """No source has the answer to a second enable: behaviour reEnable chooses."""
    variant = world.behaviour.re_enable
    if variant == "conflict":
        raise errors.conflict(_already(existing).message, "VirtualMachineAlreadyProtected")
    failure = None
    if variant == "fail" or existing.name.lower() != name.lower() or existing.phase is Phase.ENABLING_FAILED:
        failure = replace(_already(existing), after=latencies.PREFLIGHT_FAILURE, summary=_SUMMARY)
    _, answer = jobs.start(
        world,
        call,
        existing.vault,
        "EnableDr",
        resource=f"{existing.container.id}/replicationProtectedItems/{name}",
        target=(existing.internal_id, existing.vm_name),
        tasks=replication.ENABLE_TASKS,
        result=lambda: item_view.view(world, existing),
        failure=failure,
        affected=replication.affected(existing),
    )
    return answer


def _already(existing: ProtectedItem) -> Failure:
    return Failure(
        "159025",
        f"The virtual machine '{existing.vm_name}' is already protected by '{existing.name}' in the vault "
        f"'{existing.vault.resource.name}'.",
        "",
        "Disable replication of the virtual machine before enabling it again.",
    )


def _refused(world: World, call: Call, container: Container, vm_id: str, name: str, failure: Failure | None) -> Answer:
    """The job fails in its prerequisites check and leaves no item."""
    assert failure is not None  # noqa: S101 - enable_checks names a missing VM and container
    delayed = replace(failure, after=latencies.PREFLIGHT_FAILURE, summary=_SUMMARY)
    vm_name = ids.last_segment(vm_id)
    target_id = ids.stable_guid("protection entity", vm_id)
    _, answer = jobs.start(
        world,
        call,
        container.vault,
        "EnableDr",
        resource=f"{container.id}/replicationProtectedItems/{name}",
        target=(target_id, vm_name),
        tasks=replication.ENABLE_TASKS,
        failure=delayed,
        affected={"primaryVmId": target_id, "primaryVmName": vm_name},
    )
    return answer


def _planned_failure(vm: VirtualMachine) -> Failure | None:
    """The failure that the estate's failEnable plans, while the agent is installed."""
    order = vm.fail_enable
    if not order or order["times"] < 1:
        return None
    order["times"] -= 1
    return Failure(
        order["code"],
        order["message"],
        order["possibleCauses"],
        order["recommendedAction"],
        task=1,
        after=latencies.AGENT_FAILURE,
        summary=_SUMMARY,
    )


def _enable_failed(world: World, item: ProtectedItem, moment: float) -> None:
    """No source tells whether the failed item stays: behaviour itemsLeftWhenEnableFails chooses."""
    if item.gone:
        return
    item.enter(Phase.ENABLING_FAILED, moment)
    if not world.behaviour.items_left_when_enable_fails:
        replication.remove_traces(world, item, keep_links=False)
        item.vault.remove_item(item)

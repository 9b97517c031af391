"""Replicated items: enable, read, change, add disks, disable."""

from local.simulator import checks, ids, latencies
from local.simulator.arm.locks import locks_over
from local.simulator.ids import key
from local.simulator.recovery import (
    enable_checks,
    enable_input,
    errors,
    item_view,
    jobs,
    replication,
    scope,
    views,
)
from local.simulator.recovery.errors import Failure
from local.simulator.recovery.model import Container, Phase, ProtectedItem
from local.simulator.routing import Routes
from local.simulator.store import VirtualMachine
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
# The operation status of a failed enable job tells nothing of its cause (terraform-provider-azurerm#31927).
_SUMMARY = ("45005", "Protection couldn't be enabled for the virtual machine.")


@routes.route("GET", scope.VAULT + "/replicationProtectedItems", scope.CONTAINER + "/replicationProtectedItems")
def list_items(world: World, call: Call) -> Answer:
    """`$filter` takes the official keys that matter to Azure VMs; its OData form is not in any recording."""
    if "container" in call.params:
        found = list(scope.container(world, call).items.values())
    else:
        found = list(scope.vault(world, call).items())
    wanted = _filter(call.query.get("$filter", ""))
    shown = [item for item in found if item_view.shown(world, item) and _matches(item, wanted)]
    size = world.behaviour.page_size
    start = int(call.query.get("$skiptoken", "0") or 0)
    # Only the page that is asked for is rendered: an item is 7 KB.
    lazily: list[Json] = [{}] * len(shown)
    lazily[start : start + size] = [item_view.view(world, item) for item in shown[start : start + size]]
    return views.listed(world, call, lazily)


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


@routes.route("PUT", scope.ITEM)
def enable(world: World, call: Call) -> Answer:
    container = scope.container(world, call, ready=True)
    vault = container.vault
    name = scope.check_name(call["item"])
    vm_id, policy_id, details = enable_input.parse(checks.body(call))
    policy = vault.policy_by_id(policy_id)
    if policy is None or not policy.ready:
        raise errors.missing(ids.last_segment(policy_id))
    existing = container.items.get(name.lower()) or _protecting(world, vm_id)
    if existing is not None:
        return _enable_again(world, call, existing, name)
    vm = world.store.vm(vm_id)
    target = vault.container_by_id(details.get("recoveryContainerId") or "")
    failure = enable_checks.find(world, container, vm, policy, target, details)
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
        job.failure = Failure(
            job.failure.code,
            job.failure.message,
            job.failure.possible_causes,
            job.failure.recommended_action,
            job.failure.task,
            job.failure.after,
            _SUMMARY,
        )
    item.job, item.activity_id = job, job.activity_id
    replication.follow_enable(world, item, job)
    return answer


def _protecting(world: World, vm_id: str) -> ProtectedItem | None:
    """The item that has this VM, in whichever vault."""
    return next(
        (vault.items_by_vm[key(vm_id)] for vault in world.recovery.values() if key(vm_id) in vault.items_by_vm), None
    )


def _enable_again(world: World, call: Call, existing: ProtectedItem, name: str) -> Answer:
    """No source knows what a second enable answers: behaviour reEnable chooses."""
    message = f"The virtual machine '{existing.vm_name}' is already protected by '{existing.name}'."
    variant = world.behaviour.re_enable
    if variant == "conflict":
        raise errors.conflict(message, "VirtualMachineAlreadyProtected")
    failure = None
    if variant == "fail" or existing.name.lower() != name.lower() or existing.phase is Phase.ENABLING_FAILED:
        action = "Disable replication of the virtual machine before enabling it again."
        failure = Failure("159025", message, "", action, after=latencies.PREFLIGHT_FAILURE, summary=_SUMMARY)
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


def _refused(world: World, call: Call, container: Container, vm_id: str, name: str, failure: Failure | None) -> Answer:
    """The job fails in its prerequisites check; no item comes of it."""
    assert failure is not None  # noqa: S101 - enable_checks names a missing VM and container
    told = Failure(
        failure.code,
        failure.message,
        failure.possible_causes,
        failure.recommended_action,
        after=latencies.PREFLIGHT_FAILURE,
        summary=_SUMMARY,
    )
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
        failure=told,
        affected={"PrimaryVmId": target_id, "PrimaryVmName": vm_name},
    )
    return answer


def _planned_failure(vm: VirtualMachine) -> Failure | None:
    """The estate's failEnable: while the agent is installed, so many times."""
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
    """Whether the item stays, to be removed before the next try, is not known: itemsLeftWhenEnableFails."""
    if item.gone:
        return
    item.enter(Phase.ENABLING_FAILED, moment)
    if not world.behaviour.items_left_when_enable_fails:
        replication.remove_traces(world, item, keep_links=False)
        item.vault.remove_item(item)


@routes.route("POST", scope.ITEM + "/remove")
@routes.route("DELETE", scope.ITEM)
def disable(world: World, call: Call) -> Answer:
    """POST remove disables; DELETE purges, in any state. With a lock on the VM its links stay (150225)."""
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
    allowed = ("TestFailoverCleanup",) if item.test_vm else item.phase.value[4]
    if operation not in allowed:
        raise errors.conflict(
            f"The operation {operation} is not allowed on '{item.name}' in state {item.phase.value[0]}."
        )


@routes.route("POST", scope.ITEM + "/addDisks")
def add_disks(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    details = checks.get(checks.body(call), "properties.providerSpecificDetails", dict, required=True)
    scope.a2a(checks.get(details, "instanceType", str, required=True))
    given = checks.get(details, "vmManagedDisks", list, required=True)
    for disk in given:
        enable_input.parse_disk(disk)
    vm = world.store.vm(item.vm_id)
    if item.phase is not Phase.PROTECTED or vm is None:
        raise errors.conflict(f"Disks can only be added to '{item.name}' while it is protected.")
    failure = _disk_failure(world, item, vm, given)
    added = [] if failure else [enable_input.disk(world, vm, disk) for disk in given]

    def done(moment: float) -> None:
        for disk in added:
            disk.replicating_until = moment + latencies.PROTECTED
        item.disks += added
        replication.make_replicas(world, item)

    item.job, answer = jobs.start(
        world,
        call,
        item.vault,
        "AddDisks",
        resource=item.id,
        target=(item.internal_id, item.vm_name),
        seconds=latencies.ADD_DISKS,
        done=done,
        result=lambda: item_view.view(world, item),
        failure=failure,
        affected=replication.affected(item),
    )
    return answer


def _disk_failure(world: World, item: ProtectedItem, vm: VirtualMachine, given: list[Json]) -> Failure | None:
    known = {key(disk.id) for disk in item.disks}
    own = {key(disk["managedDisk"]["id"]) for disk in vm.properties["storageProfile"]["dataDisks"]}
    for disk in given:
        name = ids.last_segment(disk["diskId"])
        if key(disk["diskId"]) in known:
            return Failure("159026", f"The disk '{name}' is already protected.")
        if key(disk["diskId"]) not in own:
            return Failure("159015", f"The disk '{name}' does not belong to the virtual machine '{vm.name}'.")
        if failure := enable_checks.cache_failure(world, vm, disk["primaryStagingAzureStorageAccountId"]):
            return failure
    return None

"""Step 1 of a drill: the preflight checks, and the records, without which nothing is begun."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import uuid4

from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.model.activity_io import DrillRequest, Refused
from shared.model.drill import Drill
from shared.model.drill_network import NetworkChange
from shared.model.findings import Finding
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending, Ready, StepResult
from shared.model.target_resources import IsolatedNetwork
from shared.observe.drill import Preflight, preflight
from shared.observe.vm import DRILLS
from shared.planning.catalog import finding_of
from shared.provision.registry import ensure
from shared.site_recovery.recovery_plans import plan_of
from shared.site_recovery.replicated_items import refresh


async def prepare_drill(azure: Azure, request: DrillRequest) -> StepResult:
    """Ready holds why the drill is `Refused`, or nothing: then its records are written."""
    azure.check_drill(request.vm_id)
    known = await azure.drills.of(request.vm_id)
    if known and _is_of(known, request):
        return Ready()
    if known:
        return Ready(value=Refused(findings=(_leftover(known),)).dump())
    refresh(azure)
    found = await preflight(azure, request.vm_id, request.order)
    findings = found.findings or await _leftovers(azure, (each.vm_id for each in found.others), request)
    network = found.network
    drills = () if findings else tuple(_records(found, request))
    if not drills or not network:
        return Ready(value=Refused(findings=findings).dump())
    if network.own and (made := await _made(azure, network.own, network.change)):
        return made
    await azure.drills.write(*drills)
    azure.forget(DRILLS, if_before=float("inf"))
    return Ready()


def _is_of(known: Drill, request: DrillRequest) -> bool:
    """Whether an earlier attempt of the same step wrote it. The drills of a batch have one token."""
    return known.token == request.token and known.lead == request.vm_id


async def _leftovers(azure: Azure, vms: Iterable[ResourceId], request: DrillRequest) -> tuple[Finding, ...]:
    found = [await azure.drills.of(vm) for vm in vms]
    return tuple(_leftover(known) for known in found if known and not _is_of(known, request))


def _leftover(known: Drill) -> Finding:
    text = f"A drill of {known.vm.name} from {known.recorded_at:%Y-%m-%d %H:%M} UTC is not cleaned up yet."
    return finding_of("DrillLeftovers", text)


def _records(found: Preflight, request: DrillRequest) -> Iterable[Drill]:
    """The record of each VM, that of the one that leads first. All have one network."""
    now, sent_as = datetime.now(UTC), str(uuid4())
    network = found.network.id if found.network else None
    every = (found, *found.others)
    for each in every:
        if (seen := each.seen) and seen.test_vm and each.size and network:
            yield Drill(
                vm=each.vm_id,
                item=seen.item.id,
                token=request.token,
                order=request.order,
                request=sent_as,
                recorded_at=now,
                network=network,
                test_vm=seen.test_vm,
                test_disks=seen.test_disks or (),
                size=each.size.name,
                cores=each.size.cores,
                point=None if found.in_group else each.point,
                plan=plan_of(seen.item.vault, sent_as) if found.in_group else None,
                members=tuple(one.vm_id for one in every) if found.in_group else (),
            )


async def _made(azure: Azure, own: IsolatedNetwork, change: NetworkChange | None) -> StepResult | None:
    """None once the network is there as it has to be, and the checks have seen it so; also where that was so before: a
    creation is proven only by who asks for its result."""
    if change:
        azure.get_or_create.forget(own.key)
    made = await to_step_result(ensure(azure, own), azure.settings.poll_seconds)
    if isinstance(made, Ready):
        return Pending(retry_after=0, step="Checking the network for drills") if change else None
    return made.with_(step="Making the network for drills") if isinstance(made, Pending) else made

"""Step 1 of a drill: the preflight checks, and the record, without which nothing is begun."""

from datetime import UTC, datetime
from uuid import uuid4

from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.model.activity_io import DrillRequest, Refused
from shared.model.drill import Drill
from shared.model.drill_network import NetworkChange
from shared.model.step_result import Pending, Ready, StepResult
from shared.model.target_resources import IsolatedNetwork
from shared.observe.drill import preflight
from shared.observe.vm import DRILLS
from shared.planning.catalog import finding_of
from shared.provision.registry import ensure
from shared.site_recovery.replicated_items import refresh


async def prepare_drill(azure: Azure, request: DrillRequest) -> StepResult:
    """Ready holds why the drill is `Refused`, or nothing: then its record is written."""
    azure.check_drill(request.vm_id)
    known = await azure.drills.of(request.vm_id)
    if known and known.token == request.token:
        return Ready()
    if known:
        text = f"A drill of {known.vm.name} from {known.recorded_at:%Y-%m-%d %H:%M} UTC is not cleaned up yet."
        return Ready(value=Refused(findings=(finding_of("DrillLeftovers", text),)).dump())
    refresh(azure)
    found = await preflight(azure, request.vm_id, request.order)
    seen, size, network = found.seen, found.size, found.network
    if found.findings or seen is None or seen.test_vm is None or size is None or not (network and network.id):
        return Ready(value=Refused(findings=found.findings).dump())
    if network.own:
        made = await _made(azure, network.own, network.change)
        if made:
            return made
    drill = Drill(
        vm=found.vm_id,
        item=seen.item.id,
        token=request.token,
        order=request.order,
        request=str(uuid4()),
        recorded_at=datetime.now(UTC),
        network=network.id,
        test_vm=seen.test_vm,
        test_disks=seen.test_disks or (),
        size=size.name,
        cores=size.cores,
        point=found.point,
    )
    await azure.drills.write(drill)
    azure.forget(DRILLS, if_before=float("inf"))
    return Ready()


async def _made(azure: Azure, own: IsolatedNetwork, change: NetworkChange | None) -> StepResult | None:
    """None once the network is there as it has to be, and the checks have seen it so; also where that was so before: a
    creation is proven only by who asks for its result."""
    if change:
        azure.get_or_create.forget(own.key)
    made = await to_step_result(ensure(azure, own), azure.settings.poll_seconds)
    if isinstance(made, Ready):
        return Pending(retry_after=0, step="Checking the network for drills") if change else None
    return made.with_(step="Making the network for drills") if isinstance(made, Pending) else made

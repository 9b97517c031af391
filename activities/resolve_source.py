"""Steps 1 and 2: observe the VM and the item that protects it, and plan its protection, or compare the item with the
plan."""

from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.arm.shared_reads import among
from shared.config.settings import Intent
from shared.model.activity_io import Observation, ObserveRequest
from shared.model.decision import Action
from shared.model.step_result import Ready, StepResult
from shared.observe.target_settings import derive_target_settings
from shared.observe.vm import observe
from shared.site_recovery.vault import vaults_of


async def resolve_source(azure: Azure, request: ObserveRequest) -> StepResult:
    """Ready holds an `Observation`, also if no plan could be made: what was observed counts all the same."""
    intent = Intent.YES if request.as_if_tagged else None
    # Those that end at the same time are observed at the same time.
    with among(max(vault.others_under_way() for vault in vaults_of(azure))):
        observation = await observe(azure, request.vm_id, intent=intent, confirmed=request.confirmed)
    if observation.vm and leads_to_plan(observation, request, datetime.now(UTC)):
        plan = derive_target_settings(azure, observation.vm, observation.item, request.failures)
        observation = observation.with_(planning=await to_step_result(plan, azure.settings.poll_seconds))
    return Ready(value=observation.dump())


def leads_to_plan(observation: Observation, request: ObserveRequest, now: datetime) -> bool:
    """Whether the run will need a plan at once: nothing that it has to wait for, or to remove, comes first."""
    decision, vm = observation.decision, observation.vm
    if vm is None or not request.plans:
        return False
    if observation.item:
        return decision.action is Action.CHANGE and not request.as_if_tagged
    early = decision.not_before is not None and now < decision.not_before
    return decision.action is Action.ENABLE and not early and not (vm.is_settling and request.may_settle)

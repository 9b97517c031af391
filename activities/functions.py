"""The activity functions of Durable Functions: a name, JSON in, JSON out. The activities themselves stay plain."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Dict  # noqa: UP035

import azure.durable_functions as df

if TYPE_CHECKING:
    from shared.model.step_result import StepResult

# Not `dict[str, Any]`: the worker of the platform rejects it as an annotation of a parameter ("invalid non-type
# annotation"), and the app then has no functions.
Json = Dict[str, Any]  # noqa: UP006

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="request")
async def resolve_source(request: Json) -> Json:
    from activities.resolve_source import resolve_source as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def derive_target_settings(request: Json) -> Json:
    from activities.derive_target_settings import derive_target_settings as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def create_target_resource(request: Json) -> Json:
    from activities.create_target_resource import create_target_resource as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def enable_protection(request: Json) -> Json:
    from activities.enable_protection import enable_protection as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def change_protection(request: Json) -> Json:
    from activities.change_protection import change_protection as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def monitor_job(request: Json) -> Json:
    from activities.monitor_job import monitor_job as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def remove_failed_item(request: Json) -> Json:
    from activities.remove_failed_item import remove_failed_item as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def disable_protection(request: Json) -> Json:
    from activities.disable_protection import disable_protection as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def publish_outcome(request: Json) -> Json:
    from activities.publish_outcome import publish_outcome as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
async def publish_sweep(request: Json) -> Json:
    from activities.publish_sweep import publish_sweep as step

    return await _run(step, request)


@blueprint.activity_trigger(input_name="request")
@blueprint.durable_client_input(client_name="client")
async def purge_history(request: Json, client: df.DurableOrchestrationClient) -> Json:
    from activities.purge_history import purge_history as step

    return await _run(step, request, client)


@blueprint.activity_trigger(input_name="request")
@blueprint.durable_client_input(client_name="client")
async def reconcile_window(request: Json, client: df.DurableOrchestrationClient) -> Json:
    from activities.reconcile_window import reconcile_window as step

    return await _run(step, request, client)


@blueprint.activity_trigger(input_name="request")
@blueprint.durable_client_input(client_name="client")
async def request_protection(request: Json, client: df.DurableOrchestrationClient) -> Json:
    from activities.request_protection import request_protection as step

    return await _run(step, request, client)


@blueprint.activity_trigger(input_name="request")
@blueprint.durable_client_input(client_name="client")
async def follow_batch(request: Json, client: df.DurableOrchestrationClient) -> Json:
    from activities.follow_batch import follow_batch as step

    return await _run(step, request, client)


@blueprint.activity_trigger(input_name="request")
async def remove_orphans(request: Json) -> Json:
    from activities.remove_orphans import remove_orphans as step

    return await _run(step, request)


async def _run(step: Callable[..., Awaitable["StepResult"]], request: Json, *more: Any) -> Json:
    """Runs an activity; the annotation of its `request` says which model the JSON is."""
    from shared.arm.client import gateway
    from shared.arm.errors import to_step_result
    from shared.arm.rate_limit import low_priority

    azure = gateway()
    loaded = step.__annotations__["request"].load(request)
    with low_priority(bool(request.get("lowPriority"))):
        outcome = await to_step_result(step(azure, loaded, *more), azure.settings.poll_seconds)
    return outcome.dump()

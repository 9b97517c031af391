"""The activity functions of Durable Functions: a name, JSON in, JSON out. The activities themselves stay plain.

An activity is a module with a function of the same name, which is what orchestrators call it by. A module is imported
when its activity is first called: a cold start for an event does not pay for it.
"""

from importlib import import_module
from time import monotonic
from typing import Any, Dict  # noqa: UP035

import azure.durable_functions as df

# Not `dict[str, Any]`: the worker of the platform rejects it as an annotation of a parameter ("invalid non-type
# annotation"), and the app then has no functions.
Json = Dict[str, Any]  # noqa: UP006

ACTIVITIES = (
    "activities.resolve_source",
    "activities.create_target_resources",
    "activities.enable_protection",
    "activities.change_protection",
    "activities.monitor_job",
    "activities.remove_failed_item",
    "activities.disable_protection",
    "activities.publish_outcome",
    "activities.publish_sweep",
    "activities.remove_orphans",
    "activities.prepare_drill",
    "activities.start_drill",
    "activities.look_at_drill",
    "activities.clean_up_drill",
)
WITH_CLIENT = (
    "activities.purge_history",
    "activities.reconcile_window",
    "activities.request_protection",
    "activities.follow_batch",
    "activities.finish_drill",
    "activities.advance_drills",
)
"""Activities that start, signal or read orchestrations."""

blueprint = df.Blueprint()


def _register(module: str, *, with_client: bool) -> None:
    name = module.rpartition(".")[2]

    async def activity(request: Json) -> Json:
        return await _run(module, name, request)

    async def activity_with_client(request: Json, client: df.DurableOrchestrationClient) -> Json:
        return await _run(module, name, request, client)

    function: Any = activity_with_client if with_client else activity
    function.__name__ = function.__qualname__ = name
    if with_client:
        function = blueprint.durable_client_input(client_name="client")(function)
    blueprint.activity_trigger(input_name="request")(function)


async def _run(module: str, name: str, request: Json, *more: Any) -> Json:
    """Runs an activity; the annotation of its `request` says which model the JSON is."""
    from shared.arm.client import gateway
    from shared.arm.errors import to_step_result
    from shared.arm.rate_limit import low_priority
    from shared.arm.ttl_cache import due_at, needed_since
    from shared.config.intervals import LONGEST_TURN
    from shared.readers.management_groups import resolve_scope

    azure, step = gateway(), getattr(import_module(module), name)
    if request.get("retry"):
        from shared.site_recovery.vault import read_again

        read_again(azure, if_before=monotonic() - azure.settings.poll_seconds)
    loaded = step.__annotations__["request"].load(request)
    due = due_at(request.get("due"), azure.settings.poll_seconds * LONGEST_TURN)
    with low_priority(bool(request.get("lowPriority"))), needed_since(due):

        async def act() -> Any:
            await resolve_scope(azure)
            return await step(azure, loaded, *more)

        outcome = await to_step_result(act(), azure.settings.poll_seconds)
    return outcome.dump()


for each in ACTIVITIES:
    _register(each, with_client=False)
for each in WITH_CLIENT:
    _register(each, with_client=True)

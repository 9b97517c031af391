"""The orchestration functions of Durable Functions. Its decorators hide the functions: the generators stay plain."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

blueprint = df.Blueprint()


@blueprint.orchestration_trigger(context_name="context")
def protect_vm(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    from orchestrators.protect_vm import protect_vm as orchestration

    return (yield from orchestration(context))


@blueprint.orchestration_trigger(context_name="context")
def reconcile_estate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    from orchestrators.reconcile_estate import reconcile_estate as orchestration

    return (yield from orchestration(context))


@blueprint.orchestration_trigger(context_name="context")
def protect_batch(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    from orchestrators.protect_batch import protect_batch as orchestration

    return (yield from orchestration(context))

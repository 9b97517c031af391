"""The orchestrations as Durable Functions knows them. Their decorators swallow functions: the generators stay plain."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

import orchestrators.protect_vm

blueprint = df.Blueprint()


@blueprint.orchestration_trigger(context_name="context")
def protect_vm(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    return (yield from orchestrators.protect_vm.protect_vm(context))

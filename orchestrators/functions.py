"""The orchestration functions of Durable Functions. Its decorators hide the functions: the generators stay plain.

An orchestrator is a module with a function of the same name, which is imported when the first of it runs.
"""

from collections.abc import Generator
from importlib import import_module
from typing import Any

import azure.durable_functions as df

ORCHESTRATORS = (
    "orchestrators.protect_vm",
    "orchestrators.reconcile_estate",
    "orchestrators.protect_batch",
    "orchestrators.drill_vm",
    "orchestrators.drill_batch",
)

blueprint = df.Blueprint()


def _register(module: str) -> None:
    name = module.rpartition(".")[2]

    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        return (yield from getattr(import_module(module), name)(context))

    orchestrator.__name__ = orchestrator.__qualname__ = name
    blueprint.orchestration_trigger(context_name="context")(orchestrator)


for each in ORCHESTRATORS:
    _register(each)

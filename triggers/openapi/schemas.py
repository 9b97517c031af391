"""The schemas of the document: of responses and requests."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from shared.config.settings import Settings
from shared.reconcile.run_state import RunResult
from triggers.body import request_model
from triggers.drills import MODELS as DRILL_MODELS
from triggers.hold import HoldRequest
from triggers.operations import OPERATIONS, REFERENCE, Json, reference
from triggers.problems import ProblemDocument
from triggers.selection import selection_models
from triggers.views import RunStatus


class _Schemas(GenerateJsonSchema):
    """In a response every member that cannot be null is required. Titles and defaults are left out: they repeat."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "validation":
            return super().field_is_required(field, total)
        schema = field["schema"]
        return bool((schema["schema"] if schema["type"] == "default" else schema)["type"] != "nullable")

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: Any) -> Json:
        return self.generate_inner(schema["schema"])


def schemas(settings: Settings) -> Json:
    """The schemas by name. The modules of the handlers are imported."""
    views = list({operation.response: None for operation in OPERATIONS.values() if operation.response})
    responses: list[type[BaseModel]] = [*views, RunStatus, RunResult, ProblemDocument]
    models: list[type[BaseModel]] = [
        request_model(settings),
        HoldRequest,
        *selection_models(settings),
        *DRILL_MODELS.values(),
    ]
    _, answers = models_json_schema(
        [(model, "serialization") for model in responses],
        ref_template=REFERENCE,
        schema_generator=_Schemas,
    )
    _, requests = models_json_schema(
        [(model, "validation") for model in models], ref_template=REFERENCE, schema_generator=_Schemas
    )
    found: Json = answers["$defs"]
    for view in views:
        found[view.__name__]["required"] = list(found[view.__name__]["properties"])
    about = "The status while it runs, then its result; a text if the run itself failed; null if there was none"
    found["ProtectionView"]["properties"]["run"] = {
        "anyOf": [reference(RunStatus), reference(RunResult), {"type": "string"}, {"type": "null"}],
        "description": about,
    }
    return {**found, **requests["$defs"]}

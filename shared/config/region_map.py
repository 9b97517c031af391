"""The region map: vault and target region of the VMs of a source region."""

import json
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, model_validator

from shared.model.base import Model
from shared.model.resource_id import ResourceId
from shared.model.values import region

Region = Annotated[str, AfterValidator(region)]


class RegionTarget(Model):
    """For one source region: the vault, the target region if it is not the vault's, or both."""

    model_config = ConfigDict(extra="forbid")

    vault: ResourceId | None = None
    target_location: Region | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.vault is None and self.target_location is None:
            raise ValueError("vault, targetLocation or both are needed")
        return self


def parse_object(given: Any) -> Any:
    """A setting that is written as a JSON object. Raises ValueError."""
    if not isinstance(given, str):
        return given
    try:
        parsed = json.loads(given)
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise ValueError("it is no JSON object")
    return parsed


def parse_region_map(given: Any) -> Any:
    """The setting's JSON object. Raises ValueError if it names a region twice, as `East US` and as `eastus`."""
    parsed = parse_object(given)
    if isinstance(parsed, dict):
        names = [name.replace(" ", "").lower() for name in parsed]
        if len(set(names)) < len(names):
            raise ValueError("it names a region twice")
    return parsed

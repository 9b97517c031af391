"""The price table of the settings, from which `planning/costs.py` says what protection and drills cost.

Azure's prices differ by region, agreement and time: only what was found in print is built in (docs/cost.md).
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from shared.model.base import Model

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Prices(Model):
    """In `currency`, for a month: `instance` a protected VM, `diskGb` a GiB of a replica disk by type, `cache` a VM's
    share of the cache account. `coreHour` is a core of a test VM for an hour."""

    model_config = ConfigDict(extra="forbid")

    currency: str = Field("USD", min_length=1, max_length=8)
    instance: Price = 25.0
    disk_gb: dict[str, Price] = {}
    cache: Price | None = None
    core_hour: Price | None = None

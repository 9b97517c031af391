"""The drift engine: what is asked for and what is there, compared. Pure: an estate in, standings and findings out."""

from shared.domain.estate import Estate, Standing
from shared.domain.settings import Settings


def assess(estate: Estate, settings: Settings) -> tuple[Standing, ...]:
    """How every VM and every item of the estate stands, by the VM's ID."""
    del estate, settings
    return ()

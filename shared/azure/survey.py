"""The survey of the estate: read by a handful of lists, however many VMs there are, and remembered for a while."""

from shared.azure.estate import read_estate
from shared.azure.gateway import Azure
from shared.domain.compliance import assess
from shared.domain.estate import Survey
from shared.domain.leftovers import demand_of

_KEY = "survey"


async def survey(azure: Azure, within: float | None = None) -> Survey:
    """How every VM in the source scope stands, at most `within` seconds ago (by default two poll intervals).

    Nothing is raised for what Azure answers: what could not be read is in the survey's `gaps`.
    """
    return await azure.shared(
        _KEY, lambda: _survey(azure), 2 * azure.settings.poll_seconds if within is None else within
    )


async def _survey(azure: Azure) -> Survey:
    estate = await read_estate(azure)
    group_tags = {key: group.tags for key, group in estate.groups.items()}
    return Survey(
        standings=assess(estate, azure.settings),
        read_at=estate.read_at,
        gaps=estate.gaps,
        demand=demand_of(estate.vms, estate.items, group_tags, azure.settings),
    )

"""Whether the resource groups of the targets are prepared: where the deployment names groups, it creates them, and the
app has rights in these only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from shared.config.settings import Settings
from shared.model.findings import Finding
from shared.model.target_resources import ResourceGroup
from shared.planning.catalog import finding_of


def not_in_scope(groups: Iterable[ResourceGroup], settings: Settings) -> Iterator[Finding]:
    """Blockers for groups outside the target scope."""
    why = f"outside DR_TARGET_SCOPE: {settings.target}" if settings.target_scope else "DR_TARGET_SCOPE is empty"
    return _not_prepared((each for each in groups if each.id not in settings.target), why, settings)


def not_created(group: ResourceGroup, settings: Settings) -> Iterator[Finding]:
    """A blocker for a group that does not exist, where the app may create none."""
    if not settings.target.has_whole(group.id.subscription):
        yield from _not_prepared([group], "does not exist", settings)


def _not_prepared(groups: Iterable[ResourceGroup], why: str, settings: Settings) -> Iterator[Finding]:
    """One for the groups of cache accounts, and one for each subscription, with the groups that it has to list."""
    found = defaultdict[str, list[ResourceGroup]](list)
    for each in groups:
        found["" if each.for_cache else each.id.subscription.lower()].append(each)
    for subscription, some in found.items():
        listed = [each for each in settings.target_groups if each.subscription.lower() == subscription]
        names = dict.fromkeys(each.resource_group for each in (*listed, *(each.id for each in some)))
        yield finding_of(
            "TargetGroupNotPrepared",
            f"Not prepared by the deployment: {', '.join(str(each.id) for each in some)} ({why}).",
            case="" if subscription else "cache",
            groups=",".join(names),
            region=some[0].location,
        )

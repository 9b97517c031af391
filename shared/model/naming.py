"""Names of the resources that the app creates: pure functions, so that concurrent writers create each only once.

Names are for making, never for finding: what exists is found by its natural key, whatever somebody called it.
Where the portal has a name of its own for a thing, it is used, so that both can work in one vault.
"""

from collections.abc import Iterable
from hashlib import sha256
from itertools import count
from uuid import UUID, uuid5

from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import ACCOUNT, RESOURCE_GROUP, type_of

_ITEMS = UUID("6f2d7c1e-58c3-5d0e-9a64-2b1f0c7de5a1")
"""The namespace of the names of items that this app creates: a name in it marks the item as created by the app."""

MADE_BY, MADE_AT = "dr-made-by", "dr-made-at"
"""The tags of resources that the app creates: by which deployment, and when (UTC). Hints: anybody may write a tag."""

CACHE_GROUP = "asr-cache-"
"""The prefix of resource groups of cache accounts; the source region follows."""

SUFFIX = "-asr"
"""The suffix that the portal appends to the names of target resources."""


def _digest(text: str, length: int) -> str:
    return sha256(folded(text).encode()).hexdigest()[:length]


def instance_id(vm: ResourceId) -> str:
    """The Durable instance of a VM. The ID is the lock: at most one orchestration per VM.

    At most 100 characters, as Durable Functions demands, and none of / \\ # ?.
    """
    return f"protect-{vm.name.lower()[:64]}-{_digest(vm.key, 20)}"


def maker(deployment: str) -> str:
    """The value of the tag `MADE_BY`."""
    return f"azure-vm-dr-autoprotect/{deployment.lower()}"


def item_name(vm: ResourceId, deployment: str) -> str:
    """The replication protected item of a VM: a GUID, as the portal's are; each deployment has its own."""
    return str(uuid5(_ITEMS, f"{deployment.lower()}{vm.key}"))


def with_suffix(name: str, longest: int) -> str:
    """`name-asr`, shortened with a digest where Azure's limit for that kind of resource (`longest`) asks for it."""
    if len(name) + len(SUFFIX) <= longest:
        return name + SUFFIX
    digest = _digest(name, 6)
    return f"{name[: longest - len(SUFFIX) - 7]}-{digest}{SUFFIX}"


def target_group(source: ResourceId) -> ResourceId:
    """The target resource group of the resources in the source's resource group."""
    return ResourceId.of(source.subscription, with_suffix(source.resource_group, RESOURCE_GROUP.longest_name))


def target_sibling(source: ResourceId) -> ResourceId:
    """The target counterpart of a resource, as a network: a function of the source alone."""
    return in_group(target_group(source), source)


def in_group(group: ResourceId, source: ResourceId) -> ResourceId:
    """The target counterpart of a source resource in a given resource group."""
    name = with_suffix(source.name, type_of(source).longest_name)
    return ResourceId.of(group.subscription, group.resource_group, source.type, name)


def cache_group(subscription: str, location: str) -> ResourceId:
    """The resource group of the cache accounts for a subscription and region, of all deployments."""
    return ResourceId.of(subscription, f"{CACHE_GROUP}{location}")


def cache_account(
    subscription: str, location: str, deployment: str, *, premium: bool = False, number: int = 1
) -> ResourceId:
    """The cache storage account that a deployment's VMs of a subscription and region share; the second when the first
    is full.

    Storage account names are unique in all of Azure: 3 to 24 lower-case letters and digits.
    """
    which = ("/premium" if premium else "") + (f"/{number}" if number > 1 else "")
    return ResourceId.of(
        subscription,
        cache_group(subscription, location).resource_group,
        ACCOUNT,
        f"asrcache{_digest(f'{deployment}/{subscription}/{location}{which}', 16)}",
    )


def target_account(name: str) -> str:
    """The portal's name of the target of a storage account with unmanaged disks."""
    return f"{name[:21]}asr"


def fabric(location: str) -> str:
    """As the portal names it."""
    return f"asr-a2a-default-{location}"


def container(location: str) -> str:
    """As the portal names it."""
    return f"asr-a2a-default-{location}-container"


def policy(retention_hours: int, app_consistent_hours: int, profile: str = "default") -> str:
    """The name of a replication policy: its values, and the profile that it was first created for, unless the default.

    Not the portal's `24-hour-retention-policy`, whose values have changed over time.
    """
    points = f"{app_consistent_hours}-hour" if app_consistent_hours else "no"
    name = f"{retention_hours}-hour-retention-{points}-app-consistent-policy"
    return name if profile == "default" else f"{name}-for-{profile}"


def free(name: str, taken: Iterable[str]) -> str:
    """The first free name of `name`, `name-2` and so on: an existing policy has other values, and must not be
    changed."""
    known = {each.lower() for each in taken}
    candidates = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(candidate for candidate in candidates if candidate.lower() not in known)


def container_mapping(source_location: str, target_location: str, policy_name: str) -> str:
    """As the portal names it: `<source>-<target>-<policy>`."""
    return f"{source_location}-{target_location}-{policy_name}"


def network_mapping(source_network: ResourceId, target_location: str) -> str:
    """A network may have one mapping per target region."""
    return f"{source_network.name[:40]}-{target_location}-{_digest(source_network.key, 8)}"

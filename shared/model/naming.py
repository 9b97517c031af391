"""Names of the resources that the app creates: pure functions, so that concurrent writers create each only once.

Names are for making, never for finding: what exists is found by its natural key, whatever somebody called it.
Where the portal has a name of its own for a thing, it is used, so that both can work in one vault.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import count
from uuid import UUID, uuid5

from shared.model.name_rule import NameRule
from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import NETWORK

_ITEMS = UUID("6f2d7c1e-58c3-5d0e-9a64-2b1f0c7de5a1")
"""The namespace of the names of items that this app creates: a name in it marks the item as created by the app."""

_OWN = 8
"""The length of the digest of the target network's ID in the name of a network for drills."""

MADE_BY, MADE_AT = "dr-made-by", "dr-made-at"
"""The tags of resources that the app creates: by which deployment, and when (UTC). Hints: anybody may write a tag."""


def digest(text: str, length: int) -> str:
    return sha256(folded(text).encode()).hexdigest()[:length]


def instance_id(vm: ResourceId) -> str:
    """The Durable instance of a VM. The ID is the lock: at most one orchestration per VM.

    At most 100 characters, as Durable Functions demands, and none of / \\ # ?.
    """
    return f"protect-{vm.name.lower()[:64]}-{digest(vm.key, 20)}"


def maker(deployment: str) -> str:
    """The value of the tag `MADE_BY`."""
    return f"azure-vm-dr-autoprotect/{deployment.lower()}"


def item_name(vm: ResourceId, deployment: str) -> str:
    """The replication protected item of a VM: a GUID, as the portal's are; each deployment has its own."""
    return str(uuid5(_ITEMS, f"{deployment.lower()}{vm.key}"))


def fitted(template: str, values: Mapping[str, str], told_by: str, rule: NameRule) -> str:
    """The name that a template gives. Where Azure would not take it, the value of the placeholder `told_by` is cleaned
    and cut, with a digest of the whole behind it."""
    name = template.format_map(values)
    if rule.allows(name):
        return name
    own = digest(values[told_by], 6)
    room = rule.longest - len(template.format_map({**values, told_by: f"-{own}"}))
    kept = rule.cleaned(values[told_by], at_start=template.startswith(f"{{{told_by}}}"))[: max(room, 0)]
    return template.format_map({**values, told_by: f"{kept}-{own}" if kept else own})


def replica_disk(disk: str) -> str:
    """The name of the replica of a source disk, as Site Recovery gives it in the target group (recorded traffic). What
    it does where that name is taken is not known."""
    return f"{disk}-ASRReplica"


def drill_network(target: ResourceId) -> ResourceId:
    """The app's own network for drills of the VMs that fail over to that network. In its group: the app has the rights
    there anyway, and a VM can be in no network of another subscription."""
    values = {"network": target.name, "digest": digest(target.key, _OWN)}
    name = fitted("dr-drill-{network}-{digest}", values, "network", NETWORK.names)
    return ResourceId.of(target.subscription, target.resource_group, NETWORK, name)


def is_drill_network(resource: ResourceId) -> bool:
    """Whether that may be the name of such a network."""
    own = re.fullmatch(rf"dr-drill-.*[0-9a-f]{{{_OWN}}}", folded(resource.name))
    return resource.is_type(NETWORK) and own is not None


def target_account(name: str) -> str:
    """The portal's name of the target of a storage account with unmanaged disks."""
    return f"{name[:21]}asr"


def fabric(location: str) -> str:
    """As the portal names it."""
    return f"asr-a2a-default-{location}"


def container(location: str) -> str:
    """As the portal names it."""
    return f"asr-a2a-default-{location}-container"


def free(name: str, taken: Iterable[str]) -> str:
    """The first free name of `name`, `name-2` and so on: an existing policy has other values, and must not be
    changed."""
    known = {each.lower() for each in taken}
    candidates = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(candidate for candidate in candidates if candidate.lower() not in known)

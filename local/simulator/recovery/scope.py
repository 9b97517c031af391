"""Finds the vault, fabric, container or item that a path names, or raises the error for a missing one."""

import re
from collections.abc import Iterable
from typing import TypeVar

from local.simulator import ids
from local.simulator.arm.vaults import TYPE
from local.simulator.errors import resource_not_found
from local.simulator.recovery import errors, item_view
from local.simulator.vault.model import Container, ContainerMapping, Fabric, Policy, ProtectedItem, RecoveryVault
from local.simulator.wire import Call, Json
from local.simulator.world import World

T = TypeVar("T")
VAULT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.RecoveryServices/vaults/{vault}"
FABRIC = VAULT + "/replicationFabrics/{fabric}"
CONTAINER = FABRIC + "/replicationProtectionContainers/{container}"
ITEM = CONTAINER + "/replicationProtectedItems/{item}"
# The official descriptions give this pattern for the newer operations only; that the older ones reject the same
# characters is an inference.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]$")


def vault(world: World, call: Call) -> RecoveryVault:
    vault_id = f"{ids.group_id(call['subscription'], call['group'])}/providers/{TYPE}/{call['vault']}"
    found = of_vault(world, vault_id)
    if found is None:
        raise resource_not_found(TYPE, call["vault"], call["group"])
    return found


def of_vault(world: World, vault_id: str) -> RecoveryVault | None:
    """Site Recovery's side of a vault, created at the first access."""
    resource = world.store.get(vault_id)
    if resource is None:
        return None
    return world.recovery.setdefault(ids.key(vault_id), RecoveryVault(resource))


def visible(world: World, ready: bool) -> bool:
    return ready or not world.behaviour.infrastructure_hidden_while_creating


def fabric(world: World, call: Call, *, ready: bool = False) -> Fabric:
    """With `ready`, a fabric whose job still runs counts as missing: writes below a fabric need a complete one."""
    holder = vault(world, call)
    found = holder.fabrics.get(call["fabric"].lower())
    if found is None or not (found.ready if ready else visible(world, found.ready)):
        raise errors.fabric_missing(call["fabric"]) if holder.registered else errors.not_registered()
    return found


def container(world: World, call: Call, *, ready: bool = False) -> Container:
    found = fabric(world, call, ready=ready).containers.get(call["container"].lower())
    if found is None or not (found.ready if ready else visible(world, found.ready)):
        raise errors.missing(call["container"])
    return found


def policy(world: World, call: Call) -> Policy:
    holder = vault(world, call)
    found = holder.policies.get(call["policy"].lower())
    if found is None or not visible(world, found.ready):
        raise errors.missing(call["policy"]) if holder.registered else errors.not_registered()
    return found


def item(world: World, call: Call) -> ProtectedItem:
    found = container(world, call).items.get(call["item"].lower())
    if found is None or not item_view.shown(world, found):
        raise errors.missing(call["item"])
    return found


def ready(made: Fabric | Container | ContainerMapping) -> None:
    """Marks an object as created: its job has succeeded."""
    made.ready = True


def drop(holder: dict[str, T], name: str) -> None:
    """Removes the object of this name, if it exists."""
    holder.pop(name.lower(), None)


def check_name(name: str) -> str:
    """Raises ArmError 400 for characters that Site Recovery does not allow in names."""
    if not _NAME.fullmatch(name):
        raise errors.bad_request(f"The name '{name}' contains characters that are not allowed.", "InvalidName")
    return name


def a2a(kind: str, expected: str = "A2A") -> None:
    """Raises ArmError 400 for an instance type other than Azure to Azure."""
    if kind != expected:
        raise errors.bad_request(f"The instance type '{kind}' is not supported here; expected '{expected}'.")


def only(source: Json, names: Iterable[str]) -> None:
    """Raises ArmError 400 if a property outside `names` has a value: it is unknown, or not supported here.

    The service may ignore it silently; but a client that relies on it has a bug.
    """
    known = set(names)
    for name, value in source.items():
        if value and name not in known:
            raise errors.bad_request(f"The property '{name}' is not supported here.")

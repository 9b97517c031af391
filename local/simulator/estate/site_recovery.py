"""The content of an estate's vaults: infrastructure and items, under any names."""

from dataclasses import dataclass

from local.simulator.estate import protected_items
from local.simulator.estate.fields import Fields, each
from local.simulator.recovery import enable_input, scope
from local.simulator.store import Store
from local.simulator.vault.model import (
    Container,
    ContainerMapping,
    Fabric,
    NetworkMapping,
    Policy,
    RecoveryVault,
)
from local.simulator.wire import Json
from local.simulator.world import World

_VAULT = "vault fabrics containers policies containerMappings networkMappings protectedItems"
_MAPPING = (
    "fabric container name targetFabric targetContainer policy agentAutoUpdateStatus automationAccountArmId "
    "automationAccountAuthenticationType"
)


@dataclass(frozen=True, slots=True)
class VaultContent:
    """One vault of the estate, checked: its keys are known and the vault exists."""

    fields: Fields
    vault_id: str


def check(store: Store, raw: Json) -> list[VaultContent]:
    """Checks the content before anything is replaced. Raises ValueError."""
    found = []
    for fields in each(raw, "siteRecovery", _VAULT):
        vault_id = fields.id("vault", "Microsoft.RecoveryServices/vaults").text
        resource = store.get(vault_id)
        if resource is None:
            raise ValueError(f"{fields.where}: vault {vault_id} is not in the estate")
        builder = _Builder(RecoveryVault(resource), fields)
        builder.infrastructure()
        builder.check_items(store)
        found.append(VaultContent(fields, vault_id))
    return found


def build(world: World, contents: list[VaultContent]) -> None:
    for content in contents:
        vault = scope.of_vault(world, content.vault_id)
        if vault is not None:
            builder = _Builder(vault, content.fields)
            builder.infrastructure()
            builder.items(world)


class _Builder:
    def __init__(self, vault: RecoveryVault, fields: Fields) -> None:
        self.vault = vault
        self.fields = fields

    def _each(self, name: str, known: str) -> list[Fields]:
        return [
            Fields(part.raw, f"{self.fields.where}: {part.where}", known) for part in each(self.fields.raw, name, known)
        ]

    def infrastructure(self) -> None:
        for fields in self._each("fabrics", "name location"):
            location, name = fields.location(), fields.need("name", str)
            if any(fabric.location == location for fabric in self.vault.fabrics.values()):
                raise ValueError(f"{fields.where}: a vault has one fabric per region")
            self.vault.fabrics[name.lower()] = Fabric(self.vault, name, location, ready=True)
            self.vault.registered = True
        for fields in self._each("containers", "fabric name"):
            fabric, name = self._fabric(fields, "fabric"), fields.need("name", str)
            fabric.containers[name.lower()] = Container(fabric, name, ready=True)
        for fields in self._each(
            "policies", "name recoveryPointHistory appConsistentFrequencyInMinutes multiVmSyncStatus"
        ):
            name = fields.need("name", str)
            self.vault.policies[name.lower()] = Policy(
                self.vault,
                name,
                fields.get("recoveryPointHistory", int, 1440),
                fields.get("appConsistentFrequencyInMinutes", int, 240),
                5,
                fields.choice("multiVmSyncStatus", ("Enabled", "Disabled")) == "Enabled",
                ready=True,
            )
        for fields in self._each("containerMappings", _MAPPING):
            self._container_mapping(fields)
        for fields in self._each("networkMappings", "fabric name recoveryFabric primaryNetwork recoveryNetwork"):
            self._network_mapping(fields)

    def _fabric(self, fields: Fields, name: str) -> Fabric:
        found = self.vault.fabrics.get(fields.need(name, str).lower())
        if found is None:
            raise ValueError(f"{fields.where}: {name} {fields.raw[name]!r} is not among the fabrics")
        return found

    def _container(self, fields: Fields, fabric: str, name: str) -> Container:
        found = self._fabric(fields, fabric).containers.get(fields.need(name, str).lower())
        if found is None:
            raise ValueError(f"{fields.where}: {name} {fields.raw[name]!r} is not among the containers")
        return found

    def _policy(self, fields: Fields) -> Policy:
        found = self.vault.policies.get(fields.need("policy", str).lower())
        if found is None:
            raise ValueError(f"{fields.where}: policy {fields.raw['policy']!r} is not among the policies")
        return found

    def _container_mapping(self, fields: Fields) -> None:
        container = self._container(fields, "fabric", "container")
        target = self._container(fields, "targetFabric", "targetContainer")
        agent = {name: fields.raw[name] for name in _MAPPING.split()[6:] if fields.get(name, str)}
        name = fields.need("name", str)
        container.mappings[name.lower()] = ContainerMapping(
            container, name, target, self._policy(fields), agent, ready=True
        )

    def _network_mapping(self, fields: Fields) -> None:
        fabric = self._fabric(fields, "fabric")
        name = fields.need("name", str)
        fabric.network_mappings[name.lower()] = NetworkMapping(
            fabric,
            name,
            self._fabric(fields, "recoveryFabric"),
            fields.id("primaryNetwork", "Microsoft.Network/virtualNetworks").text,
            fields.id("recoveryNetwork", "Microsoft.Network/virtualNetworks").text,
            ready=True,
        )

    def check_items(self, store: Store) -> None:
        for fields in self._each("protectedItems", protected_items.KEYS):
            protected_items.read(store, fields)
            self._container(fields, "fabric", "container")
            self._container(fields, "recoveryFabric", "recoveryContainer")
            self._policy(fields)

    def items(self, world: World) -> None:
        for fields in self._each("protectedItems", protected_items.KEYS):
            vm, details = protected_items.read(world.store, fields)
            container = self._container(fields, "fabric", "container")
            target = self._container(fields, "recoveryFabric", "recoveryContainer")
            name = fields.need("name", str)
            item = enable_input.item(world, container, name, vm, self._policy(fields), target, details)
            self.vault.add_item(item)
            protected_items.bring_to_state(world, item, fields)

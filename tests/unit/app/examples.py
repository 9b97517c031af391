"""What the tests of the app speak of: one tagged VM, what surrounds it, and the settings of an app that protects it."""

from collections.abc import Iterable
from typing import Any

from shared.config.override_options import CHOICES
from shared.config.profiles import DEFAULT, Profile
from shared.config.settings import Settings
from shared.model import naming
from shared.model.capacity import Need, Place
from shared.model.findings import Finding
from shared.model.names import DEFAULT_NAMES
from shared.model.plan import Plan, Setting
from shared.model.replicated_item import ItemDisk, ProtectedItem
from shared.model.resource_id import VAULT, ResourceId
from shared.model.vm import Disk, Existing, Network, PlanningContext, SourceNic, SourceVm, Subnet
from shared.planning.derive import derive
from shared.planning.overrides import overrides_of
from shared.reconcile.diff import with_changes

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
ELSEWHERE = "22222222-2222-2222-2222-222222222222"
TENANT = "99999999-9999-9999-9999-999999999999"

VM_ID = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/virtualMachines", "web-1")
OS_DISK = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/disks", "web-1-os")
DATA_DISK = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/disks", "web-1-data")
NIC = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Network/networkInterfaces", "web-1-nic")
NETWORK = ResourceId.of(SUBSCRIPTION, "net", "Microsoft.Network/virtualNetworks", "vnet")
AVAILABILITY_SET = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/availabilitySets", "web-set")
VAULT_ID = ResourceId.of(SUBSCRIPTION, "dr", VAULT, "vault")
CONTAINER = VAULT_ID.child("replicationFabrics", "east").child("replicationProtectionContainers", "east-container")
SOURCE, TARGET = "eastus", "westus2"
DEPLOYMENT = "func-1"
NAMES = DEFAULT_NAMES.between(SOURCE, TARGET)


def settings(**changes: Any) -> Settings:
    """Settings as the environment would give them; a poll interval of 30 s."""
    given = {
        "vault_ids": str(VAULT_ID),
        "source_scope": f"/subscriptions/{SUBSCRIPTION}",
        "target_scope": f"/subscriptions/{SUBSCRIPTION}",
        "deployment": DEPLOYMENT,
        "origin_store": "/nowhere",
    }
    return Settings(**{**given, **changes})


def open_settings(**changes: Any) -> Settings:
    """Settings whose default profile lets every tag ask for anything."""
    return settings(**{"profiles": {DEFAULT: Profile(allow=dict.fromkeys(CHOICES, ("*",)))}, **changes})


def source_vm(**changes: Any) -> SourceVm:
    """A VM that can be protected."""
    vm = SourceVm(
        id=VM_ID,
        location=SOURCE,
        tags={"dr": "true"},
        power_state="running",
        provisioning_state="Succeeded",
        size="Standard_D2s_v5",
        os="Linux",
        disks=(Disk(id=OS_DISK, sku="Premium_LRS", size_gb=64, holds_os=True),),
        nic_ids=(NIC,),
    )
    return vm.with_(**changes)


def asking(**tags: str) -> SourceVm:
    """The VM with these of the app's own tags: `target_size` is `dr-target-size`."""
    return source_vm(tags={"dr": "true", **{f"dr-{name.replace('_', '-')}": value for name, value in tags.items()}})


def need(**changes: Any) -> Need:
    """What a failover of a VM of two cores needs."""
    known: dict[str, Any] = {"place": Place(SUBSCRIPTION, TARGET), "size": "Standard_D2s_v5"}
    return Need(**{**known, **changes})


def planning_context(**changes: Any) -> PlanningContext:
    context = PlanningContext(
        vault_location=TARGET,
        target_location=TARGET,
        nics=(SourceNic(id=NIC, subnet=NETWORK.child("subnets", "web"), configuration="ipconfig", address="10.1.1.4"),),
        networks=(source_network(),),
    )
    return context.with_(**changes)


def source_network(**changes: Any) -> Network:
    network = Network(
        id=NETWORK,
        location=SOURCE,
        address_space=("10.1.0.0/16",),
        subnets={"web": Subnet(prefixes=("10.1.1.0/24",))},
    )
    return network.with_(**changes)


def plan_of(
    vm: SourceVm, context: PlanningContext, app: Settings, item: ProtectedItem | None = None, **group_tags: str
) -> Plan:
    """What the rules say, from the layers on."""
    overrides = overrides_of(vm, group_tags, app)
    vault = app.vault_for(vm.location, overrides.profile)
    assert vault is not None
    plan = derive(vm, context, overrides, app, vault, item)
    return with_changes(plan, overrides, item) if item else plan


def reported(findings: Iterable[Finding], code: str) -> Finding:
    """The one finding of that code. It says why, and what to do."""
    (finding,) = [finding for finding in findings if finding.code == code]
    assert finding.message
    assert finding.fix
    return finding


def setting(plan: Plan, name: str) -> Setting:
    (found,) = [setting for setting in plan.settings if setting.name == name]
    return found


def of_kind(plan: Plan, kind: type[Any]) -> list[Any]:
    """The target resources of that kind, in the order of their waves."""
    return [resource for wave in plan.resources for resource in wave if isinstance(resource, kind)]


def existing(resource_type: str, name: str, group: str = "web-asr", **changes: Any) -> Existing:
    """A resource that is there, in the target region unless reported otherwise."""
    found = Existing(id=ResourceId.of(SUBSCRIPTION, group, resource_type, name), location=TARGET)
    return found.with_(**changes)


def protected_item(**changes: Any) -> ProtectedItem:
    """The item of the VM, made by somebody else, in the state Protected."""
    item = ProtectedItem(
        id=CONTAINER.child("replicationProtectedItems", "made-in-the-portal"),
        source=VM_ID,
        state="Protected",
        disks=(ItemDisk(id=OS_DISK, replica_sku="Premium_LRS", target_sku="Premium_LRS"),),
    )
    item = item.with_(**changes)
    ours = item.id.name.lower() == naming.item_name(item.source, DEPLOYMENT)
    return item.with_(**{"is_ours": ours, **changes})

"""Any VM, whatever surrounds it, whatever people write into its tags: what properties of the rules are tried on."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from shared.config.override_options import CHOICES
from shared.config.profiles import Profile
from shared.config.settings import Settings
from shared.model import resource_types
from shared.model.names import DEFAULT_NAMES
from shared.model.plan import Plan
from shared.model.replicated_item import ItemDisk, ItemNic, ItemSettings, ProtectedItem
from shared.model.resource_id import ResourceId, vm_id
from shared.model.vm import (
    Disk,
    EligibilityError,
    Existing,
    GroupMember,
    Lock,
    Network,
    Offer,
    PlanningContext,
    Quota,
    Size,
    SourceAvailabilitySet,
    SourceNic,
    SourceVm,
    Subnet,
)
from shared.planning import placement
from shared.planning.overrides import overrides_of
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    DEPLOYMENT,
    ELSEWHERE,
    NAMES,
    NETWORK,
    NIC,
    OS_DISK,
    SUBSCRIPTION,
    VM_ID,
    plan_of,
    protected_item,
    settings,
    source_vm,
)

ODD = [
    "",
    " ",
    "..",
    "../..",
    "a/../b",
    "%2f..%2f",
    "a%2fb",
    "a\nb",
    "a\x00b",
    "a;b",
    "=",
    "a=b",
    "web-1-nic=,",
    "\uff41\uff42",
    "\u212aelvin",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dr-\u212a",
    "x" * 300,
    f"{NETWORK}/..",
    f"{NETWORK}/../../x",
    f"{NETWORK}?x=y",
    f"{NETWORK}#x",
    f"{NETWORK}%2f..",
    f"{NETWORK}=it",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/..",
    f"/subscriptions/{ELSEWHERE}/resourceGroups/theirs",
    f"/subscriptions/{ELSEWHERE}/resourceGroups/theirs/providers/{resource_types.ACCOUNT}/theirs",
    f"/subscriptions/{ELSEWHERE}/resourceGroups/theirs/providers/{resource_types.NETWORK}/theirs",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/a/providers/{resource_types.NETWORK}/..",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/a/providers/{resource_types.NETWORK}/b\n",
]
hostile = st.one_of(st.text(max_size=300), st.sampled_from(ODD))

groups = st.sampled_from(["web", "WEB", "db", "x" * 90])
subscriptions = st.sampled_from([SUBSCRIPTION, SUBSCRIPTION, ELSEWHERE])
regions = st.sampled_from(["eastus", "westus2", "centralus"])
skus = st.sampled_from(["Premium_LRS", "StandardSSD_LRS", ""])
IT, HOME, MISSING = "it", "home", "missing"


class Situation(NamedTuple):
    vm: SourceVm
    context: PlanningContext
    app: Settings
    group_tags: dict[str, str]

    def plan(self, item: ProtectedItem | None = None) -> Plan:
        return plan_of(self.vm, self.context, self.app, item, **self.group_tags)


def _of_type(subscription: str, group: str, resource_type: str, name: str) -> ResourceId:
    if resource_type == resource_types.POOL:
        return ResourceId.of(subscription, group, "Microsoft.Network/loadBalancers", name).child(
            "backendAddressPools", name
        )
    if resource_type == resource_types.RESOURCE_GROUP:
        return ResourceId.of(subscription, name)
    return ResourceId.of(subscription, group, resource_type, name)


PLAIN = {
    "target-location": ["westus2", "Central US", "eastus"],
    "target-subnet": ["web", "db", "web-1-nic=db"],
    "target-ip": ["10.1.1.9", "web-1-nic=10.1.1.9", "10.1.1.1"],
    "target-zone": ["1", "3", "none"],
    "target-size": ["Standard_D4s_v5", "Standard_D2s_v5", "Standard_HB"],
    "target-name": ["web-1-dr", "x" * 20],
    "target-disk-type": ["Standard_LRS", "web-1-os=Premium_LRS", "PremiumV2_LRS"],
    "replica-disk-type": ["Standard_LRS", "web-1-data=Premium_LRS"],
    "churn": ["normal", "high"],
    "consistency-group": ["shop", "none"],
    "exclude-disks": ["none", "7", "web-1-os", "web-1-data"],
}


NOT_TO_BE_HAD = {
    "web-1-os",
    "web-1-data",
    "eastus",
    "Standard_HB",
    "10.1.1.1",
    "3",
    "x" * 20,
    "10.1.1.9",
    "PremiumV2_LRS",
    "db",
    "web-1-nic=db",
}


def wished(vm: ResourceId, location: str, tag: str, fitting: bool) -> st.SearchStrategy[str]:
    """What somebody may write under a tag: if it is `fitting`, what is likely to be had."""
    resource_type = CHOICES[tag].resource_type
    if resource_type is None:
        return st.sampled_from([text for text in PLAIN[tag] if not (fitting and text in NOT_TO_BE_HAD)])
    group = NAMES.group(vm).resource_group
    if tag == "cache-storage":
        group = DEFAULT_NAMES.cache_account(vm.subscription, location, DEPLOYMENT).resource_group
    ids = [str(_of_type(vm.subscription, group, resource_type, name)) for name in (IT, IT, HOME, MISSING)]
    theirs = str(_of_type(ELSEWHERE, "theirs", resource_type, "theirs"))
    if fitting:
        return st.sampled_from(ids[:1])
    by_name = [] if resource_type == resource_types.POOL else [IT, IT]
    return st.sampled_from([*ids, *by_name, "none", theirs])


@st.composite
def tags(draw: st.DrawFn, vm: ResourceId, location: str, fitting: bool) -> dict[str, str]:
    """A few of the app's own tags, now and then an odd one."""
    chosen = draw(st.sets(st.sampled_from(sorted(CHOICES)), max_size=3))
    asked = {tag: draw(wished(vm, location, tag, fitting)) for tag in sorted(chosen)}
    if fitting:
        return {f"dr-{tag}": value for tag, value in asked.items()}
    if draw(st.integers(0, 3)) == 0:
        asked[draw(st.sampled_from(sorted(CHOICES)))] = draw(hostile)
    if draw(st.integers(0, 7)) == 0:
        asked[draw(st.sampled_from(["profile", "hold", "targt", "made-by"]))] = draw(st.sampled_from(["gold", "lead"]))
    return {f"dr-{tag}": value for tag, value in asked.items()}


@st.composite
def source_vms(draw: st.DrawFn, fitting: bool) -> SourceVm:
    own = vm_id(draw(subscriptions), draw(groups), draw(st.sampled_from(["web-1", "db-1"])))
    location = "uksouth" if fitting else draw(regions)
    disks = draw(st.lists(st.sampled_from(["web-1-os", "web-1-data", "web-1-log"]), unique=True, max_size=3))
    return source_vm(
        id=own,
        location=location,
        tags={"dr": "true", **draw(tags(own, location, fitting))},
        request=draw(st.just({}) | tags(own, location, fitting)),
        power_state="running" if fitting else draw(st.sampled_from(["running", "running", "deallocated"])),
        provisioning_state="Succeeded" if fitting else draw(st.sampled_from(["Succeeded", "Succeeded", "Failed"])),
        os=draw(st.sampled_from(["Linux", "Windows", ""])),
        disks=tuple(
            Disk(id=ResourceId.of(own.subscription, own.resource_group, OS_DISK.type, name), sku=draw(skus), size_gb=64)
            for name in disks
        ),
        unmanaged_disks=0 if fitting else draw(st.sampled_from([0, 0, 1])),
        placement_group_id=draw(
            st.sampled_from(
                [None, ResourceId.of(own.subscription, own.resource_group, resource_types.PLACEMENT_GROUP, "p" * 80)]
            )
        ),
    )


@st.composite
def networks(draw: st.DrawFn, vm: SourceVm) -> tuple[tuple[Network, ...], tuple[SourceNic, ...]]:
    """Networks with a subnet or two, and an interface in each."""
    names = [(draw(groups), name) for name in draw(st.sampled_from([["vnet"], ["vnet", "v" * 64], ["v" * 64]]))]
    found = []
    for group, name in names:
        network = ResourceId.of(vm.id.subscription, group, NETWORK.type, name)
        subnets = {"web": Subnet(prefixes=("10.1.1.0/24",), has_nsg=draw(st.booleans()))}
        if draw(st.booleans()):
            subnets["db"] = Subnet(prefixes=("10.1.2.0/24",), has_route_table=True)
        found.append(Network(id=network, location=vm.location, address_space=("10.1.0.0/16",), subnets=subnets))
    nics = tuple(
        SourceNic(
            id=ResourceId.of(
                vm.id.subscription, vm.id.resource_group, NIC.type, f"web-1-nic{f'-{number}' if number else ''}"
            ),
            subnet=network.id.child("subnets", "web"),
            address="10.1.1.4",
            static=draw(st.booleans()),
        )
        for number, network in enumerate(found)
    )
    return tuple(found), nics


def _entries(tag: str) -> list[str]:
    """An allow-list of values and places: what is asked for one interface or disk alone is no entry of it."""
    if tag in PLAIN:
        return [text for text in PLAIN[tag] if "=" not in text]
    return [f"/subscriptions/{SUBSCRIPTION}"]


@st.composite
def apps(draw: st.DrawFn, fitting: bool) -> Settings:
    """Settings with an open, a narrow or a closed profile, and scopes of all kinds."""
    lists: list[dict[str, Any]] = [dict.fromkeys(CHOICES, ("*",))]
    everywhere = f"/subscriptions/{SUBSCRIPTION},/subscriptions/{ELSEWHERE}"
    scopes = [everywhere]
    if not fitting:
        lists += [{tag: _entries(tag) for tag in CHOICES}, {}]
        scopes += [f"/subscriptions/{SUBSCRIPTION}", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"]
    allow = draw(st.sampled_from(lists))
    values = draw(st.sampled_from([{}, {}, {"churn": "high"}, {"consistency-group": "shop"}]))
    hours = draw(st.integers(1, 360))
    profile = Profile(
        recovery_point_retention_hours=hours,
        app_consistent_frequency_hours=draw(st.integers(0, min(hours, 12))),
        values=values,
        allow=allow,
    )
    return settings(
        target_scope=draw(st.sampled_from(scopes)),
        mode=draw(st.sampled_from(["protect", "report"])),
        profiles={"default": profile, "gold": Profile(allow=allow)},
        region_map=draw(st.sampled_from([{}, {"eastus": {"target_location": "centralus"}}])),
    )


def _there(vm: SourceVm, target: str) -> list[Existing]:
    """One of each kind that can serve, and one that is at home; and those of somebody else."""
    group = NAMES.group(vm.id).resource_group
    found = [
        Existing(id=_of_type(subscription, where, kind, name), location=location, kind="StorageV2")
        for kind in resource_types.RESOURCE_TYPES
        for subscription, where, name, location in (
            (vm.id.subscription, group, IT, target),
            (vm.id.subscription, group, HOME, vm.location),
            (ELSEWHERE, "theirs", "theirs", target),
        )
    ]
    cache = DEFAULT_NAMES.cache_account(vm.id.subscription, vm.location, DEPLOYMENT)
    ours = ResourceId.of(cache.subscription, cache.resource_group, resource_types.ACCOUNT, IT)
    return [*found, Existing(id=ours, location=vm.location, kind="StorageV2")]


@st.composite
def situations(draw: st.DrawFn, fitting: bool | None = None) -> Situation:
    """A VM, what surrounds it, and the settings of the app that it came to; `fitting` is one that is rarely blocked."""
    if fitting is None:
        fitting = draw(st.booleans())
    vm, app = draw(source_vms(fitting)), draw(apps(fitting))
    group_tags = draw(st.just({}) | tags(vm.id, vm.location, fitting))
    vault = draw(st.sampled_from(["westus2", "northeurope"]))
    overrides = overrides_of(vm, group_tags, app)
    target = placement.location(vm, overrides, app, vault).value
    found, nics = draw(networks(vm))
    mapped = [network for network in found if draw(st.booleans())]
    source_set = SourceAvailabilitySet(
        # Azure wants a VM in the resource group of its set.
        id=ResourceId.of(vm.id.subscription, vm.id.resource_group, AVAILABILITY_SET.type, "s" * 80),
        fault_domains=2,
        update_domains=5,
        sku="Aligned",
        placement_group_id=vm.placement_group_id,
    )
    sizes = tuple(
        Size(name=name, cores=2, zones=("1", "2"), quotas=(Quota(name="cores", limit=90),))
        for name in (vm.size, "Standard_D4s_v5")
    )
    error = EligibilityError(code="1", message="No.")
    members = (GroupMember(id=VM_ID, location="eastus"),)
    lock = Lock(scope=str(vm.id.group_id), name="keep", read_only=draw(st.booleans()))
    context = PlanningContext(
        vault_location=vault,
        target_location=target,
        group_managed_by="" if fitting else draw(st.sampled_from(["", "", "aks"])),
        eligibility_errors=() if fitting else draw(st.sampled_from([(), (), (error,)])),
        networks=found,
        nics=nics,
        mapped_networks={each.id.key: ResourceId.of(ELSEWHERE, "hub", NETWORK.type, "hub") for each in mapped},
        availability_set=draw(st.sampled_from([None, source_set])),
        existing=tuple(_there(vm, target)),
        offer=draw(st.sampled_from([None, Offer(sizes=sizes), Offer(sizes=sizes, fault_domains=3)])),
        cached_disks={
            DEFAULT_NAMES.cache_account(vm.id.subscription, vm.location, DEPLOYMENT).key: draw(
                st.sampled_from([0, 349, 350])
            )
        },
        locks=() if fitting else draw(st.sampled_from([(), (), (lock,)])),
        group_members=members if "consistency-group" in overrides.requested and not fitting else (),
    )
    return Situation(vm, context, app, group_tags)


def item_made_from(situation: Situation, plan: Plan) -> ProtectedItem:
    """The item as it is once the plan was done: enabled, and changed to what can be said only then."""
    replication, vm, context = plan.replication, situation.vm, situation.context
    assert replication
    asked = {nic.id: nic for nic in replication.nics}
    values = {setting.name: setting.value for setting in plan.settings}
    nics = []
    for nic in context.nics:
        wanted = asked.get(nic.id)
        leads_to = context.mapped_networks.get(nic.network.key, NAMES.sibling(nic.network))
        nics.append(
            ItemNic(
                id=f"id-of-{nic.id.name}",
                source=nic.id,
                source_network=nic.network,
                network=replication.network or leads_to,
                subnet=nic.subnet.name,
                target_subnet=(wanted.subnet if wanted else "") or values.get(f"targetSubnet/{nic.id.name}", ""),
                target_address=wanted.address if wanted else "",
                security_group=wanted.security_group if wanted else None,
                public_ip=wanted.public_ip if wanted else None,
                backend_pools=(wanted.backend_pool,) if wanted and wanted.backend_pool else (),
            )
        )
    return protected_item(
        source=vm.id,
        disks=tuple(
            ItemDisk(
                id=disk.id,
                replica_sku=disk.replica_sku,
                target_sku=disk.target_sku,
                encryption_set=disk.encryption_set,
                cache_account=replication.cache_account,
            )
            for disk in replication.disks
        ),
        nics=tuple(nics),
        settings=ItemSettings(
            **replication.model_dump(
                include={
                    "target_group",
                    "availability_set",
                    "zone",
                    "placement_group",
                    "capacity_reservation",
                    "scale_set",
                    "boot_diagnostics",
                    "consistency_group",
                    "high_churn",
                    "source_location",
                    "target_location",
                }
            ),
            network=replication.network,
            size=replication.size or vm.size,
            name=replication.name or vm.id.name,
        ),
    )

"""What holds of orphans for every estate: nothing that is used, young, of others or out of scope ever goes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import assume, event, given
from hypothesis import strategies as st

from shared.config.settings import Settings
from shared.model import naming
from shared.model.names import DEFAULT_NAMES
from shared.model.origin import Origin
from shared.model.replicated_item import ItemDisk, ItemNic, ItemSettings, ProtectedItem
from shared.model.resource_id import ResourceId, vm_id
from shared.model.resource_types import ACCOUNT, AVAILABILITY_SET, NETWORK, PLACEMENT_GROUP
from shared.model.target_resources import Placed, VirtualNetwork
from shared.model.vm import Lock, SourceVm
from shared.reconcile.orphans import ResourceUsage, named_by, reason_to_keep, references_of, stays_for, unneeded
from tests.properties import examples
from tests.unit.app.examples import DEPLOYMENT, ELSEWHERE, NIC, SUBSCRIPTION, protected_item, settings, source_vm
from tests.unit.app.situations import Situation, item_made_from, situations

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
enough = examples(60)


def as_read(situation: Situation, **changes: object) -> SourceVm:
    """The situation's VM as a list of VMs reports it."""
    chosen = situation.context.availability_set
    known = {
        "nic_ids": tuple(nic.id for nic in situation.context.nics),
        "availability_set_id": chosen.id if chosen else None,
        # What a request asks for, a later look at the VM does not know.
        "tags": {**situation.vm.tags, **situation.vm.request},
        "request": {},
    }
    return situation.vm.with_(**{**known, **changes})


def left_of(made: list[ResourceId], situation: Situation, vm: SourceVm, *items: ProtectedItem) -> set[ResourceId]:
    tags = {situation.vm.id.group_id.key: situation.group_tags}
    wanted = references_of([vm], items, tags, situation.app).needed | named_by(items)
    return set(unneeded(made, wanted, situation.app))


@enough
@given(situations(fitting=True))
def test_what_a_tagged_vm_s_run_would_make_or_name_is_no_orphan(situation: Situation) -> None:
    situation = situation._replace(vm=as_read(situation))
    plan = situation.plan()
    assume(plan.replication)
    assert plan.replication
    placed = [each for wave in plan.resources for each in wave if isinstance(each, Placed)]
    of_networks = {each.id for each in placed if isinstance(each, VirtualNetwork)}
    of_networks |= {each.group_id for each in of_networks}
    event(f"{len(placed)} resources")

    left = left_of([*(each.id for each in placed), *plan.replication.named], situation, situation.vm)

    # Which network it leads to, its interfaces say; they are asked while the item does not tell.
    assert left <= of_networks
    referenced = references_of([situation.vm], (), {}, situation.app)
    assert referenced.interfaces == {nic.id.key for nic in situation.context.nics}


@enough
@given(situations(fitting=True), st.booleans())
def test_what_an_item_was_given_is_no_orphan_whether_its_vm_is_tagged_or_there(
    situation: Situation, there: bool
) -> None:
    plan = situation.plan()
    assume(plan.replication and plan.replication.disks)
    assert plan.replication
    item = item_made_from(situation, plan)
    vm = as_read(situation, tags={}) if there else source_vm(id=vm_id(ELSEWHERE, "far", "away"), tags={})
    used = [*plan.replication.named, *(nic.network for nic in item.nics if nic.network)]

    assert left_of([*used, *(each.group_id for each in used)], situation, vm, item) == set()


# A world of resources, and a sweep's walk through it


@dataclass(frozen=True)
class Resource:
    id: ResourceId
    ours: bool
    age: timedelta
    locked: bool
    used: bool
    changed: bool


NAMES = ("app-asr", "net-asr", "asr-cache-eastus", "app")
SUBSCRIPTIONS = (SUBSCRIPTION, ELSEWHERE)
KINDS = {
    AVAILABILITY_SET: "set-asr",
    PLACEMENT_GROUP: "near-asr",
    ACCOUNT: DEFAULT_NAMES.cache_account(SUBSCRIPTION, "eastus", DEPLOYMENT).name,
    NETWORK: "vnet-asr",
    "Microsoft.Compute/disks": "os-ASRReplica",
}
GROUPS = [ResourceId.of(subscription, name) for subscription in SUBSCRIPTIONS for name in NAMES]
EVERYTHING = [
    *GROUPS,
    *(
        ResourceId.of(each.subscription, each.resource_group, kind, name)
        for each in GROUPS
        for kind, name in KINDS.items()
    ),
]


@st.composite
def worlds(draw: st.DrawFn) -> list[Resource]:
    """Mostly orphans, each now and then with something about it that keeps it."""
    chosen = draw(st.lists(st.sampled_from(EVERYTHING), unique=True))
    rarely = st.sampled_from([False, False, False, True])
    return [
        Resource(
            each,
            ours=not draw(rarely),
            age=draw(st.sampled_from([timedelta(days=9), timedelta(hours=73), timedelta(hours=71), timedelta()])),
            locked=draw(rarely),
            used=draw(rarely),
            changed=draw(rarely),
        )
        for each in {*chosen, *(each.group_id for each in chosen)}
    ]


@st.composite
def machines(draw: st.DrawFn) -> tuple[list[SourceVm], list[ProtectedItem]]:
    vms, items = [], []
    for name in draw(st.lists(st.sampled_from(["a", "b"]), unique=True)):
        vm = source_vm(
            id=vm_id(SUBSCRIPTION, "app", name),
            tags=draw(st.sampled_from([{}, {"dr": "true"}, {"dr": "false"}])),
            availability_set_id=draw(
                st.sampled_from([None, ResourceId.of(SUBSCRIPTION, "app", AVAILABILITY_SET, "set")])
            ),
        )
        if draw(st.booleans()):
            vms.append(vm)
        if draw(st.booleans()):
            names = draw(st.lists(st.sampled_from(EVERYTHING), unique=True, max_size=3))
            items.append(item_naming(vm.id, names))
    return vms, items


def item_naming(vm: ResourceId, names: list[ResourceId]) -> ProtectedItem:
    by_type = {name.type: name for name in names}
    network = by_type.get(NETWORK)
    return protected_item(
        source=vm,
        settings=ItemSettings(
            target_group=by_type.get(""),
            network=network,
            availability_set=by_type.get(AVAILABILITY_SET),
            placement_group=by_type.get(PLACEMENT_GROUP),
        ),
        nics=(ItemNic(id="n", source=NIC, network=network),),
        disks=(ItemDisk(id=ResourceId(f"{vm}-os"), cache_account=by_type.get(ACCOUNT)),),
    )


def sweep(world: list[Resource], vms: list[SourceVm], items: list[ProtectedItem], app: Settings) -> list[ResourceId]:
    """What one pass removes: each resource is looked at once the ones before it are gone."""
    there = {resource.id: resource for resource in world}
    wanted = references_of(vms, items, {}, app).needed | named_by(items)
    removed = []
    for each in unneeded([resource.id for resource in world if resource.ours], wanted, app):
        resource = there[each]
        inside = tuple(other.name for other in there if other.type and other.group_id == each) if not each.type else ()
        at = NOW - resource.age
        tags = {naming.MADE_BY: naming.maker(DEPLOYMENT), naming.MADE_AT: at.isoformat()}
        origin = Origin(resource=each, intended_at=at, proven_at=at, content="abc")
        use, content = ("it is used",) if resource.used or inside else (), "x" if resource.changed else "abc"
        found = ResourceUsage(each, tags, use, content, created_at=at)
        locks = [Lock(scope=str(each), name="keep")] if resource.locked else []
        if reason_to_keep(found, origin, locks, NOW, app) == "":
            removed.append(each)
            del there[each]
    return removed


@examples(300)
@given(worlds(), machines(), st.sampled_from([0.0, 1.0, 72.0]))
def test_whatever_there_is_nothing_goes_that_anything_could_miss(
    world: list[Resource], people: tuple[list[SourceVm], list[ProtectedItem]], grace: float
) -> None:
    vms, items = people
    app = settings(mode="cleanup", untag_grace_hours=grace)
    removed = sweep(world, vms, items, app)
    event(f"{min(len(removed), 3)} or more removed")

    there = {resource.id: resource for resource in world}
    for each in removed:
        gone = there[each]
        assert gone.ours
        assert not any((gone.locked, gone.used, gone.changed))
        assert gone.age >= stays_for(app)
        assert each.subscription == SUBSCRIPTION
        assert not each.is_type("Microsoft.Compute/disks")
        assert each.key not in named_by(items)
        if not each.type:
            assert all(other in removed for other in there if other.type and other.group_id == each)
    tagged = [vm for vm in vms if app.requests_protection(vm.tags)]
    if tagged:
        assert ResourceId.of(SUBSCRIPTION, "app-asr") not in removed
        caches = [each for each in removed if each.group_id.name == "asr-cache-eastus"]
        assert not [each for each in caches if not each.type or each.is_type(ACCOUNT)]
    if any(vm.availability_set_id for vm in tagged):
        assert ResourceId.of(SUBSCRIPTION, "app-asr", AVAILABILITY_SET, "set-asr") not in removed
    rest = [resource for resource in world if resource.id not in removed]
    assert sweep(rest, vms, items, app) == []

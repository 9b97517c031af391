"""The drift engine: each finding where its cause is and not where it is not, and what holds for any estate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.profiles import DEFAULT, Profile
from shared.config.settings import Mode, Settings
from shared.model import naming
from shared.model.decision import Action, State
from shared.model.drill import Drill, DrillOrder
from shared.model.findings import Severity
from shared.model.policy import Policy
from shared.model.replicated_item import Agent, HealthError, ItemDisk, ItemNic, ItemSettings, Job, ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import Disk, SourceVm
from shared.planning import placement, vm_support
from shared.planning.catalog import CODES, DRIFT, OF_QUOTA
from shared.reconcile.compliance import assess
from shared.reconcile.inventory import Group, Inventory, Recovery, VmStatus
from tests.unit.app.examples import (
    CONTAINER,
    DATA_DISK,
    DEPLOYMENT,
    NETWORK,
    NIC,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    VM_ID,
    open_settings,
    protected_item,
    settings,
    source_vm,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = VAULT_ID.child("replicationPolicies", "p")
FITTING = Profile().policy_for(DEFAULT)
OTHER_VAULT = ResourceId.of(SUBSCRIPTION, "others", VAULT_ID.type, "theirs")


def ours(**changes: Any) -> ProtectedItem:
    """The VM's item, made by this app, healthy and as it should be."""
    known = {
        "id": CONTAINER.child("replicationProtectedItems", naming.item_name(changes.get("source", VM_ID), DEPLOYMENT)),
        "policy_id": POLICY,
        "replication_health": "Normal",
        "rpo_seconds": 120,
        "rpo_at": NOW - timedelta(minutes=3),
        "held_recovery_points": True,
        "settings": ItemSettings(source_location=SOURCE, target_location=TARGET),
    }
    return protected_item(**{**known, **changes})


def estate(*vms: SourceVm, items: tuple[ProtectedItem, ...] = (), **changes: Any) -> Inventory:
    known: dict[str, Any] = {
        "vms": vms,
        "items": items,
        "read_at": NOW,
        "elsewhere": {},
        "policies": {POLICY: FITTING},
        "groups": {},
        "regions": {VAULT_ID: TARGET},
        "absent": frozenset(item.source for item in items) - {vm.id for vm in vms},
    }
    return Inventory(**{**known, **changes})


def of_one(
    vm: SourceVm | None, item: ProtectedItem | None = None, app: Settings | None = None, **more: Any
) -> VmStatus:
    (vm_status,) = assess(estate(*([vm] if vm else []), items=(item,) if item else (), **more), app or settings())
    return vm_status


def codes(vm_status: VmStatus) -> list[str]:
    return [finding.code for finding in vm_status.findings]


def enable_job(state: str, hours_ago: float, name: str = "j") -> Job:
    at = NOW - timedelta(hours=hours_ago)
    ended = None if state == "InProgress" else at
    return Job(name=name, scenario="EnableDr", state=state, target=VM_ID.name, started=at, ended=ended)


CLEANUP = settings(mode=Mode.CLEANUP)


# Each state


def test_a_vm_that_is_protected_in_substance_is_compliant_and_needs_nothing() -> None:
    vm_status = of_one(source_vm(), ours())

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (State.PROTECTED, Action.NONE, [])
    assert vm_status.compliant
    assert (vm_status.vault, vm_status.made_by_app, vm_status.target_location) == (VAULT_ID, True, TARGET)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"replication_health": "Critical"}, ["Unhealthy"]),
        ({"rpo_seconds": 72_000}, ["RpoBreached"]),
        # What the service says of the failover may be about this very test.
        ({"failover_health": "Warning", "errors": (HealthError(code="161011", message="Test it."),)}, []),
    ],
)
def test_a_drill_hides_nothing_that_is_wrong_with_the_replication(changes: dict[str, Any], found: list[str]) -> None:
    item = ours(test_failover="MarkedForCleanup", **changes)
    drill = Drill(
        vm=VM_ID,
        item=item.id,
        token="t",
        order=DrillOrder(network=NETWORK),
        request="r",
        recorded_at=NOW,
        test_vm=ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-1-test"),
    )

    vm_status = of_one(source_vm(), item, drills={VM_ID: drill})

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (State.DRILLING, Action.NONE, found)
    assert vm_status.compliant is not bool(found)


def test_a_tagged_vm_that_nothing_protects_is_to_be_enabled() -> None:
    vm_status = of_one(source_vm())

    assert (vm_status.state, vm_status.action) == (State.UNPROTECTED, Action.ENABLE)
    assert codes(vm_status) == ["MissingProtection"]
    assert vm_status.vault == VAULT_ID


@pytest.mark.parametrize("value", ["false", "NO", " Off "])
def test_a_vm_that_opted_out_is_reported_as_deliberately_unprotected(value: str) -> None:
    (finding,) = of_one(source_vm(tags={"dr": value})).findings

    assert (finding.code, finding.severity) == ("NotTagged", Severity.NOTE)
    assert finding.message == f"web-1 is tagged dr={value.strip()}: nothing protects it."
    assert "if that is intended" in finding.fix


def test_a_vm_that_no_one_tagged_is_a_candidate() -> None:
    vm_status = of_one(source_vm(tags={}))

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (State.NOT_TAGGED, Action.NONE, ["NotTagged"])
    assert not vm_status.counts


@pytest.mark.parametrize(
    ("vm", "code", "more"),
    [
        (source_vm(power_state="deallocated"), "VmNotRunning", {}),
        (source_vm(provisioning_state="Failed"), "VmNotReady", {}),
        (source_vm(security_type="ConfidentialVM"), "ConfidentialVm", {}),
        (source_vm(tags={"dr": "true", "dr-targt": "x"}), "OverrideInvalid", {}),
        (source_vm(tags={"dr": "true", "dr-target-zone": "2"}), "OverrideNotAllowed", {}),
        (source_vm(tags={"dr": "true", "dr-hold": ""}), "OnHold", {}),
        (source_vm(), "ManagedResourceGroup", {"groups": {VM_ID.group_id.key: Group({}, "/subscriptions/aks")}}),
        (source_vm(), "OverrideInvalid", {"groups": {VM_ID.group_id.key: Group({"dr-profile": "golden"})}}),
        (source_vm(), "ProtectedElsewhere", {"elsewhere": {VM_ID: OTHER_VAULT.child("items", "i")}}),
    ],
)
def test_a_tagged_vm_that_cannot_be_protected_says_why_and_is_left(
    vm: SourceVm, code: str, more: dict[str, Any]
) -> None:
    vm_status = of_one(vm, **more)

    assert (vm_status.state, vm_status.action) == (State.NOT_ELIGIBLE, Action.NONE)
    assert code in codes(vm_status)
    assert codes(vm_status)[0] == "NotEligible"
    assert vm_status.prospect == (Recovery.NO, code)


@pytest.mark.parametrize("changes", [{"power_state": "unknown"}, {"provisioning_state": "Updating"}])
def test_what_passes_by_itself_is_left_to_the_vm_s_own_run(changes: dict[str, Any]) -> None:
    assert of_one(source_vm(**changes)).action is Action.ENABLE


def test_a_vm_that_is_too_young_is_reported_and_waited_for() -> None:
    app, young = settings(min_age_minutes=60), source_vm(created_at=NOW - timedelta(minutes=59))

    assert (of_one(young, app=app).state, of_one(young, app=app).action) == (State.UNPROTECTED, Action.NONE)
    assert of_one(young).action is Action.ENABLE
    assert of_one(source_vm(created_at=NOW - timedelta(minutes=60)), app=app).action is Action.ENABLE


def test_a_vm_in_the_region_of_its_vault_or_of_its_target_is_not_started_in_vain() -> None:
    there = source_vm(location=TARGET)
    app = settings(region_map={SOURCE: {"target_location": SOURCE}})

    assert (of_one(there).state, of_one(there).action) == (State.NOT_ELIGIBLE, Action.NONE)
    assert "VaultInSourceRegion" in codes(of_one(there))
    assert "TargetInSourceRegion" in codes(of_one(source_vm(), app=app))
    assert of_one(there, regions={}).action is Action.ENABLE


def test_a_candidate_that_another_vault_protects_is_reported_so() -> None:
    item = OTHER_VAULT.child("items", "i")
    vm_status = of_one(source_vm(tags={}), elsewhere={VM_ID: item})

    assert codes(vm_status) == ["NotTagged"]
    assert str(item) in vm_status.findings[0].message


def test_jobs_that_may_be_of_another_vm_of_that_name_say_nothing() -> None:
    other = source_vm(id=ResourceId.of(SUBSCRIPTION, "shop", VM_ID.type, "WEB-1"), tags={})

    vm_statuses = assess(estate(source_vm(), other, jobs=(enable_job("Failed", 1),)), settings())

    assert {code for vm_status in vm_statuses for code in codes(vm_status)} == {"MissingProtection", "NotTagged"}


def test_a_vm_whose_region_has_no_vault_is_reported() -> None:
    app = settings(vault_ids=f"{VAULT_ID},{OTHER_VAULT}", region_map={"northeurope": {"vault": str(OTHER_VAULT)}})

    assert "RegionNotMapped" in codes(of_one(source_vm(), app=app))


NO = HealthError(code="151066", message="No.")


@pytest.mark.parametrize("state", ["", "EnablingFailed"])
def test_an_attempt_that_failed_is_reported_with_its_time_and_tried_again(state: str) -> None:
    attempt = ours(state=state, held_recovery_points=False, errors=(NO,)) if state else None

    vm_status = of_one(source_vm(), attempt, jobs=(enable_job("Succeeded", 30, "a"), enable_job("Failed", 1, "b")))

    (failed,) = [finding for finding in vm_status.findings if finding.code == "EnableFailed"]
    assert failed.since == NOW - timedelta(hours=1)
    assert ("151066" in failed.message) is bool(state)
    assert vm_status.action is Action.ENABLE


def test_an_attempt_of_others_that_failed_is_left() -> None:
    item = ours(id=protected_item().id, state="EnablingFailed", held_recovery_points=False)

    assert of_one(source_vm(), item).action is Action.NONE


def test_an_attempt_that_came_after_the_failed_one_counts() -> None:
    vm_status = of_one(source_vm(), jobs=(enable_job("Failed", 3, "a"), enable_job("InProgress", 1, "b")))

    assert codes(vm_status) == ["MissingProtection"]


@pytest.mark.parametrize(("hours", "stalled"), [(1, False), (23.9, False), (24.1, True), (100, True)])
def test_an_initial_replication_that_takes_more_than_a_day_has_stalled(hours: float, stalled: bool) -> None:
    item = ours(state="InitialReplicationInProgress", percent=43)

    vm_status = of_one(source_vm(), item, jobs=(enable_job("Succeeded", hours),))

    assert (vm_status.state, vm_status.percent) == (State.PROTECTING, 43)
    assert codes(vm_status) == (["InitialReplicationStalled"] if stalled else [])


def test_an_initial_replication_in_bad_health_is_reported() -> None:
    item = ours(state="InitialReplicationInProgress", replication_health="Critical", rpo_at=None)

    assert codes(of_one(source_vm(), item)) == ["Unhealthy"]


# What is wrong with a protected VM


UNTESTED = HealthError(code="161011", message="Never.", of_failover=True)
OF_FAILOVER = HealthError(code="161099", message="No network.", action="Make it.", of_failover=True)

WRONG: list[tuple[str, dict[str, Any]]] = [
    (
        "Unhealthy",
        {"replication_health": "Critical", "errors": (HealthError(code="153006", message="No crash point."),)},
    ),
    ("Unhealthy", {"replication_health": "Warning"}),
    ("FailoverNotReady", {"failover_health": "Critical", "errors": (OF_FAILOVER,)}),
    ("FailoverNotReady", {"failover_health": "Warning", "errors": (OF_FAILOVER,)}),
    ("FailoverNotReady", {"failover_health": "Critical"}),
    # Without an error of its own, it is for whatever the replication's are for.
    ("Unhealthy", {"replication_health": "Critical", "errors": (OF_FAILOVER,)}),
    ("RpoBreached", {"rpo_seconds": 1801}),
    ("RpoBreached", {"rpo_at": NOW - timedelta(hours=2)}),
    ("DiskRemoved", {"disks": (ItemDisk(id=OS_DISK), ItemDisk(id=DATA_DISK))}),
    ("AgentOutdated", {"agent": Agent(expires=NOW + timedelta(days=29))}),
    ("AgentOutdated", {"agent": Agent(certificate_outdated=True)}),
    ("TestFailoverOverdue", {"tested_at": NOW - timedelta(days=181)}),
]


@pytest.mark.parametrize(("code", "changes"), WRONG)
def test_what_is_wrong_with_a_protected_vm_is_reported_and_makes_it_non_compliant(
    code: str, changes: dict[str, Any]
) -> None:
    vm_status = of_one(source_vm(), ours(**changes))

    assert codes(vm_status) == [code]
    assert vm_status.findings[0].message
    assert vm_status.findings[0].fix
    assert (vm_status.compliant, vm_status.action) == (False, Action.NONE)


def test_each_of_them_says_since_when_where_that_is_known() -> None:
    reported = tuple(
        HealthError(code=f"{hours}", message="No.", since=NOW - timedelta(hours=hours)) for hours in (2, 7, 3)
    )
    unhealthy = ours(replication_health="Warning", errors=reported)
    breached = ours(rpo_seconds=3600, rpo_at=NOW - timedelta(minutes=10))
    unknown = ours(rpo_seconds=3600, rpo_at=None)

    (of_health,), (of_rpo,), (of_unknown,) = (
        of_one(source_vm(), item).findings for item in (unhealthy, breached, unknown)
    )

    assert of_health.since == NOW - timedelta(hours=7)
    assert of_rpo.since == NOW - timedelta(minutes=40)
    assert of_unknown.since is None


FINE: list[tuple[list[str], dict[str, Any]]] = [
    ([], {"rpo_seconds": 1800}),
    ([], {"rpo_seconds": None, "rpo_at": None}),
    ([], {"agent": Agent(expires=NOW + timedelta(days=31))}),
    (["AgentOutdated"], {"agent": Agent(version="9.60", outdated=True)}),
    (["TestFailoverOverdue"], {"errors": (UNTESTED,)}),
    (["TestFailoverOverdue"], {"errors": (UNTESTED,), "failover_health": "Warning"}),
    ([], {"tested_at": NOW - timedelta(days=179)}),
    (["NotManagedByApp"], {"id": protected_item().id}),
]


def test_what_is_wrong_with_replication_and_failover_is_reported_once_each() -> None:
    replication = HealthError(code="153006", message="No crash point.")
    item = ours(replication_health="Critical", failover_health="Critical", errors=(replication, OF_FAILOVER, UNTESTED))

    unhealthy, not_ready, untested = of_one(source_vm(), item).findings

    assert (unhealthy.code, not_ready.code, untested.code) == ("Unhealthy", "FailoverNotReady", "TestFailoverOverdue")
    assert ("153006" in unhealthy.message, "161099" in unhealthy.message) == (True, False)
    assert ("153006" in not_ready.message, "161099" in not_ready.message, not_ready.fix) == (False, True, "Make it.")
    assert "161011" not in not_ready.message + unhealthy.message


@pytest.mark.parametrize(("health", "recoverable"), [("Critical", False), ("Warning", True)])
def test_a_failover_in_critical_health_would_not_bring_the_vm_up(health: str, recoverable: bool) -> None:
    status = of_one(source_vm(), ours(failover_health=health, errors=(OF_FAILOVER,)))

    assert (status.compliant, status.recovery is not Recovery.NO) == (False, recoverable)


_YEAR = timedelta(days=366)


@pytest.mark.parametrize(
    ("days", "tested", "protected", "expected"),
    [
        (180, timedelta(days=181), _YEAR, Severity.WARNING),
        (180, timedelta(days=179), _YEAR, None),
        (180, None, timedelta(days=181), Severity.WARNING),
        (180, None, timedelta(days=179), Severity.NOTE),
        (180, None, None, Severity.NOTE),
        (30, timedelta(days=31), _YEAR, Severity.WARNING),
        (30, None, timedelta(days=31), Severity.WARNING),
        (365, timedelta(days=181), _YEAR, None),
        (0, timedelta(days=3000), _YEAR, None),
        (0, None, _YEAR, None),
    ],
)
@pytest.mark.parametrize("by", ["job", "records"])
def test_the_profile_says_how_long_a_vm_may_be_without_a_test_failover(
    by: str, days: int, tested: timedelta | None, protected: timedelta | None, expected: Severity | None
) -> None:
    """One that was never tested counts from its protection: by its enable job, else by the records of it."""
    app = settings(profiles={DEFAULT: Profile(test_failover_days=days)})
    item = ours(tested_at=NOW - tested if tested else None, errors=() if tested else (UNTESTED,))
    more: dict[str, Any] = {}
    if protected and by == "job":
        failed = enable_job("Failed", _YEAR.days * 48, "earlier")
        more = {"jobs": (enable_job("Succeeded", protected / timedelta(hours=1)), failed)}
    elif protected:
        more = {"protected_since": {VM_ID: NOW - protected}}

    findings = of_one(source_vm(), item, app, **more).findings

    assert [each.severity for each in findings] == ([expected] if expected else [])
    assert {each.code for each in findings} <= {"TestFailoverOverdue"}
    if expected is Severity.WARNING:
        assert findings[0].since == NOW - (tested or protected or _YEAR)
        assert f"{days} days" in findings[0].message


@pytest.mark.parametrize(("reported", "changes"), FINE)
def test_what_is_only_noted_leaves_it_compliant(reported: list[str], changes: dict[str, Any]) -> None:
    vm_status = of_one(source_vm(), ours(**changes))

    assert codes(vm_status) == reported
    assert vm_status.compliant


@pytest.mark.parametrize(
    ("whose", "action"), [(naming.item_name(VM_ID, DEPLOYMENT), Action.CHANGE), ("portal", Action.NONE)]
)
def test_a_disk_that_came_later_is_added_to_an_item_of_ours(whose: str, action: Action) -> None:
    vm = source_vm(disks=(Disk(id=OS_DISK, sku="Premium_LRS"), Disk(id=DATA_DISK, sku="Premium_LRS")))

    vm_status = of_one(vm, ours(id=CONTAINER.child("replicationProtectedItems", whose)))

    assert "DiskNotProtected" in codes(vm_status)
    assert vm_status.action is action


@pytest.mark.parametrize("value", ["web-1-data", "3", "other-name, 3"])
@pytest.mark.parametrize("layer", ["vm", "group", "profile"])
def test_a_late_disk_that_is_excluded_is_not_added_and_the_vm_is_compliant(value: str, layer: str) -> None:
    disks = (Disk(id=OS_DISK, sku="Premium_LRS", holds_os=True), Disk(id=DATA_DISK, sku="Premium_LRS", lun=3))
    tags = {"dr-exclude-disks": value}
    profile = Profile(
        values={"exclude-disks": value} if layer == "profile" else {},
        allow={"exclude-disks": ("web-1-data", "3", "other-name")},
    )
    groups = {VM_ID.group_id.key: Group(tags=tags if layer == "group" else {})}
    vm = source_vm(disks=disks, tags={"dr": "true"} | (tags if layer == "vm" else {}))

    vm_status = of_one(vm, ours(), settings(profiles={DEFAULT: profile}), groups=groups)

    assert (vm_status.action, codes(vm_status), vm_status.compliant) == (Action.NONE, ["DiskExcluded"], True)


def test_a_disk_whose_replication_was_removed_is_not_added_and_another_late_one_is() -> None:
    other = ResourceId(f"{DATA_DISK}-2")
    data = (Disk(id=disk, sku="Premium_LRS") for disk in (DATA_DISK, other))
    vm = source_vm(disks=(*source_vm().disks, *data))

    removed = of_one(vm, ours(), removed_disks={DATA_DISK: "its replication was removed", other: "as well"})
    mixed = of_one(vm, ours(), removed_disks={DATA_DISK: "its replication was removed"})

    assert (removed.action, codes(removed), removed.compliant) == (Action.NONE, ["DiskExcluded"] * 2, True)
    assert (mixed.action, codes(mixed), mixed.compliant) == (Action.CHANGE, ["DiskExcluded", "DiskNotProtected"], False)


def test_a_replicated_disk_that_is_excluded_is_reported_and_never_removed() -> None:
    vm = source_vm(
        disks=(*source_vm().disks, Disk(id=DATA_DISK, sku="Premium_LRS", lun=0)),
        tags={"dr": "true", "dr-exclude-disks": "0"},
    )
    item = ours(disks=(*protected_item().disks, ItemDisk(id=DATA_DISK)))

    vm_status = of_one(vm, item, open_settings())

    (finding,) = vm_status.findings
    assert (vm_status.action, finding.code, finding.severity) == (Action.NONE, "DiskExcluded", Severity.WARNING)
    assert "recovery points" in finding.fix


def test_an_os_disk_that_was_exchanged_is_reported_and_starts_no_one() -> None:
    system = Disk(id=ResourceId(f"{OS_DISK}-2"), sku="Premium_LRS", holds_os=True)
    both = ours(disks=(*protected_item().disks, ItemDisk(id=DATA_DISK)))

    vm_status = of_one(source_vm(disks=(system, Disk(id=DATA_DISK, sku="Premium_LRS"))), both)

    assert (vm_status.action, codes(vm_status)) == (Action.NONE, ["OsDiskReplaced", "DiskRemoved"])
    assert not vm_status.compliant


def test_a_disk_that_cannot_be_replicated_is_reported_and_starts_no_one() -> None:
    late = Disk(id=DATA_DISK, sku="Premium_LRS", obstacle="an ephemeral OS disk")
    vm_status = of_one(source_vm(disks=(Disk(id=OS_DISK, sku="Premium_LRS"), late)), ours())

    assert (vm_status.action, codes(vm_status)) == (Action.NONE, ["DiskNotProtected"])


def test_the_values_of_the_policy_count_and_not_its_name() -> None:
    other = Policy(name="short", retention_minutes=60, app_consistent_minutes=0)

    assert codes(of_one(source_vm(), ours(), policies={POLICY: other})) == ["PolicyMismatch"]
    assert codes(of_one(source_vm(), ours(), policies={POLICY: FITTING.with_(name="x")})) == []
    assert codes(of_one(source_vm(), ours(), policies={})) == []


def nic(**changes: Any) -> ItemNic:
    return ItemNic(id="1", source=NIC, target_subnet="web", target_address="10.1.1.4").with_(**changes)


ASKED: list[tuple[dict[str, str], str | None, Action]] = [
    ({"dr-target-size": "Standard_D4s_v5"}, "TargetMismatch", Action.CHANGE),
    ({"dr-target-size": "standard_d2S_v5"}, None, Action.NONE),
    ({"dr-target-resource-group": "web-dr"}, "TargetMismatch", Action.CHANGE),
    ({"dr-target-resource-group": "WEB-asr"}, None, Action.NONE),
    ({"dr-target-resource-group": f"/subscriptions/{SUBSCRIPTION}/resourcegroups/web-asr"}, None, Action.NONE),
    ({"dr-target-zone": "2"}, "TargetMismatch", Action.CHANGE),
    ({"dr-target-availability-set": "set"}, "TargetMismatch", Action.NONE),
    ({"dr-target-availability-set": "none"}, None, Action.NONE),
    ({"dr-consistency-group": "shop"}, "ConsistencyGroupMismatch", Action.NONE),
    ({"dr-churn": "high"}, "TargetMismatch", Action.NONE),
    ({"dr-target-disk-type": "StandardSSD_LRS"}, "TargetMismatch", Action.CHANGE),
    ({"dr-target-disk-type": "web-1-other=StandardSSD_LRS"}, None, Action.NONE),
    ({"dr-target-subnet": "db"}, "NetworkMismatch", Action.CHANGE),
    ({"dr-target-subnet": "web-1-nic=web"}, None, Action.NONE),
    ({"dr-target-ip": "10.1.1.9"}, "NetworkMismatch", Action.CHANGE),
    ({"dr-target-vnet": "vnet-dr"}, "NetworkMismatch", Action.CHANGE),
    ({"dr-cache-storage": "another"}, "TargetMismatch", Action.NONE),
]


@pytest.mark.parametrize(("tags", "code", "action"), ASKED)
def test_what_is_asked_for_and_not_there_is_changed_in_place_where_azure_can(
    tags: dict[str, str], code: str | None, action: Action
) -> None:
    group = ResourceId.of(SUBSCRIPTION, "web-asr")
    vnet = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Network/virtualNetworks", "vnet-asr")
    cache = ResourceId.of(SUBSCRIPTION, "asr-cache-eastus", "Microsoft.Storage/storageAccounts", "cache")
    item = ours(
        settings=ItemSettings(target_group=group, network=vnet, size="Standard_D2s_v5", source_location=SOURCE),
        disks=(ItemDisk(id=OS_DISK, target_sku="Premium_LRS", replica_sku="Premium_LRS", cache_account=cache),),
        nics=(nic(),),
    )

    vm_status = of_one(source_vm(tags={"dr": "true", **tags}), item, open_settings())

    assert codes(vm_status) == ([code] if code else [])
    assert vm_status.action is action


def test_what_cannot_be_read_as_it_is_meant_withholds_every_change() -> None:
    tags = {"dr": "true", "dr-target-size": "Standard_D4s_v5", "dr-what": "x"}

    vm_status = of_one(source_vm(tags=tags), ours(), open_settings())

    assert codes(vm_status) == ["OverrideInvalid"]
    assert (vm_status.action, vm_status.findings[0].severity) == (Action.NONE, Severity.WARNING)


# Freeze beats fix


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "UnplannedFailoverCommitted"},
        {"state": "SomethingNew"},
        {"test_failover": "Running"},
        {"active_location": "Recovery"},
        {"direction_reversed": True},
    ],
)
@pytest.mark.parametrize("tags", [{"dr": "true", "dr-target-size": "Standard_D4s_v5"}, {}, {"dr": "false"}])
def test_a_frozen_item_is_reported_whatever_the_tags_say(changes: dict[str, Any], tags: dict[str, str]) -> None:
    vm_status = of_one(source_vm(tags=tags), ours(**changes), open_settings(mode=Mode.CLEANUP))

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (State.FROZEN, Action.NONE, ["ItemFrozen"])


def test_copies_are_never_enabled_though_they_carry_the_tag() -> None:
    copy = source_vm(id=ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-1"), location=TARGET)
    item = ours(failover_vms=(copy.id,))

    of_copy, of_source = sorted(assess(estate(copy, source_vm(), items=(item,)), settings()), key=lambda s: s.state)

    assert (of_copy.state, of_copy.action, codes(of_copy)) == (State.FAILOVER_VM, Action.NONE, ["FailoverVm"])
    assert of_source.compliant


def test_on_hold_or_busy_nothing_is_changed() -> None:
    vm = source_vm(tags={"dr": "true", "dr-target-size": "Standard_D4s_v5"})
    held = vm.with_(tags={**vm.tags, "dr-hold": "yes"})

    assert of_one(vm, ours(), open_settings()).action is Action.CHANGE
    assert of_one(vm, ours(job="j"), open_settings()).action is Action.NONE
    assert of_one(vm, ours(job="j"), open_settings(), jobs=(enable_job("InProgress", 1),)).action is Action.NONE
    assert of_one(vm, ours(job="j"), open_settings(), jobs=(enable_job("Succeeded", 1),)).action is Action.CHANGE
    assert of_one(held, ours(), open_settings()).action is Action.NONE
    assert "OnHold" in codes(of_one(held, ours(), open_settings()))


# What no one asks for any more


@pytest.mark.parametrize("tags", [{}, {"dr": "no"}])
@pytest.mark.parametrize(("app", "action"), [(settings(), Action.NONE), (CLEANUP, Action.DISABLE)])
def test_untagged_and_protected_is_reported_and_disabled_in_cleanup(
    tags: dict[str, str], app: Settings, action: Action
) -> None:
    vm_status = of_one(source_vm(tags=tags), ours(), app)

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (State.UNTAGGED, action, ["UntaggedButProtected"])


@pytest.mark.parametrize(
    "changes",
    [{"id": protected_item().id}, {"job": "j"}, {"state": "DisablingProtection"}],
    ids=["others", "busy", "off"],
)
def test_what_is_not_ours_or_busy_is_not_disabled(changes: dict[str, Any]) -> None:
    assert of_one(source_vm(tags={}), ours(**changes), CLEANUP).action is Action.NONE
    assert of_one(None, ours(**changes), CLEANUP).action is Action.NONE


def test_a_vm_that_is_gone_is_reported_and_disabled_in_cleanup() -> None:
    vm_status = of_one(None, ours(), CLEANUP)

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (
        State.SOURCE_GONE,
        Action.DISABLE,
        ["SourceDeleted"],
    )
    assert vm_status.findings[0].since == NOW - timedelta(minutes=3)
    assert of_one(None, ours()).action is Action.NONE


def test_what_was_not_read_in_full_may_be_there_all_the_same() -> None:
    vm_status = of_one(None, ours(), CLEANUP, vms_unread=True)

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (State.UNKNOWN, Action.NONE, ["SourceNotRead"])
    assert of_one(None, ours(), CLEANUP, absent=frozenset()).state is State.UNKNOWN
    assert of_one(None, ours(), CLEANUP, gaps=("The jobs could not be read.",)).state is State.SOURCE_GONE


def test_what_protects_a_vm_may_be_there_though_it_was_not_read() -> None:
    vms = (source_vm(), source_vm(id=ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "web-2")))

    known, unknown = assess(estate(*vms, items=(ours(),), items_unread=True), settings())

    assert known.compliant
    assert (unknown.state, unknown.action, codes(unknown)) == (State.UNKNOWN, Action.NONE, ["ProtectionNotRead"])
    assert unknown.counts
    assert not unknown.compliant


@pytest.mark.parametrize("in_scope", [True, False])
def test_a_vm_that_was_moved_is_reported_where_it_went_and_nothing_is_disabled(in_scope: bool) -> None:
    there = ResourceId.of(SUBSCRIPTION, "shop", VM_ID.type, "web-1")
    disk = ResourceId.of(SUBSCRIPTION, "shop", OS_DISK.type, OS_DISK.name)
    moved = source_vm(id=there, disks=(Disk(id=disk, sku="Premium_LRS"),))

    found = estate(moved, items=(ours(),)) if in_scope else estate(items=(ours(),), namesakes=(moved,))

    by_id = {vm_status.vm_id: vm_status for vm_status in assess(found, CLEANUP)}

    assert (by_id[VM_ID].state, by_id[VM_ID].action, codes(by_id[VM_ID])) == (
        State.SOURCE_GONE,
        Action.NONE,
        ["SourceMoved"],
    )
    assert str(there) in by_id[VM_ID].findings[0].message
    if in_scope:
        # Site Recovery protects no VM twice: the old item has to go first.
        assert (by_id[there].state, by_id[there].action) == (State.NOT_ELIGIBLE, Action.NONE)
        assert "SourceMoved" in codes(by_id[there])


@pytest.mark.parametrize(
    "vm",
    [
        source_vm(created_at=NOW - timedelta(minutes=1)),
        source_vm(disks=(Disk(id=DATA_DISK, sku="Premium_LRS"),)),
    ],
    ids=["made after the last recovery point", "other disks"],
)
def test_another_vm_under_the_same_name_is_reported_and_left(vm: SourceVm) -> None:
    vm_status = of_one(vm, ours())

    assert (vm_status.state, vm_status.action, codes(vm_status)) == (
        State.NOT_ELIGIBLE,
        Action.NONE,
        ["SourceReplaced"],
    )
    assert codes(of_one(vm, ours(state="EnablingFailed", held_recovery_points=False))) == ["EnableFailed"]


def test_items_of_vms_out_of_scope_are_none_of_ours_to_judge() -> None:
    foreign = ours(source=ResourceId.of("22222222-2222-2222-2222-222222222222", "web", VM_ID.type, "web-1"))

    assert assess(estate(items=(foreign,)), CLEANUP) == ()


# Whatever the estate is like

STATES = [
    "Protected",
    "InitialReplicationInProgress",
    "EnablingFailed",
    "DisablingProtection",
    "Odd",
    "EnablingProtection",
]


_LEFT_ALONE = {
    State.FROZEN,
    State.FAILOVER_VM,
    State.NOT_ELIGIBLE,
    State.NOT_TAGGED,
    State.DISABLING,
    State.PROTECTING,
    State.UNKNOWN,
}


@st.composite
def estates(draw: st.DrawFn) -> Inventory:
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6))
    ids = {name: ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, name) for name in "abcdef"}
    tags = st.sampled_from(
        [{}, {"dr": "true"}, {"dr": "false"}, {"dr": "true", "dr-hold": "1"}, {"dr": "true", "dr-x": ""}]
    )
    vms = [
        source_vm(
            id=ids[name],
            tags=draw(tags),
            location=draw(st.sampled_from([SOURCE, SOURCE, TARGET])),
            power_state=draw(st.sampled_from(["running", "deallocated", "unknown"])),
            created_at=draw(st.sampled_from([None, NOW - timedelta(days=30), NOW])),
        )
        for name in names
    ]
    items = [
        ours(
            source=ids[name],
            state=draw(st.sampled_from(STATES)),
            test_failover=draw(st.sampled_from(["", "None", "Running"])),
            job=draw(st.sampled_from(["", "", "j"])),
            held_recovery_points=draw(st.booleans()),
            failover_vms=tuple(draw(st.lists(st.sampled_from(list(ids.values())), max_size=1))),
            **({"id": CONTAINER.child("replicationProtectedItems", f"theirs-{name}")} if draw(st.booleans()) else {}),
        )
        for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6))
    ]
    return estate(*vms, items=tuple(items), vms_unread=draw(st.booleans()), items_unread=draw(st.booleans()))


@given(estates(), st.sampled_from(list(Mode)), st.randoms(use_true_random=False))
def test_whatever_the_estate_is_like(some: Inventory, mode: Mode, shuffle: Any) -> None:
    app = settings(mode=mode)
    vm_statuses = assess(some, app)

    assert [vm_status.vm_id.key for vm_status in vm_statuses] == sorted(
        {vm_status.vm_id.key for vm_status in vm_statuses}
    )
    assert {vm.id for vm in some.vms} <= {vm_status.vm_id for vm_status in vm_statuses}
    shuffled = replace(
        some,
        vms=tuple(shuffle.sample(some.vms, len(some.vms))),
        items=tuple(shuffle.sample(some.items, len(some.items))),
    )
    assert assess(shuffled, app) == vm_statuses
    items = {item.id: item for item in some.items}
    for vm_status in vm_statuses:
        assert {finding.code for finding in vm_status.findings} <= CODES
        item = items.get(vm_status.item_id) if vm_status.item_id else None
        assert vm_status.findings or vm_status.state in {
            State.PROTECTED,
            State.PROTECTING,
            State.DISABLING,
            State.FAILOVER_VM,
        }
        if vm_status.action is Action.DISABLE:
            assert mode is Mode.CLEANUP
            assert item
            assert item.is_ours
            assert not item.job
            assert item.stage in {Stage.PROTECTED, Stage.REPLICATING, Stage.ENABLING, Stage.FAILED}
            assert not app.requests_protection(vm_status.tags)
            assert not (some.vms_unread and vm_status.vm_id not in {vm.id for vm in some.vms})
        if vm_status.action is Action.ENABLE:
            assert not (some.items_unread and item is None)
        if vm_status.state in _LEFT_ALONE:
            assert vm_status.action is Action.NONE
        if some.vms_unread:
            assert vm_status.state is not State.SOURCE_GONE
        assert bool(vm_status.fingerprint) is (vm_status.action is not Action.NONE)


def test_what_hinders_a_vm_as_far_as_a_list_reports_is_among_the_findings_that_a_standing_may_have() -> None:
    hindered: dict[str, Any] = {
        "power_state": "deallocated",
        "disks": (Disk(id=OS_DISK, sku="Premium_LRS"),) * 70,
        "unmanaged_disks": 1,
        "disk_encryption": True,
        "encryption_at_host": True,
        "disk_controller": "NVMe",
        "size": "Standard_D2ps_v5",
        "dedicated_host": VM_ID,
        "edge_zone": "losangeles",
    }
    vms = [
        source_vm(**hindered, security_type=kind, provisioning_state=state, extensions=takes)
        for kind in ("ConfidentialVM", "TrustedLaunch")
        for state in ("Succeeded", "Failed")
        for takes in (False, None)
    ]

    codes = {finding.code for vm in vms for finding in vm_support.of_vm(vm)}
    regions = ((TARGET, TARGET), (SOURCE, TARGET), ("centralus", TARGET), ("centralus", SOURCE))
    codes |= {
        finding.code for target, own in regions for finding in placement.of_regions(source_vm(), target, VAULT_ID, own)
    }

    taken = {"TargetConflict", "NameNotUnique"}
    elsewhere = {"ManagedResourceGroup", "RegionNotMapped", "VaultNotFound", *taken}
    assert codes == CODES - set(DRIFT) - elsewhere - {OF_QUOTA}

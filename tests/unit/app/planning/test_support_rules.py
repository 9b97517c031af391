"""The support rules: each has a source and is found in a breach of it, and those that may be ignored only warn then."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.config.override_options import CHOICES
from shared.config.profiles import DEFAULT, Profile
from shared.config.support_rules import IGNORABLE, RULES
from shared.model import resource_types
from shared.model.findings import Finding, Severity
from shared.model.names import DEFAULT_NAMES
from shared.model.replication import DiskAccess
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.model.vm import Disk, Existing, Lock, Network, Offer, Quota, Size, Subnet
from shared.planning import preflight, vm_support
from shared.planning.catalog import CATALOG
from tests.unit.app.config.test_settings import load, problems_of
from tests.unit.app.examples import (
    DATA_DISK,
    DEPLOYMENT,
    NAMES,
    NETWORK,
    OS_DISK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VM_ID,
    existing,
    plan_of,
    planning_context,
    protected_item,
    settings,
    source_vm,
)

_SIZE = "Standard_D2s_v5"
WARNED = "a warning"
OPEN = dict.fromkeys(CHOICES, ("*",))


def _plan(vm: dict[str, Any], context: dict[str, Any], profile: Profile) -> tuple[Finding, ...]:
    app = settings(profiles={DEFAULT: profile.with_(allow=OPEN)})
    return plan_of(source_vm(**vm), planning_context(**context), app).findings


def _disk(**changes: Any) -> dict[str, Any]:
    disk = Disk(id=OS_DISK, sku="Premium_LRS", size_gb=64, holds_os=True)
    return {"disks": (disk.with_(**changes),)}


def _nic(**changes: Any) -> dict[str, Any]:
    return {"nics": (planning_context().nics[0].with_(**changes),)}


def _target_subnets(**subnets: Subnet) -> dict[str, Any]:
    return {"target_networks": (Network(id=NAMES.sibling(NETWORK), location=TARGET, subnets=subnets),)}


_HIGH: dict[str, Any] = {"tags": {"dr": "true", "dr-churn": "high"}}


def _cache(**changes: Any) -> dict[str, Any]:
    own = DEFAULT_NAMES.cache_account(SUBSCRIPTION, SOURCE, DEPLOYMENT)
    return {"existing": (Existing(id=own, location=SOURCE, kind="StorageV2", **changes),)}


def _named(there: Existing, tag: str) -> tuple[dict[str, Any], dict[str, Any]]:
    doubtful = there.with_(doubts=("is odd",))
    return {"tags": {f"dr-{tag}": str(there.id)}}, {"existing": (doubtful,)}


_POOL = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Network/loadBalancers", "lb").child(
    "backendAddressPools", "web"
)
_SET = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/diskEncryptionSets", "keys")
_HOSTS = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/hostGroups", "own")
_SCALE_SET = ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/virtualMachineScaleSets", "pool")
# By the finding: the VM and the context that breach the rule.
BREACHES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "VmNotRunning": ({"power_state": "deallocated"}, {}),
    "VmNotReady": ({"provisioning_state": "Failed"}, {}),
    "ScaleSetInstance": ({"scale_set_id": _SCALE_SET}, {}),
    "TooManyDisks": ({"disks": tuple(Disk(id=ResourceId(f"{OS_DISK}-{n}"), sku="Premium_LRS") for n in range(66))}, {}),
    "UnmanagedDisks": ({"unmanaged_disks": 1}, {}),
    "ConfidentialVm": ({"security_type": "ConfidentialVM"}, {}),
    "DiskEncryptionNeedsKeys": ({"disk_encryption": True}, {}),
    "TrustedLaunchLinux": ({"security_type": "TrustedLaunch", "created_at": datetime(2024, 3, 31, tzinfo=UTC)}, {}),
    "NvmeDiskController": ({"disk_controller": "NVMe"}, {}),
    "ArmArchitecture": ({"size": "Standard_D2ps_v5"}, {}),
    "DedicatedHost": ({"dedicated_host": _HOSTS}, {}),
    "EdgeZone": ({"edge_zone": "losangeles"}, {}),
    "ExtensionsNotAllowed": ({"extensions": False}, {}),
    "VmAgentNotKnown": ({"extensions": None}, {}),
    "WriteAcceleratorDisk": (_disk(write_accelerator=True), {}),
    "EncryptionAtHostNotKept": ({"encryption_at_host": True}, {}),
    "TooManyReplicatedDisks": ({}, {"replicated_disks": 3000}),
    "SmallVm": ({}, {"offer": Offer(sizes=(Size(name=_SIZE, cores=1),))}),
    "UnsupportedDisk": (_disk(obstacle="an ephemeral OS disk"), {}),
    "DiskAccessNotKept": ({}, {"private_disks": {OS_DISK.key: DiskAccess(policy="AllowPrivate")}}),
    "HighChurnNeeded": (_disk(sku="PremiumV2_LRS"), {}),
    "TargetZoneNeeded": (_disk(sku="PremiumV2_LRS") | _HIGH, {}),
    "UnsupportedReplicaType": ({"tags": _HIGH["tags"] | {"dr-replica-disk-type": "UltraSSD_LRS"}}, {}),
    "ZoneRedundancyLost": (_disk(sku="Premium_ZRS") | {"tags": {"dr-target-disk-type": "Premium_LRS"}}, {}),
    "DiskTypeNotInTarget": (
        _disk(sku="Premium_ZRS"),
        {"offer": Offer(sizes=(Size(name=_SIZE),), disk_types=("Premium_LRS",))},
    ),
    "UltraDisksNotInTarget": (_disk(sku="UltraSSD_LRS") | _HIGH, {"offer": Offer(sizes=(Size(name=_SIZE),))}),
    "DiskEncryptionSetNeeded": (_disk(encryption_set=_SET), {}),
    "SizeNotInTarget": ({}, {"offer": Offer()}),
    "TargetQuotaExceeded": (
        {},
        {"offer": Offer(sizes=(Size(name=_SIZE, cores=2, quotas=(Quota(name="cores", limit=1),)),))},
    ),
    "LockedVm": ({}, {"locks": (Lock(scope=str(VM_ID), name="keep"),)}),
    "VaultInSourceRegion": ({}, {"vault_location": SOURCE}),
    "TargetInSourceRegion": ({}, {"target_location": SOURCE}),
    "TargetGroupInSourceRegion": ({}, {"existing": (Existing(id=NAMES.group(VM_ID), location=SOURCE),)}),
    "VaultGroupInSourceRegion": ({}, {"vault_group_location": SOURCE}),
    "CacheAccountUnreachable": ({}, _cache(lets_in=())),
    "CacheAccountRolesNeeded": ({}, {**_cache(keys_off=True), "vault_has_identity": True}),
    "TargetPublicIpUnusable": _named(existing(resource_types.PUBLIC_IP, "front"), "target-public-ip"),
    "TargetPoolOfInternetLoadBalancer": _named(Existing(id=_POOL, location=TARGET), "target-backend-pool"),
    "TargetSubnetDiffers": ({}, _target_subnets(apps=Subnet())),
    "TargetSubnetUnusable": ({}, _target_subnets(GatewaySubnet=Subnet())),
    "StaticIpNotPreserved": ({}, _nic(static=True, address="10.9.9.9")),
    "SecondaryAddressesNotKept": ({}, _nic(secondary=("ipconfig2",))),
    "ApplicationSecurityGroupsNotKept": ({}, _nic(application_groups=("front",))),
    "TargetSubnetWithoutOutboundAccess": ({}, _target_subnets(web=Subnet(private=True))),
}
# Found before anything is planned.
ALONE: dict[str, Callable[[], Finding]] = {
    "ClassicVm": lambda: preflight.without_reading(
        ResourceId.of(SUBSCRIPTION, "web", CLASSIC_VIRTUAL_MACHINE, "old"), settings()
    )[0],
    "StaleLink": lambda: preflight.stale_link(VM_ID, "ASR-Protect-x"),
}


def test_every_rule_has_a_breach_a_source_and_a_date() -> None:
    assert {rule.code for rule in RULES} == set(BREACHES) | set(ALONE)
    assert [rule for rule in RULES if not rule.says.endswith(".") or not rule.source] == []
    assert [rule for rule in RULES if not re.fullmatch(r"20\d\d-(0[1-9]|1[012])", rule.date)] == []
    assert {rule.code for rule in RULES} - set(CATALOG) == set()


@pytest.mark.parametrize("code", BREACHES)
def test_a_breach_is_found(code: str) -> None:
    assert code in {finding.code for finding in _plan(*BREACHES[code], Profile())}


@pytest.mark.parametrize("code", ALONE)
def test_a_breach_is_found_without_a_plan(code: str) -> None:
    assert ALONE[code]().code == code


@pytest.mark.parametrize("code", IGNORABLE)
def test_a_rule_that_the_profile_ignores_warns_and_blocks_nothing(code: str) -> None:
    vm, context = BREACHES[code]
    held = [finding for finding in _plan(vm, context, Profile()) if finding.code == code]
    ignored = [finding for finding in _plan(vm, context, Profile(ignore=(code,))) if finding.code == code]

    assert {finding.severity for finding in held} == {Severity.BLOCKER}
    assert {finding.severity for finding in ignored} == {Severity.WARNING}
    assert all("The profile default ignores this rule" in finding.message for finding in ignored)
    plan = plan_of(
        source_vm(**vm),
        planning_context(**context),
        settings(profiles={DEFAULT: Profile(ignore=tuple(IGNORABLE), allow=OPEN)}),
    )
    assert plan.replication is not None


def test_what_may_be_ignored_is_written_in_any_casing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"default": {"ignore": ["toomanydisks"]}}

    assert load(monkeypatch, DR_PROFILES=json.dumps(given)).profiles[DEFAULT].ignore == ("TooManyDisks",)


@pytest.mark.parametrize("code", ["VmNotRunning", "OnHold", "DiskEncryptionNeedsKeys", "none"])
def test_what_may_not_be_ignored_is_refused_with_what_may_be(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (problem,) = problems_of(monkeypatch, DR_PROFILES=json.dumps({"gold": {"ignore": [code]}}))

    assert "DR_PROFILES at gold.ignore: given" in problem
    assert f"{code!r} cannot be ignored; what can: {', '.join(IGNORABLE)}" in problem


# What is about the VM itself: what is a breach, and what is none


@pytest.mark.parametrize(
    ("vm", "found"),
    [
        ({"disk_controller": "nvme"}, ["NvmeDiskController"]),
        ({"disk_controller": "SCSI"}, []),
        ({"size": "Standard_B2pts_v2"}, ["ArmArchitecture"]),
        ({"size": "standard_e96pds_v6"}, ["ArmArchitecture"]),
        ({"size": "Standard_DS2_v2"}, []),
        ({"size": "Standard_PB6s"}, []),
        ({"size": "Standard_NP10s"}, []),
        ({"size": "Standard_HB120-16rs_v3"}, []),
        ({"security_type": "TrustedLaunch", "created_at": datetime(2024, 4, 1, tzinfo=UTC)}, [WARNED]),
        (
            {"security_type": "TrustedLaunch", "created_at": datetime(2024, 3, 31, 23, tzinfo=UTC)},
            ["TrustedLaunchLinux"],
        ),
        ({"security_type": "TrustedLaunch"}, [WARNED]),
        ({"security_type": "TrustedLaunch", "os": "Windows", "created_at": datetime(2023, 1, 1, tzinfo=UTC)}, []),
        ({"extensions": False}, ["ExtensionsNotAllowed"]),
        ({"extensions": None}, ["VmAgentNotKnown"]),
    ],
    ids=str,
)
def test_the_hardware_the_agent_and_the_age_of_a_vm(vm: dict[str, Any], found: list[str]) -> None:
    findings = [*vm_support.of_vm(source_vm(**vm))]

    assert [f"{WARNED if each.severity is Severity.WARNING else each.code}" for each in findings] == found


def test_a_disk_with_write_accelerator_is_not_added_to_an_item() -> None:
    disks = (*source_vm().disks, Disk(id=DATA_DISK, sku="Premium_LRS", write_accelerator=True))
    vm = source_vm(disks=disks)
    plan = plan_of(vm, planning_context(), settings(), protected_item())
    ignoring = settings(profiles={DEFAULT: Profile(ignore=("WriteAcceleratorDisk",))})

    assert plan.unfit_disks == (DATA_DISK,)
    assert [(each.code, each.severity) for each in plan.findings] == [("WriteAcceleratorDisk", Severity.WARNING)]
    assert plan_of(vm, planning_context(), ignoring, protected_item()).unfit_disks == ()

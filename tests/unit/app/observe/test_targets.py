"""The target resources of protected VMs: absent only if Azure says so, and who holds what a failover takes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.arm.errors import MalformedResponseError, ThrottledError
from shared.model import resource_types
from shared.model.resource_id import ResourceId
from shared.observe import targets as module
from shared.observe.inventory import compliance_report
from shared.observe.targets import read_targets
from shared.reconcile.inventory import Recovery, VmStatus
from tests.unit.app.examples import NIC, OS_DISK, SOURCE, SUBSCRIPTION, TARGET, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name

GROUP = ResourceId.of(SUBSCRIPTION, "web-asr")


def there(kind: str, name: str, group: ResourceId = GROUP) -> ResourceId:
    return ResourceId.of(SUBSCRIPTION, group.resource_group, kind, name)


NET, SET = there(resource_types.NETWORK, "vnet-asr"), there(resource_types.AVAILABILITY_SET, "set-asr")
POOL = there("Microsoft.Network/loadBalancers", "lb").child("backendAddressPools", "web")
ELSEWHERE = ResourceId.of("22222222-2222-4222-8222-222222222222", "hub", resource_types.NETWORK, "hub")
SUBNETS = {"subnets": [{"name": "web", "properties": {}}, {"name": "db", "properties": {}}]}
POOLS = {"backendAddressPools": [{"name": "WEB"}]}


def world(*gone: ResourceId, network: ResourceId = NET, subnet: str = "web", **details: Any) -> Cloud:
    """A protected VM; of what its failover uses all exists but what is `gone`."""
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    bodies: dict[ResourceId, dict[str, Any]] = {GROUP: {}, NET: SUBNETS, SET: {}, POOL.parent: POOLS}
    for each, properties in bodies.items():
        if each not in gone:
            cloud.add(each, {"location": TARGET, "properties": properties})
    configuration = {"isPrimary": True, "recoverySubnetName": subnet, "recoveryStaticIPAddress": "10.1.1.9"}
    configuration["recoveryLBBackendAddressPoolIds"] = [str(POOL)]
    nic = {"nicId": "1", "sourceNicArmId": str(NIC), "recoveryVMNetworkId": str(network)}
    body = item_body(
        "Protected",
        our_item_name(),
        managementId="m-1",
        recoveryAzureVMName="web-9",
        recoveryAzureResourceGroupId=str(GROUP).upper(),
        recoveryAvailabilitySet=str(SET),
        protectedManagedDisks=[{"diskId": str(OS_DISK)}],
        vmNics=[nic | {"ipConfigs": [configuration]}],
        primaryFabricLocation=SOURCE,
        recoveryFabricLocation=TARGET,
        recoveryAzureVMSize="Standard_D2s_v5",
    )
    body["properties"] |= {"lastSuccessfulTestFailoverTime": datetime.now(UTC).isoformat(), **details}
    cloud.vault["replication_protected_items"].append(body)
    return cloud


async def found_in(cloud: Cloud, **changes: Any) -> tuple[VmStatus, tuple[str, ...]]:
    report = await compliance_report(FakeAzure(settings(**changes), cloud))
    [status] = [each for each in report.vm_statuses if each.vm_id == VM_ID]
    return status, report.gaps


@pytest.mark.parametrize(
    ("cloud", "missing"),
    [
        (world(), ""),
        (world(NET), str(NET)),
        (world(SET), str(SET)),
        (world(NET, SET), f"{SET}; a virtual network, {NET}"),
        (world(subnet="app"), f"a subnet, {NET}/subnets/app"),
        (world(subnet="WEB"), ""),
        (world(subnet=" "), ""),
        (world(POOL.parent), str(POOL)),
        (world(GROUP, NET, SET, POOL.parent), f"a resource group, {GROUP}."),
        # Its resources are listed still, and are gone with it.
        (world(GROUP), f"a resource group, {GROUP}."),
    ],
)
async def test_what_a_failover_uses_and_azure_says_is_absent_is_missing(cloud: Cloud, missing: str) -> None:
    status, gaps = await found_in(cloud)

    assert gaps == ()
    assert [each.code for each in status.findings] == (["TargetMissing"] if missing else [])
    assert all(missing.lower() in each.message.lower() for each in status.findings)
    assert (status.compliant, status.recovery is not Recovery.NO) == (not missing, not missing)


@pytest.mark.parametrize(
    "fault",
    [
        answer(403, "AuthorizationFailed"),
        answer(404, "SubscriptionNotFound"),
        answer(404, "NotFound"),
        answer(500, "InternalServerError"),
        MalformedResponseError("It is no JSON."),
    ],
    ids=["no right", "no subscription", "a proxy", "broken", "no JSON"],
)
@pytest.mark.parametrize("gone", [NET, SET, GROUP])
async def test_what_is_not_listed_and_cannot_be_read_is_a_gap_and_not_known(gone: ResourceId, fault: Exception) -> None:
    cloud = world(gone)
    # The ID that is read is in the casing of one of those that name it.
    cloud.faults |= dict.fromkeys((str(gone), str(ResourceId(str(gone).upper()))), fault)

    status, gaps = await found_in(cloud)

    check_not_known(status, gone)
    assert ["target resources of protected VMs" in gap for gap in gaps] == [True]


def check_not_known(status: VmStatus, unread: ResourceId) -> None:
    """Neither missing nor fine: the VM is compliant, and it is not known whether it would come up."""
    [finding] = status.findings
    assert (finding.code, finding.severity) == ("TargetNotRead", "note")
    assert str(unread).lower() in finding.message.lower()
    assert (status.compliant, status.prospect) == (True, (Recovery.UNKNOWN, "TargetNotRead"))


@pytest.mark.parametrize("which", ["targets in the graph", "target groups in the graph"])
async def test_a_list_that_cannot_be_read_is_a_gap_and_nothing_is_known(which: str) -> None:
    cloud = world(NET)
    cloud.faults[which] = answer(403, "AccessDenied")

    status, gaps = await found_in(cloud)

    check_not_known(status, NET)
    assert len(gaps) == 1


async def test_what_lies_outside_the_target_scope_is_not_read_and_not_known() -> None:
    status, gaps = await found_in(world(network=ELSEWHERE))

    check_not_known(status, ELSEWHERE)
    assert gaps == ()


@pytest.mark.parametrize("subnet", ["web", "app"])
async def test_the_subnets_of_a_network_that_exists_and_is_not_listed_yet_are_not_known(subnet: str) -> None:
    cloud = world(subnet=subnet)
    cloud.resources[NET.key] |= {"id": f"{NET}-unlisted"}

    status, gaps = await found_in(cloud)

    check_not_known(status, NET.child("subnets", subnet))
    assert gaps == ()


async def test_what_is_missing_weighs_more_than_what_is_not_known() -> None:
    cloud = world(NET, SET)
    cloud.faults |= {str(NET): answer(403, "AuthorizationFailed")}

    status, _ = await found_in(cloud)

    assert [each.code for each in status.findings] == ["TargetMissing", "TargetNotRead"]
    assert status.prospect == (Recovery.NO, "TargetMissing")


async def test_what_is_listed_costs_no_read_and_what_is_not_one_each() -> None:
    clean, one = world(), world(NET)
    await found_in(clean)
    await found_in(one)

    asked = [each for each in clean.reads if "graph" in each and "target" in each]
    assert asked == ["targets in the graph", "target groups in the graph"]
    assert not [each for each in clean.reads if str(GROUP).lower() in each.lower()]
    assert [each for each in one.reads if str(GROUP).lower() in each.lower()] == [str(NET)]


async def test_a_lost_read_right_looks_like_a_lot_of_deleted_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_READ", 1)
    cloud = world(NET, SET)

    status, gaps = await found_in(cloud)

    check_not_known(status, NET)
    assert "a read right may have been lost" in gaps[0]
    assert str(NET) not in cloud.reads


async def test_a_sweep_that_is_throttled_is_tried_again_as_a_whole() -> None:
    cloud = world(NET)
    cloud.faults[str(NET)] = ThrottledError("Later.", 1.0, lambda wait: wait)

    with pytest.raises(ThrottledError):
        await found_in(cloud)


VM, DISK = there(VM_ID.type, "WEB-9"), there("Microsoft.Compute/disks", OS_DISK.name.upper())
INTERFACE, OTHER_NIC = there(NIC.type, NIC.name), there(NIC.type, "dc-nic", ResourceId.of(SUBSCRIPTION, "hub"))


def holding(address: str, network: ResourceId = NET) -> dict[str, Any]:
    configuration = {"privateIPAddress": address, "subnet": {"id": f"{network}/subnets/db"}}
    return {"properties": {"ipConfigurations": [{"name": "a"}, {"name": "b", "properties": configuration}]}}


@pytest.mark.parametrize(
    ("holder", "body", "says", "recoverable"),
    [
        (VM, {}, "the VM web-9", False),
        (there(VM_ID.type, "web-1"), {}, "", True),
        (there(VM_ID.type, "web-9", ResourceId.of(SUBSCRIPTION, "hub")), {}, "", True),
        (DISK, {}, f"the disk {OS_DISK.name}", False),
        (there(DISK.type, f"{OS_DISK.name}-other"), {}, "", True),
        (INTERFACE, {}, f"the interface {NIC.name}", False),
        (OTHER_NIC, holding("10.1.1.9"), "the address 10.1.1.9", True),
        (OTHER_NIC, holding("10.1.1.8"), "", True),
        (OTHER_NIC, holding("10.1.1.9", ELSEWHERE), "", True),
    ],
)
@pytest.mark.parametrize("before", [False, True])
async def test_what_a_failover_takes_and_something_else_has_is_a_conflict(
    before: bool, holder: ResourceId, body: dict[str, Any], says: str, recoverable: bool
) -> None:
    """Unless a failover has made it before: the next one takes it again."""
    cloud = world(lastSuccessfulFailoverTime="2026-01-01T00:00:00Z" if before else None)
    cloud.add(holder, {"location": TARGET, **body})
    vms = [body for key, body in cloud.resources.items() if key == VM_ID.key]
    cloud.graph_rows = vms

    status, gaps = await found_in(cloud)

    found = [each for each in status.findings if each.code == "TargetConflict"]
    assert gaps == ()
    assert [each.severity for each in found] == (["warning"] if says and not before else [])
    assert all(says in each.message and str(holder).lower() in each.message.lower() and each.fix for each in found)
    assert (status.recovery is not Recovery.NO) is (recoverable or before)


async def test_an_item_without_a_target_or_that_is_not_protected_is_not_read() -> None:
    cloud = world(NET, protectionState="InitialReplicationInProgress")
    azure = FakeAzure(settings(), cloud)

    assert (await read_targets(azure, []))[0].absent == frozenset()
    status, _ = await found_in(cloud)
    assert not [each for each in cloud.reads if "target" in each and "graph" in each]
    assert "TargetMissing" not in {each.code for each in status.findings}

"""Resources that somebody names: whether they are there, where, and what would disturb."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.model import resource_types
from shared.model.resource_id import ResourceId
from shared.model.vm import Existing
from shared.readers.named_resources import read_existing
from tests.unit.app.examples import SUBSCRIPTION, TARGET, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer

BALANCER = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Network/loadBalancers", "lb")
POOL = BALANCER.child("backendAddressPools", "web")
ACCOUNT = ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.ACCOUNT, "cache")
SERVES = {"location": TARGET, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


async def read(cloud: Cloud, wanted: ResourceId, *caches: ResourceId) -> Existing | None:
    return await read_existing(FakeAzure(settings(), cloud), wanted, 30, set(caches))


async def account(cloud: Cloud, body: dict[str, Any], blobs: dict[str, Any] | None = None) -> Existing:
    cloud.add(ACCOUNT, {**SERVES, **body})
    if blobs is not None:
        cloud.add(ACCOUNT.child("blobServices", "default"), {"properties": blobs})
    found = await read(cloud, ACCOUNT, ACCOUNT)
    assert found
    return found


@pytest.mark.parametrize("kind", sorted({*resource_types.RESOURCE_TYPES} - {"", resource_types.POOL}))
async def test_a_resource_of_each_kind_is_read_with_its_region(cloud: Cloud, kind: str) -> None:
    wanted = ResourceId.of(SUBSCRIPTION, "web-asr", kind, "it")
    assert await read(cloud, wanted) is None

    cloud.add(wanted, {"location": "West US 2", "kind": "StorageV2", "properties": None, "sku": None})
    found = await read(cloud, ResourceId(str(wanted).lower()))

    assert found
    assert (found.id, found.location) == (wanted, TARGET)


@pytest.mark.parametrize(("sku", "fits"), [({"name": "Aligned"}, True), ({"name": "Classic"}, False), (None, False)])
async def test_an_availability_set_is_one_for_managed_disks(cloud: Cloud, sku: Any, fits: bool) -> None:
    wanted = ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.AVAILABILITY_SET, "it")
    cloud.add(wanted, {"location": TARGET, "sku": sku})

    found = await read(cloud, wanted)

    assert found
    assert found.obstacle == ("" if fits else "is not an Aligned set, as managed disks need")


async def test_a_resource_group_is_looked_up_in_the_list(cloud: Cloud) -> None:
    group = ResourceId.of(SUBSCRIPTION, "ours")
    assert await read(cloud, group) is None

    cloud.add(group, {"location": "Norway East"})

    assert await read(cloud, group) == Existing(id=group, location="norwayeast")


async def test_a_backend_pool_is_where_its_load_balancer_is(cloud: Cloud) -> None:
    assert await read(cloud, POOL) is None
    cloud.add(BALANCER, {"location": TARGET, "properties": {"backendAddressPools": [{"id": f"{POOL}-2"}]}})
    assert await read(cloud, POOL) is None
    cloud.add(BALANCER, {"location": TARGET, "properties": {"backendAddressPools": [{"id": str(POOL).upper()}]}})

    assert await read(cloud, POOL) == Existing(id=POOL, location=TARGET)


@pytest.mark.parametrize("status", [403, 429, 500])
async def test_what_cannot_be_read_is_not_taken_for_missing(cloud: Cloud, status: int) -> None:
    cloud.faults["read"] = answer(status, "No")

    with pytest.raises(HttpResponseError):
        await read(cloud, ACCOUNT)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "Storage"},
        {"kind": "BlockBlobStorage", "sku": {"name": "Premium_LRS"}},
        {"properties": {"networkAcls": None}},
        {"properties": {"networkAcls": {"defaultAction": "Allow"}}},
        {"properties": {"networkAcls": {"defaultAction": "Deny", "bypass": "Logging, AzureServices"}}},
    ],
)
async def test_an_account_that_can_serve_has_no_obstacle(cloud: Cloud, body: dict[str, Any]) -> None:
    off = {"deleteRetentionPolicy": {"enabled": False}, "containerDeleteRetentionPolicy": None}

    assert (await account(cloud, body, off)).obstacle == ""


@pytest.mark.parametrize(
    ("body", "obstacle"),
    [
        ({"kind": "FileStorage", "sku": {"name": "Premium_LRS"}}, "is a FileStorage account with Premium_LRS: general"),
        ({"sku": {"name": "Premium_LRS"}}, "is a StorageV2 account with Premium_LRS"),
        ({"kind": "BlobStorage"}, "is a BlobStorage account with Standard_LRS"),
        ({"kind": None, "sku": None}, "is a  account with "),
        ({"properties": {"networkAcls": {"defaultAction": "Deny", "bypass": "None"}}}, "a firewall that shuts trusted"),
        ({"properties": {"networkAcls": {"defaultAction": "Deny", "bypass": None}}}, "a firewall that shuts trusted"),
    ],
)
async def test_an_account_that_cannot_hold_a_cache_says_why(cloud: Cloud, body: dict[str, Any], obstacle: str) -> None:
    assert obstacle in (await account(cloud, body)).obstacle


_RULES = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "20.1.1.1"}]}
_SUBNETS = [ResourceId.of(SUBSCRIPTION, "net", resource_types.NETWORK, "vnet").child("subnets", n) for n in ("a", "b")]


def _connection(state: Any) -> dict[str, Any]:
    return {"properties": {"privateLinkServiceConnectionState": state}}


@pytest.mark.parametrize(
    ("properties", "lets_in", "private"),
    [
        ({}, None, False),
        ({"publicNetworkAccess": "Enabled", "networkAcls": _RULES | {"defaultAction": "Allow"}}, None, False),
        ({"publicNetworkAccess": "Disabled"}, (), False),
        ({"networkAcls": _RULES}, (), False),
        ({"networkAcls": _RULES | {"virtualNetworkRules": None}}, (), False),
        ({"networkAcls": _RULES | {"virtualNetworkRules": [{"id": str(s)} for s in _SUBNETS]}}, (*_SUBNETS,), False),
        ({"privateEndpointConnections": [{}, _connection(None)]}, None, False),
        ({"privateEndpointConnections": [_connection({"status": "Pending"})]}, None, False),
        ({"privateEndpointConnections": [_connection({}), _connection({"status": "Approved"})]}, None, True),
    ],
)
async def test_who_may_reach_an_account_is_read_with_it(
    cloud: Cloud, properties: dict[str, Any], lets_in: tuple[ResourceId, ...] | None, private: bool
) -> None:
    found = await account(cloud, {"properties": properties})

    assert (found.lets_in, found.private_endpoint) == (lets_in, private)


@pytest.mark.parametrize(
    ("sku", "properties", "doubts"),
    [
        ("Standard", {}, ()),
        ("Standard", {"ipConfiguration": None}, ()),
        ("Basic", {}, ("is of the SKU Basic, which Azure retired on 2025-09-30",)),
        ("Standard", {"ipConfiguration": {"id": f"{BALANCER}/frontends/f"}}, ("is attached to lb already",)),
    ],
)
async def test_why_a_public_address_may_not_serve(
    cloud: Cloud, sku: str, properties: dict[str, Any], doubts: tuple[str, ...]
) -> None:
    wanted = ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.PUBLIC_IP, "front")
    cloud.add(wanted, {"location": TARGET, "sku": {"name": sku}, "properties": properties})

    found = await read(cloud, wanted)

    assert found
    assert found.doubts == doubts


@pytest.mark.parametrize(
    ("frontend", "public"),
    [
        ({"privateIPAddress": "10.1.1.4", "publicIPAddress": None}, False),
        ({"publicIPAddress": {"id": "/x"}}, True),
        ({"publicIPPrefix": {"id": "/x"}}, True),
    ],
)
async def test_a_pool_of_an_internet_load_balancer_is_doubtful(
    cloud: Cloud, frontend: dict[str, Any], public: bool
) -> None:
    frontends = [{"name": "one", "properties": {}}, {"name": "two", "properties": frontend}]
    properties = {"backendAddressPools": [{"id": str(POOL)}], "frontendIPConfigurations": frontends}
    cloud.add(BALANCER, {"location": TARGET, "properties": properties})

    found = await read(cloud, POOL)

    assert found
    assert found.doubts == (("is of an internet load balancer",) if public else ())


@pytest.mark.parametrize("policy", ["deleteRetentionPolicy", "containerDeleteRetentionPolicy"])
async def test_soft_delete_is_an_obstacle(cloud: Cloud, policy: str) -> None:
    assert (await account(cloud, {}, {policy: {"enabled": True, "days": 7}})).obstacle == "has soft delete on"


async def test_what_keeps_an_account_from_being_a_cache_is_no_matter_for_boot_diagnostics(cloud: Cloud) -> None:
    cloud.add(ACCOUNT, {**SERVES, "properties": {"networkAcls": {"defaultAction": "Deny", "bypass": "None"}}})
    cloud.add(ACCOUNT.child("blobServices", "default"), {"properties": {"deleteRetentionPolicy": {"enabled": True}}})

    as_cache, for_diagnostics = await read(cloud, ACCOUNT, ACCOUNT), await read(cloud, ACCOUNT)

    assert as_cache
    assert for_diagnostics
    assert as_cache.obstacle
    assert for_diagnostics.obstacle == ""


@pytest.mark.parametrize(("allowed", "off"), [(False, True), (True, False), (None, False)])
async def test_an_account_that_refuses_keys_says_so(cloud: Cloud, allowed: bool | None, off: bool) -> None:
    assert (await account(cloud, {"properties": {"allowSharedKeyAccess": allowed}})).keys_off is off

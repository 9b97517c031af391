"""The app's own networks for drills: what they are, whose they are, and when they are brought up to date."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.arm.origins import name_of
from shared.config.settings import Create
from shared.model import naming
from shared.model.origin import Origin
from shared.model.resource_id import ResourceId
from shared.model.step_result import Failed, Pending, Ready
from shared.model.target_resources import IsolatedNetwork
from shared.model.vm import Network, Subnet
from shared.planning.drill_checks import findings_of
from shared.planning.drill_network import as_created, isolated
from shared.provision.registry import ensure, find
from shared.reconcile.orphans import digest_of
from tests.unit.app.examples import DEPLOYMENT, NETWORK, TARGET, settings
from tests.unit.app.fake_azure import CREATED, Cloud, FakeAzure
from tests.unit.app.planning.test_drill_checks import facts

Json = dict[str, Any]

SPACE = ("10.1.0.0/16",)
SUBNETS = {"web": ("10.1.1.0/24",), "data": ("10.1.2.0/24", "fd00::/64")}
WANTED = isolated(
    Network(
        id=NETWORK,
        location=TARGET,
        address_space=SPACE,
        dns_servers=("10.1.1.4",),
        peered=True,
        subnets={
            **{name: Subnet(prefixes=prefixes, has_nat_gateway=True) for name, prefixes in SUBNETS.items()},
            "GatewaySubnet": Subnet(prefixes=("10.1.3.0/24",)),
            "flow": Subnet(prefixes=("10.1.4.0/24",), delegated_to=("Microsoft.Web/serverFarms",)),
        },
    )
)
TAGS = {naming.MADE_BY: naming.maker(DEPLOYMENT), naming.MADE_AT: CREATED}
OLD: dict[str, tuple[str, ...]] = {"web": ("10.1.1.0/24",)}


def body(subnets: dict[str, tuple[str, ...]], **more: Any) -> Json:
    """What this deployment has made of them; `more` are further properties of the network."""
    listed = [
        {
            "name": name,
            "properties": {"addressPrefix": some[0]} if len(some) == 1 else {"addressPrefixes": list(some)},
        }
        for name, some in subnets.items()
    ]
    space: Json = {"addressSpace": {"addressPrefixes": list(SPACE)}, "subnets": listed}
    known = {"provisioningState": "Succeeded", "resourceGuid": "guid-1"}
    return {"location": TARGET, "tags": TAGS, "properties": {**known, **space, **more}}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def azure(cloud: Cloud) -> FakeAzure:
    return FakeAzure(settings(), cloud)


def test_it_has_the_addresses_and_the_subnets_for_vms_and_nothing_else() -> None:
    assert (
        IsolatedNetwork(
            id=naming.drill_network(NETWORK),
            location=TARGET,
            address_space=SPACE,
            subnets=SUBNETS,
            private_subnets=("web", "data"),
        )
        == WANTED
    )
    assert WANTED.id.group_id == NETWORK.group_id
    assert findings_of(facts(network=as_created(WANTED))) == ()


async def test_it_is_asked_for_once_and_every_subnet_of_it_is_private(azure: FakeAzure, cloud: Cloud) -> None:
    assert [type(await ensure(azure, WANTED)) for _ in range(2)] == [Pending, Pending]

    ((_, sent),) = cloud.writes
    assert sent["tags"].keys() == {naming.MADE_BY, naming.MADE_AT}
    assert sent["properties"] == {
        "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "subnets": [
            {"name": "web", "properties": {"addressPrefix": "10.1.1.0/24", "defaultOutboundAccess": False}},
            {
                "name": "data",
                "properties": {"addressPrefixes": ["10.1.2.0/24", "fd00::/64"], "defaultOutboundAccess": False},
            },
        ],
    }


@pytest.mark.parametrize("allowed", [Create.CACHE, Create.NONE])
async def test_it_is_not_made_where_the_settings_forbid_it(cloud: Cloud, allowed: Create) -> None:
    with pytest.raises(Exception, match="DR_TARGET_CREATION"):
        await ensure(FakeAzure(settings(target_creation=allowed), cloud), WANTED)
    assert cloud.writes == []


def _never_recorded(cloud: Cloud) -> None:
    cloud.records.texts.clear()


def _made_again(cloud: Cloud) -> None:
    cloud.resources[WANTED.id.key]["properties"]["resourceGuid"] = "guid-2"


def _without_tags_and_proof(cloud: Cloud) -> None:
    _unproven(cloud)
    cloud.resources[WANTED.id.key]["tags"] = {naming.MADE_BY: naming.maker(DEPLOYMENT)}


def _elsewhere(cloud: Cloud) -> None:
    cloud.resources[WANTED.id.key]["location"] = "norwayeast"


def _broken(cloud: Cloud) -> None:
    cloud.resources[WANTED.id.key]["properties"]["provisioningState"] = "Failed"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_never_recorded, "no record of its creation"),
        (_made_again, "others have made it again"),
        (_without_tags_and_proof, "does not carry the tag dr-made-at"),
        (_elsewhere, "norwayeast"),
        (_broken, "has failed"),
    ],
)
async def test_what_others_made_or_is_broken_is_left_and_named(
    cloud: Cloud, change: Callable[[Cloud], None], why: str
) -> None:
    cloud.add(WANTED.id, body(OLD))
    azure = FakeAzure(settings(), cloud)
    change(cloud)

    outcome = await ensure(azure, WANTED)

    assert isinstance(outcome, Failed)
    assert why in outcome.error.message
    assert cloud.writes == []


def _as_it_was(_: Cloud) -> None:
    pass


def _unproven(cloud: Cloud) -> None:
    """The host was killed between the request and its proof."""
    name = name_of(WANTED.id)
    origin = Origin.model_validate_json(cloud.records.texts[name]).with_(proven_at=None, incarnation="")
    cloud.records.texts[name] = origin.model_dump_json(by_alias=True).encode()


@pytest.mark.parametrize("change", [_as_it_was, _unproven])
async def test_a_subnet_that_the_target_network_has_got_is_added(cloud: Cloud, change: Callable[[Cloud], None]) -> None:
    cloud.add(WANTED.id, body(OLD))
    azure = FakeAzure(settings(), cloud)
    change(cloud)
    before = await azure.origins.of(WANTED.id)
    assert await find(azure, WANTED) is None

    assert isinstance(await ensure(azure, WANTED), Pending)

    ((_, sent),) = cloud.writes
    after = await azure.origins.of(WANTED.id)
    assert before
    assert after
    assert [each["name"] for each in sent["properties"]["subnets"]] == ["web", "data"]
    assert sent["tags"] == TAGS
    assert (after.intended_at, after.proven_at) == (before.intended_at, before.proven_at)
    # Whether the request came through or not: it is as this deployment wrote it.
    assert all(after.accounts_for(digest_of(SPACE, subnets)) for subnets in (OLD, SUBNETS))
    cloud.add(WANTED.id, body(SUBNETS))
    assert await find(FakeAzure(settings(), cloud), WANTED) == WANTED.id


def _in_use(cloud: Cloud) -> None:
    nic = {"id": f"{WANTED.id.group_id}/providers/Microsoft.Network/networkInterfaces/n/ipConfigurations/i"}
    cloud.resources[WANTED.id.key]["properties"]["subnets"][0]["properties"]["ipConfigurations"] = [nic]


def _peered(cloud: Cloud) -> None:
    cloud.resources[WANTED.id.key]["properties"]["virtualNetworkPeerings"] = [{"name": "hub", "properties": {}}]


def _changed(cloud: Cloud) -> None:
    cloud.add(WANTED.id, body({"web": ("10.1.9.0/24",)}))


@pytest.mark.parametrize("change", [_in_use, _peered, _changed])
async def test_while_something_is_in_it_or_others_have_changed_it_nothing_is_written(
    cloud: Cloud, change: Callable[[Cloud], None]
) -> None:
    cloud.add(WANTED.id, body(OLD))
    azure = FakeAzure(settings(), cloud)
    change(cloud)

    assert await ensure(azure, WANTED) == Ready(value={"id": str(WANTED.id)})
    assert cloud.writes == []


def test_two_target_networks_of_one_name_have_one_each() -> None:
    other = ResourceId(str(NETWORK).replace(f"/{NETWORK.resource_group}/", "/elsewhere/"))
    names = {naming.drill_network(each).name for each in (NETWORK, other, ResourceId(str(NETWORK).upper()))}
    assert len({name.lower() for name in names}) == 2

"""Who keeps the mobility agents up to date: said on the container mapping, and changed on none but our own."""

from typing import Any

import pytest
from pydantic import ValidationError

from activities.create_target_resources import create_target_resource
from shared.model.resource_id import AUTOMATION_ACCOUNT, VAULT, ResourceId
from shared.model.step_result import Pending, Ready
from shared.model.target_resources import ContainerMapping
from tests.unit.app.examples import (
    CONTAINER,
    ELSEWHERE,
    SOURCE,
    SUBSCRIPTION,
    VAULT_ID,
    of_kind,
    plan_of,
    planning_context,
    settings,
    source_vm,
)
from tests.unit.app.fake_azure import Cloud, FakeAzure

ACCOUNT = ResourceId.of(SUBSCRIPTION, "dr", AUTOMATION_ACCOUNT, "agents")
APP = settings(agent_automation_account=str(ACCOUNT))
WANTED: ContainerMapping = of_kind(plan_of(source_vm(), planning_context(), APP), ContainerMapping)[0]
MAPPINGS = "replication_protection_container_mappings"


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_region_pair()
    return cloud


def there(cloud: Cloud, name: str, account: ResourceId | None) -> None:
    """The mapping from the source's container, under this name."""
    mapping = next(each for each in cloud.vault[MAPPINGS] if each["id"].startswith(str(CONTAINER)))
    mapping["id"] = f"{CONTAINER}/replicationProtectionContainerMappings/{name}"
    if account:
        mapping["properties"]["providerSpecificDetails"] |= {
            "agentAutoUpdateStatus": "Enabled",
            "automationAccountArmId": str(account).lower(),
        }


def ours(cloud: Cloud, name: str, account: ResourceId | None) -> None:
    there(cloud, name, account)
    cloud.prove(CONTAINER.child("replicationProtectionContainerMappings", name))


async def ask(cloud: Cloud, wanted: ContainerMapping = WANTED) -> Any:
    return await create_target_resource(FakeAzure(APP, cloud), wanted)


async def test_a_mapping_is_made_with_the_account_of_the_settings(cloud: Cloud) -> None:
    cloud.vault[MAPPINGS].clear()

    assert isinstance(await ask(cloud), Pending)
    ((what, (*_, body)),) = cloud.writes
    given = body.properties.provider_specific_input
    assert what == f"create {MAPPINGS}"
    assert (given.agent_auto_update_status, given.automation_account_arm_id) == ("Enabled", str(ACCOUNT))
    assert given.automation_account_authentication_type == "SystemAssignedIdentity"


@pytest.mark.parametrize("account", [None, ResourceId(f"{ACCOUNT}-2")])
async def test_a_mapping_of_our_own_is_changed_where_it_is(cloud: Cloud, account: ResourceId | None) -> None:
    ours(cloud, WANTED.name, account)

    assert isinstance(await ask(cloud), Pending)
    ((what, (*path, body)),) = cloud.writes
    assert what == f"update {MAPPINGS}"
    assert path == ["dr", "vault", "east", CONTAINER.name, WANTED.name]
    assert body.properties.provider_specific_input.automation_account_arm_id == str(ACCOUNT)


async def test_a_mapping_of_our_own_that_got_a_number_is_changed_too(cloud: Cloud) -> None:
    ours(cloud, f"{WANTED.name}-2", None)

    assert isinstance(await ask(cloud), Pending)
    assert cloud.written == [f"update {MAPPINGS}"]


@pytest.mark.parametrize("vaults", [[VAULT_ID], [ResourceId.of(SUBSCRIPTION, "dr", VAULT, "other"), VAULT_ID]])
def test_an_account_is_in_the_subscription_of_every_vault(vaults: list[ResourceId]) -> None:
    theirs = ResourceId.of(ELSEWHERE, "dr", AUTOMATION_ACCOUNT, "agents")
    region_map = {SOURCE: {"vault": str(VAULT_ID)}}
    for account, fits in ((ACCOUNT, True), (theirs, False)):
        given = {"vault_ids": ",".join(map(str, vaults)), "region_map": region_map}
        if fits:
            assert settings(**given, agent_automation_account=str(account)).agent_automation_account == account
            continue
        with pytest.raises(ValidationError, match="is not in the subscription of every vault"):
            settings(**given, agent_automation_account=str(account))


async def test_a_mapping_that_is_as_asked_for_is_used(cloud: Cloud) -> None:
    there(cloud, WANTED.name, ACCOUNT)

    assert isinstance(await ask(cloud), Ready)
    assert cloud.writes == []


async def test_a_mapping_of_others_is_used_as_it_is(cloud: Cloud) -> None:
    there(cloud, "made-in-the-portal", None)

    assert isinstance(await ask(cloud), Ready)
    assert cloud.writes == []


async def test_where_the_settings_name_no_account_no_mapping_is_changed(cloud: Cloud) -> None:
    there(cloud, WANTED.name, ACCOUNT)

    assert isinstance(await ask(cloud, WANTED.model_copy(update={"automation_account": None})), Ready)
    assert cloud.writes == []

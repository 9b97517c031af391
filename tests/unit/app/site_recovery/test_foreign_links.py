"""Links that a protection has left on a VM, or keeps there: a VM is never protected twice."""

import pytest
from azure.core.exceptions import HttpResponseError

from shared.model.findings import Finding, Severity
from shared.model.resource_id import VAULT, ResourceId
from shared.observe.vm import plan_for
from shared.site_recovery.foreign_links import of_links
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import CONTAINER, ELSEWHERE, SUBSCRIPTION, VAULT_ID, VM_ID, settings, source_vm
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, job_body, link_body

OTHER = ResourceId.of(SUBSCRIPTION, "other", VAULT, "theirs").child("replicationFabrics", "f")
ITEM = OTHER.child("replicationProtectionContainers", "c").child("replicationProtectedItems", "i")


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


async def found(cloud: Cloud) -> tuple[Finding, ...]:
    azure = FakeAzure(settings(), cloud)
    return await of_links(azure, VM_ID, vault_of(azure, VAULT_ID))


async def test_a_vm_without_links_costs_one_list_for_all(cloud: Cloud) -> None:
    cloud.links = [
        link_body(str(ITEM), source=ResourceId(f"{VM_ID}0")),
        link_body(str(ITEM), name="ASR-Something-Else"),
        {"id": f"{VM_ID}/providers/Microsoft.Resources/links/x", "name": None, "properties": None},
    ]
    azure = FakeAzure(settings(), cloud)

    for _ in range(3):
        assert await of_links(azure, VM_ID, vault_of(azure, VAULT_ID)) == ()
    assert cloud.reads == ["links"]


@pytest.mark.parametrize("name", ["ASR-Protect-1", "asr-policy-protect-9"])
async def test_an_item_of_another_vault_is_not_doubled(cloud: Cloud, name: str) -> None:
    cloud.links = [link_body(f"{ITEM}/", name=name)]
    cloud.add(ITEM, {"properties": {}})

    (finding,) = await found(cloud)

    assert (finding.code, finding.severity) == ("ProtectedElsewhere", Severity.BLOCKER)
    assert finding.message == (
        f"web-1 is protected by {ITEM}, in a vault that is not among DR_VAULT_IDS: it is not protected twice."
    )
    assert "DR_VAULT_IDS" in finding.fix


async def test_an_item_that_we_may_not_read_is_there_for_all_we_know(cloud: Cloud) -> None:
    cloud.links = [link_body(str(ITEM))]
    cloud.faults[str(ITEM)] = answer(403, "AuthorizationFailed")

    assert [finding.code for finding in await found(cloud)] == ["ProtectedElsewhere"]


async def test_an_item_in_a_subscription_that_we_do_not_see_is_there_for_all_we_know(cloud: Cloud) -> None:
    hidden = str(ITEM).replace(SUBSCRIPTION, ELSEWHERE)
    cloud.links = [link_body(hidden)]
    cloud.faults[hidden] = answer(404, "SubscriptionNotFound")

    assert [finding.code for finding in await found(cloud)] == ["ProtectedElsewhere"]


@pytest.mark.parametrize(
    "target",
    [
        str(ITEM),
        str(VAULT_ID.child("replicationFabrics", "f")),
        "",
        "nowhere",
        f"{ITEM}/..",
        str(ResourceId.of(SUBSCRIPTION, "web", "Microsoft.Compute/virtualMachines", "web-2")),
    ],
)
async def test_a_link_that_leads_to_nothing_is_stale_and_the_fix_removes_it(cloud: Cloud, target: str) -> None:
    cloud.links = [link_body(target)]

    (finding,) = await found(cloud)

    assert (finding.code, finding.severity) == ("StaleLink", Severity.BLOCKER)
    assert finding.message == ("The resource link ASR-Protect-1 of web-1 was left by an earlier protection (150226).")
    assert finding.fix == (
        f"Remove it: az resource delete --ids {VM_ID}/providers/Microsoft.Resources/links/ASR-Protect-1"
    )


async def test_an_item_of_our_own_that_its_link_leads_to_is_there_although_the_list_does_not_hold_it_yet(
    cloud: Cloud,
) -> None:
    """No one is requested to remove the link of a protection that is alive."""
    ours = CONTAINER.child("replicationProtectedItems", "just-enabled")
    cloud.links = [link_body(str(ours))]
    cloud.add(ours, {"properties": {}})

    assert await found(cloud) == ()


async def test_links_are_never_older_than_a_poll(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is enabled in a vault that is not ours is not protected twice because it was not so an hour ago."""
    now = 1000.0
    monkeypatch.setattr("shared.arm.ttl_cache.monotonic", lambda: now)
    azure = FakeAzure(settings(), cloud)
    assert (await plan_for(azure, source_vm())).blockers == ()
    cloud.links = [link_body(str(ITEM))]
    cloud.add(ITEM, {"properties": {}})

    now += 31
    assert [finding.code for finding in (await plan_for(azure, source_vm())).blockers] == ["ProtectedElsewhere"]


async def test_each_link_is_reported(cloud: Cloud) -> None:
    cloud.links = [link_body(str(ITEM), name="ASR-Protect-1"), link_body("x", name="ASR-Protect-2")]
    cloud.add(ITEM, {"properties": {}})

    assert [finding.code for finding in await found(cloud)] == ["ProtectedElsewhere", "StaleLink"]


async def test_while_a_vm_of_this_name_is_being_enabled_its_link_is_new(cloud: Cloud) -> None:
    cloud.links = [link_body(str(ITEM))]
    cloud.vault["replication_jobs"].append(job_body("InProgress"))

    assert await found(cloud) == ()


async def test_an_item_that_cannot_be_read_for_now_is_neither_there_nor_missing(cloud: Cloud) -> None:
    cloud.links = [link_body(str(ITEM))]
    cloud.faults[str(ITEM)] = answer(500, "InternalServerError")

    with pytest.raises(HttpResponseError):
        await found(cloud)


async def test_a_plan_with_a_link_in_its_way_holds_nothing_to_be_done(cloud: Cloud) -> None:
    cloud.links = [link_body(str(ITEM))]

    plan = await plan_for(FakeAzure(settings(), cloud), source_vm())

    assert [finding.code for finding in plan.blockers] == ["StaleLink"]
    assert (plan.replication, plan.resources) == (None, ())
    assert plan.settings

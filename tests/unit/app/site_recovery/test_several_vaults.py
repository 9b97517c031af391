"""Several vaults: an item is found in whichever holds it, and a VM gets the vault that its region or profile names."""

import json

import azure.functions as func
import pytest

from activities.enable_protection import enable_protection
from activities.monitor_job import monitor_job
from shared.config.profiles import Profile
from shared.config.settings import Settings
from shared.model.activity_io import EnableRequest, JobRequest
from shared.model.decision import Action, State
from shared.model.findings import Severity
from shared.model.resource_id import VAULT, ResourceId
from shared.model.step_result import Error, Pending, Ready
from shared.observe.inventory import compliance_report
from shared.observe.vm import observe, plan_for
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import ELSEWHERE, SOURCE, TARGET, VAULT_ID, VM_ID, settings, source_vm
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body, sku_body
from tests.unit.app.fake_durable import FakeDurableClient
from triggers.plan import post_plan
from triggers.problems import Problem
from triggers.protection import put_protection

MISSPELT = ResourceId.of(ELSEWHERE, "dr-2", VAULT, "secnod")
SECOND = ResourceId.of(ELSEWHERE, "dr-2", VAULT, "second")
GOLD = {"default": Profile(), "gold": Profile(vault=VAULT_ID)}


def app(**changes: object) -> Settings:
    region_map = {SOURCE: {"vault": str(SECOND), "target_location": "centralus"}}
    return settings(vault_ids=f"{VAULT_ID},{SECOND}", region_map=region_map, profiles=GOLD, **changes)


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vault(SECOND, location="Central US")
    cloud.add_vm(tags={"dr": "true"})
    return cloud


def put_item(cloud: Cloud, vault: ResourceId, **details: str) -> None:
    """The VM's item, in that vault."""
    body = json.loads(json.dumps(item_body("Protected", **details)).replace(str(VAULT_ID), str(vault)))
    cloud.vaults[vault]["replication_protected_items"].append(body)


@pytest.mark.parametrize("vault", [VAULT_ID, SECOND])
async def test_an_item_is_found_in_whichever_vault_holds_it(cloud: Cloud, vault: ResourceId) -> None:
    put_item(cloud, vault)

    found = await observe(FakeAzure(app(), cloud), VM_ID)

    assert found.item
    assert found.item.vault == vault


async def test_a_copy_that_a_failover_of_any_vault_made_is_never_protected(cloud: Cloud) -> None:
    put_item(cloud, SECOND, fabricObjectId=f"{VM_ID}-original", recoveryFabricObjectId=str(VM_ID))

    found = await observe(FakeAzure(app(), cloud), VM_ID)

    assert (found.decision.state, [finding.code for finding in found.decision.findings]) == (
        State.FAILOVER_VM,
        ["FailoverVm"],
    )


@pytest.mark.parametrize(("profile", "vault"), [("default", SECOND), ("gold", VAULT_ID)])
async def test_a_vm_gets_the_vault_of_its_profile_else_that_of_its_region(
    cloud: Cloud, profile: str, vault: ResourceId
) -> None:
    scope = f"/subscriptions/{VM_ID.subscription},/subscriptions/{ELSEWHERE}"
    vm = source_vm(tags={"dr": "true", "dr-profile": profile})
    cloud.skus = [{**cloud.skus[0], "locations": ["centralus"]}]

    plan = await plan_for(FakeAzure(app(target_scope=scope), cloud), vm)

    assert plan.blockers == ()
    assert plan.replication
    assert (plan.replication.vault, plan.replication.target_location) == (vault, "centralus")
    warned = "TargetNotVaultRegion" in {finding.code for finding in plan.findings}
    assert warned is (vault == VAULT_ID)  # that one is in another region than the map's
    assert cloud.resources[VAULT_ID.key]["location"].replace(" ", "").lower() == TARGET


async def test_a_job_is_followed_in_the_vault_that_holds_it(cloud: Cloud) -> None:
    cloud.vaults[SECOND]["replication_jobs"].append(job_body("InProgress"))
    azure = FakeAzure(app(), cloud)

    there = await monitor_job(azure, JobRequest(vm_id=VM_ID, job="job-1", vault=SECOND))
    elsewhere = await monitor_job(azure, JobRequest(vm_id=VM_ID, job="job-1"))

    assert isinstance(there, Pending)
    assert elsewhere == Ready()


@pytest.mark.parametrize(
    ("state", "step"), [("InProgress", "Changing protection: Update the item"), ("Succeeded", ""), ("Failed", "")]
)
async def test_the_job_of_a_change_is_followed_to_its_end_alone(cloud: Cloud, state: str, step: str) -> None:
    """The item is Protected all the while: how the job ended is all there is to know."""
    error = {"serviceErrorDetails": {"code": "150097", "message": "No such size."}}
    body = job_body(state, scenario="UpdateDr", friendlyName="Update the item", errors=[error])
    cloud.vault["replication_jobs"].append(body)

    outcome = await monitor_job(FakeAzure(app(), cloud), JobRequest(vm_id=VM_ID, job="job-1", vault=VAULT_ID))

    if state == "InProgress":
        assert outcome == Pending(retry_after=60, step=step, tick=30)
    elif state == "Succeeded":
        assert outcome == Ready()
    else:
        assert isinstance(outcome, Ready)
        assert Error.load(outcome.value["error"]) == Error(code="150097", message="No such size.")


async def test_a_job_of_any_vault_that_is_enabling_the_vm_is_waited_for(cloud: Cloud) -> None:
    """The portal enables it in another of our vaults: its item is hidden while the job runs."""
    cloud.skus.append(sku_body(location="centralus"))
    azure = FakeAzure(app(), cloud)
    plan = await plan_for(azure, source_vm())
    assert plan.replication
    assert plan.replication.vault == SECOND
    vault_of(azure, VAULT_ID).jobs.forget()
    cloud.vault["replication_jobs"].append(job_body("InProgress", "portal-s-job"))

    outcome = await enable_protection(azure, EnableRequest(vm_id=VM_ID, replication=plan.replication))

    assert isinstance(outcome, Pending)
    assert "is being enabled" in outcome.step
    assert cloud.writes == []


def misspelt(vault: ResourceId, **changes: object) -> Settings:
    """The region of the VM is served by `vault`; another one of DR_VAULT_IDS does not exist."""
    return settings(
        vault_ids=f"{VAULT_ID},{MISSPELT}",
        region_map={SOURCE: {"vault": str(vault), "target_location": TARGET}},
        **changes,
    )


async def test_a_vault_that_does_not_exist_is_named_and_blocks_the_vms_that_it_would_serve(cloud: Cloud) -> None:
    azure = FakeAzure(misspelt(MISSPELT), cloud)

    found = await plan_for(azure, source_vm())
    (status,) = (await compliance_report(azure)).vm_statuses

    (finding,) = [each for each in found.findings if each.severity is Severity.BLOCKER]
    assert (finding.code, str(MISSPELT) in finding.message, "DR_VAULT_IDS" in finding.fix) == (
        "VaultNotFound",
        True,
        True,
    )
    assert (status.state, status.action, finding in status.findings) == (State.NOT_ELIGIBLE, Action.NONE, True)


@pytest.mark.parametrize("is_protected", [False, True])
async def test_the_vms_of_other_vaults_go_on(cloud: Cloud, is_protected: bool) -> None:
    if is_protected:
        put_item(cloud, VAULT_ID, recoveryAzureResourceGroupId=str(VM_ID.group_id))
    azure = FakeAzure(misspelt(VAULT_ID), cloud)

    observed = await observe(azure, VM_ID)
    plan = await plan_for(azure, source_vm(), observed.item)
    report = await compliance_report(azure)

    state = State.PROTECTED if is_protected else State.UNPROTECTED
    assert (observed.decision.state, report.vm_statuses[0].state) == (state, state)
    assert (plan.blockers, bool(plan.replication)) == ((), True)
    assert report.gaps == (f"The vault {MISSPELT}, which DR_VAULT_IDS names, does not exist.",)
    assert report.only_rows  # what is disabled and enabled elsewhere is known


@pytest.mark.parametrize("code", ["SubscriptionNotFound", "NotFound", ""])
async def test_a_vault_is_not_absent_because_something_answers_404(cloud: Cloud, code: str) -> None:
    cloud.faults[str(SECOND).lower()] = cloud.faults[str(SECOND)] = answer(404, code)

    report = await compliance_report(FakeAzure(app(), cloud))

    assert not report.only_rows
    assert "VaultNotFound" not in {finding.code for each in report.vm_statuses for finding in each.findings}


async def test_a_vault_that_may_not_be_read_is_named_and_may_protect_any_vm_that_no_other_does(cloud: Cloud) -> None:
    put_item(cloud, VAULT_ID)
    other = ResourceId(f"{VM_ID}-2")
    cloud.add_vm(tags={"dr": "true"}, vm=other)
    cloud.faults[f"replicationProtectedItems of {SECOND}"] = answer(403, "AuthorizationFailed", "No right to read.")
    azure = FakeAzure(app(), cloud)

    here, unknown = await observe(azure, VM_ID), await observe(azure, other)
    report = await compliance_report(azure)

    assert (here.decision.state, unknown.decision.state) == (State.PROTECTED, State.UNKNOWN)
    (finding,) = unknown.decision.findings
    why = f"The vault {SECOND} could not be read: AuthorizationFailed: No right to read."
    assert (finding.code, why in finding.message) == ("ProtectionNotRead", True)
    assert [each.state for each in report.vm_statuses] == [State.PROTECTED, State.UNKNOWN]
    assert report.gaps == (why,)


async def test_put_is_refused_and_a_plan_answers_where_the_vault_does_not_exist(cloud: Cloud) -> None:
    azure = FakeAzure(misspelt(MISSPELT), cloud)

    def request(method: str) -> func.HttpRequest:
        route = {"subscription": VM_ID.subscription, "group": VM_ID.resource_group, "name": VM_ID.name}
        return func.HttpRequest(method, f"https://app.example/api{VM_ID}/protection", route_params=route, body=b"")

    plan = json.loads((await post_plan(azure, request("POST"))).get_body())
    with pytest.raises(Problem) as refused:
        await put_protection(azure, FakeDurableClient(), request("PUT"))

    assert (plan["blocked"], [each["code"] for each in plan["findings"]]) == (True, ["VaultNotFound"])
    assert (refused.value.status, refused.value.document["code"]) == (422, "NotEligible")
    assert str(MISSPELT) in refused.value.document["detail"]
    assert cloud.writes == []

"""A vault ID that leads nowhere, and a vault that may not be read: both are named, and the other vault goes on."""

import pytest

from shared.model.decision import State
from shared.model.findings import Severity
from shared.model.resource_id import ResourceId
from shared.observe.inventory import compliance_report
from shared.observe.vm import observe, plan_for
from tests.integration.app.conftest import Reach
from tests.integration.simulator.azure import VAULT_ID, estate, machine, protected, ready_vault, vm_id

MISSING = VAULT_ID.replace("vault-dr", "vault-rd")


@pytest.mark.parametrize("served_by", [VAULT_ID, MISSING])
async def test_a_missing_vault_holds_up_its_own_vms_alone(reach: Reach, served_by: str) -> None:
    existing = estate(machine("old"), machine("new"), siteRecovery=ready_vault([protected("old")]))
    region_map = {"eastus": {"vault": served_by, "target_location": "westus2"}}
    async with reach(existing, vault_ids=f"{VAULT_ID},{MISSING}", region_map=region_map) as reached:
        report = await compliance_report(reached.azure)
        seen = await observe(reached.azure, ResourceId(vm_id("new")))
        assert seen.vm
        plan = await plan_for(reached.azure, seen.vm, thorough=True)

    states = {each.vm_id.name: each.state for each in report.vm_statuses}
    blockers = [finding.code for finding in plan.findings if finding.severity is Severity.BLOCKER]
    assert report.gaps == (f"The vault {MISSING}, which DR_VAULT_IDS names, does not exist.",)
    assert seen.decision.state is State.UNPROTECTED
    if served_by == MISSING:
        assert (states, blockers) == ({"old": State.PROTECTED, "new": State.NOT_ELIGIBLE}, ["VaultNotFound"])
    else:
        assert (states, blockers) == ({"old": State.PROTECTED, "new": State.UNPROTECTED}, [])
        assert plan.replication


async def test_a_vault_that_may_not_be_read_is_named_and_its_items_are_not_taken_for_absent(reach: Reach) -> None:
    other = VAULT_ID.replace("vault-dr", "vault-two")
    vaults = [{"id": each, "location": "westus2"} for each in (VAULT_ID, other)]
    existing = estate(machine("old"), machine("new"), siteRecovery=ready_vault([protected("old")]), vaults=vaults)
    region_map = {"eastus": {"vault": VAULT_ID, "target_location": "westus2"}}
    async with reach(existing, vault_ids=f"{VAULT_ID},{other}", region_map=region_map) as reached:
        reached.fault(match={"path": "/vault-two"}, kind="status", status=403, code="AuthorizationFailed")
        report = await compliance_report(reached.azure)
        old, new = [await observe(reached.azure, ResourceId(vm_id(name))) for name in ("old", "new")]

    assert (old.decision.state, new.decision.state) == (State.PROTECTED, State.UNKNOWN)
    assert {each.vm_id.name: each.state for each in report.vm_statuses} == {
        "old": State.PROTECTED,
        "new": State.UNKNOWN,
    }
    assert any(gap.startswith(f"The vault {other} could not be read") for gap in report.gaps)
    assert f"The vault {other} could not be read" in new.decision.findings[0].message

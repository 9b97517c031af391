"""Edit the replication policy of an item after a confirmation, by one update call."""

import asyncio

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.client import Azure
from shared.arm.get_or_create import usually
from shared.config.intervals import TTL_SLOW
from shared.model.policy import Policy
from shared.model.replicated_item import JobStage, ProtectedItem
from shared.model.step_result import Error
from shared.planning.policy_update import PolicyEdit, edit_of
from shared.site_recovery.infrastructure import begin, policy_values
from shared.site_recovery.vault import Vault, vault_of

# Seconds that an edit took in recorded traffic, and how often the job is read before the call returns.
_TAKES = 2
_READS = 5


async def find_edit(
    azure: Azure, item: ProtectedItem, profile: str, wanted: Policy, *, refresh: bool = False
) -> PolicyEdit | None:
    """The edit that the policy of the item needs, or None if it matches or may not be edited: the record of this
    deployment proves that it created the policy. Reads only."""
    vault = vault_of(azure, item.vault)
    policies = await vault.policies.get(within=0 if refresh else azure.settings.poll_seconds * TTL_SLOW)
    record = next((each for each in policies if each.id == item.policy_id), None)
    if record is None:
        return None
    has = (record.policy.retention_minutes, record.policy.app_consistent_minutes)
    items = (await vault.items.get()).under_policy[record.id]
    known, names = azure.settings.profiles, azure.settings.names
    profiles = (each.policy_for(name, names) for name, each in known.items())
    found = edit_of(record.id, has, profile, wanted, items, profiles, names, known[profile].policy_name)
    if found is None:
        return None
    _, gap = await azure.origins.proof(record.id)
    return None if gap else found


async def edit(azure: Azure, item: ProtectedItem, profile: str, wanted: Policy) -> Error | None:
    """Edits the policy of the item if it may still be edited, and waits a few seconds for the job, so that the next
    observation shows the edit. Returns the error if the job failed. Raises HttpResponseError, WriteRefusedError."""
    vault = vault_of(azure, item.vault)
    azure.check_write(vault.id)
    found = await find_edit(azure, item, profile, wanted, refresh=True)
    if found is None:
        return None
    values = policy_values(wanted)
    body = models.UpdatePolicyInput(properties=models.UpdatePolicyInputProperties(replication_provider_settings=values))
    send = vault.client.replication_policies.begin_update
    name = await begin(send, vault.id.resource_group, vault.id.name, found.policy_id.name, body)
    try:
        return await _error_of(vault, name)
    finally:
        vault.policies.forget()


async def _error_of(vault: Vault, name: str) -> Error | None:
    for _ in range(_READS if name else 0):
        await asyncio.sleep(usually(_TAKES, vault.azure.settings.poll_seconds))
        vault.jobs.forget()
        job = await vault.job(name)
        if job and job.stage is not JobStage.RUNNING:
            return await vault.job_error(name) if job.stage is JobStage.FAILED else None
    return None

"""Writes the page of what to do by hand, beside the archive."""

from azure.core.exceptions import AzureError

from shared.arm.client import Azure
from shared.arm.errors import ThrottledError
from shared.config.intervals import TTL_SLOW
from shared.reconcile.inventory import ComplianceReport
from shared.reporting.by_hand import PAGE, by_hand
from shared.site_recovery.vault import VaultNotFoundError, vaults_of


async def write_page(azure: Azure, found: ComplianceReport) -> None:
    """Overwrites the page, unless the estate was not read in full: an older page that has all VMs is worth more than a
    new one without those that could not be read. It uses the lists that the sweep has read. Raises ArchiveError."""
    if not azure.archive or found.gaps:
        return
    within = azure.settings.poll_seconds * TTL_SLOW
    try:
        items = [item for vault in vaults_of(azure) for item in await vault.items.get(within)]
    except (AzureError, ThrottledError, VaultNotFoundError):
        return
    await azure.archive.overwrite(PAGE, by_hand(items, found.read_at, azure.settings.arm_endpoint))

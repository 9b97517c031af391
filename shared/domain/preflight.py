"""Whether a VM can be protected at all, in plain words. Pure: what was read in, findings out.

A blocker ends the VM's run as `NotEligible`; it is looked at again when something about it changes.
"""

from collections.abc import Iterator

from shared.domain.findings import Finding, blocker
from shared.domain.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.domain.settings import Create, Settings
from shared.domain.target import CacheAccount, InVault, ResourceGroup, TargetResource
from shared.domain.vm import SourceVm, Surroundings


def without_reading(vm: ResourceId, settings: Settings) -> list[Finding]:
    """What can be said of a VM by its ID alone."""
    if vm.is_type(CLASSIC_VIRTUAL_MACHINE):
        return [
            blocker(
                "ClassicVm",
                f"{vm.name} is a classic VM: Azure has retired those, and Site Recovery does not protect them.",
                "Migrate it to Azure Resource Manager (https://aka.ms/classicvmretirement), then tag the new VM.",
            )
        ]
    if vm not in settings.source:
        return [
            blocker(
                "OutOfScope",
                f"{vm} lies outside DR_SOURCE_SCOPE ({settings.source}).",
                "Add its subscription or resource group to DR_SOURCE_SCOPE if this app is to look after it.",
            )
        ]
    return []


def of_vm(vm: SourceVm) -> Iterator[Finding]:
    """What can be said of a VM that was read."""
    if vm.scale_set_id:
        yield blocker(
            "ScaleSetInstance",
            f"{vm.id.name} is an instance of the scale set {vm.scale_set_id.name}, which makes and removes its VMs.",
            "Protect stand-alone VMs; a scale set is made anew from its model in the other region.",
        )
    if vm.provisioning_state.lower() != "succeeded":
        yield blocker(
            "VmNotReady",
            f"The provisioning state of {vm.id.name} is {vm.provisioning_state}; it must be Succeeded (150019).",
            "Mend or redeploy the VM; it is looked at again when it is written.",
        )
    if vm.power_state != "running":
        yield blocker(
            "VmNotRunning",
            f"{vm.id.name} is {vm.power_state}; Site Recovery installs its agent in a running VM only.",
            "Start the VM: it is looked at again when it starts.",
        )
    for disk in vm.disks:
        if disk.obstacle:
            yield blocker(
                "UnsupportedDisk",
                f"The disk {disk.id.name} of {vm.id.name} is {disk.obstacle}, which this app does not replicate.",
                "Move its data to a disk of another kind, or protect the VM by hand.",
            )
    if vm.unmanaged_disks:
        yield blocker(
            "UnmanagedDisks",
            f"{vm.id.name} has {vm.unmanaged_disks} unmanaged disk(s), which Azure retired on 2025-09-30.",
            "Convert the disks to managed disks.",
        )


def of_tags(vm: SourceVm, settings: Settings) -> Iterator[Finding]:
    """What the VM's own tags ask for that is not to be had. Never passed over: the owner means something by it."""
    asked = settings.tag(vm.tags, "profile")
    if asked is not None and asked.lower() not in settings.profiles:
        known = ", ".join(settings.profiles)
        yield blocker(
            "OverrideInvalid",
            f"The tag {settings.tag_name}-profile of {vm.id.name} is {asked[:80]!r}; allowed: {known}.",
            "Name one of these profiles, or define the profile in DR_PROFILES.",
        )


def of_surroundings(vm: SourceVm, around: Surroundings, settings: Settings) -> Iterator[Finding]:
    """What can be said of a VM by where it lives and what the service's own check found."""
    if around.group_managed_by:
        yield blocker(
            "ManagedResourceGroup",
            f"The resource group {vm.id.resource_group} is managed by {around.group_managed_by}, which owns its VMs.",
            "Protect what runs there by the means of that service.",
        )
    if around.vault_location == vm.location:
        yield blocker(
            "VaultInSourceRegion",
            f"The vault {settings.vault.name} is in {vm.location}, the region of the VM: it would be lost with it.",
            "Set DR_VAULT_IDS to a vault in another region.",
        )
    for error in around.eligibility_errors:
        yield blocker(
            "NotEligibleForReplication", f"Site Recovery's own check says {error.code}: {error.message}", error.action
        )


def not_to_be_made(resource: TargetResource, settings: Settings) -> Finding | None:
    """Why a resource that is missing may not be made, if so. What lies in the vault always may be."""
    if settings.create is Create.ALL or isinstance(resource, InVault):
        return None
    of_cache = isinstance(resource, CacheAccount) or (isinstance(resource, ResourceGroup) and resource.for_cache)
    if settings.create is Create.CACHE and of_cache:
        return None
    return blocker(
        "NotToBeMade",
        f"The {resource.kind} {resource.name} does not exist, and DR_CREATE={settings.create} forbids to make it.",
        "Make it beforehand, or let the app make it with DR_CREATE=all.",
    )


def on_hold(vm: SourceVm, settings: Settings) -> Finding:
    return blocker(
        "OnHold",
        f"{vm.id.name} carries the tag {settings.tag_name}-hold: it is left as it is.",
        f"Remove the tag {settings.tag_name}-hold when the app may go on.",
    )


def copy_of(vm: ResourceId, original: ResourceId) -> Finding:
    return blocker(
        "DrCopy",
        f"{vm.name} is a copy that a failover or test failover made of {original}; it carries the same tags.",
        "Nothing to do: the original stays under protection. A committed failover is reprotected by an operator.",
    )

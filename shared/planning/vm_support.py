"""Preflight checks of the VM itself, most by a rule of `shared/config/support_rules.py`: its state, kind and agent."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from shared.model.findings import Finding
from shared.model.vm import SourceVm
from shared.planning.catalog import finding_of
from shared.planning.support_findings import TOO_OLD

MOST_DISKS = 65
_TRUSTED_LINUX_SINCE = datetime(2024, 4, 1, tzinfo=UTC)
# Documented: a `p` among the letters behind the cores of a size is for an ARM64 processor, as in Standard_D2ps_v5.
_ARM_SIZE = re.compile(r"[a-z]+_[a-z]+\d+(-\d+)?[a-z]*p[a-z]*(_.*)?", re.IGNORECASE)


def of_vm(vm: SourceVm) -> Iterator[Finding]:
    """The checks that need only the VM."""
    if vm.provisioning_state.lower() != "succeeded":
        yield finding_of(
            "VmNotReady",
            f"The provisioning state of {vm.id.name} is {vm.provisioning_state}; it must be Succeeded (150019).",
        )
    if vm.power_state != "running":
        yield finding_of(
            "VmNotRunning",
            f"{vm.id.name} is {vm.power_state}; Site Recovery installs its agent in a running VM only.",
        )
    if len(vm.disks) > MOST_DISKS:
        yield finding_of(
            "TooManyDisks",
            f"{vm.id.name} has {len(vm.disks)} disks; Site Recovery replicates at most {MOST_DISKS}.",
        )
    if vm.unmanaged_disks:
        yield finding_of(
            "UnmanagedDisks",
            f"{vm.id.name} has {vm.unmanaged_disks} unmanaged disk(s), which Azure retired on 2025-09-30.",
        )
    yield from _of_hardware(vm)
    yield from _of_agent(vm)
    yield from _of_security(vm)


def _of_hardware(vm: SourceVm) -> Iterator[Finding]:
    name = vm.id.name
    if vm.disk_controller.lower() == "nvme":
        yield finding_of(
            "NvmeDiskController", f"{name} reaches its disks by NVMe, which Site Recovery does not support."
        )
    if is_arm(vm.size):
        yield finding_of(
            "ArmArchitecture",
            f"The size {vm.size} of {name} has an ARM64 processor, which Site Recovery does not support.",
        )
    if vm.dedicated_host:
        yield finding_of(
            "DedicatedHost",
            f"{name} is on the dedicated host (or host group) {vm.dedicated_host.name}, which Site Recovery does not "
            "support.",
        )
    if vm.edge_zone:
        yield finding_of(
            "EdgeZone",
            f"{name} is in the edge zone {vm.edge_zone}, whose VMs are replicated by a procedure of their own.",
        )


def is_arm(size: str) -> bool:
    """Whether a size has an ARM64 processor, by its name."""
    return _ARM_SIZE.fullmatch(size) is not None


def _of_agent(vm: SourceVm) -> Iterator[Finding]:
    if vm.extensions is None:
        yield finding_of(
            "VmAgentNotKnown",
            f"{vm.id.name} has no OS profile: Azure does not tell whether it has the VM agent, which installs that of "
            "Site Recovery.",
        )
    elif not vm.extensions:
        yield finding_of(
            "ExtensionsNotAllowed",
            f"{vm.id.name} takes no extensions (allowExtensionOperations or provisionVMAgent is false): the agent of "
            "Site Recovery is one.",
        )


def _of_security(vm: SourceVm) -> Iterator[Finding]:
    if vm.security_type.lower() == "confidentialvm":
        yield finding_of(
            "ConfidentialVm",
            f"{vm.id.name} is a confidential VM, which this app does not protect.",
        )
    if vm.security_type.lower() == "trustedlaunch" and vm.os.lower() == "linux":
        made = f": this one was made on {vm.created_at:%Y-%m-%d}" if vm.created_at else ""
        yield finding_of(
            "TrustedLaunchLinux",
            f"{vm.id.name} is a Linux VM with Trusted Launch: Site Recovery supports some distributions of VMs made "
            f"since April 2024, in preview{made}.",
            case=TOO_OLD if vm.created_at and vm.created_at < _TRUSTED_LINUX_SINCE else "",
        )
    if vm.disk_encryption:
        yield finding_of(
            "DiskEncryptionNeedsKeys",
            f"{vm.id.name} uses Azure Disk Encryption: its keys have to be copied to a key vault in the target region "
            "under an account that may read them, which this app is not.",
        )
    if vm.encryption_at_host:
        yield finding_of(
            "EncryptionAtHostNotKept",
            f"{vm.id.name} is encrypted at host; what a failover makes of it is not.",
        )

"""Creates the resources of the check, and removes all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.livecheck.arm import Arm, ArmError

SITE_RECOVERY = "2025-08-01"
_SUBSCRIPTIONS = "2022-12-01"
_RESOURCES, _NETWORK, _COMPUTE, _VAULT = "2025-04-01", "2026-03-01", "2026-04-01", "2026-07-01"
_NAMESPACES = ("Microsoft.Compute", "Microsoft.Network", "Microsoft.RecoveryServices", "Microsoft.Storage")
# Site Recovery supports it: its kernels are in the list of the mobility agent.
_IMAGE = {
    "publisher": "Canonical",
    "offer": "0001-com-ubuntu-server-jammy",
    "sku": "22_04-lts-gen2",
    "version": "latest",
}
_DISABLE = {
    "properties": {"disableProtectionReason": "NotSpecified", "replicationProviderInput": {"instanceType": "A2A"}}
}
# The objects in a vault, in the order in which Site Recovery can remove them, and how.
_PARTS: tuple[tuple[str, str, str, Any], ...] = (
    ("replicationProtectedItems", "POST", "/remove", _DISABLE),
    ("replicationNetworkMappings", "DELETE", "", None),
    ("replicationProtectionContainerMappings", "POST", "/remove", {}),
    ("replicationProtectionContainers", "POST", "/remove", None),
    ("replicationPolicies", "DELETE", "", None),
    ("replicationFabrics", "POST", "/remove", None),
)
_JOBS_END_WITHIN = 3600.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sandbox:
    """`name` is that of the VM and part of every other; `source` and `target` are regions."""

    subscription: str
    name: str
    source: str
    target: str
    size: str

    @property
    def _groups(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups"

    @property
    def group(self) -> str:
        return f"{self._groups}/{self.name}"

    @property
    def vault_group(self) -> str:
        return f"{self.group}-vault"

    @property
    def prepared(self) -> tuple[str, str]:
        """The groups that a deployment would have prepared: the target's, and that of the cache account."""
        return f"{self.group}-asr", f"{self._groups}/asr-cache-{self.source}"

    @property
    def groups(self) -> tuple[str, ...]:
        return self.group, *self.prepared, self.vault_group

    @property
    def vm(self) -> str:
        return f"{self.group}/providers/Microsoft.Compute/virtualMachines/{self.name}"

    @property
    def vault(self) -> str:
        return f"{self.vault_group}/providers/Microsoft.RecoveryServices/vaults/{self.name}"


async def check_place(arm: Arm, sandbox: Sandbox) -> None:
    """Reads only. Raises ArmError if the subscription is not ready, or holds what would be mistaken for the check's."""
    place = f"/subscriptions/{sandbox.subscription}"
    if (await arm.call("GET", place, _SUBSCRIPTIONS)).status == 404:
        raise ArmError(f"{place} is none that you may see")
    for namespace in _NAMESPACES:
        answer = await arm.call("GET", f"{place}/providers/{namespace}", _RESOURCES)
        if answer.status == 404 or answer.body["registrationState"] != "Registered":
            raise ArmError(f"{namespace} is not registered: az provider register --namespace {namespace} --wait")
    for group in [each async for each in existing(arm, sandbox)]:
        raise ArmError(f"{group} exists: choose another --source, so that the group holds nothing of others")


async def existing(arm: Arm, sandbox: Sandbox) -> AsyncIterator[str]:
    """The resource groups of the check that exist."""
    for group in sandbox.groups:
        if (await arm.call("HEAD", group, _RESOURCES)).status != 404:
            yield group


async def make(arm: Arm, sandbox: Sandbox, say: Say) -> None:
    """The vault, and a running VM with a way out to Site Recovery. Raises ArmError."""
    tags = {"made-by": "dr-live-check"}
    regions = (sandbox.source, sandbox.target, sandbox.source, sandbox.target)
    for group, region in zip(sandbox.groups, regions, strict=True):
        await arm.call("PUT", group, _RESOURCES, {"location": region, "tags": tags})
    say("Making the vault")
    vault = {"location": sandbox.target, "sku": {"name": "Standard"}, "properties": {"publicNetworkAccess": "Enabled"}}
    await arm.finish("PUT", sandbox.vault, _VAULT, vault)
    say("Making the VM")
    network = f"{sandbox.group}/providers/Microsoft.Network/virtualNetworks/{sandbox.name}"
    subnets = [{"name": "default", "properties": {"addressPrefix": "10.77.0.0/24"}}]
    space = {"addressSpace": {"addressPrefixes": ["10.77.0.0/16"]}, "subnets": subnets}
    await arm.finish("PUT", network, _NETWORK, {"location": sandbox.source, "properties": space})
    # New networks have no way out by default. No security group allows inbound traffic.
    address = f"{sandbox.group}/providers/Microsoft.Network/publicIPAddresses/{sandbox.name}"
    fixed = {"sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    await arm.finish("PUT", address, _NETWORK, {"location": sandbox.source, **fixed})
    interface = f"{sandbox.group}/providers/Microsoft.Network/networkInterfaces/{sandbox.name}"
    inside = {"subnet": {"id": f"{network}/subnets/default"}, "publicIPAddress": {"id": address}}
    configurations = {"ipConfigurations": [{"name": "ipconfig1", "properties": inside}]}
    await arm.finish("PUT", interface, _NETWORK, {"location": sandbox.source, "properties": configurations})
    await arm.finish("PUT", sandbox.vm, _COMPUTE, _virtual_machine(sandbox, interface))


def _virtual_machine(sandbox: Sandbox, interface: str) -> dict[str, Any]:
    public_key = rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    key = {"path": "/home/nobody1/.ssh/authorized_keys", "keyData": public_key.decode()}
    linux = {"disablePasswordAuthentication": True, "ssh": {"publicKeys": [key]}}
    disk = {"createOption": "FromImage", "managedDisk": {"storageAccountType": "StandardSSD_LRS"}}
    return {
        "location": sandbox.source,
        "properties": {
            "hardwareProfile": {"vmSize": sandbox.size},
            "storageProfile": {"imageReference": _IMAGE, "osDisk": disk},
            "osProfile": {"computerName": sandbox.name, "adminUsername": "nobody1", "linuxConfiguration": linux},
            "networkProfile": {"networkInterfaces": [{"id": interface, "properties": {"primary": True}}]},
        },
    }


async def remove(arm: Arm, sandbox: Sandbox, say: Say, poll_seconds: float) -> list[str]:
    """Removes everything that exists. Returns what is left, and why, as text.

    An error at one group does not keep the next from being removed.
    """
    failures = []
    try:
        await _empty_vault(arm, sandbox, say, poll_seconds)
    except Exception as error:
        failures.append(f"The vault could not be emptied: {error!r}")
    for group in sandbox.groups:
        say(f"Removing the resource group {group.rsplit('/', 1)[-1]}")
        try:
            await arm.finish("DELETE", group, _RESOURCES)
        except Exception as error:
            failures.append(str(error))
    try:
        left = [group async for group in existing(arm, sandbox)]
    except Exception as error:
        return [*sandbox.groups, f"whether they exist is unknown: {error}"]
    return [*left, *failures] if left else []


async def _empty_vault(arm: Arm, sandbox: Sandbox, say: Say, poll_seconds: float) -> None:
    """A vault with anything of Site Recovery in it stays, and a job under way cannot be taken back."""
    say("Waiting for jobs of Site Recovery to end, if there are any")
    async with asyncio.timeout(_JOBS_END_WITHIN):
        while await _has_jobs(arm, sandbox):  # noqa: ASYNC110 - it happens in Azure
            await asyncio.sleep(poll_seconds)
    for kind, method, action, body in _PARTS:
        for part in await arm.list(f"{sandbox.vault}/{kind}", SITE_RECOVERY):
            say(f"Removing {part['name']} of {kind}")
            await arm.finish(method, part["id"] + action, SITE_RECOVERY, body)


async def _has_jobs(arm: Arm, sandbox: Sandbox) -> bool:
    jobs = await arm.list(f"{sandbox.vault}/replicationJobs", SITE_RECOVERY)
    return any(job["properties"]["state"] in {"InProgress", "NotStarted"} for job in jobs)

"""What a drill of a VM would find: the facts for its preflight checks, read as they are now, and the test VM."""

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeVar

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import MalformedResponseError, proves_absence, text_of
from shared.arm.fields import Json, objects, part, reference, required, text
from shared.arm.listing import NotKnownError, read_one
from shared.config.intervals import LONGEST_BOOT, TTL_SLOW
from shared.model.cost import DrillCost
from shared.model.decision import Decision, State
from shared.model.drill import DrillNic, DrillOrder, DrillPoint, DrillVm
from shared.model.findings import Finding
from shared.model.resource_id import ResourceId
from shared.model.vm import Lock, Size, SourceVm
from shared.observe.drill_network import NetworkOfDrill, network_of_drill
from shared.observe.vm import observe
from shared.planning.catalog import finding_of
from shared.planning.costs import cost_of_drill, sum_of_drills
from shared.planning.drill_checks import DrillFacts, DrillItem, findings_of, of_group, over_quota
from shared.planning.overrides import DRILL, overrides_of
from shared.readers.locks import read_locks
from shared.readers.networks import read_nic
from shared.readers.resource_groups import read_group
from shared.readers.skus import read_offer
from shared.readers.target_vms import existing
from shared.readers.virtual_machines import VMS
from shared.site_recovery.drills import UnknownPointError, find_point, read_drill_item
from shared.site_recovery.vault import vault_of

T = TypeVar("T")

_SIGNATURE = re.compile(r"\?\S+")
_NOT_READ = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
"""What no retry helps against: the drill is refused. All other errors pass."""


@dataclass(frozen=True)
class Preflight:
    """`findings` are why the drill is refused; without any, `seen` is the item that is drilled, at `point`, in
    `network` once it is as it has to be. `cost` is that of a test VM which takes as long to come up as is waited
    for. Of a VM in a consistency group, `others` are the other VMs of the group: their findings are among these, too,
    and `cost` is that of all."""

    vm_id: ResourceId
    findings: tuple[Finding, ...]
    facts: DrillFacts | None = None
    point: DrillPoint | None = None
    network: NetworkOfDrill | None = None
    cost: DrillCost | None = None
    others: tuple["Preflight", ...] = ()

    @property
    def seen(self) -> DrillItem | None:
        return self.facts.item if self.facts else None

    @property
    def size(self) -> Size | None:
        return self.facts.size if self.facts else None

    @property
    def in_group(self) -> bool:
        return bool(self.seen and self.seen.item.settings.consistency_group)

    @property
    def cores(self) -> int:
        """Of all test VMs."""
        return sum(each.size.cores for each in (self, *self.others) if each.size)

    @property
    def lead(self) -> ResourceId:
        """The VM whose run the drill is: the first of its group."""
        return min(each.vm_id for each in (self, *self.others))


async def preflight(azure: Azure, vm: ResourceId, order: DrillOrder) -> Preflight:
    """The facts and the checks of the VM, and of all others in its consistency group. Raises HttpResponseError for what
    a retry may read, NotKnownError."""
    found = await _preflight(azure, vm, order)
    group = found.seen.item.settings.consistency_group if found.seen else ""
    others: tuple[Preflight, ...] = ()
    findings: list[Finding] = []
    if found.seen and group:
        unread: dict[str, str] = {}
        members = await _known(_members(azure, found.seen.item.vault, group), f"The group {group}", unread)
        findings += (finding_of("DrillNotKnown", f"{what} could not be read: {why}") for what, why in unread.items())
        rest = sorted(set(members or ()) - {found.vm_id})
        others = tuple(await asyncio.gather(*(_preflight(azure, each, order, group) for each in rest)))
        networks = {each.network.id for each in (found, *others) if each.network}
        findings += of_group([each.seen for each in (found, *others) if each.seen], order.recovery_point, networks)
    every = (found, *others)
    findings += over_quota(each.facts for each in every if each.facts)
    all_findings = dict.fromkeys((*(each for one in every for each in one.findings), *findings))
    costs = [each.cost for each in every if each.cost]
    cost = sum_of_drills(costs, azure.settings.prices) if costs else None
    return replace(found, findings=tuple(all_findings), others=others, cost=cost)


async def _members(azure: Azure, vault_id: ResourceId, group: str) -> tuple[ResourceId, ...]:
    """The VMs of a consistency group. Raises NotKnownError if an item that could not be read may be one of them."""
    items = await vault_of(azure, vault_id).items.get()
    items.listing.check_complete()
    return tuple(member.id for member in items.in_group(group))


async def _left_out(azure: Azure, vm: SourceVm, group: str) -> tuple[Finding, ...]:
    """Whether a tag leaves a VM of a group out of drills: who asks for one VM of it has not asked for this one."""
    found = await read_group(azure, vm.id.group_id)
    if not overrides_of(vm, found.tags if found else {}, azure.settings).left_out:
        return ()
    tag = f"{azure.settings.tag_name}-{DRILL}"
    text = f"The tag {tag} leaves {vm.id.name} out of drills, and so its whole consistency group {group}."
    return (finding_of("DrillNotReady", text),)


async def _preflight(azure: Azure, vm: ResourceId, order: DrillOrder, drilled_with: str = "") -> Preflight:
    """`drilled_with` is the consistency group for which this VM is drilled, too."""
    observation = await observe(azure, vm, thorough=True)
    vm = observation.vm.id if observation.vm else vm
    item = observation.item
    if item is None or observation.decision.state is not State.PROTECTED or observation.decision.held:
        return Preflight(vm, (_not_protected(vm, observation.decision, drilled_with),))
    seen = await read_drill_item(azure, item.id)
    if seen is None:
        return Preflight(vm, (finding_of("DrillNotReady", f"The replicated item of {vm.name} is gone."),))
    group = seen.item.settings.consistency_group
    left_out = await _left_out(azure, observation.vm, group) if observation.vm and group else ()
    unread: dict[str, str] = {}
    made = [each for each in (seen.test_vm, *(seen.test_disks or ())) if each]
    named = order.network if isinstance(order.network, ResourceId) else None
    network, size, locks, there = await asyncio.gather(
        _known(network_of_drill(azure, order.network, seen.item), f"The network {named or 'for drills'}", unread),
        _known(_size(azure, seen), "The size of the test VM and its quota", unread),
        _known(_locks(azure, made), "The locks on the target group", unread),
        _known(existing(azure, made, azure.settings.poll_seconds), "What is in the target group", unread),
    )
    unknown: tuple[Finding, ...] = ()
    point = None
    try:
        point = await _known(find_point(azure, seen.item, order.recovery_point), "The recovery points", unread)
    except UnknownPointError as fault:
        unknown = (finding_of("DrillPointUnknown", str(fault)),)
    network_id = network.id if network else named
    facts = DrillFacts(
        network_id=network_id,
        item=seen,
        in_scope=network_id is not None and network_id in azure.settings.target,
        network=network.seen if network else None,
        size=size,
        locks=locks or (),
        there=there or frozenset(),
        unread=unread,
    )
    of_network = network.findings if network else ()
    cost = _cost(azure, observation.vm, seen, size, order) if observation.vm and size else None
    return Preflight(vm, (*findings_of(facts), *of_network, *unknown, *left_out), facts, point, network, cost)


def _cost(azure: Azure, vm: SourceVm, seen: DrillItem, size: Size, order: DrillOrder) -> DrillCost:
    sizes = {disk.id: disk.size_gb for disk in vm.disks}
    disks = [(disk.target_sku, sizes.get(disk.id)) for disk in seen.item.disks]
    seconds = order.keep_minutes * 60 + LONGEST_BOOT * azure.settings.poll_seconds
    return cost_of_drill(disks, size.cores, seconds / 3600, azure.settings.prices)


def _not_protected(vm: ResourceId, decision: Decision, drilled_with: str) -> Finding:
    why = "; ".join(finding.message for finding in decision.findings)
    if decision.state is State.DRILLING:
        why = "GET .../drill shows its drill, DELETE cleans it up now."
    held = ", on hold" if decision.held else ""
    group = f" It is in the consistency group {drilled_with}, which is drilled as a whole." if drilled_with else ""
    text = f"The state of {vm.name} is {decision.state}{held}.{group} {why}"
    return finding_of("DrillNotReady", text.strip())


async def _known(read: Awaitable[T], what: str, unread: dict[str, str]) -> T | None:
    """What was read; None, and why in `unread`, if no retry would read it."""
    try:
        return await read
    except HttpResponseError as answer:
        if answer.status_code not in _NOT_READ:
            raise
        unread[what] = text_of(answer)
    except (MalformedResponseError, NotKnownError) as fault:
        unread[what] = str(fault)
    return None


async def _size(azure: Azure, seen: DrillItem) -> Size | None:
    settings, within = seen.item.settings, azure.settings.poll_seconds * TTL_SLOW
    if not (seen.test_vm and settings.size and settings.target_location):
        return None
    subscription, wanted = seen.test_vm.subscription, {settings.size.lower()}
    offer = await read_offer(azure, subscription, settings.target_location, wanted, within)
    return next(iter(offer.sizes), None)


async def _locks(azure: Azure, made: list[ResourceId]) -> tuple[Lock, ...]:
    subscriptions = sorted({each.subscription for each in made})
    lists = [await read_locks(azure, each, azure.settings.poll_seconds) for each in subscriptions]
    return tuple(lock for locks in lists for lock in locks)


async def look_at(azure: Azure, vm: ResourceId, *, last: bool = False) -> DrillVm | None:
    """The test VM as it is now, with its interfaces if it is ready, or this is the `last` look; None if it does not
    exist. Looks at the same time share a list, where the app may read the whole subscription. Raises HttpResponseError,
    MalformedResponseError."""
    try:
        seen = await azure.load(VMS, vm, lambda found: read_one(found, f"the VM {vm}", _vm))
    except HttpResponseError as answer:
        if proves_absence(answer):
            return None
        raise
    nics = await asyncio.gather(*(_nic(azure, nic.id) for nic in seen.nics if seen.is_ready or last))
    return seen.with_(nics=tuple(nics))


def _vm(found: Json) -> DrillVm:
    properties = part(found, "properties")
    view, storage = part(properties, "instanceView"), part(properties, "storageProfile")
    agent = part(view, "vmAgent")
    disks = [reference(part(disk, "managedDisk").get("id")) for disk in _disks(storage)]
    diagnostics = part(part(properties, "diagnosticsProfile"), "bootDiagnostics")
    return DrillVm(
        id=required(found.get("id")),
        power_state=_status(view, "PowerState/"),
        provisioning_state=text(properties.get("provisioningState")),
        size=text(part(properties, "hardwareProfile").get("vmSize")),
        agent=next((text(each.get("displayStatus")) for each in objects(agent, "statuses")), ""),
        agent_version=text(agent.get("vmAgentVersion")),
        disks=tuple(disk for disk in disks if disk),
        nics=tuple(
            DrillNic(id=required(nic.get("id")))
            for nic in objects(part(properties, "networkProfile"), "networkInterfaces")
        ),
        boot_diagnostics=_boot(view) if diagnostics.get("enabled") is True else "",
    )


def _disks(storage: Json) -> list[Json]:
    return [part(storage, "osDisk"), *objects(storage, "dataDisks")]


def _status(view: Json, prefix: str) -> str:
    codes = (text(each.get("code")) for each in objects(view, "statuses"))
    return next((code.removeprefix(prefix) for code in codes if code.startswith(prefix)), "")


def _boot(view: Json) -> str:
    """What is shown of boot diagnostics that are on. A message may name a blob with its signature, which is cut off."""
    if "bootDiagnostics" not in view:
        return "not known"
    status = part(part(view, "bootDiagnostics"), "status")
    error = text(status.get("message")) or text(status.get("displayStatus")) or text(status.get("code"))
    return f"in error: {_SIGNATURE.sub('', error)}" if error else "on"


async def _nic(azure: Azure, nic: ResourceId) -> DrillNic:
    seen = await read_nic(azure, nic)
    return DrillNic(id=nic, subnet=seen.subnet if seen else None, address=seen.address if seen else "")

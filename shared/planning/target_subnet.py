"""The target subnet of an interface: the one that an override names, that of the same name, or the first that fits."""

from collections.abc import Collection
from typing import NamedTuple

from shared.model.plan import ITEM_ORIGIN
from shared.model.replicated_item import ItemNic
from shared.model.resource_id import ResourceId
from shared.model.vm import Network, SourceNic
from shared.planning.builder import OF_ITEM, PlanBuilder
from shared.planning.catalog import finding_of

RESERVED = frozenset(
    {
        "gatewaysubnet",
        "azurebastionsubnet",
        "azurefirewallsubnet",
        "azurefirewallmanagementsubnet",
        "routeserversubnet",
    }
)
"""The lower-cased names of subnets that Azure keeps for one service: no VM can be in them."""


def target_subnet(d: PlanBuilder, nic: SourceNic, requested: str, there: Network) -> str:
    """The subnet; the source's name, with a finding, if none can be chosen. Reserved and delegated subnets are never
    chosen, and a reserved one cannot be requested either."""
    if requested:
        return _requested(d, requested, there)
    has = item_nic(d, nic, there)
    if has:
        d.record(f"targetSubnet/{nic.id.name}", has.target_subnet, OF_ITEM, ITEM_ORIGIN)
        if has.target_subnet.lower() in RESERVED:
            _unusable(d, nic, f"{has.target_subnet} of {there.id.name} is reserved for a service of Azure")
        return has.target_subnet
    chosen, reason = _default(d, nic, there)
    d.record(f"targetSubnet/{nic.id.name}", chosen, reason)
    return chosen


class Place(NamedTuple):
    """Where an interface is to be. `asked` is whether an override names the subnet, which an update sets later."""

    nic: SourceNic
    there: Network
    subnet: str
    asked: bool


def sent(d: PlanBuilder, chosen: ResourceId | None, places: Collection[Place]) -> tuple[ResourceId | None, str]:
    """The network and the subnet that the enable request names. It has one subnet for the whole VM (SDK 2.0.0); what
    Azure makes of that for a second interface is not known: it is sent only if it is that of all interfaces. Network
    and subnet are optional there, each by itself; no recording has the one without the other."""
    needed = [] if d.item else [each for each in places if not each.asked and _must_be_sent(*each[:3])]
    if not (chosen or needed):
        return None, ""
    if len(wanted := {(each.there.id, each.subnet) for each in places}) == 1:
        return wanted.pop()
    for each in needed:
        why = f"Site Recovery would choose one that takes no VM, and the request names {each.subnet} for all or none"
        _unusable(d, each.nic, why)
    return chosen, ""


def _must_be_sent(nic: SourceNic, there: Network, subnet: str) -> bool:
    """Whether Site Recovery would choose another: that of the same name, else the first in alphabetical order of all
    that there are (azure-to-azure-network-mapping). No page says that it passes over those which take no VM."""
    names = sorted(there.subnets, key=str.lower)
    own = nic.subnet.name.lower()
    chosen = next((name for name in names if name.lower() == own), next(iter(names), subnet))
    return chosen.lower() != subnet.lower()


def item_nic(d: PlanBuilder, nic: SourceNic, there: Network) -> ItemNic | None:
    """The interface of an item, if it is in that network and will be: what it has does not go along to another."""
    found = (has for has in (d.item.nics if d.item else ()) if has.source == nic.id and has.target_subnet)
    return next((has for has in found if has.network == there.id), None)


def _requested(d: PlanBuilder, requested: str, there: Network) -> str:
    names = {name.lower(): name for name in there.subnets}
    fit = [name for name in there.subnets if name.lower() not in RESERVED]
    if requested.lower() not in {name.lower() for name in fit}:
        d.reject("target-subnet", f"{', '.join(fit) or 'none'}: the subnets of {there.id.name} that a VM can be in")
    return names.get(requested.lower(), requested)


def _default(d: PlanBuilder, nic: SourceNic, there: Network) -> tuple[str, str]:
    """The subnet without an override, and the reason."""
    own, place = nic.subnet.name, f"{there.id.name} has no subnet {nic.subnet.name}"
    fit = sorted(
        (name for name, subnet in there.subnets.items() if name.lower() not in RESERVED and not subnet.delegated_to),
        key=str.lower,
    )
    same = next((name for name in fit if name.lower() == own.lower()), "")
    if same or not (there.location or there.subnets):  # or the network could not be read
        return same or own, "that of the same name"
    if own.lower() in {name.lower() for name in there.subnets}:
        place = f"{own} of {there.id.name} is delegated to a service"
    if not fit:
        _unusable(d, nic, f"{place}, and no other that takes VMs")
        return own, "there is none"
    if _must_be_sent(nic, there, fit[0]) and there.id not in d.app.target:
        why = f"{place}; {there.id} lies outside DR_TARGET_SCOPE, so that the app cannot name {fit[0]}"
        _unusable(d, nic, f"{why}, and Site Recovery would take one that is reserved or delegated")
    message = f"{place}: a failover puts {nic.id.name} into {fit[0]}, whose addresses and rules are others."
    d.findings.append(finding_of("TargetSubnetDiffers", message, tag=d.app.tag_name))
    return fit[0], f"the first in alphabetical order: {place}"


def _unusable(d: PlanBuilder, nic: SourceNic, why: str) -> None:
    message = f"There is no target subnet for {nic.id.name} of {d.vm.id.name}: {why}."
    d.findings.append(finding_of("TargetSubnetUnusable", message, tag=d.app.tag_name))

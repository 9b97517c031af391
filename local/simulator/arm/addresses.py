"""Private IP addresses: the range of a subnet, and which of its addresses are free."""

import ipaddress
from itertools import islice

from local.simulator import ids
from local.simulator.errors import ArmError
from local.simulator.store import Resource, Store
from local.simulator.wire import Json

INTERFACE = "Microsoft.Network/networkInterfaces"
KEPT_AT_START = 4  # Azure keeps the first four addresses of a subnet, and the last, for itself


def parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Raises ArmError 400."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        message = f"The IP address '{text}' has an invalid format."
        raise ArmError(400, "InvalidIPAddressFormat", message, details=[]) from None


def range_of(subnet: Json) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(subnet["properties"]["addressPrefix"])


def is_reserved(address: ipaddress.IPv4Address | ipaddress.IPv6Address, subnet: Json) -> bool:
    inside = range_of(subnet)
    place = int(address) - int(inside.network_address)
    return not KEPT_AT_START <= place < inside.num_addresses - 1


def taken(store: Store, network: Resource, leave_out: str = "") -> dict[str, str]:
    """The IDs of the interfaces in a network by their IP addresses."""
    parsed = ids.parse(network.id)
    inside = ids.key(network.id) + "/"
    return {
        configuration["properties"]["privateIPAddress"]: interface.id
        for interface in (store.of_type(parsed.subscription, INTERFACE) if parsed else ())
        for configuration in interface.properties["ipConfigurations"]
        if ids.key(configuration["properties"]["subnet"]["id"]).startswith(inside)
        and ids.key(interface.id) != ids.key(leave_out)
    }


def free(subnet: Json, used: dict[str, str], most: int) -> list[str]:
    """The first free addresses, at most `most`. Raises ArmError 400 if the subnet is full."""
    inside = range_of(subnet)
    places = range(KEPT_AT_START, inside.num_addresses - 1)
    found = list(islice((text for place in places if (text := str(inside[place])) not in used), most))
    if not found:
        message = f"Subnet {subnet['id']} with address prefix {inside} is already full."
        raise ArmError(400, "SubnetIsFull", message, details=[])
    return found


def check(address: str, subnet: Json, used: dict[str, str], configuration: str) -> None:
    """Raises ArmError 400 for a static address that is not free in this subnet."""
    inside, found = range_of(subnet), parse(address)
    if found not in inside:
        message = f"Private static IP address {address} does not belong to the range of subnet prefix {inside}."
        raise ArmError(400, "PrivateIPAddressNotInSubnet", message, details=[])
    if is_reserved(found, subnet):
        message = f"Private static IP address {address} falls within reserved IP range of subnet prefix {inside}."
        raise ArmError(400, "PrivateIPAddressInReservedRange", message, details=[])
    if str(found) in used:
        message = (
            f"IP configuration {configuration} is using the private IP address {address} which is already allocated to "
            f"resource {used[str(found)]}."
        )
        raise ArmError(400, "PrivateIPAddressIsAllocated", message, details=[])

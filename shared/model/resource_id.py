"""Azure Resource Manager IDs: parsed once, in one casing, compared as Azure compares them.

Azure returns the casing of the caller (`resourceGroups`, `resourcegroups`, `/Subscriptions/`), Site Recovery echoes IDs
lower-cased, and Log Analytics shows them in capitals. So two IDs are the same if their folded texts are, and what has
one right casing (the words of the path, the types, the GUID) is written in it; a name is kept as it was given.
"""

import re
from functools import lru_cache
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Not only dots: they vanish when a URL is normalised, and the request would go to another resource than the one
# checked.
_SEGMENT = r"(?!\.+(?:/|$))[^/\\?#%&<>\"'\s\x00-\x1f\ud800-\udfff]+"
# The flags hold for keywords alone: names have letters of any alphabet, and with `i` alone a long s would match the s
# of `/subscriptions`.
_SUBSCRIPTION = r"(?ai:/subscriptions)"
_GROUP = r"[-\w.()]{1,89}[-\w()]|[-\w()]"
_IN_SUBSCRIPTION = re.compile(
    rf"{_SUBSCRIPTION}(?ai:/{_GUID}/resourceGroups)/(?:{_GROUP})"
    rf"(?P<resource>(?ai:/providers)/[A-Za-z0-9.]+(?:/[A-Za-z0-9]+/{_SEGMENT})+)?"
)
_SUBSCRIPTION_NAME = re.compile(rf"(?ai:{_GUID})")
_GROUP_NAME = re.compile(_GROUP)
_RESOURCE_NAME = re.compile(_SEGMENT)

VIRTUAL_MACHINE = "Microsoft.Compute/virtualMachines"
CLASSIC_VIRTUAL_MACHINE = "Microsoft.ClassicCompute/virtualMachines"
VAULT = "Microsoft.RecoveryServices/vaults"
AUTOMATION_ACCOUNT = "Microsoft.Automation/automationAccounts"

_TYPES = (
    VIRTUAL_MACHINE,
    CLASSIC_VIRTUAL_MACHINE,
    AUTOMATION_ACCOUNT,
    f"{VAULT}/replicationFabrics/replicationNetworks/replicationNetworkMappings",
    "replicationProtectionContainers/replicationProtectedItems/replicationProtectionContainerMappings",
    "replicationPolicies/replicationJobs",
    "Microsoft.Compute/availabilitySets/capacityReservationGroups/diskEncryptionSets/disks/proximityPlacementGroups",
    "virtualMachineScaleSets",
    "Microsoft.Network/virtualNetworks/subnets/networkInterfaces/networkSecurityGroups/publicIPAddresses",
    "loadBalancers/backendAddressPools",
    "Microsoft.Storage/storageAccounts",
)
_CASING = {word.lower(): word for word in "/".join(_TYPES).split("/")}
"""The namespaces and types that the app meets, in Azure's casing; all others keep the casing they are given in."""


def folded(text: str) -> str:
    """The text in the form in which equal names of Azure are equal texts of one length, lower-cased if it is ASCII.

    Azure Resource Manager compares as .NET's OrdinalIgnoreCase does, letter by letter and by upper case. `str.lower`
    does not: it takes the Kelvin sign for a k, writes one letter as two, and a sigma by what stands around it.
    """
    return text.lower() if text.isascii() else "".join(map(_folded, text))


@lru_cache(10_000)
def _folded(letter: str) -> str:
    upper = _upper(letter)
    lower = upper.lower()
    return lower if len(lower) == 1 and _upper(lower) == upper else upper


def _upper(letter: str) -> str:
    """The upper case of one letter, if that is one letter; never an ASCII letter for one that is not."""
    upper = letter.upper()
    return upper if len(upper) == 1 and upper.isascii() == letter.isascii() else letter


class ResourceId:
    """A subscription, a resource group, or a resource with its parents. Raises ValueError for all else.

    An estate holds hundreds of thousands of these: only the last name is kept, and the path, which many share.
    """

    __slots__ = ("_folded", "_path", "name")

    name: str
    """The last name: of the resource, else of the resource group, else of the subscription."""

    def __init__(self, text: str) -> None:
        given, _, name = text.rstrip("/").rpartition("/")
        try:
            path = _path(given)
        except ValueError:
            path = None
        if path is None or not path.names.fullmatch(name):
            raise ValueError(
                f"{text[:200]!r} is not an Azure resource ID: "
                "/subscriptions/<guid>[/resourceGroups/<name>[/providers/<namespace>/<type>/<name>...]] is allowed"
            )
        self._path = path
        self.name = name.lower() if path.names is _SUBSCRIPTION_NAME else name
        key = folded(name)
        self._folded = self.name if key == self.name else key

    @property
    def text(self) -> str:
        return f"{self._path.text}/{self.name}"

    @property
    def key(self) -> str:
        """What equal IDs have alike."""
        return f"{self._path.key}/{self._folded}"

    @property
    def subscription(self) -> str:
        return self.text.split("/", 3)[2]

    @property
    def resource_group(self) -> str:
        """Its name; "" of a subscription."""
        parts = self.text.split("/", 5)
        return parts[4] if len(parts) > 4 else ""

    @property
    def type(self) -> str:
        """As `Microsoft.Network/virtualNetworks/subnets`; "" of a subscription and of a resource group."""
        parts = self.text.split("/")
        return "/".join([parts[6], *parts[7::2]]) if len(parts) > 6 else ""

    @property
    def group_id(self) -> "ResourceId":
        """The resource group. A subscription has none: ValueError."""
        return self if self._path.names is _GROUP_NAME else _beginning(self._path.text, 5)

    @property
    def parent(self) -> "ResourceId":
        """The resource this one is a child of: of a subnet its network."""
        return _beginning(self._path.text, -1)

    def is_type(self, resource_type: str) -> bool:
        """Whether this is a resource of that type, as `Microsoft.Compute/virtualMachines`."""
        return self.type.lower() == resource_type.lower()

    @classmethod
    def of(cls, subscription: str, group: str, resource_type: str = "", name: str = "") -> "ResourceId":
        """Builds an ID from its parts. Raises ValueError if they make none."""
        tail = f"/providers/{resource_type}/{name}" if resource_type else ""
        return cls(f"/subscriptions/{subscription}/resourceGroups/{group}{tail}")

    def child(self, resource_type: str, name: str) -> "ResourceId":
        """The child of this resource: of a network its subnet `child("subnets", "web")`."""
        return ResourceId(f"{self.text}/{resource_type}/{name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceId) and self._folded == other._folded and self._path.key == other._path.key

    def __lt__(self, other: "ResourceId") -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash((self._path.key, self._folded))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"ResourceId({self.text!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def parse(given: Any) -> ResourceId:
            return given if isinstance(given, cls) else cls(str(given))

        return core_schema.no_info_plain_validator_function(parse, serialization=core_schema.to_string_ser_schema())


class _Path:
    """All of an ID but its last name, and the pattern of the names that may follow."""

    __slots__ = ("key", "names", "text")

    def __init__(self, text: str, names: re.Pattern[str]) -> None:
        self.text = _in_one_casing(text)
        self.key = folded(self.text)
        self.names = names


@lru_cache(10_000)
def _path(text: str) -> _Path:
    """Raises ValueError for none, which is not kept in the cache."""
    if re.fullmatch(_SUBSCRIPTION, text):
        return _Path(text, _SUBSCRIPTION_NAME)
    match = _IN_SUBSCRIPTION.fullmatch(f"{text}/x")
    if match is None:
        raise ValueError(text)
    return _Path(text, _RESOURCE_NAME if match["resource"] else _GROUP_NAME)


@lru_cache(10_000)
def _beginning(path: str, parts: int) -> ResourceId:
    """The resource that a path begins with."""
    return ResourceId("/".join(path.split("/")[:parts]))


def _in_one_casing(text: str) -> str:
    """The text of a path."""
    parts = text.split("/")
    if len(parts) == 2:
        return text.lower()
    parts[1:6:2] = ("subscriptions", "resourceGroups", "providers")[: len(parts) // 2]
    parts[2] = parts[2].lower()
    for at in (6, *range(7, len(parts), 2)) if len(parts) > 6 else ():
        parts[at] = _CASING.get(parts[at].lower(), parts[at])
    return "/".join(parts)


def vm_id(subscription: str, group: str, name: str) -> ResourceId:
    """The ID of a Resource Manager VM. Raises ValueError, also for parts that would make something else of it."""
    made = ResourceId.of(subscription, group, VIRTUAL_MACHINE, name)
    if (made.resource_group, made.type, made.name) != (group, VIRTUAL_MACHINE, name):
        raise ValueError(f"{group!r} and {name!r} are no names of a resource group and of a VM in it")
    return made

"""Azure Resource Manager IDs: parsed once, compared without regard to case.

Azure returns the casing of the caller (`resourceGroups`, `resourcegroups`, `/Subscriptions/`), and Site
Recovery echoes IDs lower-cased, so two IDs are the same if their lower-cased texts are.
"""

import re
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Not only dots: they vanish when a URL is normalised, and the request would go to another resource than the one
# checked.
_SEGMENT = r"(?!\.+(?:/|$))[^/\\?#%&<>\"'\s\x00-\x1f]+"
_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_GUID})"
    rf"(?:/resourceGroups/(?P<group>[-\w.()]{{1,89}}[-\w()]|[-\w()])"
    rf"(?:/providers/(?P<namespace>[A-Za-z0-9.]+)(?P<path>(?:/[A-Za-z0-9]+/{_SEGMENT})+))?)?",
    re.IGNORECASE,
)

VIRTUAL_MACHINE = "Microsoft.Compute/virtualMachines"
CLASSIC_VIRTUAL_MACHINE = "Microsoft.ClassicCompute/virtualMachines"
VAULT = "Microsoft.RecoveryServices/vaults"
AUTOMATION_ACCOUNT = "Microsoft.Automation/automationAccounts"


def _looks_like_ascii(text: str) -> bool:
    """Whether a letter becomes an ASCII one when it is lowered, as the Kelvin sign does: Azure takes it for another."""
    return not text.isascii() and any(not letter.isascii() and letter.lower().isascii() for letter in text)


class ResourceId:
    """A subscription, a resource group, or a resource with its parents. Raises ValueError for all else.

    An estate holds hundreds of thousands of these: only the text is kept, and parsed on demand.
    """

    __slots__ = ("key", "text")

    def __init__(self, text: str) -> None:
        match = _ID.fullmatch(text.rstrip("/"))
        if match is None or _looks_like_ascii(text):
            raise ValueError(
                f"{text[:200]!r} is not an Azure resource ID: "
                "/subscriptions/<guid>[/resourceGroups/<name>[/providers/<namespace>/<type>/<name>...]] is allowed"
            )
        self.text = text.rstrip("/")
        key = self.text.lower()
        self.key = self.text if key == self.text else key

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
    def name(self) -> str:
        """The last name: of the resource, else of the resource group, else of the subscription."""
        return self.text.rsplit("/", 1)[-1]

    @property
    def group_id(self) -> "ResourceId":
        """The resource group. A subscription has none: ValueError."""
        return ResourceId.of(self.subscription, self.resource_group)

    @property
    def parent(self) -> "ResourceId":
        """The resource this one is a child of: of a subnet its network."""
        return ResourceId(self.text.rsplit("/", 2)[0])

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
        return isinstance(other, ResourceId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"ResourceId({self.text!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def parse(given: Any) -> ResourceId:
            return given if isinstance(given, cls) else cls(str(given))

        return core_schema.no_info_plain_validator_function(parse, serialization=core_schema.to_string_ser_schema())


def vm_id(subscription: str, group: str, name: str) -> ResourceId:
    """The ID of a Resource Manager VM. Raises ValueError, also for parts that would make something else of it."""
    made = ResourceId.of(subscription, group, VIRTUAL_MACHINE, name)
    if (made.resource_group, made.type, made.name) != (group, VIRTUAL_MACHINE, name):
        raise ValueError(f"{group!r} and {name!r} are no names of a resource group and of a VM in it")
    return made

"""A row of a list of Azure that could not be read, and what it may be about."""

from dataclasses import dataclass

from shared.model.resource_id import ResourceId, folded


@dataclass(frozen=True)
class UnreadRow:
    """A row of a list that could not be read.

    `id` is its ID, or that of the list and a digest of the row if it shows none: an operator acknowledges it by that.
    `vm` is the VM that it is about, if the row shows that; else it may be about any VM in `regions`, and without them
    about any VM. `text` is the row itself, folded. `what` it is: a row, or a vault whose list may not be read.
    """

    id: str
    reason: str
    text: str
    shows_id: bool = True
    vm: ResourceId | None = None
    regions: frozenset[str] = frozenset()
    what: str = "row"

    def concerns(self, vm: ResourceId, location: str = "") -> bool:
        """Whether the row may be about the VM. A VM of unknown location may be in any region."""
        if self.vm:
            # It may also be a failover VM, which the row names by its ID or by its name.
            return self.vm == vm or self.names(vm) or f'"{folded(vm.name)}"' in self.text
        return not (self.regions and location) or location in self.regions

    def names(self, resource: ResourceId) -> bool:
        """Whether the resource, or something in it, is named in the row."""
        return f'{resource.key}"' in self.text or f"{resource.key}/" in self.text

    def __str__(self) -> str:
        return f"The {self.what} {self.id} could not be read: {self.reason}"

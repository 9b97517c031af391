"""What a script is given: where Azure is, and which VMs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """`ready`: an earlier run has left a region pair. `items` are to be read in place of protecting `vms`: their IDs.

    `speed` is that of the simulator's clock, by which every interval is divided. `limit` is how many VMs or items a
    script may have under way.
    """

    url: str
    ca_file: str
    token: str
    subscription: str
    vault: str
    network: str
    vms: list[str]
    items: list[str]
    ready: bool
    speed: float
    limit: int

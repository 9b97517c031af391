"""What the app has published of causes, as the archive holds it in its stream `messages`. Pure.

Two kinds of files are in it: the state after a sweep, which names the causes that are open, and an order to acknowledge
a cause, or to end that, which the next state contains. So what counts is the newest state and the orders after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Self

from shared.model.acknowledgement import Acknowledgement
from shared.model.caller import Caller
from shared.model.resource_id import ResourceId
from shared.reporting.archive import File, Json
from shared.reporting.transitions import Cause, Open

_KIND, _STATE = "kind", "state"
ACKNOWLEDGED, ENDED = "acknowledged", "acknowledgementEnded"


@dataclass(frozen=True)
class MessageState:
    """`name` is its file; `through` the last file of the stream that was there before. `drill` is the last file of a
    drill that is published, `digest` the day (UTC) of the last digest. Since that `begun` and `resolved` count causes
    by code, and `drills` drills by result."""

    name: str = ""
    through: str = ""
    drill: str = ""
    digest: date | None = None
    causes: Mapping[Cause, Open] = field(default_factory=dict)
    acknowledged: tuple[Acknowledgement, ...] = ()
    begun: Mapping[str, int] = field(default_factory=dict)
    resolved: Mapping[str, int] = field(default_factory=dict)
    drills: Mapping[str, int] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def differs(self, other: "MessageState") -> bool:
        """Whether it has to be kept, once the other one is."""
        return replace(self, name="", through="") != replace(other, name="", through="")

    def header(self, read_at: datetime) -> Json:
        return {
            _KIND: _STATE,
            "readAt": read_at.isoformat(),
            "through": self.through,
            "drill": self.drill,
            "digest": self.digest.isoformat() if self.digest else None,
            "acknowledged": [each.dump() for each in self.acknowledged],
            "begun": dict(self.begun),
            "resolved": dict(self.resolved),
            "drills": dict(self.drills),
        }

    def rows(self) -> Iterable[list[Any]]:
        """A cause each: its code, the ID of its VM, since when (seconds), and the rank at which it was published."""
        for cause, each in sorted(self.causes.items(), key=lambda entry: (entry[0].code, entry[0].vm.key)):
            yield [cause.code, str(cause.vm), each.since, each.published]

    @classmethod
    def load(cls, file: File) -> Self:
        """Reads what `header` and `rows` wrote. Raises LookupError, TypeError, ValueError."""
        header = file.header
        return cls(
            name=header["name"],
            through=header["through"],
            drill=header["drill"],
            digest=date.fromisoformat(header["digest"]) if header["digest"] else None,
            causes={
                Cause(code, ResourceId(vm)): Open(since, int(published)) for code, vm, since, published in file.rows
            },
            acknowledged=tuple(map(Acknowledgement.load, header["acknowledged"])),
            **{name: header[name] for name in ("begun", "resolved", "drills")},
        )


def is_state(header: Json) -> bool:
    return header.get(_KIND) == _STATE


def order(what: str, acknowledgement: Acknowledgement, asked_by: Caller) -> Json:
    """The file of an order: `what` is ACKNOWLEDGED or ENDED."""
    return {_KIND: what, **acknowledgement.dump(), "askedBy": [asked_by.dump()]}


def after_orders(state: MessageState, orders: Iterable[Json]) -> MessageState:
    """The state with what was ordered since, in order. Raises ValueError."""
    known = {Cause(each.cause, each.vm_id): each for each in state.acknowledged}
    for header in orders:
        each = Acknowledgement.load(header)
        known.pop(Cause(each.cause, each.vm_id), None)
        if header[_KIND] == ACKNOWLEDGED:
            known[Cause(each.cause, each.vm_id)] = each
    return state.with_(acknowledged=tuple(known.values()))

"""Compares a simulated answer with the recorded one: the same status, headers of the same form, same keys and types.

Values are not compared, except those that a client waits for: see `replay`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from local.conformance.exchange import Exchange

Kind = Literal["status", "header", "missing", "extra", "type", "null", "empty", "state", "unreachable"]

# The headers that a client follows to the end of an operation.
OPERATION_HEADERS = ("azure-asyncoperation", "location")
# Objects whose keys are data, not schema.
_MAPS = frozenset({"tags", "userAssignedIdentities"})


@dataclass(frozen=True)
class Difference:
    """`where` is a JSON path, `header <name>` or `status`; `recorded` and `simulated` are the values there."""

    exchange: Exchange
    kind: Kind
    where: str
    recorded: str
    simulated: str

    def __str__(self) -> str:
        e = self.exchange
        return (
            f"#{e.number} {e.method} {e.path}\n"
            f"    {self.where}: {self.kind}: recorded {self.recorded}, simulated {self.simulated}"
        )


@dataclass(frozen=True)
class Answer:
    """A response of the simulator. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: Any


def compare(recorded: Exchange, simulated: Answer, documented: "Documented") -> Iterator[Difference]:
    """All differences of one response. If the status differs, nothing else is compared."""
    if recorded.status != simulated.status:
        shown = f"{simulated.status} {_show(simulated.body)}"
        yield Difference(recorded, "status", "status", str(recorded.status), shown)
        return
    recorded_headers = recorded.response_headers or {}
    for name in OPERATION_HEADERS:
        forms = url_form(recorded_headers.get(name)), url_form(simulated.headers.get(name))
        if forms[0] != forms[1]:
            yield Difference(recorded, "header", f"header {name}", *forms)
    for where, kind, ours, theirs in _compare_json("$", recorded.response_body, simulated.body):
        if kind not in ("null", "empty") or not documented.both(recorded, where):
            yield Difference(recorded, kind, where, ours, theirs)


def url_form(url: str | None) -> str:
    """A URL without what differs from call to call: host, name of the operation, signature."""
    if url is None:
        return "absent"
    parts = urlsplit(url)
    operation = parts.path.rpartition("/")[2]
    version = parse_qs(parts.query).get("api-version", ["none"])[0]
    return f"{parts.path.replace(operation, '{operation}')}?api-version={version}"


class Documented:
    """What a recording documents as changing with time: null here and a value there, or an empty list and a filled one.

    The moment at which such a property is filled is a matter of latencies, not of the contract.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._seen: dict[tuple[str, str], set[bool]] = {}
        for e in exchanges:
            for where, value in _leaves("$", e.response_body):
                self._seen.setdefault(_place(e, where), set()).add(value in (None, []))

    def both(self, exchange: Exchange, where: str) -> bool:
        # Whether there is a body at all is part of the contract.
        return where != "$" and self._seen.get(_place(exchange, where)) == {True, False}


def _place(exchange: Exchange, where: str) -> tuple[str, str]:
    """The path without names: one for the same property of all resources of a type."""
    return "/".join(exchange.path.lower().split("/")[1::2]), where


def _leaves(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield where, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{where}.{key}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(f"{where}[]", item)


def _compare_json(where: str, ours: Any, theirs: Any) -> Iterator[tuple[str, Kind, str, str]]:
    if (ours is None) != (theirs is None):
        yield where, "null", _show(ours), _show(theirs)
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        yield from _compare_objects(where, ours, theirs)
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _compare_lists(where, ours, theirs)
    elif _type(ours) != _type(theirs):
        yield where, "type", f"{_type(ours)} {_show(ours)}", f"{_type(theirs)} {_show(theirs)}"


def _compare_objects(where: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[tuple[str, Kind, str, str]]:
    if where.rpartition(".")[2] in _MAPS:
        yield from _compare_lists(where, list(ours.values()), list(theirs.values()))
        return
    for key in ours | theirs:
        if key not in theirs:
            yield f"{where}.{key}", "missing", _show(ours[key]), "absent"
        elif key not in ours:
            yield f"{where}.{key}", "extra", "absent", _show(theirs[key])
        else:
            yield from _compare_json(f"{where}.{key}", ours[key], theirs[key])


def _compare_lists(where: str, ours: list[Any], theirs: list[Any]) -> Iterator[tuple[str, Kind, str, str]]:
    """Compares the elements of lists as one merged element, which has the keys of all."""
    if bool(ours) != bool(theirs):
        yield where, "empty", f"{len(ours)} elements", f"{len(theirs)} elements"
    elif ours:
        yield from _compare_json(f"{where}[]", _union(ours), _union(theirs))


def _union(elements: list[Any]) -> Any:
    objects = [element for element in elements if isinstance(element, dict)]
    if not objects:
        return elements[0]
    union: dict[str, Any] = {}
    for element in objects:
        for key, value in element.items():
            known = union.get(key)
            if known in (None, []):
                union[key] = value
            elif isinstance(known, dict) and isinstance(value, dict):
                union[key] = _union([known, value])
    return union


def _type(value: Any) -> str:
    # JSON has one kind of number: 0 and 0.5 are values of the same property.
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _show(value: Any) -> str:
    shown = "null" if value is None else repr(value)
    return shown if len(shown) <= 160 else shown[:157] + "..."

"""Route templates of HTTP triggers: `{name}`, `{name?}`, `{*rest}`, and ASP.NET's constraints but for regex."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from local.host.config import HostError

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::[A-Za-z]+(?:\([^()]*\))?)*)(\?)?\}")
_CONSTRAINT = re.compile(r":([A-Za-z]+)(?:\(([^()]*)\))?")
RESERVED = ("admin", "runtime")

_Check = Callable[[str, list[int]], bool]


def _parses(parse: Callable[[str], object]) -> _Check:
    def check(text: str, _: list[int]) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _integer(test: Callable[[int, list[int]], bool]) -> _Check:
    return lambda text, limits: re.fullmatch(r"[+-]?\d+", text) is not None and test(int(text), limits)


# Name of the constraint → how many numbers it takes, and the check.
_CONSTRAINTS: dict[str, tuple[tuple[int, ...], _Check]] = {
    "alpha": ((0,), lambda text, _: re.fullmatch(r"[A-Za-z]*", text) is not None),
    "bool": ((0,), lambda text, _: text.lower() in ("true", "false")),
    "datetime": ((0,), _parses(datetime.fromisoformat)),
    "decimal": ((0,), lambda text, _: re.fullmatch(r"[+-]?\d+(\.\d+)?", text) is not None),
    "double": ((0,), _parses(float)),
    "float": ((0,), _parses(float)),
    "guid": ((0,), _parses(uuid.UUID)),
    "int": ((0,), _integer(lambda value, _: -(2**31) <= value < 2**31)),
    "length": ((1, 2), lambda text, limits: limits[0] <= len(text) <= limits[-1]),
    "long": ((0,), _integer(lambda value, _: -(2**63) <= value < 2**63)),
    "max": ((1,), _integer(lambda value, limits: value <= limits[0])),
    "maxlength": ((1,), lambda text, limits: len(text) <= limits[0]),
    "min": ((1,), _integer(lambda value, limits: value >= limits[0])),
    "minlength": ((1,), lambda text, limits: len(text) >= limits[0]),
    "range": ((2,), _integer(lambda value, limits: limits[0] <= value <= limits[1])),
}


@dataclass(frozen=True)
class Route:
    """A parsed template. Routes sort from the most to the least specific, the order in which they are tried."""

    template: str
    pattern: re.Pattern[str]
    checks: dict[str, list[Callable[[str], bool]]]
    precedence: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters if the route matches the decoded path below the route prefix, else None."""
        if (found := self.pattern.fullmatch(path)) is None:
            return None
        values = {name: text for name, text in found.groupdict().items() if text}
        fits = all(check(text) for name, text in values.items() for check in self.checks[name])
        return values if fits else None


def parse_route(template: str) -> Route:
    """Parses a template. Raises HostError with the reason."""
    if template.startswith(("/", "~")):
        raise HostError(f"route '{template}' must not start with '{template[0]}'")
    segments = template.strip("/").split("/")
    if segments[0].lower() in RESERVED:
        raise HostError(f"route '{template}' conflicts with the host's own routes under '{segments[0]}'")
    pattern, precedence = "", []
    checks: dict[str, list[Callable[[str], bool]]] = {}
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        text, weight, segment_checks = _segment(template, segment, last)
        if duplicates := checks.keys() & segment_checks:
            raise HostError(f"route '{template}' names the parameter '{duplicates.pop()}' twice")
        checks |= segment_checks
        slash = "/" if number else ""
        # An optional or catch-all segment may be missing with its slash.
        pattern += f"(?:{slash}{text})?" if segment.endswith("?}") or segment.startswith("{*") else slash + text
        precedence.append(weight)
    # A catch-all includes the slash at the end.
    pattern += "/?"
    return Route(template, re.compile(pattern, re.IGNORECASE | re.DOTALL), checks, tuple(precedence))


def _segment(template: str, segment: str, last: bool) -> tuple[str, int, dict[str, list[Callable[[str], bool]]]]:
    """Pattern, weight (literal, mixed, constrained, free, catch-all) and checks of one segment."""
    pattern, checks, position, catch_all = "", {}, 0, False
    for found in _PARAMETER.finditer(segment):
        stars, name, constraints, optional = found.groups()
        catch_all = bool(stars)
        if (catch_all or optional) and not (last and found[0] == segment):
            raise HostError(f"route '{template}': '{found[0]}' must be the last segment")
        if name in checks:
            raise HostError(f"route '{template}' names the parameter '{name}' twice")
        pattern += re.escape(segment[position : found.start()]) + f"(?P<{name}>{'[^/].*' if catch_all else '[^/]+'})"
        checks[name] = [_constraint(template, *item.groups()) for item in _CONSTRAINT.finditer(constraints)]
        position = found.end()
    if set(literal := re.sub(_PARAMETER, "", segment)) & set("{}*?") or (not segment and template.strip("/")):
        raise HostError(f"route '{template}' has a segment that is no valid template: '{segment}'")
    pattern += re.escape(segment[position:])
    if not checks:
        return pattern, 0, checks
    weight = 4 if catch_all else 1 if literal else 2 if any(checks.values()) else 3
    return pattern, weight, checks


def _constraint(template: str, name: str, arguments: str | None) -> Callable[[str], bool]:
    counts, check = _CONSTRAINTS.get(name, ((), None))
    limits = [int(item) for item in (arguments or "").split(",") if item.strip().lstrip("-").isdecimal()]
    if check is None or len(limits) not in counts:
        raise HostError(
            f"route '{template}' has an unknown constraint ':{name}{f'({arguments})' if arguments else ''}'"
        )
    return lambda text: check(text, limits)

"""Faults on demand: which calls go wrong, how, and how often."""

import random
import re
from dataclasses import dataclass, field
from typing import Any

from local.simulator import mutations
from local.simulator.mutations import Mutation
from local.simulator.wire import Json

KINDS = ("status", "throttle", "reset", "slow", "lost-response", "fail-operation", "mutate")
_KEYS: dict[str, type | tuple[type, ...]] = {
    "match": dict,
    "kind": str,
    "probability": (int, float),
    "seed": int,
    "times": int,
    "every": int,
    "status": int,
    "code": str,
    "message": str,
    "retryAfter": (int, float),
    "seconds": (int, float),
    "possibleCauses": str,
    "recommendedAction": str,
    "set": dict,
    "delete": list,
    "body": str,
    "bodyBase64": str,
    "truncate": int,
    "headers": dict,
}


@dataclass(slots=True)
class Fault:
    """One rule. `detail` holds what its kind needs; seconds in it are wall seconds."""

    kind: str
    method: str | None
    path: re.Pattern[str]
    body: re.Pattern[str] | None
    api_version: str | None
    probability: float
    times: int | None
    every: int
    detail: Json
    mutation: Mutation | None
    random: random.Random
    matched: int = 0
    fired: int = 0

    def fires(self, method: str, path: str, body: bytes, api_version: str) -> bool:
        if (self.method and self.method != method) or not self.path.search(path):
            return False
        if self.api_version not in (None, api_version):
            return False
        if self.body and not self.body.search(body.decode(errors="replace")):
            return False
        if self.times is not None and self.fired >= self.times:
            return False
        self.matched += 1
        if self.matched % self.every or self.random.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def shown(self) -> Json:
        return {**self.detail, "kind": self.kind, "matched": self.matched, "fired": self.fired}


@dataclass(slots=True)
class Faults:
    rules: list[Fault] = field(default_factory=list)

    def add(self, raw: Any) -> None:
        """Takes one rule as JSON. Raises ValueError that says what is wrong with it."""
        if not isinstance(raw, dict):
            raise ValueError("a fault must be an object")
        for name, value in raw.items():
            if name not in _KEYS:
                raise ValueError(f"unknown key {name!r} in a fault; there are {', '.join(_KEYS)}")
            if not isinstance(value, _KEYS[name]) or isinstance(value, bool):
                raise ValueError(f"{name} of a fault has the wrong type")
        if raw.get("kind") not in KINDS:
            raise ValueError(f"kind of a fault must be one of {', '.join(KINDS)}")
        match = raw.get("match", {})
        if unknown := set(match) - {"method", "path", "body", "apiVersion"}:
            raise ValueError(f"unknown key {min(unknown)!r} in match; there are method, path, body and apiVersion")
        self.rules.append(
            Fault(
                kind=raw["kind"],
                method=match["method"].upper() if "method" in match else None,
                path=_pattern(match, "path"),
                body=_pattern(match, "body") if "body" in match else None,
                api_version=match.get("apiVersion"),
                probability=raw.get("probability", 1.0),
                times=raw.get("times"),
                every=max(1, raw.get("every", 1)),
                detail=raw,
                mutation=mutations.parse(raw) if raw["kind"] == "mutate" else None,
                random=random.Random(raw.get("seed", len(self.rules))),  # noqa: S311 - chance, not secrets
            )
        )

    def hit(self, method: str, path: str, body: bytes, api_version: str = "") -> Fault | None:
        """The first rule that fires for this call."""
        return next((rule for rule in self.rules if rule.fires(method, path, body, api_version)), None)


def _pattern(match: Json, name: str) -> re.Pattern[str]:
    try:
        return re.compile(match.get(name, ""), re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"match.{name} is no regular expression: {error}") from None

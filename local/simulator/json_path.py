"""Places in a JSON document by path: `value[0].tags['cost center']`, `data[*].id`, `value[?name=='web-1'].zones`."""

import re
from dataclasses import dataclass
from typing import Any

_ROOT = re.compile(r"\$(?=[.\[])")
_STEP = re.compile(
    r"\.?(?P<name>[\w$@-]+)"
    r"|\[(?P<index>-?\d+)\]"
    r"|\['(?P<quoted>[^']*)'\]"
    r"|\[(?P<every>\*)\]"
    r"|\[\?(?:@\.)?(?P<field>[\w.]+)\s*==\s*'(?P<text>[^']*)'\]"
)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step down: a member by `name`, an element by `index`, all of them, or those whose `field` has the `text`."""

    name: str | None = None
    index: int | None = None
    field: tuple[str, ...] = ()
    text: str = ""

    def keys(self, holder: Any) -> list[Any]:
        """The keys of `holder` that the step leads to. A name leads to a member that is not there yet."""
        if isinstance(holder, dict):
            if self.name is not None:
                return [self.name]
            return list(holder) if self.index is None and not self.field else []
        if not isinstance(holder, list) or self.name is not None:
            return []
        if self.index is not None:
            return [self.index] if -len(holder) <= self.index < len(holder) else []
        return [place for place, each in enumerate(holder) if self._matches(each)]

    def _matches(self, element: Any) -> bool:
        for name in self.field:
            element = element.get(name) if isinstance(element, dict) else None
        return not self.field or (isinstance(element, str) and element.lower() == self.text.lower())


class JsonPath:
    """A subset of JSONPath: names, indexes, `[*]` and a filter by one text, which is compared without case."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for a text that is no such path."""
        steps, at = [], len(found[0]) if (found := _ROOT.match(text)) else 0
        while at < len(text):
            step = _STEP.match(text, at)
            if step is None:
                raise ValueError(f"{text!r} is no JSON path from {text[at:]!r} on")
            steps.append(_step(step))
            at = step.end()
        if not steps:
            raise ValueError("a JSON path must not be empty")
        *self._to_holder, self._last = steps

    def set(self, document: Any, value: Any) -> None:
        """Sets every place of the path to `value`. A path that leads nowhere changes nothing."""
        for holder in self._holders(document):
            for key in self._last.keys(holder):
                holder[key] = value

    def delete(self, document: Any) -> None:
        """Removes every place of the path."""
        for holder in self._holders(document):
            for key in reversed(self._last.keys(holder)):
                if isinstance(holder, list) or key in holder:
                    del holder[key]

    def _holders(self, document: Any) -> list[Any]:
        found = [document]
        for step in self._to_holder:
            found = [
                holder[key]
                for holder in found
                for key in step.keys(holder)
                if isinstance(holder, list) or key in holder
            ]
        return found


def _step(found: re.Match[str]) -> _Step:
    if found["index"]:
        return _Step(index=int(found["index"]))
    if found["field"]:
        return _Step(field=tuple(found["field"].split(".")), text=found["text"])
    return _Step() if found["every"] else _Step(name=found["name"] if found["quoted"] is None else found["quoted"])

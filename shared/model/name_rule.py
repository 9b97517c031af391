"""Azure's rules for names: the table "Naming rules and restrictions for Azure resources" of its documentation."""

import string
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category

_ALPHABETS = {
    "letters and digits": frozenset(string.ascii_letters + string.digits),
    "lower-case letters and digits": frozenset(string.ascii_lowercase + string.digits),
}
ANY, LOWER = "letters and digits of any alphabet", "lower-case letters and digits"
# .NET's Char.IsLetterOrDigit, which takes half a surrogate pair for neither.
_CATEGORIES, _LAST_OF_ONE_UNIT = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"}, 0xFFFF


class NameRule(NamedTuple):
    """The rule for a kind of resource: `marks` are allowed beside `letters`; a name begins with one of these or of
    `first`, and ends with one of them or of `last`."""

    longest: int
    shortest: int = 1
    marks: str = "_.-"
    first: str = ""
    last: str = "_"
    letters: str = "letters and digits"

    def allows(self, name: str) -> bool:
        """Whether Azure takes the name."""
        return _allows(self, name)

    def cleaned(self, text: str, *, at_start: bool = False) -> str:
        """The text with a hyphen for each letter that no name may have; at the start of a name from where one may
        begin."""
        allowed = "".join(letter if self.is_allowed(letter, self.marks) else "-" for letter in text)
        start = (at for at, letter in enumerate(allowed) if not at_start or self.is_allowed(letter, self.first))
        return allowed[next(start, len(allowed)) :]

    def is_allowed(self, letter: str, marks: str) -> bool:
        """Whether the letter is one of the rule's, or of these marks."""
        if self.letters == ANY:
            return letter in marks or (category(letter) in _CATEGORIES and ord(letter) <= _LAST_OF_ONE_UNIT)
        return letter in marks or letter in _ALPHABETS[self.letters]

    def __str__(self) -> str:
        also = f" and {self.marks}" if self.marks else ""
        ends = [
            f", {verb} with {self.letters.split(' of')[0].replace('and', 'or')}{f' or {of}' if of else ''}"
            for verb, of in (("beginning", self.first), ("ending", self.last))
            if of != self.marks
        ]
        return f"{self.shortest} to {self.longest} {self.letters}{also}{''.join(ends)}"


@lru_cache(10_000)
def _allows(rule: NameRule, name: str) -> bool:
    """Of ten thousand VMs, many share a group."""
    return (
        rule.shortest <= len(name) <= rule.longest
        and all(rule.is_allowed(letter, rule.marks) for letter in name)
        and rule.is_allowed(name[0], rule.first)
        and rule.is_allowed(name[-1], rule.last)
    )

"""Findings about a VM: the problem, its severity, and what to do; and a row of the catalog that they are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.model.base import Record


class Severity(StrEnum):
    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """`message` describes the problem, `fix` what an operator can do, `since` when it began, if that is known.
    `recoverable` is false if the VM would not come up, or not with all its disks, after a failover now; else None,
    which is not written: most findings say nothing about that."""

    code: str
    severity: Severity
    message: str
    fix: str = ""
    since: datetime | None = None
    recoverable: bool | None = None


class Case(NamedTuple):
    """Where a finding has another severity or another fix than its row says, or is `recoverable` otherwise."""

    when: str
    severity: Severity | None = None
    fix: str = ""
    recoverable: bool | None = None


class Row(NamedTuple):
    """A row of the catalog. `means` follows on the name of the VM, `does` on that of the app; `fix` may hold the names
    of facts in braces, as `{tag}`; `cases` are by the name that the code gives them. `recoverable` as in `Finding`."""

    severity: Severity
    means: str
    does: str
    fix: str
    cases: Mapping[str, Case] = {}
    recoverable: bool = True

    def severity_in(self, case: str) -> Severity:
        return (self.cases[case].severity if case in self.cases else None) or self.severity

    def fix_in(self, case: str) -> str:
        return (self.cases[case].fix if case in self.cases else "") or self.fix

    def recoverable_in(self, case: str) -> bool:
        found = self.cases[case].recoverable if case in self.cases else None
        return self.recoverable if found is None else found


PROTECTED = "protected"
WARNED_IF_PROTECTED = {PROTECTED: Case("the VM is protected already", Severity.WARNING)}
"""The case of what blocks a VM, unless it is protected already: then it blocks a change at most."""

"""Findings about a VM: the problem, its severity, and what to do."""

from datetime import datetime
from enum import StrEnum

from shared.model.base import Model


class Severity(StrEnum):
    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


class Finding(Model):
    """`message` describes the problem, `fix` what an operator can do, `since` when it began, if that is known."""

    code: str
    severity: Severity
    message: str
    fix: str = ""
    since: datetime | None = None


def as_warning(finding: Finding) -> Finding:
    return finding.model_copy(update={"severity": Severity.WARNING})


def blocker(code: str, message: str, fix: str = "", since: datetime | None = None) -> Finding:
    return Finding(code=code, severity=Severity.BLOCKER, message=message, fix=fix, since=since)


def warning(code: str, message: str, fix: str = "", since: datetime | None = None) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, message=message, fix=fix, since=since)


def note(code: str, message: str, fix: str = "", since: datetime | None = None) -> Finding:
    return Finding(code=code, severity=Severity.NOTE, message=message, fix=fix, since=since)

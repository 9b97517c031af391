"""Findings of any code and severity, for tests of what is done with them. The app makes its own from its catalog."""

from datetime import datetime

from shared.model.findings import Finding, Severity


def blocker(code: str, message: str, fix: str = "", since: datetime | None = None) -> Finding:
    return Finding(code=code, severity=Severity.BLOCKER, message=message, fix=fix, since=since)


def warning(code: str, message: str, fix: str = "", since: datetime | None = None) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, message=message, fix=fix, since=since)


def note(code: str, message: str, fix: str = "", since: datetime | None = None) -> Finding:
    return Finding(code=code, severity=Severity.NOTE, message=message, fix=fix, since=since)

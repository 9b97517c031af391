"""How much memory a process of this machine holds, in MB."""

from pathlib import Path


def resident(pid: int) -> float:
    """The resident set now."""
    return _megabytes(pid, "VmRSS")


def peak(pid: int) -> float:
    """The largest resident set that the process has had."""
    return _megabytes(pid, "VmHWM")


def _megabytes(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(f"{name}:"))) / 1024

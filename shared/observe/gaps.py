"""Incomplete reads: the failure of one does not stop the others, and each is recorded as a gap."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

from azure.core.exceptions import AzureError

from shared.arm.errors import ThrottledError, text_of
from shared.site_recovery.vault import VaultNotFoundError

T = TypeVar("T")
log = logging.getLogger("dr.inventory")

Gaps = dict[str, Exception]
"""The error of each read that was not complete."""

_LONGEST_GAP = 1000


async def or_gap(read: Awaitable[T], what: str, gaps: Gaps) -> T | None:
    """The result, or None and a gap, whatever went wrong: one list does not stop the others."""
    try:
        return await read
    except ThrottledError:
        raise
    except Exception as fault:
        record(gaps, what, fault)
        return None


def record(gaps: Gaps, what: str, fault: Exception) -> None:
    """Records a gap; what neither Azure nor the network explains is logged with its stack trace."""
    gaps[what] = fault
    if not isinstance(fault, AzureError | VaultNotFoundError):
        log.error("%s could not be read", what, exc_info=fault)


def in_words(what: str, fault: Exception) -> str:
    if isinstance(fault, VaultNotFoundError):
        return str(fault)
    return f"{what[0].upper()}{what[1:]} could not be read in full: {text_of(fault)}"[:_LONGEST_GAP]

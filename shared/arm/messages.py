"""The messages that are due after a sweep, and that they were published, which only the archive remembers.

They are published first, then kept: what fails between the two is published once more by the next sweep, with the same
IDs.
"""

import logging
from typing import TYPE_CHECKING, NamedTuple

from shared.arm.archive import ArchiveError, not_writable
from shared.arm.message_files import drills_after, keep_state, read_state
from shared.config.environment import page_url
from shared.model.findings import Finding
from shared.planning.catalog import finding_of
from shared.reconcile.inventory import ComplianceReport
from shared.reconcile.sweep import SweepReport
from shared.reporting.events import OutcomeEvent
from shared.reporting.message_state import MessageState
from shared.reporting.messages import About, counted, digest_of, of_drills, of_transitions
from shared.reporting.transitions import compare

if TYPE_CHECKING:
    from shared.arm.client import Azure

log = logging.getLogger("dr.messages")


class Due(NamedTuple):
    """The events to publish, and the state to keep once they are; None if it is as before. `stopped` says why there
    are none, if the archive is the reason."""

    events: tuple[OutcomeEvent, ...] = ()
    state: MessageState | None = None
    stopped: tuple[Finding, ...] = ()


async def messages_of_sweep(azure: "Azure", report: SweepReport, found: ComplianceReport) -> Due:
    """None without an archive, or if it cannot be read: that is `stopped`, and the next sweep finds the same."""
    if why := azure.settings.messages_disabled:
        log.info("No transition and no digest is published: %s", why)
    if not azure.archive:
        return Due()
    try:
        return await _due(azure, report, found)
    except ArchiveError as fault:
        stopped = finding_of("ArchiveNotReadable", f"No transition and no digest is published: {fault}.")
        log.error("%s: %s", stopped.code, stopped.message)
        return Due(stopped=(stopped,))


async def _due(azure: "Azure", report: SweepReport, found: ComplianceReport) -> Due:
    today, publishes = report.read_at.date(), not azure.settings.messages_disabled
    before = await read_state(azure.archive, today)
    drill, drills = await drills_after(azure.archive, before.drill, today)
    compared = compare(before.causes, found, before.acknowledged, publishes=publishes)
    state = before.with_(
        drill=drill,
        causes=compared.causes,
        acknowledged=compared.acknowledged,
        begun=counted(before.begun, (each.cause.code for each in compared.transitions if each.begins)),
        resolved=counted(before.resolved, (each.cause.code for each in compared.transitions if not each.begins)),
        drills=counted(before.drills, (each["result"] for each in drills)),
    )
    about = About(azure.settings.vault_ids[0], report.ended_at or report.read_at, before.name, page_url())
    events = [*of_transitions(about, compared.transitions), *of_drills(about, drills)]
    if before.digest is None or before.digest < today:
        on_hold = sum(each.on_hold for each in found.vm_statuses)
        state = state.with_(digest=today)
        events.append(digest_of(about, report, on_hold, state))
        state = state.with_(begun={}, resolved={}, drills={})
    return Due(tuple(events), state if state.differs(before) else None)


async def keep(azure: "Azure", due: Due, report: SweepReport) -> None:
    """Keeps that the messages were published. If that fails, the log says so, for an alert."""
    if due.state is None:
        return
    try:
        await keep_state(azure.archive, due.state, report.read_at)
    except ArchiveError as fault:
        not_writable("which messages were published", fault)

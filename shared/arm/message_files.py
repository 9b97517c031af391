"""Reads and writes what the archive holds of messages: the state after a sweep, and what was acknowledged since."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from shared.arm.archive import Archive, ArchiveError
from shared.arm.archive_days import NOT_AS_WRITTEN, day_in
from shared.model.acknowledgement import Acknowledgement
from shared.model.caller import Caller
from shared.model.resource_id import ResourceId
from shared.reporting.archive import File, Json, Stream
from shared.reporting.message_state import MessageState, after_orders, is_state, order
from shared.reporting.rollup import drill_of, each_once, month_of

if TYPE_CHECKING:
    from shared.arm.client import Azure


async def read_state(archive: Archive, today: date) -> MessageState:
    """The newest state, with what was ordered since. An empty one if there is none. Raises ArchiveError."""
    names = await _recent(archive, Stream.MESSAGES, today)
    read: dict[str, File] = {}
    state = await _newest_state(archive, names, read)
    if state is None:
        names = await archive.names(f"{Stream.MESSAGES}/")
        state = await _newest_state(archive, names, read) or MessageState()
    later = [name for name in names if name > state.through and name != state.name]
    headers = [(read[name] if name in read else await archive.read(name)).header for name in later]
    try:
        state = after_orders(state, [header for header in headers if not is_state(header)])
        return state.with_(through=names[-1] if names else "")
    except NOT_AS_WRITTEN as fault:
        raise ArchiveError(f"an acknowledgement is not as it was written: {fault!r}") from fault


async def _newest_state(archive: Archive, names: list[str], read: dict[str, File]) -> MessageState | None:
    for name in reversed(names):
        if name not in read:
            read[name] = await archive.read(name)
        if is_state(read[name].header):
            try:
                return MessageState.load(read[name])
            except NOT_AS_WRITTEN as fault:
                raise ArchiveError(f"{name} is not as it was written: {fault!r}") from fault
    return None


async def keep_state(archive: Archive, state: MessageState, read_at: datetime) -> None:
    """As the newest file, whatever the clocks say: by its name it counts. Not on the day of the sweep, which may be
    summed up by then. Raises ArchiveError."""
    today = datetime.now(UTC).date()
    day = max(today, day_in(state.through)) if state.through else today
    await archive.append(Stream.MESSAGES, state.header(read_at), state.rows, day=day)


async def keep_order(archive: Archive, what: str, acknowledgement: Acknowledgement, asked_by: Caller) -> None:
    """Raises ArchiveError."""
    await archive.append(Stream.MESSAGES, order(what, acknowledgement, asked_by))


async def drills_after(archive: Archive, last: str, today: date) -> tuple[str, list[Json]]:
    """The newest file of a drill, and the drills whose files came after the `last` one. Without a last one none:
    what was before the first state is not published. Raises ArchiveError."""
    names = await _recent(archive, Stream.DRILLS, today)
    newest = names[-1] if names else f"{Stream.DRILLS}/"
    found: list[Json] = []
    for name in names:
        if last and name > last:
            try:
                drill = drill_of((await archive.read(name)).header)
                ResourceId(drill["vmId"]), datetime.fromisoformat(drill["endedAt"])
            except NOT_AS_WRITTEN:
                continue  # the report of the day says that it could not be read
            found.append(drill)
    return max(newest, last), each_once(found)


async def acknowledgements(
    azure: "Azure", within: float | None = None
) -> Mapping[ResourceId, tuple[Acknowledgement, ...]]:
    """What is acknowledged, by the VM: at most `within` seconds old, by default two poll intervals. Raises
    ArchiveError."""
    if not azure.archive:
        return {}
    shortly = 2 * azure.settings.poll_seconds
    return await azure.shared(
        "acknowledgements", lambda: _acknowledgements(azure.archive), shortly if within is None else within
    )


async def _acknowledgements(archive: Archive) -> Mapping[ResourceId, tuple[Acknowledgement, ...]]:
    now, found = datetime.now(UTC), dict[ResourceId, tuple[Acknowledgement, ...]]()
    for each in (await read_state(archive, now.date())).acknowledged:
        if each.until is None or now < each.until:
            found[each.vm_id] = (*found.get(each.vm_id, ()), each)
    return found


async def _recent(archive: Archive, stream: Stream, today: date) -> list[str]:
    """The files of a stream, of this month and the one before."""
    months = {month_of(today.replace(day=1) - timedelta(days=1)), month_of(today)}
    return [name for month in sorted(months) for name in await archive.names(f"{stream}/{month}")]

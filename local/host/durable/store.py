"""Histories and unfinished work in SQLite.

A turn is one transaction: consumed messages, new history, scheduled work and the new state become durable together, so
that after a kill at any moment nothing is lost and nothing is doubled. All calls are made from the
event loop's thread: in WAL mode a transaction costs a tenth of a millisecond, less than handing it to a thread.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from local.host.durable.events import Event, played, to_json

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE instances (
    id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, version TEXT, input TEXT,
    parent TEXT,                     -- JSON [instance ID, execution ID, task ID] of a sub-orchestration's parent
    status TEXT NOT NULL, custom_status TEXT, output TEXT, created REAL NOT NULL, updated REAL NOT NULL,
    started INTEGER NOT NULL,        -- 0 while the first turn of a generation is due
    carried TEXT                     -- JSON array: events for the first turn of this generation
) WITHOUT ROWID;
CREATE INDEX unstarted ON instances (id) WHERE started = 0;
CREATE TABLE history (
    instance_id TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (instance_id, seq)
) WITHOUT ROWID;
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY, instance_id TEXT NOT NULL,
    execution_id TEXT,               -- NULL: for whichever generation runs when it is read
    event TEXT NOT NULL
);
CREATE INDEX inbox_of ON inbox (instance_id);
CREATE TABLE activities (
    seq INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, execution_id TEXT NOT NULL, task_id INTEGER NOT NULL,
    name TEXT NOT NULL, input TEXT
);
CREATE TABLE timers (
    instance_id TEXT NOT NULL, execution_id TEXT NOT NULL, task_id INTEGER NOT NULL, fire_at REAL NOT NULL,
    PRIMARY KEY (instance_id, execution_id, task_id)
) WITHOUT ROWID;
"""

Table = Literal["history", "inbox", "timers", "activities"]

ENDED = ("Completed", "Failed", "Terminated")


class Parent(NamedTuple):
    """The parent to which a sub-orchestration reports."""

    instance_id: str
    execution_id: str
    task_id: int


class ActivityWork(NamedTuple):
    seq: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None


class TimerWork(NamedTuple):
    """A timer, ordered by its due time in seconds since the epoch."""

    fire_at: float
    instance_id: str
    execution_id: str
    task_id: int


@dataclass
class Instance:
    """One row of the instances. Input, custom status and output are JSON texts; times are seconds since the epoch."""

    id: str
    execution_id: str
    name: str
    version: str | None
    input: str | None
    parent: Parent | None = None
    status: str = "Pending"
    custom_status: str | None = None
    output: str | None = None
    created: float = 0
    updated: float = 0
    started: bool = False
    carried: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True)
class Selection:
    """Instances created in the span, in one of the statuses (none given: all), whose ID starts with the prefix."""

    created_from: float = 0
    created_to: float | None = None
    statuses: tuple[str, ...] = ()
    prefix: str = ""


def _where(chosen: Selection) -> tuple[str, list[Any]]:
    where = "WHERE created >= ? AND created <= ? AND substr(id, 1, ?) = ?"
    if chosen.statuses:
        where += f" AND status IN ({', '.join('?' * len(chosen.statuses))})"
    created_to = time.time() + 1 if chosen.created_to is None else chosen.created_to
    return where, [chosen.created_from, created_to, len(chosen.prefix), chosen.prefix, *chosen.statuses]


class Message(NamedTuple):
    seq: int
    execution_id: str | None
    event: str


@dataclass(frozen=True)
class Turn:
    """The input of a turn. The history is JSON texts, as stored."""

    instance: Instance
    history: list[str]
    messages: list[Message]


class IncompatibleHistoryError(Exception):
    """The state directory was written by another version of the host."""


class Store:
    """The durable state of a task hub. Raises IncompatibleHistoryError when the file has another layout."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if not version:
            self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise IncompatibleHistoryError(
                f"{path} was written by another version of the local host: use a new --state-dir"
            )

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Instances

    def instance(self, instance_id: str) -> Instance | None:
        return next(self._instances("WHERE id = ?", [instance_id]), None)

    def instances(self, chosen: Selection, first: str = "", most: int = -1) -> list[Instance]:
        """Instances in the order of their IDs, from the ID `first` on, at most `most`."""
        where, values = _where(chosen)
        return list(self._instances(f"{where} AND id >= ? ORDER BY id LIMIT ?", [*values, first, most]))

    def _instances(self, where: str, values: list[Any]) -> Iterator[Instance]:
        columns = (
            "id, execution_id, name, version, input, parent, status, custom_status, output, created, updated, started,"
            " carried"
        )
        for row in self._db.execute(f"SELECT {columns} FROM instances {where}", values):  # noqa: S608
            instance = Instance(*row)
            instance.parent = Parent(*json.loads(row[5])) if row[5] else None
            yield instance

    def write(self, instance: Instance) -> None:
        """Inserts or replaces the row. Call it inside a transaction."""
        self._db.execute(
            "INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                instance.id,
                instance.execution_id,
                instance.name,
                instance.version,
                instance.input,
                to_json(instance.parent) if instance.parent else None,
                instance.status,
                instance.custom_status,
                instance.output,
                instance.created,
                instance.updated,
                instance.started,
                instance.carried,
            ),
        )

    def clear(self, instance_id: str, *tables: Table) -> None:
        """Deletes an instance from all tables."""
        for table in tables:
            self._db.execute(f"DELETE FROM {table} WHERE instance_id = ?", (instance_id,))  # noqa: S608

    def purge(self, instance_ids: Iterable[str]) -> None:
        with self.transaction():
            for instance_id in instance_ids:
                self.clear(instance_id, "history", "inbox", "timers", "activities")
                self._db.execute("DELETE FROM instances WHERE id = ?", (instance_id,))

    def purge_chosen(self, chosen: Selection, most: int) -> int:
        """Purges at most `most` of the selected instances, running ones too. Returns how many it purged."""
        where, values = _where(chosen)
        query = f"SELECT id FROM instances {where} LIMIT ?"  # noqa: S608
        ids = [instance_id for (instance_id,) in self._db.execute(query, [*values, most])]
        self.purge(ids)
        return len(ids)

    # Turns

    def turn(self, instance_id: str) -> Turn | None:
        """The next turn of an instance; None if it was purged."""
        if (instance := self.instance(instance_id)) is None:
            return None
        messages = self._db.execute(
            "SELECT seq, execution_id, event FROM inbox WHERE instance_id = ? ORDER BY seq", (instance_id,)
        )
        return Turn(instance, self.history(instance_id), [Message(*row) for row in messages])

    def history(self, instance_id: str) -> list[str]:
        rows = self._db.execute("SELECT event FROM history WHERE instance_id = ? ORDER BY seq", (instance_id,))
        return [text for (text,) in rows]

    def consume(self, messages: Iterable[Message]) -> None:
        self._db.executemany("DELETE FROM inbox WHERE seq = ?", [(message.seq,) for message in messages])

    def append_history(self, instance_id: str, length: int, events: Iterable[Event]) -> None:
        """Appends after the first `length` events. Call it inside a transaction."""
        rows = [(instance_id, length + number, text) for number, text in enumerate(played(events))]
        self._db.executemany("INSERT INTO history VALUES (?, ?, ?)", rows)

    # Messages and work

    def send(self, instance_id: str, event: Event, execution_id: str | None = None) -> None:
        """Puts a message into the inbox of an instance. Call it inside a transaction."""
        self._db.execute(
            "INSERT INTO inbox (instance_id, execution_id, event) VALUES (?, ?, ?)",
            (instance_id, execution_id, to_json(event)),
        )

    def add_activity(self, instance: Instance, task_id: int, name: str, text: str | None) -> int:
        cursor = self._db.execute(
            "INSERT INTO activities (instance_id, execution_id, task_id, name, input) VALUES (?, ?, ?, ?, ?)",
            (instance.id, instance.execution_id, task_id, name, text),
        )
        assert cursor.lastrowid is not None  # noqa: S101
        return cursor.lastrowid

    def activity(self, seq: int) -> ActivityWork | None:
        row = self._db.execute("SELECT * FROM activities WHERE seq = ?", (seq,)).fetchone()
        return ActivityWork(*row) if row else None

    def finish_activity(self, work: ActivityWork, event: Event) -> None:
        """Removes the activity and sends its result to the instance, if that still exists."""
        with self.transaction():
            if self._db.execute("DELETE FROM activities WHERE seq = ?", (work.seq,)).rowcount:
                self.send(work.instance_id, event, work.execution_id)

    def add_timer(self, timer: TimerWork) -> None:
        self._db.execute(
            "INSERT INTO timers VALUES (?, ?, ?, ?)",
            (timer.instance_id, timer.execution_id, timer.task_id, timer.fire_at),
        )

    def fire_timers(self, due: Iterable[tuple[TimerWork, Event]]) -> list[str]:
        """Sends the events of due timers that are not cancelled; returns the instances that received them."""
        fired = []
        with self.transaction():
            for timer, event in due:
                wanted = self._db.execute(
                    "DELETE FROM timers WHERE instance_id = ? AND execution_id = ? AND task_id = ?", timer[1:]
                )
                if wanted.rowcount:
                    self.send(timer.instance_id, event, timer.execution_id)
                    fired.append(timer.instance_id)
        return fired

    # Work found at a restart

    def unfinished_instances(self) -> list[str]:
        rows = self._db.execute("SELECT instance_id FROM inbox UNION SELECT id FROM instances WHERE started = 0")
        return [instance_id for (instance_id,) in rows]

    def unfinished_activities(self) -> list[int]:
        return [seq for (seq,) in self._db.execute("SELECT seq FROM activities ORDER BY seq")]

    def timers(self) -> list[TimerWork]:
        rows = self._db.execute("SELECT fire_at, instance_id, execution_id, task_id FROM timers")
        return [TimerWork(*row) for row in rows]

"""Batch jobs and their progress, on disk, so that a restart of the server loses nothing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

_ENDED = ("Failed", "Cancelled", "Finished")

_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, started INTEGER NOT NULL DEFAULT 0,
    output TEXT NOT NULL, details TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL, started_at REAL, ended_at REAL
);
CREATE TABLE IF NOT EXISTS files (
    job TEXT NOT NULL REFERENCES jobs, number INTEGER NOT NULL, source TEXT NOT NULL,
    target TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, number)
);
"""


@dataclass(frozen=True)
class Job:
    """A batch job.

    Attributes
    ----------
    id : str
        The id that the client uses.
    state : str
        ``"NotStarted"``, ``"Running"``, ``"Failed"``, ``"Cancelled"`` or ``"Finished"``.
    started : bool
        Whether the client has started it.
    output : str
        Where its output goes, relative to the batch folder.
    details : str
        Why it failed.
    created_at, started_at, ended_at : float or None
        Seconds since 1970.
    files, done, rows : int
        The number of its files, of those that are done, and of their rows.
    """

    id: str
    state: str
    started: bool
    output: str
    details: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    files: int
    done: int
    rows: int


@dataclass(frozen=True)
class Step:
    """A file of a job."""

    number: int
    source: str
    target: str


class JobStore:
    """The jobs of a batch folder.

    Parameters
    ----------
    path : str
        The database file.
    """

    def __init__(self, path: str) -> None:
        # The paths that jobs read and write are private; SQLite would make the file world-readable.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA busy_timeout=5000")
        self._connection.executescript(_TABLES)

    def create(self, output: str, steps: Sequence[tuple[str, str]]) -> str:
        """Store a new job, with the source and target of each file; return its id."""
        number = uuid.uuid4().hex
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO jobs (id, state, output, created_at) VALUES (?, 'NotStarted', ?, ?)",
                (number, output, time.time()),
            )
            connection.executemany(
                "INSERT INTO files (job, number, source, target) VALUES (?, ?, ?, ?)",
                [(number, place, *step) for place, step in enumerate(steps)],
            )
        return number

    def find(self, number: str) -> Job | None:
        """Return a job by its id."""
        row = self._connection.execute(
            "SELECT id, state, started, output, details, created_at, started_at, ended_at,"
            " (SELECT COUNT(*) FROM files WHERE job = id),"
            " (SELECT COUNT(*) FROM files WHERE job = id AND done),"
            " (SELECT COALESCE(SUM(rows), 0) FROM files WHERE job = id AND done)"
            " FROM jobs WHERE id = ?",
            (number,),
        ).fetchone()
        return None if row is None else Job(row[0], row[1], bool(row[2]), *row[3:])

    def start(self, number: str) -> bool:
        """Put a job in the queue; return False if it was there before."""
        return self._change(
            "UPDATE jobs SET started = 1 WHERE id = ? AND NOT started AND state = 'NotStarted'",
            (number,),
        )

    def cancel(self, number: str) -> bool:
        """Cancel a job; return False if it had already ended."""
        marks = ", ".join("?" * len(_ENDED))
        return self._change(
            "UPDATE jobs SET state = 'Cancelled', ended_at = ?"
            f" WHERE id = ? AND state NOT IN ({marks})",
            (time.time(), number, *_ENDED),
        )

    def next_job(self, excluding: Collection[str] = ()) -> str | None:
        """Return the next job: one that was interrupted, or else the oldest that was started."""
        marks = ", ".join("?" * len(excluding))
        row = self._connection.execute(
            "SELECT id FROM jobs WHERE started AND state IN ('Running', 'NotStarted')"
            f" AND id NOT IN ({marks})"
            " ORDER BY state = 'Running' DESC, created_at LIMIT 1",
            tuple(excluding),
        ).fetchone()
        return None if row is None else str(row[0])

    def begin(self, number: str) -> None:
        """Record that a job is running."""
        self._change(
            "UPDATE jobs SET state = 'Running', started_at = COALESCE(started_at, ?)"
            " WHERE id = ? AND state IN ('NotStarted', 'Running')",
            (time.time(), number),
        )

    def next_step(self, number: str) -> Step | None:
        """Return the first file of a job that is not done."""
        row = self._connection.execute(
            "SELECT number, source, target FROM files WHERE job = ? AND NOT done"
            " ORDER BY number LIMIT 1",
            (number,),
        ).fetchone()
        return None if row is None else Step(*row)

    def step_done(self, number: str, step: Step, rows: int) -> None:
        """Record that a file is done."""
        self._change(
            "UPDATE files SET done = 1, rows = ? WHERE job = ? AND number = ?",
            (rows, number, step.number),
        )

    def end(self, number: str, state: str, details: str = "") -> None:
        """Record how a job ended, unless it was cancelled meanwhile."""
        self._change(
            "UPDATE jobs SET state = ?, details = ?, ended_at = ?"
            " WHERE id = ? AND state = 'Running'",
            (state, details, time.time(), number),
        )

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _change(self, statement: str, values: Sequence[object]) -> bool:
        return self._connection.execute(statement, values).rowcount == 1

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

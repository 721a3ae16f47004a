"""How far a statement of another session is, as far as PostgreSQL tells."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dbmigrate.adapters.journal import MARK
from dbmigrate.adapters.login import execute_outside
from dbmigrate.domain.progress import Progress

# What share of a concurrent build is over when a phase begins, and how much of it the phase is: as builds on
# tables of 1e5 to 5e6 rows went. Only the phases that scan count blocks, only those that fill count tuples.
PHASES = {
    "initializing": (0, 0),
    "waiting for writers before build": (0, 0),
    "building index: scanning table": (0, 35),
    "building index: sorting live tuples": (35, 10),
    "building index: loading tuples in tree": (45, 25),
    "waiting for writers before validation": (70, 0),
    "index validation: scanning index": (70, 8),
    "index validation: sorting tuples": (78, 2),
    "index validation: scanning table": (80, 19),
    "waiting for old snapshots": (99, 0),
    "waiting for readers before marking dead": (99, 0),
    "waiting for readers before dropping": (99, 0),
}
# A waiting phase names the session that it waits for; VALIDATE and REFRESH, without a view of their own, are
# blocked like anybody.
QUERY = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - a.query_start), 0)::float, p.phase,
       p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total, b.pid,
       coalesce(nullif(b.application_name, ''), 'no name')
  FROM pg_stat_activity a LEFT JOIN pg_stat_progress_create_index p USING (pid)
  LEFT JOIN pg_stat_activity b
    ON b.pid = coalesce(nullif(p.current_locker_pid, 0), (pg_blocking_pids(a.pid))[1])
   AND (a.wait_event_type = 'Lock' OR p.phase LIKE 'waiting%')
 WHERE a.pid = {pid}"""
EARLIEST_GUESS = 5.0
"""Percent from which on the time left is foretold."""


@dataclass(frozen=True)
class Seen:
    """One look. ``seconds`` is how long the statement has been running."""

    seconds: float
    phase: str = ""
    percent: float | None = None
    rows: tuple[int, int] | None = None
    waits_for: str = ""

    def upon(self, progress: Progress) -> Progress:
        """The progress with what was seen."""
        left = None
        if self.percent is not None and self.percent >= EARLIEST_GUESS and not self.waits_for:
            left = round(self.seconds * (100 - self.percent) / self.percent, 1)
        done, total = self.rows or (None, None)
        # Where it can be measured, a detail that stays the same says that nothing moves.
        words = [self.phase, self.waits_for, "" if self.phase else f"for {self.seconds:.0f} s"]
        return replace(
            progress,
            percent=self.percent,
            rows_done=done,
            rows_total=total,
            seconds_left=left,
            detail=", ".join(filter(None, words)),
        )


def look_at(connection: Connection, pid: int) -> Seen:
    """What the session ``pid`` does now."""
    raw = connection.connection.driver_connection
    rows = execute_outside(raw, MARK + QUERY.format(pid=pid))
    if not rows:
        return Seen(0.0)
    seconds, phase, blocks, blocks_total, tuples, tuples_total, pid_of, name = rows[0]
    begins, share = PHASES.get(phase or "", (0, 0))
    done, total = (tuples, tuples_total) if tuples_total else (blocks, blocks_total)
    # Until it has read its first blocks a scan says that it has read them all.
    part = done / total if total and (done < total or tuples_total) else 0
    percent = None if phase is None else round(begins + share * part, 1)
    rows_of = (int(tuples), int(tuples_total)) if tuples_total else None
    waits = f"waits for pid {pid_of} ({name})" if pid_of else ""
    return Seen(float(seconds), phase or "", percent, rows_of, waits)

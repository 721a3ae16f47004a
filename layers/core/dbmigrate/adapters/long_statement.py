"""Long statements outlive the invocation that began them: each runs in a session of its own, and a later
invocation waits for it, and asks the catalog what became of it."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pg8000.dbapi
from sqlalchemy import Connection, event

from dbmigrate.adapters import long_catalog
from dbmigrate.adapters.handles import Handles
from dbmigrate.adapters.journal import MARK, Entry, Journal, version_of
from dbmigrate.adapters.login import execute_outside, facts_of
from dbmigrate.adapters.long_forms import ATOMIC, Long, long_statement
from dbmigrate.adapters.long_session import LongSession
from dbmigrate.adapters.migrators import Holder, long_holder
from dbmigrate.adapters.operations.conduct import pause_before
from dbmigrate.adapters.operations.under_way import under_way
from dbmigrate.adapters.run_conductor import RunConductor
from dbmigrate.adapters.said import ENDED, said
from dbmigrate.adapters.statement_progress import Seen, look_at
from dbmigrate.adapters.target import Target
from dbmigrate.domain.errors import DatabaseUnreachable, RevisionFailed, RunStopped, WorkContinues
from dbmigrate.domain.progress import Progress

CREATE, DROP = "CREATE INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY"
REINDEX, DETACH = "REINDEX CONCURRENTLY", "DETACH PARTITION CONCURRENTLY"
LOCK_NOT_AVAILABLE = "55P03"
POLL_SECONDS = 0.5
ADOPT_SECONDS = 20.0
"""How long an invocation looks at what an earlier one began, before the state machine waits for it."""
SHORTEST_WAIT, LONGEST_WAIT = 15, 300
UNHEARD_TRIES = 5
"""How often a build may end INVALID without anybody there to hear why."""
IDLE_SECONDS = 2.0
SHORT_SECONDS = 0.1
"""What ends sooner is not looked at."""


class LongStatements:
    """Those of one run, on whose connection it listens."""

    def __init__(
        self,
        connection: Connection,
        target: Target,
        conductor: RunConductor,
        handles: Handles | None = None,
    ) -> None:
        self.connection, self.target, self.conductor, self.handles = connection, target, conductor, handles

    def listen(self) -> None:
        """To the connection's engine, which ends with the run."""
        event.listen(self.connection.engine, "do_execute", self._of_parameters)
        event.listen(self.connection.engine, "do_execute_no_params", self._of_none)

    def _of_parameters(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        return self._take_over(statement, parameters)

    def _of_none(self, cursor: Any, statement: str, context: Any) -> bool | None:
        return self._take_over(statement, ())

    def _take_over(self, statement: str, parameters: Any) -> bool | None:
        """Whether it was done here; whatever is open on the revision's session keeps it there."""
        raw: Any = self.connection.connection.driver_connection
        if not raw.autocommit or raw._in_transaction:
            return None
        form = long_statement(statement, parameters)
        if form is None or long_catalog.is_temporary(self.ask, form):
            return None
        self._run(form)
        return True

    def ask(self, sql: str) -> list[list[Any]]:
        return execute_outside(self.connection.connection.driver_connection, MARK + sql)

    def adopt(self) -> None:
        """Wait for the statement that an earlier invocation, or a run that died, left to PostgreSQL. Raises
        WorkContinues and RunStopped."""
        until = time.monotonic() + ADOPT_SECONDS
        while holder := long_holder(self.connection):
            if holder.state == "idle" and holder.since > IDLE_SECONDS:
                # Its client vanished without a word; nothing is at work there any more.
                self.ask(f"SELECT pg_terminate_backend({holder.pid})")
            seen = look_at(self.connection, holder.pid)
            progress = seen.upon(self._progress_of(holder))
            try:
                self.conductor.watch(progress, _wait(seen, progress))
            except RunStopped:
                self.ask(f"SELECT pg_cancel_backend({holder.pid})")
                raise
            if self.conductor.has_deadline and time.monotonic() > until:
                raise WorkContinues(progress, _wait(seen, progress))
            time.sleep(POLL_SECONDS)

    def _progress_of(self, holder: Holder) -> Progress:
        form = long_statement(holder.query.partition(";")[0])
        what = form.verb if form else "statement of an earlier run"
        step = f"pid {holder.pid} goes on ({holder.application})"
        return Progress(self.conductor.revision, what, form.shown if form else "", step)

    def _run(self, form: Long) -> None:
        if under_way.get() is not None and form.verb != CREATE:
            self._in_session(form, form.sql)
            return
        journal = Journal(self.ask, self.conductor.revision, version_of(self.ask, "alembic_version"))
        entry = journal.begin(form.verb, form.shown, form.name, {"statement": form.sql}, 1)
        if not entry.fresh:
            self._forget_sessions()
        sql: str | None = form.sql
        if under_way.get() is None:
            entry, sql = self._what_is_left(form, journal, entry)
        if sql is not None:
            self._count(form, journal, entry)
            try:
                (self._detach if form.verb == DETACH else self._in_session)(form, sql, entry.id)
            except pg8000.dbapi.Error:
                self._take_back(form, journal, entry)
                raise
        if under_way.get() is None:
            journal.finish(entry)
        else:
            journal.forget(entry)  # the operation knows its own

    def _forget_sessions(self) -> None:
        """Those of this run that were left alone have ended: ``adopt`` has seen to that."""
        if self.handles is None:
            return
        with contextlib.suppress(Exception):
            for handle in self.handles.all(self.conductor.run):
                if handle.application.endswith(" long"):
                    self.handles.forget(self.conductor.run, handle.pid)

    def _what_is_left(self, form: Long, journal: Journal, entry: Entry) -> tuple[Entry, str | None]:
        """The statement that brings it to its end, after what an earlier try left; None when it is done."""
        if form.verb == CREATE and form.name:
            return self._of_build(form, journal, entry)
        done = not entry.fresh and self._was_done(form, entry)
        if form.verb == REINDEX and not done:
            self._clear_leftovers(form, journal, entry)
        if form.verb == DETACH and not done:
            pending = long_catalog.partition_of(self.ask, form) == "pending"
            finish = f"ALTER TABLE {form.table} DETACH PARTITION {form.name} FINALIZE"
            return entry, finish if pending and not entry.fresh else form.sql
        return entry, None if done else form.sql

    def _was_done(self, form: Long, entry: Entry) -> bool:
        if form.verb == DROP:
            return long_catalog.index_of(self.ask, form) is None
        if form.verb == REINDEX:
            return entry.finished or long_catalog.was_reindexed(self.ask, form, entry.cursor)
        if form.verb == DETACH:
            return long_catalog.partition_of(self.ask, form) == "detached"
        return entry.finished

    def _of_build(self, form: Long, journal: Journal, entry: Entry) -> tuple[Entry, str | None]:
        found = long_catalog.index_of(self.ask, form)
        if found is None:
            return journal.claim(entry), form.sql
        name, valid = found
        if not entry.free:
            journal.forget(entry)
            if valid:
                return entry, form.sql  # PostgreSQL's own word about a name that is taken
            raise self._not_ours(name)
        if not valid:
            self._in_session(form, f"DROP INDEX CONCURRENTLY {name}", step="dropping what is left")
        return entry, None if valid else form.sql

    def _not_ours(self, name: str) -> RevisionFailed:
        return RevisionFailed(
            f"Revision {self.conductor.revision}: index {name} is there already and INVALID, and no try of "
            "this revision made it: somebody else's build failed, or still goes on.",
            f"nothing was changed; look whose it is, then: DROP INDEX CONCURRENTLY {name}",
        )

    def _clear_leftovers(self, form: Long, journal: Journal, entry: Entry) -> None:
        known = json.loads(entry.cursor or "{}").get("left")
        left = long_catalog.leftovers_of(self.ask, form)
        if known is None:
            oids = long_catalog.indexes_of(self.ask, form)
            journal.note(entry, json.dumps({"left": left, "oids": oids}))
            return
        for name in left:
            if name not in known:
                self._in_session(form, f"DROP INDEX CONCURRENTLY {name}", step=f"dropping {name}")

    def _count(self, form: Long, journal: Journal, entry: Entry) -> None:
        """A build that ends INVALID while nobody listens is begun anew, but not for ever."""
        if form.verb != CREATE:
            return
        tries = int(json.loads(entry.cursor or "{}").get("tries", 0))
        if tries >= UNHEARD_TRIES:
            raise RevisionFailed(
                f"Revision {self.conductor.revision}: {form.sql} ended {tries} times with an INVALID index, "
                "each time when no invocation was there to hear why.",
                "read why in the server's log (for a UNIQUE index mostly rows that are not), mend it, drop "
                f"the index and begin anew: DROP INDEX CONCURRENTLY {form.name}; DELETE FROM dbmigrate.work",
            )
        journal.note(entry, json.dumps({"tries": tries + 1}))

    def _take_back(self, form: Long, journal: Journal, entry: Entry) -> None:
        """After an error of PostgreSQL's own: leave nothing of the statement, where that can be."""
        if form.verb == CREATE:
            mine = entry.free and form.name and under_way.get() is None
            found = long_catalog.index_of(self.ask, form) if mine else None
            if found and not found[1]:
                self._in_session(form, f"DROP INDEX CONCURRENTLY {found[0]}", step="dropping what is left")
        elif form.verb == REINDEX:
            self._clear_leftovers(form, journal, entry)
        elif form.verb == DROP:
            found = long_catalog.index_of(self.ask, form)
            if found is None or not found[1]:
                return
        elif form.verb == DETACH and long_catalog.partition_of(self.ask, form) != "attached":
            return
        journal.forget(entry)

    def _detach(self, form: Long, sql: str, line: int) -> None:
        """At its end it takes ACCESS EXCLUSIVE on the partition, so it is short and tried often."""
        until, tries = time.monotonic() + self.conductor.limits.concurrent_lock / 1000, 0
        while True:
            try:
                return self._in_session(form, sql, line)
            except pg8000.dbapi.Error as error:
                tries += 1
                if facts_of(error).get("C") != LOCK_NOT_AVAILABLE or time.monotonic() > until:
                    raise
            self.conductor.watch(self._base(form, "waits for a lock"), SHORTEST_WAIT)
            time.sleep(pause_before(tries))
            if long_catalog.partition_of(self.ask, form) == "pending":
                sql = f"ALTER TABLE {form.table} DETACH PARTITION {form.name} FINALIZE"

    def _in_session(self, form: Long, sql: str, line: int = 0, step: str = "") -> None:
        base = self._base(form, step)
        self.adopt()
        session = LongSession(
            self.connection,
            self.target,
            self.conductor.limits,
            self.conductor.run,
            self.handles,
            short=form.verb == DETACH,
        )
        try:
            while not session.lock():
                self.adopt()
            done = f"; UPDATE dbmigrate.work SET finished = true WHERE id = {line}"
            session.start(sql + done if form.verb in ATOMIC else sql)
            self._attend(session, base)
        finally:
            session.close()
        if session.error is not None:
            raise self._ended(session.error, base)

    def _base(self, form: Long, step: str) -> Progress:
        if under_way.get() is not None and self.conductor.last is not None:
            return self.conductor.last
        return Progress(self.conductor.revision, form.verb, form.shown, step or form.name or "at work")

    def _attend(self, session: LongSession, base: Progress) -> None:
        """Watch it until it ends. When our time is over, the server goes on alone."""
        pause = 0.01
        try:
            while not session.done.wait(pause):
                pause = min(2 * pause, POLL_SECONDS)
                if pause > SHORT_SECONDS:
                    seen = look_at(self.connection, session.pid)
                    progress = seen.upon(base)
                    self.conductor.watch(progress, _wait(seen, progress))
        except RunStopped:
            session.cancel(self.connection)
            raise
        except BaseException:
            session.leave()
            raise

    def _ended(self, error: BaseException, base: Progress) -> BaseException:
        """What the statement's error means for the run."""
        code = facts_of(error).get("C", "")
        if self.conductor.wish(now=True) == "stop":
            return self.conductor.stopped(base)
        if not code or code in ENDED:
            return DatabaseUnreachable(
                f"Revision {self.conductor.revision}: the connection of {base.operation} {base.table} broke, "
                f"so its end is unknown ({said(error)}).",
                "ask the database what is true: db-migrate status; then go on: db-migrate deploy",
            )
        return error


def _wait(seen: Seen, progress: Progress) -> int:
    """Seconds until asking again makes sense: the longer it has taken, the longer it will."""
    guess = min(seen.seconds / 2, progress.seconds_left or LONGEST_WAIT)
    return int(max(SHORTEST_WAIT, min(guess, LONGEST_WAIT)))

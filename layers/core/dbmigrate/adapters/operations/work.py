"""A safe operation at work: short steps, each of which asks the catalog first whether it was done before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from alembic.operations import Operations
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.journal import MARK, Journal, version_of
from dbmigrate.adapters.operations.budget import Budget
from dbmigrate.adapters.operations.conduct import Conductor, Patient
from dbmigrate.adapters.operations.drivers import code_of, repair_autocommit
from dbmigrate.adapters.operations.under_way import UnderWay, under_way
from dbmigrate.domain.errors import RevisionFailed
from dbmigrate.domain.progress import Progress

__all__ = ["Work", "code_of", "work", "work_again"]
LOCK_CODES = ("55P03", "40P01")  # lock_not_available, deadlock_detected
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Names the level, as a database's own default may be one that fails where others write the same rows."""
LONG_LOCK_MS = 600_000
"""For CONCURRENTLY and VALIDATE: they wait for older transactions, and nobody waits behind them."""


class Work:
    """One operation of one revision. Offline (``alembic upgrade --sql``) its steps are only written.

    Steps are ``once`` (a short transaction under the lock budget) or ``alone`` (outside of any transaction).
    """

    def __init__(self, operations: Operations, operation: str, table: str, of: int) -> None:
        self.operations = operations
        self.operation = operation
        self.table = table
        self.of = of
        self.number = 0
        self._budget: Budget | None = None
        self.offline = operations.migration_context.as_sql
        self.conductor: Conductor = operations.migration_context.opts.get("conductor") or Patient()

    @property
    def connection(self) -> Connection:
        found = self.operations.migration_context.connection
        assert found is not None
        return found

    def begin(self, name: str, identity: Mapping[str, Any]) -> None:
        """Find the operation in the journal, or enter it there."""
        context = self.operations.migration_context
        schema = f"{context.version_table_schema}." if context.version_table_schema else ""
        version = version_of(self.ask, f"{schema}{context.version_table}")
        self.journal = Journal(self.ask, self.conductor.revision, version)
        self.entry = self.journal.begin(self.operation, self.table, name, identity, self.of)

    def ask(self, sql: str) -> list[Any]:
        """Run SQL of our own, unseen by whoever watches the revision's statements; [] offline."""
        if self.offline:
            return []
        cursor = self.connection.connection.cursor()
        try:
            # pg8000 knows by the first word that a broken transaction ends.
            cursor.execute(MARK + sql if sql != "ROLLBACK" else f"{sql} {MARK}")
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def is_true(self, sql: str) -> bool:
        """Whether the catalog says so; never offline."""
        rows = self.ask(f"SELECT {sql}")
        return bool(rows and rows[0][0])

    def run(self, sql: str) -> int:
        """Run one statement of the operation, seen as the revision's own; the number of its rows."""
        if not self.offline:
            if self._budget and (limit := self._budget.limit_for(sql)):
                self.ask(f"SET LOCAL lock_timeout = {limit}")
            bind, as_it_is = self.operations.get_bind(), {"no_parameters": True}
            return int(bind.exec_driver_sql(sql, execution_options=as_it_is).rowcount)
        impl = self.operations.migration_context.impl
        impl.static_output(f"{sql}{impl.command_terminator}")
        return 0

    def progress(self, step: str, **more: Any) -> Progress:
        return Progress(
            self.conductor.revision, self.operation, self.table, step, self.number, self.of, **more
        )

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Name the step for the journal and for those who watch; ask whether there is time for it."""
        self.number += 1
        if not self.offline:
            self.conductor.go_on(self.progress(title))
            self.journal.step(self.entry, self.number, title)
        token = under_way.set(UnderWay(self.operation, self.table, title))
        try:
            yield
        finally:
            under_way.reset(token)

    def once(self, title: str, done: Callable[[], bool], *statements: str, tables: int = 1) -> None:
        """A short transaction, run again from its beginning when a lock is not free; nothing when done.
        Where one statement locks several ``tables``, each gets its part of the budget."""
        with self.step(title):
            if self.offline or not done():
                self.in_transaction(title, lambda: [self.run(sql) for sql in statements], tables)

    def in_transaction(
        self, title: str, body: Callable[[], Any], tables: int = 1, settings: Callable[[], str] = lambda: ""
    ) -> Any:
        """``body`` in a transaction of its own under the lock budget, and with further ``settings`` (SQL that
        goes along with the BEGIN, asked for before each try). Every try begins anew: a savepoint would keep
        the locks that it has."""
        limit, tries = self.conductor.lock_ms // tables, 0
        if self.offline:
            return self._written(body, limit)
        while True:
            try:
                self.ask(f"{BEGIN}; SET LOCAL lock_timeout = {limit}{settings()}")
                self._budget = Budget(limit)
                found = body()
                self.ask("COMMIT")
                return found
            except BaseException as error:
                self.roll_back()
                if not isinstance(error, Exception) or code_of(error) not in LOCK_CODES:
                    raise
                tries += 1
                statement = str(getattr(error, "statement", ""))
                self.conductor.lock_not_free(tries, error, self.progress(title), self.connection, statement)
            finally:
                self._budget = None

    def _written(self, body: Callable[[], Any], lock_ms: int) -> Any:
        self.run("BEGIN")
        self.run(f"SET LOCAL lock_timeout = {lock_ms}")
        found = body()
        self.run("COMMIT")
        return found

    @property
    def ours(self) -> bool:
        """Whether what has the name was made by this operation: it was free when that began."""
        return self.entry.free

    def claim(self) -> None:
        """Note that nothing has the name yet; to be called before it is made."""
        if not self.offline and not self.entry.free:
            self.entry = self.journal.claim(self.entry)

    def start_over(self) -> None:
        """Forget the cursor: the rows that it stands for are no more what they were."""
        if self.entry.cursor is not None:
            self.entry = self.journal.start_over(self.entry)

    def failed(self, why: str, hint: str) -> RevisionFailed:
        """An error that names the operation."""
        revision = f"Revision {self.conductor.revision}, " if self.conductor.revision else ""
        return RevisionFailed(f"{revision}{self.operation} of {self.table}: {why}", hint)

    def roll_back(self) -> None:
        """End what is open, where the connection still lives."""
        self._ask_if_alive("ROLLBACK")

    def _ask_if_alive(self, sql: str) -> None:
        """What ended a step is what people must hear of, not that nobody could be told of it any more."""
        with suppress(Exception):
            self.ask(sql)

    def alone(self, title: str, done: Callable[[], bool], statement: str) -> None:
        """One statement outside of any transaction: CONCURRENTLY, VALIDATE; nothing when done."""
        with self.step(title):
            if self.offline:
                self.run(statement)
            elif not done():
                self.run_long(title, statement)

    def run_long(self, title: str, statement: str, clear: Callable[[], Any] = lambda: None) -> None:
        """Run what waits for others and lets them pass. After a deadlock it is run again; ``clear`` takes
        away what the last try left."""
        tries = 0
        while True:
            try:
                with self._waiting_long():
                    self.run(statement)
                return
            except DBAPIError as error:
                if code_of(error) not in LOCK_CODES:
                    raise
                tries += 1
                self.conductor.lock_not_free(tries, error, self.progress(title), self.connection, statement)
                clear()

    @contextmanager
    def _waiting_long(self) -> Iterator[None]:
        before = self.ask("SELECT current_setting('lock_timeout')")[0][0]
        self.ask(f"SET lock_timeout = {LONG_LOCK_MS}")
        try:
            yield
        finally:
            self._ask_if_alive(f"SET lock_timeout = '{before}'")


@contextmanager
def work(
    operations: Operations, operation: str, table: str, name: str, identity: Mapping[str, Any], of: int
) -> Iterator[Work | None]:
    """An operation from its first step to its last; None when an earlier try has finished it."""
    with work_again(operations, operation, table, name, identity, of) as found:
        yield None if not found.offline and found.entry.finished else found


@contextmanager
def work_again(
    operations: Operations, operation: str, table: str, name: str, identity: Mapping[str, Any], of: int
) -> Iterator[Work]:
    """The same for an operation whose every step asks the catalog: a finished one is gone through again, as
    somebody may have undone it by hand.

    ``name`` is what it makes, for people; ``identity`` all that tells it from others of the revision.
    """
    context = operations.migration_context
    if not context.as_sql and context.connection is not None:
        repair_autocommit(context.connection.engine)
        _refuse_to_be_inside(operation, table, context.connection)
    with context.autocommit_block():
        found = Work(operations, operation, table, of)
        if not found.offline:
            found.begin(name, identity)
        yield found
        if not found.offline:
            found.journal.finish(found.entry)


def _refuse_to_be_inside(operation: str, table: str, connection: Connection) -> None:
    """It commits between its steps, which no block around it would survive."""
    nested = connection.in_nested_transaction()
    level = connection.get_execution_options().get("isolation_level")
    if nested or (level == "AUTOCOMMIT" and connection.in_transaction()):
        block = "begin_nested" if nested else "autocommit_block"
        raise RevisionFailed(
            f"{operation} of {table} stands inside of {block}, and it begins and commits by itself.",
            f"take it out of {block}; nothing of it was done",
        )

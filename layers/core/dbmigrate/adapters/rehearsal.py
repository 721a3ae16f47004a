"""The rehearsal: every revision runs up, down and up again on an empty scratch database, and what it does is
written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import Any

from sqlalchemy import Connection, event

from dbmigrate.adapters import catalog
from dbmigrate.adapters.connection import Limits, Target, connected
from dbmigrate.adapters.history import History
from dbmigrate.adapters.runner import Move, current
from dbmigrate.adapters.tracer import ALEMBICS_OWN, WITH, Tracer
from dbmigrate.domain.catalog import Catalog, changes_between, fingerprint
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.errors import DbMigrateError, RehearsalFailed
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.statements import deletes, overwrites, retyped

Progress = Callable[[int, int, str], None]
MEND = "mend the revision, then: db-migrate validate"


def rehearse(
    history: History, scratch: Target, progress: Progress = lambda done, total, revision: None
) -> Evidence:
    """Run the whole history on ``scratch``, an empty database that nobody else uses, and return the evidence.

    A downgrade that fails is written down and does not stop the rehearsal. Raises RehearsalFailed when an
    upgrade fails.
    """
    with connected(scratch, Limits(application="db-migrate rehearsal")) as connection:
        return _Rehearsal(connection, history).run(progress)


@dataclass(frozen=True)
class _Seen:
    """The way up: the statements, whether some committed inside, what was lost, and what stands after it."""

    statements: tuple[Effects, ...]
    autocommit: bool
    drops: tuple[str, ...]
    after: Catalog
    current: tuple[str, ...]

    @property
    def sql(self) -> tuple[str, ...]:
        return tuple(statement.sql for statement in self.statements)


class _Rehearsal:
    def __init__(self, connection: Connection, history: History) -> None:
        self.connection = connection
        self.history = history
        self.tracer = Tracer(connection)

    def run(self, progress: Progress) -> Evidence:
        seen: dict[str, RevisionEvidence] = {}
        major, _ = self._read(catalog.server_version)
        before = self._read(catalog.snapshot)
        for number, revision in enumerate(self.history.order):
            progress(number, len(self.history.order), revision)
            up = self._go_up(revision)
            trouble, again = self._there_and_back(revision, before, up)
            seen[revision] = self._evidence(revision, before, up, trouble, repeatable(up.sql, again))
            before = up.after
        return Evidence(server_major=major, order=self.history.order, revisions=seen)

    def _go_up(self, revision: str) -> _Seen:
        columns = self._read(catalog.columns_by_identity)
        committed_inside = self._upgrade([revision], self.tracer.watching)
        return _Seen(
            statements=tuple(self.tracer.seen),
            autocommit=committed_inside,
            drops=_dropped(columns, self._read(catalog.columns_by_identity)),
            after=self._read(catalog.snapshot),
            current=self._read(current),
        )

    def _evidence(
        self, revision: str, before: Catalog, up: _Seen, trouble: str | None, shown: tuple[str, ...]
    ) -> RevisionEvidence:
        facts = self.history.revisions[revision]
        return RevisionEvidence(
            revision=revision,
            down=facts.down,
            file=facts.file,
            source_digest=facts.source_digest,
            doc=facts.doc,
            fingerprint=fingerprint(up.after),
            changes=changes_between(before, up.after),
            statements=tuple(replace(seen, sql=sql) for seen, sql in zip(up.statements, shown, strict=True)),
            autocommit=up.autocommit,
            round_trip=trouble is None,
            round_trip_error=trouble,
            drops=up.drops,
            overwrites=tuple(sorted({*overwrites(up.sql), *retyped(before, up.after)})),
            deletes=tuple(deletes(up.sql)),
            allows=facts.allows,
            misread=facts.misread,
        )

    def _upgrade(
        self, revisions: list[str], around: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> bool:
        """Whether the last of them committed inside."""
        move = Move(self.connection, self.history, "upgrade", _no_record, around=around)
        try:
            move.run(revisions)
        except DbMigrateError as error:
            raise RehearsalFailed(
                f"The rehearsal on a scratch database failed. {error.message}", MEND
            ) from error
        return move.committed_inside

    def _there_and_back(
        self, revision: str, before: Catalog, up: _Seen
    ) -> tuple[str | None, tuple[str, ...]]:
        """What is wrong with the way back, None when both catalogs came out the same; and the statements of
        the second way up, as far as it came."""
        again: list[str] = []
        try:
            Move(self.connection, self.history, "downgrade", _no_record).run([revision])
            trouble = _difference("downgrade", before, self._read(catalog.snapshot))
            if trouble is None:
                with _written_down(self.connection) as again:
                    self._upgrade([revision])
                trouble = _difference("second upgrade", up.after, self._read(catalog.snapshot))
        except DbMigrateError as error:
            trouble = f"the way back fails: {error.message}"
        if trouble and (self._read(current), self._read(catalog.snapshot)) != (up.current, up.after):
            self._build_again(revision, up.after)
        return trouble, _of_the_revision(again)

    def _build_again(self, revision: str, after: Catalog) -> None:
        """A way back that failed may have left anything: begin anew, so that it spoils nothing after it."""
        catalog.drop_everything(self.connection, [])
        self.connection.commit()
        self._upgrade(list(self.history.order[: self.history.order.index(revision) + 1]))
        trouble = _difference("second try from an empty database", after, self._read(catalog.snapshot))
        if trouble:
            raise RehearsalFailed(f"{revision} does not come out the same twice: {trouble}.", MEND)

    def _read(self, read: Callable[[Connection], Any]) -> Any:
        found = read(self.connection)
        self.connection.commit()
        return found


def _difference(way: str, wanted: Catalog, found: Catalog) -> str | None:
    names = [f"{kind} {name}" for kind, name, _ in changes_between(wanted, found)]
    return f"the {way} leaves other objects: {', '.join(names[:5])}" if names else None


def _no_record(connection: Connection, revision: str, seconds: float, lock_waits: int) -> None:
    """Nothing is recorded about a scratch database."""


def _dropped(before: dict[tuple[int, int], str], after: dict[tuple[int, int], str]) -> tuple[str, ...]:
    """Columns that lost their identity; a table with all its columns gone is named once."""
    gone = sorted(name for key, name in before.items() if key not in after)
    relations = {relation for relation, _ in after}
    tables = {name.rpartition(".")[0] for (relation, _), name in before.items() if relation not in relations}
    return tuple(sorted(tables)) + tuple(name for name in gone if name.rpartition(".")[0] not in tables)


def _of_the_revision(statements: list[str]) -> tuple[str, ...]:
    return tuple(statement for statement in statements if not ALEMBICS_OWN.search(statement))


def repeatable(first: tuple[str, ...], again: tuple[str, ...]) -> tuple[str, ...]:
    """The statements without what a clock or a random number put into them: the same revisions must make the
    same bundle, else production would never meet the one that staging proved. Where there was no second way
    up to compare with, no values are shown."""
    if len(first) != len(again):
        again = ("",) * len(first)
    return tuple(
        one if one == other else _common(one, other) for one, other in zip(first, again, strict=True)
    )


def _common(one: str, other: str) -> str:
    text, values, _ = one.partition(WITH)
    if not other or text == other.partition(WITH)[0]:
        return f"{text}{WITH}values that are not the same each time" if values and other else text
    same = commonprefix([text, other])
    return f"{same.rpartition(chr(39))[0] or same.rpartition(' ')[0]} …  -- not the same each time"


@contextmanager
def _written_down(connection: Connection) -> Iterator[list[str]]:
    """Every statement that runs meanwhile, with the values that went along."""
    statements: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        values = f"{WITH}{parameters!r}" if parameters else ""
        statements.append(statement.strip() + values)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(connection, "before_cursor_execute", note)

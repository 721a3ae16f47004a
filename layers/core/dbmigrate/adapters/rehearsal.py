"""The rehearsal: revisions run up, down and up again on a scratch database, and what they do is written
down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from dbmigrate.adapters import catalog
from dbmigrate.adapters.connection import Limits, Target, connected
from dbmigrate.adapters.history import History
from dbmigrate.adapters.rehearsal_attempts import Attempts
from dbmigrate.adapters.rehearsal_moves import Moved, Steps, Unlike, difference
from dbmigrate.adapters.rehearsal_rows import Keeper, names_after
from dbmigrate.adapters.rehearsal_seen import Back, Up, evidence, mentioned
from dbmigrate.adapters.rehearsal_text import written_down
from dbmigrate.adapters.runner import current
from dbmigrate.adapters.tracer import Tracer
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.errors import DbMigrateError, RehearsalFailed, RevisionFailed
from dbmigrate.domain.evidence import Evidence, RevisionEvidence

Progress = Callable[[int, int, str], None]
MEND = "mend the revision, then: db-migrate validate"
# A server takes these from the machine that it was made on, and PostgreSQL's text of bounds and defaults, in
# the evidence and so in the bundle's digest, follows them.
ANYWHERE = {"TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres"}
SESSION = Limits(application="db-migrate rehearsal", also=ANYWHERE)


def rehearse(
    history: History,
    scratch: Target,
    progress: Progress = lambda done, total, revision: None,
    revisions: Sequence[str] | None = None,
    seed: bool = True,
) -> Evidence:
    """Run revisions on ``scratch``, a database that nobody else uses, and return the evidence: of those
    given, or of all that the database has not; an empty one has none.

    With ``seed`` every table that can be filled holds a few rows before each revision. A downgrade that fails
    is written down and does not stop the rehearsal. Raises RehearsalFailed when an upgrade fails.
    """
    with connected(scratch, SESSION) as connection:
        try:
            return _Rehearsal(connection, history, seed).run(revisions, progress)
        except _LostTrack as lost:
            again = _Rehearsal(connection, history, seed, whole=True)
            again.attempts.begin_anew(lost.base)
            return again.run(revisions, progress)


class _LostTrack(Exception):
    """Reading the catalog only where it changed came to another end than reading it whole."""

    def __init__(self, base: Sequence[str]) -> None:
        self.base = base


def prepare_base(history: History, scratch: Target, revisions: Sequence[str], seed: bool = True) -> None:
    """Bring ``scratch`` to these revisions without looking, and fill its tables: what a rehearsal of those
    that follow begins with. Raises RehearsalFailed."""
    with connected(scratch, SESSION) as connection:
        attempts = _Rehearsal(connection, history, seed).attempts
        attempts.bare(revisions)
        attempts.seed_all()


class _Rehearsal:
    def __init__(self, connection: Connection, history: History, seed: bool, whole: bool = False) -> None:
        self.connection = connection
        self.history = history
        self.steps = Steps(connection, history, whole)
        self.tracer = Tracer(connection)
        self.keeper = Keeper(connection, seed)
        self.attempts = Attempts(connection, self.steps, self.tracer, self.keeper)

    def run(self, revisions: Sequence[str] | None, progress: Progress) -> Evidence:
        major, _ = catalog.server_version(self.connection)
        applied = self.history.applied(current(self.connection))
        todo = [r for r in self.history.order if r not in applied] if revisions is None else list(revisions)
        base = self.steps.look()
        self.attempts.seed_all()
        seen: dict[str, RevisionEvidence] = {}
        for number, revision in enumerate(todo):
            progress(number, len(todo), revision)
            seen[revision] = self._rehearse(revision)
        below = tuple(revision for revision in self.history.order if revision in applied)
        followed = self.steps.catalog
        if difference(followed, self.steps.look()):
            raise _LostTrack(below)
        plain = {kind: dict(objects) for kind, objects in base.items()} if below else {}
        return Evidence(major, tuple(todo), seen, below, plain)

    def _rehearse(self, revision: str) -> RevisionEvidence:
        before = self.steps.catalog
        up = self._go_up(revision)
        back = self._there_and_back(revision, before, up)
        self._keep_rows(up, back)
        return evidence(self.history.revisions[revision], before, up, back, self.attempts.roles)

    def _go_up(self, revision: str) -> Up:
        moved, emptied = self.attempts.up(revision)
        after = self.tracer.mirror.relations
        names, rows = names_after(self.tracer.start, after), self.keeper.rows
        touched = {table for table in rows if moved.touches(names.now(table))} - names.gone
        now = self.keeper.read(map(names.now, touched))
        named = mentioned(self.tracer.seen)
        return Up(
            moved=moved,
            statements=tuple(self.tracer.seen),
            names=names,
            tables=frozenset(relation.name for relation in after.values() if relation.kind == "r"),
            touched=frozenset(touched | (names.gone & rows.keys())),
            changed=self.keeper.lost(touched, now, names),
            unseeded=frozenset(emptied | (self.keeper.empty & (touched | named))),
        )

    def _there_and_back(self, revision: str, before: Catalog, up: Up) -> Back:
        back = Back()
        try:
            down = self._go("downgrade", revision, before, back.down)
        except (DbMigrateError, Unlike) as error:
            back.trouble = _trouble(error)
            if not isinstance(error, RevisionFailed) or self.steps.begun():
                self._build_again(revision, up, back)
            return back
        compared = up.touched | {table for table in self.keeper.rows if down.touches(table)}
        back.losses = self.keeper.lost(compared, self.keeper.read(compared))
        try:
            again = self._go("upgrade", revision, up.moved.catalog, back.again)
            back.touched = _both(down.tables, again.tables)
        except (DbMigrateError, Unlike) as error:
            back.trouble = _trouble(error)
            self._build_again(revision, up, back)
        return back

    def _go(self, direction: str, revision: str, like: Catalog, statements: list[str]) -> Moved:
        return self.steps.go(direction, revision, lambda: written_down(self.connection, statements), like)

    def _build_again(self, revision: str, up: Up, back: Back) -> None:
        """A way back that failed may have left anything: begin anew, so that it spoils nothing after it."""
        back.touched = None
        self.attempts.begin_anew(self.history.order[: self.history.order.index(revision) + 1])
        names = difference(up.moved.catalog, self.steps.look())
        if names:
            raise RehearsalFailed(
                f"{revision} does not come out the same twice: the second try, from an empty database, "
                f"leaves other objects: {names}.",
                MEND,
            )

    def _keep_rows(self, up: Up, back: Back) -> None:
        touched = _both(up.moved.tables, back.touched)
        renamed = {up.names.now(table) for table in touched or ()}
        self.keeper.follow(up.names, up.tables, up.tables if touched is None else touched | renamed)


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


def _trouble(error: Exception) -> str:
    cause = error if isinstance(error, Unlike) else error.__cause__
    if isinstance(cause, Unlike):
        return str(cause)
    return f"the way back fails: {getattr(error, 'message', error)}"

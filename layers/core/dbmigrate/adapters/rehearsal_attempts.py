"""The way up, tried again where scratch itself is in its way: seeds that it cannot take, roles that are not
there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from dbmigrate.adapters import catalog
from dbmigrate.adapters.login import facts_of
from dbmigrate.adapters.rehearsal_hints import mending
from dbmigrate.adapters.rehearsal_moves import Moved, Steps
from dbmigrate.adapters.rehearsal_roles import make_role, missing_role, roles_made
from dbmigrate.adapters.rehearsal_rows import Keeper
from dbmigrate.adapters.runner import current
from dbmigrate.adapters.said import sqlstate
from dbmigrate.adapters.tracer import Tracer
from dbmigrate.domain.errors import DbMigrateError, RehearsalFailed, RevisionFailed, RevisionHalfApplied

Refused = RevisionFailed | RevisionHalfApplied
PROGRAM_ERRORS = "42"  # syntax error or access rule violation: no row has a part in it


class Attempts:
    """Upgrades that fail for want of something are tried again when it can be had."""

    def __init__(self, connection: Connection, steps: Steps, tracer: Tracer, keeper: Keeper) -> None:
        self.connection = connection
        self.steps = steps
        self.tracer = tracer
        self.keeper = keeper
        self.roles = roles_made(connection)
        self._reseeded = False

    def seed_all(self) -> None:
        """Fill every empty table."""
        self.tracer.mirror.read_all()
        relations = self.tracer.mirror.relations.values()
        self.keeper.start([relation.name for relation in relations if relation.kind == "r"])

    def up(self, revision: str) -> tuple[Moved, set[str]]:
        """The upgrade under the tracer, and the tables that had to be emptied for it.

        Raises RehearsalFailed.
        """
        emptied: set[str] = set()
        self._reseeded = False
        while True:
            try:
                return self.steps.go("upgrade", revision, self.tracer.watching), emptied
            except (RevisionFailed, RevisionHalfApplied) as error:
                if not self._make_way(error, emptied):
                    raise _failed(error) from error
            except DbMigrateError as error:
                raise _failed(error) from error

    def begin_anew(self, revisions: Sequence[str]) -> None:
        """Empty the database and bring it to these revisions. Raises RehearsalFailed."""
        catalog.drop_everything(self.connection, [])
        self.connection.commit()
        self.bare(revisions)

    def bare(self, revisions: Sequence[str]) -> None:
        """Upgrade by all of these and look at nothing. A revision that needs rows gets seeds.

        Raises RehearsalFailed.
        """
        stuck: tuple[str, ...] | None = None
        todo = list(revisions)
        while todo:
            try:
                self.steps.bare(todo)
                return
            except RevisionFailed as error:
                at = current(self.connection)
                if not self._make_role(error):
                    if stuck == at:
                        raise _failed(error) from error
                    stuck = at
                    self.seed_all()
                applied = self.steps.history.applied(at)
                todo = [revision for revision in revisions if revision not in applied]
            except DbMigrateError as error:
                raise _failed(error) from error

    def _make_way(self, error: Refused, emptied: set[str]) -> bool:
        """Whether another try has a chance."""
        near = self._near(error)
        if isinstance(error, RevisionHalfApplied) or self._operated():
            self._undo_the_half(emptied)
        return self._make_role(error) or self._empty(error, near, emptied)

    def _operated(self) -> bool:
        """Whether safe operations were at work: what they did is committed, and evidence must see all of
        it in one go."""
        return any(effects.operation for effects in self.tracer.seen)

    def _undo_the_half(self, emptied: set[str]) -> None:
        """What it committed before it failed cannot be rolled back."""
        history = self.steps.history
        applied = history.applied(current(self.connection))
        self.begin_anew([revision for revision in history.order if revision in applied])
        self.steps.look()
        self.seed_all()
        self._reseeded = True
        if emptied:
            self.keeper.clear(emptied)

    def _make_role(self, error: Refused) -> bool:
        role = missing_role(error.__cause__)
        if role is None or role in self.roles:
            return False
        make_role(self.connection, role)
        self.roles.append(role)
        return True

    def _empty(self, error: Refused, near: set[str], emptied: set[str]) -> bool:
        """Give the tables that the revision was at when it failed other rows, made for the schema as it is by
        now; if that is not enough, empty them, and then all."""
        if error.__cause__ is not None and sqlstate(error.__cause__).startswith(PROGRAM_ERRORS):
            return False
        full = self.keeper.rows.keys() - self.keeper.empty
        near = (near & full) or full
        if not near:
            return False
        cleared = self.keeper.clear(near)
        if self._reseeded:
            emptied |= cleared
        else:
            self.keeper.fill()
        self._reseeded = True
        return True

    def _near(self, error: Refused) -> set[str]:
        names = {self.tracer.first[oid] for oid in self.tracer.touched if oid in self.tracer.first}
        facts = facts_of(getattr(error.__cause__, "orig", error.__cause__))
        if "t" in facts:
            names.add(f"{facts.get('s', 'public')}.{facts['t']}")
        return names


def _failed(error: DbMigrateError) -> RehearsalFailed:
    return RehearsalFailed(
        f"The rehearsal on a scratch database failed. {error.message}", mending(error.__cause__)
    )

"""The fence: between a recovery's beginning and its end nobody but us connects to the instance.

The rights that are taken stand on record in the same transaction (dbmigrate.fence), so that whoever comes
after a crash knows what to give back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, text

from dbmigrate.adapters import fence_sessions, fence_tables, grants, ledger
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.grants import Place
from dbmigrate.adapters.migrators import only_migrator
from dbmigrate.domain.errors import FenceFailed, RunInProgress, WrongInstance
from dbmigrate.domain.standing import DIRECT

PATIENCE_SECONDS = 30.0
"""How long sessions are told to end, and looked for again."""
LOCK_MS = 5000
"""The rows of pg_database are locked by nobody for long; a recovery rather waits than fails."""
HOLDER = """
SELECT name, bundle, started_at FROM dbmigrate.run WHERE ended_at IS NULL AND name <> :recovery"""
DEAD = """
UPDATE dbmigrate.run SET ended_at = clock_timestamp(), outcome = 'Abandoned'
 WHERE ended_at IS NULL AND bundle = :direct"""


class Gate:
    """The databases of the instance that ``database`` is one of."""

    def __init__(self, database: Database, patience: float = PATIENCE_SECONDS) -> None:
        limits = replace(database.limits, lock=LOCK_MS)
        self._database = Database(database.target, database.environment, limits)
        self._patience = patience

    def is_marked(self, recovery: str) -> bool:
        """Whether this is the copy that the recovery has verified, and not the old instance."""
        with self._database.session("db-migrate fence") as connection:
            return fence_tables.is_marked(connection, recovery)

    def shut(self, recovery: str) -> tuple[list[str], int, list[str]]:
        """Take the right to connect from everybody else and end their sessions; says on which databases
        something changed, how many sessions were ended, and who can get in all the same.

        Raises FenceFailed, with nothing changed where a right is missing; RunInProgress while a run works.
        """
        with self._alone() as connection:
            ledger.create(connection, self._database.environment)
            _refuse_other_fence(connection, recovery)
            _refuse_runs(connection, recovery)
            places = grants.places(connection)
            names = [place.name for place in places]
            _refuse_what_we_may_not(connection, places)
            changed = _take(connection, recovery, places)
            notes = _members(grants.still_in(connection, names))
            connection.commit()
            # What is committed keeps new sessions out, so the old ones are counted to an end.
            ended, left = fence_sessions.end_clients(connection, names, self._patience)
            if left:
                raise FenceFailed(
                    f"{left} sessions are still there, {self._patience:.0f} s after they were told to end.",
                    "look at them: SELECT pid, usename, state, query FROM pg_stat_activity; then: "
                    f"db-migrate recover --resume {recovery}",
                )
            return changed, ended, [*notes, *fence_sessions.notes(connection, names)]

    def lift(self, recovery: str) -> tuple[list[str], list[str]]:
        """Give the rights back on the old instance, exactly; says on which databases something changed, and
        what could not be written as it was. Raises WrongInstance on the copy."""
        with self._alone() as connection:
            if fence_tables.is_marked(connection, recovery):
                raise WrongInstance(
                    f"{self._database.target.place} is the copy of recovery {recovery}, and not the old one.",
                    f"db-migrate recover --resume {recovery}",
                )
            _refuse_other_fence(connection, recovery)
            changed, notes = _restore(connection)
            if ledger.exists(connection):
                ledger.close_run(connection, recovery, "RecoveryAbandoned", "")
            connection.commit()
            return changed, notes

    def open(self, recovery: str) -> tuple[list[str], list[str]]:
        """Let the application into the copy: with the rights that a fence inside it has on record, and no run
        open that nobody works on. Raises WrongInstance on any other instance."""
        with self._alone() as connection:
            if not fence_tables.is_marked(connection, recovery):
                raise WrongInstance(
                    f"{self._database.target.place} does not bear the mark of recovery {recovery}: the name "
                    "leads to the old instance yet.",
                    f"wait for the rename to arrive, then: db-migrate recover --resume {recovery}",
                )
            changed, notes = _restore(connection)
            overtaken = fence_tables.close_overtaken(connection, recovery)
            ledger.close_run(connection, recovery, "Recovered", "")
            connection.commit()
            more = (
                [f"{overtaken} runs that were open when the copy was made are closed."] if overtaken else []
            )
            return changed, notes + more

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A session beside which no migrator and no other fence works."""
        with self._database.session("db-migrate fence") as connection, only_migrator(connection):
            ledger.check_environment(connection, self._database.environment)
            yield connection


def _refuse_runs(connection: Connection, recovery: str) -> None:
    """What works on the database would be cut by the fence or lost with the instance: a person stops it. A
    direct run holds the migrators' lock while it lives, and we have that."""
    connection.execute(text(DEAD), {"direct": DIRECT})
    holder = connection.execute(text(HOLDER), {"recovery": recovery}).one_or_none()
    if holder is not None:
        raise RunInProgress(
            f"Run {holder.name} has held this database since {holder.started_at:%Y-%m-%d %H:%M:%S %Z}; a "
            "recovery would take away what it works on.",
            f"db-migrate stop {holder.name}, then: db-migrate recover",
        )


def _refuse_other_fence(connection: Connection, recovery: str) -> None:
    for row in fence_tables.standing(connection):
        if row.recovery != recovery:
            raise FenceFailed(
                f"Recovery {row.recovery} has fenced {row.database} since {row.fenced_at:%Y-%m-%d %H:%M:%S}.",
                f"go on with it: db-migrate recover --resume {row.recovery}; or give it up: "
                f"db-migrate recover --abandon {row.recovery}",
            )


def _refuse_what_we_may_not(connection: Connection, places: Sequence[Place]) -> None:
    """Before anything is changed: half a fence keeps nobody out."""
    me = connection.exec_driver_sql("SELECT quote_ident(current_user)").scalar_one()
    foreign = [place for place in places if place.acting is None]
    if foreign:
        raise FenceFailed(
            f"Who may connect to {', '.join(place.name for place in foreign)} is not ours to say: {me} "
            "neither owns it nor is a member of its owner.",
            "as the administrator: "
            + "; ".join(f"ALTER DATABASE {place.quoted} OWNER TO {me}" for place in foreign)
            + " (or GRANT "
            + ", ".join(sorted({place.owner for place in foreign}))
            + f" TO {me}); then: db-migrate recover",
        )
    if roles := fence_sessions.roles_beyond_us(connection, [place.name for place in places]):
        raise FenceFailed(
            f"The sessions of {', '.join(roles)} may not be ended by {me}.",
            f"as the administrator: GRANT pg_signal_backend TO {me}; then: db-migrate recover",
        )


def _take(connection: Connection, recovery: str, places: Sequence[Place]) -> list[str]:
    fence_tables.create(connection)
    fence_tables.take_lease(connection, recovery, fence_tables.OF_FENCE)
    changed = []
    for place in places:
        fence_tables.record(connection, recovery, place.name)
        if grants.take_connect(connection, place):
            changed.append(place.name)
    return changed


def _restore(connection: Connection) -> tuple[list[str], list[str]]:
    changed: list[str] = []
    notes: list[str] = []
    there = {place.name: place for place in grants.places(connection)}
    rows = fence_tables.standing(connection)
    for row in rows:
        if row.database not in there:
            notes.append(f"Database {row.database} is gone since it was fenced.")
            continue
        wrote, more = grants.give_back(connection, there[row.database], row.acl, row.connection_limit)
        changed += [row.database] if wrote else []
        notes += more
    if rows:
        fence_tables.lift(connection)
    return changed, notes


def _members(found: Sequence[tuple[str, list[str]]]) -> list[str]:
    return [
        f"{role} can connect to {', '.join(names)} yet, as a member of a role of ours: REVOKE that "
        f"membership, or ALTER ROLE {role} NOLOGIN until the recovery is over."
        for role, names in found
    ]

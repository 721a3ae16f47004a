"""The copy that a drill has restored: the only database on which a rehearsal may run."""

from __future__ import annotations

from dbmigrate.adapters import fence_tables, ledger
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.lock_watch import LockWatch
from dbmigrate.adapters.migrators import only_migrator
from dbmigrate.domain.drill import run_of
from dbmigrate.domain.errors import WrongInstance

SIZE = "SELECT pg_database_size(current_database())"


class RestoredCopy(Database):
    """Who opens one has seen that its address is not the database's own; ``adopt`` sees its mark."""

    def adopt(self, drill: str) -> None:
        """Close the runs that were open when the copy was made: nobody works on them here.

        Raises WrongInstance unless the copy bears the mark that the drill's verification has left."""
        with self.session(f"db-migrate {drill}") as connection, only_migrator(connection):
            ledger.check_environment(connection, self.environment)
            if not fence_tables.is_marked(connection, drill):
                raise WrongInstance(
                    f"{self.target.place} does not bear the mark of {drill}, so nothing is tried on it.",
                    "start another drill: db-migrate drill",
                )
            if fence_tables.close_overtaken(connection, run_of(drill)):
                connection.commit()

    def size(self) -> int:
        """How many bytes it holds."""
        with self.session("db-migrate look") as connection:
            return int(connection.exec_driver_sql(SIZE).scalar_one())

    def watch(self) -> LockWatch:
        """Its locks, while somebody works there."""
        return LockWatch(self.target, self.limits)

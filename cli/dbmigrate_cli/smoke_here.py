"""Smoke queries after a deploy or a rollback in development, where no state machine verifies."""

from __future__ import annotations

from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import VerificationFailed
from dbmigrate.domain.words import counted
from dbmigrate_cli.options import Options


def ask_smoke_queries(options: Options, history: History, database: Database) -> None:
    """Ask those that are due. Raises VerificationFailed naming those that are not answered."""
    smoke = history.smoke_queries()
    if not smoke:
        return
    applied = history.applied(database.current())
    due = [query for query in smoke if query.is_due(applied)]
    wrong = database.unanswered(due)
    if wrong:
        raise VerificationFailed(
            "The database does not answer what the application asks:\n"
            + "\n".join(f"  {line}" for line in wrong),
            "mend the revision or smoke.sql, then: db-migrate reset",
        )
    options.output.note(f"{counted(len(due), 'smoke query', 'smoke queries')} answered.")

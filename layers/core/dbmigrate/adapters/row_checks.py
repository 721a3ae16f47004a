"""What a database is asked about its rows: what a way back would drop, what a run left, what the application
needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from dbmigrate.adapters import counting, ledger, rows_written, smoke

if TYPE_CHECKING:
    from dbmigrate.domain.smoke import Smoke


class RowChecks(ABC):
    """The part of Database that looks at rows."""

    @abstractmethod
    def session(self, application: str = ...) -> AbstractContextManager[Connection]: ...

    def held(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows these tables and values these columns hold; what takes long to count is left out."""
        with self.session("db-migrate look") as connection:
            return counting.held(connection, names)

    def remained(self, revisions: Sequence[str]) -> dict[str, dict[str, int]]:
        """What these revisions, up and down again, have added to tables or taken from them, in rows."""
        with self.session("db-migrate look") as connection:
            return rows_written.remained(connection, revisions) if ledger.exists(connection) else {}

    def unanswered(self, queries: Sequence[Smoke]) -> list[str]:
        """The smoke queries whose answer is not what it must be, and how, a sentence each."""
        if not queries:
            return []
        with self.session("db-migrate smoke") as connection:
            return smoke.unanswered(connection, queries)

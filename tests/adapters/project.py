"""Small Alembic projects and databases, as the tests of this folder write and look at them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pg8000.native

from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History, load_history

REVISION = '''"""{doc}

Rollback: undo it; nothing is lost.
"""
from alembic import op

revision = {id!r}
down_revision = {down!r}
{more}

def upgrade():
{up}


def downgrade():
{back}
'''
FACTS: dict[str, str | None] = {
    "bundle": "sha256:b",
    "plan": "sha256:p",
    "direction": "upgrade",
    "requested_by": "ann",
}


@dataclass(frozen=True)
class Project:
    """A script location below a test's own folder."""

    folder: Path

    def add(
        self,
        id: str,
        down: str | tuple[str, ...] | None,
        up: str = "pass",
        back: str = "pass",
        more: str = "",
        doc: str = "Because a test wants it.",
    ) -> Project:
        """Write a revision; ``up`` and ``back`` are Python, or SQL when they begin with a capital letter."""
        text = REVISION.format(id=id, down=down, more=more, doc=doc, up=body(up), back=body(back))
        return self.write(f"{id}_change.py", text)

    def write(self, name: str, text: str) -> Project:
        """Write a file of versions/ as it is."""
        (self.folder / "versions").mkdir(parents=True, exist_ok=True)
        (self.folder / "versions" / name).write_text(text)
        return self

    def history(self) -> History:
        (self.folder / "versions").mkdir(parents=True, exist_ok=True)
        return load_history(self.folder)


def body(code: str) -> str:
    """Indented Python; each line of SQL becomes an op.execute."""
    if code[0].isupper():
        code = "\n".join(f"op.execute({line!r})" for line in code.splitlines())
    return "\n".join(f"    {line}" for line in code.splitlines())


def concurrently(sql: str) -> str:
    """Python that runs one statement in an autocommit_block."""
    return f"with op.get_context().autocommit_block():\n    op.execute({sql!r})"


def move(database: Database, history: History, *revisions: str, run: str = "run-1", **more: Any) -> None:
    """Upgrade by these revisions, or by all that are pending."""
    todo = list(revisions) or history.pending(database.current())
    database.move(history, todo, more.pop("direction", "upgrade"), run, FACTS, **more)


@contextlib.contextmanager
def connected(url: str, user: str = "postgres") -> Iterator[pg8000.native.Connection]:
    """A session of somebody else."""
    parts = urlsplit(url)
    connection = pg8000.native.Connection(
        user,
        parts.hostname,
        parts.path.lstrip("/"),
        parts.port,
        application_name="somebody else",
        timeout=30,
        ssl_context=False,
    )
    try:
        yield connection
    finally:
        with contextlib.suppress(pg8000.Error, OSError):
            connection.close()


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with connected(url) as connection:
        return [tuple(row) for row in connection.run(query) or []]


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait for a condition to hold; returns what it returned."""
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.005)
    return found
